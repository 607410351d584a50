"""What must be known before a visit: the intake questions of everything in it, and what was answered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import Catalog
from booking_core.models import Booking, State
from booking_core.placed import request_of
from booking_core.planning import on_offer, steps_of
from booking_core.records import write_audit
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from booking_core.rules.lifecycle import CANCELLED
from booking_core.rules.questions import Question, check_answers, read_questions


def questions_of(catalog: Catalog, wanted: VisitRequest) -> list[Question]:
    """Return the questions of a visit's services and of their parts, each once."""
    services = [on_offer(catalog, one) for one in wanted.service_ids]
    services += [step.service for step in steps_of(catalog, wanted)]
    found = {one.key: one for service in services for one in read_questions(service.questions)}
    return list(found.values())


def questions_for(catalog: Catalog, booking: Booking) -> list[Question]:
    """Return the questions of a booking, also where a service of it is not sold any more."""
    return questions_of(catalog, request_of(catalog, booking))


async def answer(
    session: AsyncSession,
    catalog: Catalog,
    booking: Booking,
    answers: Mapping[str, Any],
    *,
    now: datetime,
    actor: str,
) -> Booking:
    """Add answers to those of a booking, which is locked; None takes one away.

    Those that lack may still come. Refuses what is no answer, and bookings that will not take place. The audit keeps
    which questions were answered, not how.
    """
    if booking.state in CANCELLED or booking.state == State.EXPIRED:
        raise BookingRefused(Reason.NOT_NOW, state=booking.state, move="answer")
    questions = questions_for(catalog, booking)
    asked = {one.key for one in questions}
    # What was asked once and is not asked any more stays as it was said.
    old = {key: value for key, value in booking.answers.items() if key not in asked and key not in answers}
    wanted = {
        key: value for key, value in {**booking.answers, **answers}.items() if key not in old and value is not None
    }
    checked = check_answers(questions, wanted, partly=True)
    if checked.errors:
        raise BookingRefused(Reason.NEEDS_ANSWERS, questions={key: why.value for key, why in checked.errors.items()})
    new = {**old, **checked.values}
    if new != booking.answers:
        changed = sorted(key for key in {*new, *booking.answers} if new.get(key) != booking.answers.get(key))
        booking.answers, booking.updated_at = new, now
        write_audit(session, booking, "answer", actor=actor, now=now, questions=changed)
        await session.flush()
    return booking

"""One booking with everything that is known of it: what the drawer shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.agenda import load_visit
from booking_core.blocks import Visit
from booking_core.catalog import Catalog
from booking_core.models import Booking, BookingAudit, Customer, Location, State
from booking_core.placed import part_times
from booking_core.records import load
from booking_core.refusals import BookingRefused
from booking_core.rules.lifecycle import MOVES, Move
from booking_core.rules.policy import Terms, cancellation_terms
from booking_core.rules.questions import Kind, Question, read_questions
from bot.console.cards import hue_of, service_name, visit_name
from bot.models import User
from channels.models import Conversation
from payment_links import links

#: Who is early may be checked in; the core has the same bound.
_EARLY = timedelta(hours=12)


class Step(StrEnum):
    """What staff can do with a booking by one button."""

    CONFIRM = "confirm"
    APPROVE = "approve"
    DECLINE = "decline"
    CHECK_IN = "check-in"
    UNDO_CHECK_IN = "undo-check-in"
    COMPLETE = "complete"
    NO_SHOW = "no-show"
    CANCEL = "cancel"


_MOVES = {
    Step.CONFIRM: Move.CONFIRM,
    Step.APPROVE: Move.APPROVE,
    Step.DECLINE: Move.DECLINE,
    Step.CHECK_IN: Move.CHECK_IN,
    Step.UNDO_CHECK_IN: Move.UNDO_CHECK_IN,
    Step.COMPLETE: Move.COMPLETE,
    Step.NO_SHOW: Move.MARK_NO_SHOW,
    Step.CANCEL: Move.CANCEL_BY_BUSINESS,
}
#: Only once the visit has begun.
_LATER = frozenset({Step.COMPLETE, Step.NO_SHOW})


@dataclass(frozen=True, slots=True)
class PartLine:
    """One part of the visit."""

    service: str
    hue: int
    people: tuple[str, ...]
    rooms: tuple[str, ...]
    starts: datetime
    ends: datetime
    #: When the customer only waits and whoever does it is free.
    idle: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class Happened:
    """One entry of the history; `by`: the person's name, or who else it was."""

    at: datetime
    move: str
    by: str | None
    actor: str
    was: datetime | None
    #: It was moved to the time at which it was: to others, or to another room.
    handed_on: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """A booking as the drawer shows it."""

    booking: Booking
    place: Location
    customer: str | None
    conversation: Conversation | None
    service: str
    parts: Sequence[PartLine]
    extras: Sequence[str]
    #: (question, answer) in the order in which they are asked.
    answers: Sequence[tuple[str, Any]]
    history: Sequence[Happened]
    paid: int
    asked_to_pay: bool
    steps: frozenset[Step]
    movable: bool
    #: What a cancellation means for the money: by us, and by the customer.
    by_us: Terms
    by_customer: Terms

    @property
    def can_be_told(self) -> bool:
        """Whether there is a thread in which the customer can be told."""
        return self.conversation is not None and self.conversation.opted_out_at is None


async def load_details(
    session: AsyncSession, catalog: Catalog, booking_id: UUID, *, language: str, now: datetime
) -> Details:
    """Return a booking of the business; LookupError for an unknown one."""
    business_id = catalog.business.id
    try:
        booking = await load(session, business_id, booking_id)
    except BookingRefused:
        raise LookupError("no such booking") from None
    customer = await session.get(Customer, (business_id, booking.customer_id))
    conversation = None
    if booking.conversation_id is not None:
        conversation = await session.get(Conversation, (business_id, booking.conversation_id))
    paid = await links.paid_amount(session, business_id, booking.id)
    snapshot, starts = booking.policy_snapshot, booking.starts
    return Details(
        booking=booking,
        place=catalog.location(booking.location_id),
        customer=customer.name if customer else None,
        conversation=conversation,
        service=visit_name(catalog, booking, language),
        parts=_parts(catalog, await load_visit(session, catalog, booking), language),
        extras=_extras(catalog, booking, language),
        answers=_answers(catalog, booking, language),
        history=await _history(session, booking),
        paid=paid,
        asked_to_pay=await links.current_link(session, business_id, booking.id) is not None,
        steps=steps_for(booking, now=now),
        movable=(booking.state, Move.RESCHEDULE) in MOVES,
        by_us=cancellation_terms(snapshot, starts=starts, paid=paid, now=now, by_business=True),
        by_customer=cancellation_terms(snapshot, starts=starts, paid=paid, now=now),
    )


def steps_for(booking: Booking, *, now: datetime) -> frozenset[Step]:
    """Return what can be done with a booking now."""
    state = State(booking.state)
    found = {step for step, move in _MOVES.items() if (state, move) in MOVES}
    if booking.starts > now:
        found -= _LATER
    if booking.starts - _EARLY > now:
        found -= {Step.CHECK_IN, Step.UNDO_CHECK_IN}
    return frozenset(found)


def _parts(catalog: Catalog, visit: Visit, language: str) -> list[PartLine]:
    lines, booking = [], visit.booking
    for number, part in enumerate(booking.parts):
        service_id = UUID(part["service"])
        starts, ends = part_times(part)
        rooms = [catalog.resource(UUID(one["resource"])) for one in part["resources"]]
        lines.append(
            PartLine(
                service=service_name(catalog.service(service_id), language),
                hue=hue_of(catalog, service_id),
                people=tuple(catalog.staff_member(UUID(one)).name for one in part["staff"]),
                rooms=tuple(str(room.names.get(language) or room.name) for room in rooms),
                starts=starts,
                ends=ends,
                idle=next((one.idle for one in visit.blocks if one.part == number and one.idle), ()),
            )
        )
    if not lines:
        people = (catalog.staff_member(booking.staff_id).name,) if booking.staff_id else ()
        name = service_name(catalog.service(booking.service_id), language)
        hue = hue_of(catalog, booking.service_id)
        lines.append(PartLine(name, hue, people, (), booking.starts, booking.ends))
    return lines


def _services(booking: Booking) -> list[UUID]:
    return list(dict.fromkeys([booking.service_id, *(UUID(part["service"]) for part in booking.parts)]))


def _extras(catalog: Catalog, booking: Booking, language: str) -> list[str]:
    known = {str(one.id): one for service_id in _services(booking) for one in catalog.add_ons(service_id)}
    return [str(known[one].names.get(language) or known[one].name) for one in booking.add_ons if one in known]


def _answers(catalog: Catalog, booking: Booking, language: str) -> list[tuple[str, Any]]:
    questions = [
        one for service_id in _services(booking) for one in read_questions(catalog.service(service_id).questions)
    ]
    asked = {one.key: one for one in questions}
    return [
        (_said(one.text, language), _answer(one, booking.answers[key], language))
        for key, one in asked.items()
        if booking.answers.get(key) is not None
    ]


def _answer(question: Question, value: Any, language: str) -> Any:
    if question.kind is not Kind.CHOICE:
        return value
    return next((_said(one.text, language) for one in question.choices if one.key == value), value)


def _said(text: dict[str, str], language: str) -> str:
    return text.get(language) or next(iter(text.values()))


async def _history(session: AsyncSession, booking: Booking) -> list[Happened]:
    rows = list(
        await session.scalars(
            select(BookingAudit)
            .where(BookingAudit.business_id == booking.business_id, BookingAudit.booking_id == booking.id)
            .order_by(BookingAudit.at, BookingAudit.id)
        )
    )
    found = await session.execute(
        select(User.id, User.name).where(
            User.business_id == booking.business_id, User.id.in_([one for row in rows if (one := _user(row.actor))])
        )
    )
    names = dict(found.tuples().all())
    return [
        Happened(
            row.at,
            row.move,
            names.get(user) if (user := _user(row.actor)) else None,
            row.actor.split(":")[0],
            _was(row),
            handed_on=bool(row.data.get("same_time")),
        )
        for row in rows
    ]


def _user(actor: str) -> UUID | None:
    kind, _, text = actor.partition(":")
    try:
        return UUID(text) if kind == "staff" else None
    except ValueError:
        return None


def _was(row: BookingAudit) -> datetime | None:
    was = row.data.get("was")
    return datetime.fromisoformat(was["starts"]) if isinstance(was, dict) and "starts" in was else None

"""An offer of the waitlist that was taken: what must be known beforehand is asked, then it is paid for or noted."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from booking_core import booking as bookings
from booking_core import intake, offers
from booking_core.models import Booking, State
from booking_core.records import CUSTOMER
from booking_core.refusals import BookingRefused
from booking_core.rules.questions import open_questions
from bot.actions import cards, visits
from bot.actions.answers import pending_payment
from bot.actions.contract import TASK_SLOTS, Draft, Turn, forget_task
from nlu.contract import Answer, Step
from payment_links import links

#: The form's task while only its questions are open: the time is the customer's already.
TASK = "answer"


def questions(turn: Turn, booking: Booking, about: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the slots with which the form asks what is open for a booking; None if nothing is."""
    if not open_questions(intake.questions_for(turn.catalog, booking), booking.answers):
        return None
    return (
        forget_task()
        | visits.booked_visit(turn.catalog, booking)
        | {
            "task": TASK,
            "booking": str(booking.id),
            "slot": {"starts": booking.starts.isoformat(), "staff": None},
            "answers": dict(booking.answers),
            "customer_name": (turn.customer.name if turn.customer else None) or "-",
            # The yes to the offer was the yes to all of it.
            "confirmed": True,
            "memo": {"offer": {name: str(about[name]) for name in ("entry", "offer")}},
        }
    )


def and_then_back(answer: Answer, step: Step) -> Answer:
    """Have what was just talked about go on when the questions that an offer's yes has led to are answered."""
    if answer.remember.get("task") != TASK or step.form is None or step.slots.get("task") is None:
        return answer
    after = {name: step.slots[name] for name in (*TASK_SLOTS, "place") if step.slots.get(name) is not None}
    return replace(answer, remember={**answer.remember, "memo": answer.remember["memo"] | {"after": after}})


async def finish(turn: Turn, draft: Draft) -> Answer:
    """Keep the answers with the booking, then ask for its payment if it waits for one; and back to what was before."""
    done = await _finish(turn, draft)
    if "after" not in draft.memo:
        return done
    return replace(done, remember={**done.remember, "place": None, **draft.memo["after"]}, then="booking_form")


async def _finish(turn: Turn, draft: Draft) -> Answer:
    offer = draft.memo["offer"]
    assert draft.booking_id is not None  # noqa: S101 - the task begins with a booking
    line = cards.booking_line(turn, await bookings.load(turn.session, turn.business.id, draft.booking_id))
    try:
        # Answering may have taken long: what has run out meanwhile is had again if it is free.
        accepted = await offers.accept(
            turn.session, turn.business.id, UUID(offer["entry"]), UUID(offer["offer"]), now=turn.now, key=turn.key
        )
        booking = await bookings.load(turn.session, turn.business.id, accepted.booking.id, for_update=True)
        booking = await intake.answer(turn.session, turn.catalog, booking, draft.answers, now=turn.now, actor=CUSTOMER)
        if booking.state == State.HELD:
            until = turn.now + timedelta(minutes=turn.catalog.policy.hold_minutes)
            booking = await bookings.prolong(turn.session, turn.business.id, booking.id, until=until, now=turn.now)
    except BookingRefused:
        choices = [turn.option("choice.book", "start_book"), turn.option("choice.my_bookings", "my_bookings")]
        return Answer(say=(turn.say("waitlist.gone", act="info", choices=choices, line=line),), remember=forget_task())
    if booking.state != State.HELD:
        return Answer(say=(turn.say("answers.noted", act="info", line=line),), remember=forget_task())
    _, link = await pending_payment(turn)
    if link is not None:
        return Answer(say=(link,), remember=forget_task())
    await links.request_payment(turn.session, booking, title=line, locale=turn.locale, now=turn.now)
    turn.answer_follows = True
    return Answer(remember=forget_task())

"""After the yes: hold and ask for money, book, move or cancel."""

from datetime import datetime
from typing import Any

from booking_core import booking as bookings
from booking_core import customers, waitlist
from booking_core.intake import questions_of
from booking_core.models import Booking, State
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules.questions import check_answers
from bot.actions import again, cards, refusing, taken_offer, visits
from bot.actions.contract import Draft, Turn, forget_task
from nlu.contract import Answer, Step
from payment_links import links

#: A new booking takes nothing from these: they are firm, or somebody at the business has them to decide.
_KEPT = {State.CONFIRMED, State.CHECKED_IN, State.PENDING_APPROVAL}


class Submit:
    """Do what the confirmed summary says; a refusal leads back to free times."""

    name = "action_submit"

    async def answer(self, step: Step) -> Answer:
        """Run the task's command; refusals are told and the form goes on."""
        turn: Turn = step.context
        draft = Draft.of(step.slots, turn.catalog)
        try:
            match draft.task:
                case "move":
                    done = await _move(turn, draft)
                case "cancel":
                    done = await _cancel(turn, draft)
                case taken_offer.TASK:
                    done = await taken_offer.finish(turn, draft)
                case _:
                    done = await _book(turn, draft)
            return await again.go_on(turn, draft, done)
        except BookingRefused as refused:
            return _refused(turn, draft, refused)


async def _book(turn: Turn, draft: Draft) -> Answer:
    assert draft.service is not None and draft.starts is not None  # noqa: S101, PT018 - the form is complete
    turn.customer = await customers.load_or_create(
        turn.session,
        turn.business.id,
        turn.conversation.customer_id,
        name=draft.name,
        locale=turn.locale,
        now=turn.now,
    )
    turn.conversation.customer_id = turn.customer.id
    before = await bookings.upcoming(turn.session, turn.business.id, turn.customer.id, now=turn.now)
    held = await bookings.hold(
        turn.session,
        catalog=turn.catalog,
        wanted=visits.at_slot(turn.catalog, draft),
        starts=draft.starts,
        customer_id=turn.customer.id,
        conversation_id=turn.conversation.id,
        key=turn.key,
        now=turn.now,
        answers=_good_answers(turn, draft),
        asked_for=draft.names_somebody,
    )
    await _drop_other_holds(turn, held, before)
    if held.state == State.CONFIRMED:
        turn.conversation.outcome = "booked"
        said = again.briefly(turn, held) if draft.memo.get("next") else booked(turn, held)
        return Answer(say=(said,), remember=forget_task())
    if held.state == State.PENDING_APPROVAL:
        return Answer(say=(_requested(turn, held),), remember=forget_task())
    await links.request_payment(turn.session, held, title=payment_title(turn, held), locale=turn.locale, now=turn.now)
    turn.answer_follows = True
    return Answer(remember=forget_task())


async def _drop_other_holds(turn: Turn, held: Booking, before: list[Booking]) -> None:
    """Let go of what the customer held before in this thread: one thread asks for one payment.

    A hold that lay in the way has been given up already; its payment page is closed all the same.
    """
    for other in before:
        if other.id == held.id or other.conversation_id != held.conversation_id or other.state in _KEPT:
            continue
        if await waitlist.is_offer(turn.session, other):
            continue  # it waits for its own yes or no
        if other.state == State.HELD:
            await bookings.release(turn.session, turn.business.id, other.id, now=turn.now, actor="customer")
        await links.close_payment(turn.session, turn.business.id, other.id, now=turn.now)


async def _move(turn: Turn, draft: Draft) -> Answer:
    assert draft.booking_id is not None and draft.starts is not None  # noqa: S101, PT018 - the form is complete
    wanted = visits.at_slot(turn.catalog, draft)
    moved = await bookings.reschedule(
        turn.session,
        turn.business.id,
        draft.booking_id,
        catalog=turn.catalog,
        starts=draft.starts,
        staff_id=wanted.staff_id,
        staff_by_service=wanted.staff_by_service,
        version=draft.memo.get("version"),
        now=turn.now,
        actor="customer",
        key=turn.key,
    )
    turn.conversation.outcome = "moved"
    said = turn.say(
        "moved",
        act="rescheduled",
        facts=cards.booking_card(turn, moved),
        line=_line(turn, moved),
    )
    calendar = turn.words.text(turn.locale, "calendar.link", url=calendar_url(turn, moved))
    return Answer(say=(said | {"text": f"{said['text']}\n{calendar}"},), remember=forget_task())


async def _cancel(turn: Turn, draft: Draft) -> Answer:
    assert draft.booking_id is not None  # noqa: S101 - the form is complete
    before = await bookings.load(turn.session, turn.business.id, draft.booking_id)
    line = _line(turn, before)
    if before.state in {State.HELD, State.PENDING_APPROVAL}:
        await bookings.release(turn.session, turn.business.id, before.id, now=turn.now, actor="customer")
        await links.close_payment(turn.session, turn.business.id, before.id, now=turn.now)
        return Answer(say=(turn.ask_to_book("cancelled", act="cancelled", line=line),), remember=forget_task())
    gone = await bookings.cancel(
        turn.session,
        turn.business.id,
        before.id,
        by="customer",
        version=draft.memo.get("version"),
        now=turn.now,
        actor="customer",
    )
    turn.conversation.outcome = "cancelled"
    paid = await links.paid_amount(turn.session, turn.business.id, before.id)
    refund = min(gone.refund, paid)
    if refund:
        await links.refund_for_cancellation(turn.session, gone.booking, refund, now=turn.now)
    key = "cancelled_refund" if refund else "cancelled"
    said = turn.ask_to_book(
        key,
        act="cancelled",
        facts=cards.booking_card(turn, gone.booking),
        line=line,
        refund=turn.at(gone.booking.location_id).money(refund),
    )
    return Answer(say=(said,), remember=forget_task())


def booked(turn: Turn, booking: Booking, *, key: str = "booked") -> dict[str, Any]:
    """Return the confirmation: when, where, how to change it, and the calendar file."""
    said = turn.say(
        key,
        act="booked",
        facts=cards.booking_card(turn, booking),
        line=_line(turn, booking),
        place=turn.at(booking.location_id).place_line,
        reference=booking.reference,
    )
    calendar = turn.words.text(turn.locale, "calendar.link", url=calendar_url(turn, booking))
    return said | {"text": f"{said['text']}\n{calendar}"}


def calendar_url(turn: Turn, booking: Booking) -> str:
    """Return where the booking's calendar file is."""
    return f"{turn.base_url}/calendar/{booking.ics_token}.ics"


def payment_title(turn: Turn, booking: Booking) -> str:
    """Return what the payment page calls the booking."""
    return _line(turn, booking)


def _line(turn: Turn, booking: Booking) -> str:
    return cards.booking_line(turn, booking)


def _requested(turn: Turn, booking: Booking) -> dict[str, Any]:
    """Say that somebody at the business must agree first, and that the time is kept meanwhile."""
    return turn.say("requested", act="info", facts=cards.booking_card(turn, booking), line=_line(turn, booking))


#: Where another time would not help, and what is said then.
_FINAL = {
    Reason.NOT_NOW: "not_now",
    Reason.CHANGED: "changed",
    Reason.KEY_REUSED: "changed",
    Reason.UNKNOWN: "unknown",
    Reason.TOO_LATE_TO_CHANGE: "too_late_to_change",
}


def _good_answers(turn: Turn, draft: Draft) -> dict[str, Any]:
    """Return the answers as they are kept: what was left out, or is not asked any more, is not there."""
    questions = questions_of(turn.catalog, visits.wanted(turn.catalog, draft))
    return check_answers(questions, draft.answers, partly=True).values


def _refused(turn: Turn, draft: Draft, refused: BookingRefused) -> Answer:
    """Go back to choosing a time, or end kindly where no other time would help."""
    if refused.reason in _FINAL:
        said = turn.say(
            f"refused.{_FINAL[refused.reason]}",
            act="info",
            choices=[turn.option("choice.my_bookings", "my_bookings"), turn.option("choice.person", "person")],
            when="",
        )
        return Answer(say=(said,), remember=forget_task())
    if refused.reason == Reason.NEEDS_ANSWERS:
        return Answer(remember={"details": None, "answers": _good_answers(turn, draft), "confirmed": None},
                      then="booking_form")  # fmt: skip
    if refused.reason == Reason.TOO_MANY:
        request = visits.wanted(turn.catalog, draft)
        said = refusing.sentence(turn, refused.reason.value, when=None, data=refused.data, request=request)
        return Answer(say=(said,), remember={"people": None, "slot": None, "confirmed": None,
                      "memo": {**draft.memo, "several": True}}, then="booking_form")  # fmt: skip
    missed = draft.starts or datetime.fromisoformat(draft.memo["was"])
    memo = {**draft.memo, "missed": missed.isoformat(), "why": refused.reason.value}
    memo.pop("offered", None)
    remember = {"slot": None, "confirmed": None, "memo": memo}
    if refused.reason == Reason.STAFF_CANNOT:
        remember |= {"staff": None, "staff_by_service": None}
    return Answer(remember=remember, then="booking_form")

"""Answers to a reminder: coming, not coming, or late."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from booking_core import booking as bookings
from booking_core.models import State
from booking_core.refusals import BookingRefused
from bot.actions import cards
from bot.actions.answers import answer_for, own_bookings
from bot.actions.coming import coming
from bot.actions.contract import Turn
from channels.models import Message
from nlu.contract import Answer, Step


class ConfirmAttendance:
    """The customer says in words that they will be there."""

    name = "action_confirm_attendance"

    async def answer(self, step: Step) -> Answer:
        """Confirm the booking that the reminder was about, or the only one coming."""
        turn: Turn = step.context
        last = turn.last if turn.last is not None and turn.last.act == "reminder" else None
        return await confirm_attendance(turn, last)


async def confirm_attendance(turn: Turn, reminder: Message | None, args: Mapping[str, Any] | None = None) -> Answer:
    """Note that the customer comes; a booking that is past, moved or cancelled is told as it stands."""
    args = args or (reminder.facts or {} if reminder is not None else {})
    booking_id = args.get("booking")
    if booking_id is None:
        upcoming = await coming(turn)
        if len(upcoming) != 1:
            return Answer(say=(await own_bookings(turn),))
        booking_id, version = str(upcoming[0].id), upcoming[0].version
    else:
        version = int(args["version"])
    try:
        booking = await bookings.confirm_attendance(
            turn.session, turn.business.id, UUID(booking_id), version=version, now=turn.now
        )
    except BookingRefused:
        return await _as_it_stands(turn, UUID(booking_id))
    line = cards.booking_line(turn, booking)
    return Answer(say=(turn.say("reminder.confirmed", act="info", line=line),))


async def _as_it_stands(turn: Turn, booking_id: UUID) -> Answer:
    booking = await bookings.load(turn.session, turn.business.id, booking_id)
    if booking.state == State.HELD:
        return Answer(say=(await answer_for("ask_payment", turn, {}),))
    line = cards.booking_line(turn, booking)
    if booking.state == "confirmed" and booking.starts > turn.now:
        options = [turn.option("choice.move", "start_move", booking=str(booking.id))]
        return Answer(say=(turn.say("reminder.moved", act="info", choices=options, line=line),))
    key = "reminder.past" if booking.state in {"confirmed", "completed"} else "reminder.gone"
    options = [turn.option("choice.book", "start_book")]
    return Answer(say=(turn.say(key, act="info", choices=options, line=line),))


async def decline_reminder(turn: Turn, reminder: Message) -> Answer:
    """A "no" to a reminder cancels nothing: ask whether to move or cancel."""
    booking = str((reminder.facts or {})["booking"])
    options = [
        turn.option("choice.move", "start_move", booking=booking),
        turn.option("choice.cancel_it", "start_cancel", booking=booking),
    ]
    return Answer(say=(turn.say("reminder.declined", act="clarify", choices=options),))

"""A booking that does not suit any more: moving comes before cancelling, and "if you can" is a condition."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core.models import Booking
from bot import tasks
from bot.actions import cards
from bot.actions.contract import Draft, Turn, forget_task
from channels.models import Conversation, Message
from nlu.contract import Answer


def move_first(turn: Turn, booking: Booking) -> dict[str, Any]:
    """Offer to move what somebody cannot come to; cancelling is the second choice, with its own question."""
    line = cards.booking_line(turn, booking)
    options = [
        turn.option("choice.move", "start_move", booking=str(booking.id)),
        turn.option("choice.cancel_it", "start_cancel", booking=str(booking.id)),
        turn.option("choice.keep", "no"),
    ]
    facts = cards.booking_card(turn, booking)
    return turn.say("cancel.move_first", act="clarify", choices=options, facts=facts, line=line)


def surely_cancels(memo: dict[str, Any]) -> None:
    """Take note that the customer has chosen to cancel after moving was offered."""
    memo.pop("unable", None)


async def note_platform_stop(
    session: AsyncSession, conversation: Conversation, message: Message, *, now: datetime
) -> None:
    """The platform has opted somebody out ("CANCEL" by text message): what is booked stays, and staff look."""
    ahead = []
    if conversation.customer_id is not None:
        ahead = await bookings.upcoming(session, conversation.business_id, conversation.customer_id, now=now)
    await tasks.ask_staff(
        session,
        conversation.business_id,
        kind="opted_out",
        key=f"opt_out:{conversation.id}:{message.seq}",
        now=now,
        conversation_id=conversation.id,
        booking_id=ahead[0].id if ahead else None,
    )


async def left_alone(turn: Turn, slots: Mapping[str, Any]) -> Answer | None:
    """Leave a booking where it is, when it was to move only to a time that is not free."""
    draft = Draft.of(slots, turn.catalog)
    missed = draft.memo.get("missed")
    if draft.task != "move" or not draft.memo.get("or_leave") or not missed or "was" not in draft.memo:
        return None
    assert draft.booking_id is not None  # noqa: S101 - a booking that is moved is known
    booking = await bookings.load(turn.session, turn.business.id, draft.booking_id)
    line = cards.booking_line(turn, booking)
    options = [turn.option("choice.other_time", "start_move", booking=str(draft.booking_id))]
    said = turn.say(
        "move.left",
        act="info",
        choices=options,
        when=turn.day_and_clock(datetime.fromisoformat(missed)),
        line=line,
    )
    return Answer(say=(said,), remember=forget_task(), leave_form=True)

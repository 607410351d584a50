"""A yes after several reminders: one that names its reminder is clear, a bare one is asked about."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from booking_core import booking as bookings
from bot.actions import cards
from bot.actions.contract import Option, Turn
from channels.models import Message, Sender

#: Nobody gets more messages in a row.
_LOOKED_AT = 12


async def which(turn: Turn) -> dict[str, Any] | None:
    """Return the question which booking is meant, when several reminders wait for an answer."""
    if turn.last is None or turn.replied:
        return None
    meant = {str((one.facts or {}).get("booking")): one for one in await _unanswered(turn)}
    options = []
    for booking_id, reminder in meant.items():
        booking = await bookings.load(turn.session, turn.business.id, UUID(booking_id))
        if booking.starts > turn.now:
            args = {"booking": booking_id, "version": (reminder.facts or {})["version"]}
            options.append(Option(cards.booking_line(turn, booking), "confirm_attendance", args))
    return turn.say("reminder.which", act="clarify", choices=options) if len(options) > 1 else None


async def _unanswered(turn: Turn) -> list[Message]:
    """Return the reminders since the customer's last word but this one."""
    found = await turn.session.scalars(
        select(Message)
        .where(Message.business_id == turn.business.id, Message.conversation_id == turn.conversation.id)
        .order_by(Message.seq.desc())
        .limit(_LOOKED_AT)
    )
    since: list[Message] = []
    for message in found:
        if message.sender == Sender.CUSTOMER.value:
            if since:
                break
            continue
        since.append(message)
    return [message for message in since if message.act == "reminder"]

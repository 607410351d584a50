"""Under which terms a message may go out, judged when it is about to be sent: what was queued may have aged.

`Message.terms` holds what no column does:
`unasked` (nobody has just written: a reminder, news), `window_closed` (WhatsApp has refused free text),
`template` (the one that was used), `said` (the text before that),
`failed` (the provider's ids of attempts that came to nothing),
`instead` / `again` (the message that took its place on another channel / when staff sent it again).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.jobs import Job, defer
from channels.contract import TemplateUse
from channels.conversations import within_service_window
from channels.models import Conversation, Delivery, Message

#: Words a message as an approved template; None where there is no template for it.
TemplateFor = Callable[[AsyncSession, Message], Awaitable[TemplateUse | None]]

#: Twilio's limits of a validity period (seconds).
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(hours=10)


@dataclass(frozen=True, slots=True)
class Later:
    """It waits: the hour is quiet where the customer is."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Never:
    """It does not go at all, for a reason that is kept with it."""

    reason: str


def decide_sending(message: Message, conversation: Conversation, now: datetime) -> Later | Never | None:
    """Return why a message does not go now; None when it does.

    Who opted out hears nothing that they did not ask for; an answer to what they have just written goes.
    """
    if message.not_after is not None and message.not_after <= now:
        return Never("too_late")
    if message.terms.get("unasked") and conversation.opted_out_at is not None:
        return Never("opted_out")
    if message.not_before is not None and message.not_before > now:
        useful = message.not_after is None or message.not_before < message.not_after
        return Later(message.not_before) if useful else Never("too_late")
    return None


def needs_template(message: Message, conversation: Conversation, now: datetime) -> bool:
    """Whether only an approved template would arrive: the 24 hours are over, by our clock or by WhatsApp's."""
    return bool(message.terms.get("window_closed")) or not within_service_window(conversation, now)


def useful_for(message: Message, now: datetime) -> timedelta | None:
    """Return for how long the provider may go on trying."""
    if message.not_after is None:
        return None
    return min(max(message.not_after - now, SHORTEST), LONGEST)


def hold_back(message: Message, *, until: datetime | None = None, useful_until: datetime | None = None) -> None:
    """Mark a message that nobody has just asked for, with its time."""
    agree(message, unasked=True)
    message.not_before = until
    message.not_after = useful_until


def agree(message: Message, **more: Any) -> None:
    """Write terms; what is None is taken away."""
    terms: Mapping[str, Any] = {**message.terms, **more}
    message.terms = {key: value for key, value in terms.items() if value is not None}


def looked_up_at(message: Message) -> datetime | None:
    """Return when it was first looked up at the provider, since its last attempt."""
    at = message.terms.get("looked_up_at")
    return datetime.fromisoformat(at) if at else None


def use_template(message: Message, template: TemplateUse | None) -> None:
    """Note which template carries a message, whose text becomes what the customer will read."""
    if template is None:
        agree(message, template=None)
        return
    agree(message, template=template.name, said=written(message))
    message.text = template.text


def written(message: Message) -> str:
    """Return a message as it was first written, whatever template has carried it."""
    return str(message.terms.get("said", message.text))


def failed_ids(message: Message) -> list[str]:
    """Return the provider's ids of earlier attempts, of which no report counts any more."""
    return list(message.terms.get("failed", ()))


async def wake_due(session: AsyncSession, *, now: datetime, limit: int = 100) -> int:
    """Defer the delivery of what was held back and may go now."""
    due = await session.scalars(
        select(Message)
        .where(Message.status == Delivery.QUEUED.value, Message.not_before <= now)
        .order_by(Message.not_before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    count = 0
    for message in due:
        message.not_before = None
        message.status_at = now
        business_id = str(message.business_id)
        await defer(session, Job.DELIVER_MESSAGE, business_id=business_id, message_id=str(message.id))
        count += 1
    await session.flush()
    return count

"""Messages that did not arrive: shown to staff, and sent again only when one of them says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels import conversations, messages, terms
from channels.models import Conversation, Delivery, Message

#: How far back is looked.
SHOWN_FOR = timedelta(days=30)
#: What is a dead letter: given up, or perhaps arrived.
DEAD = (Delivery.FAILED.value, Delivery.UNSURE.value)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that did not arrive, and in which thread."""

    message: Message
    conversation: Conversation

    @property
    def sent_again(self) -> bool:
        """Whether somebody has had it sent again."""
        return "again" in self.message.terms

    @property
    def went_elsewhere(self) -> bool:
        """Whether the customer was told on another channel."""
        return "instead" in self.message.terms


async def load_dead(
    session: AsyncSession, business_id: UUID, *, now: datetime, limit: int = 200
) -> Sequence[DeadLetter]:
    """Return what did not arrive of late, the newest first."""
    found = await session.execute(
        select(Message, Conversation)
        .join(
            Conversation,
            (Conversation.business_id == Message.business_id) & (Conversation.id == Message.conversation_id),
        )
        .where(Message.business_id == business_id, Message.status.in_(DEAD), Message.status_at > now - SHOWN_FOR)
        .order_by(Message.status_at.desc(), Message.id)
        .limit(limit)
    )
    return [DeadLetter(message, conversation) for message, conversation in found.tuples()]


def is_too_late(message: Message, now: datetime) -> bool:
    """Whether it would be of no use any more."""
    return message.not_after is not None and message.not_after <= now


async def send_again(session: AsyncSession, business_id: UUID, message_id: UUID, *, now: datetime) -> Message | None:
    """Queue a dead letter's words anew, at the end of its thread; None where that was done, or makes no sense.

    Its choices are new ones: a tap on the old message, should it have arrived after all, still counts. Raises
    LookupError if the business has no such message.
    """
    dead = await session.get(Message, (business_id, message_id), with_for_update=True, populate_existing=True)
    if dead is None:
        raise LookupError("no such message")
    if dead.status not in DEAD or "again" in dead.terms or is_too_late(dead, now):
        return None
    conversation = await conversations.load(session, business_id, dead.conversation_id)
    choices = [
        messages.ChoiceDraft(one.label, one.meaning["do"], one.meaning["args"])
        for one in await messages.choices_of(session, dead)
    ]
    said = await messages.queue_message(
        session,
        conversation,
        sender=dead.sender,
        text=terms.written(dead),
        choices=choices,
        act=dead.act,
        facts=dead.facts,
        locale=dead.locale,
        now=now,
        staff_user_id=dead.staff_user_id,
    )
    terms.hold_back(said, useful_until=dead.not_after)
    terms.agree(dead, again=str(said.id))
    return said

"""Showing that somebody was heard: a tap is confirmed, an answer is announced. Nothing depends on it."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from channels import conversations, messages
from channels.contract import Acknowledges, Channel, ProviderId, ShowsTyping, Tap
from channels.lines import OwnLines, account_of, channel_for
from channels.models import Delivery, Message
from channels.parts import LONGEST

#: Whether the bot is going to answer: where a person does, nobody is "typing".
WillAnswer = Callable[[AsyncSession, Message], Awaitable[bool]]
CHOSEN = "{text}\n✓ {choice}"


async def acknowledge(
    db: Database,
    channels: Mapping[str, Channel],
    business_id: UUID,
    message_id: UUID,
    *,
    will_answer: WillAnswer | None = None,
    own: OwnLines | None = None,
) -> None:
    """Confirm a customer's tap to its platform, or show that an answer is being written."""
    async with db.transaction(business_id) as session:
        message = await session.get(Message, (business_id, message_id))
        if message is None or message.provider_id is None:
            return
        conversation = await conversations.load(session, business_id, message.conversation_id)
        replied_to = ProviderId(message.in_reply_to) if message.in_reply_to else None
        asked = await messages.find_replied_to(session, message)
        shown = _with_choice(asked, message) if asked is not None else None
        tap = Tap(conversation.address, ProviderId(message.provider_id), replied_to, shown)
        waits = message.status == Delivery.RECEIVED.value
        types = waits and (will_answer is None or await will_answer(session, message))
        account = await account_of(session, own, message)
    channel = await channel_for(channels, own, business_id, message.channel, account)
    if isinstance(channel, Acknowledges) and message.choice is not None:
        await channel.acknowledge(tap)
    if isinstance(channel, ShowsTyping) and types:
        await channel.show_typing(tap.provider_id)


def _with_choice(asked: Message, answer: Message) -> str | None:
    """Return the question with the choice that was made of it, where there is room and it was one of its own."""
    label = next((str(one["label"]) for one in asked.choices if one["id"] == answer.choice), None)
    if label is None:
        return None
    text = CHOSEN.format(text=asked.text, choice=label)
    return text if len(text) <= LONGEST.get(asked.channel, 0) else None

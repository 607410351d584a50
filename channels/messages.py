"""Messages: inbox, outbox and transcript are one table, seen three ways."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from booking_core.kit.ids import new_id, new_secret
from booking_core.kit.jobs import Job, defer
from booking_core.kit.live import announce
from channels.models import ChoiceToken, Conversation, Delivery, Message, Sender
from channels.parts import parts_for

#: Buttons stay on screens for months; an old one is answered kindly, not obeyed.
CHOICE_LIFE = timedelta(days=60)
TOKEN_PREFIX = "b1:"  # noqa: S105 - the version of the form, no secret


@dataclass(frozen=True, slots=True)
class ChoiceDraft:
    """An option to offer: what it says, and what a tap on it asks the bot to do.

    An option that stands for a moment has it in `args["starts"]`, ISO 8601 with the place's offset: pages
    show these as a calendar.
    """

    label: str
    do: str
    args: Mapping[str, Any] = field(default_factory=dict)


async def queue_message(
    session: AsyncSession,
    conversation: Conversation,
    *,
    sender: str,
    text: str,
    choices: Sequence[ChoiceDraft] = (),
    act: str | None = None,
    facts: Mapping[str, Any] | None = None,
    locale: str | None,
    now: datetime,
    staff_user_id: UUID | None = None,
) -> Message:
    """Write an outgoing message and defer its delivery; a text too long for the channel becomes several.

    Returns the last one, which bears choices, act and facts.
    """
    *before, last = parts_for(conversation.channel, text, [choice.label for choice in choices])
    for part in before:
        await _queue(session, await _draft(session, conversation, sender, part, locale, staff_user_id, now))
    message = await _draft(session, conversation, sender, last, locale, staff_user_id, now)
    message.act = act
    message.facts = dict(facts) if facts is not None else None
    tokens = [_token(message, number, choice, now) for number, choice in enumerate(choices, start=1)]
    message.choices = [_shown(token) for token in tokens]
    session.add_all(tokens)
    return await _queue(session, message)


async def _draft(
    session: AsyncSession,
    conversation: Conversation,
    sender: str,
    text: str,
    locale: str | None,
    staff_user_id: UUID | None,
    now: datetime,
) -> Message:
    return Message(
        business_id=conversation.business_id,
        id=new_id(),
        conversation_id=conversation.id,
        seq=await _next_seq(session, conversation, now),
        channel=conversation.channel,
        sender=sender,
        staff_user_id=staff_user_id,
        text=text,
        locale=locale,
        status=Delivery.QUEUED.value,
        status_at=now,
        created_at=now,
    )


def _token(message: Message, number: int, choice: ChoiceDraft, now: datetime) -> ChoiceToken:
    return ChoiceToken(
        token=TOKEN_PREFIX + new_secret(18),
        business_id=message.business_id,
        conversation_id=message.conversation_id,
        message_id=message.id,
        number=number,
        label=choice.label,
        meaning={"do": choice.do, "args": dict(choice.args)},
        expires_at=now + CHOICE_LIFE,
    )


def _shown(token: ChoiceToken) -> dict[str, Any]:
    shown = {"id": token.token, "label": token.label}
    starts = token.meaning["args"].get("starts")
    return shown | {"starts": starts} if isinstance(starts, str) else shown


async def _queue(session: AsyncSession, message: Message) -> Message:
    session.add(message)
    await session.flush()
    business_id = str(message.business_id)
    await defer(session, Job.DELIVER_MESSAGE, business_id=business_id, message_id=str(message.id))
    announce(session, message.business_id, message.conversation_id, "message")
    return message


async def _next_seq(session: AsyncSession, conversation: Conversation, now: datetime) -> int:
    await session.flush()
    seq: int = (
        await session.execute(
            update(Conversation)
            .where(Conversation.business_id == conversation.business_id, Conversation.id == conversation.id)
            .values(last_seq=Conversation.last_seq + 1, last_message_at=now)
            .returning(Conversation.last_seq)
            .execution_options(synchronize_session=False)
        )
    ).scalar_one()
    set_committed_value(conversation, "last_seq", seq)
    set_committed_value(conversation, "last_message_at", now)
    return seq


async def find(session: AsyncSession, business_id: UUID, message_id: UUID) -> Message | None:
    """Return one message of a business."""
    return await session.get(Message, (business_id, message_id))


async def load_unanswered(session: AsyncSession, conversation: Conversation) -> list[Message]:
    """Return what the customer said and nobody has answered yet, in order."""
    found = await session.scalars(
        select(Message)
        .where(
            Message.business_id == conversation.business_id,
            Message.conversation_id == conversation.id,
            Message.status == Delivery.RECEIVED.value,
        )
        .order_by(Message.seq)
    )
    return list(found)


async def mark_answered(session: AsyncSession, messages: Sequence[Message], now: datetime) -> None:
    """Record that these were answered, or left to the person in charge."""
    for message in messages:
        message.status = Delivery.ANSWERED.value
        message.status_at = now
    await session.flush()


async def last_spoken(session: AsyncSession, conversation: Conversation) -> Message | None:
    """Return the last message from our side that went, or is about to go, out."""
    return await session.scalar(
        select(Message)
        .where(
            Message.business_id == conversation.business_id,
            Message.conversation_id == conversation.id,
            Message.sender != Sender.CUSTOMER.value,
            Message.status != Delivery.SUPPRESSED.value,
        )
        .order_by(Message.seq.desc())
        .limit(1)
    )


async def find_replied_to(session: AsyncSession, message: Message) -> Message | None:
    """Return the message of ours that a customer's message answers, where the channel tells."""
    if message.in_reply_to is None:
        return None
    return await session.scalar(
        select(Message).where(
            Message.business_id == message.business_id,
            Message.channel == message.channel,
            Message.provider_id == message.in_reply_to,
            Message.conversation_id == message.conversation_id,
            Message.sender != Sender.CUSTOMER.value,
        )
    )


async def find_choice(session: AsyncSession, conversation: Conversation, token: str) -> ChoiceToken | None:
    """Return what a token means in this thread, used or expired ones too; another thread's means nothing."""
    choice = await session.get(ChoiceToken, token)
    if choice is None or (choice.business_id, choice.conversation_id) != (conversation.business_id, conversation.id):
        return None
    return choice


async def choice_by_number(session: AsyncSession, message_id: UUID, number: int) -> ChoiceToken | None:
    """Return the choice that a typed number stands for under a message."""
    return await session.scalar(
        select(ChoiceToken).where(ChoiceToken.message_id == message_id, ChoiceToken.number == number)
    )


async def use_choice(session: AsyncSession, choice: ChoiceToken, now: datetime) -> bool:
    """Take a choice: true for the first tap, false for every later one."""
    taken = await session.execute(
        update(ChoiceToken)
        .where(ChoiceToken.token == choice.token, ChoiceToken.used_at.is_(None))
        .values(used_at=now)
        .returning(ChoiceToken.token)
    )
    return taken.scalar_one_or_none() is not None


def platform_opt(message: Message) -> str | None:
    """Return stop, start or help where the platform has answered the message itself: then nobody else may."""
    return next((fact["value"] for fact in message.attachments if fact.get("type") == "platform_opt"), None)


def media(message: Message) -> list[dict[str, Any]]:
    """Return the pictures, voice notes, places and files that came with a message."""
    return [fact for fact in message.attachments if fact.get("type") != "platform_opt"]


async def last_question(session: AsyncSession, conversation: Conversation) -> Message | None:
    """Return the bot's last message that offered choices or asked for something."""
    return await session.scalar(
        select(Message)
        .where(
            Message.business_id == conversation.business_id,
            Message.conversation_id == conversation.id,
            Message.sender == Sender.BOT.value,
            Message.act.not_in(["handoff", "info"]),
        )
        .order_by(Message.seq.desc())
        .limit(1)
    )


async def choices_of(session: AsyncSession, message: Message) -> list[ChoiceToken]:
    """Return a message's choices in their order."""
    found = await session.scalars(
        select(ChoiceToken)
        .where(ChoiceToken.business_id == message.business_id, ChoiceToken.message_id == message.id)
        .order_by(ChoiceToken.number)
    )
    return list(found)

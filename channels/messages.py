"""Messages: inbox, outbox and transcript are one table, seen three ways."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from booking_core.kit.ids import new_id, new_secret
from booking_core.kit.jobs import DEFER, Job, deferred
from booking_core.kit.live import announce
from booking_core.kit.rows import attached, names
from booking_core.kit.statements import run
from channels.models import ChoiceToken, Conversation, Delivery, Message, Sender
from channels.parts import parts_for

#: Buttons stay on screens for months; an old one is answered kindly, not obeyed.
CHOICE_LIFE = timedelta(days=60)
TOKEN_PREFIX = "b1:"  # noqa: S105 - the version of the form, no secret


class Thread(Protocol):
    """A conversation, or whatever else knows whose it is."""

    @property
    def business_id(self) -> UUID:
        """The business's id."""
        ...

    @property
    def id(self) -> UUID:
        """The conversation's id."""
        ...


@dataclass(frozen=True, slots=True)
class ChoiceDraft:
    """An option to offer: what it says, and what a tap on it asks the bot to do.

    An option that stands for a moment has it in `args["starts"]`, ISO 8601 with the place's offset: pages
    show these as a calendar.
    """

    label: str
    do: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Also:
    """What else the statement that says something does: further parts of its WITH, and their values."""

    parts: str
    values: Mapping[str, Any]


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
    also: Also | None = None,
) -> Message:
    """Write an outgoing message and defer its delivery; a text too long for the channel becomes several.

    Returns the last one, which bears choices, act and facts; `also` is done with it.
    """
    *before, last = parts_for(conversation.channel, text, [choice.label for choice in choices])
    say = partial(_say, session, conversation, sender, locale=locale, staff_user_id=staff_user_id, now=now)
    for part in before:
        await say(part)
    return await say(last, choices=choices, act=act, facts=dict(facts) if facts is not None else None, also=also)


# One statement: the thread's next number, the message, what its buttons mean, and the job that delivers it.
_SAYING = """
WITH thread AS (
    UPDATE conversation SET last_seq = last_seq + 1, last_message_at = %(now)s
    WHERE business_id = %(business_id)s AND id = %(conversation_id)s
    RETURNING last_seq
), said AS (
    INSERT INTO message (business_id, id, conversation_id, seq, channel, sender, staff_user_id, text, choices, act,
        facts, attachments, locale, status, status_at, attempts, terms, created_at)
    SELECT %(business_id)s, %(id)s, %(conversation_id)s, last_seq, %(channel)s, %(sender)s, %(staff_user_id)s, %(text)s,
        CAST(%(shown)s AS jsonb), %(act)s, CAST(%(facts)s AS jsonb), '[]', %(locale)s, %(status)s, %(now)s, 0, '{}',
        %(now)s
    FROM thread
), offered AS (
    INSERT INTO choice_token (token, business_id, conversation_id, message_id, number, label, meaning, expires_at)
    SELECT token, %(business_id)s, %(conversation_id)s, %(id)s, number, label, meaning, %(expires_at)s
    FROM jsonb_to_recordset(CAST(%(tokens)s AS jsonb)) AS t (token text, number int, label text, meaning jsonb)
)"""
_SAID = f"SELECT last_seq, {DEFER} FROM thread"


async def _say(
    session: AsyncSession,
    conversation: Conversation,
    sender: str,
    text: str,
    *,
    locale: str | None,
    staff_user_id: UUID | None,
    now: datetime,
    choices: Sequence[ChoiceDraft] = (),
    act: str | None = None,
    facts: dict[str, Any] | None = None,
    also: Also | None = None,
) -> Message:
    tokens = [_token(number, choice) for number, choice in enumerate(choices, start=1)]
    values = {
        "business_id": conversation.business_id,
        "id": new_id(),
        "conversation_id": conversation.id,
        "channel": conversation.channel,
        "sender": str(sender),
        "staff_user_id": staff_user_id,
        "text": text,
        "act": act,
        "locale": locale,
        "status": Delivery.QUEUED.value,
    }
    business_id, message_id = str(values["business_id"]), str(values["id"])
    shown = [_shown(token) for token in tokens]
    [(seq, _)] = await run(
        session,
        f"{_SAYING}{f', {also.parts}' if also is not None else ''} {_SAID}",
        {
            **values,
            **(also.values if also is not None else {}),
            "shown": json.dumps(shown),
            "facts": None if facts is None else json.dumps(facts),
            "tokens": json.dumps(tokens),
            "expires_at": now + CHOICE_LIFE,
            "now": now,
            **deferred(Job.DELIVER_MESSAGE, business_id=business_id, message_id=message_id),
        },
    )
    set_committed_value(conversation, "last_seq", seq)
    set_committed_value(conversation, "last_message_at", now)
    announce(session, conversation.business_id, conversation.id, "message")
    values |= {"seq": seq, "choices": shown, "facts": facts, "status_at": now, "created_at": now}
    return attached(session, Message, _UNSAID | {"attachments": [], "terms": {}} | values)


#: What a new message of ours has not.
_UNSAID = dict.fromkeys(names(Message)) | {"attempts": 0}


def _token(number: int, choice: ChoiceDraft) -> dict[str, Any]:
    return {
        "token": TOKEN_PREFIX + new_secret(18),
        "number": number,
        "label": choice.label,
        "meaning": {"do": choice.do, "args": dict(choice.args)},
    }


#: What a choice that is a time tells besides its label: when it is, and who takes part where several do.
_OF_A_TIME = ("starts", "people")


def _shown(token: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"id": token["token"], "label": token["label"]}
    args = token["meaning"]["args"]
    return shown | {name: args[name] for name in _OF_A_TIME if isinstance(args.get(name), str)}


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


async def find_choice(session: AsyncSession, thread: Thread, token: str) -> ChoiceToken | None:
    """Return what a token means in this thread, used or expired ones too; another thread's means nothing."""
    choice = await session.get(ChoiceToken, token)
    if choice is None or (choice.business_id, choice.conversation_id) != (thread.business_id, thread.id):
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

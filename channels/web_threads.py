"""A browser's thread: its secret token, what it may read, and the JSON that it reads.

The token is issued by us and kept only as a hash, so that nobody opens another person's thread with
an id of their own choice, or with a stolen table.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_secret
from booking_core.kit.live import announce
from booking_core.kit.scope import NOBODY
from booking_core.kit.statements import run
from channels import conversations
from channels.models import ChannelAccount, Conversation, Delivery, Message, Sender
from channels.web import NAME

#: At most so many messages in one answer; whoever gets as many asks for the next.
PAGE: Final = 200
LOCALE: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")
_PENDING: Final = (Delivery.QUEUED.value, Delivery.SENDING.value)
_SEEN: Final = (Delivery.SENT.value, Delivery.DELIVERED.value, Delivery.READ.value)
_CARD: Final = ("service", "staff", "start", "end", "location", "reference", "price", "payment_url")
_WRITER: Final = """
SELECT conversation.business_id, conversation.id, conversation.address, conversation.locale, account.address
FROM conversation JOIN channel_account AS account
    ON account.business_id = conversation.business_id AND account.id = conversation.account_id
WHERE conversation.business_id = %(business_id)s AND conversation.channel = %(channel)s
    AND conversation.address = %(address)s
"""


@dataclass(frozen=True, slots=True)
class News:
    """What a reader has not seen, and whether the bot is at work on an answer."""

    messages: Sequence[dict[str, Any]]
    typing: bool

    def as_json(self) -> dict[str, Any]:
        """Return the answer's JSON."""
        return {"messages": list(self.messages), "typing": self.typing}


@dataclass(frozen=True, slots=True)
class Writer:
    """Whose thread a token opens, as far as writing into it needs to know."""

    business_id: UUID
    id: UUID
    address: str
    locale: str | None
    #: The business's own address.
    account: str


async def find_account(session: AsyncSession, slug: str | None) -> ChannelAccount | None:
    """Return a business's web chat by the business's slug; without one, the oldest."""
    statement = select(ChannelAccount).where(ChannelAccount.channel == NAME).order_by(ChannelAccount.id).limit(1)
    if slug is not None:
        statement = statement.where(ChannelAccount.address == slug)
    return (await session.scalars(statement)).one_or_none()


async def open_thread(session: AsyncSession, account: ChannelAccount, locale: str | None, *, now: datetime) -> str:
    """Begin a thread and return its token, which is written down nowhere."""
    token = f"{account.business_id.hex}.{new_secret(32)}"
    conversation = await conversations.open_conversation(session, account, _hash(token), now=now)
    if locale and LOCALE.fullmatch(locale):
        conversation.locale = locale.replace("_", "-")
        await session.flush()
    return token


def business_of(token: str) -> UUID:
    """Return whose thread a token would open; NOBODY for what is none of ours."""
    try:
        return UUID(hex=token.partition(".")[0])
    except ValueError:
        return NOBODY


async def find_thread(session: AsyncSession, token: str) -> Conversation | None:
    """Return the thread that a token opens."""
    business_id = business_of(token)
    if business_id == NOBODY:
        return None
    return await conversations.find_by_address(session, business_id, NAME, _hash(token))


async def find_writer(session: AsyncSession, token: str) -> Writer | None:
    """Return whose thread a token opens, in one short statement."""
    values = {"business_id": business_of(token), "channel": NAME, "address": _hash(token)}
    for row in await run(session, _WRITER, values):
        return Writer(*row)
    return None


async def load_news(session: AsyncSession, conversation: Conversation, after: int, *, now: datetime) -> News:
    """Return what came after `after`, in order; what is ours counts as delivered by that.

    Nothing is shown past a message of ours that is still on its way: it will have a smaller number, and
    a reader who has seen a larger one would never ask for it. Suppressed and failed ones never show.
    """
    mine = (Message.business_id == conversation.business_id, Message.conversation_id == conversation.id)
    on_its_way = select(func.min(Message.seq)).where(*mine, Message.status.in_(_PENDING)).scalar_subquery()
    statement = (
        select(Message)
        .where(
            *mine,
            Message.seq > after,
            Message.seq < func.coalesce(on_its_way, 2**62),
            or_(Message.sender == Sender.CUSTOMER.value, Message.status.in_(_SEEN)),
        )
        .order_by(Message.seq)
        .limit(PAGE)
    )
    found = list((await session.scalars(statement)).all())
    await _mark_delivered(session, conversation, found, now)
    waiting = select(Message.id).where(*mine, Message.status == Delivery.RECEIVED.value).limit(1)
    return News([message_json(message) for message in found], bool(await session.scalar(waiting)))


def message_json(message: Message) -> dict[str, Any]:
    """Return a message as browsers read it (design.md, HTTP)."""
    return {
        "seq": message.seq,
        "from": message.sender,
        "text": message.text,
        "choices": [
            {name: choice[name] for name in ("id", "label", "starts", "people") if name in choice}
            for choice in message.choices
        ],
        "act": message.act,
        "facts": _facts(message.facts),
        "at": message.created_at.isoformat(),
    }


def _facts(facts: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the facts of a booking's card; what else the bot keeps there is nobody else's."""
    if facts is None or "service" not in facts:
        return None
    card = {name: facts.get(name) for name in _CARD}
    if token := facts.get("ics_token"):
        card["calendar_url"] = f"/calendar/{token}.ics"
    return card


async def _mark_delivered(
    session: AsyncSession, conversation: Conversation, found: Sequence[Message], now: datetime
) -> None:
    sent = [message.id for message in found if message.status == Delivery.SENT.value]
    if not sent:
        return
    await session.execute(
        update(Message)
        .where(
            Message.business_id == conversation.business_id,
            Message.id.in_(sent),
            Message.status == Delivery.SENT.value,
        )
        .values(status=Delivery.DELIVERED.value, status_at=now)
        .execution_options(synchronize_session=False)
    )
    announce(session, conversation.business_id, conversation.id, "status")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

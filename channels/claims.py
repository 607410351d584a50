"""Whose turn it is in a thread, and taking a message for sending.

Order comes from the rows: a message goes when every earlier one of its thread is done. That nobody else is
sending it comes from an advisory lock, which dies with its owner's process (`booking_core/kit/locks.py`).
"""

import hashlib
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from channels import accounts, conversations, terms
from channels.contract import Choice, Letter, OutgoingMessage, TemplateUse
from channels.keys import make_key
from channels.models import Delivery, Message, Sender
from channels.neighbours import neighbours_of
from channels.pace import Pace
from channels.places import Places
from channels.segments import gsm_friendly, sms_size

PENDING = (Delivery.QUEUED.value, Delivery.SENDING.value)
#: How soon to come back while an earlier message is being tried again: half of how long it has waited, so far.
SOONEST, LATEST = timedelta(seconds=2), timedelta(seconds=30)
#: Pauses of the pace that are not worth another job.
SHORT_PAUSE = timedelta(milliseconds=300)
#: When to come back where all places of the channel are taken.
NO_PLACE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Claim:
    """A message taken for sending, or found in the middle of it."""

    business_id: UUID
    id: UUID
    conversation_id: UUID
    channel: str
    attempts: int
    outgoing: OutgoingMessage
    #: It was found in `sending`: the provider may have it already.
    interrupted: bool


async def look_for_turn(db: Database, business_id: UUID, message_id: UUID) -> bool | timedelta | None:
    """Whether it is a message's turn: yes, not yet, not before so long; None when it is done."""
    async with db.transaction(business_id) as session:
        message = await session.get(Message, (business_id, message_id))
        if message is None or message.status not in PENDING:
            return None
        now = await current_time(session)
        before = await session.execute(
            select(func.max(Message.attempts))
            .where(
                Message.business_id == business_id,
                Message.conversation_id == message.conversation_id,
                Message.seq < message.seq,
                Message.status.in_(PENDING),
                # What is held back until the morning holds up nobody's answer.
                Message.not_before.is_(None) | (Message.not_before <= now),
            )
            .having(func.count() > 0)
        )
        tried = before.scalar_one_or_none()
        if tried is None:
            return True
        if tried <= 1:
            return False
        age = now - message.status_at
        return min(max(age / 2, SOONEST), LATEST)


async def wait_for_place(
    db: Database, business_id: UUID, message_id: UUID, places: Places, pace: Pace | None
) -> bool | timedelta:
    """Take a place of its channel for a message, or say when to come back for one; then count it against the pace.

    True when it is held back for its place in the pace, which only what is unasked is.
    """
    async with db.transaction(business_id) as session:
        message = await session.get(Message, (business_id, message_id))
        if message is None or message.status != Delivery.QUEUED.value:
            return False
        if not places.take(message.channel, message.id):
            return NO_PLACE
        if pace is None or message.attempts:
            return False
        now = await current_time(session)
        if message.terms.get("paced") or (message.not_before is not None and message.not_before > now):
            return False
        conversation = await conversations.load(session, business_id, message.conversation_id)
        units = sms_size(gsm_friendly(message.text)).segments if message.channel == "sms" else 1
        unasked = bool(message.terms.get("unasked"))
        channel, account, address = message.channel, str(conversation.account_id), conversation.address
    wait = await pace.take(channel, account, address, units=units)
    if not unasked or wait <= SHORT_PAUSE:
        return False
    async with db.transaction(business_id) as session:
        message = await session.get_one(Message, (business_id, message_id), with_for_update=True)
        terms.agree(message, paced=True)
        message.not_before = await current_time(session) + wait
    return True


def to_myself(db: Database, message_id: UUID) -> AbstractAsyncContextManager[bool]:
    """Hold the message's lock, outside any transaction and on no connection of its own; false where another has it."""
    digest = hashlib.sha256(b"deliver" + message_id.bytes).digest()
    return db.locks.hold(int.from_bytes(digest[:8], "big", signed=True))


async def claimed(
    session: AsyncSession,
    message: Message,
    *,
    interrupted: bool,
    now: datetime | None = None,
    template: TemplateUse | None = None,
    letter: Letter | None = None,
) -> Claim:
    """Return everything that sending a message needs, read in the transaction that took it."""
    conversation = await conversations.load(session, message.business_id, message.conversation_id)
    account = await accounts.load_account(session, message.business_id, conversation.account_id)
    others = await session.scalars(
        select(Message.provider_id).where(
            Message.business_id == message.business_id,
            Message.conversation_id == message.conversation_id,
            Message.sender != Sender.CUSTOMER.value,
            Message.text == message.text,
            Message.provider_id.is_not(None),
        )
    )
    outgoing = OutgoingMessage(
        key=make_key(message.business_id, message.id),
        account=account.address,
        address=conversation.address,
        text=message.text,
        choices=tuple(Choice(choice["id"], choice["label"]) for choice in message.choices),
        locale=message.locale or conversation.locale or "en",
        others=(*(other for other in others if other), *terms.failed_ids(message)),
        useful_for=terms.useful_for(message, now) if now is not None else None,
        template=template,
        letter=letter,
        neighbours=await neighbours_of(session, message, conversation) if interrupted else None,
    )
    await session.flush()
    return Claim(
        business_id=message.business_id,
        id=message.id,
        conversation_id=message.conversation_id,
        channel=message.channel,
        attempts=message.attempts,
        outgoing=outgoing,
        interrupted=interrupted,
    )

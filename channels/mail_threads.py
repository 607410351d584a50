"""Whose e-mail address is known: given in a thread, confirmed by a link in a letter, left by another."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_secret
from channels import conversations
from channels.mail import NAME
from channels.models import ChannelAccount, Conversation, CustomerEmail, Message

#: How long the link that confirms an address is good for.
LINK_LIFE = timedelta(days=2)
#: So many letters that ask for confirmation one address gets in a day, whoever names it.
MOST_LINKS = 3
CONFIRM_ACT = "confirm_email"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


async def propose(
    session: AsyncSession,
    account: ChannelAccount,
    customer_id: UUID,
    address: str,
    *,
    locale: str | None,
    now: datetime,
) -> tuple[Conversation, str | None]:
    """Take note of an address that a customer names; return its thread and the token that confirms it.

    The token is None where nothing is to be sent: it is confirmed already, or it got too many letters today.
    `address` is clean (`mail_address.clean_address`).
    """
    thread = await conversations.open_conversation(session, account, address, now=now)
    thread.locale = locale or thread.locale
    row = await session.get(CustomerEmail, (account.business_id, customer_id), with_for_update=True)
    if row is None:
        row = CustomerEmail(business_id=account.business_id, customer_id=customer_id, conversation_id=thread.id)
        session.add(row)
    if row.conversation_id != thread.id:
        row.conversation_id, row.confirmed_at = thread.id, None
    if row.confirmed_at is not None and thread.opted_out_at is None:
        return thread, None
    if await _asked_lately(session, thread, now) >= MOST_LINKS:
        await session.flush()
        return thread, None
    token = new_secret(24)
    row.token_hash, row.expires_at = _hash(token), now + LINK_LIFE
    await session.flush()
    return thread, token


async def find_proposal(session: AsyncSession, token: str, *, now: datetime) -> CustomerEmail | None:
    """Return what a token would confirm, while it is good."""
    return await session.scalar(
        select(CustomerEmail).where(CustomerEmail.token_hash == _hash(token), CustomerEmail.expires_at > now)
    )


async def confirm(
    session: AsyncSession, token: str, *, now: datetime, wording: str | None = None
) -> CustomerEmail | None:
    """Believe that an address is the customer's, since they have its letters; once. None: no such token, or late.

    `wording` is what the page said that the button was under.
    """
    row = await session.scalar(
        select(CustomerEmail)
        .where(CustomerEmail.token_hash == _hash(token), CustomerEmail.expires_at > now)
        .with_for_update()
    )
    if row is None:
        return None
    row.token_hash, row.expires_at, row.confirmed_at = None, None, now
    thread = await conversations.load(session, row.business_id, row.conversation_id)
    thread.customer_id = thread.customer_id or row.customer_id
    conversations.opt_in(thread, now, how="link")
    conversations.note_consent(thread, now, wish="in", how="link", purpose="reminders", wording=wording)
    await session.flush()
    return row


async def find_for_customer(
    session: AsyncSession, business_id: UUID, customer_id: UUID | None
) -> tuple[Conversation, CustomerEmail] | None:
    """Return the thread of a customer's confirmed address, unless they want no letters there."""
    if customer_id is None:
        return None
    row = await session.get(CustomerEmail, (business_id, customer_id))
    if row is None or row.confirmed_at is None:
        return None
    thread = await conversations.load(session, business_id, row.conversation_id)
    return (thread, row) if thread.opted_out_at is None else None


async def lose(session: AsyncSession, thread: Conversation) -> None:
    """Believe no more that an address takes letters: it is to be confirmed anew."""
    rows = await session.scalars(
        select(CustomerEmail).where(
            CustomerEmail.business_id == thread.business_id, CustomerEmail.conversation_id == thread.id
        )
    )
    for row in rows:
        row.confirmed_at = None
    await session.flush()


async def _asked_lately(session: AsyncSession, thread: Conversation, now: datetime) -> int:
    count = await session.scalar(
        select(func.count())
        .select_from(Message)
        .where(
            Message.business_id == thread.business_id,
            Message.conversation_id == thread.id,
            Message.act == CONFIRM_ACT,
            Message.created_at > now - timedelta(days=1),
        )
    )
    return count or 0


def is_mail(conversation: Conversation) -> bool:
    """Whether a thread is an e-mail address."""
    return conversation.channel == NAME

"""One-time links that carry a customer from one thread to another, such as from the web chat to Telegram."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_secret
from channels.models import Conversation, ThreadLink

#: Long enough to change the device, too short to lie about.
LINK_LIFE = timedelta(hours=1)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


async def make_link(session: AsyncSession, conversation: Conversation, *, now: datetime) -> str:
    """Return a token for the customer of a thread: at most 64 letters, digits, _ and -, as Telegram takes them.

    Raises LookupError where it is not known yet who that is.
    """
    if conversation.customer_id is None:
        raise LookupError("nobody is known here yet")
    token = new_secret(18)
    session.add(
        ThreadLink(
            token_hash=_hash(token),
            business_id=conversation.business_id,
            customer_id=conversation.customer_id,
            locale=conversation.locale,
            expires_at=now + LINK_LIFE,
        )
    )
    await session.flush()
    return token


async def claim(session: AsyncSession, conversation: Conversation, token: str, *, now: datetime) -> UUID | None:
    """Join a thread to the customer of a link: once, in time, at the same business, where nobody is known yet."""
    if conversation.customer_id is not None:
        return None
    taken = await session.execute(
        update(ThreadLink)
        .where(
            ThreadLink.token_hash == _hash(token),
            ThreadLink.business_id == conversation.business_id,
            ThreadLink.used_at.is_(None),
            ThreadLink.expires_at > now,
        )
        .values(used_at=now)
        .returning(ThreadLink.customer_id, ThreadLink.locale)
    )
    found = taken.one_or_none()
    if found is None:
        return None
    conversation.customer_id = found.customer_id
    conversation.locale = conversation.locale or found.locale
    return conversation.customer_id

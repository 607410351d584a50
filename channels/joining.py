"""Threads of somebody who is known twice: they are one customer's now."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from channels.models import Conversation, CustomerEmail, ThreadLink


async def move_threads(session: AsyncSession, business_id: UUID, other_id: UUID, kept_id: UUID) -> int:
    """Give every thread, open link and e-mail address of one customer to another; return how many threads.

    Each thread keeps its own consent. Of two e-mail addresses the one that was confirmed stays, else the kept one's.
    """
    moved = await session.scalars(
        update(Conversation)
        .where(Conversation.business_id == business_id, Conversation.customer_id == other_id)
        .values(customer_id=kept_id)
        .returning(Conversation.id)
    )
    await session.execute(
        update(ThreadLink)
        .where(ThreadLink.business_id == business_id, ThreadLink.customer_id == other_id)
        .values(customer_id=kept_id)
    )
    own = await session.get(CustomerEmail, (business_id, kept_id), with_for_update=True)
    other = await session.get(CustomerEmail, (business_id, other_id), with_for_update=True)
    if other is not None:
        if own is not None and (own.confirmed_at is not None or other.confirmed_at is None):
            await session.delete(other)
        else:
            if own is not None:
                await session.delete(own)
                await session.flush()
            other.customer_id = kept_id
    await session.flush()
    return len(moved.all())

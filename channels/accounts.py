"""A business's own addresses on the channels."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.kit.scope import narrowing
from channels.models import ChannelAccount


class AccountTaken(Exception):
    """The address already belongs to another business."""


async def open_account(session: AsyncSession, business_id: UUID, channel: str, address: str) -> ChannelAccount:
    """Record that an address is the business's, once; refuses another business's address."""
    await session.execute(
        insert(ChannelAccount)
        .values(business_id=business_id, id=new_id(), channel=channel, address=address)
        .on_conflict_do_nothing(index_elements=["channel", "address"])
    )
    account = await find_account(session, channel, address)
    if account is None or account.business_id != business_id:
        raise AccountTaken(channel)
    return account


async def find_account(
    session: AsyncSession, channel: str, address: str, *, narrows: bool = False
) -> ChannelAccount | None:
    """Return whose address it is; with `narrows` the rest of the transaction is that business's."""
    query = select(ChannelAccount).where(ChannelAccount.channel == channel, ChannelAccount.address == address)
    if narrows:
        query = query.add_columns(*narrowing(ChannelAccount.business_id))
    return await session.scalar(query)


async def remember_handle(session: AsyncSession, channel: str, address: str, handle: str) -> None:
    """Remember what links call an address, whose ever it is; an address that nobody has is none's to remember."""
    await session.execute(
        update(ChannelAccount)
        .where(
            ChannelAccount.channel == channel,
            ChannelAccount.address == address,
            ChannelAccount.handle.is_distinct_from(handle),
        )
        .values(handle=handle)
    )


async def load_accounts(session: AsyncSession, business_id: UUID) -> Sequence[ChannelAccount]:
    """Return every account of a business, in the order in which they were opened."""
    found = await session.scalars(
        select(ChannelAccount).where(ChannelAccount.business_id == business_id).order_by(ChannelAccount.id)
    )
    return found.all()


async def load_account(session: AsyncSession, business_id: UUID, account_id: UUID) -> ChannelAccount:
    """Return one account of a business."""
    account = await session.get(ChannelAccount, (business_id, account_id))
    if account is None:
        raise LookupError("no such account")
    return account

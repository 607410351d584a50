"""Threads: who they are with, in which language, and whether the person wants to be written to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import object_session

from booking_core.kit.ids import new_id
from channels.consents import SPOKEN, Purpose, is_spoken, load_notes
from channels.models import ChannelAccount, ConsentNote, Conversation, ConversationAlias

#: WhatsApp lets a business write freely for so long after the customer's last message.
SERVICE_WINDOW = timedelta(hours=24)


async def load(
    session: AsyncSession, business_id: UUID, conversation_id: UUID, *, for_update: bool = False
) -> Conversation:
    """Return a thread; raises LookupError where there is none."""
    conversation = await session.get(
        Conversation, (business_id, conversation_id), with_for_update=for_update, populate_existing=for_update
    )
    if conversation is None:
        raise LookupError("no such conversation")
    return conversation


async def find_by_address(session: AsyncSession, business_id: UUID, channel: str, address: str) -> Conversation | None:
    """Return the thread with an address, if they ever wrote."""
    return await session.scalar(
        select(Conversation).where(
            Conversation.business_id == business_id,
            Conversation.channel == channel,
            Conversation.address == address,
        )
    )


async def find_for_customer(session: AsyncSession, business_id: UUID, customer_id: UUID) -> Sequence[Conversation]:
    """Return all threads of a customer, the one heard from last first."""
    found = await session.scalars(
        select(Conversation)
        .where(Conversation.business_id == business_id, Conversation.customer_id == customer_id)
        .order_by(Conversation.last_heard_at.desc().nulls_last(), Conversation.id)
    )
    return found.all()


async def open_conversation(
    session: AsyncSession, account: ChannelAccount, address: str, *, display_name: str | None = None, now: datetime
) -> Conversation:
    """Return the thread with an address, made on the first word, its row locked until the transaction ends."""
    await session.flush()
    new = insert(Conversation).values(
        business_id=account.business_id,
        id=new_id(),
        account_id=account.id,
        channel=account.channel,
        address=address,
        display_name=display_name,
        last_seq=0,
        last_message_at=now,
    )
    # The update also locks the row: two deliveries of one thread wait for each other here.
    statement = new.on_conflict_do_update(
        index_elements=["business_id", "channel", "address"],
        set_={
            "display_name": func.coalesce(new.excluded.display_name, Conversation.display_name),
            # Whoever writes to our other number is answered from there.
            "account_id": new.excluded.account_id,
        },
    ).returning(Conversation)
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    return found.one()


async def opt_out(
    session: AsyncSession,
    conversation: Conversation,
    now: datetime,
    *,
    how: str,
    provider_id: str | None = None,
    wording: str | None = None,
    noted_by: UUID | None = None,
) -> None:
    """Remember that the person wants no more messages here, and how we know; the first time counts.

    Where we only knew it by word of mouth, which may be corrected, their own word is written down as well.
    """
    if conversation.opted_out_at is None:
        conversation.opted_out_at = now
    elif how == SPOKEN or not is_spoken(await load_notes(session, conversation), Purpose.ANY):
        return
    note_consent(conversation, now, wish="out", how=how, provider_id=provider_id, wording=wording, noted_by=noted_by)


def opt_in(
    conversation: Conversation,
    now: datetime,
    *,
    how: str,
    provider_id: str | None = None,
    wording: str | None = None,
    noted_by: UUID | None = None,
) -> None:
    """Remember that the person wants to be written to again, and how we know."""
    if conversation.opted_out_at is not None:
        conversation.opted_out_at = None
        note_consent(conversation, now, wish="in", how=how, provider_id=provider_id, wording=wording, noted_by=noted_by)


def note_consent(
    conversation: Conversation,
    now: datetime,
    *,
    wish: str,
    how: str,
    provider_id: str | None = None,
    purpose: str = "any",
    country: str | None = None,
    wording: str | None = None,
    noted_by: UUID | None = None,
) -> None:
    """Write down a wish, or that we asked for one; the notes are kept when the wish changes."""
    session = object_session(conversation)
    if session is None:
        raise LookupError("a thread of no session")
    session.add(
        ConsentNote(
            business_id=conversation.business_id,
            id=new_id(),
            conversation_id=conversation.id,
            at=now,
            wish=wish,
            how=how,
            provider_id=provider_id,
            purpose=purpose,
            country=country,
            wording=wording,
            noted_by=noted_by,
        )
    )


async def meet(session: AsyncSession, account: ChannelAccount, address: str, also: Sequence[str]) -> None:
    """Let a thread go on under a new address of the same person, where the platform says that it is the same.

    WhatsApp may show a number today and a business-scoped id tomorrow: without this, each would be a stranger.
    """
    if await find_by_address(session, account.business_id, account.channel, address) is not None:
        return
    alias = await session.get(ConversationAlias, (account.business_id, account.channel, address))
    known = await load(session, account.business_id, alias.conversation_id) if alias is not None else None
    for other in also:
        known = known or await find_by_address(session, account.business_id, account.channel, other)
    if known is None:
        return
    await remember_aliases(session, known, [known.address])
    await session.execute(
        update(Conversation)
        .where(Conversation.business_id == account.business_id, Conversation.id == known.id)
        .values(address=address)
    )


async def remember_aliases(session: AsyncSession, conversation: Conversation, addresses: Sequence[str]) -> None:
    """Remember other addresses of a thread's person; the first thread that was told keeps one."""
    for address in addresses:
        await session.execute(
            insert(ConversationAlias)
            .values(
                business_id=conversation.business_id,
                channel=conversation.channel,
                address=address,
                conversation_id=conversation.id,
            )
            .on_conflict_do_nothing()
        )


def within_service_window(conversation: Conversation, now: datetime) -> bool:
    """Whether the channel lets us write freely now; only WhatsApp counts the hours."""
    if conversation.channel != "whatsapp":
        return True
    heard = conversation.last_heard_at
    return heard is not None and now < heard + SERVICE_WINDOW

"""Everything that one customer agreed to or refused, as YAML: for who asks, and for who must prove it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import yaml
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import Business, Customer
from booking_core.refusals import BookingRefused, Reason
from channels.consents import load_notes
from channels.models import ConsentNote, Conversation, ConversationAlias, CustomerEmail


async def consents_of(session: AsyncSession, slug: str, who: str) -> str:
    """Return the consents of a customer, named by any address of theirs or by their id.

    An address that several customers share shows what concerns the address and each of them. Raises BookingRefused
    if there is no such business or nobody of that name.
    """
    business = await session.scalar(select(Business).where(Business.slug == slug))
    if business is None:
        raise BookingRefused(Reason.UNKNOWN, business=slug)
    named = await _named(session, business.id, who)
    customers = {one.customer_id for one in named if one.customer_id is not None} | await _owners(session, named)
    if (known := _id(who)) is not None and await session.get(Customer, (business.id, known)) is not None:
        customers.add(known)
    if not named and not customers:
        raise BookingRefused(Reason.UNKNOWN, customer=who)
    threads = await _threads(session, business.id, named, customers)
    found = {
        "business": business.name,
        "customers": sorted(str(one) for one in customers),
        "threads": [await _thread(session, one) for one in threads],
    }
    return str(yaml.safe_dump(found, allow_unicode=True, sort_keys=False, width=120))


async def _named(session: AsyncSession, business_id: UUID, address: str) -> Sequence[Conversation]:
    addresses = (address, f"whatsapp:{address}")
    aliases = select(ConversationAlias.conversation_id).where(
        ConversationAlias.business_id == business_id, ConversationAlias.address.in_(addresses)
    )
    found = await session.scalars(
        select(Conversation).where(
            Conversation.business_id == business_id,
            or_(Conversation.address.in_(addresses), Conversation.id.in_(aliases)),
        )
    )
    return found.all()


async def _owners(session: AsyncSession, threads: Sequence[Conversation]) -> set[UUID]:
    """Return the customers whose e-mail address one of the threads is."""
    if not threads:
        return set()
    found = await session.scalars(
        select(CustomerEmail.customer_id).where(
            CustomerEmail.business_id == threads[0].business_id,
            CustomerEmail.conversation_id.in_([one.id for one in threads]),
        )
    )
    return set(found)


async def _threads(
    session: AsyncSession, business_id: UUID, named: Sequence[Conversation], customers: set[UUID]
) -> Sequence[Conversation]:
    letter_boxes = select(CustomerEmail.conversation_id).where(
        CustomerEmail.business_id == business_id, CustomerEmail.customer_id.in_(customers)
    )
    found = await session.scalars(
        select(Conversation)
        .where(
            Conversation.business_id == business_id,
            or_(
                Conversation.id.in_([one.id for one in named]),
                Conversation.customer_id.in_(customers),
                Conversation.id.in_(letter_boxes),
            ),
        )
        .order_by(Conversation.channel, Conversation.address)
    )
    return found.all()


async def _thread(session: AsyncSession, thread: Conversation) -> dict[str, Any]:
    left = thread.opted_out_at
    told: dict[str, Any] = {"channel": thread.channel, "address": thread.address}
    told["messages"] = "wanted" if left is None else f"refused since {left.isoformat()}"
    told["notes"] = [_note(one) for one in await load_notes(session, thread)]
    return told


def _note(note: ConsentNote) -> dict[str, Any]:
    kept = {
        "at": note.at.isoformat(),
        "wish": note.wish,
        "for": note.purpose,
        "how": note.how,
        "country": note.country,
        "words": note.wording,
        "message": note.provider_id,
    }
    return {name: value for name, value in kept.items() if value is not None}


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

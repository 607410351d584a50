"""Everything that one customer agreed to or refused, as YAML: for who asks, and for who must prove it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import yaml
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import Business, Customer
from booking_core.refusals import BookingRefused, Reason
from bot.models import User
from channels.consents import load_notes
from channels.models import ConsentNote, Conversation, ConversationAlias, CustomerEmail


@dataclass(frozen=True, slots=True)
class Agreed:
    """A thread, and every note of what its person wanted there, the oldest first."""

    thread: Conversation
    notes: Sequence[ConsentNote]


@dataclass(frozen=True, slots=True)
class Record:
    """What somebody agreed to and refused, in each of their threads."""

    business: Business
    customers: Sequence[UUID]
    threads: Sequence[Agreed]
    #: Names of those at the business who wrote down what was said to them.
    people: Mapping[UUID, str]


async def consents_of(session: AsyncSession, slug: str, who: str) -> str:
    """Return the consents of a customer as YAML, named by any address of theirs or by their id.

    Raises BookingRefused if there is no such business or nobody of that name.
    """
    business = await session.scalar(select(Business).where(Business.slug == slug))
    if business is None:
        raise BookingRefused(Reason.UNKNOWN, business=slug)
    return as_yaml(await load_record(session, business, who))


async def load_record(session: AsyncSession, business: Business, who: str) -> Record:
    """Return the consents of a customer, named by any address of theirs or by their id.

    An address that several customers share shows what concerns the address and each of them. Raises BookingRefused
    if there is nobody of that name.
    """
    named = await _named(session, business.id, who)
    customers = {one.customer_id for one in named if one.customer_id is not None} | await _owners(session, named)
    if (known := _id(who)) is not None and await session.get(Customer, (business.id, known)) is not None:
        customers.add(known)
    if not named and not customers:
        raise BookingRefused(Reason.UNKNOWN, customer=who)
    threads = await _threads(session, business.id, named, customers)
    people = await session.execute(select(User.id, User.name).where(User.business_id == business.id))
    return Record(
        business,
        sorted(customers, key=str),
        [Agreed(one, await load_notes(session, one)) for one in threads],
        dict(people.tuples().all()),
    )


def as_yaml(record: Record) -> str:
    """Return a record as it is handed out."""
    found = {
        "business": record.business.name,
        "customers": [str(one) for one in record.customers],
        "threads": [_thread(one, record.people) for one in record.threads],
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


def _thread(agreed: Agreed, people: Mapping[UUID, str]) -> dict[str, Any]:
    left = agreed.thread.opted_out_at
    told: dict[str, Any] = {"channel": agreed.thread.channel, "address": agreed.thread.address}
    told["messages"] = "wanted" if left is None else f"refused since {left.isoformat()}"
    told["notes"] = [_note(one, people) for one in agreed.notes]
    return told


def _note(note: ConsentNote, people: Mapping[UUID, str]) -> dict[str, Any]:
    kept = {
        "at": note.at.isoformat(),
        "wish": note.wish,
        "for": note.purpose,
        "how": note.how,
        "country": note.country,
        "words": note.wording,
        "message": note.provider_id,
        "noted_by": people.get(note.noted_by, str(note.noted_by)) if note.noted_by is not None else None,
    }
    return {name: value for name, value in kept.items() if value is not None}


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

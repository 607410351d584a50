"""Who books. A customer's addresses live with the conversations that prove them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.models import Booking, BookingSeries, Customer, CustomerAudit, WaitlistEntry
from booking_core.records import write_audit
from booking_core.refusals import BookingRefused, Reason


async def load_or_create(
    session: AsyncSession,
    business_id: UUID,
    customer_id: UUID | None,
    *,
    name: str | None,
    locale: str | None,
    now: datetime,
) -> Customer:
    """Return a customer, made if `customer_id` is None; a given name or locale is remembered."""
    if customer_id is None:
        customer = Customer(business_id=business_id, id=new_id(), name=name, locale=locale, created_at=now)
        session.add(customer)
    else:
        found = await session.get(Customer, (business_id, customer_id))
        if found is None:
            raise BookingRefused(Reason.UNKNOWN, customer=str(customer_id))
        customer = found
        customer.name = name or customer.name
        customer.locale = locale or customer.locale
    await session.flush()
    return customer


async def load(session: AsyncSession, business_id: UUID, customer_id: UUID, *, for_update: bool = False) -> Customer:
    """Return a customer, locked if `for_update`; refuses an unknown one."""
    found = await session.get(
        Customer, (business_id, customer_id), with_for_update=for_update, populate_existing=for_update
    )
    if found is None:
        raise BookingRefused(Reason.UNKNOWN, customer=str(customer_id))
    return found


async def change(
    session: AsyncSession, business_id: UUID, customer_id: UUID, *, now: datetime, actor: str, **values: str | None
) -> Customer:
    """Change a customer's name or language; the audit keeps which, not what they were."""
    customer = await load(session, business_id, customer_id, for_update=True)
    other = {name: value for name, value in values.items() if getattr(customer, name) != value}
    for name, value in other.items():
        setattr(customer, name, value)
    if other:
        _note(session, customer, "change", now=now, actor=actor, fields=sorted(other))
    await session.flush()
    return customer


@dataclass(frozen=True, slots=True)
class Merged:
    """Two customers that are one now, and how many bookings came with the other."""

    customer: Customer
    bookings: int


async def merge(
    session: AsyncSession, business_id: UUID, kept_id: UUID, other_id: UUID, *, now: datetime, actor: str, evidence: str
) -> Merged:
    """Make two customers one: everything of the other is the first one's, and the other is gone.

    That they are one person is the decision of whoever asks; `evidence` is kept with it. Threads are not this
    room's: `bot/merging.py` moves them as well.
    """
    if kept_id == other_id:
        raise BookingRefused(Reason.UNKNOWN, customer=str(other_id))
    # In one order, so that two mergers of the same two wait for each other.
    both = {one: await load(session, business_id, one, for_update=True) for one in sorted((kept_id, other_id))}
    kept, other = both[kept_id], both[other_id]
    booked = list(
        await session.scalars(
            select(Booking)
            .where(Booking.business_id == business_id, Booking.customer_id == other_id)
            .order_by(Booking.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )
    for booking in booked:
        booking.customer_id, booking.updated_at = kept_id, now
        write_audit(session, booking, "merge_customers", actor=actor, now=now, customer=str(other_id))
    for table in (BookingSeries, WaitlistEntry):
        await session.execute(
            update(table)
            .where(table.business_id == business_id, table.customer_id == other_id)
            .values(customer_id=kept_id)
        )
    kept.name, kept.locale = kept.name or other.name, kept.locale or other.locale
    _note(session, kept, "merge", now=now, actor=actor, other=str(other_id), evidence=evidence, bookings=len(booked))
    await session.flush()
    await session.delete(other)
    await session.flush()
    return Merged(kept, len(booked))


def _note(session: AsyncSession, customer: Customer, move: str, *, now: datetime, actor: str, **data: object) -> None:
    session.add(
        CustomerAudit(
            business_id=customer.business_id,
            id=new_id(),
            customer_id=customer.id,
            at=now,
            actor=actor,
            move=move,
            data=dict(data),
        )
    )

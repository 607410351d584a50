"""Reading and locking what is written of a booking's money.

Locks are always taken in the order booking, then its payments.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import Booking
from payment_links.lifecycle import LIVE, MONEY_CAME
from payment_links.models import Payment


async def paid_amount(session: AsyncSession, business_id: UUID, booking_id: UUID) -> int:
    """Return what the customer has paid for a booking and not got, or been promised, back."""
    statement = select(Payment).where(
        Payment.business_id == business_id, Payment.booking_id == booking_id, Payment.state.in_(MONEY_CAME)
    )
    return sum(payment.amount - payment.refund for payment in (await session.scalars(statement)).all())


async def current_link(session: AsyncSession, business_id: UUID, booking_id: UUID) -> Payment | None:
    """Return the payment that the customer is being asked for, if any; its `url` is None until it is made."""
    statement = select(Payment).where(
        Payment.business_id == business_id, Payment.booking_id == booking_id, Payment.state.in_(LIVE)
    )
    return (await session.scalars(statement)).one_or_none()


async def last_payment(session: AsyncSession, business_id: UUID, booking_id: UUID) -> Payment | None:
    """Return the payment that was asked for last, whatever has become of it."""
    mine = select(Payment).where(Payment.business_id == business_id, Payment.booking_id == booking_id)
    return (await session.scalars(mine.order_by(Payment.created_at.desc(), Payment.id.desc()).limit(1))).one_or_none()


async def lock_payments(session: AsyncSession, business_id: UUID, booking_id: UUID) -> list[Payment]:
    """Return a booking's payments, oldest first, locked; the caller has locked the booking where it changes it."""
    statement = (
        select(Payment)
        .where(Payment.business_id == business_id, Payment.booking_id == booking_id)
        .order_by(Payment.created_at, Payment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    await session.flush()
    return list((await session.scalars(statement)).all())


async def lock_booking(session: AsyncSession, business_id: UUID, booking_id: UUID) -> Booking:
    """Return a booking, locked."""
    await session.flush()
    return await session.get_one(Booking, (business_id, booking_id), with_for_update=True, populate_existing=True)

"""Who books. A customer's addresses live with the conversations that prove them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.models import Customer
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

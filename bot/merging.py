"""Two customers that are one person: bookings, threads and addresses come together."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import customers
from booking_core.models import Customer
from channels import joining


@dataclass(frozen=True, slots=True)
class Merger:
    """Who is left, and what came to them."""

    customer: Customer
    bookings: int
    threads: int


async def merge_customers(
    session: AsyncSession, business_id: UUID, kept_id: UUID, other_id: UUID, *, now: datetime, actor: str, evidence: str
) -> Merger:
    """Merge `other_id` into `kept_id`, on the word of whoever asks; refuses unknown ones, and one with itself."""
    merged = await customers.merge(session, business_id, kept_id, other_id, now=now, actor=actor, evidence=evidence)
    threads = await joining.move_threads(session, business_id, other_id, kept_id)
    return Merger(merged.customer, merged.bookings, threads)

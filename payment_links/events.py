"""What the provider tells: kept once by its id, without what we do not need to know of people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.jobs import Job, defer
from payment_links.models import PaymentEvent

MONEY_CAME = frozenset({"checkout.session.completed", "checkout.session.async_payment_succeeded"})
LINK_ENDED = frozenset({"checkout.session.expired", "checkout.session.async_payment_failed"})
REFUND_TOLD = frozenset({"charge.refunded", "refund.updated", "refund.failed", "charge.refund.updated"})
#: Every other type is acknowledged and forgotten.
KNOWN = MONEY_CAME | LINK_ENDED | REFUND_TOLD

#: What is kept of the event's object: no names, no addresses, no cards.
_KEPT = (
    "id", "object", "status", "payment_status", "payment_intent", "client_reference_id", "amount_total", "amount",
    "amount_refunded", "currency", "metadata", "refunded", "failure_reason", "livemode", "created",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the provider, verified."""

    id: str
    type: str
    subject: Mapping[str, Any]


def seen_paid(session_id: str, subject: Mapping[str, Any]) -> Told:
    """Return what we saw ourselves, at the provider, as if its webhook had told it."""
    return Told(f"seen:{session_id}", "checkout.session.completed", subject)


async def keep(session: AsyncSession, told: Told, *, now: datetime, whose: UUID | None = None) -> bool:
    """Keep an event and defer settling it; False if it was there already.

    `whose` is the business whose own account told it: then it says nothing of any other's payments, whatever is in it,
    and its id takes nobody else's place.
    """
    event_id = told.id if whose is None else f"{whose}:{told.id}"
    kept = {name: told.subject[name] for name in _KEPT if name in told.subject}
    vouched = {} if whose is None else {"business_id": str(whose)}
    statement = (
        insert(PaymentEvent)
        .values(id=event_id, type=told.type, payload={"object": kept} | vouched, received_at=now)
        .on_conflict_do_nothing()
        .returning(PaymentEvent.id)
    )
    if (await session.execute(statement)).scalar_one_or_none() is None:
        return False
    await defer(session, Job.SETTLE_PAYMENT_EVENT, event_id=event_id)
    return True

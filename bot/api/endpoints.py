"""The addresses that a business has told of its bookings; whoever changes them keeps `has_subscribers` true."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.models import Business
from booking_core.refusals import BookingRefused, Reason
from bot import tasks
from bot.api.models import WebhookDelivery, WebhookEndpoint

#: So many addresses may one business have.
MOST = 20
#: So long after a rotation the secret before still signs beside the new one.
OVERLAP = timedelta(hours=24)


async def load(
    session: AsyncSession, business_id: UUID, endpoint_id: UUID, *, for_update: bool = False
) -> WebhookEndpoint:
    """Return an endpoint; refuses an unknown one."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.business_id == business_id, WebhookEndpoint.id == endpoint_id)
    if for_update:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    endpoint = await session.scalar(query)
    if endpoint is None:
        raise BookingRefused(Reason.UNKNOWN, endpoint=str(endpoint_id))
    return endpoint


async def add(
    session: AsyncSession,
    business_id: UUID,
    *,
    url: str,
    description: str | None,
    events: Sequence[str],
    now: datetime,
) -> WebhookEndpoint:
    """Add an address; from now on the business's changes are told."""
    await lock(session, business_id)
    mine = select(func.count()).where(WebhookEndpoint.business_id == business_id)
    if (await session.scalar(mine) or 0) >= MOST:
        raise BookingRefused(Reason.TOO_MANY, most=MOST)
    endpoint = WebhookEndpoint(
        business_id=business_id,
        id=new_id(),
        url=url,
        description=description,
        events=sorted(set(events)),
        state="active",
        disabled_because=None,
        failing_since=None,
        secret_no=1,
        old_secret_until=None,
        created_at=now,
        updated_at=now,
    )
    session.add(endpoint)
    await note_subscribers(session, business_id)
    return endpoint


async def change(
    session: AsyncSession, business_id: UUID, endpoint_id: UUID, *, now: datetime, **values: Any
) -> WebhookEndpoint:
    """Change an address; one that is made active again starts with a clean record."""
    await lock(session, business_id)
    endpoint = await load(session, business_id, endpoint_id, for_update=True)
    for name, value in values.items():
        setattr(endpoint, name, value)
    if values.get("state") == "active":
        endpoint.failing_since = None
        endpoint.disabled_because = None
    endpoint.updated_at = now
    await note_subscribers(session, business_id)
    return endpoint


async def remove(session: AsyncSession, business_id: UUID, endpoint_id: UUID) -> None:
    """Forget an address, with what it was still to be told."""
    await lock(session, business_id)
    await session.delete(await load(session, business_id, endpoint_id))
    await note_subscribers(session, business_id)


async def rotate(session: AsyncSession, business_id: UUID, endpoint_id: UUID, *, now: datetime) -> WebhookEndpoint:
    """Give an endpoint a new secret; the one before signs beside it for a day."""
    endpoint = await load(session, business_id, endpoint_id, for_update=True)
    endpoint.secret_no += 1
    endpoint.old_secret_until = now + OVERLAP
    endpoint.updated_at = now
    await session.flush()
    return endpoint


async def disable(session: AsyncSession, endpoint: WebhookEndpoint, *, because: str, now: datetime) -> None:
    """Send nothing more to an address, and tell the business's people why."""
    await lock(session, endpoint.business_id)
    endpoint.state = "disabled"
    endpoint.disabled_because = because
    endpoint.updated_at = now
    await session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.business_id == endpoint.business_id,
            WebhookDelivery.endpoint_id == endpoint.id,
            WebhookDelivery.state == "pending",
        )
        .values(state="dropped", due_at=None, updated_at=now)
    )
    await note_subscribers(session, endpoint.business_id)
    await tasks.ask_staff(
        session,
        endpoint.business_id,
        kind="webhook_disabled",
        key=f"webhook_disabled:{endpoint.id}:{now.isoformat()}",
        now=now,
        data={"because": because},
    )


async def note_subscribers(session: AsyncSession, business_id: UUID) -> None:
    """Keep the business's own mark true: whether anybody is to be told."""
    await session.flush()
    somebody = exists().where(WebhookEndpoint.business_id == business_id, WebhookEndpoint.state == "active")
    await session.execute(
        update(Business)
        .where(Business.id == business_id, Business.has_subscribers.is_distinct_from(somebody))
        .values(has_subscribers=somebody)
        .execution_options(synchronize_session=False)
    )


async def lock(session: AsyncSession, business_id: UUID) -> None:
    """Let one change of a business's endpoints wait for another; bookings go on meanwhile."""
    await session.execute(select(Business.id).where(Business.id == business_id).with_for_update(key_share=True))

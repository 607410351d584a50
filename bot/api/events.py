"""What subscribers are told: which changes are events, in which order, and who gets each.

A trigger writes the row in the transaction of the change (`bot/migrations`), so none is lost and none is
told that did not happen. Then one worker at a time numbers what it can see and writes a delivery for each
endpoint: so whoever reads on from a number never misses one that was committed later.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.kit.jobs import Job, defer
from booking_core.refusals import BookingRefused, Reason
from bot.api.models import EVENT_NUMBERS, BookingEvent, WebhookDelivery, WebhookEndpoint

#: One worker fans out at a time.
_LOCK = 7_244_100_812
#: So long a delivery is left to its job before the clockwork looks after it again.
LEASE = timedelta(minutes=2)
KEPT_FOR = timedelta(days=30)


class EventType(StrEnum):
    """Everything that can be subscribed to."""

    HELD = "booking.held"
    REQUESTED = "booking.requested"
    CONFIRMED = "booking.confirmed"
    RESCHEDULED = "booking.rescheduled"
    CANCELLED = "booking.cancelled"
    DECLINED = "booking.declined"
    EXPIRED = "booking.expired"
    ATTENDANCE_CONFIRMED = "booking.attendance_confirmed"
    CHECKED_IN = "booking.checked_in"
    CHECK_IN_UNDONE = "booking.check_in_undone"
    COMPLETED = "booking.completed"
    NO_SHOW = "booking.no_show"
    #: Only for the endpoint that asked for it.
    TEST = "webhook.test"


#: What the audit calls a change -> the event that it is; other entries are nobody else's business.
OF_MOVE = {
    "hold": EventType.HELD,
    "approve_and_hold": EventType.HELD,
    "request": EventType.REQUESTED,
    "book": EventType.CONFIRMED,
    "confirm": EventType.CONFIRMED,
    "approve": EventType.CONFIRMED,
    "retake": EventType.CONFIRMED,
    "reschedule": EventType.RESCHEDULED,
    "cancel_by_customer": EventType.CANCELLED,
    "cancel_by_business": EventType.CANCELLED,
    "decline": EventType.DECLINED,
    "expire": EventType.EXPIRED,
    "confirm_attendance": EventType.ATTENDANCE_CONFIRMED,
    "check_in": EventType.CHECKED_IN,
    "undo_check_in": EventType.CHECK_IN_UNDONE,
    "complete": EventType.COMPLETED,
    "mark_no_show": EventType.NO_SHOW,
}


async def fan_out(session: AsyncSession, *, now: datetime, limit: int = 200) -> int:
    """Number what is new and write who is told; returns how many events were told."""
    if not (await session.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK})).scalar_one():
        return 0
    new = list(
        await session.scalars(
            select(BookingEvent).where(BookingEvent.sequence.is_(None)).order_by(BookingEvent.no).limit(limit)
        )
    )
    if not new:
        return 0
    endpoints = await _endpoints(session, {event.business_id for event in new})
    told = 0
    for event in new:
        kind = OF_MOVE.get(event.move)
        if kind is None:
            await session.delete(event)
            continue
        event.type = kind.value
        event.sequence = await session.scalar(EVENT_NUMBERS)
        await session.flush()
        for endpoint in endpoints:
            if endpoint.business_id == event.business_id and (not endpoint.events or kind.value in endpoint.events):
                await deliver_to(session, event, endpoint, now=now)
        told += 1
    await session.flush()
    return told


async def deliver_to(
    session: AsyncSession, event: BookingEvent, endpoint: WebhookEndpoint, *, now: datetime
) -> WebhookDelivery:
    """Write that an endpoint is to be told of an event, and have it told now."""
    delivery = WebhookDelivery(
        business_id=event.business_id,
        id=new_id(),
        event_id=event.id,
        endpoint_id=endpoint.id,
        state="pending",
        attempts=0,
        due_at=now + LEASE,
        tries=[],
        created_at=now,
        updated_at=now,
    )
    session.add(delivery)
    await session.flush()
    await call_job(session, delivery)
    return delivery


async def resend(session: AsyncSession, business_id: UUID, delivery_id: UUID, *, now: datetime) -> WebhookDelivery:
    """Begin a delivery again from its first attempt; refuses one whose endpoint takes nothing."""
    delivery = await session.get(WebhookDelivery, (business_id, delivery_id), with_for_update=True)
    if delivery is None:
        raise BookingRefused(Reason.UNKNOWN, delivery=str(delivery_id))
    endpoint = await session.get_one(WebhookEndpoint, (business_id, delivery.endpoint_id))
    if endpoint.state != "active":
        raise BookingRefused(Reason.NOT_NOW, state=endpoint.state, move="resend")
    delivery.state, delivery.attempts, delivery.due_at, delivery.updated_at = "pending", 0, now + LEASE, now
    await session.flush()
    await call_job(session, delivery)
    return delivery


async def call_job(session: AsyncSession, delivery: WebhookDelivery) -> None:
    """Defer the job of a delivery's next attempt."""
    await defer(
        session,
        Job.DELIVER_WEBHOOK,
        business_id=str(delivery.business_id),
        delivery_id=str(delivery.id),
        attempt=delivery.attempts + 1,
    )


async def call_due(session: AsyncSession, *, now: datetime, limit: int = 200) -> int:
    """Have deliveries tried whose time has come; workers that look at the same time take others."""
    due = await session.scalars(
        select(WebhookDelivery)
        .where(WebhookDelivery.state == "pending", WebhookDelivery.due_at <= now)
        .order_by(WebhookDelivery.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    count = 0
    for delivery in due:
        delivery.due_at = now + LEASE
        await call_job(session, delivery)
        count += 1
    await session.flush()
    return count


async def forget_old(session: AsyncSession, *, now: datetime, limit: int = 1000) -> None:
    """Delete events that nobody will ask for any more, with their deliveries."""
    old = (
        select(BookingEvent.business_id, BookingEvent.id)
        .where(BookingEvent.at < now - KEPT_FOR)
        .order_by(BookingEvent.at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .subquery()
    )
    await session.execute(
        delete(BookingEvent)
        .where(BookingEvent.business_id == old.c.business_id, BookingEvent.id == old.c.id)
        .execution_options(synchronize_session=False)
    )


async def _endpoints(session: AsyncSession, businesses: set[UUID]) -> Sequence[WebhookEndpoint]:
    """Return who is to be told, locked against being deleted meanwhile."""
    found = await session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.business_id.in_(businesses), WebhookEndpoint.state == "active")
        .with_for_update(key_share=True, read=True)
    )
    return list(found)

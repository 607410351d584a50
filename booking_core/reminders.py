"""Reminders as rows: written with the booking, taken when due, checked once more before they are worded."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.models import Booking, Reminder, State
from booking_core.records import load
from booking_core.rules.reminder_plan import plan_reminders, still_useful


def write_reminders(session: AsyncSession, booking: Booking, *, now: datetime) -> None:
    """Write the reminders of a booking's present version."""
    for planned in plan_reminders(booking.starts, now=now):
        session.add(
            Reminder(
                business_id=booking.business_id,
                id=new_id(),
                booking_id=booking.id,
                booking_version=booking.version,
                kind=planned.kind,
                due_at=planned.due_at,
                state="due",
            )
        )


async def skip_reminders(session: AsyncSession, booking: Booking) -> None:
    """Leave behind every reminder of a booking that has not been taken yet."""
    await session.execute(
        update(Reminder)
        .where(
            Reminder.business_id == booking.business_id,
            Reminder.booking_id == booking.id,
            Reminder.state == "due",
        )
        .values(state="skipped")
    )


async def take_due_reminders(session: AsyncSession, *, now: datetime, limit: int = 100) -> list[Reminder]:
    """Claim reminders that are due; workers that look at the same time claim others."""
    due = list(
        await session.scalars(
            select(Reminder)
            .where(Reminder.state == "due", Reminder.due_at <= now)
            .order_by(Reminder.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
    )
    for reminder in due:
        reminder.state = "queued"
    await session.flush()
    return due


async def check_reminder(
    session: AsyncSession, business_id: UUID, reminder_id: UUID, *, now: datetime
) -> Booking | None:
    """Return the booking to remind of, marking the reminder sent; None if it is not to be sent (any more).

    The booking stays locked until the transaction ends, so that what is said is true when it is queued.
    """
    query = select(Reminder).where(Reminder.business_id == business_id, Reminder.id == reminder_id)
    found = await session.scalar(query)
    if found is None:
        return None
    booking = await load(session, business_id, found.booking_id, for_update=True)
    reminder = await session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if reminder is None or reminder.state != "queued":
        return None
    wanted = (
        booking.state == State.CONFIRMED
        and booking.version == reminder.booking_version
        and still_useful(reminder.kind, due_at=reminder.due_at, starts=booking.starts, now=now)
    )
    reminder.state = "sent" if wanted else "skipped"
    await session.flush()
    return booking if wanted else None

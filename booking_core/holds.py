"""What lapses: unpaid holds and requests that nobody answered give their time back, by the clock or when asked for."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.freed import freed
from booking_core.kit.jobs import Job, defer
from booking_core.models import CALENDAR_WIDTH, Booking, State
from booking_core.records import write_audit
from booking_core.rules.lifecycle import TENTATIVE, Move, after

_TENTATIVE = [state.value for state in TENTATIVE]

# A calendar's first number tells whose it is: units and seats count on from there.
_GIVE_BACK = text(f"""
WITH gone AS (
    DELETE FROM allocation
    WHERE business_id = :business_id AND booking_id = ANY(CAST(:booking_ids AS uuid[]))
      AND (CAST(:proposed AS boolean) IS NULL OR proposed = CAST(:proposed AS boolean))
    RETURNING calendar_no, lower(during) AS starts, upper(during) AS ends,
              calendar_no - calendar_no % {CALENDAR_WIDTH} AS base
)
SELECT gone.*, staff.id AS staff_id, resource.id AS resource_id, class_session.id AS session_id,
       booking_limit.id AS limit_id
FROM gone LEFT JOIN staff ON staff.calendar_no = gone.base LEFT JOIN resource ON resource.calendar_no = gone.base
LEFT JOIN class_session ON class_session.calendar_no = gone.base
LEFT JOIN booking_limit ON booking_limit.calendar_no = gone.base
ORDER BY gone.starts, gone.calendar_no
""")

_LOCK_CLASSES = text("""
SELECT id FROM class_session
WHERE business_id = :business_id AND id = ANY(CAST(:ids AS uuid[])) AND state = 'open'
  AND NOT EXISTS (SELECT 1 FROM class_time WHERE class_time.business_id = class_session.business_id
                  AND class_time.service_id = class_session.service_id)
ORDER BY id FOR UPDATE
""")
_END_EMPTY = text(f"""
WITH ended AS (
    UPDATE class_session SET state = 'ended'
    WHERE business_id = :business_id AND id = ANY(CAST(:ids AS uuid[])) AND state = 'open'
      AND NOT EXISTS (SELECT 1 FROM class_time
                      WHERE class_time.business_id = class_session.business_id
                        AND class_time.service_id = class_session.service_id)
      AND NOT EXISTS (SELECT 1 FROM taken_time
                      WHERE int8range(taken_time.calendar_no, taken_time.calendar_no, '[]')
                            && int8range(class_session.calendar_no, class_session.calendar_no + {CALENDAR_WIDTH}))
    RETURNING business_id, id, starts, ends
), gone AS (
    DELETE FROM allocation USING ended
    WHERE allocation.business_id = ended.business_id AND allocation.session_id = ended.id
)
SELECT starts, ends FROM ended
""")


async def expire_due(session: AsyncSession, *, now: datetime, limit: int = 100) -> list[Booking]:
    """Expire holds that ran out; workers that look at the same time take others."""
    due = await session.scalars(
        select(Booking)
        .where(Booking.state.in_(_TENTATIVE), Booking.hold_expires_at <= now)
        .order_by(Booking.hold_expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    holds = list(due)
    for hold in holds:
        await _expire(session, hold, now)
    await session.flush()
    return holds


async def expire_these(
    session: AsyncSession, business_id: UUID, booking_ids: Sequence[UUID], *, now: datetime, but: UUID | None
) -> None:
    """Expire those of the named holds that have really run out, once whoever works on them is done.

    The class `but` goes on although it may be empty now: a seat in it is taken next.
    """
    lapsed = await session.scalars(
        select(Booking)
        .where(
            Booking.business_id == business_id,
            Booking.id.in_(booking_ids),
            Booking.state.in_(_TENTATIVE),
            Booking.hold_expires_at <= now,
        )
        .order_by(Booking.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    gave_back = [one for hold in lapsed for one in await _expire(session, hold, now, ends_classes=False)]
    await session.flush()
    await end_empty_classes(session, business_id, [one for one in gave_back if one.get("session") != str(but)])


async def lock_held(session: AsyncSession, business_id: UUID, booking_ids: Sequence[UUID]) -> list[UUID]:
    """Lock the named holds and return which of them are holds still: one may just have been paid."""
    query = (
        select(Booking.id)
        .where(Booking.business_id == business_id, Booking.id.in_(booking_ids), Booking.state == State.HELD.value)
        .order_by(Booking.id)
        .with_for_update()
    )
    return list(await session.scalars(query))


async def give_back(
    session: AsyncSession,
    business_id: UUID,
    booking_ids: Sequence[UUID],
    *,
    proposed: bool | None = None,
    ends_classes: bool = True,
) -> list[dict[str, Any]]:
    """Give back what bookings take of anybody's time; return it as audits keep it.

    `proposed`: only the places that they might have moved to, or only their own; None: both. Whoever takes
    another place at once ends the classes that are empty by it (`end_empty_classes`) only after that.
    """
    rows = await session.execute(
        _GIVE_BACK, {"business_id": business_id, "booking_ids": list(booking_ids), "proposed": proposed}
    )
    gone = list(rows)
    if gone:
        await freed(session, business_id, starts=min(row.starts for row in gone), ends=max(row.ends for row in gone))
    described = [_described(row) for row in gone]
    if ends_classes:
        await end_empty_classes(session, business_id, described)
    return described


async def end_empty_classes(session: AsyncSession, business_id: UUID, gave_back: Sequence[Mapping[str, Any]]) -> None:
    """End the classes that began with a booking and have lost their last one: their teacher and room are free again."""
    ids = sorted({UUID(one["session"]) for one in gave_back if "session" in one})
    if not ids:
        return
    known = {"business_id": business_id, "ids": ids}
    # Whoever takes a seat at this instant holds the row; only the next statement sees that seat.
    await session.execute(_LOCK_CLASSES, known)
    for row in await session.execute(_END_EMPTY, known):
        await freed(session, business_id, starts=row.starts, ends=row.ends)


def _described(row: Any) -> dict[str, Any]:
    whose = {"staff": row.staff_id, "resource": row.resource_id, "session": row.session_id, "limit": row.limit_id}
    return {
        "calendar": row.calendar_no,
        **{kind: str(one) for kind, one in whose.items() if one is not None},
        "starts": row.starts.astimezone(UTC).isoformat(),
        "ends": row.ends.astimezone(UTC).isoformat(),
    }


async def _expire(
    session: AsyncSession, hold: Booking, now: datetime, *, ends_classes: bool = True
) -> list[dict[str, Any]]:
    hold.state = after(hold.state, Move.EXPIRE).value
    hold.hold_expires_at = None
    hold.updated_at = now
    gone = await give_back(session, hold.business_id, [hold.id], ends_classes=ends_classes)
    write_audit(session, hold, Move.EXPIRE.value, actor="system", now=now, freed=gone)
    await defer(session, Job.TELL_HOLD_EXPIRED, business_id=str(hold.business_id), booking_id=str(hold.id))
    return gone

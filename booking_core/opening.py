"""Opening hours of a place: its week, and local dates on which the whole house has others."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import Catalog
from booking_core.freed import freed
from booking_core.kit.ids import new_id
from booking_core.models import DateOverride, ScheduleRule
from booking_core.rules.schedule import WallSpan
from booking_core.rules.wallclock import DAY, instant, moment_of


async def set_week(
    session: AsyncSession, catalog: Catalog, location_id: UUID, week: Mapping[int, Sequence[WallSpan]]
) -> None:
    """Give a place other weekly hours (Monday is 0 -> wall-clock minutes); without any it is open when anybody works.

    Nothing that is booked is moved. What may be free by it is offered to those who wait.
    """
    own = (ScheduleRule.business_id == catalog.business.id, ScheduleRule.location_id == location_id)
    await session.execute(delete(ScheduleRule).where(*own))
    session.add_all(
        ScheduleRule(
            business_id=catalog.business.id, location_id=location_id, weekday=weekday, opens=opens, closes=closes
        )
        for weekday, spans in week.items()
        for opens, closes in spans
    )
    await session.flush()
    await freed(session, catalog.business.id)


async def set_date(
    session: AsyncSession, catalog: Catalog, location_id: UUID, day: date, spans: Sequence[WallSpan]
) -> None:
    """Give the whole house other hours on a local date, whatever its people's weeks say; none: it is closed."""
    known = list(await session.scalars(_of_house(catalog, location_id, day)))
    kept = [{"opens": opens, "closes": closes} for opens, closes in spans]
    if known:
        known[0].spans = kept
        for other in known[1:]:
            await session.delete(other)
    else:
        session.add(
            DateOverride(
                business_id=catalog.business.id,
                id=new_id(),
                location_id=location_id,
                staff_id=None,
                day=day,
                spans=kept,
            )
        )
    await session.flush()
    await _offered(session, catalog, location_id, day)


async def clear_date(session: AsyncSession, catalog: Catalog, location_id: UUID, day: date) -> bool:
    """Let a date be like any other of its week; False if it was."""
    known = list(await session.scalars(_of_house(catalog, location_id, day)))
    for one in known:
        await session.delete(one)
    await session.flush()
    if known:
        await _offered(session, catalog, location_id, day)
    return bool(known)


def _of_house(catalog: Catalog, location_id: UUID, day: date) -> Select[DateOverride]:
    return (
        select(DateOverride)
        .where(
            DateOverride.business_id == catalog.business.id,
            DateOverride.location_id == location_id,
            DateOverride.staff_id.is_(None),
            DateOverride.day == day,
        )
        .order_by(DateOverride.id)
        .with_for_update()
    )


async def _offered(session: AsyncSession, catalog: Catalog, location_id: UUID, day: date) -> None:
    tz = catalog.location(location_id).timezone
    starts, ends = moment_of(instant(tz, day, 0)), moment_of(instant(tz, day, DAY))
    await freed(session, catalog.business.id, starts=starts, ends=ends)

"""Reading a business's catalog: one query a table, into rows that belong to no session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Interval, func, literal, select
from sqlalchemy import inspect as describe
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Base
from booking_core.models import (
    AddOn,
    BookingLimit,
    Business,
    ClassTime,
    DateOverride,
    Location,
    Resource,
    ScheduleRule,
    Segment,
    Service,
    ServiceAt,
    ServiceResource,
    Skill,
    Staff,
    StaffZone,
    TimeOff,
)

Row = TypeVar("Row", bound=Base)

#: Days off older than this, counted from today or from the latest if that is past, are history and not read.
_HISTORY = timedelta(days=800)


@dataclass(frozen=True)
class Rows:
    """Every row of a catalog, in the house's order."""

    business: Business
    locations: Sequence[Location]
    services: Sequence[Service]
    segments: Sequence[Segment]
    add_ons: Sequence[AddOn]
    places: Sequence[ServiceAt]
    needs: Sequence[ServiceResource]
    staff: Sequence[Staff]
    skills: Sequence[Skill]
    resources: Sequence[Resource]
    rules: Sequence[ScheduleRule]
    overrides: Sequence[DateOverride]
    time_off: Sequence[TimeOff]
    zones: Sequence[StaffZone]
    timetable: Sequence[ClassTime]
    limits: Sequence[BookingLimit]


async def read_rows(session: AsyncSession, business_id: UUID) -> Rows:
    """Read it all: sixteen queries, however much there is."""

    async def rows(table: type[Row], *order: Any, where: ColumnElement[bool] | None = None) -> list[Row]:
        return await _detached(session, table, business_id, order, where)

    last_day = (
        select(func.least(func.max(DateOverride.day), func.current_date()))
        .where(DateOverride.business_id == business_id)
        .scalar_subquery()
    )
    last_end = (
        select(func.least(func.max(TimeOff.ends), func.now()))
        .where(TimeOff.business_id == business_id)
        .scalar_subquery()
    )
    [business] = await _detached(session, Business, business_id, (), None)
    return Rows(
        business=business,
        locations=await rows(Location, Location.position, Location.id),
        services=await rows(Service, Service.position, Service.name),
        segments=await rows(Segment, Segment.service_id, Segment.position),
        add_ons=await rows(AddOn, AddOn.service_id, AddOn.position, AddOn.name),
        places=await rows(ServiceAt),
        needs=await rows(ServiceResource, ServiceResource.kind),
        staff=await rows(Staff, Staff.position, Staff.name),
        skills=await rows(Skill),
        resources=await rows(Resource, Resource.position, Resource.name),
        rules=await rows(ScheduleRule, ScheduleRule.opens),
        overrides=await rows(DateOverride, where=DateOverride.day > last_day - _HISTORY.days),
        time_off=await rows(TimeOff, TimeOff.starts, where=TimeOff.ends > last_end - literal(_HISTORY, Interval())),
        zones=await rows(StaffZone, StaffZone.first_day),
        timetable=await rows(ClassTime, ClassTime.weekday, ClassTime.minute),
        limits=await rows(BookingLimit, BookingLimit.id),
    )


async def _detached(
    session: AsyncSession,
    table: type[Row],
    business_id: UUID,
    order: Sequence[Any],
    where: ColumnElement[bool] | None,
) -> list[Row]:
    """Read a table into objects that no session knows: nobody's rollback takes their values away."""
    names = [column.key for column in describe(table).column_attrs]
    whose = table.id if table is Business else table.business_id  # type: ignore[attr-defined]
    query = select(*(getattr(table, name) for name in names)).where(whose == business_id).order_by(*order)
    if where is not None:
        query = query.where(where)
    return [table(**dict(zip(names, row, strict=True))) for row in await session.execute(query)]

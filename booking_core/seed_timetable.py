"""Limits and the timetable of a business's file into the tables."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import Booking, BookingLimit, Business, ClassSession, ClassTime, Location, Service, Staff
from booking_core.rules.wallclock import instant, local_day, minute_of, moment_of
from booking_core.seed_model import Seed
from booking_core.seed_parts import Limits, periods
from booking_core.seed_rows import Facts, keep, rows_of


async def load_limits(
    session: AsyncSession,
    business: Business,
    seed: Seed,
    services: Mapping[str, Service],
    staff: Mapping[str, Staff],
) -> None:
    """Load the limits of services, of people and of pairs; one that only counts otherwise keeps its calendar."""
    wanted: list[Facts] = []
    for service in seed.services:
        wanted += _limits(business.id, None, services[service.name].id, service.limits)
    for member in seed.staff:
        staff_id = staff[member.name].id
        wanted += _limits(business.id, staff_id, None, member.limits)
        for name, skills in member.services.items():
            for skill in skills:
                wanted += _limits(business.id, staff_id, services[name].id, skill.limits)
    known = await rows_of(session, BookingLimit, business.id)
    await keep(session, BookingLimit, known, ("staff_id", "service_id", "period", "opens", "closes"), wanted)


def _limits(business_id: UUID, staff_id: UUID | None, service_id: UUID | None, limits: Limits) -> Iterator[Facts]:
    for period, limit in periods(limits):
        opens, closes = limit.between[0] if limit.between else (None, None)
        yield {
            "business_id": business_id,
            "staff_id": staff_id,
            "service_id": service_id,
            "period": period.value,
            "count": limit.count,
            "opens": opens,
            "closes": closes,
        }


async def load_timetable(
    session: AsyncSession,
    business: Business,
    seed: Seed,
    locations: Mapping[str, Location],
    services: Mapping[str, Service],
    staff: Mapping[str, Staff],
    now: datetime,
) -> None:
    """Load the timetable of classes: one row for each weekday."""
    wanted = [
        {
            "business_id": business.id,
            "service_id": services[entry.service].id,
            "location_id": locations[seed.class_place(entry)].id,
            "staff_id": staff[entry.staff].id if entry.staff is not None else None,
            "weekday": weekday,
            "minute": entry.time,
            "capacity": entry.capacity,
            "first_day": entry.first_day,
            "last_day": entry.last_day,
        }
        for entry in seed.timetable
        for weekday in entry.day
    ]
    known = await rows_of(session, ClassTime, business.id)
    timed = {one.service_id for one in known} | {UUID(str(one["service_id"])) for one in wanted}
    keys = ("service_id", "location_id", "weekday", "minute", "first_day")
    await keep(session, ClassTime, known, keys, wanted)
    await session.flush()
    await _drop_outdated(session, business, timed, now)


async def drop_empty_classes(session: AsyncSession, business_id: UUID, now: datetime) -> None:
    """Remove the classes to come that nobody has booked."""
    seats = select(Booking.id).where(
        Booking.business_id == ClassSession.business_id, Booking.session_id == ClassSession.id
    )
    await session.execute(
        delete(ClassSession).where(ClassSession.business_id == business_id, ClassSession.starts > now, ~seats.exists())
    )


async def _drop_outdated(session: AsyncSession, business: Business, timed: Collection[UUID], now: datetime) -> None:
    """Remove classes to come that nobody has booked and that the timetable now says otherwise: they are made anew."""
    times = await rows_of(session, ClassTime, business.id)
    zones = {one.id: one.timezone for one in await rows_of(session, Location, business.id)}
    lengths = {one.id: one.duration for one in await rows_of(session, Service, business.id)}
    seats = select(Booking.id).where(
        Booking.business_id == ClassSession.business_id, Booking.session_id == ClassSession.id
    )
    empty = select(ClassSession).where(
        ClassSession.business_id == business.id,
        ClassSession.service_id.in_(timed),
        ClassSession.state == "open",
        ClassSession.starts > now,
        ~seats.exists(),
    )
    for row in list(await session.scalars(empty)):
        tz = zones[row.location_id]
        day = local_day(tz, minute_of(row.starts))
        planned = [
            one
            for one in times
            if (one.service_id, one.location_id, one.weekday) == (row.service_id, row.location_id, day.weekday())
            and moment_of(instant(tz, day, one.minute)) == row.starts
            and (one.first_day is None or one.first_day <= day)
            and (one.last_day is None or day <= one.last_day)
        ]
        as_planned = planned and planned[0].staff_id in (None, row.staff_id)
        if as_planned and row.ends - row.starts == timedelta(minutes=lengths[row.service_id]):
            continue
        # Whoever books a seat at this instant holds the row: look again once it is ours.
        await session.get(ClassSession, (business.id, row.id), with_for_update=True, populate_existing=True)
        booked = select(Booking.id).where(Booking.business_id == business.id, Booking.session_id == row.id).limit(1)
        if await session.scalar(booked) is None:
            await session.delete(row)
    await session.flush()

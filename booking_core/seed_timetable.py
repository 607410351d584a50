"""Limits and the timetable of a business's file into the tables."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import BookingLimit, Business, ClassTime, Location, Service, Staff
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
    keys = ("service_id", "location_id", "weekday", "minute", "first_day")
    await keep(session, ClassTime, known, keys, wanted)

"""Places and resources of a business's file into the tables."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.models import Business, DateOverride, Location, Resource, ScheduleRule, TimeOff
from booking_core.rules.schedule import WallSpan
from booking_core.rules.wallclock import local_day, minute_of
from booking_core.seed_model import Seed
from booking_core.seed_parts import SeedTimeOff
from booking_core.seed_rows import Facts, id_of, keep, keep_dated, named, rows_of, write

TIME_OFF_SAYS = ("starts", "ends", "kind", "note")


async def load_locations(session: AsyncSession, business: Business, seed: Seed, now: datetime) -> dict[str, Location]:
    """Load the places with their hours and dates; return those of the file by name."""
    known = await named(session, Location, business.id, seed.places)
    locations: dict[str, Location] = {}
    for position, wanted in enumerate(seed.locations):
        location = known.get(wanted.name)
        if location is None:
            location = Location(business_id=business.id, id=new_id(), name=wanted.name)
            session.add(location)
        facts = {
            "address": wanted.address,
            "timezone": seed.zone(wanted.name),
            "phone": wanted.phone,
            "currency": wanted.currency,
            "languages": list(wanted.languages),
            "position": position,
            "active": True,
        }
        write(location, facts)
        locations[wanted.name] = location
    await session.flush()
    rules = [rule for rule in await rows_of(session, ScheduleRule, business.id) if rule.location_id is not None]
    overrides = [one for one in await rows_of(session, DateOverride, business.id) if one.staff_id is None]
    for wanted in seed.locations:
        location = locations[wanted.name]
        own = [rule for rule in rules if rule.location_id == location.id]
        await keep_hours(session, business.id, own, {"location_id": location.id}, wanted.hours)
        await keep_dates(
            session,
            [one for one in overrides if one.location_id == location.id],
            {"business_id": business.id, "location_id": location.id, "staff_id": None},
            location.id,
            {**{day: [] for day in wanted.holidays}, **wanted.dates},
            today=local_day(location.timezone, minute_of(now)),
        )
    return locations


async def load_resources(
    session: AsyncSession, business: Business, seed: Seed, locations: Mapping[str, Location], now: datetime
) -> None:
    """Load rooms, chairs and machines; each is known by its place and its name."""
    known = {(one.location_id, one.name): one for one in await rows_of(session, Resource, business.id)}
    resources: list[Resource] = []
    for position, wanted in enumerate(seed.resources):
        location = locations[seed.place(wanted.location)]
        resource = known.pop((location.id, wanted.name), None)
        if resource is None:
            resource = Resource(business_id=business.id, id=new_id(), location_id=location.id, name=wanted.name)
            session.add(resource)
        write(
            resource,
            {
                "kind": wanted.kind,
                "names": dict(wanted.names),
                "units": wanted.units,
                "position": position,
                "active": True,
            },
        )
        resources.append(resource)
    for one in known.values():
        write(one, {"active": False})
    await session.flush()
    rules = [rule for rule in await rows_of(session, ScheduleRule, business.id) if rule.resource_id is not None]
    away = [one for one in await rows_of(session, TimeOff, business.id) if one.resource_id is not None]
    for resource, wanted in zip(resources, seed.resources, strict=True):
        own = [rule for rule in rules if rule.resource_id == resource.id]
        await keep_hours(session, business.id, own, {"resource_id": resource.id}, wanted.hours)
        await keep_time_off(
            session,
            [one for one in away if one.resource_id == resource.id],
            {"business_id": business.id, "resource_id": resource.id},
            resource.id,
            wanted.time_off,
            tz=seed.zone(seed.place(wanted.location)),
            now=now,
        )


async def keep_hours(
    session: AsyncSession,
    business_id: UUID,
    known: Sequence[ScheduleRule],
    whose: Facts,
    week: Mapping[int, Sequence[WallSpan]],
) -> None:
    """Bring the weekly hours of one owner to what the file says."""
    wanted = [
        {"business_id": business_id, **whose, "weekday": weekday, "opens": opens, "closes": closes}
        for weekday, spans in week.items()
        for opens, closes in spans
    ]
    await keep(session, ScheduleRule, known, ("weekday", "opens", "closes"), wanted)


async def keep_dates(
    session: AsyncSession,
    known: Sequence[DateOverride],
    whose: Facts,
    owner: UUID,
    wanted: Mapping[date, Sequence[WallSpan]],
    *,
    today: date,
) -> None:
    """Bring dates from today on to what the file says: it rules over the dates that it names."""
    coming = [one for one in known if one.day >= today]
    own = {day: id_of(owner, {"day": day}, ("day",)) for day in {*wanted, *(one.day for one in coming)}}
    there: set[date] = set()
    for row in coming:
        if row.day in wanted and row.id == own[row.day]:
            write(row, {**whose, "spans": _spans(wanted[row.day])})
            there.add(row.day)
        elif row.day in wanted or row.id == own[row.day]:
            await session.delete(row)
    for day, spans in wanted.items():
        if day >= today and day not in there:
            session.add(DateOverride(id=own[day], day=day, spans=_spans(spans), **whose))


def _spans(spans: Sequence[WallSpan]) -> list[dict[str, Any]]:
    return [{"opens": opens, "closes": closes} for opens, closes in spans]


async def keep_time_off(
    session: AsyncSession,
    known: Sequence[TimeOff],
    whose: Facts,
    owner: UUID,
    wanted: Sequence[SeedTimeOff],
    *,
    tz: str,
    now: datetime,
) -> None:
    """Bring time off that has not passed to what the file says, beside what was entered in the console."""
    spans = [(one, one.first.instant(tz), one.until.instant(tz, end=True)) for one in wanted]
    facts = [
        {**whose, "starts": starts, "ends": ends, "kind": one.kind, "note": one.note}
        for one, starts, ends in spans
        if ends > now
    ]
    await keep_dated(session, TimeOff, owner, [one for one in known if one.ends > now], TIME_OFF_SAYS, facts)

"""People of a business's file into the tables: what they do, and when."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.models import (
    Business,
    DateOverride,
    Location,
    ScheduleRule,
    Service,
    Skill,
    Staff,
    StaffZone,
    TimeOff,
)
from booking_core.rules.wallclock import local_day, minute_of
from booking_core.seed_model import Seed
from booking_core.seed_parts import SeedStaff
from booking_core.seed_places import keep_dates, keep_hours, keep_time_off
from booking_core.seed_rows import Facts, keep, keep_dated, named, rows_of, write
from booking_core.seed_values import minor

ZONE_SAYS = ("first_day", "last_day", "timezone")


async def load_staff(
    session: AsyncSession,
    business: Business,
    seed: Seed,
    locations: Mapping[str, Location],
    services: Mapping[str, Service],
    now: datetime,
) -> dict[str, Staff]:
    """Load people with their skills and plans; return those of the file by name."""
    known = await named(session, Staff, business.id, seed.people)
    staff: dict[str, Staff] = {}
    for position, wanted in enumerate(seed.staff):
        member = known.get(wanted.name)
        facts = {
            "location_id": locations[seed.place(wanted.location)].id,
            "aliases": list(wanted.aliases),
            "position": position,
            "weight": wanted.weight,
            "priority": wanted.priority,
            "active": True,
        }
        if member is None:
            member = Staff(business_id=business.id, id=new_id(), name=wanted.name, **facts)
            session.add(member)
        else:
            write(member, facts)
        staff[wanted.name] = member
    await session.flush()
    ours = {member.id for member in staff.values()}
    skills = [one for one in await rows_of(session, Skill, business.id) if one.staff_id in ours]
    wanted_skills = [
        facts for wanted in seed.staff for facts in _skills(seed, wanted, business.id, staff[wanted.name].id, services)
    ]
    await keep(session, Skill, skills, ("staff_id", "service_id", "role"), wanted_skills)
    await _load_plans(session, business, seed, staff, now)
    return staff


def _skills(
    seed: Seed, wanted: SeedStaff, business_id: UUID, staff_id: UUID, services: Mapping[str, Service]
) -> list[Facts]:
    currency = seed.currency(seed.place(wanted.location))
    return [
        {
            "business_id": business_id,
            "staff_id": staff_id,
            "service_id": services[name].id,
            "role": one.role_kept,
            "duration": one.duration,
            "price": minor(one.price, currency) if one.price is not None else None,
        }
        for name, roles in wanted.services.items()
        for one in roles
    ]


async def _load_plans(
    session: AsyncSession, business: Business, seed: Seed, staff: Mapping[str, Staff], now: datetime
) -> None:
    rules = await rows_of(session, ScheduleRule, business.id)
    overrides = await rows_of(session, DateOverride, business.id)
    away = await rows_of(session, TimeOff, business.id)
    zones = await rows_of(session, StaffZone, business.id)
    for wanted in seed.staff:
        member = staff[wanted.name]
        tz = seed.zone(seed.place(wanted.location))
        today = local_day(tz, minute_of(now))
        whose = {"business_id": business.id, "staff_id": member.id}
        own_rules = [one for one in rules if one.staff_id == member.id]
        await keep_hours(session, business.id, own_rules, {"staff_id": member.id}, wanted.hours)
        own_dates = [one for one in overrides if one.staff_id == member.id]
        placed = {**whose, "location_id": member.location_id}
        await keep_dates(session, own_dates, placed, member.id, wanted.dates, today=today)
        own_away = [one for one in away if one.staff_id == member.id]
        await keep_time_off(session, own_away, whose, member.id, wanted.time_off, tz=tz, now=now)
        own_zones = [
            one for one in zones if one.staff_id == member.id and (one.last_day is None or one.last_day >= today)
        ]
        wanted_zones = [
            {**whose, "first_day": one.first_day, "last_day": one.last_day, "timezone": one.timezone}
            for one in wanted.zones
            if one.last_day is None or one.last_day >= today
        ]
        await keep_dated(session, StaffZone, member.id, own_zones, ZONE_SAYS, wanted_zones)

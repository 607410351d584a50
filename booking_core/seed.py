"""A business from its file into the tables; loading the file again brings the tables to what it says."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id
from booking_core.models import Business, DateOverride, Location, ScheduleRule, Service, Skill, Staff
from booking_core.rules.wallclock import local_day, minute_of
from booking_core.seed_file import Seed, SeedError, SeedService, read_seed

__all__ = ["SeedError", "load_seed"]


async def load_seed(session: AsyncSession, path: Path, now: datetime) -> Business:
    """Load a file; the business is known by its slug, everything in it by its name.

    Services and people that the file no longer names are not offered any more; their bookings stay.
    """
    seed = read_seed(path)
    business = await _load_business(session, seed)
    locations = await _load_locations(session, business, seed, now)
    services = await _load_services(session, business, seed)
    await _load_staff(session, business, seed, locations, services)
    await session.flush()
    return business


async def _load_business(session: AsyncSession, seed: Seed) -> Business:
    business = await session.scalar(select(Business).where(Business.slug == seed.business.slug))
    if business is None:
        business = Business(id=new_id(), slug=seed.business.slug)
        session.add(business)
    business.name = seed.business.name
    business.default_locale = seed.business.locale
    business.timezone = seed.business.timezone
    business.currency = seed.business.currency
    business.policy = seed.business.policy.model_dump(mode="json")
    business.settings = seed.business.settings
    await session.flush()
    return business


async def _load_locations(session: AsyncSession, business: Business, seed: Seed, now: datetime) -> dict[str, Location]:
    known = {
        one.name: one for one in await session.scalars(select(Location).where(Location.business_id == business.id))
    }
    for wanted in seed.locations:
        location = known.get(wanted.name)
        if location is None:
            location = known[wanted.name] = Location(business_id=business.id, id=new_id(), name=wanted.name)
            session.add(location)
        location.address = wanted.address
        location.timezone = wanted.timezone or business.timezone
        location.phone = wanted.phone
        await session.flush()
        # Holidays to come are as the file says; past ones are history.
        today = local_day(location.timezone, minute_of(now))
        await session.execute(
            delete(DateOverride).where(
                DateOverride.business_id == business.id,
                DateOverride.location_id == location.id,
                DateOverride.staff_id.is_(None),
                DateOverride.day >= today,
            )
        )
        session.add_all(
            DateOverride(business_id=business.id, id=new_id(), location_id=location.id, day=day, spans=[])
            for day in wanted.holidays
            if day >= today
        )
    return known


async def _load_services(session: AsyncSession, business: Business, seed: Seed) -> dict[str, Service]:
    known = {one.name: one for one in await session.scalars(select(Service).where(Service.business_id == business.id))}
    for service in known.values():
        service.active = False
    for position, wanted in enumerate(seed.services):
        service = known.get(wanted.name) or Service(business_id=business.id, id=new_id(), name=wanted.name)
        _fill_service(service, wanted, seed, position)
        known[wanted.name] = service
        session.add(service)
    await session.flush()
    return known


def _fill_service(service: Service, wanted: SeedService, seed: Seed, position: int) -> None:
    service.names = dict(wanted.names)
    service.synonyms = {language: list(names) for language, names in wanted.synonyms.items()}
    service.duration = wanted.duration
    service.buffer_before = wanted.buffer_before
    service.buffer_after = wanted.buffer_after
    service.slot_interval = wanted.slot_interval
    service.price = seed.amount(wanted.price)
    service.deposit = seed.amount(wanted.deposit)
    service.payment = wanted.payment.value
    service.preparation = dict(wanted.preparation)
    service.position = position
    service.active = True


async def _load_staff(
    session: AsyncSession,
    business: Business,
    seed: Seed,
    locations: dict[str, Location],
    services: dict[str, Service],
) -> None:
    known = {one.name: one for one in await session.scalars(select(Staff).where(Staff.business_id == business.id))}
    for member in known.values():
        member.active = False
    for position, wanted in enumerate(seed.staff):
        location = locations[wanted.location or seed.locations[0].name]
        found = known.get(wanted.name)
        member = found or Staff(business_id=business.id, id=new_id(), name=wanted.name, location_id=location.id)
        member.location_id = location.id
        member.aliases = list(wanted.aliases)
        member.position = position
        member.active = True
        session.add(member)
        await session.flush()
        await _forget_plan(session, business.id, member.id)
        for name, own in wanted.services.items():
            session.add(
                Skill(
                    business_id=business.id,
                    staff_id=member.id,
                    service_id=services[name].id,
                    duration=own.duration if own else None,
                    price=seed.amount(own.price) if own and own.price is not None else None,
                )
            )
        session.add_all(
            ScheduleRule(
                business_id=business.id, id=new_id(), staff_id=member.id, weekday=weekday, opens=opens, closes=closes
            )
            for weekday, spans in wanted.hours.items()
            for opens, closes in spans
        )


async def _forget_plan(session: AsyncSession, business_id: UUID, staff_id: UUID) -> None:
    for table in (Skill, ScheduleRule):
        await session.execute(delete(table).where(table.business_id == business_id, table.staff_id == staff_id))

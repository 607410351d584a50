"""What an export reads: everything on offer, and what of it still lies ahead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import (
    AddOn,
    BookingLimit,
    Business,
    ClassTime,
    DateOverride,
    Location,
    Period,
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
from booking_core.rules.wallclock import local_day, minute_of
from booking_core.seed_rows import rows_of

_PERIODS = [period.value for period in Period]


@dataclass(frozen=True)
class Offer:
    """The rows of a business that its file describes, in the house's order."""

    business: Business
    now: datetime
    locations: Mapping[UUID, Location]
    resources: Mapping[UUID, Resource]
    services: Mapping[UUID, Service]
    staff: Mapping[UUID, Staff]
    segments: Sequence[Segment]
    add_ons: Sequence[AddOn]
    places: Sequence[ServiceAt]
    needs: Sequence[ServiceResource]
    skills: Sequence[Skill]
    rules: Sequence[ScheduleRule]
    dates: Sequence[DateOverride]
    time_off: Sequence[TimeOff]
    zones: Sequence[StaffZone]
    timetable: Sequence[ClassTime]
    limits: Sequence[BookingLimit]

    def currency(self, location_id: UUID) -> str:
        """Return a place's currency."""
        return self.locations[location_id].currency or self.business.currency

    def weekly(self, owner: UUID) -> list[tuple[int, int, int]]:
        """Return the weekly hours of a person, a resource or a place."""
        return [
            (rule.weekday, rule.opens, rule.closes)
            for rule in self.rules
            if owner in (rule.staff_id, rule.resource_id, rule.location_id)
        ]


async def read_offer(session: AsyncSession, business: Business, now: datetime) -> Offer:
    """Read it all; what is not offered any more, and the past, is left out."""
    key = business.id
    locations = [one for one in await rows_of(session, Location, key) if one.active]
    here = {one.id: one for one in sorted(locations, key=lambda one: (one.position, one.name))}
    services = [one for one in await rows_of(session, Service, key) if one.active]
    staff = [one for one in await rows_of(session, Staff, key) if one.active and one.location_id in here]
    resources = [one for one in await rows_of(session, Resource, key) if one.active and one.location_id in here]
    sold = {one.id: one for one in sorted(services, key=lambda one: (one.position, one.name))}
    people = {one.id: one for one in sorted(staff, key=lambda one: (one.position, one.name))}
    things = {one.id: one for one in sorted(resources, key=lambda one: (one.position, one.name))}
    order = {one: at for at, one in enumerate([*sold, *people])}
    today = {one.id: local_day(one.timezone, minute_of(now)) for one in locations}

    return Offer(
        business=business,
        now=now,
        locations=here,
        resources=things,
        services=sold,
        staff=people,
        segments=sorted(
            (one for one in await rows_of(session, Segment, key) if {one.service_id, one.part_id} <= sold.keys()),
            key=lambda one: one.position,
        ),
        add_ons=sorted(
            (one for one in await rows_of(session, AddOn, key) if one.active and one.service_id in sold),
            key=lambda one: (one.position, one.name),
        ),
        places=sorted(
            (one for one in await rows_of(session, ServiceAt, key) if one.location_id in here),
            key=lambda one: list(here).index(one.location_id),
        ),
        needs=sorted(await rows_of(session, ServiceResource, key), key=lambda one: one.kind),
        skills=sorted(
            (one for one in await rows_of(session, Skill, key) if {one.service_id, one.staff_id} <= order.keys()),
            key=lambda one: (order[one.service_id], one.role),
        ),
        rules=await rows_of(session, ScheduleRule, key),
        dates=sorted(
            (
                one
                for one in await rows_of(session, DateOverride, key)
                if one.location_id in here and one.day >= today[one.location_id]
            ),
            key=lambda one: one.day,
        ),
        time_off=sorted(
            (one for one in await rows_of(session, TimeOff, key) if one.ends > now),
            key=lambda one: (one.starts, one.ends, one.kind),
        ),
        zones=sorted(
            (
                one
                for one in await rows_of(session, StaffZone, key)
                if one.staff_id in people
                and (one.last_day is None or one.last_day >= today[people[one.staff_id].location_id])
            ),
            key=lambda one: one.first_day,
        ),
        timetable=sorted(
            (
                one
                for one in await rows_of(session, ClassTime, key)
                if one.service_id in sold and one.location_id in here
            ),
            key=lambda one: (one.weekday, one.minute, order[one.service_id]),
        ),
        limits=sorted(
            await rows_of(session, BookingLimit, key),
            key=lambda one: (_PERIODS.index(one.period), one.opens is not None, one.opens or 0),
        ),
    )

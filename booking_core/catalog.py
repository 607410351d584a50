"""What a business offers, where, and by whom: read once a turn, in a few queries."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import Business, Location, ScheduleRule, Service, Skill, Staff
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules.policy import Policy
from booking_core.rules.schedule import WallSpan
from booking_core.rules.spans import merge


@dataclass(frozen=True)
class Catalog:
    """A business with its places, services, people and their usual hours.

    `services` and `staff` are those on offer, in the house's order; `service` and `staff_member` also
    know those that are not any more, because old bookings name them.
    """

    business: Business
    locations: Sequence[Location]
    services: Sequence[Service]
    staff: Sequence[Staff]
    #: service -> who does it, in the house's order
    skills: Mapping[UUID, Sequence[UUID]]
    #: staff -> weekday (Monday is 0) -> wall-clock spans
    weekly: Mapping[UUID, Mapping[int, Sequence[WallSpan]]]
    policy: Policy
    _locations: Mapping[UUID, Location] = field(repr=False)
    _services: Mapping[UUID, Service] = field(repr=False)
    _staff: Mapping[UUID, Staff] = field(repr=False)
    _own: Mapping[tuple[UUID, UUID], Skill] = field(repr=False)

    def service(self, service_id: UUID) -> Service:
        """Return a service; KeyError if it is not this business's."""
        return self._services[service_id]

    def staff_member(self, staff_id: UUID) -> Staff:
        """Return a person; KeyError if they are not this business's."""
        return self._staff[staff_id]

    def location(self, location_id: UUID) -> Location:
        """Return a place; KeyError if it is not this business's."""
        return self._locations[location_id]

    def staff_for(self, service_id: UUID) -> Sequence[UUID]:
        """Return who does a service, in the house's order."""
        return self.skills.get(service_id, ())

    def price(self, service_id: UUID, staff_id: UUID | None = None) -> int:
        """Return a service's price with a person, in minor units."""
        own = self._own.get((service_id, staff_id)) if staff_id else None
        return own.price if own is not None and own.price is not None else self.service(service_id).price

    def duration(self, service_id: UUID, staff_id: UUID | None = None) -> int:
        """Return how many minutes a service takes with a person."""
        own = self._own.get((service_id, staff_id)) if staff_id else None
        return own.duration if own is not None and own.duration is not None else self.service(service_id).duration

    def timezone(self, staff_id: UUID) -> str:
        """Return the zone of the place where a person works."""
        return self.location(self.staff_member(staff_id).location_id).timezone

    def opening(self) -> dict[int, list[WallSpan]]:
        """Return when anybody works: weekday (Monday is 0) -> wall-clock spans, sorted and merged."""
        open_at: dict[int, list[WallSpan]] = defaultdict(list)
        for member in self.staff:
            for weekday, spans in self.weekly.get(member.id, {}).items():
                open_at[weekday].extend(spans)
        return {weekday: merge(spans) for weekday, spans in sorted(open_at.items())}


async def load_business(session: AsyncSession, business_id: UUID) -> Business:
    """Return a business; refuses an unknown one."""
    business = await session.get(Business, business_id)
    if business is None:
        raise BookingRefused(Reason.UNKNOWN, business=str(business_id))
    return business


async def load_catalog(session: AsyncSession, business_id: UUID) -> Catalog:
    """Read a business's whole catalog: six queries, however much it offers."""
    business = await load_business(session, business_id)
    locations = list(
        await session.scalars(select(Location).where(Location.business_id == business_id).order_by(Location.id))
    )
    services = list(
        await session.scalars(
            select(Service).where(Service.business_id == business_id).order_by(Service.position, Service.name)
        )
    )
    staff = list(
        await session.scalars(
            select(Staff).where(Staff.business_id == business_id).order_by(Staff.position, Staff.name)
        )
    )
    skills = list(await session.scalars(select(Skill).where(Skill.business_id == business_id)))
    rules = await session.scalars(
        select(ScheduleRule).where(ScheduleRule.business_id == business_id).order_by(ScheduleRule.opens)
    )
    weekly: dict[UUID, dict[int, list[WallSpan]]] = defaultdict(lambda: defaultdict(list))
    for rule in rules:
        weekly[rule.staff_id][rule.weekday].append((rule.opens, rule.closes))
    known = {(skill.service_id, skill.staff_id): skill for skill in skills}
    active = [one for one in staff if one.active]
    return Catalog(
        business=business,
        locations=locations,
        services=[one for one in services if one.active],
        staff=active,
        skills={
            service.id: [one.id for one in active if (service.id, one.id) in known]
            for service in services
            if service.active
        },
        weekly=weekly,
        policy=Policy.model_validate(business.policy),
        _locations={one.id: one for one in locations},
        _services={one.id: one for one in services},
        _staff={one.id: one for one in staff},
        _own=known,
    )

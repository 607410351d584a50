"""What a business offers, where, by whom and when: read once for each version, then kept in memory.

Triggers of the database give the business another `catalog_version` with every change of what is read
here, so a version that is still the present one is a true copy. It is never written through: its rows
belong to no session.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog_rows import Rows, read_rows
from booking_core.hours import Hours
from booking_core.kit.statements import begin_with
from booking_core.models import (
    AddOn,
    BookingLimit,
    Business,
    ClassTime,
    DateOverride,
    Location,
    Resource,
    Segment,
    Service,
    ServiceAt,
    ServiceResource,
    Skill,
    Staff,
)
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules.policy import Policy
from booking_core.rules.schedule import Schedule, WallSpan, ZoneSpan
from booking_core.rules.spans import merge
from booking_core.rules.wallclock import minute_from, minute_of

Child = TypeVar("Child", Segment, AddOn, ServiceResource)
Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

#: Catalogs that a process keeps, those longest unused forgotten first.
_KEPT = 256
#: Answers that a catalog remembers; then it forgets them all.
_ANSWERS = 10_000


@dataclass(frozen=True)
class Catalog:
    """A business with its places, services, people and hours, at one version.

    `services`, `staff`, `locations` and `resources` are those on offer, in the house's order; `service`,
    `staff_member`, `location` and `resource` also know those that are not any more, because old bookings
    name them.
    """

    business: Business
    version: int
    locations: Sequence[Location]
    services: Sequence[Service]
    staff: Sequence[Staff]
    resources: Sequence[Resource]
    limits: Sequence[BookingLimit]
    timetable: Sequence[ClassTime]
    #: service -> who does it, in the house's order, whatever the role
    skills: Mapping[UUID, Sequence[UUID]]
    #: staff -> weekday (Monday is 0) -> wall-clock spans
    weekly: Mapping[UUID, Mapping[int, Sequence[WallSpan]]]
    hours: Hours
    policy: Policy
    _locations: Mapping[UUID, Location] = field(repr=False)
    _services: Mapping[UUID, Service] = field(repr=False)
    _staff: Mapping[UUID, Staff] = field(repr=False)
    _resources: Mapping[UUID, Resource] = field(repr=False)
    _own: Mapping[tuple[UUID, UUID, str], Skill] = field(repr=False)
    _segments: Mapping[UUID, Sequence[Segment]] = field(repr=False)
    _add_ons: Mapping[UUID, Sequence[AddOn]] = field(repr=False)
    _needs: Mapping[UUID, Sequence[ServiceResource]] = field(repr=False)
    _at: Mapping[tuple[UUID, UUID], ServiceAt] = field(repr=False)
    #: place -> date -> the spans that replace its weekly hours
    _house: Mapping[UUID, Mapping[date, Sequence[WallSpan]]] = field(repr=False)
    _answers: dict[tuple[Any, ...], Any] = field(default_factory=dict, repr=False)

    def remember(self, question: tuple[Any, ...], answer: Callable[[], Answer]) -> Answer:
        """Return what has been answered before; else ask, and remember it for as long as the catalog is true."""
        try:
            known: Answer = self._answers[question]
        except KeyError:
            if len(self._answers) >= _ANSWERS:
                self._answers.clear()
            known = self._answers[question] = answer()
        return known

    def service(self, service_id: UUID) -> Service:
        """Return a service; KeyError if it is not this business's."""
        return self._services[service_id]

    def staff_member(self, staff_id: UUID) -> Staff:
        """Return a person; KeyError if they are not this business's."""
        return self._staff[staff_id]

    def location(self, location_id: UUID) -> Location:
        """Return a place; KeyError if it is not this business's."""
        return self._locations[location_id]

    def resource(self, resource_id: UUID) -> Resource:
        """Return a room, chair or machine; KeyError if it is not this business's."""
        return self._resources[resource_id]

    def staff_for(self, service_id: UUID) -> Sequence[UUID]:
        """Return who does a service (or, of a visit of several, a part of it), in the house's order."""
        segments = self.segments(service_id)
        if not segments:
            return self.skills.get(service_id, ())
        able = {one for segment in segments for one in self.skills.get(segment.part_id, ())}
        return [one.id for one in self.staff if one.id in able]

    def skilled(self, service_id: UUID, role: str) -> Sequence[UUID]:
        """Return who does a service in a role, in the house's order."""
        return [one for one in self.skills.get(service_id, ()) if (service_id, one, role) in self._own]

    def segments(self, service_id: UUID) -> Sequence[Segment]:
        """Return the parts of a visit that is made of several services, in order; else none."""
        return self._segments.get(service_id, ())

    def add_ons(self, service_id: UUID) -> Sequence[AddOn]:
        """Return what a customer may take besides, in the house's order."""
        return [one for one in self._add_ons.get(service_id, ()) if one.active]

    def add_on(self, service_id: UUID, add_on_id: UUID) -> AddOn:
        """Return one of a service's add-ons; refuses an unknown one."""
        for one in self._add_ons.get(service_id, ()):
            if one.id == add_on_id:
                return one
        raise BookingRefused(Reason.UNKNOWN, add_on=str(add_on_id))

    def needs(self, service_id: UUID) -> Sequence[ServiceResource]:
        """Return which kinds of resources a service needs."""
        return self._needs.get(service_id, ())

    def offered_at(self, service_id: UUID, location_id: UUID) -> bool:
        """Whether a service is offered at a place."""
        own = self._at.get((service_id, location_id))
        return own is None or own.offered

    def price(self, service_id: UUID, staff_id: UUID | None = None, location_id: UUID | None = None) -> int:
        """Return a service's price with a person or at a place, in minor units of the place's currency."""
        own = self._skill(service_id, staff_id)
        if own is not None and own.price is not None:
            return own.price
        place = self._at.get((service_id, location_id)) if location_id else None
        return place.price if place is not None and place.price is not None else self.service(service_id).price

    def deposit(self, service_id: UUID, location_id: UUID | None = None) -> int:
        """Return a service's deposit at a place."""
        place = self._at.get((service_id, location_id)) if location_id else None
        return place.deposit if place is not None and place.deposit is not None else self.service(service_id).deposit

    def currency(self, location_id: UUID | None = None) -> str:
        """Return the currency of a place, or of the business."""
        return (self.location(location_id).currency if location_id else None) or self.business.currency

    def duration(self, service_id: UUID, staff_id: UUID | None = None, *, units: int = 1) -> int:
        """Return how many minutes a service takes with a person; of several parts, without any waiting."""
        segments = self.segments(service_id)
        if segments:
            return sum(self.duration(one.part_id, staff_id) for one in segments)
        own = self._skill(service_id, staff_id)
        once = own.duration if own is not None and own.duration is not None else self.service(service_id).duration
        return once * units

    def timezone(self, staff_id: UUID) -> str:
        """Return the zone of the place where a person works."""
        return self.location(self.staff_member(staff_id).location_id).timezone

    def opening(self, location_id: UUID | None = None) -> dict[int, list[WallSpan]]:
        """Return when a place (or any) is open: weekday (Monday is 0) -> wall-clock spans, sorted and merged.

        A place that names no hours is open when anybody works there.
        """
        open_at: dict[int, list[WallSpan]] = defaultdict(list)
        for place in self.locations:
            if location_id not in {None, place.id}:
                continue
            own = self.weekly.get(place.id)
            for whose in [place.id] if own else [one.id for one in self.staff if one.location_id == place.id]:
                for weekday, spans in self.weekly.get(whose, {}).items():
                    open_at[weekday].extend(spans)
        return {weekday: merge(spans) for weekday, spans in sorted(open_at.items())}

    def dates(self, location_id: UUID) -> Mapping[date, Sequence[WallSpan]]:
        """Return the local dates on which a whole place has other hours; without any it is closed."""
        return self._house.get(location_id, {})

    def is_holiday(self, location_id: UUID, day: date) -> bool:
        """Whether a place is closed all of a local date, by its own word."""
        spans = self._house.get(location_id, {}).get(day)
        return spans is not None and not spans

    def _skill(self, service_id: UUID, staff_id: UUID | None) -> Skill | None:
        if staff_id is None:
            return None
        usual = self._own.get((service_id, staff_id, ""))
        if usual is not None:
            return usual
        roles = self.service(service_id).staff_roles
        return next((own for role in roles if (own := self._own.get((service_id, staff_id, role)))), None)


def remembered(ask: Callable[Concatenate[Catalog, Asked], Answer], /) -> Callable[Concatenate[Catalog, Asked], Answer]:
    """Ask a catalog each question once. The rule is pure, its arguments are hashable, nobody changes the answer."""

    @wraps(ask)
    def answer(catalog: Catalog, /, *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        return catalog.remember((ask, *args), lambda: ask(catalog, *args, **kwargs))

    return answer


async def load_business(session: AsyncSession, business_id: UUID) -> Business:
    """Return a business; refuses an unknown one."""
    business = await session.get(Business, business_id)
    if business is None:
        raise BookingRefused(Reason.UNKNOWN, business=str(business_id))
    return business


VERSION = "SELECT catalog_version FROM business WHERE id = %(business_id)s"
#: By database and business: a clone of a database may draw the same versions for other rows.
_cache: OrderedDict[tuple[str, UUID], Catalog] = OrderedDict()
_names: WeakKeyDictionary[Engine, str] = WeakKeyDictionary()


async def load_catalog(session: AsyncSession, business_id: UUID) -> Catalog:
    """Return a business's catalog as this transaction sees it: one small query while nothing has changed."""
    found = await begin_with(session, VERSION, {"business_id": business_id})
    if not found:
        raise BookingRefused(Reason.UNKNOWN, business=str(business_id))
    return await catalog_at(session, business_id, found[0][0])


async def catalog_at(session: AsyncSession, business_id: UUID, version: int) -> Catalog:
    """Return a business's catalog, whose version the transaction has just read (`business.catalog_version`)."""
    key = (_database(session), business_id)
    known = _cache.get(key)
    if known is not None and known.version == version:
        _cache.move_to_end(key)
        return known
    catalog = _assemble(await read_rows(session, business_id))
    _cache[key] = catalog
    while len(_cache) > _KEPT:
        _cache.popitem(last=False)
    return catalog


def _database(session: AsyncSession) -> str:
    engine = session.get_bind().engine
    name = _names.get(engine)
    if name is None:
        name = _names[engine] = engine.url.render_as_string(hide_password=True)
    return name


def _assemble(rows: Rows) -> Catalog:
    weekly: dict[UUID, dict[int, list[WallSpan]]] = defaultdict(lambda: defaultdict(list))
    for rule in rows.rules:
        whose = rule.staff_id or rule.resource_id or rule.location_id
        if whose is not None:
            weekly[whose][rule.weekday].append((rule.opens, rule.closes))
    house: dict[UUID, dict[date, list[WallSpan]]] = defaultdict(lambda: defaultdict(list))
    for override in rows.overrides:
        if override.staff_id is None:
            house[override.location_id][override.day].extend(wall_spans(override))
    own = {(skill.service_id, skill.staff_id, skill.role): skill for skill in rows.skills}
    able = {(skill.service_id, skill.staff_id) for skill in rows.skills}
    active = [one for one in rows.staff if one.active]
    return Catalog(
        business=rows.business,
        version=rows.business.catalog_version,
        locations=[one for one in rows.locations if one.active],
        services=[one for one in rows.services if one.active],
        staff=active,
        resources=[one for one in rows.resources if one.active],
        limits=rows.limits,
        timetable=rows.timetable,
        skills={
            service.id: [one.id for one in active if (service.id, one.id) in able]
            for service in rows.services
            if service.active
        },
        weekly=weekly,
        hours=Hours(_schedules(rows, weekly, house)),
        policy=Policy.model_validate(rows.business.policy),
        _locations={one.id: one for one in rows.locations},
        _services={one.id: one for one in rows.services},
        _staff={one.id: one for one in rows.staff},
        _resources={one.id: one for one in rows.resources},
        _own=own,
        _segments=_grouped(rows.segments),
        _add_ons=_grouped(rows.add_ons),
        _needs=_grouped(rows.needs),
        _house=house,
        _at={(one.service_id, one.location_id): one for one in rows.places},
    )


def _grouped(rows: Sequence[Child]) -> dict[UUID, list[Child]]:
    grouped: dict[UUID, list[Child]] = defaultdict(list)
    for row in rows:
        grouped[row.service_id].append(row)
    return grouped


def wall_spans(override: DateOverride) -> list[WallSpan]:
    """Return the hours of a date that replace the week's."""
    return [(int(one["opens"]), int(one["closes"])) for one in override.spans]


def _away(rows: Rows) -> dict[UUID, list[tuple[int, int]]]:
    away: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
    for gone in rows.time_off:
        whose = gone.staff_id or gone.resource_id
        if whose is not None:
            away[whose].append((minute_of(gone.starts), minute_from(gone.ends)))
    return away


def _schedules(
    rows: Rows,
    weekly: Mapping[UUID, Mapping[int, Sequence[WallSpan]]],
    house: Mapping[UUID, Mapping[date, Sequence[WallSpan]]],
) -> dict[UUID, Schedule]:
    own: dict[UUID, dict[date, list[WallSpan]]] = defaultdict(lambda: defaultdict(list))
    for override in rows.overrides:
        if override.staff_id is not None:
            own[override.staff_id][override.day].extend(wall_spans(override))
    away = _away(rows)
    zones: dict[UUID, list[ZoneSpan]] = defaultdict(list)
    for zone in rows.zones:
        zones[zone.staff_id].append((zone.first_day, zone.last_day, zone.timezone))
    places = {one.id: one for one in rows.locations}
    schedules: dict[UUID, Schedule] = {}

    def schedule(whose: UUID, place: Location) -> Schedule:
        return Schedule(
            tz=place.timezone,
            weekly=weekly.get(whose, {}),
            house=house.get(place.id, {}),
            own=own.get(whose, {}),
            away=away.get(whose, ()),
            zones=zones.get(whose, ()),
        )

    for member in rows.staff:
        schedules[member.id] = schedule(member.id, places[member.location_id])
    for thing in rows.resources:
        # A resource without hours of its own can be used whenever somebody comes; it may be away all the same.
        if thing.id in weekly:
            schedules[thing.id] = schedule(thing.id, places[thing.location_id])
        elif thing.id in away:
            always = {weekday: [(0, 1440)] for weekday in range(7)}
            schedules[thing.id] = Schedule(places[thing.location_id].timezone, always, away=away[thing.id])
    for place in rows.locations:
        if place.id in weekly:
            # What a place says of a date stands above its own week, longer or shorter.
            schedules[place.id] = Schedule(place.timezone, weekly[place.id], own=house.get(place.id, {}))
    return schedules

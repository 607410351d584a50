"""From what somebody wants to plans: at each place that could do it, who and what each part needs."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from booking_core.catalog import Catalog, remembered
from booking_core.models import BookingLimit, Covers, Location, Period, Service, Unit
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import Arrangement, VisitRequest
from booking_core.rules.plan import Candidate, Needed, Part, Person, Plan, Pool, Quota
from booking_core.rules.quotas import periods_for
from booking_core.rules.schedule import days_between
from booking_core.rules.spans import Span, merge


@dataclass(frozen=True, slots=True)
class Step:
    """One service of a visit, before anybody's time is looked at."""

    service: Service
    #: The service that was asked for, of which it may be a part.
    asked: UUID
    max_wait: int = 0
    same_staff: bool = False


def steps_of(catalog: Catalog, wanted: VisitRequest) -> Sequence[Step]:
    """Return the services of a visit in order, packages taken apart; refuses what is not on offer."""
    return steps_for(catalog, wanted.service_ids)


@remembered
def steps_for(catalog: Catalog, service_ids: tuple[UUID, ...]) -> Sequence[Step]:
    """Return the services of a visit of these, in order, as `steps_of` does."""
    steps: list[Step] = []
    for service_id in service_ids:
        service = on_offer(catalog, service_id)
        segments = catalog.segments(service.id)
        if not segments:
            steps.append(Step(service, service.id))
        steps.extend(Step(catalog.service(one.part_id), service.id, one.max_wait, one.same_staff) for one in segments)
    return steps


def on_offer(catalog: Catalog, service_id: UUID) -> Service:
    """Return a service of this business; refuses an unknown one."""
    try:
        return catalog.service(service_id)
    except KeyError:
        raise BookingRefused(Reason.UNKNOWN, service=str(service_id)) from None


def check_numbers(catalog: Catalog, wanted: VisitRequest) -> None:
    """Refuse more people, or more or fewer hours and days, than the services take."""
    services = [on_offer(catalog, one) for one in wanted.service_ids]
    if len(services) > 1 and any(one.unit != Unit.VISIT or one.capacity > 1 for one in services):
        # A class, or what is sold by the hour, day or night, is booked by itself.
        raise BookingRefused(Reason.TOO_MANY, most=1, of="services")
    most = most_people(catalog, wanted)
    if not 1 <= wanted.party <= most:
        raise BookingRefused(Reason.TOO_MANY, most=most, of="people")
    for service in services:
        if service.unit != Unit.VISIT and not service.units_min <= wanted.units <= service.units_max:
            raise BookingRefused(
                Reason.TOO_MANY, least=service.units_min, most=service.units_max, of=Unit(service.unit).value
            )


def most_people(catalog: Catalog, wanted: VisitRequest) -> int:
    """Return how many people the services take with one booking, whoever is free."""
    return min(_most_of(catalog, on_offer(catalog, one)) for one in wanted.service_ids)


def _most_of(catalog: Catalog, service: Service) -> int:
    parts = (catalog.service(one.part_id).max_party for one in catalog.segments(service.id))
    most = min([service.max_party, *parts])
    # A class takes whoever finds a seat.
    return service.capacity if service.capacity > 1 and most == 1 else most


def places_for(catalog: Catalog, wanted: VisitRequest) -> Sequence[Location]:
    """Return the places at which everything wanted is offered, in the house's order."""
    return _places(catalog, wanted.service_ids, wanted.location_id)


@remembered
def _places(catalog: Catalog, service_ids: tuple[UUID, ...], location_id: UUID | None) -> Sequence[Location]:
    steps = steps_for(catalog, service_ids)
    wholes = [catalog.service(one) for one in service_ids]
    return [
        place
        for place in catalog.locations
        if location_id in {None, place.id}
        and all(one.active for one in (*(step.service for step in steps), *wholes))
        and all(catalog.offered_at(step.service.id, place.id) for step in steps)
        and all(catalog.offered_at(one, place.id) for one in service_ids)
    ]


def plans_for(catalog: Catalog, wanted: VisitRequest, days: tuple[date, date]) -> list[Plan]:
    """Return a plan for each place that could do it at all; the hours in it cover local dates, both included.

    Refuses with STAFF_CANNOT when no place has who and what is needed.
    """
    check_numbers(catalog, wanted)
    _check_named(catalog, wanted)
    able = [plan for place in places_for(catalog, wanted) if (plan := _plan(catalog, wanted, place, days))]
    plans = [plan for plan in able if plan.lanes <= _most_at_once(plan)]
    if able and not plans:
        raise BookingRefused(Reason.TOO_MANY, most=max(map(_most_at_once, able)), of="together")
    if not plans:
        raise BookingRefused(Reason.STAFF_CANNOT)
    return plans


def _most_at_once(plan: Plan) -> int:
    """Return for how many people at the same time there are hands and things at all."""
    hands = [len(role) for part in plan.parts for role in part.roles]
    things = [sum(pool.units for pool in need.pools) // need.units for part in plan.parts for need in part.needs]
    return min([*hands, *things], default=plan.lanes)


def _plan(catalog: Catalog, wanted: VisitRequest, place: Location, days: tuple[date, date]) -> Plan | None:
    steps = steps_of(catalog, wanted)
    chosen = chosen_people(catalog, wanted, place)
    if chosen is None:
        return None
    kept = dict(wanted.kept_staff)
    in_class = any(step.service.capacity > 1 for step in steps)
    lanes = 1 if in_class or wanted.arrangement == Arrangement.IN_TURN else wanted.party
    turns = 1 if in_class or wanted.arrangement == Arrangement.TOGETHER else wanted.party
    parts: list[Part] = []
    for turn in range(turns):
        for at, step in enumerate(steps):
            # Whoever comes after others has had their own people: they stay with whom they get.
            again = kept.get(step.service.id) if turn == 0 else None
            part = _part(catalog, wanted, place, step, days, asked=chosen[at], kept=again, person=turn)
            if part is None or (at and part.same_staff and not _share(part, parts[-1])):
                return None
            parts.append(part)
        if turn:
            # The next person begins when all parts of the one before are done, tidying up included.
            first = len(parts) - len(steps)
            wait = max(part.after for part in parts[first - len(steps) : first]) + parts[first].before
            parts[first] = _waiting(parts[first], wait)
    if not _cast_fits(wanted, parts, lanes):
        return None
    main = catalog.service(wanted.service_id)
    services = {*wanted.service_ids, *(step.service.id for step in steps)}
    return Plan(
        location_id=place.id,
        tz=place.timezone,
        parts=parts,
        days=days,
        lanes=lanes,
        interval=main.slot_interval,
        offset=main.slot_offset,
        grid=catalog.policy.grid,
        buffers=catalog.policy.buffers,
        open=None if all(part.roles for part in parts) else opening(catalog, place, days),
        quotas=[
            quota_for(limit, place.timezone, days)
            for limit in catalog.limits
            if limit.staff_id is None and limit.service_id in services
        ],
        cast=wanted.cast,
    )


def _cast_fits(wanted: VisitRequest, parts: Sequence[Part], lanes: int) -> bool:
    """Whether those who are said to fill the roles are among those who can."""
    if not wanted.cast:
        return True
    roles = [[{one.person.id for one in role} for role in part.roles] for part in parts] * lanes
    return [len(one) for one in wanted.cast] == [len(one) for one in roles] and all(
        who is None or who in able
        for each, part in zip(wanted.cast, roles, strict=True)
        for who, able in zip(each, part, strict=True)
    )


def _waiting(part: Part, wait: int) -> Part:
    return replace(part, max_wait=max(part.max_wait, wait))


def _share(part: Part, before: Part) -> bool:
    """Whether anybody could lead both of two parts."""
    if not part.roles or not before.roles:
        return True
    return not {one.person.id for one in part.roles[0]}.isdisjoint(one.person.id for one in before.roles[0])


def _check_named(catalog: Catalog, wanted: VisitRequest) -> None:
    """Refuse a person for a service that the visit has not got."""
    known = {one for step in steps_of(catalog, wanted) for one in (step.service.id, step.asked)}
    for service_id, _ in wanted.staff_by_service:
        if service_id not in known:
            raise BookingRefused(Reason.UNKNOWN, service=str(service_id))


def check_people(catalog: Catalog, wanted: VisitRequest) -> None:
    """Refuse people who do not do what they are wished for, at any of its places, whoever is free."""
    _check_named(catalog, wanted)
    places = places_for(catalog, wanted)
    if wanted.names_somebody and all(chosen_people(catalog, wanted, place) is None for place in places):
        raise BookingRefused(Reason.STAFF_CANNOT)


def chosen_people(catalog: Catalog, wanted: VisitRequest, place: Location) -> list[UUID | None] | None:
    """Return for each step who was asked for at a place, if anybody; None where somebody does nothing of it there.

    Whoever is named for a step must do it; who is named for a package or for the whole visit does what they can of it.
    """
    if not wanted.names_somebody:
        return [None] * len(steps_of(catalog, wanted))
    named = dict(wanted.staff_by_service)
    chosen: list[UUID | None] = []
    idle = {wanted.staff_id, *named.values()} - {None}
    for step in steps_of(catalog, wanted):
        strict = named.get(step.service.id)
        who = strict or named.get(step.asked) or wanted.staff_id
        able = who is not None and _does(catalog, who, step.service.id, place)
        if strict is not None and not able:
            return None
        chosen.append(who if able else None)
        if able:
            idle.discard(who)
    return None if idle else chosen


def _does(catalog: Catalog, staff_id: UUID, service_id: UUID, place: Location) -> bool:
    skilled = staff_id in catalog.skills.get(service_id, ())
    return skilled and catalog.staff_member(staff_id).location_id == place.id


def _part(
    catalog: Catalog,
    wanted: VisitRequest,
    place: Location,
    step: Step,
    days: tuple[date, date],
    *,
    asked: UUID | None,
    kept: UUID | None,
    person: int,
) -> Part | None:
    service = step.service
    more = extra_minutes(catalog, wanted, service.id)
    units = wanted.units if service.unit == Unit.HOUR else 1
    duration = service.duration * units + more
    roles = list(_roles(catalog, wanted, place, service, days, asked=asked, units=units, more=more))
    needs = [
        Needed(
            kind=need.kind,
            units=need.units,
            pools=pools_at(catalog, place, need.kind, days),
            work_only=need.covers == Covers.WORK,
        )
        for need in catalog.needs(service.id)
    ]
    if not all(roles) or any(sum(pool.units for pool in need.pools) < need.units for need in needs):
        return None
    tail = service.duration - service.processing_from - service.processing if service.processing else 0
    return Part(
        service_id=service.id,
        duration=duration,
        roles=roles,
        needs=needs,
        before=service.buffer_before,
        after=service.buffer_after,
        processing=service.processing,
        tail=tail,
        max_wait=step.max_wait,
        same_staff=step.same_staff,
        person=person,
        kept=kept,
        package_id=None if step.asked in {service.id, wanted.service_id} else step.asked,
    )


def extra_minutes(catalog: Catalog, wanted: VisitRequest, service_id: UUID) -> int:
    """Return what add-ons add to a service; a visit that moves keeps those that are not sold any more."""
    minutes = 0
    for one in set(wanted.add_on_ids):
        with suppress(BookingRefused):  # it is one of another service of this visit
            minutes += catalog.add_on(service_id, one).minutes
    return minutes


def longest(catalog: Catalog, wanted: VisitRequest) -> int:
    """Return how many minutes a visit lasts at most, waits and tidying up included, whoever does it."""
    total = 0
    for step in steps_of(catalog, wanted):
        service = step.service
        total += _slowest(catalog, service.id) * (wanted.units if service.unit == Unit.HOUR else 1)
        total += service.buffer_before + service.buffer_after + step.max_wait
        total += extra_minutes(catalog, wanted, service.id)
    return total * (wanted.party if wanted.arrangement == Arrangement.IN_TURN else 1)


@remembered
def _slowest(catalog: Catalog, service_id: UUID) -> int:
    """Return the most minutes that anybody needs for a service."""
    return max(catalog.duration(service_id, one) for one in (None, *catalog.skills.get(service_id, ())))


@remembered
def _able(catalog: Catalog, service_id: UUID, role: str, location_id: UUID) -> Sequence[UUID]:
    """Return who does a service in a role at a place, in the house's order."""
    skilled = catalog.skilled(service_id, role)
    return [one for one in skilled if catalog.staff_member(one).location_id == location_id]


def _roles(
    catalog: Catalog,
    wanted: VisitRequest,
    place: Location,
    service: Service,
    days: tuple[date, date],
    *,
    asked: UUID | None,
    units: int,
    more: int,
) -> Iterator[list[Candidate]]:
    """Yield who could fill each role of a service at a place; whoever was asked for fills the first they can."""
    names = [""] if service.everyone else service.staff_roles
    for role in names:
        able = _able(catalog, service.id, role, place.id)
        if asked is not None and asked in able and not service.everyone:
            able, asked = [asked], None
        candidates = [
            Candidate(
                person=_person(catalog, one, days),
                duration=catalog.duration(service.id, one, units=units) + more,
                quotas=[
                    quota_for(limit, place.timezone, days)
                    for limit in catalog.limits
                    if limit.staff_id == one and limit.service_id in {None, service.id, *wanted.service_ids}
                ],
            )
            for one in able
        ]
        if service.everyone:
            # All of them at once: each is the only candidate of a role of their own.
            yield from ([candidate] for candidate in candidates) if candidates else ([],)
        else:
            yield candidates


def _person(catalog: Catalog, staff_id: UUID, days: tuple[date, date]) -> Person:
    return Person(
        id=staff_id,
        number=catalog.staff_member(staff_id).calendar_no,
        working=catalog.hours.working(staff_id, *days),
        usual=catalog.hours.usual(staff_id, *days),
    )


def pools_at(catalog: Catalog, place: Location, kind: str, days: tuple[date, date]) -> list[Pool]:
    """Return the resources of a kind at a place, in the house's order."""
    return [
        Pool(
            id=thing.id,
            number=thing.calendar_no,
            units=thing.units,
            open=catalog.hours.working(thing.id, *days) if thing.id in catalog.hours else None,
        )
        for thing in catalog.resources
        if thing.kind == kind and thing.location_id == place.id
    ]


def opening(catalog: Catalog, place: Location, days: tuple[date, date]) -> list[Span] | None:
    """Return when a place is open: by its own hours, else whenever anybody works there; None: always."""
    if place.id in catalog.hours:
        return catalog.hours.working(place.id, *days)
    people = [one.id for one in catalog.staff if one.location_id == place.id]
    return merge(span for one in people for span in catalog.hours.usual(one, *days)) if people else None


def quota_for(limit: BookingLimit, tz: str, days: tuple[date, date]) -> Quota:
    """Return a limit with its periods on these local dates."""
    return Quota(
        id=limit.id,
        number=limit.calendar_no,
        count=limit.count,
        periods=periods_for(Period(limit.period), tz, days_between(*days), opens=limit.opens, closes=limit.closes),
        name=limit.period,
    )

"""Who is free when: free starts for offers, and places for those who take one. Both ask the same rules.

It answers for good offers and clear refusals; that nothing is booked twice is judged by the constraint
on `allocation` alone. Queries are few and do not grow with people, rooms or days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import classes, rentals
from booking_core.bounds import Window, bounds_of, limits_of, nowhere
from booking_core.catalog import Catalog
from booking_core.listing import gives_up, in_the_way, listed, rank
from booking_core.models import Location, Unit
from booking_core.planning import check_numbers, longest, on_offer, places_for, plans_for
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from booking_core.rules import availability as rules
from booking_core.rules.availability import Search, Slot
from booking_core.rules.feasible import numbers_of
from booking_core.rules.placing import Placer, covers
from booking_core.rules.plan import Placement, Plan, Times
from booking_core.rules.spans import Span, merge, subtract
from booking_core.rules.wallclock import DAY, instant, local_day
from booking_core.taken import Asked, Asker, Taken, Yielding, load_taken
from booking_core.turns import turns_for

#: Later than any booking, in minutes since 1970.
FAR = 1_000_000_000
_SOME_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FreeSlots:
    """Free starts, earliest first; when there are none, why."""

    slots: list[Slot]
    reason: Reason | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a visit can be at a start, and the holds in it that do not count for who asks."""

    placement: Placement
    yielding: Sequence[Yielding] = ()
    #: The class that it has seats in.
    session_id: UUID | None = None
    #: A class that begins with this visit: what it takes of people and rooms.
    opens: classes.NewSession | None = None


async def free_slots(
    session: AsyncSession,
    catalog: Catalog,
    *,
    wanted: VisitRequest,
    windows: Sequence[Window],
    exclude: Sequence[Window] = (),
    now: datetime,
    ignoring: UUID | None = None,
    customer_id: UUID | None = None,
    limit: int = 200,
) -> FreeSlots:
    """Return when a visit can begin inside the windows: each start once, with who would do it.

    `ignoring` is a booking that is being moved; `customer_id` is who asks: own holds do not count. A
    window of one minute asks about that very start, wherever the list's grid has been pushed meanwhile.
    """
    service = on_offer(catalog, wanted.service_id)
    asked = subtract(rules.spans_of(windows, FAR), rules.spans_of(exclude, FAR))
    places = places_for(catalog, wanted)
    if not places:
        return FreeSlots([], Reason.STAFF_CANNOT)
    bounds = {place.id: bounds_of(catalog, wanted, place.timezone, now) for place in places}
    within = {place.id: rules.clip_spans(asked, bounds[place.id].earliest, bounds[place.id].latest) for place in places}
    spans = merge(span for each in within.values() for span in each)
    if not spans:
        reason, data = nowhere(asked, bounds[places[0].id])
        return FreeSlots([], reason, data)
    asker = Asker(now, ignoring, customer_id)
    if service.unit in {Unit.DAY, Unit.NIGHT}:
        return FreeSlots(*await rentals.free_starts(session, catalog, wanted, within, asker, limit=limit))
    try:
        check_numbers(catalog, wanted)
        # A class that is there takes place, whoever could do another one.
        timed = classes.on_timetable(catalog, service.id)
        plans = [] if timed else plans_for(catalog, wanted, _days(catalog, wanted, places, spans))
    except BookingRefused as refused:
        return FreeSlots([], refused.reason, refused.data)
    found: list[Slot] = []
    reasons: list[Reason] = []
    if service.capacity > 1:
        seats = await classes.free_seats(session, catalog, wanted, within, asker)
        found, reasons = seats.slots, seats.reasons
        if timed:
            found = found[:limit]
            return FreeSlots(found) if found else FreeSlots([], rules.most_hopeful(reasons or [Reason.OUTSIDE_HOURS]))
        within = {place: subtract(each, seats.begun[place]) for place, each in within.items()}
    searches, taken = await _searches(session, catalog, plans, asker)
    turns = await turns_for(session, catalog, wanted, plans, customer_id=customer_id, now=now)
    known = {slot.starts for slot in found}
    found += [one for one in listed(searches, taken, within, turns, limit) if one.starts not in known]
    if found:
        return FreeSlots(sorted(found, key=lambda slot: slot.starts)[:limit])
    reasons += [search.why_none(within[search.plan.location_id]) for search in searches]
    return FreeSlots([], rules.most_hopeful(reasons))


async def find_places(
    session: AsyncSession,
    catalog: Catalog,
    *,
    wanted: VisitRequest,
    starts: datetime,
    now: datetime,
    ignoring: UUID | None = None,
    customer_id: UUID | None = None,
    first: UUID | None = None,
    bounded: bool = True,
    override: bool = False,
    turn: int = 0,
) -> list[Place]:
    """Return where a visit can begin at this very moment, best first; refuses with the reason if nowhere.

    Any free whole minute will do: the grid is for offers. `first` is who should do it if they can;
    without `bounded` neither lead time nor window count (the time had been promised before), with
    `override` neither they nor hours nor limits (a person at the business decides).
    """
    service = on_offer(catalog, wanted.service_id)
    start = rules.whole_minute(starts)
    places = places_for(catalog, wanted)
    if not places:
        raise BookingRefused(Reason.STAFF_CANNOT)
    there = places if override else _in_time(catalog, wanted, places, start, now, bounded=bounded)
    asker = Asker(now, ignoring, customer_id, turn)
    if service.unit in {Unit.DAY, Unit.NIGHT}:
        found = [
            Place(placement, yielding)
            for placement, yielding in await rentals.places(session, catalog, wanted, start, asker, override=override)
        ]
    elif service.capacity > 1:
        found = await _find_seats(session, catalog, wanted, places, start, asker, first=first, override=override)
    else:
        found = await find_visits(session, catalog, wanted, start, asker, first=first, override=override)
    if len(there) < len(places):
        found = [one for one in found if one.placement.location_id in {place.id for place in there}]
        if not found:
            raise BookingRefused(Reason.TOO_FAR)
    return found


def _in_time(
    catalog: Catalog, wanted: VisitRequest, places: Sequence[Location], start: int, now: datetime, *, bounded: bool
) -> list[Location]:
    """Return the places where a visit may begin then, by the clock of each; refuses if there is none."""
    bounds = {tz: bounds_of(catalog, wanted, tz, now) for tz in {place.timezone for place in places}}
    outside = {tz: rules.out_of_bounds(start, each) for tz, each in bounds.items()}
    found = [
        place
        for place in places
        if (reason := outside[place.timezone]) is None or (not bounded and reason != Reason.PAST)
    ]
    refused = outside[places[0].timezone]
    if not found and refused is not None:
        raise BookingRefused(refused, **limits_of(refused, bounds[places[0].timezone]))
    return found


async def _find_seats(
    session: AsyncSession,
    catalog: Catalog,
    wanted: VisitRequest,
    places: Sequence[Location],
    start: int,
    asker: Asker,
    *,
    first: UUID | None,
    override: bool,
) -> list[Place]:
    """Return seats in the class that begins then, else where one could begin; a place has one at a time."""
    check_numbers(catalog, wanted)
    seats = await classes.seats_at(session, catalog, wanted, start, asker, override=override)
    if seats.placement is not None:
        return [Place(seats.placement, seats.yielding, session_id=seats.session_id)]
    if seats.refused is not None and seats.begun >= {place.id for place in places}:
        raise seats.refused
    try:
        found = await find_visits(session, catalog, wanted, start, asker, first=first, override=override)
    except BookingRefused as refused:
        # Somebody may have begun the class between our two looks: its teacher is taken by it then, and it has seats.
        again = await classes.seats_at(session, catalog, wanted, start, asker, override=override)
        if again.placement is not None:
            return [Place(again.placement, again.yielding, session_id=again.session_id)]
        raise again.refused or seats.refused or refused from None
    found = [one for one in found if one.placement.location_id not in seats.begun]
    if not found and seats.refused is not None:
        raise seats.refused
    return found


def only_place(
    catalog: Catalog, wanted: VisitRequest, starts: datetime, *, now: datetime, bounded: bool = True
) -> Place | None:
    """Return where a visit would be if nobody had booked anything; None where it is to be chosen, or refused.

    Whoever takes it without a look gets just what they would have got after one.
    """
    service, start = on_offer(catalog, wanted.service_id), rules.whole_minute(starts)
    if service.unit in {Unit.DAY, Unit.NIGHT} or service.capacity > 1:
        return None
    places = places_for(catalog, wanted)
    if not places:
        return None
    if len(_in_time(catalog, wanted, places, start, now, bounded=bounded)) < len(places):
        return None
    days = _days(catalog, wanted, places, [(start, start + 1)])
    sketch = catalog.remember((_sketch, wanted), lambda: _sketch(catalog, wanted, days))
    if sketch is not None:
        return Place(sketch.at(start)) if sketch.fits(catalog, start, days) else None
    plans = plans_for(catalog, wanted, days)
    if len(plans) > 1 or not plans[0].leaves_no_choice:
        return None
    placement = Placer(Search(plans[0], Times(), _horizon(plans[0])).at()).place(start)
    return None if placement is None else Place(placement)


@dataclass(frozen=True, slots=True)
class _Sketch:
    """A visit that is one part with one person and nothing else: it is the same at whatever minute they work."""

    #: As it would be at minute 0.
    placement: Placement
    staff_id: UUID
    phases: Sequence[Span]

    def at(self, start: int) -> Placement:
        return self.placement.at(start)

    def fits(self, catalog: Catalog, start: int, days: tuple[date, date]) -> bool:
        """Whether its person works whenever there is work to do."""
        hours = catalog.hours.working(self.staff_id, *days)
        return all(covers(hours, start + first, start + last) for first, last in self.phases)


def _sketch(catalog: Catalog, wanted: VisitRequest, days: tuple[date, date]) -> _Sketch | None:
    """Return what is the same of a request on any days, not only these; None if they may change more than hours."""
    plans = plans_for(catalog, wanted, days)
    if len(plans) > 1 or len(plans[0].parts) > 1 or not plans[0].leaves_no_choice:
        return None
    [part] = plans[0].parts
    if len(part.roles) != 1:
        return None
    [[candidate]] = part.roles
    # With a person who works always: hours are looked at for each day.
    placement = Placer(Search(plans[0], Times(), (0, FAR), override=True).at()).place(0)
    assert placement is not None  # noqa: S101 - nothing stands in the way
    return _Sketch(placement, candidate.person.id, part.phases(candidate.duration))


async def find_visits(
    session: AsyncSession,
    catalog: Catalog,
    wanted: VisitRequest,
    start: int,
    asker: Asker,
    *,
    first: UUID | None = None,
    override: bool = False,
) -> list[Place]:
    """Return who and what could do a visit (or begin a class) at a minute, best first; refuses if nobody can."""
    plans = plans_for(catalog, wanted, _days(catalog, wanted, places_for(catalog, wanted), [(start, start + 1)]))
    searches, taken = await _searches(session, catalog, plans, asker, override=override)
    turns = await turns_for(session, catalog, wanted, plans, customer_id=asker.customer_id, now=asker.now, first=first)
    found: list[Place] = []
    for search in searches:
        placer = Placer(search.at(), rank(search, turns, start))
        for placement in placer.placements(start):
            place = Place(placement, in_the_way(taken, placement))
            if catalog.service(wanted.service_id).capacity > 1:
                opens, own = classes.new_session(catalog, wanted, placement)
                place = replace(place, placement=own, opens=opens)
            found.append(place)
    if not found:
        reasons = (search.why_not(start) for search in searches)
        raise BookingRefused(rules.most_hopeful(reason for reason in reasons if reason is not None))
    # Nobody gives up a hold of their own where somebody else is free.
    return sorted(found, key=lambda place: gives_up(place.yielding))


def _days(
    catalog: Catalog, wanted: VisitRequest, places: Sequence[Location], spans: Sequence[Span]
) -> tuple[date, date]:
    """Return the local dates around spans, a day more on either side: what is cut off must not matter."""
    zones = {place.timezone for place in places}
    first = min(local_day(tz, spans[0][0]) for tz in zones) - _SOME_DAY
    last = max(local_day(tz, spans[-1][1]) for tz in zones) + (2 + longest(catalog, wanted) // DAY) * _SOME_DAY
    return first, last


async def _searches(
    session: AsyncSession,
    catalog: Catalog,
    plans: Sequence[Plan],
    asker: Asker,
    *,
    override: bool = False,
) -> tuple[list[Search], Taken]:
    horizons = {id(plan): _horizon(plan) for plan in plans}
    asked: dict[int, Asked] = {}
    for plan in plans:
        for number, (width, span) in numbers_of(plan, horizons[id(plan)]).items():
            # A limit may count at several places, each by its own clock.
            _, _, known = asked.get(number, (number, width, span))
            asked[number] = (number, width, (min(known[0], span[0]), max(known[1], span[1])))
    taken = await load_taken(session, catalog.business.id, list(asked.values()), asker)
    return [Search(plan, taken.times, horizons[id(plan)], override) for plan in plans], taken


def _horizon(plan: Plan) -> Span:
    return instant(plan.tz, plan.days[0], 0), instant(plan.tz, plan.days[1], DAY)

"""From free starts to what is listed: who would do each, and what it would leave free beside it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from booking_core.bounds import whole_day
from booking_core.rules.assignment import Turns
from booking_core.rules.availability import Search, Slot
from booking_core.rules.placing import Placer, Rank
from booking_core.rules.plan import PlacedPart, Placement
from booking_core.rules.spans import Span
from booking_core.rules.wallclock import moment_of
from booking_core.taken import Taken, Yielding


def listed(
    searches: Sequence[Search], taken: Taken, within: Mapping[UUID, Sequence[Span]], turns: Turns, limit: int
) -> list[Slot]:
    """Return listed starts with who would get each: whoever `find_places` would put first."""
    starts: dict[int, Search] = {}
    for search in searches:
        for start in search.starts(within[search.plan.location_id]):
            starts.setdefault(start, search)
    slots: list[Slot] = []
    # Whoever is ranked is so for a day.
    days: dict[int, tuple[Span, Placer]] = {}
    for start in sorted(starts)[:limit]:
        search = starts[start]
        day, placer = days.get(id(search), _NO_DAY)
        if placer is None or not day[0] <= start < day[1]:
            day = whole_day(search.plan.tz, start)
            placer = Placer(search.at(), rank(search, turns, start))
            days[id(search)] = day, placer
        slot = _slot_with(search, placer, start) if placer.alike and not taken.yielding else None
        slot = slot or _slot(search, _first(placer, taken, start), start)
        if slot is not None:
            slots.append(slot)
    return slots


_NO_DAY: tuple[Span, None] = ((0, 0), None)


def _slot(search: Search, placement: Placement | None, start: int) -> Slot | None:
    if placement is None:
        return None
    return Slot(
        moment_of(start),
        moment_of(placement.end),
        placement.staff_id,
        search.waste(placement.staff_id, start),
        placement.location_id,
        parts=placement.parts,
    )


def _slot_with(search: Search, placer: Placer, start: int) -> Slot | None:
    """Return the same where all is said with who leads: of many starts most are only looked at."""
    led = placer.lead(start)
    if led is None:
        return None
    lead, span = led
    [part] = search.plan.parts
    one = part.roles[0][lead]
    end = start + one.duration
    return Slot(
        moment_of(start),
        moment_of(end),
        one.person.id,
        search.waste_in(lead, span, start),
        search.plan.location_id,
        parts=(PlacedPart(part.service_id, part.person, start, end, (one.person.id,), (), part.package_id),),
    )


def _first(placer: Placer, taken: Taken, start: int) -> Placement | None:
    """Return the placement that `find_visits` would put first."""
    found = placer.placements(start)
    best = next(found, None)
    if best is None or not gives_up(in_the_way(taken, best)):
        return best
    return next((one for one in found if not gives_up(in_the_way(taken, one))), best)


def rank(search: Search, turns: Turns, start: int) -> Rank:
    """Return how those who could do it are ranked on the local date of a start."""
    people = list(
        {one.person.id: one.person for part in search.plan.parts for role in part.roles for one in role}.values()
    )
    return turns.rank(people, search.times, whole_day(search.plan.tz, start))


def in_the_way(taken: Taken, placement: Placement) -> list[Yielding]:
    """Return the holds that give way to a placement."""
    if not taken.yielding:
        return []
    found: dict[UUID, Yielding] = {}
    for number, start, end in placement.claims:
        for one in taken.yielding.get(number, ()):
            if one.span[0] < end and start < one.span[1]:
                found[one.booking_id] = one
    return list(found.values())


def gives_up(yielding: Sequence[Yielding]) -> bool:
    """Whether whoever takes a place loses a hold of their own."""
    return any(not one.lapsed for one in yielding)

"""From which minutes a visit could begin: spans of starts for each person, for rooms and for limits.

Listing, refusing and booking all read these spans. `Level` says what is taken into account, from the
house's hours to everything: where one level has starts and the next has none, that next one is why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache, cached_property, reduce
from itertools import product
from math import prod

from booking_core.rules.plan import BEFORE_SIDE, Candidate, Needed, Part, Person, Plan, Pool, Quota, Times
from booking_core.rules.policy import Buffers
from booking_core.rules.spans import Span, at_least, intersect, merge, starts_that_fit, subtract

#: In so many ways at most the roles of a part are filled to tell from when it can be.
_MOST_WAYS = 100


class Level(IntEnum):
    """What counts: each level all of those before it, too."""

    USUAL = 0
    WORKING = 1
    LIMITS = 2
    STAFF_BOOKED = 3
    RESOURCES_BOOKED = 4
    HELD = 5


@dataclass(frozen=True)
class Feasible:
    """The starts of one plan, as far as a level looks. All spans lie within `horizon`.

    `override`: a person at the business decides, so neither hours nor limits count.
    """

    plan: Plan
    times: Times
    horizon: Span
    level: Level = Level.HELD
    override: bool = False
    _units: dict[tuple[int, int, bool, int, int], Sequence[Span]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _people: dict[tuple[int, int, int], Sequence[Span]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def by_candidate(self) -> Sequence[Sequence[tuple[Sequence[Span], int]]]:
        """For each part and each who could lead it: from when, and for how long."""
        return [self._part(at, part) for at, part in enumerate(self.plan.parts)]

    @cached_property
    def following(self) -> Sequence[Sequence[Sequence[Span]]]:
        """For each part and each who could lead it: from when it and all after it can be."""
        found: list[Sequence[Sequence[Span]]] = []
        for at in range(len(self.plan.parts) - 1, -1, -1):
            own = self.by_candidate[at]
            found.append(self._before(at, own, found[-1]) if found else [starts for starts, _ in own])
        return found[::-1]

    def lead(self, candidate: int) -> Sequence[Span]:
        """Return the starts of the whole visit with one candidate of its first part in the lead."""
        return self.following[0][candidate]

    def starts_of(self, part: Part, candidate: Candidate, duration: int) -> Sequence[Span]:
        """Return from when one person could do a part of this length, whatever else it needs."""
        key = (id(part), id(candidate), duration)
        known = self._people.get(key)
        if known is None:
            number, hours = candidate.person.number, self._hours(candidate.person)
            booked = self.level >= Level.STAFF_BOOKED
            known = self._claims(part, number, hours, part.phases(duration), booked=booked)
            for quota in candidate.quotas:
                known = intersect(known, self.quota_starts(quota))
            self._people[key] = known
        return known

    def unit_starts(self, part: Part, need: Needed, pool: Pool, unit: int, duration: int) -> Sequence[Span]:
        """Return from when one unit of a resource would do for a part of this length."""
        number = pool.number + unit
        key = (id(part), pool.number, need.work_only, duration, number if self.is_taken(number) else -1)
        known = self._units.get(key)
        if known is None:
            phases = part.phases(duration) if need.work_only else ((0, duration),)
            known = self._units[key] = self._claims(
                part, number, self._open(pool), phases, booked=self.level >= Level.RESOURCES_BOOKED
            )
        return known

    def _before(
        self, at: int, own: Sequence[tuple[Sequence[Span], int]], later: Sequence[Sequence[Span]]
    ) -> Sequence[Sequence[Span]]:
        """Return those starts of a part after which the rest can come, within the wait that it allows."""
        after = self.plan.parts[at + 1]
        anyone = later[0] if len(later) == 1 else merge(span for spans in later for span in spans)
        found: list[Sequence[Span]] = []
        for choice, (starts, length) in enumerate(own):
            rest = anyone
            if after.same_staff and self.plan.parts[at].roles and after.roles:
                who = self.plan.parts[at].roles[0][choice].person.id
                same = (spans for one, spans in zip(after.roles[0], later, strict=True) if one.person.id == who)
                rest = merge(span for spans in same for span in spans)
            reach = merge((start - length - after.max_wait, end - length) for start, end in rest)
            found.append(intersect(starts, reach))
        return found

    def _part(self, at: int, part: Part) -> Sequence[tuple[Sequence[Span], int]]:
        plan, general = self.plan, self._general if at == 0 else None
        shortest = min((one.duration for one in part.roles[0]), default=part.duration) if part.roles else part.duration
        # Those who come together all begin at the first part's start: then there must be enough for all of them.
        lanes = plan.lanes if at == 0 else 1

        @cache
        def resources(duration: int) -> Sequence[Span]:
            found = self._resources(part, duration, 1)
            return found if lanes == 1 else intersect(found, self._resources(part, shortest, lanes))

        def all_in(starts: Sequence[Span], duration: int) -> Sequence[Span]:
            starts = intersect(starts, resources(duration)) if part.needs else starts
            return starts if general is None else intersect(starts, general)

        if not part.roles:
            opening = plan.open if plan.open is not None and not self.override else [self.horizon]
            return [(all_in(starts_that_fit(opening, 0, part.duration), part.duration), part.duration)]
        found_by: list[tuple[Sequence[Span], int]] = []
        for candidate in part.roles[0]:
            starts = self.starts_of(part, candidate, candidate.duration)
            if len(part.roles) > 1:
                starts = intersect(starts, self._others(part, candidate))
            found_by.append((all_in(starts, candidate.duration), candidate.duration))
        if lanes > 1:
            enough = at_least(lanes, [starts for starts, _ in found_by])
            found_by = [(intersect(starts, enough), length) for starts, length in found_by]
        return found_by

    def _others(self, part: Part, lead: Candidate) -> Sequence[Span]:
        """Return from when the other roles can be filled, each by somebody else, while one is in the lead."""
        roles = [[one for one in role if one.person.id != lead.person.id] for role in part.roles[1:]]
        people = [one.person.id for role in roles for one in role]
        if len(set(people)) < len(people) and prod(len(role) for role in roles) <= _MOST_WAYS:
            ways = [one for one in product(*roles) if len({who.person.id for who in one}) == len(one)]
        else:
            # Nobody is wanted twice: then each role is filled for itself (or there are too many ways to tell).
            each = [merge(span for one in role for span in self.starts_of(part, one, lead.duration)) for role in roles]
            return reduce(intersect, each)
        return merge(
            span
            for way in ways
            for span in reduce(intersect, [self.starts_of(part, one, lead.duration) for one in way])
        )

    def _hours(self, person: Person) -> Sequence[Span]:
        if self.override:
            return [self.horizon]
        # A day of their own may be longer than what the house expects.
        return merge((*person.usual, *person.working)) if self.level == Level.USUAL else person.working

    def _open(self, pool: Pool) -> Sequence[Span]:
        return [self.horizon] if pool.open is None or self.override else pool.open

    def _claims(
        self, part: Part, number: int, hours: Sequence[Span], phases: Sequence[Span], *, booked: bool
    ) -> Sequence[Span]:
        """Return the starts at which every phase lies in the hours, and with its buffers in nobody's time."""
        starts: Sequence[Span] | None = None
        sides = sides_of(part, phases, self.plan.buffers)
        if not any(self._taken(number + side, booked) for side, _ in sides):
            fitting = [starts_that_fit(hours, first, last) for first, last in phases]
            return fitting[0] if len(fitting) == 1 else intersect(fitting[0], fitting[1])
        for side, claims in sides:
            taken = self._taken(number + side, booked)
            for (first, last), (claim_first, claim_last) in zip(phases, claims, strict=True):
                # What is taken moves away from it by what the claim is longer than the work: only the
                # work itself must lie in the hours, tidying up may outlast them.
                early, late = first - claim_first, claim_last - last
                moved = merge((start - late, end + early) for start, end in taken) if early or late else taken
                free = subtract(hours, moved) if moved else hours
                fitting_here = starts_that_fit(free, first, last)
                starts = fitting_here if starts is None else intersect(starts, fitting_here)
        return starts or ()

    def _taken(self, number: int, booked: bool) -> Sequence[Span]:
        spans = self.times.booked.get(number, ()) if booked else ()
        held = self.times.held.get(number, ()) if self.level >= Level.HELD else ()
        return merge((*spans, *held)) if spans and held else spans or held

    def is_taken(self, number: int) -> bool:
        """Whether anything is known to be taken of a calendar, on either side."""
        return number in self._all_taken

    @cached_property
    def _all_taken(self) -> frozenset[int]:
        numbers = {*self.times.booked, *self.times.held}
        return frozenset(numbers | {number - BEFORE_SIDE for number in numbers})

    def _resources(self, part: Part, duration: int, lanes: int) -> Sequence[Span]:
        found: Sequence[Span] | None = None
        for need in part.needs:
            wanted = need.units * lanes
            each: list[Sequence[Span]] = []
            for pool in need.pools:
                untouched = [unit for unit in range(pool.units) if not self.is_taken(pool.number + unit)]
                taken = [unit for unit in range(pool.units) if self.is_taken(pool.number + unit)]
                # Units that nobody has taken are all alike: as many as are wanted stand for them.
                units = (*untouched[:wanted], *taken)
                each.extend(self.unit_starts(part, need, pool, unit, duration) for unit in units)
            enough = each[0] if wanted == 1 == len(each) else at_least(wanted, each)
            found = enough if found is None else intersect(found, enough)
        return found if found is not None else [self.horizon]

    @cached_property
    def _general(self) -> Sequence[Span] | None:
        """What the limits of the services leave; None where there are none."""
        if not self.plan.quotas or self.level < Level.LIMITS or self.override:
            return None
        left: Sequence[Span] = [self.horizon]
        for quota in self.plan.quotas:
            left = intersect(left, self.quota_starts(quota))
        return left

    def quota_starts(self, quota: Quota) -> Sequence[Span]:
        """Return when starts are within a limit."""
        if self.level < Level.LIMITS or self.override:
            return [self.horizon]
        full = [counted for counted, whole in quota.periods if quota_place(quota, whole, self.times) is None]
        return subtract([self.horizon], merge(full))


def quota_place(quota: Quota, period: Span, times: Times) -> int | None:
    """Return the first place of a limit's period that nobody has; None if all are taken."""
    for place in times.units(quota.count):
        number = quota.number + place
        if not any(
            start < period[1] and period[0] < end
            for start, end in (*times.booked.get(number, ()), *times.held.get(number, ()))
        ):
            return place
    return None


def sides_of(part: Part, phases: Sequence[Span], buffers: Buffers) -> Sequence[tuple[int, Sequence[Span]]]:
    """Return what phases of work take on a calendar, buffers included: (which side of it, spans).

    Summed buffers share one side. Where only the longer counts, the time with the buffer after it and the
    time with the buffer before it lie on two sides, and neighbours must be apart on both.
    """
    first, last = phases[0], phases[-1]
    if buffers == Buffers.SUM:
        return ((0, _padded(phases, first[0] - part.before, last[1] + part.after)),)
    return (
        (0, _padded(phases, first[0], last[1] + part.after)),
        (BEFORE_SIDE, _padded(phases, first[0] - part.before, last[1])),
    )


def _padded(phases: Sequence[Span], start: int, end: int) -> Sequence[Span]:
    if len(phases) == 1:
        return ((start, end),)
    return ((start, phases[0][1]), (phases[1][0], end))


def numbers_of(plan: Plan, horizon: Span) -> Mapping[int, tuple[int, Span]]:
    """Return every calendar that a plan may ask for: its first number -> how many from there, and when."""
    both_sides = BEFORE_SIDE if plan.buffers == Buffers.MAX else 0
    asked: dict[int, tuple[int, Span]] = {}

    def ask_quota(quota: Quota) -> None:
        first, last = min(whole for _, whole in quota.periods), max(whole for _, whole in quota.periods)
        asked[quota.number] = (quota.count, (first[0], last[1]))

    for quota in plan.quotas:
        ask_quota(quota)
    for part in plan.parts:
        for role in part.roles:
            for candidate in role:
                asked[candidate.person.number] = (1 + both_sides, horizon)
                for quota in candidate.quotas:
                    ask_quota(quota)
        for need in part.needs:
            for pool in need.pools:
                asked[pool.number] = (pool.units + both_sides, horizon)
    return asked

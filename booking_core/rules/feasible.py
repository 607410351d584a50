"""From which minutes a visit could begin: spans of starts for each person, for rooms and for limits.

Listing, refusing and booking all read these spans. `Level` says what is taken into account, from the
house's hours to everything: where one level has starts and the next has none, that next one is why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

from booking_core.rules.plan import BEFORE_SIDE, Candidate, Needed, Part, Person, Plan, Pool, Quota, Times
from booking_core.rules.policy import Buffers
from booking_core.rules.spans import Span, at_least, intersect, merge, starts_that_fit, subtract


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

    @cached_property
    def chains(self) -> Sequence[Sequence[Span]]:
        """From which starts each part and all after it can follow, for whoever can do them."""
        chains: list[Sequence[Span]] = []
        rest: Sequence[Span] | None = None
        for at in range(len(self.plan.parts) - 1, -1, -1):
            part = self.plan.parts[at]
            wait = self.plan.parts[at + 1].max_wait if rest is not None else 0
            own = [self.follows(starts, length, wait, rest) for starts, length in self.by_candidate[at]]
            rest = own[0] if len(own) == 1 else merge(span for spans in own for span in spans)
            if part.needs:
                rest = merge(rest)
            chains.append(rest)
        return chains[::-1]

    @cached_property
    def by_candidate(self) -> Sequence[Sequence[tuple[Sequence[Span], int]]]:
        """For each part and each who could lead it: from when, and for how long."""
        return [self._part(part) for part in self.plan.parts]

    def lead(self, candidate: int) -> Sequence[Span]:
        """Return the starts of the whole visit with one candidate of its first part in the lead."""
        starts, length = self.by_candidate[0][candidate]
        if len(self.plan.parts) == 1:
            return starts
        return self.follows(starts, length, self.plan.parts[1].max_wait, self.chains[1])

    def starts_of(self, part: Part, candidate: Candidate) -> Sequence[Span]:
        """Return from when one person could do a part, whatever else it needs."""
        return self._person(part, candidate)

    def unit_starts(self, part: Part, need: Needed, pool: Pool, unit: int, duration: int) -> Sequence[Span]:
        """Return from when one unit of a resource would do for a part of this length."""
        number = pool.number + unit
        key = (id(part), pool.number, need.work_only, duration, number if self._is_taken(number) else -1)
        known = self._units.get(key)
        if known is None:
            phases = part.phases(duration) if need.work_only else ((0, duration),)
            known = self._units[key] = self._claims(
                part, number, self._open(pool), phases, booked=self.level >= Level.RESOURCES_BOOKED
            )
        return known

    def follows(self, starts: Sequence[Span], length: int, wait: int, rest: Sequence[Span] | None) -> Sequence[Span]:
        """Return those starts of a part of some length after which the rest can come, within a wait."""
        if rest is None:
            return starts
        return intersect(starts, merge((start - length - wait, end - length) for start, end in rest))

    def _part(self, part: Part) -> Sequence[tuple[Sequence[Span], int]]:
        resources: dict[int, Sequence[Span]] = {}

        def with_resources(starts: Sequence[Span], duration: int) -> Sequence[Span]:
            if not part.needs:
                return starts
            if duration not in resources:
                resources[duration] = self._resources(part, duration)
            return intersect(starts, resources[duration])

        general = self._general
        if not part.roles:
            opening = self.plan.open if self.plan.open is not None and not self.override else [self.horizon]
            found = with_resources(starts_that_fit(opening, 0, part.duration), part.duration)
            return [(found if general is None else intersect(found, general), part.duration)]
        others = [self._anyone(part, role) for role in part.roles[1:]]
        found_by: list[tuple[Sequence[Span], int]] = []
        for candidate in part.roles[0]:
            starts: Sequence[Span] = with_resources(self._person(part, candidate), candidate.duration)
            for other in others:
                starts = intersect(starts, other)
            if general is not None:
                starts = intersect(starts, general)
            found_by.append((starts, candidate.duration))
        return found_by

    def _anyone(self, part: Part, role: Sequence[Candidate]) -> Sequence[Span]:
        return merge(span for candidate in role for span in self._person(part, candidate))

    def _person(self, part: Part, candidate: Candidate) -> Sequence[Span]:
        phases = part.phases(candidate.duration)
        starts = self._claims(
            part,
            candidate.person.number,
            self._hours(candidate.person),
            phases,
            booked=self.level >= Level.STAFF_BOOKED,
        )
        for quota in candidate.quotas:
            starts = intersect(starts, self.quota_starts(quota))
        return starts

    def _hours(self, person: Person) -> Sequence[Span]:
        if self.override:
            return [self.horizon]
        return person.usual if self.level == Level.USUAL else person.working

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
                free = subtract(hours, merge((start - late, end + early) for start, end in taken)) if taken else hours
                fitting_here = starts_that_fit(free, first, last)
                starts = fitting_here if starts is None else intersect(starts, fitting_here)
        return starts or ()

    def _taken(self, number: int, booked: bool) -> Sequence[Span]:
        spans = self.times.booked.get(number, ()) if booked else ()
        held = self.times.held.get(number, ()) if self.level >= Level.HELD else ()
        return merge((*spans, *held)) if spans and held else spans or held

    def _is_taken(self, number: int) -> bool:
        return any(
            number + side in taken for taken in (self.times.booked, self.times.held) for side in (0, BEFORE_SIDE)
        )

    def _resources(self, part: Part, duration: int) -> Sequence[Span]:
        found: Sequence[Span] | None = None
        for need in part.needs:
            wanted = need.units * self.plan.lanes
            each: list[Sequence[Span]] = []
            for pool in need.pools:
                untouched = [unit for unit in range(pool.units) if not self._is_taken(pool.number + unit)]
                taken = [unit for unit in range(pool.units) if self._is_taken(pool.number + unit)]
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
    for place in range(quota.count):
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

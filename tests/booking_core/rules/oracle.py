"""What a visit is, said as plainly as can be: every way of doing it is tried, minute by minute.

It shares nothing with the rules but their data, and is far too slow for more than an hour or two.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from uuid import UUID

from booking_core.rules.grid import Grid
from booking_core.rules.plan import BEFORE_SIDE, Candidate, Part, Plan, Pool, Quota, Times
from booking_core.rules.policy import Buffers
from booking_core.rules.spans import Span

Minutes = frozenset[int]


@dataclass(frozen=True)
class Done:
    """One part as it is done."""

    part: Part
    person: int
    start: int
    end: int
    staff: tuple[UUID, ...]
    #: Calendars and the minutes taken of each.
    claims: tuple[tuple[int, Minutes], ...]
    quotas: tuple[tuple[Quota, int], ...] = ()


@dataclass(frozen=True)
class Oracle:
    """One plan and everybody's time."""

    plan: Plan
    times: Times
    horizon: Span
    override: bool = False
    _taken: dict[int, Minutes] = field(default_factory=dict)

    def can(self, start: int, *, lead: int | None = None) -> bool:
        """Whether there is any way for the visit to begin at this minute, perhaps with one in the lead."""
        jobs = [(lane, at) for lane in range(self.plan.lanes) for at in range(len(self.plan.parts))]
        return next(self._ways(jobs, start, [], lead), None) is not None

    def listed(self) -> list[int]:
        """Return the starts on the grid, laid into each stretch of minutes at which somebody can begin."""
        roles = self.plan.parts[0].roles
        starts: set[int] = set()
        for lead in range(len(roles[0]) if roles else 1):
            can = [start for start in range(*self.horizon) if self.can(start, lead=lead if roles else None)]
            for first in (start for start in can if start - 1 not in can):
                last = next(minute for minute in range(first, self.horizon[1] + 1) if minute not in can) - 1
                starts.update(self._laid(first, last))
        return sorted(starts)

    def _laid(self, first: int, last: int) -> Iterator[int]:
        """Lay the grid between the first and the last start of a stretch, on a clock that shows UTC."""
        interval = self.plan.interval
        step = next(step for step in (60, 30, 20, 15, 10, 5, 1) if interval % step == 0)
        begin, late = first, self.plan.offset
        if self.plan.grid == Grid.HOUR:
            begin = next(minute for minute in range(first, first + 60) if (minute - late) % step == 0)
        if self.plan.grid == Grid.PACKED:
            most = len(range(first, last + 1, interval))
            tidy = (minute for step in (60, 15, 5) for minute in range(first, last + 1) if (minute - late) % step == 0)
            begin = next((minute for minute in tidy if len(range(minute, last + 1, interval)) == most), first)
        yield from range(begin, last + 1, interval)

    def _ways(
        self, jobs: Sequence[tuple[int, int]], start: int, done: list[Done], lead: int | None
    ) -> Iterator[list[Done]]:
        if not jobs:
            if self._within_limits(start, done):
                yield done
            return
        (lane, at), *rest = jobs
        part = self.plan.parts[at]
        begins = [start] if at == 0 else range(done[-1].end, done[-1].end + part.max_wait + 1)
        for begin in begins:
            for one in self._parts(part, lane, begin, done[-1] if at else None, lead):
                if not any(self._clash(one, other) for other in done):
                    yield from self._ways(rest, start, [*done, one], None)

    def _parts(self, part: Part, lane: int, begin: int, before: Done | None, lead: int | None) -> Iterator[Done]:
        for people in product(*part.roles):
            if lead is not None and people and people[0] is not part.roles[0][lead]:
                continue
            if len({one.person.id for one in people}) < len(people):
                continue
            if (
                part.same_staff
                and people
                and before is not None
                and before.staff[:1] not in {(), (people[0].person.id,)}
            ):
                continue
            duration = people[0].duration if people else part.duration
            if not people and not set(range(begin, begin + duration)) <= self._open(self.plan.open):
                continue
            work = part.phases(duration)
            if not all(self._works(one, part, begin, work) for one in people):
                continue
            staff_claims = [claim for one in people for claim in self._claims(part, one.person.number, begin, work)]
            quotas = tuple((quota, begin) for one in people for quota in one.quotas)
            for chosen in product(*(combinations(_units(need.pools), need.units) for need in part.needs)):
                claims = list(staff_claims)
                good = True
                for need, units in zip(part.needs, chosen, strict=True):
                    phases = work if need.work_only else ((0, duration),)
                    for pool, unit in units:
                        good = good and _minutes(phases, begin) <= self._open(pool.open)
                        claims += self._claims(part, pool.number + unit, begin, phases)
                if good and all(minutes.isdisjoint(self._is_taken(number)) for number, minutes in claims):
                    staff = tuple(one.person.id for one in people)
                    yield Done(part, part.person + lane, begin, begin + duration, staff, tuple(claims), quotas)

    def _works(self, one: Candidate, part: Part, begin: int, work: Sequence[Span]) -> bool:
        return _minutes(work, begin) <= self._open(one.person.working)

    def _open(self, spans: Sequence[Span] | None) -> Minutes:
        return _minutes([self.horizon] if spans is None or self.override else spans, 0)

    def _is_taken(self, number: int) -> Minutes:
        if number not in self._taken:
            both = (*self.times.booked.get(number, ()), *self.times.held.get(number, ()))
            self._taken[number] = _minutes(both, 0)
        return self._taken[number]

    def _claims(self, part: Part, number: int, begin: int, work: Sequence[Span]) -> list[tuple[int, Minutes]]:
        """Say what work takes: summed buffers on one calendar, else the one after here and the one before there."""
        first, last = begin + work[0][0], begin + work[-1][1]
        before, after = range(first - part.before, first), range(last, last + part.after)
        own = _minutes(work, begin)
        if self.plan.buffers == Buffers.SUM:
            return [(number, own.union(before, after))]
        return [(number, own.union(after)), (number + BEFORE_SIDE, own.union(before))]

    def _clash(self, one: Done, other: Done) -> bool:
        """Whether two parts want the same time of somebody or something; those of one person share it."""
        return one.person != other.person and any(
            number == claimed and not minutes.isdisjoint(taken)
            for number, minutes in one.claims
            for claimed, taken in other.claims
        )

    def _within_limits(self, start: int, done: Sequence[Done]) -> bool:
        asked = [*((quota, start) for quota in self.plan.quotas), *(one for part in done for one in part.quotas)]
        return self.override or all(self._has_place(quota, minute) for quota, minute in asked)

    def _has_place(self, quota: Quota, minute: int) -> bool:
        for counted, whole in quota.periods:
            if counted[0] <= minute < counted[1]:
                places = range(quota.number, quota.number + quota.count)
                return any(self._is_taken(place).isdisjoint(range(*whole)) for place in places)
        return True


def _units(pools: Sequence[Pool]) -> list[tuple[Pool, int]]:
    return [(pool, unit) for pool in pools for unit in range(pool.units)]


def _minutes(spans: Sequence[Span], begin: int) -> Minutes:
    return frozenset(begin + minute for start, end in spans for minute in range(start, end))

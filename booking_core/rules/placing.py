"""Giving a visit its place at one start: who, which units, which place under each limit.

`placements` yields every choice of who leads, best first: whoever takes a place tries the next one when
somebody else was quicker. What is yielded is exactly what listing calls free, since both ask here.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from booking_core.rules.feasible import Feasible, Level, quota_place, sides_of
from booking_core.rules.plan import Candidate, Part, PlacedPart, Placement, Quota, Unit
from booking_core.rules.spans import Span, merge, subtract

#: Smaller is asked first.
Rank = Callable[[UUID], float]


@dataclass(slots=True)
class _Visit:
    """What a visit that is being placed takes already."""

    parts: list[PlacedPart] = field(default_factory=list)
    #: (calendar number, for which person) -> spans
    claims: dict[int, list[tuple[int, Span]]] = field(default_factory=dict)

    def claimed(self, number: int, person: int) -> list[Span]:
        """Return what others of the party take of a calendar: one's own parts may share their buffers."""
        return [span for whose, span in self.claims.get(number, ()) if whose != person]

    def mark(self) -> tuple[int, dict[int, int]]:
        return len(self.parts), {number: len(spans) for number, spans in self.claims.items()}

    def back_to(self, mark: tuple[int, dict[int, int]]) -> None:
        del self.parts[mark[0] :]
        for number, spans in self.claims.items():
            del spans[mark[1].get(number, 0) :]


@dataclass(frozen=True, slots=True)
class Placer:
    """Places visits of one plan; `rank` orders people where anyone will do."""

    found: Feasible
    rank: Rank = lambda _: 0.0

    def placements(self, start: int) -> Iterator[Placement]:
        """Yield places for the visit at this start, one for each who can lead it, best first."""
        plan = self.found.plan
        first = plan.parts[0]
        leads: Sequence[int] = range(len(self.found.by_candidate[0]))
        if first.roles:
            leads = sorted(leads, key=lambda at: self.rank(first.roles[0][at].person.id))
        for lead in leads:
            if not contains(self.found.lead(lead), start):
                continue
            visit = _Visit()
            if self._lanes(visit, start, 0, lead):
                claims = self._all_claims(visit, start)
                if claims is not None:
                    yield Placement(plan.location_id, tuple(visit.parts), claims)

    def place(self, start: int) -> Placement | None:
        """Return the best place at this start; None if there is none."""
        return next(self.placements(start), None)

    def _lanes(self, visit: _Visit, start: int, lane: int, lead: int | None) -> bool:
        """Place one lane after the other; all begin at the same minute."""
        if lane == self.found.plan.lanes:
            return True
        return self._parts(visit, lane, 0, (start, start), lead, None, start)

    def _parts(
        self, visit: _Visit, lane: int, at: int, between: Span, lead: int | None, before: UUID | None, start: int
    ) -> bool:
        """Place a lane's parts from `at` on, the next one beginning `between` these minutes (both included)."""
        plan = self.found.plan
        if at == len(plan.parts):
            return self._lanes(visit, start, lane + 1, None)
        part = plan.parts[at]
        person = part.person + lane
        for choice in self._choices(part, at, lead, before):
            starts, duration = self.found.by_candidate[at][choice]
            if at + 1 < len(plan.parts):
                starts = self.found.lead(choice) if at == 0 else self._followed(at, choice)
            candidate = part.roles[0][choice] if part.roles else None
            mark = visit.mark()
            for begin in self._begins(visit, part, person, candidate, starts, between):
                placed = self._one(visit, part, person, candidate, duration, begin)
                if placed is not None:
                    visit.parts.append(placed)
                    wait = plan.parts[at + 1].max_wait if at + 1 < len(plan.parts) else 0
                    after = placed.staff[0] if placed.staff else None
                    if self._parts(visit, lane, at + 1, (placed.end, placed.end + wait), None, after, start):
                        return True
                visit.back_to(mark)
        return False

    def _choices(self, part: Part, at: int, lead: int | None, before: UUID | None) -> Sequence[int]:
        if lead is not None:
            return (lead,)
        every: Sequence[int] = range(len(self.found.by_candidate[at]))
        if not part.roles:
            return every
        who = [candidate.person.id for candidate in part.roles[0]]
        if part.same_staff and before is not None:
            return [choice for choice in every if who[choice] == before]
        # Whoever did the part before goes on, if they can: nobody likes to be handed around.
        return sorted(every, key=lambda choice: (who[choice] != before, self.rank(who[choice])))

    def _followed(self, at: int, choice: int) -> Sequence[Span]:
        starts, length = self.found.by_candidate[at][choice]
        return self.found.follows(starts, length, self.found.plan.parts[at + 1].max_wait, self.found.chains[at + 1])

    def _begins(
        self,
        visit: _Visit,
        part: Part,
        person: int,
        candidate: Candidate | None,
        starts: Sequence[Span],
        between: Span,
    ) -> Iterator[int]:
        """Yield the first minute of every stretch at which the part could begin: waiting longer gains nothing."""
        open_starts = _within(starts, between)
        if candidate is not None and visit.parts:
            phases = part.phases(candidate.duration)
            for side, claims in sides_of(part, phases, self.found.plan.buffers):
                taken = visit.claimed(candidate.person.number + side, person)
                away = merge((start - last + 1, end - first) for start, end in taken for first, last in claims)
                open_starts = subtract(open_starts, away) if away else open_starts
        for start, _ in open_starts:
            yield start

    def _one(
        self, visit: _Visit, part: Part, person: int, candidate: Candidate | None, duration: int, begin: int
    ) -> PlacedPart | None:
        """Place one part at a minute: its lead, the other roles, its units; None if somebody or something lacks."""
        staff: list[UUID] = []
        for role, candidates in enumerate(part.roles):
            chosen = candidate if role == 0 else self._other(visit, part, person, candidates, staff, duration, begin)
            if chosen is None:
                return None
            staff.append(chosen.person.id)
            self._claim(visit, part, person, chosen.person.number, begin, part.phases(duration))
        units: list[Unit] = []
        for need in part.needs:
            phases = part.phases(duration) if need.work_only else ((0, duration),)
            left = need.units
            for pool in need.pools:
                for unit in range(pool.units):
                    if not left:
                        break
                    number = pool.number + unit
                    if not contains(self.found.unit_starts(part, need, pool, unit, duration), begin):
                        continue
                    if self._clashes(visit, part, person, number, begin, phases):
                        continue
                    self._claim(visit, part, person, number, begin, phases)
                    units.append(Unit(pool.id, unit))
                    left -= 1
            if left:
                return None
        return PlacedPart(part.service_id, person, begin, begin + duration, tuple(staff), tuple(units))

    def _other(
        self,
        visit: _Visit,
        part: Part,
        person: int,
        candidates: Sequence[Candidate],
        staff: Sequence[UUID],
        duration: int,
        begin: int,
    ) -> Candidate | None:
        for candidate in sorted(candidates, key=lambda one: self.rank(one.person.id)):
            if candidate.person.id in staff:
                continue
            if not contains(self.found.starts_of(part, replace(candidate, duration=duration)), begin):
                continue
            if not self._clashes(visit, part, person, candidate.person.number, begin, part.phases(duration)):
                return candidate
        return None

    def _clashes(self, visit: _Visit, part: Part, person: int, number: int, begin: int, phases: Sequence[Span]) -> bool:
        return any(
            start < begin + last and begin + first < end
            for side, claims in sides_of(part, phases, self.found.plan.buffers)
            for start, end in visit.claimed(number + side, person)
            for first, last in claims
        )

    def _claim(self, visit: _Visit, part: Part, person: int, number: int, begin: int, phases: Sequence[Span]) -> None:
        for side, claims in sides_of(part, phases, self.found.plan.buffers):
            spans = visit.claims.setdefault(number + side, [])
            spans.extend((person, (begin + first, begin + last)) for first, last in claims)

    def _all_claims(self, visit: _Visit, start: int) -> tuple[tuple[int, int, int], ...] | None:
        """Return everything that is taken, places under limits included; None if a limit has none left."""
        claims = [
            (number, *span) for number, spans in visit.claims.items() for span in merge(span for _, span in spans)
        ]
        if self.found.level >= Level.LIMITS and not self.found.override:
            for quota in self._quotas(visit):
                period = next((whole for counted, whole in quota.periods if counted[0] <= start < counted[1]), None)
                if period is None:
                    continue
                place = quota_place(quota, period, self.found.times)
                if place is None:
                    return None
                claims.append((quota.number + place, *period))
        return tuple(sorted(claims))

    def _quotas(self, visit: _Visit) -> Sequence[Quota]:
        who: Mapping[UUID, Sequence[Quota]] = {
            candidate.person.id: candidate.quotas
            for part in self.found.plan.parts
            for role in part.roles
            for candidate in role
        }
        of_staff = {quota.id: quota for part in visit.parts for one in part.staff for quota in who.get(one, ())}
        return [*self.found.plan.quotas, *of_staff.values()]


def contains(spans: Sequence[Span], minute: int) -> bool:
    """Whether a minute lies in one of sorted spans."""
    at = bisect_right(spans, (minute, _LATE)) - 1
    return at >= 0 and minute < spans[at][1]


_LATE = 1 << 60


def _within(spans: Sequence[Span], between: Span) -> list[Span]:
    """Return what of sorted spans lies between two minutes, both included."""
    first, last = between
    return [(max(start, first), min(end, last + 1)) for start, end in spans if start <= last and end > first]

"""Giving a visit its place at one start: who, which units, which place under each limit.

`placements` yields every choice of who leads, best first: whoever takes a place tries the next one when
somebody else was quicker. What is yielded is exactly what listing calls free, since both ask here.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, cycle, islice
from uuid import UUID

from booking_core.rules.feasible import Feasible, Level, sides_of
from booking_core.rules.plan import Candidate, Part, PlacedPart, Placement, Pool, Quota, Unit
from booking_core.rules.quotas import limit_claims
from booking_core.rules.spans import Span, merge

#: Smaller is asked first.
Rank = Callable[[UUID], float]
#: A unit of a resource, and when in the part it is taken.
_Thing = tuple[Pool, int, Sequence[Span]]
#: So much is tried for one start. Only parties come near it: what they cannot be given by then, they cannot have.
_MOST_TRIES = 2_000


@dataclass(slots=True)
class _Visit:
    """What a visit that is being placed takes already."""

    start: int
    #: Who may lead the first part, best first; those who come together are led in this order.
    leads: Sequence[int]
    parts: list[PlacedPart] = field(default_factory=list)
    #: calendar number -> (for which person, span)
    claims: dict[int, list[tuple[int, Span]]] = field(default_factory=dict)
    tries: int = _MOST_TRIES

    def claimed(self, number: int, person: int) -> list[Span]:
        """Return what others of the party take of a calendar: one's own parts may share their buffers."""
        return [span for whose, span in self.claims.get(number, ()) if whose != person]

    def tired(self) -> bool:
        """Count one more try; whether it is one too many."""
        self.tries -= 1
        return self.tries < 0

    def mark(self) -> tuple[int, dict[int, int]]:
        return len(self.parts), {number: len(spans) for number, spans in self.claims.items()}

    def back_to(self, mark: tuple[int, dict[int, int]]) -> None:
        del self.parts[mark[0] :]
        for number, spans in self.claims.items():
            del spans[mark[1].get(number, 0) :]


@dataclass(frozen=True)
class Placer:
    """Places visits of one plan; `rank` orders people where anyone will do."""

    found: Feasible
    rank: Rank = lambda _: 0.0
    #: Where one place is like the other but for the minute: one of each who can lead.
    _known: dict[int, Placement] = field(default_factory=dict, repr=False, compare=False)

    def placements(self, start: int) -> Iterator[Placement]:
        """Yield places for the visit at this start, one for each who can lead it, best first."""
        plan = self.found.plan
        able = (lead for lead in self._order if contains(self.found.lead(lead), start))
        # Whoever leads others of a party is asked only where there are any: else the first one will mostly do.
        others = list(able) if plan.lanes > 1 else ()
        for lead in others or able:
            if lead in self._known:
                yield self._known[lead].at(start)
                continue
            visit = _Visit(start, [lead, *(one for one in others if one != lead)])
            if self._go_on(visit, 0, 0):
                claims = self._all_claims(visit)
                if claims is not None:
                    placement = Placement(plan.location_id, tuple(visit.parts), claims)
                    if self.alike:
                        self._known[lead] = placement
                    yield placement

    def lead(self, start: int) -> tuple[int, Span] | None:
        """Return who would lead at this start, and the free starts around it with them; None if nobody can.

        Where all is said with that (`alike`).
        """
        for one in self._order:
            span = span_at(self.found.lead(one), start)
            if span is not None:
                return one, span
        return None

    @cached_property
    def alike(self) -> bool:
        """Whether all is said with who leads: one part with one person, no rooms, no limits."""
        plan = self.found.plan
        if plan.cast or plan.lanes > 1 or len(plan.parts) > 1 or plan.parts[0].needs or len(plan.parts[0].roles) != 1:
            return False
        return not plan.quotas and not any(one.quotas for one in plan.parts[0].roles[0])

    @cached_property
    def _order(self) -> Sequence[int]:
        """Who could lead the first part, best first, whenever it begins."""
        every: Sequence[int] = range(len(self.found.by_candidate[0]))
        first = self.found.plan.parts[0]
        if not first.roles:
            return every
        who = [candidate.person.id for candidate in first.roles[0]]
        return sorted(every, key=lambda choice: (who[choice] != first.kept, self.rank(who[choice])))

    def place(self, start: int) -> Placement | None:
        """Return the best place at this start; None if there is none."""
        return next(self.placements(start), None)

    def _go_on(self, visit: _Visit, lane: int, led: int) -> bool:
        """Place the next part of a lane, or begin the next lane; `led` of the leads have been passed."""
        plan = self.found.plan
        at = len(visit.parts) - lane * len(plan.parts)
        if at == len(plan.parts):
            lane, at = lane + 1, 0
        if lane == plan.lanes:
            return True
        part = plan.parts[at]
        if at == 0:
            # Those who come together are alike: whoever could not lead one of them leads none after it. Where it is
            # said who does what, they are not.
            first = 0 if plan.cast else led
            for passed in range(first, 1 if lane == 0 else len(visit.leads)) if part.roles else (0,):
                if self._part(visit, lane, at, visit.leads[passed], passed + 1):
                    return True
            return False
        before = visit.parts[-1].staff
        return any(self._part(visit, lane, at, choice, led) for choice in self._choices(part, at, before))

    def _part(self, visit: _Visit, lane: int, at: int, choice: int, led: int) -> bool:
        """Place one part with one in the lead, and all that comes after it."""
        part = self.found.plan.parts[at]
        candidate = part.roles[0][choice] if part.roles else None
        cast = self.found.plan.cast
        if cast and candidate is not None and not self.found.plan.fits(len(visit.parts), 0, candidate.person.id):
            return False
        person, duration = part.person + lane, candidate.duration if candidate else part.duration
        for begin in self._begins(visit, part, person, duration, at, choice):
            for placed in self._ways(visit, part, person, candidate, duration, begin):
                if visit.tired():
                    return False
                visit.parts.append(placed)
                if self._go_on(visit, lane, led):
                    return True
        return False

    def _choices(self, part: Part, at: int, before: Sequence[UUID]) -> Sequence[int]:
        every: Sequence[int] = range(len(self.found.by_candidate[at]))
        if not part.roles:
            return every
        who = [candidate.person.id for candidate in part.roles[0]]
        if part.same_staff and before:
            return [choice for choice in every if who[choice] == before[0]]
        # Whoever did the part before goes on, if they can: nobody likes to be handed around. A visit that moves
        # keeps who does each part.
        return sorted(
            every, key=lambda choice: (who[choice] != part.kept, who[choice] not in before[:1], self.rank(who[choice]))
        )

    def _begins(self, visit: _Visit, part: Part, person: int, duration: int, at: int, choice: int) -> Sequence[int]:
        """Return at which minutes a part could begin, the first one first: waiting longer gains nothing.

        Only where others of the party are in the way does it gain something, as soon as they have done.
        """
        if at == 0:
            return (visit.start,)
        end = visit.parts[-1].end
        stretches = _within(self.found.following[at][choice], end, end + part.max_wait)
        begins = {start for start, _ in stretches}
        if begins and self.found.plan.several:
            sides = sides_of(part, part.phases(duration), self.found.plan.buffers)
            firsts = {first for _, claims in sides for first, _ in claims}
            ends = {end for spans in visit.claims.values() for whose, (_, end) in spans if whose != person}
            later = (end - first for end in ends for first in firsts)
            begins.update(minute for minute in later if contains(stretches, minute))
        return sorted(begins)

    def _ways(
        self, visit: _Visit, part: Part, person: int, lead: Candidate | None, duration: int, begin: int
    ) -> Iterator[PlacedPart]:
        """Yield the ways to do a part at a minute: with whom and with what; each is claimed while it is looked at."""
        for staff in self._staff(visit, part, person, () if lead is None else (lead,), duration, begin):
            mark = visit.mark()
            for candidate in staff:
                self._claim(visit, part, person, candidate.person.number, begin, part.phases(duration))
            with_staff = visit.mark()
            for things in self._things(visit, part, person, (), duration, begin):
                for pool, unit, phases in things:
                    self._claim(visit, part, person, pool.number + unit, begin, phases)
                units = tuple(Unit(pool.id, unit) for pool, unit, _ in things)
                people = tuple(candidate.person.id for candidate in staff)
                yield PlacedPart(part.service_id, person, begin, begin + duration, people, units, part.package_id)
                visit.back_to(with_staff)
            visit.back_to(mark)

    def _staff(
        self, visit: _Visit, part: Part, person: int, staff: Sequence[Candidate], duration: int, begin: int
    ) -> Iterator[Sequence[Candidate]]:
        """Yield who could fill the roles together, each by somebody else; whoever leads is there already."""
        if len(staff) == 1 and self._clashes(visit, part, person, staff[0].person.number, begin, part.phases(duration)):
            return
        if len(staff) == len(part.roles):
            yield staff
            return
        others = [one.person.id for one in staff]
        for candidate in sorted(part.roles[len(staff)], key=lambda one: self.rank(one.person.id)):
            if candidate.person.id in others or visit.tired():
                continue
            if self.found.plan.cast and not self.found.plan.fits(len(visit.parts), len(staff), candidate.person.id):
                continue
            if not contains(self.found.starts_of(part, candidate, duration), begin):
                continue
            if self._clashes(visit, part, person, candidate.person.number, begin, part.phases(duration)):
                continue
            yield from self._staff(visit, part, person, (*staff, candidate), duration, begin)

    def _things(
        self, visit: _Visit, part: Part, person: int, things: Sequence[_Thing], duration: int, begin: int, at: int = 0
    ) -> Iterator[Sequence[_Thing]]:
        """Yield which units could be taken for all that a part needs."""
        if at == len(part.needs):
            yield things
            return
        need = part.needs[at]
        fit = self._fit(visit, part, person, at, duration, begin)
        # Which unit somebody has matters only for the others of a party.
        ways = combinations(fit, need.units) if self.found.plan.several else iter([tuple(islice(fit, need.units))])
        for units in ways:
            if len(units) < need.units or visit.tired():
                return
            yield from self._things(visit, part, person, (*things, *units), duration, begin, at + 1)

    def _fit(self, visit: _Visit, part: Part, person: int, at: int, duration: int, begin: int) -> Iterator[_Thing]:
        """Yield the units that would do for what a part needs; of those that nobody has taken, as many as it needs."""
        need = part.needs[at]
        phases = part.phases(duration) if need.work_only else ((0, duration),)
        for pool in need.pools:
            alike = 0
            for unit in self.found.times.units(pool.units):
                number = pool.number + unit
                if alike == need.units and not (self.found.is_taken(number) or visit.claims.get(number)):
                    continue
                if not contains(self.found.unit_starts(part, need, pool, unit, duration), begin):
                    continue
                if not self._clashes(visit, part, person, number, begin, phases):
                    alike += not (self.found.is_taken(number) or visit.claims.get(number))
                    yield pool, unit, phases

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

    def _all_claims(self, visit: _Visit) -> tuple[tuple[int, int, int], ...] | None:
        """Return everything that is taken, places under limits included; None if a limit has none left."""
        claims = [
            (number, *span) for number, spans in visit.claims.items() for span in merge(span for _, span in spans)
        ]
        if self.found.level >= Level.LIMITS:
            places = limit_claims(self._limits(visit), self.found.times, override=self.found.override)
            if places is None:
                return None
            claims += places
        return tuple(sorted(claims))

    def _limits(self, visit: _Visit) -> Iterator[tuple[Quota, int]]:
        """Yield the limits under which a visit counts, and from when: those of a person from when they begin."""
        for quota in self.found.plan.quotas:
            yield quota, visit.start
        for done, part in zip(visit.parts, cycle(self.found.plan.parts), strict=False):
            for who, role in zip(done.staff, part.roles, strict=True):
                candidate = next(one for one in role if one.person.id == who)
                for quota in candidate.quotas:
                    yield quota, done.start


def contains(spans: Sequence[Span], minute: int) -> bool:
    """Whether a minute lies in one of sorted spans."""
    return span_at(spans, minute) is not None


def span_at(spans: Sequence[Span], minute: int) -> Span | None:
    """Return that of sorted spans in which a minute lies."""
    at = bisect_right(spans, (minute, _LATE)) - 1
    return spans[at] if at >= 0 and minute < spans[at][1] else None


def covers(spans: Sequence[Span], start: int, end: int) -> bool:
    """Whether one of sorted, merged spans has all of a stretch in it."""
    at = bisect_right(spans, (start, _LATE)) - 1
    return at >= 0 and end <= spans[at][1]


_LATE = 1 << 60


def _within(spans: Sequence[Span], first: int, last: int) -> list[Span]:
    """Return what of sorted spans lies between two minutes, both included."""
    found: list[Span] = []
    for at in range(max(0, bisect_right(spans, (first, _LATE)) - 1), len(spans)):
        start, end = spans[at]
        if start > last:
            break
        if end > first:
            found.append((max(start, first), min(end, last + 1)))
    return found

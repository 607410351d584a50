"""Which starts are free for a visit, and why one is not. Listing and booking ask the same questions.

Inside everything is a whole minute since 1970 (UTC); what is taken includes the buffers of those who
took it, and the asked service's own buffers are added to that. Only the visit itself must lie in working
time: cleaning up may outlast it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from booking_core.refusals import BookingRefused, Reason
from booking_core.rules import grid as grids
from booking_core.rules.feasible import Feasible, Level
from booking_core.rules.grid import Grid, on_clock_grid
from booking_core.rules.placing import Placer, contains, span_at
from booking_core.rules.plan import PlacedPart, Plan, Times
from booking_core.rules.spans import Span, merge, overlap
from booking_core.rules.wallclock import DAY, instant, local_day, minute_from, minute_of, offset_at


class Slot(NamedTuple):
    """A start that can be booked, where and with whom. A tuple: of the hundreds that are listed a few are offered.

    `waste`: minutes beside it that would be too short for another of its kind.
    """

    starts: datetime
    ends: datetime
    #: None where nobody is needed.
    staff_id: UUID | None
    waste: int = 0
    location_id: UUID | None = None
    #: The class, and how many of its seats are left.
    session_id: UUID | None = None
    seats_left: int | None = None
    #: Who would do what when; none of a class that takes place already, and of what is sold by the day.
    parts: tuple[PlacedPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Bounds:
    """From when (included) and to when (excluded) a start may lie; lead time and booking window."""

    now: int
    earliest: int
    latest: int


@dataclass(frozen=True)
class Search:
    """One plan and what is known of everybody's time: ask it for starts, places and reasons."""

    plan: Plan
    times: Times
    horizon: Span
    override: bool = False
    _levels: dict[Level, Feasible] = field(default_factory=dict, init=False, repr=False, compare=False)

    def at(self, level: Level = Level.HELD) -> Feasible:
        """Return the feasible starts as far as a level looks."""
        if level not in self._levels:
            self._levels[level] = Feasible(self.plan, self.times, self.horizon, level, self.override)
        return self._levels[level]

    @property
    def needs_placing(self) -> bool:
        """Whether spans of starts promise too much: where people of a party, or roles, compete for the same."""
        roles = ([one.person.id for role in part.roles for one in role] for part in self.plan.parts)
        return self.plan.several or any(len(set(people)) < len(people) for people in roles)

    def starts(self, within: Sequence[Span]) -> list[int]:
        """Return the starts on the grid that are free and lie in the merged spans `within`, in order.

        The grid is laid into each free stretch as a whole, so that it does not depend on what is asked. A
        span of one minute asks about that very start, wherever the grid has been pushed meanwhile.
        """
        found = self.at()
        starts: set[int] = set()
        # Many are free at the same time: each stretch is laid out once.
        laid: set[tuple[Span, int]] = set()
        for lead, (_, length) in enumerate(found.by_candidate[0]):
            spans = found.lead(lead)
            for span in spans:
                if (span, length) not in laid:
                    laid.add((span, length))
                    self._lay(starts, span, length, within)
            starts.update(one for one, _ in filter(is_one_start, within) if contains(spans, one) and self._on_grid(one))
        if self.needs_placing:
            placer = Placer(found)
            return sorted(start for start in starts if placer.place(start) is not None)
        return sorted(starts)

    def waste(self, staff_id: UUID | None, start: int) -> int:
        """Return how many minutes a visit would leave beside it that are too short for another of its kind."""
        roles = self.plan.parts[0].roles
        for lead in range(len(self.at().by_candidate[0])):
            if staff_id is not None and roles and roles[0][lead].person.id != staff_id:
                continue
            waste = self.waste_with(lead, start)
            if waste is not None:
                return waste
        return 0

    def waste_with(self, lead: int, start: int) -> int | None:
        """Return the same with one candidate in the lead; None if they could not begin then."""
        span = span_at(self.at().lead(lead), start)
        return None if span is None else self.waste_in(lead, span, start)

    def waste_in(self, lead: int, span: Span, start: int) -> int:
        """Return the same where the free starts around it are known."""
        length = self.at().by_candidate[0][lead][1]
        before, after = start - span[0], span[1] - 1 - start
        return (before if before < length else 0) + (after if after < length else 0)

    def why_not(self, start: int) -> Reason | None:
        """Return why the visit cannot begin at this minute; None if it can."""
        return self._first_failing(lambda found: Placer(found).place(start) is not None)

    def why_none(self, within: Sequence[Span]) -> Reason:
        """Return why there is no start in the merged spans `within`: what stands in the way last."""

        def reachable(found: Feasible) -> bool:
            # Any minute will do: that the grid passes it over is told apart below.
            return any(
                overlap(within, start, end)
                for lead in range(len(found.by_candidate[0]))
                for start, end in found.lead(lead)
            )

        reason = self._first_failing(reachable)
        return reason or (Reason.STAFF_BUSY if self.needs_placing else Reason.OFF_GRID)

    def _first_failing(self, works: Callable[[Feasible], bool]) -> Reason | None:
        for level in Level:
            if not works(self.at(level)):
                return _REASONS[level]
        return None

    def _lay(self, starts: set[int], span: Span, length: int, within: Sequence[Span]) -> None:
        plan = self.plan
        # What is open for days has no beginning of its own: then each local date is one.
        for first, end in self._cut(span) if span[1] - span[0] > DAY else (span,):
            grid = grids.starts_in(
                (first, end - 1 + length), duration=length, interval=plan.interval, grid=plan.grid, offset_at=self._lead
            )
            for low, high in within:
                if low < end and first < high:
                    skipped = max(0, -((grid.start - low) // plan.interval))
                    starts.update(range(grid.start + skipped * plan.interval, min(high, grid.stop), plan.interval))

    def _cut(self, span: Span) -> Iterable[Span]:
        tz, (start, end) = self.plan.tz, span
        while start < end:
            midnight = instant(tz, local_day(tz, start), DAY)
            yield start, min(end, midnight)
            start = midnight

    def _on_grid(self, start: int) -> bool:
        return self.plan.grid == Grid.HOUR and on_clock_grid(start, interval=self.plan.interval, offset_at=self._lead)

    def _lead(self, minute: int) -> int:
        """Return the wall clock's lead on UTC, less what visits begin after its round times."""
        return offset_at(self.plan.tz, minute) - self.plan.offset


_REASONS = {
    Level.USUAL: Reason.OUTSIDE_HOURS,
    Level.WORKING: Reason.STAFF_AWAY,
    Level.LIMITS: Reason.LIMIT_REACHED,
    Level.STAFF_BOOKED: Reason.STAFF_BUSY,
    Level.RESOURCES_BOOKED: Reason.RESOURCE_BUSY,
    Level.HELD: Reason.HELD,
}
#: Of several reasons the one with most hope is told.
_HOPE = (
    Reason.HELD,
    Reason.SOLD_OUT,
    Reason.RESOURCE_BUSY,
    Reason.STAFF_BUSY,
    Reason.OFF_GRID,
    Reason.LIMIT_REACHED,
    Reason.STAFF_AWAY,
    Reason.OUTSIDE_HOURS,
    Reason.STAFF_CANNOT,
)


def most_hopeful(reasons: Iterable[Reason]) -> Reason:
    """Return the reason that is worth telling; with nobody there at all, nobody can."""
    return min(reasons, key=_HOPE.index, default=Reason.STAFF_CANNOT)


def bounds_for(now: datetime, *, lead_time: int, window_end: int) -> Bounds:
    """Return where starts may lie; exactly `lead_time` minutes from now is early enough."""
    current = minute_from(now)
    return Bounds(now=current, earliest=current + lead_time, latest=window_end)


def out_of_bounds(start: int, bounds: Bounds) -> Reason | None:
    """Return why nobody can begin at this minute, whoever works then."""
    if start < bounds.now:
        return Reason.PAST
    if start < bounds.earliest:
        return Reason.TOO_SOON
    return Reason.TOO_FAR if start >= bounds.latest else None


def is_one_start(span: Span) -> bool:
    """Whether a span asks about one start rather than searching."""
    return span[1] - span[0] == 1


def spans_of(windows: Iterable[tuple[datetime | None, datetime | None]], far: int) -> list[Span]:
    """Return aware windows as merged spans, with `far` for an open side."""
    return merge(
        (-far if start is None else minute_from(start), far if end is None else minute_from(end))
        for start, end in windows
    )


def clip_spans(spans: Iterable[Span], first: int, last: int) -> list[Span]:
    """Return what of the spans lies between two minutes."""
    return merge((max(first, start), min(last, end)) for start, end in spans)


def whole_minute(moment: datetime) -> int:
    """Return an aware moment as a minute; refuses one that is none."""
    if moment.second or moment.microsecond:
        raise BookingRefused(Reason.OFF_GRID)
    return minute_of(moment)

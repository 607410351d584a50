"""Which starts are free for one person, and why one is not. Listing and booking ask the same questions.

Inside everything is a whole minute since 1970 (UTC); what is taken includes the buffers of those who
took it, and the asked service's own buffers are added to that (both apply between two visits). Only the
visit itself must lie in working time: cleaning up may outlast it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from booking_core.refusals import BookingRefused, Reason
from booking_core.rules import grid as grids
from booking_core.rules.grid import Grid
from booking_core.rules.spans import Span, around, merge, overlap, subtract
from booking_core.rules.wallclock import minute_from, minute_of, offset_at


@dataclass(frozen=True, slots=True)
class Slot:
    """A start that can be booked, and with whom. `waste`: minutes too short for this service that it would leave."""

    starts: datetime
    ends: datetime
    staff_id: UUID
    waste: int = 0


@dataclass(frozen=True, slots=True)
class Need:
    """What a service asks of one person's time, in minutes."""

    duration: int
    before: int = 0
    after: int = 0
    interval: int = 15
    grid: Grid = Grid.HOUR


@dataclass(frozen=True, slots=True)
class StaffTime:
    """One person's time over some days; all spans merged."""

    staff_id: UUID
    tz: str
    #: When they work.
    working: Sequence[Span]
    #: When they would work but for days off and time away of their own.
    usual: Sequence[Span] = ()
    #: Taken by bookings, and by unpaid holds.
    booked: Sequence[Span] = ()
    held: Sequence[Span] = ()


@dataclass(frozen=True, slots=True)
class Bounds:
    """From when (included) and to when (excluded) a start may lie; lead time and booking window."""

    now: int
    earliest: int
    latest: int


def bounds_for(now: datetime, *, lead_time: int, window_end: int) -> Bounds:
    """Return where starts may lie; exactly `lead_time` minutes from now is early enough."""
    current = minute_from(now)
    return Bounds(now=current, earliest=current + lead_time, latest=window_end)


def free_starts(time: StaffTime, need: Need, within: Sequence[Span]) -> list[int]:
    """Return the starts on the grid that are free and lie in the merged spans `within`.

    The grid is laid into each free stretch as a whole, so that it does not depend on what is asked.
    """
    found: list[int] = []
    lead = partial(offset_at, time.tz)
    for free in _free(time, need, (*time.booked, *time.held)):
        starts = grids.starts_in(free, duration=need.duration, interval=need.interval, grid=need.grid, offset_at=lead)
        found.extend(start for start in starts if around(within, start, start + 1))
    return found


def waste_at(time: StaffTime, need: Need, start: int) -> int:
    """Return how many minutes a visit would leave beside it that are too short for another of its kind."""
    free = around(_free(time, need, (*time.booked, *time.held)), start, start + need.duration)
    if free is None:
        return 0
    gaps = (start - free[0], free[1] - start - need.duration)
    return sum(gap for gap in gaps if gap < need.duration)


def why_not(time: StaffTime, need: Need, start: int) -> Reason | None:
    """Return why this person cannot begin at this minute; None if they can."""
    end = start + need.duration
    if not around(time.working, start, end):
        return Reason.STAFF_AWAY if around(time.usual, start, end) else Reason.OUTSIDE_HOURS
    if overlap(time.booked, start - need.before, end + need.after):
        return Reason.STAFF_BUSY
    if overlap(time.held, start - need.before, end + need.after):
        return Reason.HELD
    return None


def out_of_bounds(start: int, bounds: Bounds) -> Reason | None:
    """Return why nobody can begin at this minute, whoever works then."""
    if start < bounds.now:
        return Reason.PAST
    if start < bounds.earliest:
        return Reason.TOO_SOON
    return Reason.TOO_FAR if start >= bounds.latest else None


def why_none(time: StaffTime, need: Need, within: Sequence[Span]) -> Reason:
    """Return why this person has no free start in the merged spans `within`: the most hopeful reason."""

    def reachable(free: Iterable[Span]) -> bool:
        # Any minute will do: that the grid passes it over is told apart below.
        return any(
            overlap(within, start, end - need.duration + 1) for start, end in free if end - start >= need.duration
        )

    if reachable(_free(time, need, (*time.booked, *time.held))):
        return Reason.OFF_GRID
    if reachable(_free(time, need, time.booked)):
        return Reason.HELD
    if reachable(time.working):
        return Reason.STAFF_BUSY
    return Reason.STAFF_AWAY if reachable(time.usual) else Reason.OUTSIDE_HOURS


#: Of several people's reasons the one with most hope is told.
_HOPE = (
    Reason.HELD,
    Reason.STAFF_BUSY,
    Reason.OFF_GRID,
    Reason.STAFF_AWAY,
    Reason.OUTSIDE_HOURS,
)


def most_hopeful(reasons: Iterable[Reason]) -> Reason:
    """Return the reason that is worth telling; with nobody there at all, nobody can."""
    return min(reasons, key=_HOPE.index, default=Reason.STAFF_CANNOT)


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


def _free(time: StaffTime, need: Need, taken: Iterable[Span]) -> list[Span]:
    """Return where the visit itself may lie: its own buffers make everything taken longer."""
    return subtract(time.working, merge((start - need.after, end + need.before) for start, end in taken))

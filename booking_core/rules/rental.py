"""Things that are lent for days or nights: collected at one wall-clock time, brought back at another."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from booking_core.refusals import Reason
from booking_core.rules.plan import BEFORE_SIDE, Needed, PlacedPart, Placement, Pool, Quota, Times, Unit
from booking_core.rules.policy import Buffers
from booking_core.rules.quotas import limit_claims
from booking_core.rules.spans import Span, around, overlap
from booking_core.rules.wallclock import instant


@dataclass(frozen=True, slots=True)
class Rental:
    """A service lent by the day or the night at one place."""

    service_id: UUID
    location_id: UUID
    tz: str
    #: How many days or nights.
    count: int
    nights: bool
    #: Wall-clock minutes of collecting and of bringing back.
    day_from: int
    day_until: int
    needs: Sequence[Needed]
    before: int = 0
    after: int = 0
    #: How many customers come with one booking: each takes what is needed.
    party: int = 1
    #: When somebody is there to hand it out and take it back; None: always.
    open: Sequence[Span] | None = None
    quotas: Sequence[Quota] = ()
    override: bool = False
    buffers: Buffers = Buffers.SUM

    def span(self, day: date) -> Span:
        """Return from when to when it is lent, when it is collected on this local date."""
        last = day + timedelta(days=self.count if self.nights else self.count - 1)
        return instant(self.tz, day, self.day_from), instant(self.tz, last, self.day_until)

    def starts(self, days: Iterable[date]) -> Iterator[int]:
        """Yield when it could be collected on these local dates, free or not."""
        for day in days:
            start, end = self.span(day)
            if start < end:
                yield start

    def place(self, day: date, times: Times) -> Placement | Reason:
        """Return what a rental that begins on this date takes, or why it cannot be."""
        start, end = self.span(day)
        if end <= start:
            return Reason.OUTSIDE_HOURS  # on the day of a clock change nothing may be left of it
        if (
            self.open is not None
            and not self.override
            and not (_staffed(self.open, start) and _staffed(self.open, end))
        ):
            return Reason.OUTSIDE_HOURS
        claims: list[tuple[int, int, int]] = []
        units: list[Unit] = []
        sides = self._sides(start, end)
        for need in self.needs:
            left = need.units * self.party
            held = 0
            for pool, unit in [(one, unit) for one in need.pools for unit in times.units(one.units)]:
                if not left:
                    break
                number = pool.number + unit
                if not self.override and not _usable(pool, start, end):
                    continue
                if any(overlap(times.booked.get(number + side, ()), first, last) for side, first, last in sides):
                    continue
                if any(overlap(times.held.get(number + side, ()), first, last) for side, first, last in sides):
                    held += 1
                    continue
                claims.extend((number + side, first, last) for side, first, last in sides)
                units.append(Unit(pool.id, unit))
                left -= 1
            if left:
                return Reason.HELD if held >= left else Reason.RESOURCE_BUSY
        places = limit_claims(((quota, start) for quota in self.quotas), times, override=self.override)
        if places is None:
            return Reason.LIMIT_REACHED
        claims += places
        part = PlacedPart(self.service_id, 0, start, end, (), tuple(units))
        return Placement(self.location_id, (part,), tuple(sorted(claims)))

    def _sides(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """Return what is taken of a unit, buffers included: which side of its calendar, from and to."""
        if self.buffers == Buffers.SUM:
            return [(0, start - self.before, end + self.after)]
        return [(0, start, end + self.after), (BEFORE_SIDE, start - self.before, end)]


def _staffed(opening: Sequence[Span], minute: int) -> bool:
    """Whether somebody is there at a minute; closing time itself is early enough."""
    return any(start <= minute <= end for start, end in opening)


def _usable(pool: Pool, start: int, end: int) -> bool:
    return pool.open is None or around(pool.open, start, end) is not None

"""Who waits for what, and which free time suits whom: pure.

An offer is fair when it can be answered: it never begins before it must be answered, and what becomes
free at night can be answered until the morning, so that nobody loses their turn by being asleep.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from booking_core.rules.availability import Slot

#: From (included) and to (excluded), aware.
Window = tuple[datetime, datetime]

#: Times nearer to each other than this, or than the visit is long, are much the same.
_NEAR = timedelta(minutes=30)

#: Between these hours of the place's clock people sleep.
NIGHT_FROM = time(21, 30)
NIGHT_TO = time(8, 30)


@dataclass(frozen=True, slots=True)
class Wish:
    """When somebody would come, best first, and the starts that they have let go."""

    windows: tuple[Window, ...]
    passed: frozenset[datetime] = frozenset()

    @staticmethod
    def of(windows: Iterable[Mapping[str, Any]], passed: Iterable[str] = ()) -> "Wish":
        """Read a wish as an entry keeps it."""
        return Wish(
            tuple((datetime.fromisoformat(one["from"]), datetime.fromisoformat(one["to"])) for one in windows),
            frozenset(datetime.fromisoformat(one) for one in passed),
        )

    def kept(self) -> list[dict[str, Any]]:
        """Return the windows as an entry keeps them."""
        return [{"from": start.isoformat(), "to": end.isoformat()} for start, end in self.windows]

    def preference(self, starts: datetime) -> int | None:
        """Return which window a start lies in, 0 being the best; None if they do not want it."""
        if starts in self.passed:
            return None
        return next((n for n, (first, end) in enumerate(self.windows) if first <= starts < end), None)


def wanted_slots(wish: Wish, slots: Iterable[Slot], *, busy: Sequence[Window] = ()) -> list[Slot]:
    """Return the slots that suit a wish, best first; `busy` is when the customer is with us anyway."""
    suiting = [
        (preference, slot)
        for slot in slots
        if (preference := wish.preference(slot.starts)) is not None
        and not _much_the_same(slot, wish.passed)
        and not any(slot.starts < end and start < slot.ends for start, end in busy)
    ]
    return [slot for _, slot in sorted(suiting, key=lambda one: (one[0], one[1].waste, one[1].starts))]


def _much_the_same(slot: Slot, passed: Iterable[datetime]) -> bool:
    """Whether a time is so near to one that was let go that it is no other: a free hour is not offered bit by bit."""
    near = min(slot.ends - slot.starts, _NEAR)
    return any(abs(slot.starts - one) < near for one in passed)


def searched(wish: Wish, *, earliest: datetime, within: Window | None = None) -> list[Window]:
    """Return what of the windows is worth searching: not before `earliest`, and only near what became free."""
    first = earliest if within is None else max(earliest, within[0])
    clipped = [(max(first, start), end if within is None else min(end, within[1])) for start, end in wish.windows]
    return [(start, end) for start, end in clipped if start < end]


def earliest_offer(now: datetime, offer_minutes: int) -> datetime:
    """Return the earliest start that is worth offering: the customer must have the whole time to answer.

    The business's lead time counts besides, as for every booking, from the moment the time is held.
    """
    return now + timedelta(minutes=offer_minutes)


def offer_until(now: datetime, starts: datetime, *, tz: str, offer_minutes: int, lead_time: int) -> datetime:
    """Return until when an offer is held: the usual minutes, counted from the morning if it is night.

    A time that begins early in the morning is not held into its own lead time, though never shorter than usual.
    """
    usual = now + timedelta(minutes=offer_minutes)
    morning = wakes(now, tz)
    if morning is None:
        return usual
    return max(usual, min(morning + timedelta(minutes=offer_minutes), starts - timedelta(minutes=lead_time)))


def wakes(now: datetime, tz: str) -> datetime | None:
    """Return when the night ends that it is now; None by day."""
    zone = ZoneInfo(tz)
    local = now.astimezone(zone)
    if NIGHT_TO <= local.time() < NIGHT_FROM:
        return None
    day = local.date() + timedelta(days=1) if local.time() >= NIGHT_FROM else local.date()
    return _at(day, zone)


def _at(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, NIGHT_TO, zone)

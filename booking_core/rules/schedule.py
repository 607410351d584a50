"""When somebody works, or a place is open: the week's rules, what replaces them on a date, and time away."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from booking_core.rules.spans import Span, intersect, merge, subtract
from booking_core.rules.wallclock import instant

#: Wall-clock minutes of a local day, from and to (up to 1440).
WallSpan = tuple[int, int]
#: From one local date to another (both included; None: for good), and the zone whose clock counts then.
ZoneSpan = tuple[date, date | None, str]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that is known of a person's working time."""

    tz: str
    #: weekday (Monday is 0) -> spans
    weekly: Mapping[int, Sequence[WallSpan]]
    #: What the house says about a date: a holiday is an empty sequence.
    house: Mapping[date, Sequence[WallSpan]] = field(default_factory=dict)
    #: What the person's own plan says about a date; it stands above the house's.
    own: Mapping[date, Sequence[WallSpan]] = field(default_factory=dict)
    #: Real time away.
    away: Sequence[Span] = ()
    #: Where the person is for a while: their hours are told by that clock.
    zones: Sequence[ZoneSpan] = ()

    def zone(self, day: date) -> str:
        """Return the zone whose clock tells the hours of a local date."""
        for first, last, tz in self.zones:
            if first <= day and (last is None or day <= last):
                return tz
        return self.tz


def usual_day(schedule: Schedule, day: date) -> list[Span]:
    """Return the working time of a local date as if the person had no days of their own."""
    return _spans(schedule.zone(day), day, _house(schedule, day))


def planned_day(schedule: Schedule, day: date) -> list[Span]:
    """Return the working time of a local date as planned; time away is not taken out yet."""
    own = schedule.own.get(day)
    return _spans(schedule.zone(day), day, _house(schedule, day) if own is None else own)


def usual_time(schedule: Schedule, days: Iterable[date]) -> list[Span]:
    """Return the working time as if the person had no days of their own: what the house expects."""
    return merge(span for day in days for span in usual_day(schedule, day))


def working_time(schedule: Schedule, days: Iterable[date]) -> list[Span]:
    """Return when the person really works on these local dates."""
    return subtract(merge(span for day in days for span in planned_day(schedule, day)), merge(schedule.away))


def days_between(first: date, last: date) -> list[date]:
    """Return every date from the first to the last, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _house(schedule: Schedule, day: date) -> Sequence[WallSpan]:
    week, house = schedule.weekly.get(day.weekday(), ()), schedule.house.get(day)
    # A short day of the house is short for everybody; it makes nobody come who does not work that day.
    return week if house is None else intersect(merge(week), merge(house))


def _spans(tz: str, day: date, spans: Sequence[WallSpan]) -> list[Span]:
    return merge((instant(tz, day, opens), instant(tz, day, closes)) for opens, closes in spans)

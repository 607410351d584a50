"""When a person works: the week's rules, what replaces them on a date, and time away."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from booking_core.rules.spans import Span, merge, subtract
from booking_core.rules.wallclock import instant

#: Wall-clock minutes of a local day, from and to (up to 1440).
WallSpan = tuple[int, int]


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


def usual_time(schedule: Schedule, days: Iterable[date]) -> list[Span]:
    """Return the working time as if the person had no days of their own: what the house expects."""
    return _spans(schedule.tz, ((day, _house(schedule, day)) for day in days))


def working_time(schedule: Schedule, days: Iterable[date]) -> list[Span]:
    """Return when the person really works on these local dates."""
    planned = _spans(
        schedule.tz,
        ((day, own if (own := schedule.own.get(day)) is not None else _house(schedule, day)) for day in days),
    )
    return subtract(planned, merge(schedule.away))


def days_between(first: date, last: date) -> list[date]:
    """Return every date from the first to the last, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _house(schedule: Schedule, day: date) -> Sequence[WallSpan]:
    house = schedule.house.get(day)
    return schedule.weekly.get(day.weekday(), ()) if house is None else house


def _spans(tz: str, plan: Iterable[tuple[date, Sequence[WallSpan]]]) -> list[Span]:
    return merge((instant(tz, day, opens), instant(tz, day, closes)) for day, spans in plan for opens, closes in spans)

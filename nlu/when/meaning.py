"""The meanings that rules build: what was said, before any calendar is looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day; `half` is am, pm or None when the words leave it open."""

    hour: int
    minute: int = 0
    half: str | None = None
    exact: bool = False
    approx: bool = False
    written: bool = False

    @property
    def is_open(self) -> bool:
        """Could be twelve hours later as well."""
        return self.half is None and not self.exact and 1 <= self.hour <= 12


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the day by name, perhaps narrowed to its early or late side."""

    name: str
    side: str | None = None


@dataclass(frozen=True, slots=True)
class Hours:
    """From one clock time to another within a day; None = open side."""

    start: Clock | Part | None
    end: Clock | Part | None


Time = Clock | Part | Hours


@dataclass(frozen=True, slots=True)
class Shift:
    """A calendar unit counted from the current one: today, next week, last month."""

    unit: str
    count: int


@dataclass(frozen=True, slots=True)
class Weekday:
    """A day of the week; `which` is None, this, next, coming, last or after_next."""

    day: int
    which: str | None = None


@dataclass(frozen=True, slots=True)
class Date:
    """A date with whatever of it was said."""

    day: int | None = None
    month: int | None = None
    year: int | None = None
    weekday: int | None = None
    swapped: Date | None = None
    which: str | None = None
    hour_after: int = 0


@dataclass(frozen=True, slots=True)
class Inside:
    """A day or smaller period within a greater one: Tuesday of next week, the 20th of next month."""

    inner: Day
    outer: Day


@dataclass(frozen=True, slots=True)
class Nth:
    """The n-th (from the end when negative) weekday or unit of a period."""

    count: int
    unit: str
    outer: Day


@dataclass(frozen=True, slots=True)
class Side:
    """The early, mid or late side of a period."""

    side: str
    outer: Day


@dataclass(frozen=True, slots=True)
class Offset:
    """An amount of time counted from a day or from now."""

    amount: Amount
    anchor: Day | None = None
    backward: bool = False
    weekday: int | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """A length of time in calendar months, days and minutes, with the unit it was said in."""

    months: int = 0
    days: int = 0
    minutes: float = 0
    unit: str = "day"
    count: float = 1

    def plus(self, other: Amount) -> Amount:
        """Add another length; the finer unit of the two names the sum."""
        return Amount(
            self.months + other.months, self.days + other.days, self.minutes + other.minutes, other.unit, self.count
        )


@dataclass(frozen=True, slots=True)
class Running:
    """The next or last n units: the next three days."""

    amount: Amount
    backward: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Holiday:
    """A named day of the year."""

    name: str
    year: int | None = None
    which: str | None = None


@dataclass(frozen=True, slots=True)
class WeekOf:
    """The week that holds a day."""

    inner: Day


@dataclass(frozen=True, slots=True)
class Closest:
    """The n-th closest weekday to a day."""

    day: int
    to: Day
    count: int = 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one day to another, both included; None = open side."""

    start: Day | None
    end: Day | None


@dataclass(frozen=True, slots=True)
class Workdays:
    """Monday to Friday."""

    which: str | None = None


Day = Shift | Weekday | Date | Inside | Nth | Side | Offset | Running | Holiday | WeekOf | Closest | Stretch | Workdays


@dataclass(frozen=True, slots=True)
class Point:
    """A time on a day; either may be missing."""

    day: Day | None = None
    time: Time | None = None


@dataclass(frozen=True, slots=True)
class Now:
    """This very moment, plus an amount when one was said."""

    amount: Amount | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """From one point to another, each with its own day; None = open side."""

    start: Point | Now | None
    end: Point | Now | None
    include_end: bool = False


@dataclass(frozen=True, slots=True)
class Lasting:
    """A point that lasts an amount of time."""

    start: Point | Now
    amount: Amount


@dataclass(frozen=True, slots=True)
class Same:
    """Like the reference booking, with some of it changed."""

    day: Day | None = None
    time: Time | None = None
    shift: Amount | None = None
    backward: bool = False
    keep: str = "time"


Meaning = Point | Now | Between | Lasting | Same


def names_a_day(meaning: Meaning) -> bool:
    """Whether the words fix a day themselves, so that a bare clock ("make it 4") can keep the day talked about."""
    match meaning:
        case Point(day=day):
            return day is not None
        case Between(start=start, end=end):
            return any(side is not None and names_a_day(side) for side in (start, end))
        case Lasting(start=start):
            return names_a_day(start)
        case Same(day=day, shift=shift):
            return day is not None or shift is not None
        case _:
            return True

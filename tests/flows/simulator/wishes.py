"""What a customer wants: a service, somebody or anybody, and times that would do."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

MIDNIGHT, NIGHT = time(0, 0), time(23, 59)


@dataclass(frozen=True)
class Clock:
    """A time of the day, as it is wanted: `kind` is exact, after, before, morning or afternoon."""

    kind: str
    at: time = MIDNIGHT

    @property
    def span(self) -> tuple[time, time]:
        """Return the first and last start that would do."""
        match self.kind:
            case "exact":
                return self.at, self.at
            case "after":
                return self.at, NIGHT
            case "before":
                return MIDNIGHT, (datetime.combine(date.min, self.at) - timedelta(minutes=1)).time()
            case "morning":
                return MIDNIGHT, time(11, 59)
            case "afternoon":
                return time(12), NIGHT
        raise ValueError(self.kind)


@dataclass(frozen=True)
class Wish:
    """Days that would do, said as `kind` (today, tomorrow, weekday, date, next_week, any), and a time or none."""

    kind: str
    days: tuple[date, ...] = ()
    clock: Clock | None = None
    #: Known to have been free when the customer came: who does not get it was not served.
    free: bool = False

    def fits(self, moment: datetime) -> bool:
        """Tell whether a local moment would do."""
        if self.days and moment.date() not in self.days:
            return False
        if self.clock is None:
            return True
        first, last = self.clock.span
        return first <= moment.time().replace(second=0) <= last

    @property
    def exact(self) -> bool:
        """Tell whether only one start would do."""
        return len(self.days) == 1 and self.clock is not None and self.clock.kind == "exact"

    def to_json(self) -> dict[str, object]:
        """Return it for a report."""
        clock = None if self.clock is None else f"{self.clock.kind} {self.clock.at:%H:%M}"
        return {"kind": self.kind, "days": [str(day) for day in self.days], "clock": clock}


ANY_TIME = Wish("any")


@dataclass(frozen=True)
class Visit:
    """One booking that is wanted; `wishes`: the first one, then what would do if that is not to be had."""

    service: str
    staff: str | None
    wishes: tuple[Wish, ...]
    name: str

    def changed(self, what: str, value: object) -> "Visit":
        """Return the visit after a change of mind."""
        if what in {"service", "staff"}:
            # What is free was looked up for the others.
            wishes = tuple(replace(wish, free=False) for wish in self.wishes)
            return replace(self, **{what: value}, wishes=wishes)
        assert isinstance(value, Wish)
        return replace(self, wishes=(value, ANY_TIME))


@dataclass(frozen=True)
class Errand:
    """One thing that the customer comes for: book, move, cancel, leave (begin to book, then let it be) or ask."""

    kind: str
    visit: Visit | None = None
    #: Changes of mind once the summary is there: service, staff, time or date.
    changes: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    #: Which of the customer's bookings a move or cancellation is about.
    about: int = 0


@dataclass(frozen=True)
class Plan:
    """Everything that a customer comes for, one after the other."""

    errands: tuple[Errand, ...] = field(default=())

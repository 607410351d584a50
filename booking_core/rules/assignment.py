"""Who gets a booking when anyone will do: least busy, round robin, or the house's order."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from booking_core.rules.plan import Person, Times
from booking_core.rules.policy import Assignment
from booking_core.rules.spans import Span

#: Nobody has been given a booking before this.
_NEVER = 0.0
#: What round robin takes for somebody without a priority: medium.
_MEDIUM = 2
#: Whose share is nought is asked when nobody else can.
_NO_SHARE = 1e12


@dataclass(frozen=True, slots=True)
class Given:
    """What was given to a person before: how many bookings this month, and when the last one."""

    count: int = 0
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """What round robin wants of a person; `priority` 0 to 4, higher is asked first."""

    weight: int = 100
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Turns:
    """How the house gives out bookings; smaller ranks are asked first, equal ones in the house's order."""

    how: Assignment
    #: Who should do it if they can: whoever had it, or whom the customer usually comes to; best first.
    first: Sequence[UUID] = ()
    given: Mapping[UUID, Given] = field(default_factory=dict)
    shares: Mapping[UUID, Share] = field(default_factory=dict)
    #: Whoever is so many bookings ahead of the least is passed over; 0: nobody.
    ahead_at_most: int = 0

    def rank(self, people: Sequence[Person], times: Times, day: Span) -> Callable[[UUID], float]:
        """Return where a person stands in the order for a visit on a day."""
        order = {person.id: at for at, person in enumerate(people)}
        least = self._least(people)
        keys = {person.id: self._key(person, times, day, least) for person in people}
        sorted_people = sorted(order, key=lambda one: (*keys[one], order[one]))
        place = {one: float(at) for at, one in enumerate(sorted_people)}
        return lambda one: place.get(one, float(len(place)))

    def _key(self, person: Person, times: Times, day: Span, least: int) -> tuple[float, ...]:
        wished = self.first.index(person.id) if person.id in self.first else len(self.first)
        match self.how:
            case Assignment.IN_ORDER:
                return (wished,)
            case Assignment.LEAST_BUSY:
                return wished, load(person, times, day)
            case Assignment.ROUND_ROBIN:
                return wished, *self._round_robin(person, least)

    def _least(self, people: Sequence[Person]) -> int:
        """Return the fewest bookings that anybody has who is to get any: whoever had none counts, too."""
        shared = [one.id for one in people if self.shares.get(one.id, Share()).weight]
        return min((self.given.get(one, Given()).count for one in shared), default=0)

    def _round_robin(self, person: Person, least: int) -> tuple[float, ...]:
        share, given = self.shares.get(person.id, Share()), self.given.get(person.id, Given())
        ahead = bool(self.ahead_at_most) and given.count - least >= self.ahead_at_most
        priority = _MEDIUM if share.priority is None else share.priority
        weighted = given.count * 100 / share.weight if share.weight else _NO_SHARE
        return ahead, -priority, weighted, given.last.timestamp() if given.last else _NEVER


def load(person: Person, times: Times, day: Span) -> int:
    """Return how many minutes of a day are taken of a person."""
    return _within(times.booked.get(person.number, ()), day) + _within(times.held.get(person.number, ()), day)


def _within(taken: Sequence[Span], day: Span) -> int:
    """Return how many minutes of a day merged spans take: of months of them only those around it are looked at."""
    minutes = 0
    for at in range(max(0, bisect_right(taken, day) - 1), len(taken)):
        start, end = taken[at]
        if start >= day[1]:
            break
        minutes += max(0, min(end, day[1]) - max(start, day[0]))
    return minutes

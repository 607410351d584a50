"""What a visit asks of people, rooms and limits at one place: pure, in whole minutes since 1970 (UTC).

A visit has parts, one after the other; a part needs a person for each role and units of resources. When
several people come at the same time, each has a lane of parts of their own and all lanes begin together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

from booking_core.rules.grid import Grid
from booking_core.rules.policy import Buffers
from booking_core.rules.spans import Span

#: Where a calendar keeps the buffers before, when only the longer of two buffers counts: so far above the other.
BEFORE_SIDE = 5_000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works, over the days that are looked at; all spans merged."""

    id: UUID
    number: int
    #: When they work.
    working: Sequence[Span]
    #: When they would work but for days off and time away of their own.
    usual: Sequence[Span]


@dataclass(frozen=True, slots=True)
class Pool:
    """A resource with its units: unit n has the number `number + n`."""

    id: UUID
    number: int
    units: int
    #: When it can be used; None: always.
    open: Sequence[Span] | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit: each of its periods has `count` places, and a visit that begins in it takes one.

    A start outside every period is not limited.
    """

    id: UUID
    number: int
    count: int
    #: When starts count -> what is taken for it, in order.
    periods: Sequence[tuple[Span, Span]]
    name: str = "day"


@dataclass(frozen=True, slots=True)
class Times:
    """Who and what is taken when: by calendar number, merged spans; unpaid holds apart from bookings."""

    booked: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    held: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    #: Where the search for a free unit begins: whoever lost one to others looks elsewhere than they do.
    turn: int = 0

    def units(self, count: int) -> Iterator[int]:
        """Yield the units 0 to `count` - 1 in the order in which they are looked at."""
        return ((self.turn + unit) % count for unit in range(count))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person who can do a part, and how many minutes it takes with them."""

    person: Person
    duration: int
    #: Limits of this person.
    quotas: Sequence[Quota] = ()


@dataclass(frozen=True, slots=True)
class Needed:
    """Units of one kind of resource that a part needs, and where they can come from, best first."""

    kind: str
    units: int
    pools: Sequence[Pool]
    #: Only while somebody works, not while the customer waits.
    work_only: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One service within a visit, in minutes."""

    service_id: UUID
    duration: int
    #: A list of candidates for each role; empty: nobody is needed.
    roles: Sequence[Sequence[Candidate]] = ()
    needs: Sequence[Needed] = ()
    before: int = 0
    after: int = 0
    #: The customer waits so long while nobody works; `tail` is what is worked after it, whoever does it.
    processing: int = 0
    tail: int = 0
    #: So long may the customer wait before this part.
    max_wait: int = 0
    #: Whoever did the part before does this one.
    same_staff: bool = False
    #: Which of those who come together it is for.
    person: int = 0
    #: Who did it before the visit was moved: they do it again if they can.
    kept: UUID | None = None
    #: The package that was asked for, of which it is a part, where the visit is not named after that.
    package_id: UUID | None = None

    def phases(self, duration: int) -> Sequence[Span]:
        """Return when somebody works, in minutes after the start: before and after processing."""
        wait = duration - self.tail - self.processing
        # Whoever is so quick that nothing is left before it works all the time.
        if not self.processing or wait <= 0:
            return ((0, duration),)
        return ((0, wait), (duration - self.tail, duration)) if self.tail else ((0, wait),)


@dataclass(frozen=True, slots=True)
class Plan:
    """A visit at one place."""

    location_id: UUID
    tz: str
    #: In order, for one of those who come together.
    parts: Sequence[Part]
    #: The local dates that the hours cover, both included.
    days: tuple[date, date]
    #: How many come at the same time.
    lanes: int = 1
    interval: int = 15
    #: So many minutes after the clock's round times visits begin.
    offset: int = 0
    grid: Grid = Grid.HOUR
    buffers: Buffers = Buffers.SUM
    #: When the place is open, for visits that need nobody; None: always.
    open: Sequence[Span] | None = None
    #: Limits of the services.
    quotas: Sequence[Quota] = ()
    #: Who fills which role of which part as they are placed, one lane after the other; None, or no entry: whoever can.
    cast: Sequence[Sequence[UUID | None]] = ()

    def fits(self, at: int, role: int, staff_id: UUID) -> bool:
        """Whether somebody may fill a role of the part that is placed as number `at`."""
        named = self.cast[at][role] if at < len(self.cast) and role < len(self.cast[at]) else None
        return named is None or named == staff_id

    @property
    def several(self) -> bool:
        """Whether several people come, together or in turn: then they may be in each other's way."""
        return self.lanes > 1 or any(part.person != self.parts[0].person for part in self.parts)

    @property
    def leaves_no_choice(self) -> bool:
        """Whether there is one way at most to do it, whatever is taken: one person for each role, and nothing else."""
        return (
            self.lanes == 1
            and not self.quotas
            and not any(part.needs for part in self.parts)
            and all(len(role) == 1 and not role[0].quotas for part in self.parts for role in part.roles)
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a resource."""

    resource_id: UUID
    unit: int


class PlacedPart(NamedTuple):
    """A part that has its place: who, with what, from when to when. A tuple, as `Slot` is."""

    service_id: UUID
    person: int
    start: int
    end: int
    staff: tuple[UUID, ...]
    units: tuple[Unit, ...]
    #: As of the part that it places.
    package_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A whole visit that has its place, and what it takes of which calendar (buffers included)."""

    location_id: UUID
    parts: tuple[PlacedPart, ...]
    #: (calendar number, from, to): sorted, apart from each other on each calendar.
    claims: tuple[tuple[int, int, int], ...]

    @property
    def start(self) -> int:
        """When the visit begins."""
        return min(part.start for part in self.parts)

    @property
    def end(self) -> int:
        """When the last part ends."""
        return max(part.end for part in self.parts)

    def at(self, start: int) -> "Placement":
        """Return the same visit with the same people and things, beginning at another minute."""
        by = start - self.start
        if not by:
            return self
        parts = tuple(
            PlacedPart(one.service_id, one.person, one.start + by, one.end + by, one.staff, one.units, one.package_id)
            for one in self.parts
        )
        return Placement(self.location_id, parts, tuple((no, first + by, last + by) for no, first, last in self.claims))

    @property
    def staff_id(self) -> UUID | None:
        """Who does it, or its first part; None if nobody is needed."""
        return next((part.staff[0] for part in self.parts if part.staff), None)

"""How a visit lies in the time of people and rooms: its parts, its buffers, and when its customer only waits."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from booking_core.models import CALENDAR_WIDTH, Booking, ClassSession, Resource, Staff
from booking_core.placed import part_times
from booking_core.rules.plan import BEFORE_SIDE
from booking_core.rules.spans import Span, intersect, merge, subtract
from booking_core.rules.wallclock import minute_from, minute_of, moment_of


class Whose(StrEnum):
    """Who or what a column of a calendar is for."""

    STAFF = "staff"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody, or one unit of something, whose time is taken."""

    whose: Whose
    id: UUID
    unit: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time of one owner."""

    owner: Owner
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a visit in the time of one owner; `idle` is when the customer waits and the owner is free."""

    owner: Owner
    part: int
    service_id: UUID
    starts: datetime
    ends: datetime
    idle: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """A booking with all that it takes; its buffers and places that it is only offered are apart."""

    booking: Booking
    customer: str | None
    blocks: tuple[Block, ...]
    buffers: tuple[Stretch, ...] = ()
    offered: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class Meeting:
    """A class that takes place, who has seats in it, and whose time it takes."""

    session: ClassSession
    blocks: tuple[Stretch, ...]
    roster: tuple[Visit, ...]

    @property
    def taken(self) -> int:
        """How many seats are taken."""
        return sum(visit.booking.party for visit in self.roster)


@dataclass(frozen=True)
class Numbers:
    """Which calendar number is whose."""

    bases: Sequence[int]
    owners: Mapping[int, tuple[Whose, UUID]]

    @staticmethod
    def of(staff: Iterable[Staff], resources: Iterable[Resource]) -> "Numbers":
        """Return the numbers of people and rooms."""
        owners = {one.calendar_no: (Whose.STAFF, one.id) for one in staff}
        owners |= {one.calendar_no: (Whose.RESOURCE, one.id) for one in resources}
        return Numbers(sorted(owners), owners)

    def owner(self, number: int) -> Owner | None:
        """Return whose time an allocation takes; None for a seat or a limit."""
        at = bisect_right(self.bases, number) - 1
        if at < 0 or number - self.bases[at] >= CALENDAR_WIDTH:
            return None
        whose, owner_id = self.owners[self.bases[at]]
        return Owner(whose, owner_id, (number - self.bases[at]) % BEFORE_SIDE)


@dataclass
class Taken:
    """What one booking takes of each owner's time, and what it is only offered."""

    firm: dict[Owner, list[Span]] = field(default_factory=lambda: defaultdict(list))
    offered: dict[Owner, list[Span]] = field(default_factory=lambda: defaultdict(list))


def visit_of(booking: Booking, customer: str | None, taken: Taken) -> Visit:
    """Return a booking as it lies in everybody's time."""
    firm = {owner: merge(spans) for owner, spans in taken.firm.items()}
    blocks = tuple(_blocks(booking, firm))
    shown: dict[Owner, list[Span]] = defaultdict(list)
    for block in blocks:
        shown[block.owner].append((minute_of(block.starts), minute_from(block.ends)))
    # A class takes its teacher's time, its guests take seats: of those nothing is drawn.
    buffers = () if booking.session_id else _stretches({o: subtract(s, merge(shown[o])) for o, s in firm.items()})
    return Visit(booking, customer, blocks, buffers, _stretches({o: merge(s) for o, s in taken.offered.items()}))


def _blocks(booking: Booking, firm: Mapping[Owner, Sequence[Span]]) -> Iterable[Block]:
    if not booking.parts and booking.staff_id is not None:
        owner = Owner(Whose.STAFF, booking.staff_id)
        yield _block(owner, 0, booking.service_id, booking.starts, booking.ends, firm)
    for number, part in enumerate(booking.parts):
        owners = [Owner(Whose.STAFF, UUID(one)) for one in part["staff"]]
        owners += [Owner(Whose.RESOURCE, UUID(one["resource"]), one["unit"]) for one in part["resources"]]
        starts, ends = part_times(part)
        for owner in owners:
            yield _block(owner, number, UUID(part["service"]), starts, ends, firm)


def _block(
    owner: Owner,
    part: int,
    service_id: UUID,
    starts: datetime,
    ends: datetime,
    firm: Mapping[Owner, Sequence[Span]],
) -> Block:
    whole = [(minute_of(starts), minute_from(ends))]
    worked = intersect(whole, firm.get(owner, ()))
    idle = subtract(whole, worked) if worked else []
    return Block(owner, part, service_id, starts, ends, tuple((moment_of(a), moment_of(b)) for a, b in idle))


def meeting_of(session: ClassSession, taken: Taken, roster: Sequence[Visit]) -> Meeting:
    """Return a class as it lies in everybody's time, its teacher's in any case."""
    owners = set(taken.firm)
    if session.staff_id is not None:
        owners.add(Owner(Whose.STAFF, session.staff_id))
    ordered = sorted(owners, key=lambda one: (one.whose, str(one.id), one.unit))
    return Meeting(session, tuple(Stretch(one, session.starts, session.ends) for one in ordered), tuple(roster))


def _stretches(spans: Mapping[Owner, Sequence[Span]]) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(owner, moment_of(start), moment_of(end)) for owner, each in spans.items() for start, end in each
    )

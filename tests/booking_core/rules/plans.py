"""Short ways for tests of the rules to say who works when, what is taken and what is wanted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from booking_core.rules.availability import Search
from booking_core.rules.grid import Grid
from booking_core.rules.plan import Candidate, Part, Person, Plan, Quota, Times
from booking_core.rules.policy import Buffers
from booking_core.rules.spans import Span, merge
from booking_core.rules.wallclock import instant

ANA, BRUNO, CARLA = UUID(int=1), UUID(int=2), UUID(int=3)
CUT, PLACE = UUID(int=100), UUID(int=200)
#: Calendars are so far apart, as the database has them.
WIDTH = 10_000
DAYS = (date(2026, 11, 24), date(2026, 11, 25))
#: Longer than any test looks.
EVER = (-(10**6), 10**9)


@dataclass(frozen=True)
class Need:
    """One plain service, in minutes."""

    duration: int
    before: int = 0
    after: int = 0
    interval: int = 15
    grid: Grid = Grid.HOUR
    buffers: Buffers = Buffers.SUM
    offset: int = 0


def need(
    duration: int,
    interval: int | None = None,
    before: int = 0,
    after: int = 0,
    grid: Grid = Grid.HOUR,
    buffers: Buffers = Buffers.SUM,
    offset: int = 0,
) -> Need:
    """Say a service; unless told it begins as often as it is long."""
    return Need(duration, before, after, interval or duration, grid, buffers, offset)


def number_of(whose: UUID) -> int:
    """Return the calendar of a person or a resource of these tests."""
    return whose.int * WIDTH


def person(whose: UUID, working: Sequence[Span], usual: Sequence[Span] | None = None) -> Person:
    """Return somebody; unless told they work when the house expects it."""
    working = merge(working)
    return Person(whose, number_of(whose), working, working if usual is None else merge(usual))


def plan_of(wanted: Need, *people: Person, tz: str = "UTC", quotas: Sequence[Quota] = ()) -> Plan:
    """Return the plan of one service that any of these people can do."""
    part = Part(
        CUT,
        wanted.duration,
        roles=[[Candidate(one, wanted.duration) for one in people]],
        before=wanted.before,
        after=wanted.after,
    )
    return Plan(
        PLACE, tz, [part], DAYS, interval=wanted.interval, offset=wanted.offset, grid=wanted.grid,
        buffers=wanted.buffers, quotas=quotas,
    )  # fmt: skip


def search_of(
    wanted: Need,
    working: Sequence[Span],
    booked: Sequence[Span] = (),
    held: Sequence[Span] = (),
    *,
    usual: Sequence[Span] | None = None,
    tz: str = "UTC",
    horizon: Span = EVER,
) -> Search:
    """Return the search for one service with Ana, who has these bookings and holds."""
    plan = plan_of(wanted, person(ANA, working, usual), tz=tz)
    return Search(plan, times_of({ANA: booked}, {ANA: held}), horizon)


def times_of(booked: Mapping[UUID, Sequence[Span]], held: Mapping[UUID, Sequence[Span]] | None = None) -> Times:
    """Return what is taken of whom."""
    return Times(
        {number_of(one): merge(spans) for one, spans in booked.items() if merge(spans)},
        {number_of(one): merge(spans) for one, spans in (held or {}).items() if merge(spans)},
    )


def wall(clock: str) -> int:
    """Return a wall-clock time such as `9:30` as minutes of its day."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def spans(*texts: str) -> list[Span]:
    """Return spans such as `9:00-12:30` as minutes of their day."""
    return [(wall(a), wall(b)) for a, b in (text.split("-") for text in texts)]


def on_day(tz: str, day: date, *texts: str) -> list[Span]:
    """Return wall-clock spans of a local date as real time."""
    return merge((instant(tz, day, a), instant(tz, day, b)) for a, b in spans(*texts))

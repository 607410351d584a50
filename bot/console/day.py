"""One day of a business: who works when, and what is booked."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core.catalog import Catalog, load_catalog
from booking_core.models import Customer, DateOverride, Location, Staff, State, TimeOff
from booking_core.rules.schedule import Schedule, WallSpan, working_time
from booking_core.rules.wallclock import minute_of, moment_of
from bot.console.daygrid import row_at, rows_for

#: The grid of a day on which nobody works.
USUAL = (9 * 60, 18 * 60)
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Place:
    """A location to choose."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A booking on the page."""

    id: UUID
    reference: str
    starts: datetime
    ends: datetime
    state: str
    service: str
    customer: str | None
    conversation_id: UUID | None
    confirmed: bool  # the customer said that they come
    row: int
    rows: int


@dataclass(frozen=True, slots=True)
class Span:
    """Working time on the grid."""

    row: int
    rows: int


@dataclass(frozen=True, slots=True)
class Column:
    """One person's day."""

    staff_id: UUID
    name: str
    visits: Sequence[Visit]
    works: Sequence[Span]
    hours: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Day:
    """What the calendar shows."""

    date: date
    tz: str
    place: Place
    places: Sequence[Place]
    columns: Sequence[Column]
    hours: Sequence[tuple[int, int]]  # (hour, its row)
    now_row: int | None

    @property
    def count(self) -> int:
        """How many bookings there are."""
        return sum(len(column.visits) for column in self.columns)


async def load_day(
    session: AsyncSession, business_id: UUID, place_id: UUID | None, day: date, *, now: datetime
) -> Day | None:
    """Return a local date of a place (the first, unless named); None for a business without a place."""
    catalog = await load_catalog(session, business_id)
    place = next((one for one in catalog.locations if one.id == place_id), next(iter(catalog.locations), None))
    if place is None:
        return None
    zone = ZoneInfo(place.timezone)
    booked = [
        one
        for one in await bookings.on_day(session, business_id, place.id, day, place.timezone)
        # A hold that ran out takes no time, though the sweep may not have been here yet.
        if one.state != State.HELD.value or (one.hold_expires_at and one.hold_expires_at > now)
    ]
    customers = await _customers(session, business_id, {one.customer_id for one in booked})
    busy = {one.staff_id for one in booked}
    here = {one.id: one for one in catalog.staff if one.location_id == place.id}
    people = list(here.values()) + [catalog.staff_member(one) for one in sorted(busy - set(here))]
    hours = await _hours(session, catalog, place, people, day)
    taken = {one.id: (_minute(one.starts, day, zone), _minute(one.ends, day, zone)) for one in booked}
    opens, closes = _frame([*(span for each in hours.values() for span in each), *taken.values()])

    def column(member: Staff) -> Column:
        return Column(
            staff_id=member.id,
            name=member.name,
            hours=hours[member.id],
            works=[Span(row_at(a, opens), rows_for(a, b, opens)) for a, b in hours[member.id]],
            visits=[
                Visit(
                    id=one.id,
                    reference=one.reference,
                    starts=one.starts,
                    ends=one.ends,
                    state=one.state,
                    service=catalog.service(one.service_id).name,
                    customer=customers.get(one.customer_id),
                    conversation_id=one.conversation_id,
                    confirmed=one.attendance_confirmed_at is not None,
                    row=row_at(taken[one.id][0], opens),
                    rows=rows_for(*taken[one.id], opens),
                )
                for one in booked
                if one.staff_id == member.id
            ],
        )

    minute = _minute(now, day, zone)
    return Day(
        date=day,
        tz=place.timezone,
        place=Place(place.id, place.name),
        places=[Place(one.id, one.name) for one in catalog.locations],
        columns=[column(member) for member in people],
        hours=[(hour, row_at(hour * 60, opens)) for hour in range(opens // 60, closes // 60)],
        now_row=row_at(minute, opens) if now.astimezone(zone).date() == day and opens <= minute < closes else None,
    )


async def _customers(session: AsyncSession, business_id: UUID, ids: set[UUID]) -> dict[UUID, str | None]:
    found = await session.execute(
        select(Customer.id, Customer.name).where(Customer.business_id == business_id, Customer.id.in_(ids))
    )
    return dict(found.tuples().all())


async def _hours(
    session: AsyncSession, catalog: Catalog, place: Location, people: Sequence[Staff], day: date
) -> dict[UUID, list[tuple[int, int]]]:
    """Return when each person works that day, in minutes of the place's wall clock."""
    zone = ZoneInfo(place.timezone)
    business_id = catalog.business.id
    house: dict[date, list[WallSpan]] = {}
    own: dict[UUID, dict[date, list[WallSpan]]] = defaultdict(dict)
    for override in await session.scalars(
        select(DateOverride).where(DateOverride.business_id == business_id, DateOverride.day == day)
    ):
        spans = [(int(span["opens"]), int(span["closes"])) for span in override.spans]
        if override.staff_id is not None:
            own[override.staff_id].setdefault(day, []).extend(spans)
        elif override.location_id == place.id:
            house.setdefault(day, []).extend(spans)
    away: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
    begin = datetime.combine(day, time.min, zone)
    for gone in await session.scalars(
        select(TimeOff).where(
            TimeOff.business_id == business_id,
            TimeOff.starts < begin + timedelta(days=1),
            TimeOff.ends > begin,
        )
    ):
        away[gone.staff_id].append((minute_of(gone.starts), minute_of(gone.ends)))
    return {
        member.id: [
            (_minute(moment_of(first), day, zone), _minute(moment_of(last), day, zone))
            for first, last in working_time(
                Schedule(
                    tz=place.timezone,
                    weekly=catalog.weekly.get(member.id, {}),
                    house=house,
                    own=own[member.id],
                    away=away[member.id],
                ),
                [day],
            )
        ]
        for member in people
    }


def _minute(moment: datetime, day: date, zone: ZoneInfo) -> int:
    local = moment.astimezone(zone)
    if local.date() < day:
        return 0
    return _DAY if local.date() > day else local.hour * 60 + local.minute


def _frame(spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the whole hours that hold every span."""
    opens = min((span[0] for span in spans), default=USUAL[0])
    closes = max((span[1] for span in spans), default=USUAL[1])
    return opens // 60 * 60, -(-closes // 60) * 60

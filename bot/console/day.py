"""One day of a business: who works when, and what is booked."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import Booking, Customer, DateOverride, Location, ScheduleRule, Service, Staff, State
from bot.console.daygrid import row_at, rows_for

#: What takes a person's time, or did.
SHOWN = (State.HELD, State.CONFIRMED, State.COMPLETED, State.NO_SHOW)
#: The grid of a day on which nobody works.
USUAL = (9 * 60, 18 * 60)
_DAY = 24 * 60


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
    columns: Sequence[Column]
    hours: Sequence[tuple[int, int]]  # (hour, its row)
    rows: int
    now_row: int | None

    @property
    def count(self) -> int:
        """How many bookings there are."""
        return sum(len(column.visits) for column in self.columns)


async def load_day(session: AsyncSession, business_id: UUID, day: date, *, tz: str, now: datetime) -> Day:
    """Return a local date of the business, in four queries whatever is booked."""
    zone = ZoneInfo(
        await session.scalar(select(Location.timezone).where(Location.business_id == business_id).limit(1)) or tz
    )
    begin = datetime.combine(day, time.min, zone)
    end = datetime.combine(day + timedelta(days=1), time.min, zone)
    staff = list(
        await session.scalars(
            select(Staff)
            .where(Staff.business_id == business_id, Staff.active.is_(True))
            .order_by(Staff.position, Staff.name)
        )
    )
    booked = (
        await session.execute(
            select(Booking, Service.name, Customer.name)
            .join(Service, (Service.business_id == Booking.business_id) & (Service.id == Booking.service_id))
            .join(Customer, (Customer.business_id == Booking.business_id) & (Customer.id == Booking.customer_id))
            .where(
                Booking.business_id == business_id,
                Booking.starts >= begin - timedelta(days=1),
                Booking.starts < end,
                Booking.ends > begin,
                Booking.state.in_([state.value for state in SHOWN]),
                or_(Booking.state != State.HELD.value, Booking.hold_expires_at > now),
            )
            .order_by(Booking.starts)
        )
    ).all()
    hours = await _hours(session, business_id, day, staff)
    spans = [span for each in hours.values() for span in each]
    minutes = [(_minute(row[0].starts, day, zone), _minute(row[0].ends, day, zone)) for row in booked]
    opens, closes = _frame(spans + minutes)
    visits: dict[UUID, list[Visit]] = defaultdict(list)
    for (booking, service, customer), (first, last) in zip(booked, minutes, strict=True):
        visits[booking.staff_id].append(
            Visit(
                id=booking.id,
                reference=booking.reference,
                starts=booking.starts,
                ends=booking.ends,
                state=booking.state,
                service=service,
                customer=customer,
                conversation_id=booking.conversation_id,
                confirmed=booking.attendance_confirmed_at is not None,
                row=row_at(first, opens),
                rows=rows_for(first, last, opens),
            )
        )
    local_now = now.astimezone(zone)
    minute = local_now.hour * 60 + local_now.minute
    return Day(
        date=day,
        tz=zone.key,
        columns=[
            Column(
                staff_id=member.id,
                name=member.name,
                visits=visits[member.id],
                works=[Span(row_at(a, opens), rows_for(a, b, opens)) for a, b in hours[member.id]],
                hours=hours[member.id],
            )
            for member in staff
        ],
        hours=[(hour, row_at(hour * 60, opens)) for hour in range(opens // 60, closes // 60)],
        rows=rows_for(opens, closes, opens),
        now_row=row_at(minute, opens) if local_now.date() == day and opens <= minute < closes else None,
    )


async def _hours(
    session: AsyncSession, business_id: UUID, day: date, staff: Sequence[Staff]
) -> Mapping[UUID, list[tuple[int, int]]]:
    """Return when each person works: the week's rules, or what replaces them on this date."""
    rules = await session.scalars(
        select(ScheduleRule)
        .where(ScheduleRule.business_id == business_id, ScheduleRule.weekday == day.weekday())
        .order_by(ScheduleRule.opens)
    )
    hours: dict[UUID, list[tuple[int, int]]] = {member.id: [] for member in staff}
    for rule in rules:
        if rule.staff_id in hours:
            hours[rule.staff_id].append((rule.opens, rule.closes))
    overrides = await session.scalars(
        select(DateOverride)
        .where(DateOverride.business_id == business_id, DateOverride.day == day)
        # A person's own word on the day comes after the house's, and so stands.
        .order_by(DateOverride.staff_id.is_not(None))
    )
    for override in overrides:
        spans = [(int(span["opens"]), int(span["closes"])) for span in override.spans]
        for member in staff:
            if override.staff_id == member.id or (
                override.staff_id is None and override.location_id == member.location_id
            ):
                hours[member.id] = spans
    return hours


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

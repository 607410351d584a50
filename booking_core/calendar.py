"""Who is free when: the only SQL that asks it, in three queries whatever the number of people and days.

It answers for good offers and clear refusals; that nothing is booked twice is judged by the constraint
on `allocation` alone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import Catalog
from booking_core.models import DateOverride, Service, State, TimeOff
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules import availability as rules
from booking_core.rules.assignment import by_load
from booking_core.rules.availability import Bounds, Need, Slot, StaffTime
from booking_core.rules.grid import Grid, on_clock_grid
from booking_core.rules.schedule import Schedule, WallSpan, days_between, usual_time, working_time
from booking_core.rules.spans import Span, merge, subtract
from booking_core.rules.wallclock import DAY, instant, local_day, minute_from, minute_of, moment_of, offset_at

#: Aware from and to of a search; None is an open side.
Window = tuple[datetime | None, datetime | None]
#: Later than any booking, in minutes since 1970.
_FAR = 1_000_000_000

# One index probe for each calendar: the left side is written as the constraint's index has it.
_TAKEN = text("""
SELECT a.calendar_no, a.booking_id, b.customer_id, b.state, b.hold_expires_at <= :now AS lapsed,
       (extract(epoch FROM lower(a.during)) / 60)::bigint AS starts,
       (extract(epoch FROM upper(a.during)) / 60)::bigint AS ends
FROM unnest(CAST(:numbers AS bigint[])) AS n (no)
JOIN allocation a ON int8range(a.calendar_no, a.calendar_no, '[]') = int8range(n.no, n.no, '[]')
                 AND a.during && tstzrange(:first, :last)
JOIN booking b ON b.business_id = a.business_id AND b.id = a.booking_id
WHERE a.business_id = :business_id AND a.booking_id IS DISTINCT FROM CAST(:ignoring AS uuid)
""")


@dataclass(frozen=True, slots=True)
class FreeSlots:
    """Free starts, earliest first; when there are none, why."""

    slots: list[Slot]
    reason: Reason | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Yielding:
    """An unpaid hold that gives way: it ran out, or it is the asking customer's own."""

    booking_id: UUID
    span: Span
    lapsed: bool


@dataclass(frozen=True, slots=True)
class Book:
    """One person's time, and the holds in it that do not count for who asks."""

    time: StaffTime
    need: Need
    bounds: Bounds
    yielding: Sequence[Yielding]


async def free_slots(
    session: AsyncSession,
    catalog: Catalog,
    *,
    service_id: UUID,
    staff_id: UUID | None,
    windows: Sequence[Window],
    exclude: Sequence[Window] = (),
    now: datetime,
    ignoring: UUID | None = None,
    customer_id: UUID | None = None,
    limit: int = 200,
) -> FreeSlots:
    """Return when a service can begin inside the windows: each start once, with who would do it.

    `ignoring` is a booking that is being moved; `customer_id` is who asks: own holds do not count. A
    window of one minute asks about that very start, wherever the list's grid has been pushed meanwhile.
    """
    service = _service(catalog, service_id)
    able = _able(catalog, service_id, staff_id)
    if not able:
        return FreeSlots([], Reason.STAFF_CANNOT)
    asked = subtract(rules.spans_of(windows, _FAR), rules.spans_of(exclude, _FAR))
    bounds = {one: _bounds(catalog, one, now) for one in able}
    within = {one: rules.clip_spans(asked, bounds[one].earliest, bounds[one].latest) for one in able}
    if not any(within.values()):
        return _nowhere(asked, bounds[able[0]])
    books = await _load_books(
        session, catalog, service, able, bounds, merge(span for each in within.values() for span in each),
        now=now, ignoring=ignoring, customer_id=customer_id,
    )  # fmt: skip
    slots = _listed(books, within, limit)
    if slots:
        return FreeSlots(slots)
    return FreeSlots(
        [], rules.most_hopeful(rules.why_none(book.time, book.need, within[book.time.staff_id]) for book in books)
    )


async def find_place(
    session: AsyncSession,
    catalog: Catalog,
    *,
    service_id: UUID,
    staff_id: UUID | None,
    starts: datetime,
    now: datetime,
    ignoring: UUID | None = None,
    customer_id: UUID | None = None,
    first: UUID | None = None,
    bounded: bool = True,
) -> list[Book]:
    """Return who can begin at this very moment, best first; refuses with the reason if nobody can.

    Any free whole minute will do: the grid is for offers. `first` is who should do it if they can;
    without `bounded` neither lead time nor window count (the time had been promised before).
    """
    service = _service(catalog, service_id)
    able = _able(catalog, service_id, staff_id)
    if not able:
        raise BookingRefused(Reason.STAFF_CANNOT)
    start = rules.whole_minute(starts)
    bounds = {one: _bounds(catalog, one, now) for one in able}
    outside = rules.out_of_bounds(start, bounds[able[0]])
    if outside is not None and (bounded or outside == Reason.PAST):
        raise BookingRefused(outside, **_limits(outside, bounds[able[0]]))
    books = await _load_books(
        session, catalog, service, able, bounds, [(start, start + 1)],
        now=now, ignoring=ignoring, customer_id=customer_id,
    )  # fmt: skip
    reasons = {book.time.staff_id: rules.why_not(book.time, book.need, start) for book in books}
    free = {book.time.staff_id: book for book in books if reasons[book.time.staff_id] is None}
    if not free:
        raise BookingRefused(rules.most_hopeful(reason for reason in reasons.values() if reason is not None))
    day = _whole_day(catalog.timezone(able[0]), start)
    return [free[time.staff_id] for time in by_load([book.time for book in free.values()], day, first=first)]


def need_for(catalog: Catalog, service: Service, staff_id: UUID) -> Need:
    """Return what a service asks of a person's time."""
    return Need(
        duration=catalog.duration(service.id, staff_id),
        before=service.buffer_before,
        after=service.buffer_after,
        interval=service.slot_interval,
        grid=catalog.policy.grid,
    )


def _service(catalog: Catalog, service_id: UUID) -> Service:
    try:
        return catalog.service(service_id)
    except KeyError:
        raise BookingRefused(Reason.UNKNOWN, service=str(service_id)) from None


def _able(catalog: Catalog, service_id: UUID, staff_id: UUID | None) -> Sequence[UUID]:
    able = catalog.staff_for(service_id)
    return able if staff_id is None else [one for one in able if one == staff_id]


def _bounds(catalog: Catalog, staff_id: UUID, now: datetime) -> Bounds:
    tz = catalog.timezone(staff_id)
    today = local_day(tz, minute_of(now))
    end = instant(tz, today + timedelta(days=catalog.policy.booking_window + 1), 0)
    return rules.bounds_for(now, lead_time=catalog.policy.lead_time, window_end=end)


def _limits(reason: Reason, bounds: Bounds) -> dict[str, Any]:
    if reason == Reason.TOO_SOON:
        return {"earliest": moment_of(bounds.earliest)}
    return {"latest": moment_of(bounds.latest)} if reason == Reason.TOO_FAR else {}


def _nowhere(asked: Sequence[Span], bounds: Bounds) -> FreeSlots:
    """Say why nothing that was asked for lies within the bounds."""
    reason = rules.out_of_bounds(asked[-1][1] - 1, bounds) if asked else None
    reason = reason or Reason.OUTSIDE_HOURS
    return FreeSlots([], reason, _limits(reason, bounds))


def _whole_day(tz: str, minute: int) -> Span:
    day = local_day(tz, minute)
    return instant(tz, day, 0), instant(tz, day, DAY)


def _listed(books: Sequence[Book], within: Mapping[UUID, Sequence[Span]], limit: int) -> list[Slot]:
    starts: set[int] = set()
    for book in books:
        spans = within[book.time.staff_id]
        starts.update(rules.free_starts(book.time, book.need, spans))
        starts.update(span[0] for span in spans if rules.is_one_start(span) and _may_begin(book, span[0]))
    return [_best(start, books) for start in sorted(starts)[:limit]]


def _may_begin(book: Book, start: int) -> bool:
    return (
        book.need.grid == Grid.HOUR
        and rules.why_not(book.time, book.need, start) is None
        and on_clock_grid(start, interval=book.need.interval, offset_at=lambda at: offset_at(book.time.tz, at))
    )


def _best(start: int, books: Sequence[Book]) -> Slot:
    """Return a listed start with who will get it: whoever `find_place` would put first."""
    able = {
        book.time.staff_id: book
        for book in books
        if rules.out_of_bounds(start, book.bounds) is None and rules.why_not(book.time, book.need, start) is None
    }
    times = [book.time for book in able.values()]
    chosen = times[0] if len(times) == 1 else by_load(times, _whole_day(times[0].tz, start))[0]
    need = able[chosen.staff_id].need
    waste = rules.waste_at(chosen, need, start)
    return Slot(moment_of(start), moment_of(start + need.duration), chosen.staff_id, waste)


async def _load_books(
    session: AsyncSession,
    catalog: Catalog,
    service: Service,
    able: Sequence[UUID],
    bounds: Mapping[UUID, Bounds],
    spans: Sequence[Span],
    *,
    now: datetime,
    ignoring: UUID | None,
    customer_id: UUID | None,
) -> list[Book]:
    needs = {one: need_for(catalog, service, one) for one in able}
    longest = max(need.before + need.duration + need.after for need in needs.values())
    zones = {catalog.timezone(one) for one in able}
    first = min(local_day(tz, spans[0][0]) for tz in zones) - timedelta(days=1)
    last = max(local_day(tz, spans[-1][1] + longest) for tz in zones) + timedelta(days=1)
    days = days_between(first, last)
    start = min(instant(tz, first, 0) for tz in zones)
    end = max(instant(tz, last, DAY) for tz in zones)
    schedules = await _load_schedules(session, catalog, able, days, (start, end))
    booked: dict[UUID, list[Span]] = defaultdict(list)
    held: dict[UUID, list[Span]] = defaultdict(list)
    yielding: dict[UUID, list[Yielding]] = defaultdict(list)
    whose = {catalog.staff_member(one).calendar_no: one for one in able}
    rows = await session.execute(
        _TAKEN,
        {
            "business_id": catalog.business.id,
            "numbers": list(whose),
            "first": moment_of(start),
            "last": moment_of(end),
            "now": now,
            "ignoring": ignoring,
        },
    )
    for row in rows:
        person, span = whose[row.calendar_no], (row.starts, row.ends)
        if row.state != State.HELD:
            booked[person].append(span)
        elif row.lapsed or (customer_id is not None and row.customer_id == customer_id):
            yielding[person].append(Yielding(row.booking_id, span, row.lapsed))
        else:
            held[person].append(span)
    return [
        Book(
            time=StaffTime(
                staff_id=one,
                tz=schedules[one].tz,
                working=working_time(schedules[one], days),
                usual=usual_time(schedules[one], days),
                booked=merge(booked[one]),
                held=merge(held[one]),
            ),
            need=needs[one],
            bounds=bounds[one],
            yielding=yielding[one],
        )
        for one in able
    ]


async def _load_schedules(
    session: AsyncSession, catalog: Catalog, able: Sequence[UUID], days: Sequence[date], span: Span
) -> dict[UUID, Schedule]:
    business_id = catalog.business.id
    overrides = await session.scalars(
        select(DateOverride).where(
            DateOverride.business_id == business_id,
            DateOverride.day.between(days[0], days[-1]),
            or_(DateOverride.staff_id.is_(None), DateOverride.staff_id.in_(able)),
        )
    )
    house: dict[UUID, dict[date, list[WallSpan]]] = defaultdict(lambda: defaultdict(list))
    own: dict[UUID, dict[date, list[WallSpan]]] = defaultdict(lambda: defaultdict(list))
    for override in overrides:
        plan = house[override.location_id] if override.staff_id is None else own[override.staff_id]
        plan[override.day].extend((int(one["opens"]), int(one["closes"])) for one in override.spans)
    away: dict[UUID, list[Span]] = defaultdict(list)
    for gone in await session.scalars(
        select(TimeOff).where(
            TimeOff.business_id == business_id,
            TimeOff.staff_id.in_(able),
            TimeOff.starts < moment_of(span[1]),
            TimeOff.ends > moment_of(span[0]),
        )
    ):
        away[gone.staff_id].append((minute_of(gone.starts), minute_from(gone.ends)))
    return {
        one: Schedule(
            tz=catalog.timezone(one),
            weekly=catalog.weekly.get(one, {}),
            house=house[catalog.staff_member(one).location_id],
            own=own[one],
            away=away[one],
        )
        for one in able
    }

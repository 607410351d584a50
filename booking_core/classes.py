"""Classes: sessions with seats. The teacher's and the room's time belongs to the session, a seat to its booking."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import Catalog
from booking_core.models import CALENDAR_WIDTH, Allocation, BookingLimit, ClassSession
from booking_core.planning import quota_for
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from booking_core.rules.availability import Slot
from booking_core.rules.plan import PlacedPart, Placement, Quota
from booking_core.rules.quotas import limit_claims
from booking_core.rules.spans import Span, merge
from booking_core.rules.wallclock import local_day, minute_of, moment_of
from booking_core.taken import Asker, Taken, Yielding, load_taken

#: Calendar number, from and to.
Claim = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class NewSession:
    """A class that does not exist yet and begins with its first booking."""

    service_id: UUID
    location_id: UUID
    staff_id: UUID | None
    starts: datetime
    ends: datetime
    capacity: int
    #: What the first booking takes under limits: each seat counts, not the class.
    limits: Sequence[Claim] = ()


@dataclass(frozen=True, slots=True)
class Seats:
    """Seats in a class and the holds on them that give way; no placement: there is no class at that start."""

    placement: Placement | None = None
    session_id: UUID | None = None
    yielding: Sequence[Yielding] = ()
    #: Places that have a class then and so begin no other; and why there is no seat in it.
    begun: frozenset[UUID] = frozenset()
    refused: BookingRefused | None = None


@dataclass(frozen=True, slots=True)
class FreeSeats:
    """Classes with seats enough, why others have none, and where no other class can begin at which minute."""

    slots: list[Slot]
    reasons: list[Reason]
    begun: Mapping[UUID, Sequence[Span]]


def on_timetable(catalog: Catalog, service_id: UUID) -> bool:
    """Whether a class takes place at the times of a timetable only."""
    return any(one.service_id == service_id for one in catalog.timetable)


def new_session(catalog: Catalog, wanted: VisitRequest, placement: Placement) -> tuple[NewSession, Placement]:
    """Return the class that a first booking begins, and what the class itself takes."""
    limits = [
        claim
        for claim in placement.claims
        for limit in _of_service(catalog, wanted.service_id)
        if limit.calendar_no <= claim[0] < limit.calendar_no + limit.count
    ]
    own = tuple(claim for claim in placement.claims if claim not in limits)
    session = NewSession(
        service_id=wanted.service_id,
        location_id=placement.location_id,
        staff_id=placement.staff_id,
        starts=moment_of(placement.start),
        ends=moment_of(placement.end),
        capacity=catalog.service(wanted.service_id).capacity,
        limits=limits,
    )
    return session, replace(placement, claims=own)


async def free_seats(
    session: AsyncSession,
    catalog: Catalog,
    wanted: VisitRequest,
    within: Mapping[UUID, Sequence[Span]],
    asker: Asker,
) -> FreeSeats:
    """Return the classes inside the windows that have seats enough, and why the others have not."""
    spans = [span for each in within.values() for span in each]
    every = await _sessions(session, catalog, wanted, min(spans)[0], max(end for _, end in spans))
    begun = {
        place: merge((minute_of(one.starts), minute_of(one.starts) + 1) for one in every if one.location_id == place)
        for place in within
    }
    classes = [
        one
        for one in every
        if wanted.staff_id in {None, one.staff_id}
        and any(start <= minute_of(one.starts) < end for start, end in within.get(one.location_id, ()))
    ]
    taken = await _taken(session, catalog, classes, asker)
    slots: list[Slot] = []
    reasons: list[Reason] = []
    away = await _away(session, catalog, classes)
    for one in classes:
        free = _free_units(one, taken)
        if one.id in away:
            reasons.append(Reason.STAFF_AWAY)
        elif len(free) < wanted.party:
            reasons.append(_why_full(one, taken, wanted.party))
        elif _limits(catalog, one, taken) is None:
            reasons.append(Reason.LIMIT_REACHED)
        else:
            slots.append(Slot(one.starts, one.ends, one.staff_id, 0, one.location_id, one.id, len(free)))
    return FreeSeats(sorted(slots, key=lambda slot: slot.starts), reasons, begun)


async def seats_at(
    session: AsyncSession,
    catalog: Catalog,
    wanted: VisitRequest,
    start: int,
    asker: Asker,
    *,
    override: bool = False,
) -> Seats:
    """Return seats in the class that begins at this minute; none where it could begin with this visit.

    Refuses a start that is not on its timetable, unless with `override`.
    """
    every = await _sessions(session, catalog, wanted, start, start + 1)
    if not every and on_timetable(catalog, wanted.service_id) and not override:
        raise BookingRefused(Reason.OUTSIDE_HOURS)
    begun = frozenset(one.location_id for one in every)
    classes = [one for one in every if wanted.staff_id in {None, one.staff_id}]
    if not classes:
        return Seats(begun=begun, refused=BookingRefused(Reason.STAFF_BUSY) if every else None)
    if not override:
        away = await _away(session, catalog, classes)
        classes = [one for one in classes if one.id not in away]
        if not classes:
            return Seats(begun=begun, refused=BookingRefused(Reason.STAFF_AWAY))
    taken = await _taken(session, catalog, classes, asker)
    best = max(classes, key=lambda one: len(_free_units(one, taken)))
    free = _free_units(best, taken)
    if len(free) < wanted.party:
        full = BookingRefused(_why_full(best, taken, wanted.party), left=len(free))
        return Seats(begun=begun, refused=full)
    limits = _limits(catalog, best, taken, override=override)
    if limits is None:
        return Seats(begun=begun, refused=BookingRefused(Reason.LIMIT_REACHED))
    return seats_in(best, free[: wanted.party], taken, limits)


def seats_in(
    one: ClassSession, units: Sequence[int], taken: Taken | None = None, limits: Sequence[Claim] = ()
) -> Seats:
    """Return certain seats of a class as a place, and what they take under limits."""
    start, end = minute_of(one.starts), minute_of(one.ends)
    staff = () if one.staff_id is None else (one.staff_id,)
    part = PlacedPart(one.service_id, 0, start, end, staff, ())
    claims = tuple(sorted([*((one.calendar_no + unit, start, end) for unit in units), *limits]))
    yielding = {
        hold.booking_id: hold
        for number, first, last in claims
        for hold in (taken.yielding.get(number, ()) if taken else ())
        if hold.span[0] < last and first < hold.span[1]
    }
    return Seats(Placement(one.location_id, (part,), claims), one.id, list(yielding.values()))


async def lock_session(session: AsyncSession, catalog: Catalog, wanted: VisitRequest, starts: datetime) -> None:
    """Let those who want seats in one class come one after the other: so the last seat is found, and once."""
    query = (
        select(ClassSession.id)
        .where(
            ClassSession.business_id == catalog.business.id,
            ClassSession.service_id == wanted.service_id,
            ClassSession.starts == starts,
        )
        .order_by(ClassSession.id)
        .with_for_update()
    )
    await session.execute(query)


async def find_session(session: AsyncSession, business_id: UUID, session_id: UUID) -> ClassSession | None:
    """Return a class, if the business has it."""
    return await session.get(ClassSession, (business_id, session_id))


async def _sessions(
    session: AsyncSession, catalog: Catalog, wanted: VisitRequest, first: int, last: int
) -> list[ClassSession]:
    query = select(ClassSession).where(
        ClassSession.business_id == catalog.business.id,
        ClassSession.service_id == wanted.service_id,
        ClassSession.state == "open",
        ClassSession.starts >= moment_of(first),
        ClassSession.starts < moment_of(last),
    )
    if wanted.location_id is not None:
        query = query.where(ClassSession.location_id == wanted.location_id)
    # A class may have ended and begun anew in this very transaction.
    query = query.order_by(ClassSession.starts, ClassSession.id).execution_options(populate_existing=True)
    return list(await session.scalars(query))


async def _taken(
    session: AsyncSession,
    catalog: Catalog,
    classes: Sequence[ClassSession],
    asker: Asker,
) -> Taken:
    asked = [(one.calendar_no, one.capacity, (minute_of(one.starts), minute_of(one.ends))) for one in classes]
    periods = {
        (quota.number, quota.count, whole)
        for one in classes
        for quota in _quotas(catalog, one)
        for _, whole in quota.periods
    }
    return await load_taken(session, catalog.business.id, [*asked, *sorted(periods)], asker)


async def _away(session: AsyncSession, catalog: Catalog, classes: Sequence[ClassSession]) -> set[UUID]:
    """Return the classes whose teacher, or whose room, has time off then."""
    away = {
        one.id
        for one in classes
        if one.staff_id is not None and catalog.hours.is_away(one.staff_id, minute_of(one.starts), minute_of(one.ends))
    }
    things = {thing.calendar_no: thing.id for thing in catalog.resources if catalog.hours.is_ever_away(thing.id)}
    if not things or not classes:
        return away
    known: dict[UUID | None, ClassSession] = {one.id: one for one in classes}
    rows = await session.execute(
        select(Allocation.session_id, Allocation.calendar_no).where(
            Allocation.business_id == catalog.business.id, Allocation.session_id.in_([one.id for one in classes])
        )
    )
    for session_id, number in rows:
        one, thing = known.get(session_id), things.get(number - number % CALENDAR_WIDTH)
        if (
            one is not None
            and thing is not None
            and catalog.hours.is_away(thing, minute_of(one.starts), minute_of(one.ends))
        ):
            away.add(one.id)
    return away


def _of_service(catalog: Catalog, service_id: UUID) -> Iterator[BookingLimit]:
    """Yield the limits under which each booking of a class counts: those of people count the classes."""
    yield from (one for one in catalog.limits if one.staff_id is None and one.service_id == service_id)


def _quotas(catalog: Catalog, one: ClassSession) -> list[Quota]:
    tz = catalog.location(one.location_id).timezone
    day = local_day(tz, minute_of(one.starts))
    return [quota_for(limit, tz, (day, day)) for limit in _of_service(catalog, one.service_id)]


def _limits(catalog: Catalog, one: ClassSession, taken: Taken, *, override: bool = False) -> list[Claim] | None:
    asked = [(quota, minute_of(one.starts)) for quota in _quotas(catalog, one)]
    return limit_claims(asked, taken.times, override=override)


def _free_units(one: ClassSession, taken: Taken) -> list[int]:
    return [
        unit
        for unit in taken.times.units(one.capacity)
        if one.calendar_no + unit not in taken.times.booked and one.calendar_no + unit not in taken.times.held
    ]


def _why_full(one: ClassSession, taken: Taken, party: int) -> Reason:
    """Say that seats may come back (somebody only holds them), or that it is sold out."""
    held = sum(1 for unit in range(one.capacity) if one.calendar_no + unit in taken.times.held)
    return Reason.HELD if len(_free_units(one, taken)) + held >= party else Reason.SOLD_OUT

"""Classes: sessions with seats. The teacher's and the room's time belongs to the session, a seat to its booking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import Catalog
from booking_core.models import ClassSession
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from booking_core.rules.availability import Slot
from booking_core.rules.plan import PlacedPart, Placement
from booking_core.rules.spans import Span
from booking_core.rules.wallclock import minute_of, moment_of
from booking_core.taken import Asker, Taken, Yielding, load_taken


@dataclass(frozen=True, slots=True)
class NewSession:
    """A class that does not exist yet and begins with its first booking."""

    service_id: UUID
    location_id: UUID
    staff_id: UUID | None
    starts: datetime
    ends: datetime
    capacity: int


@dataclass(frozen=True, slots=True)
class Seats:
    """Seats in a class and the holds on them that give way; no placement: there is no class at that start."""

    placement: Placement | None = None
    session_id: UUID | None = None
    yielding: Sequence[Yielding] = ()


def on_timetable(catalog: Catalog, service_id: UUID) -> bool:
    """Whether a class takes place at the times of a timetable only."""
    return any(one.service_id == service_id for one in catalog.timetable)


def new_session(catalog: Catalog, wanted: VisitRequest, placement: Placement) -> NewSession:
    """Return the class that a first booking begins."""
    return NewSession(
        service_id=wanted.service_id,
        location_id=placement.location_id,
        staff_id=placement.staff_id,
        starts=moment_of(placement.start),
        ends=moment_of(placement.end),
        capacity=catalog.service(wanted.service_id).capacity,
    )


async def free_seats(
    session: AsyncSession,
    catalog: Catalog,
    wanted: VisitRequest,
    within: Mapping[UUID, Sequence[Span]],
    asker: Asker,
) -> tuple[list[Slot], list[Reason]]:
    """Return the classes inside the windows that have seats enough, and why the others have not."""
    spans = [span for each in within.values() for span in each]
    classes = await _sessions(session, catalog, wanted, min(spans)[0], max(end for _, end in spans))
    classes = [
        one
        for one in classes
        if any(start <= minute_of(one.starts) < end for start, end in within.get(one.location_id, ()))
    ]
    taken = await _taken(session, catalog, classes, asker)
    slots: list[Slot] = []
    reasons: list[Reason] = []
    for one in classes:
        free = _free_units(one, taken)
        if len(free) >= wanted.party:
            slots.append(Slot(one.starts, one.ends, one.staff_id, 0, one.location_id, one.id, len(free)))
        else:
            reasons.append(_why_full(one, taken, wanted.party))
    return sorted(slots, key=lambda slot: slot.starts), reasons


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

    Refuses a class that is full, and a start that is not on its timetable (unless with `override`).
    """
    classes = await _sessions(session, catalog, wanted, start, start + 1)
    if not classes:
        if on_timetable(catalog, wanted.service_id) and not override:
            raise BookingRefused(Reason.OUTSIDE_HOURS)
        return Seats()
    taken = await _taken(session, catalog, classes, asker)
    best = max(classes, key=lambda one: len(_free_units(one, taken)))
    free = _free_units(best, taken)
    if len(free) < wanted.party:
        raise BookingRefused(_why_full(best, taken, wanted.party), left=len(free))
    return seats_in(best, free[: wanted.party], taken)


def seats_in(one: ClassSession, units: Sequence[int], taken: Taken | None = None) -> Seats:
    """Return certain seats of a class as a place."""
    start, end = minute_of(one.starts), minute_of(one.ends)
    staff = () if one.staff_id is None else (one.staff_id,)
    part = PlacedPart(one.service_id, 0, start, end, staff, ())
    claims = tuple((one.calendar_no + unit, start, end) for unit in units)
    yielding = {
        hold.booking_id: hold for number, _, _ in claims for hold in (taken.yielding.get(number, ()) if taken else ())
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
    if wanted.staff_id is not None:
        query = query.where(ClassSession.staff_id == wanted.staff_id)
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
    return await load_taken(session, catalog.business.id, asked, asker)


def _free_units(one: ClassSession, taken: Taken) -> list[int]:
    return [
        unit
        for unit in range(one.capacity)
        if one.calendar_no + unit not in taken.times.booked and one.calendar_no + unit not in taken.times.held
    ]


def _why_full(one: ClassSession, taken: Taken, party: int) -> Reason:
    """Say that seats may come back (somebody only holds them), or that it is sold out."""
    held = sum(1 for unit in range(one.capacity) if one.calendar_no + unit in taken.times.held)
    return Reason.HELD if len(_free_units(one, taken)) + held >= party else Reason.SOLD_OUT


def length_of(catalog: Catalog, service_id: UUID) -> timedelta:
    """Return how long a class lasts."""
    return timedelta(minutes=catalog.service(service_id).duration)

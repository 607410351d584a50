"""Time off that hurts: somebody is suddenly away, and each visit that this hits is offered another place.

New bookings are impossible from the moment the time off is written, since it is part of the availability.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core import calendar
from booking_core.catalog import Catalog
from booking_core.freed import freed
from booking_core.kit.ids import new_id
from booking_core.kit.jobs import Job, defer
from booking_core.models import Booking, BookingAudit, MoveProposal, State, TimeOff, taken_time
from booking_core.placed import with_person
from booking_core.proposals import find_open, hold_elsewhere, release
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules.availability import Slot
from booking_core.rules.disruption import held_until, is_hit, nearest, searches

#: Who can still be moved. Whoever is here already is spoken to by those who see them.
MOVABLE = (State.HELD.value, State.PENDING_APPROVAL.value, State.CONFIRMED.value)
#: Came to somebody so often before: then it is their person.
_OFTEN = 2
_SLOTS = 3000
_TRIES = 3
#: Whoever began before a time off could be seen is waited for, look by look.
_NEXT_LOOK = timedelta(seconds=2)

_REAL_TIME = text("SELECT clock_timestamp()")
# Transactions of our own database that have begun before; one that has only read has no number yet, but a start.
_UNDER_WAY = text("""
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
      AND xact_start < :since)
""")


@dataclass(frozen=True, slots=True)
class Result:
    """What was found for one booking: a proposal that is held, or nothing, and then a person must call."""

    booking: Booking
    proposal: MoveProposal | None
    #: It was being offered before.
    known: bool = False


async def record_time_off(
    session: AsyncSession,
    *,
    catalog: Catalog,
    staff_id: UUID | None = None,
    resource_id: UUID | None = None,
    starts: datetime,
    ends: datetime,
    kind: str = "absence",
    note: str | None = None,
    now: datetime,
    actor: str,
) -> TimeOff:
    """Write down that somebody or something is away; the same again returns what is written. Moves nobody.

    Who is booking at this moment may not see it and be hit all the same: a job looks once they are done.
    """
    if starts >= ends:
        raise BookingRefused(Reason.PAST)
    _check_known(catalog, staff_id, resource_id)
    known = await session.scalar(
        select(TimeOff).where(
            TimeOff.business_id == catalog.business.id,
            TimeOff.staff_id == staff_id if staff_id else TimeOff.resource_id == resource_id,
            TimeOff.starts == starts,
            TimeOff.ends == ends,
            TimeOff.kind == kind,
        )
    )
    if known is not None:
        return known
    time_off = TimeOff(
        business_id=catalog.business.id,
        id=new_id(),
        staff_id=staff_id,
        resource_id=resource_id,
        starts=starts,
        ends=ends,
        kind=kind,
        note=note,
    )
    session.add(time_off)
    await session.flush()
    await look_again(session, catalog, time_off)
    return time_off


async def look_again(session: AsyncSession, catalog: Catalog, time_off: TimeOff) -> None:
    """Have it looked, once this is committed, whether a time off hits more than can be seen now."""
    known = [str(one.id) for one in await bookings_hit(session, catalog, time_off)]
    await _look_later(session, time_off, known)


async def overlooked(
    session: AsyncSession, catalog: Catalog, time_off: TimeOff, *, known: list[str], since: datetime | None = None
) -> list[Booking]:
    """Return bookings that a committed time off hits besides those known.

    While a transaction is under way that may not have seen the time off, another look is deferred. `since`
    (real time): when the first look was; whoever began after it sees the time off.
    """
    since = since or await session.scalar(_REAL_TIME)
    assert since is not None  # noqa: S101 - there is always a time
    # First who is under way, then what they have left: what is committed in between is seen.
    if await session.scalar(_UNDER_WAY, {"since": since}):
        await _look_later(session, time_off, known, since=since, delay=_NEXT_LOOK)
    return [one for one in await bookings_hit(session, catalog, time_off) if str(one.id) not in known]


async def _look_later(
    session: AsyncSession,
    time_off: TimeOff,
    known: list[str],
    *,
    since: datetime | None = None,
    delay: timedelta | None = None,
) -> None:
    await defer(
        session,
        Job.CHECK_TIME_OFF,
        delay=delay,
        business_id=str(time_off.business_id),
        time_off_id=str(time_off.id),
        known=known,
        since=since.isoformat() if since else None,
    )


async def remove_time_off(session: AsyncSession, business_id: UUID, time_off_id: UUID) -> TimeOff | None:
    """Forget a time off; what is free by it is offered to those who wait. None if it is gone already."""
    time_off = await session.get(TimeOff, (business_id, time_off_id), with_for_update=True)
    if time_off is not None:
        await session.delete(time_off)
        await session.flush()
        await freed(session, business_id, starts=time_off.starts, ends=time_off.ends)
    return time_off


async def load_time_off(session: AsyncSession, business_id: UUID, time_off_id: UUID) -> TimeOff:
    """Return a time off; refuses an unknown one."""
    time_off = await session.get(TimeOff, (business_id, time_off_id))
    if time_off is None:
        raise BookingRefused(Reason.UNKNOWN, time_off=str(time_off_id))
    return time_off


async def bookings_hit(session: AsyncSession, catalog: Catalog, time_off: TimeOff) -> list[Booking]:
    """Return the bookings that need somebody or something while they are away, the earliest first.

    Seats in a class are hit by its teacher's and its room's absence.
    """
    first, width = _calendar(catalog, time_off)
    # The left side is written as the constraint's own index has it.
    taken = and_(
        taken_time.c.business_id == catalog.business.id,
        text("int8range(taken_time.calendar_no, taken_time.calendar_no, '[]') && int8range(:no, :past)").bindparams(
            no=first, past=first + width
        ),
        taken_time.c.during.op("&&")(Range(time_off.starts, time_off.ends, bounds="[)")),
        taken_time.c.proposed.is_(False),
    )
    found = await session.scalars(
        select(Booking)
        .where(
            Booking.business_id == catalog.business.id,
            Booking.state.in_(MOVABLE),
            or_(
                Booking.id.in_(select(taken_time.c.booking_id).where(taken)),
                Booking.session_id.in_(select(taken_time.c.session_id).where(taken)),
            ),
        )
        .order_by(Booking.starts, Booking.id)
    )
    whose, away = time_off.staff_id or time_off.resource_id, (time_off.starts, time_off.ends)
    assert whose is not None  # noqa: S101 - a constraint of the table
    return [booking for booking in found if booking.session_id is not None or is_hit(booking.parts, whose, away)]


async def is_still_hit(session: AsyncSession, catalog: Catalog, booking: Booking, time_off: TimeOff) -> bool:
    """Whether a booking stands where it cannot take place."""
    return any(one.id == booking.id for one in await bookings_hit(session, catalog, time_off))


async def propose_all(
    session: AsyncSession, *, catalog: Catalog, time_off: TimeOff, now: datetime, actor: str
) -> list[Result]:
    """Hold another place for every booking that a time off hits, the next visit first, and have each told."""
    hit = await bookings_hit(session, catalog, time_off)
    return [
        await propose(session, catalog=catalog, booking_id=booking.id, time_off=time_off, now=now, actor=actor)
        for booking in hit
    ]


async def propose(
    session: AsyncSession, *, catalog: Catalog, booking_id: UUID, time_off: TimeOff, now: datetime, actor: str
) -> Result:
    """Hold the best other place for one booking and have it told; an open proposal is left as it is."""
    booking = await bookings.load(session, catalog.business.id, booking_id, for_update=True)
    known = await find_open(session, booking.business_id, booking.id)
    if known is not None and known.booking_version == booking.version:
        return Result(booking, known, known=True)
    await release(session, booking)
    if booking.starts <= now or booking.state not in MOVABLE:
        return Result(booking, None)
    async for slot, pinned in _elsewhere(session, catalog, booking, time_off, now):
        proposal = await propose_slot(
            session,
            catalog=catalog,
            booking=booking,
            starts=slot.starts,
            staff_id=pinned,
            time_off=time_off,
            now=now,
            actor=actor,
        )
        if proposal is not None:
            return Result(booking, proposal)
    return Result(booking, None)


async def propose_slot(
    session: AsyncSession,
    *,
    catalog: Catalog,
    booking: Booking,
    starts: datetime,
    staff_id: UUID | None,
    time_off: TimeOff,
    now: datetime,
    actor: str,
) -> MoveProposal | None:
    """Hold a certain place for a booking whose row is locked, instead of what it is being offered; None if taken."""
    minutes = catalog.policy.offer_minutes
    return await hold_elsewhere(
        session,
        catalog=catalog,
        booking=booking,
        starts=starts,
        staff_id=staff_id,
        until=held_until(now, was=booking.starts, starts=starts, offer_minutes=minutes),
        time_off_id=time_off.id,
        now=now,
        actor=actor,
    )


async def other_places(
    session: AsyncSession, catalog: Catalog, booking: Booking, time_off: TimeOff, *, now: datetime, count: int
) -> list[Slot]:
    """Return where else a booking could go, best first: for a person at the business to choose from."""
    found: list[Slot] = []
    async for slot, _ in _elsewhere(session, catalog, booking, time_off, now):
        if slot.starts not in {one.starts for one in found}:
            found.append(slot)
        if len(found) == count:
            break
    return found


async def proposals_of(session: AsyncSession, time_off: TimeOff) -> list[tuple[Booking, MoveProposal]]:
    """Return everything that was proposed because of a time off, with its booking, the latest last."""
    rows = await session.execute(
        select(Booking, MoveProposal)
        .join(
            MoveProposal,
            (MoveProposal.business_id == Booking.business_id) & (MoveProposal.booking_id == Booking.id),
        )
        .where(MoveProposal.business_id == time_off.business_id, MoveProposal.time_off_id == time_off.id)
        .order_by(MoveProposal.created_at, MoveProposal.id)
    )
    return list(rows.tuples())


async def _elsewhere(
    session: AsyncSession, catalog: Catalog, booking: Booking, time_off: TimeOff, now: datetime
) -> AsyncIterator[tuple[Slot, UUID | None]]:
    """Yield places that could be proposed, best first, with the person that is meant; some come twice."""
    asked_for = await _is_their_person(session, booking)
    planned = searches(booking.starts, now=now, offer_minutes=catalog.policy.offer_minutes, asked_for=asked_for)
    for search in planned:
        pinned = booking.staff_id if search.same_person else None
        if search.same_person and pinned is None:
            continue
        try:
            free = await calendar.free_slots(
                session,
                catalog,
                wanted=with_person(catalog, booking, pinned),
                windows=[search.window],
                now=now,
                ignoring=booking.id,
                limit=_SLOTS,
            )
        except BookingRefused:  # no longer sold
            return
        for slot in nearest([one for one in free.slots if not _is_no_better(one, booking, time_off)], booking.starts)[
            :_TRIES
        ]:
            yield slot, pinned


def _is_no_better(slot: Slot, booking: Booking, time_off: TimeOff) -> bool:
    """Whether it is the same class, or another of the teacher who is away."""
    if slot.session_id is None:
        return False
    away = slot.starts < time_off.ends and time_off.starts < slot.ends
    return slot.session_id == booking.session_id or (away and slot.staff_id == time_off.staff_id)


async def _is_their_person(session: AsyncSession, booking: Booking) -> bool:
    """Whether the customer asked for their person, or has come to them often enough to mind."""
    if booking.staff_id is None:
        return False
    asked = await session.scalar(
        select(BookingAudit.id)
        .where(
            BookingAudit.business_id == booking.business_id,
            BookingAudit.booking_id == booking.id,
            BookingAudit.data.contains({"asked_for": True}),
        )
        .limit(1)
    )
    if asked is not None:
        return True
    before = await session.scalar(
        select(func.count())
        .select_from(Booking)
        .where(
            Booking.business_id == booking.business_id,
            Booking.customer_id == booking.customer_id,
            Booking.staff_id == booking.staff_id,
            Booking.starts < booking.starts,
            Booking.state.in_([State.CONFIRMED.value, State.CHECKED_IN.value, State.COMPLETED.value]),
        )
    )
    return (before or 0) >= _OFTEN


def _calendar(catalog: Catalog, time_off: TimeOff) -> tuple[int, int]:
    """Return the first calendar number of who or what is away, and how many numbers from there."""
    if time_off.staff_id is not None:
        return catalog.staff_member(time_off.staff_id).calendar_no, 1
    assert time_off.resource_id is not None  # noqa: S101 - a constraint of the table
    resource = catalog.resource(time_off.resource_id)
    return resource.calendar_no, resource.units


def _check_known(catalog: Catalog, staff_id: UUID | None, resource_id: UUID | None) -> None:
    try:
        if staff_id is not None:
            catalog.staff_member(staff_id)
        elif resource_id is not None:
            catalog.resource(resource_id)
        else:
            raise KeyError
    except KeyError:
        raise BookingRefused(Reason.UNKNOWN, staff=str(staff_id or resource_id)) from None

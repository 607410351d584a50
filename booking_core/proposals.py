"""Another place for a booking that lost its own: held beside it until it is answered, then taken or given back.

The booking keeps its old place until the new one is firm. Rows are locked in one order: the booking first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core.calendar import Place, find_places
from booking_core.catalog import Catalog, load_catalog
from booking_core.holds import expire_these, give_back
from booking_core.kit.db import savepoint
from booking_core.kit.ids import new_id
from booking_core.kit.jobs import Job, defer
from booking_core.models import Allocation, Booking, MoveProposal, State
from booking_core.placed import parts_json, people_of, with_person
from booking_core.records import CUSTOMER, write_audit
from booking_core.refusals import BookingRefused, Reason
from booking_core.reminders import skip_reminders, write_reminders
from booking_core.rules.disruption import Claim, left_to_take, unlike
from booking_core.rules.lifecycle import Move, after
from booking_core.rules.plan import Placement
from booking_core.rules.spans import Span
from booking_core.rules.wallclock import minute_from, minute_of, moment_of
from booking_core.taking import claim

#: Whoever says no looks for another time themselves; after so long somebody looks whether they found one.
_TIME_TO_LOOK = timedelta(minutes=30)


async def hold_elsewhere(
    session: AsyncSession,
    *,
    catalog: Catalog,
    booking: Booking,
    starts: datetime,
    staff_id: UUID | None,
    until: datetime,
    time_off_id: UUID | None,
    now: datetime,
    actor: str,
) -> MoveProposal | None:
    """Hold another place for a booking whose row is locked, and have it told; None if somebody else has it.

    What the booking has already, such as the room at the same time, it keeps for the new place.
    """
    try:
        places = await find_places(
            session,
            catalog,
            wanted=with_person(catalog, booking, staff_id),
            starts=starts,
            now=now,
            ignoring=booking.id,
            first=booking.staff_id,
        )
    except BookingRefused:
        return None
    await release(session, booking)
    for place in sorted(places, key=lambda place: unlike(parts_json(place.placement), booking.parts)):
        if place.opens is None and await _claim(session, booking, place, now):
            return await _write(session, booking, place, until, time_off_id, now=now, actor=actor)
    return None


async def release(session: AsyncSession, booking: Booking, *, state: str = "expired") -> MoveProposal | None:
    """Give back what a booking, whose row is locked, is being offered instead; None if that is nothing."""
    proposal = await find_open(session, booking.business_id, booking.id, for_update=True)
    if proposal is not None:
        proposal.state, proposal.expires_at = state, None
        await session.flush()
        await give_back(session, booking.business_id, [booking.id], proposed=True)
    return proposal


async def accept(
    session: AsyncSession, business_id: UUID, proposal_id: UUID, *, now: datetime, key: str, actor: str = CUSTOMER
) -> Booking:
    """Move a booking to the place that was proposed; doing it again changes nothing.

    A yes that comes late is a move like any other, as long as the place is free. Refuses when it is not, and
    when the booking has changed since.
    """
    booking, proposal = await _lock(session, business_id, proposal_id)
    if proposal.state == "accepted":
        return booking
    if booking.version != proposal.booking_version:
        raise BookingRefused(Reason.CHANGED, version=booking.version)
    lapsed = booking.hold_expires_at is not None and booking.hold_expires_at <= now
    after(State.EXPIRED if lapsed else booking.state, Move.RESCHEDULE)
    if proposal.starts <= now:
        raise BookingRefused(Reason.PAST)
    if proposal.state == "open":
        await _move(session, booking, proposal, now=now, key=key, actor=actor)
    else:
        # Nobody holds the customer to notice that they would have given in time.
        people = people_of(proposal.parts)
        several = booking.party == 1 and len({who for _, who in people}) > 1
        booking = await bookings.reschedule(
            session,
            business_id,
            booking.id,
            catalog=await load_catalog(session, business_id),
            starts=proposal.starts,
            staff_id=None if several else proposal.staff_id,
            staff_by_service=people if several else (),
            version=None,
            now=now,
            actor="system",
            key=key,
        )
    proposal.state, proposal.expires_at = "accepted", None
    await session.flush()
    return booking


async def decline(
    session: AsyncSession, business_id: UUID, proposal_id: UUID, *, now: datetime, actor: str = CUSTOMER
) -> MoveProposal:
    """Give a proposed place back: the booking stays where it was until its customer, or staff, move or cancel it.

    One that is over already stays as it is.
    """
    booking, proposal = await _lock(session, business_id, proposal_id)
    if proposal.state == "open":
        await release(session, booking, state="declined")
        write_audit(session, booking, "decline_move", actor=actor, now=now, proposal=str(proposal.id))
        await check_later(session, proposal, delay=_TIME_TO_LOOK)
        await session.flush()
    return proposal


async def expire_due(session: AsyncSession, *, now: datetime, limit: int = 100) -> list[MoveProposal]:
    """Give back what nobody answered in time; workers that look at the same time take others."""
    due = list(
        await session.scalars(
            select(MoveProposal)
            .where(MoveProposal.state == "open", MoveProposal.expires_at <= now)
            .order_by(MoveProposal.expires_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
    )
    for proposal in due:
        proposal.state, proposal.expires_at = "expired", None
        await session.flush()
        await give_back(session, proposal.business_id, [proposal.booking_id], proposed=True)
        await check_later(session, proposal)
    return due


async def check_later(session: AsyncSession, proposal: MoveProposal, *, delay: timedelta | None = None) -> None:
    """Have somebody look whether a booking whose proposal came to nothing is still where it cannot be."""
    await defer(
        session,
        Job.CHECK_MOVE,
        delay=delay,
        business_id=str(proposal.business_id),
        proposal_id=str(proposal.id),
    )


async def load_proposal(
    session: AsyncSession, business_id: UUID, proposal_id: UUID, *, for_update: bool = False
) -> MoveProposal:
    """Return a proposal as it is now; refuses an unknown one."""
    query = select(MoveProposal).where(MoveProposal.business_id == business_id, MoveProposal.id == proposal_id)
    if for_update:
        query = query.with_for_update()
    proposal = await session.scalar(query.execution_options(populate_existing=True))
    if proposal is None:
        raise BookingRefused(Reason.UNKNOWN, proposal=str(proposal_id))
    return proposal


async def find_open(
    session: AsyncSession, business_id: UUID, booking_id: UUID, *, for_update: bool = False
) -> MoveProposal | None:
    """Return what a booking is being offered instead."""
    query = select(MoveProposal).where(
        MoveProposal.business_id == business_id,
        MoveProposal.booking_id == booking_id,
        MoveProposal.state == "open",
    )
    if for_update:
        query = query.with_for_update()
    return await session.scalar(query.execution_options(populate_existing=True))


async def _lock(session: AsyncSession, business_id: UUID, proposal_id: UUID) -> tuple[Booking, MoveProposal]:
    known = await load_proposal(session, business_id, proposal_id)
    booking = await bookings.load(session, business_id, known.booking_id, for_update=True)
    return booking, await load_proposal(session, business_id, proposal_id, for_update=True)


async def _claim(session: AsyncSession, booking: Booking, place: Place, now: datetime) -> bool:
    lapsed = [one.booking_id for one in place.yielding if one.lapsed]
    rest = left_to_take(place.placement.claims, await _own(session, booking))
    wanted = replace(place.placement, claims=rest)
    try:
        async with savepoint(session):
            if lapsed:
                await expire_these(session, booking.business_id, lapsed, now=now, but=place.session_id)
            if not await claim(session, booking.business_id, wanted, booking_id=booking.id, proposed=True):
                raise _Lost
    except _Lost:
        return False
    return True


class _Lost(Exception):
    """Somebody else took a part of the place between our look and our try."""


async def _own(session: AsyncSession, booking: Booking) -> Mapping[int, Sequence[Span]]:
    found: dict[int, list[Span]] = {}
    rows = await session.execute(
        select(Allocation.calendar_no, func.lower(Allocation.during), func.upper(Allocation.during)).where(
            Allocation.business_id == booking.business_id,
            Allocation.booking_id == booking.id,
            Allocation.proposed.is_(False),
        )
    )
    for number, starts, ends in rows.tuples():
        found.setdefault(number, []).append((minute_of(starts), minute_from(ends)))
    return found


async def _write(
    session: AsyncSession,
    booking: Booking,
    place: Place,
    until: datetime,
    time_off_id: UUID | None,
    *,
    now: datetime,
    actor: str,
) -> MoveProposal:
    placement = place.placement
    proposal = MoveProposal(
        business_id=booking.business_id,
        id=new_id(),
        booking_id=booking.id,
        booking_version=booking.version,
        time_off_id=time_off_id,
        starts=moment_of(placement.start),
        ends=moment_of(placement.end),
        staff_id=placement.staff_id,
        session_id=place.session_id,
        parts=parts_json(placement),
        claims=[
            {"calendar": number, "starts": moment_of(start).isoformat(), "ends": moment_of(end).isoformat()}
            for number, start, end in placement.claims
        ],
        state="open",
        expires_at=until,
        created_at=now,
    )
    session.add(proposal)
    write_audit(session, booking, "propose_move", actor=actor, now=now, proposal=str(proposal.id))
    await session.flush()
    await defer(session, Job.TELL_MOVE_PROPOSED, business_id=str(booking.business_id), proposal_id=str(proposal.id))
    return proposal


async def _move(
    session: AsyncSession, booking: Booking, proposal: MoveProposal, *, now: datetime, key: str, actor: str
) -> None:
    """Take the proposed place as it was held, and give the old one back."""
    claims = [_claim_of(one) for one in proposal.claims]
    was = {"starts": booking.starts.isoformat(), "ends": booking.ends.isoformat(), "parts": booking.parts}
    await session.execute(
        delete(Allocation)
        .where(
            Allocation.business_id == booking.business_id,
            Allocation.booking_id == booking.id,
            Allocation.proposed.is_(True),
        )
        .execution_options(synchronize_session=False)
    )
    gone = await give_back(session, booking.business_id, [booking.id], proposed=False)
    place = Placement(booking.location_id, (), tuple(claims))
    if not await claim(session, booking.business_id, place, booking_id=booking.id):
        # The booking had lost all its time meanwhile (an unpaid hold that ran out), and somebody was quicker.
        raise BookingRefused(Reason.STAFF_BUSY)
    booking.staff_id, booking.session_id, booking.parts = proposal.staff_id, proposal.session_id, proposal.parts
    booking.starts, booking.ends = proposal.starts, proposal.ends
    booking.attendance_confirmed_at = None
    booking.version += 1
    booking.updated_at = now
    freed = [one for one in gone if not _is_kept(one, claims)]
    write_audit(session, booking, Move.RESCHEDULE.value, actor=actor, now=now, key=key, was=was, freed=freed,
                proposal=str(proposal.id))  # fmt: skip
    await skip_reminders(session, booking)
    if booking.state == State.CONFIRMED:
        write_reminders(session, booking, now=now)
    await session.flush()


def _claim_of(kept: Mapping[str, Any]) -> Claim:
    start, end = datetime.fromisoformat(kept["starts"]), datetime.fromisoformat(kept["ends"])
    return int(kept["calendar"]), minute_of(start.astimezone(UTC)), minute_of(end.astimezone(UTC))


def _is_kept(freed: Mapping[str, Any], claims: Sequence[Claim]) -> bool:
    number, start, end = _claim_of(freed)
    return any(number == other and first <= start and end <= last for other, first, last in claims)

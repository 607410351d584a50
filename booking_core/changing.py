"""Changing a booking: move it, cancel it, let an unpaid hold go."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.calendar import Place
from booking_core.catalog import Catalog
from booking_core.commands import forget, once
from booking_core.holds import give_back
from booking_core.models import Booking, State
from booking_core.placed import parts_json, request_of
from booking_core.records import CUSTOMER, check_version, find_audit, load, write_audit
from booking_core.refusals import BookingRefused, Reason
from booking_core.reminders import skip_reminders, write_reminders
from booking_core.requests import VisitRequest
from booking_core.rules import policy as policies
from booking_core.rules.lifecycle import CANCELLED, TENTATIVE, Move, after
from booking_core.rules.plan import Placement
from booking_core.rules.spans import merge, subtract
from booking_core.rules.wallclock import minute_of, moment_of
from booking_core.taking import Taken, Wanted, claim, take_place


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A cancelled booking and what it means for what was paid, in minor units."""

    booking: Booking
    refund: int
    fee: int
    #: It had been cancelled before, with these amounts.
    repeated: bool = False


async def reschedule(
    session: AsyncSession,
    business_id: UUID,
    booking_id: UUID,
    *,
    catalog: Catalog,
    starts: datetime,
    staff_id: UUID | None,
    version: int | None,
    now: datetime,
    actor: str,
    key: str,
    override: bool = False,
    staff_by_service: tuple[tuple[UUID, UUID], ...] = (),
) -> Booking:
    """Move a booking; its old place is kept until the new one is firm, and its price stays as agreed.

    Each part stays with its person if they can, where nobody is named for it (`staff_id`: for all of it;
    `staff_by_service`: for a part). Raises BookingRefused.
    """
    starts = starts.astimezone(UTC)
    named = "".join(f" {service}={who}" for service, who in staff_by_service)
    return await change_place(
        session,
        business_id,
        booking_id,
        about=f"{booking_id} {starts} {staff_id}{named}",
        request_for=lambda one: request_of(catalog, one, staff_id=staff_id, staff_by_service=staff_by_service),
        catalog=catalog,
        starts=starts,
        version=version,
        now=now,
        actor=actor,
        key=key,
        override=override,
    )


async def change_place(
    session: AsyncSession,
    business_id: UUID,
    booking_id: UUID,
    *,
    about: str,
    request_for: Callable[[Booking], VisitRequest],
    catalog: Catalog,
    starts: datetime | None,
    version: int | None,
    now: datetime,
    actor: str,
    key: str,
    override: bool,
    **data: object,
) -> Booking:
    """Give a booking the place that `request_for` asks for, once under `key`; without `starts` when it is now.

    `about` says what else the command is about than who has it carried out; `data` goes into the audit. Raises
    BookingRefused.
    """
    booking = await load(session, business_id, booking_id, for_update=True)
    if not await once(session, business_id, key, "reschedule", about, now=now):
        return booking
    try:
        check_version(booking, version)
        starts = booking.starts if starts is None else starts
        request = request_for(booking)
        wanted = _wanted_instead(catalog, booking, request, starts, now=now, actor=actor, override=override)
        taken, freed = await place_again(session, booking, wanted, now=now)
    except BookingRefused:
        await forget(session, business_id, key)
        raise
    if actor == CUSTOMER and policies.is_late(booking.policy_snapshot, starts=booking.starts, now=now):
        # Moving far away and cancelling then would else cost less than cancelling now.
        booking.policy_snapshot = policies.judged_from(booking.policy_snapshot, booking.starts)
    before = booking.starts
    was = {"starts": before.isoformat(), "ends": booking.ends.isoformat(), "parts": booking.parts}
    put(booking, taken.place)
    if booking.hold_expires_at is not None:
        booking.hold_expires_at = min(booking.hold_expires_at, max(booking.starts, now))
    booking.attendance_confirmed_at = None
    booking.version += 1
    booking.updated_at = now
    write_audit(
        session,
        booking,
        Move.RESCHEDULE.value,
        actor=actor,
        now=now,
        key=key,
        was=was,
        freed=freed,
        same_time=booking.starts == before,
        **data,
    )
    await skip_reminders(session, booking)
    if booking.state == State.CONFIRMED:
        write_reminders(session, booking, now=now)
    await give_up(session, booking, taken, now=now, actor=actor)
    await session.flush()
    return booking


def _wanted_instead(
    catalog: Catalog,
    booking: Booking,
    request: VisitRequest,
    starts: datetime,
    *,
    now: datetime,
    actor: str,
    override: bool,
) -> Wanted:
    """Return the place that a booking wants instead of its own; refuses one that can no longer be moved."""
    after(_state_now(booking, now), Move.RESCHEDULE)
    if actor == CUSTOMER and not policies.may_still_move(booking.policy_snapshot, starts=booking.starts, now=now):
        raise BookingRefused(Reason.TOO_LATE_TO_CHANGE)
    return Wanted(
        catalog,
        request,
        starts,
        moving=booking.id,
        customer_id=booking.customer_id,
        first=booking.staff_id,
        override=override,
    )


async def cancel(
    session: AsyncSession,
    business_id: UUID,
    booking_id: UUID,
    *,
    by: Literal["customer", "business"],
    version: int | None,
    now: datetime,
    actor: str,
    paid: int | None = None,
) -> Cancellation:
    """Cancel a booking by the policy it was made under; cancelling again changes nothing.

    `paid` is what was paid; unless told, what was due, if the booking has been confirmed. Who did not come
    is treated as one who cancelled late, also if the business then gives the place to others.
    """
    booking = await load(session, business_id, booking_id, for_update=True)
    if booking.state in CANCELLED:
        record = await find_audit(session, booking, _cancel_move(booking.state).value)
        amounts = record.data if record else {}
        return Cancellation(booking, amounts.get("refund", 0), amounts.get("fee", 0), repeated=True)
    check_version(booking, version)
    move = Move.CANCEL_BY_CUSTOMER if by == "customer" else Move.CANCEL_BY_BUSINESS
    after(booking.state, move)
    if by == "customer" and booking.starts <= now:
        raise BookingRefused(Reason.TOO_LATE_TO_CHANGE)
    if paid is None:
        paid = booking.due if booking.state not in TENTATIVE else 0
    terms = policies.cancellation_terms(
        booking.policy_snapshot,
        starts=booking.starts,
        paid=paid,
        now=now,
        by_business=by == "business" and booking.state != State.NO_SHOW,
    )
    await end_booking(session, booking, move, now=now, actor=actor, refund=terms.refund, fee=terms.fee)
    return Cancellation(booking, terms.refund, terms.fee)


async def release(session: AsyncSession, business_id: UUID, booking_id: UUID, *, now: datetime, actor: str) -> Booking:
    """Drop a hold or a request that is not firm yet; one that is over already stays as it is."""
    booking = await load(session, business_id, booking_id, for_update=True)
    if booking.state == State.EXPIRED or booking.state in CANCELLED:
        return booking
    if booking.state not in TENTATIVE:
        raise BookingRefused(Reason.NOT_NOW, state=booking.state, move="release")
    move = Move.CANCEL_BY_CUSTOMER if actor == CUSTOMER else Move.CANCEL_BY_BUSINESS
    return await end_booking(session, booking, move, now=now, actor=actor, refund=0, fee=0)


async def place_again(
    session: AsyncSession, booking: Booking, wanted: Wanted, *, now: datetime
) -> tuple[Taken, list[dict[str, object]]]:
    """Take another place for a booking that is there; return it, and what of its old one is free now."""
    freed: list[dict[str, object]] = []

    async def write(place: Place) -> bool:
        return await claim(session, booking.business_id, place.placement, booking_id=booking.id)

    taken = await take_place(session, wanted, now=now, write=write, gave_back=freed)
    return taken, [rest for one in freed for rest in _left(one, taken.placement)]


def _left(gave_back: dict[str, object], placement: Placement) -> Iterator[dict[str, object]]:
    """Yield what of a stretch of time is not taken again by the new place."""
    starts, ends = (datetime.fromisoformat(str(gave_back[edge])) for edge in ("starts", "ends"))
    again = merge((start, end) for number, start, end in placement.claims if number == gave_back["calendar"])
    for start, end in subtract([(minute_of(starts), minute_of(ends))], again):
        yield {**gave_back, "starts": moment_of(start).isoformat(), "ends": moment_of(end).isoformat()}


def put(booking: Booking, place: Place) -> None:
    """Write a place into a booking."""
    placement = place.placement
    booking.staff_id = placement.staff_id
    booking.location_id = placement.location_id
    booking.session_id = place.session_id
    booking.starts, booking.ends = moment_of(placement.start), moment_of(placement.end)
    booking.parts = parts_json(placement)


async def end_booking(
    session: AsyncSession,
    booking: Booking,
    move: Move,
    *,
    now: datetime,
    actor: str,
    gave_back: Sequence[dict[str, object]] = (),
    **data: object,
) -> Booking:
    """Cancel or decline: the time is free and the reminders are silent in this same transaction.

    `gave_back` is what it has given back already.
    """
    booking.state = after(booking.state, move).value
    booking.hold_expires_at = None
    booking.version += 1
    booking.updated_at = now
    freed = [*gave_back, *await give_back(session, booking.business_id, [booking.id])]
    write_audit(session, booking, move.value, actor=actor, now=now, freed=freed, **data)
    await skip_reminders(session, booking)
    await session.flush()
    return booking


async def give_up(session: AsyncSession, booking: Booking, taken: Taken, *, now: datetime, actor: str) -> None:
    """End the customer's own holds that gave way to a booking."""
    for other, gave_back in taken.given_up.items():
        given_up = await load(session, booking.business_id, other, for_update=True)
        if given_up.state == State.HELD:
            move, instead = Move.CANCEL_BY_CUSTOMER, str(booking.id)
            await end_booking(session, given_up, move, now=now, actor=actor, gave_back=gave_back, instead=instead)


def _state_now(booking: Booking, now: datetime) -> str:
    """Return the state as the clock has it: a hold that ran out is expired before anybody notes it."""
    lapsed = booking.hold_expires_at is not None and booking.hold_expires_at <= now
    return State.EXPIRED.value if lapsed else booking.state


def _cancel_move(state: str) -> Move:
    return {
        State.CANCELLED_BY_CUSTOMER: Move.CANCEL_BY_CUSTOMER,
        State.CANCELLED_BY_BUSINESS: Move.CANCEL_BY_BUSINESS,
        State.DECLINED: Move.DECLINE,
    }[State(state)]

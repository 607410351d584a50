"""The commands on a booking: hold, confirm, move, cancel, and what becomes of it.

A booking's version counts what its customer was told: it is 1 from the hold on, and grows when the
booking is moved or cancelled. Reminders and calendar files (SEQUENCE) belong to a version, so a
confirmation, which changes neither time nor place, leaves it alone. Every change is in the audit.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.calendar import Book
from booking_core.catalog import Catalog, load_catalog
from booking_core.holds import expire_due, give_back
from booking_core.kit.ids import new_id, new_reference, new_secret
from booking_core.models import Booking, State
from booking_core.records import (
    CUSTOMER,
    check_version,
    find_audit,
    find_by_ics_token,
    find_by_key,
    load,
    on_day,
    place_of,
    upcoming,
    write_audit,
)
from booking_core.refusals import BookingRefused, Reason
from booking_core.reminders import check_reminder, skip_reminders, take_due_reminders, write_reminders
from booking_core.rules import policy as policies
from booking_core.rules.lifecycle import CANCELLED, Move, after
from booking_core.taking import Taken, Wanted, take_place
from booking_core.visits import complete, confirm_attendance, mark_no_show

__all__ = [
    "Cancellation",
    "cancel",
    "check_reminder",
    "complete",
    "confirm",
    "confirm_attendance",
    "expire_due",
    "find_by_ics_token",
    "hold",
    "load",
    "mark_no_show",
    "on_day",
    "release",
    "reschedule",
    "retake",
    "take_due_reminders",
    "upcoming",
]


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A cancelled booking and what it means for what was paid, in minor units."""

    booking: Booking
    refund: int
    fee: int
    #: It had been cancelled before, with these amounts.
    repeated: bool = False


async def hold(
    session: AsyncSession,
    *,
    catalog: Catalog,
    service_id: UUID,
    staff_id: UUID | None,
    starts: datetime,
    customer_id: UUID,
    conversation_id: UUID | None,
    key: str,
    now: datetime,
    actor: str = CUSTOMER,
) -> Booking:
    """Keep a time for a customer until it is paid, or book it at once if nothing is due.

    The same `key` again returns the same booking. Holds of the same customer that lie in the way are given up.
    """
    business_id, starts = catalog.business.id, starts.astimezone(UTC)
    known = await find_by_key(session, business_id, key)
    if known is not None:
        return known
    made: list[Booking] = []

    async def prepare(book: Book) -> UUID:
        booking = _new_booking(catalog, service_id, book, starts, customer_id, conversation_id, key, now)
        session.add(booking)
        await session.flush()
        made.append(booking)
        return booking.id

    wanted = Wanted(catalog, service_id, staff_id, starts, customer_id=customer_id)
    try:
        taken = await take_place(session, wanted, now=now, prepare=prepare)
    except IntegrityError as error:
        if not isinstance(error.orig, UniqueViolation):
            raise
        known = await find_by_key(session, business_id, key)
        if known is not None:  # the same command at the same time has made the booking
            return known
        taken = await take_place(session, wanted, now=now, prepare=prepare)  # with another reference
    booking = made[-1]
    write_audit(session, booking, "hold" if booking.state == State.HELD else "book", actor=actor, now=now,
                given_up=[str(one) for one in taken.given_up])  # fmt: skip
    if booking.state == State.CONFIRMED:
        write_reminders(session, booking, now=now)
    await _give_up(session, booking, taken, now=now, actor=actor)
    await session.flush()
    return booking


async def confirm(session: AsyncSession, business_id: UUID, booking_id: UUID, *, now: datetime, actor: str) -> Booking:
    """Make a hold firm, also one whose time ran out while it still stood; confirmed stays confirmed."""
    booking = await load(session, business_id, booking_id, for_update=True)
    if booking.state == State.CONFIRMED:
        return booking
    return await _make_firm(session, booking, Move.CONFIRM, now=now, actor=actor)


async def retake(session: AsyncSession, business_id: UUID, booking_id: UUID, *, now: datetime) -> Booking:
    """Make an expired hold firm after all; refuses if its time has been taken or is past."""
    booking = await load(session, business_id, booking_id, for_update=True)
    if booking.state == State.CONFIRMED:
        return booking
    after(booking.state, Move.RETAKE)
    wanted = Wanted(
        await load_catalog(session, business_id),
        booking.service_id,
        booking.staff_id,
        booking.starts,
        customer_id=booking.customer_id,
        bounded=False,
    )
    taken = await _place_for(session, booking, wanted, now=now)
    await _give_up(session, booking, taken, now=now, actor="system")
    return await _make_firm(session, booking, Move.RETAKE, now=now, actor="system")


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
) -> Booking:
    """Move a booking; its old place is kept until the new one is firm, and its price stays as agreed.

    With anyone (`staff_id` None) it stays with its person if they can.
    """
    booking = await load(session, business_id, booking_id, for_update=True)
    if await find_audit(session, booking, Move.RESCHEDULE.value, key=key):
        return booking
    check_version(booking, version)
    state = after(_state_now(booking, now), Move.RESCHEDULE)
    if actor == CUSTOMER and not policies.may_still_move(booking.policy_snapshot, starts=booking.starts, now=now):
        raise BookingRefused(Reason.TOO_LATE_TO_CHANGE)
    starts = starts.astimezone(UTC)
    wanted = Wanted(
        catalog,
        booking.service_id,
        staff_id,
        starts,
        moving=booking.id,
        customer_id=booking.customer_id,
        first=booking.staff_id,
    )
    taken = await _place_for(session, booking, wanted, now=now)
    freed = place_of(booking)
    booking.staff_id = taken.staff_id
    booking.location_id = catalog.staff_member(taken.staff_id).location_id
    booking.starts, booking.ends = starts, taken.ends
    booking.state = state.value
    booking.attendance_confirmed_at = None
    booking.version += 1
    booking.updated_at = now
    write_audit(session, booking, Move.RESCHEDULE.value, actor=actor, now=now, key=key, freed=freed)
    await skip_reminders(session, booking)
    if state == State.CONFIRMED:
        write_reminders(session, booking, now=now)
    await _give_up(session, booking, taken, now=now, actor=actor)
    await session.flush()
    return booking


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

    `paid` is what was paid; unless told, what was due, if the booking is confirmed.
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
        paid = booking.due if booking.state == State.CONFIRMED else 0
    terms = policies.cancellation_terms(
        booking.policy_snapshot, starts=booking.starts, paid=paid, now=now, by_business=by == "business"
    )
    await _end(session, booking, move, now=now, actor=actor, refund=terms.refund, fee=terms.fee)
    return Cancellation(booking, terms.refund, terms.fee)


async def release(session: AsyncSession, business_id: UUID, booking_id: UUID, *, now: datetime, actor: str) -> Booking:
    """Drop an unpaid hold; one that is over already stays as it is."""
    booking = await load(session, business_id, booking_id, for_update=True)
    if booking.state == State.EXPIRED or booking.state in CANCELLED:
        return booking
    if booking.state != State.HELD:
        raise BookingRefused(Reason.NOT_NOW, state=booking.state, move="release")
    move = Move.CANCEL_BY_CUSTOMER if actor == CUSTOMER else Move.CANCEL_BY_BUSINESS
    return await _end(session, booking, move, now=now, actor=actor, refund=0, fee=0)


def _new_booking(
    catalog: Catalog,
    service_id: UUID,
    book: Book,
    starts: datetime,
    customer_id: UUID,
    conversation_id: UUID | None,
    key: str,
    now: datetime,
) -> Booking:
    service, staff_id = catalog.service(service_id), book.time.staff_id
    price = catalog.price(service_id, staff_id)
    due = policies.due_for(service.payment, price=price, deposit=service.deposit)
    return Booking(
        business_id=catalog.business.id,
        id=new_id(),
        reference=new_reference(),
        conversation_id=conversation_id,
        customer_id=customer_id,
        service_id=service_id,
        staff_id=staff_id,
        location_id=catalog.staff_member(staff_id).location_id,
        starts=starts,
        ends=starts + timedelta(minutes=book.need.duration),
        state=(State.HELD if due else State.CONFIRMED).value,
        hold_expires_at=now + timedelta(minutes=catalog.policy.hold_minutes) if due else None,
        version=1,
        price=price,
        due=due,
        currency=catalog.business.currency,
        policy_snapshot=policies.snapshot(catalog.policy),
        idempotency_key=key,
        ics_token=new_secret(),
        created_at=now,
        updated_at=now,
    )


async def _place_for(session: AsyncSession, booking: Booking, wanted: Wanted, *, now: datetime) -> Taken:
    async def prepare(book: Book) -> UUID:
        return booking.id

    return await take_place(session, wanted, now=now, prepare=prepare)


async def _make_firm(session: AsyncSession, booking: Booking, move: Move, *, now: datetime, actor: str) -> Booking:
    booking.state = after(booking.state, move).value
    booking.hold_expires_at = None
    booking.updated_at = now
    write_audit(session, booking, move.value, actor=actor, now=now)
    write_reminders(session, booking, now=now)
    await session.flush()
    return booking


async def _end(
    session: AsyncSession, booking: Booking, move: Move, *, now: datetime, actor: str, **data: object
) -> Booking:
    """Cancel: the time is free and the reminders are silent in this same transaction."""
    booking.state = after(booking.state, move).value
    booking.hold_expires_at = None
    booking.version += 1
    booking.updated_at = now
    write_audit(session, booking, move.value, actor=actor, now=now, freed=place_of(booking), **data)
    await give_back(session, booking.business_id, [booking.id])
    await skip_reminders(session, booking)
    await session.flush()
    return booking


async def _give_up(session: AsyncSession, booking: Booking, taken: Taken, *, now: datetime, actor: str) -> None:
    for other in taken.given_up:
        given_up = await load(session, booking.business_id, other, for_update=True)
        if given_up.state == State.HELD:
            await _end(session, given_up, Move.CANCEL_BY_CUSTOMER, now=now, actor=actor, instead=str(booking.id))


def _state_now(booking: Booking, now: datetime) -> str:
    """Return the state as the clock has it: a hold that ran out is expired before anybody notes it."""
    lapsed = booking.hold_expires_at is not None and booking.hold_expires_at <= now
    return State.EXPIRED.value if lapsed else booking.state


def _cancel_move(state: str) -> Move:
    return Move.CANCEL_BY_CUSTOMER if state == State.CANCELLED_BY_CUSTOMER else Move.CANCEL_BY_BUSINESS

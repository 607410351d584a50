"""Answers to offers of the waitlist: yes, no, too late; and what becomes of the entry (`offering.py` makes them)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core.catalog import Catalog, load_catalog
from booking_core.kit.db import savepoint
from booking_core.models import Booking, State, WaitlistEntry
from booking_core.placed import people_of
from booking_core.planning import steps_of
from booking_core.records import CUSTOMER, find_audit, write_audit
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from booking_core.rules.lifecycle import TAKES_TIME
from booking_core.waitlist import load_entry, request_of

#: Audit moves of an offer's booking.
OFFERED, ACCEPTED = "offer", "accept_offer"
#: An entry in one of these still wants what it was offered.
_LATE_YES = frozenset({"waiting", "offered", "lapsed"})


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a yes came to: a booking, or a hold that waits for its payment, or a request for approval."""

    booking: Booking
    #: The yes had been said before.
    repeated: bool = False


async def accept(
    session: AsyncSession,
    business_id: UUID,
    entry_id: UUID,
    offer_id: UUID,
    *,
    now: datetime,
    key: str,
    actor: str = CUSTOMER,
) -> Accepted:
    """Take an offer: booked at once if nothing is due, else its hold is prolonged for the payment.

    A yes that comes late is taken, too, as long as nobody else has the time. Refuses with the reason if
    somebody does, and when the offer was let go before.
    """
    booking = await bookings.load(session, business_id, offer_id, for_update=True)
    entry = await load_entry(session, business_id, entry_id, for_update=True)
    if entry.customer_id != booking.customer_id:
        raise BookingRefused(Reason.UNKNOWN, booking=str(offer_id))
    came_of_it = await _accepted(session, booking)
    if came_of_it.state in TAKES_TIME and (came_of_it.state != State.HELD or came_of_it.accepted):
        return Accepted(came_of_it.booking, repeated=True)
    held = booking.state == State.HELD and entry.offer_id == offer_id
    free = entry.offer_id in {None, offer_id, came_of_it.booking.id} and entry.state in _LATE_YES
    if not held and not (came_of_it.state == State.EXPIRED and free):
        raise BookingRefused(Reason.NOT_NOW, state=came_of_it.state, move=ACCEPTED)
    if booking.starts <= now:
        raise BookingRefused(Reason.PAST)
    catalog = await load_catalog(session, business_id)
    asks_first = any(step.service.approval for step in steps_of(catalog, request_of(entry)))
    if not held or (asks_first and actor == CUSTOMER):
        return await _book_anew(session, catalog, entry, booking, now=now, key=key, actor=actor)
    write_audit(session, booking, ACCEPTED, actor=actor, now=now, entry=str(entry.id))
    if booking.due > 0:
        paid_by = now + timedelta(minutes=catalog.policy.hold_minutes)
        booking.hold_expires_at = max(booking.hold_expires_at or paid_by, paid_by)
        booking.updated_at = now
    else:
        entry.state, entry.offer_id, entry.updated_at = "booked", None, now
        booking = await bookings.confirm(session, business_id, booking.id, now=now, actor=actor)
    await session.flush()
    return Accepted(booking)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What an offer has come to so far."""

    booking: Booking
    accepted: bool

    @property
    def state(self) -> str:
        return self.booking.state


async def _accepted(session: AsyncSession, offered: Booking) -> _Outcome:
    known = await find_audit(session, offered, ACCEPTED)
    instead = known.data.get("instead") if known is not None else None
    booking = offered if instead is None else await bookings.load(session, offered.business_id, UUID(instead))
    return _Outcome(booking, known is not None)


async def decline(
    session: AsyncSession,
    business_id: UUID,
    entry_id: UUID,
    offer_id: UUID,
    *,
    now: datetime,
    actor: str = CUSTOMER,
) -> WaitlistEntry:
    """Let an offer go: its time is free for the next one, and the entry waits on, for other times.

    One that is over already stays as it is; refuses when it has become a booking.
    """
    booking = await bookings.load(session, business_id, offer_id, for_update=True)
    entry = await load_entry(session, business_id, entry_id, for_update=True)
    if entry.customer_id != booking.customer_id:
        raise BookingRefused(Reason.UNKNOWN, booking=str(offer_id))
    if booking.state in TAKES_TIME and booking.state != State.HELD:
        raise BookingRefused(Reason.NOT_NOW, state=booking.state, move="decline_offer")
    if entry.offer_id == offer_id:
        _wait_on(entry, booking, now)
        await session.flush()
    if booking.state == State.HELD:
        await bookings.release(session, business_id, offer_id, now=now, actor=actor)
    return entry


async def pass_on(session: AsyncSession, business_id: UUID, entry_id: UUID, offer_id: UUID, *, now: datetime) -> None:
    """Let an offer go that its customer never got; one that was answered all the same stays."""
    booking = await bookings.load(session, business_id, offer_id, for_update=True)
    if booking.state == State.HELD and await find_audit(session, booking, ACCEPTED) is None:
        await decline(session, business_id, entry_id, offer_id, now=now, actor="system")


async def without_offers(session: AsyncSession, held: Sequence[Booking]) -> list[Booking]:
    """Return bookings but for those that are merely offered: nobody has said yes to them."""
    return [one for one in held if one.state != State.HELD or await unanswered(session, one) is None]


async def unanswered(session: AsyncSession, booking: Booking) -> UUID | None:
    """Return whose entry a booking was offered to that was never answered; None if it was no such offer."""
    made = await find_audit(session, booking, OFFERED)
    if made is None or await find_audit(session, booking, ACCEPTED) is not None:
        return None
    return UUID(made.data["entry"])


async def settle(session: AsyncSession, business_id: UUID, *, now: datetime) -> None:
    """Bring entries up to date whose offers have ended in whatever way: paid, run out, cancelled."""
    ended = await session.execute(
        select(WaitlistEntry, Booking)
        .join(
            Booking,
            (Booking.business_id == WaitlistEntry.business_id) & (Booking.id == WaitlistEntry.offer_id),
        )
        .where(
            WaitlistEntry.business_id == business_id,
            WaitlistEntry.offer_id.is_not(None),
            Booking.state != State.HELD.value,
        )
        .with_for_update(of=WaitlistEntry, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    for entry, booking in ended.tuples():
        if booking.state in TAKES_TIME:
            entry.state, entry.offer_id, entry.updated_at = "booked", None, now
        else:
            _wait_on(entry, booking, now)
    await session.flush()


def _wait_on(entry: WaitlistEntry, booking: Booking, now: datetime) -> None:
    entry.state, entry.offer_id, entry.updated_at = "waiting", None, now
    entry.passed = [*entry.passed, booking.starts.isoformat()]


def _as_offered(wanted: VisitRequest, offered: Booking) -> VisitRequest:
    """Return a wish with whom its offer named, part by part."""
    people = people_of(offered.parts)
    if wanted.party > 1 or len(people) < 2:
        return replace(wanted, staff_id=wanted.staff_id or offered.staff_id)
    return replace(wanted, staff_by_service=people)


async def _book_anew(
    session: AsyncSession,
    catalog: Catalog,
    entry: WaitlistEntry,
    offered: Booking,
    *,
    now: datetime,
    key: str,
    actor: str,
) -> Accepted:
    """Book what was offered as anybody would: the offer has run out, or the business must agree first."""
    if entry.offer_id == offered.id and offered.state != State.HELD:
        _wait_on(entry, offered, now)
    wanted = request_of(entry)
    # A refusal leaves the entry as it was.
    async with savepoint(session):
        entry.state, entry.offer_id, entry.updated_at = "booked", None, now
        booking = await bookings.hold(
            session,
            catalog=catalog,
            wanted=_as_offered(wanted, offered),
            starts=offered.starts,
            customer_id=entry.customer_id,
            conversation_id=entry.conversation_id,
            key=key,
            now=now,
            actor=actor,
        )
        if booking.state == State.HELD:  # it waits for its payment: the entry may have to wait on
            entry.state, entry.offer_id = "offered", booking.id
        write_audit(session, offered, ACCEPTED, actor=actor, now=now, entry=str(entry.id), instead=str(booking.id))
    return Accepted(booking)

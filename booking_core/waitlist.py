"""The waitlist: who wants a time that is not free, and when they would come.

What becomes free is offered by `offers.py`. Rows are locked in one order everywhere: a booking before the
entry it is offered to.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core.catalog import Catalog
from booking_core.freed import offer_later
from booking_core.kit.db import savepoint
from booking_core.kit.ids import new_id
from booking_core.models import Booking, State, WaitlistEntry
from booking_core.planning import check_numbers, check_people
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import Arrangement, VisitRequest
from booking_core.rules.waitlist import Window, Wish

#: Nobody waits for more than this at the same time.
MOST = 10
MOST_WINDOWS = 20
_LOOKS = 3


async def join(
    session: AsyncSession,
    *,
    catalog: Catalog,
    wanted: VisitRequest,
    windows: Sequence[Window],
    customer_id: UUID,
    conversation_id: UUID | None,
    key: str,
    now: datetime,
    priority: int = 0,
) -> WaitlistEntry:
    """Put a customer on the waitlist for any of the windows, best first.

    The same `key`, or the same wish while it waits, returns the entry that there is. What is free already is
    offered at once.
    """
    check_numbers(catalog, wanted)
    check_people(catalog, wanted)
    ahead = [(start, end) for start, end in windows if end > now and start < end][:MOST_WINDOWS]
    if not ahead:
        raise BookingRefused(Reason.PAST)
    wish = Wish(tuple(ahead))
    known = await _known(session, catalog.business.id, customer_id, wanted, wish, key)
    if known is not None:
        return known
    made = await session.execute(
        insert(WaitlistEntry)
        .values(
            business_id=catalog.business.id,
            id=new_id(),
            customer_id=customer_id,
            conversation_id=conversation_id,
            service_id=wanted.service_id,
            staff_id=wanted.staff_id,
            location_id=wanted.location_id,
            services=[str(one) for one in wanted.service_ids],
            add_ons=[str(one) for one in wanted.add_on_ids],
            staff_by_service={str(service_id): str(who) for service_id, who in wanted.staff_by_service},
            party=wanted.party,
            arrangement=wanted.arrangement.value,
            units=wanted.units,
            windows=wish.kept(),
            until=max(end for _, end in ahead),
            priority=priority,
            state="waiting",
            passed=[],
            idempotency_key=key,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing()
        .returning(WaitlistEntry.id)
    )
    if made.first() is not None:
        # A time may have become free since the customer looked, before anybody could know that they wait.
        first, last = min(start for start, _ in ahead), max(end for _, end in ahead)
        await offer_later(session, catalog.business.id, starts=first, ends=last, delay=_SETTLED)
    entry = await _by_key(session, catalog.business.id, key)
    assert entry is not None  # noqa: S101 - just made, here or at the same time
    return entry


#: A cancellation that commits at the same moment as a new entry may not see it: the look comes when it has.
_SETTLED = timedelta(seconds=1)


async def withdraw(
    session: AsyncSession, business_id: UUID, entry_id: UUID, *, now: datetime, actor: str
) -> WaitlistEntry:
    """Take an entry off the list; a time that is being held for it is free again."""
    entry, offered = await lock_with_offer(session, business_id, entry_id)
    if entry.state in {"waiting", "offered"}:
        entry.state, entry.offer_id, entry.updated_at = "withdrawn", None, now
        await session.flush()
    if offered is not None and offered.state == State.HELD:
        await bookings.release(session, business_id, offered.id, now=now, actor=actor)
    return entry


async def lock_with_offer(
    session: AsyncSession, business_id: UUID, entry_id: UUID
) -> tuple[WaitlistEntry, Booking | None]:
    """Lock an entry and what it is offered, the booking first; refuses when they keep changing meanwhile."""
    for _ in range(_LOOKS):
        offer_id = (await load_entry(session, business_id, entry_id)).offer_id
        try:
            async with savepoint(session):  # rolled back, it gives the locks back
                offered = offer_id and await bookings.load(session, business_id, offer_id, for_update=True)
                entry = await load_entry(session, business_id, entry_id, for_update=True)
                if entry.offer_id != offer_id:
                    raise _OfferedMeanwhile
        except _OfferedMeanwhile:
            continue
        return entry, offered or None
    raise BookingRefused(Reason.CHANGED)


class _OfferedMeanwhile(Exception):
    """The entry has got, or lost, an offer since we looked."""


async def list_for(
    session: AsyncSession, business_id: UUID, customer_id: UUID, *, now: datetime
) -> list[WaitlistEntry]:
    """Return what a customer waits for, or is just being offered, in the order in which they asked."""
    query = (
        select(WaitlistEntry)
        .where(
            WaitlistEntry.business_id == business_id,
            WaitlistEntry.customer_id == customer_id,
            WaitlistEntry.state.in_(["waiting", "offered"]),
            WaitlistEntry.until > now,
        )
        .order_by(WaitlistEntry.created_at, WaitlistEntry.id)
    )
    return list(await session.scalars(query))


async def close(session: AsyncSession, booking: Booking, *, now: datetime) -> None:
    """Note that an offer became a booking: its entry waits no longer."""
    await session.execute(
        update(WaitlistEntry)
        .where(WaitlistEntry.business_id == booking.business_id, WaitlistEntry.offer_id == booking.id)
        .values(state="booked", offer_id=None, updated_at=now)
        .execution_options(synchronize_session="fetch")
    )


async def is_offer(session: AsyncSession, booking: Booking) -> bool:
    """Whether a hold is an offer of the waitlist that has not become anything yet."""
    query = select(WaitlistEntry.id).where(
        WaitlistEntry.business_id == booking.business_id, WaitlistEntry.offer_id == booking.id
    )
    return await session.scalar(query) is not None


async def lapse_due(session: AsyncSession, *, now: datetime, limit: int = 100) -> list[WaitlistEntry]:
    """Let entries go whose last window is over; workers that look at the same time take others."""
    due = list(
        await session.scalars(
            select(WaitlistEntry)
            .where(WaitlistEntry.state == "waiting", WaitlistEntry.until <= now)
            .order_by(WaitlistEntry.until)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
    )
    for entry in due:
        entry.state, entry.updated_at = "lapsed", now
    await session.flush()
    return due


def request_of(entry: WaitlistEntry) -> VisitRequest:
    """Return what an entry asks for."""
    return VisitRequest(
        service_ids=tuple(UUID(one) for one in entry.services) or (entry.service_id,),
        staff_id=entry.staff_id,
        location_id=entry.location_id,
        party=entry.party,
        arrangement=Arrangement(entry.arrangement),
        units=entry.units,
        add_on_ids=tuple(UUID(one) for one in entry.add_ons),
        staff_by_service=tuple((UUID(service_id), UUID(who)) for service_id, who in entry.staff_by_service.items()),
    )


async def load_entry(
    session: AsyncSession, business_id: UUID, entry_id: UUID, *, for_update: bool = False
) -> WaitlistEntry:
    """Return an entry as it is now, locked if `for_update`; refuses an unknown one."""
    query = select(WaitlistEntry).where(WaitlistEntry.business_id == business_id, WaitlistEntry.id == entry_id)
    if for_update:
        query = query.with_for_update()
    entry = await session.scalar(query.execution_options(populate_existing=True))
    if entry is None:
        raise BookingRefused(Reason.UNKNOWN, entry=str(entry_id))
    return entry


async def _known(
    session: AsyncSession, business_id: UUID, customer_id: UUID, wanted: VisitRequest, wish: Wish, key: str
) -> WaitlistEntry | None:
    """Return the entry of the same command or wish; refuses one more than anybody may have."""
    known = await _by_key(session, business_id, key)
    if known is not None:
        return known
    mine = WaitlistEntry.business_id == business_id, WaitlistEntry.customer_id == customer_id
    active = WaitlistEntry.state.in_(["waiting", "offered"])
    for entry in await session.scalars(select(WaitlistEntry).where(*mine, active).limit(MOST)):
        if request_of(entry) == wanted and entry.windows == wish.kept():
            return entry
    if (
        await session.execute(select(func.count()).select_from(WaitlistEntry).where(*mine, active))
    ).scalar_one() >= MOST:
        raise BookingRefused(Reason.TOO_MANY, most=MOST, of="entries")
    return None


async def _by_key(session: AsyncSession, business_id: UUID, key: str) -> WaitlistEntry | None:
    return await session.scalar(
        select(WaitlistEntry).where(WaitlistEntry.business_id == business_id, WaitlistEntry.idempotency_key == key)
    )

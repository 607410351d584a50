"""Taking a place in the calendar: choose, try, and let the constraint decide.

`INSERT ... ON CONFLICT DO NOTHING` waits for whoever is just taking the same time and then either
takes it or takes nothing: no error, and no deadlock between two who come at the same instant. Everything
that must not stay without the place is written in one savepoint with it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.errors import DeadlockDetected
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.calendar import Book, find_place
from booking_core.catalog import Catalog
from booking_core.holds import expire_these, give_back, lock_held
from booking_core.kit.ids import new_id
from booking_core.models import Allocation
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules.spans import overlap
from booking_core.rules.wallclock import minute_of

#: Between looking and taking others may come and go; after so many looks the time is called busy.
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """A time that somebody wants, for one booking."""

    catalog: Catalog
    service_id: UUID
    staff_id: UUID | None
    starts: datetime
    #: The booking that is being moved: its old place does not count.
    moving: UUID | None = None
    #: Who wants it: their own unpaid holds in the way are given up for it.
    customer_id: UUID | None = None
    #: Who should do it, if they can.
    first: UUID | None = None
    #: Whether lead time and booking window count.
    bounded: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """A place that is taken now."""

    booking_id: UUID
    staff_id: UUID
    ends: datetime
    #: The customer's own holds that gave way.
    given_up: Sequence[UUID]


class _Lost(Exception):
    """Somebody else took it between our look and our try."""


async def take_place(
    session: AsyncSession, wanted: Wanted, *, now: datetime, prepare: Callable[[Book], Awaitable[UUID]]
) -> Taken:
    """Take a place for the booking that `prepare` returns (or makes); refuses with the reason.

    `prepare` runs in the savepoint, once for each try: what it writes vanishes if the place is lost.
    """
    for _ in range(_LOOKS):
        for book in await find_place(
            session,
            wanted.catalog,
            service_id=wanted.service_id,
            staff_id=wanted.staff_id,
            starts=wanted.starts,
            now=now,
            ignoring=wanted.moving,
            customer_id=wanted.customer_id,
            first=wanted.first,
            bounded=wanted.bounded,
        ):
            taken = await _try(session, wanted, book, now, prepare)
            if taken is not None:
                return taken
    raise BookingRefused(Reason.STAFF_BUSY)


async def _try(
    session: AsyncSession, wanted: Wanted, book: Book, now: datetime, prepare: Callable[[Book], Awaitable[UUID]]
) -> Taken | None:
    business_id, need = wanted.catalog.business.id, book.need
    start = minute_of(wanted.starts)
    first, last = start - need.before, start + need.duration + need.after
    in_the_way = [one for one in book.yielding if overlap([one.span], first, last)]
    lapsed = [one.booking_id for one in in_the_way if one.lapsed]
    own = [one.booking_id for one in in_the_way if not one.lapsed]
    if lapsed:
        await expire_these(session, business_id, lapsed, now=now)
    if own and len(await lock_held(session, business_id, own)) < len(own):
        return None
    try:
        async with session.begin_nested():
            if own or wanted.moving:
                await give_back(session, business_id, [*own, *filter(None, [wanted.moving])])
            booking_id = await prepare(book)
            if not await _insert(session, wanted, book, booking_id):
                raise _Lost
    except _Lost:
        return None
    except DBAPIError as error:
        # Two bookings that want each other's place: the database lets one of them go on.
        if isinstance(error.orig, DeadlockDetected):
            return None
        raise
    return Taken(booking_id, book.time.staff_id, wanted.starts + timedelta(minutes=need.duration), own)


async def _insert(session: AsyncSession, wanted: Wanted, book: Book, booking_id: UUID) -> bool:
    need = book.need
    during = Range(
        wanted.starts - timedelta(minutes=need.before),
        wanted.starts + timedelta(minutes=need.duration + need.after),
        bounds="[)",
    )
    done = await session.execute(
        insert(Allocation)
        .values(
            business_id=wanted.catalog.business.id,
            id=new_id(),
            booking_id=booking_id,
            calendar_no=wanted.catalog.staff_member(book.time.staff_id).calendar_no,
            during=during,
        )
        .on_conflict_do_nothing()
        .returning(Allocation.id)
    )
    return done.first() is not None

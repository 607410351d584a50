"""Taking a place in the calendar: choose, try, and let the constraint decide.

`INSERT ... ON CONFLICT DO NOTHING` waits for whoever is just taking the same time and then either
takes it or takes nothing: no error, and no deadlock between two who come at the same instant. A booking,
its time and its audit are one statement; where only a part of it could be had, all of it is taken back.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from psycopg.errors import DeadlockDetected
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import classes
from booking_core.calendar import Place, find_places
from booking_core.catalog import Catalog
from booking_core.holds import end_empty_classes, expire_these, give_back, lock_held
from booking_core.kit.db import savepoint
from booking_core.kit.ids import new_id
from booking_core.models import CALENDAR_WIDTH, ClassSession
from booking_core.planning import on_offer
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from booking_core.rules.plan import Placement
from booking_core.rules.wallclock import moment_of

#: Between looking and taking others may come and go; after so many looks the time is called busy.
_LOOKS = 24

_CLAIM = text("""
INSERT INTO allocation (business_id, id, booking_id, session_id, calendar_no, during, proposed)
SELECT :business_id, n.id, CAST(:booking_id AS uuid), CAST(:session_id AS uuid), n.no,
       tstzrange(n.starts, n.ends), :proposed
FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS bigint[]), CAST(:froms AS timestamptz[]),
            CAST(:untils AS timestamptz[])) AS n (id, no, starts, ends)
ORDER BY n.no
ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A time that somebody wants, for one booking."""

    catalog: Catalog
    request: VisitRequest
    starts: datetime
    #: The booking that is being moved: its old place does not count.
    moving: UUID | None = None
    #: Who wants it: their own unpaid holds in the way are given up for it.
    customer_id: UUID | None = None
    #: Who should do it, if they can.
    first: UUID | None = None
    #: Whether lead time and booking window count.
    bounded: bool = True
    #: A person at the business decides: neither hours nor limits count.
    override: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """A place that is taken now."""

    place: Place
    #: The customer's own holds that gave way, and what each took.
    given_up: Mapping[UUID, Sequence[dict[str, Any]]] = field(default_factory=dict)

    @property
    def placement(self) -> Placement:
        """Who, what and when."""
        return self.place.placement


class _Lost(Exception):
    """Somebody else took it between our look and our try."""


#: Writes what must not stay without the place, and the place with it; False if somebody else was quicker.
Write = Callable[[Place], Awaitable[bool]]


async def take_place(
    session: AsyncSession,
    wanted: Wanted,
    *,
    now: datetime,
    write: Write,
    gave_back: list[dict[str, Any]] | None = None,
) -> Taken:
    """Take a place with what `write` puts there; refuses with the reason if there is none.

    What a booking that moves gives back is noted in `gave_back`.
    """
    business_id, in_class = wanted.catalog.business.id, _is_class(wanted)
    noted = [] if gave_back is None else gave_back
    for look in range(_LOOKS):
        try:
            # Whoever finds no seat lets the class go at once.
            async with savepoint(session) if in_class else nullcontext():
                if in_class:
                    await classes.lock_session(session, wanted.catalog, wanted.request, wanted.starts)
                for place in await _places(session, wanted, now, look):
                    taken = await _try(session, business_id, wanted, place, now, write, noted)
                    if taken is not None:
                        return taken
                raise _Lost
        except _Lost:
            continue
        except DBAPIError as error:
            if not in_class or not _is_deadlock(error):
                raise
    raise BookingRefused(Reason.STAFF_BUSY)


async def claim(
    session: AsyncSession,
    business_id: UUID,
    placement: Placement,
    *,
    booking_id: UUID | None = None,
    session_id: UUID | None = None,
    proposed: bool = False,
) -> bool:
    """Take the time of a placement for a booking or a class; False, and perhaps a part of it, if some is taken."""
    done = await session.execute(
        _CLAIM,
        {
            "business_id": business_id,
            "booking_id": booking_id,
            "session_id": session_id,
            "proposed": proposed,
            **claim_values(placement),
        },
    )
    return bool(done.rowcount == len(placement.claims))  # type: ignore[attr-defined]


def claim_values(placement: Placement) -> dict[str, list[object]]:
    """Return the claims of a placement as the columns of their rows."""
    return {
        "ids": [new_id() for _ in placement.claims],
        "numbers": [number for number, _, _ in placement.claims],
        "froms": [moment_of(start) for _, start, _ in placement.claims],
        "untils": [moment_of(end) for _, _, end in placement.claims],
    }


def _is_class(wanted: Wanted) -> bool:
    return on_offer(wanted.catalog, wanted.request.service_id).capacity > 1


def _is_deadlock(error: DBAPIError) -> bool:
    """Whether two wanted each other's place: the database lets one of them go on."""
    return isinstance(error.orig, DeadlockDetected)


async def _places(session: AsyncSession, wanted: Wanted, now: datetime, look: int) -> Sequence[Place]:
    """Return places, best first; who has lost one looks for units elsewhere than all who lost it, too."""
    return await find_places(
        session,
        wanted.catalog,
        wanted=wanted.request,
        starts=wanted.starts,
        now=now,
        ignoring=wanted.moving,
        customer_id=wanted.customer_id,
        first=wanted.first,
        bounded=wanted.bounded,
        override=wanted.override,
        turn=secrets.randbelow(CALENDAR_WIDTH) if look else 0,
    )


async def _try(
    session: AsyncSession,
    business_id: UUID,
    wanted: Wanted,
    place: Place,
    now: datetime,
    write: Write,
    gave_back: list[dict[str, Any]],
) -> Taken | None:
    """Take one place whole; None if somebody else was quicker, and then nothing of it is kept from others."""
    if not place.yielding and not wanted.moving and place.opens is None and len(place.placement.claims) == 1:
        return Taken(place) if await write(place) else None
    lapsed = [one.booking_id for one in place.yielding if one.lapsed]
    own = [one.booking_id for one in place.yielding if not one.lapsed]
    try:
        # Without a savepoint, what was taken of a place in vain would keep others waiting until we are done:
        # two who look again and again would wait for each other.
        async with savepoint(session):
            if lapsed:
                await expire_these(session, business_id, lapsed, now=now, but=place.session_id)
            if own and len(await lock_held(session, business_id, own)) < len(own):
                raise _Lost
            given_up = {one: await give_back(session, business_id, [one], ends_classes=False) for one in own}
            moved = [wanted.moving] if wanted.moving else []
            gave_back[:] = await give_back(session, business_id, moved, ends_classes=False) if moved else []
            if place.opens is not None:
                place = await _open_class(session, business_id, place, wanted.request.party)
            if not await write(place):
                raise _Lost
            await end_empty_classes(session, business_id, [*gave_back, *chain(*given_up.values())])
    except _Lost:
        return None
    except DBAPIError as error:
        if _is_deadlock(error):
            return None
        raise
    return Taken(place, given_up)


async def _open_class(session: AsyncSession, business_id: UUID, place: Place, party: int) -> Place:
    """Begin a class: two who come at once for an empty one make one class and two seats of it."""
    opens = place.opens
    assert opens is not None  # noqa: S101 - the caller has looked
    made = await session.execute(
        insert(ClassSession)
        .values(
            business_id=business_id,
            id=new_id(),
            service_id=opens.service_id,
            location_id=opens.location_id,
            staff_id=opens.staff_id,
            starts=opens.starts,
            ends=opens.ends,
            capacity=opens.capacity,
            state="open",
        )
        # A class that is over begins anew: in the calendar it is the same one.
        .on_conflict_do_update(
            index_elements=["business_id", "service_id", "location_id", "starts"],
            set_={"state": "open", "staff_id": opens.staff_id, "ends": opens.ends, "capacity": opens.capacity},
            where=ClassSession.state != "open",
        )
        .returning(ClassSession)
        .execution_options(populate_existing=True)
    )
    one = made.scalar_one_or_none()
    if one is None or not await claim(session, business_id, place.placement, session_id=one.id):
        raise _Lost
    seats = classes.seats_in(one, range(party), limits=opens.limits)
    assert seats.placement is not None  # noqa: S101 - a class has seats
    return Place(seats.placement, session_id=one.id)

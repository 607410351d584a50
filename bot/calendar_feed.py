"""`GET /calendar/feed/TOKEN.ics`: everything that a person at the business does, for their own calendar.

A feed lies on other companies' servers, so it tells little: service and first name, unless the business's
setting `calendar_names` says `initials` or `none`; never a surname, a phone number or an answer.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from fastapi import APIRouter, HTTPException, Request, Response
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import ics
from booking_core.catalog import Catalog, load_catalog
from booking_core.ics import Entry
from booking_core.kit.clock import current_time
from booking_core.kit.scope import narrow
from booking_core.lengths import ends_after
from booking_core.models import Booking, ClassSession, Customer, Staff, State
from booking_core.placed import part_times
from booking_core.rules.lifecycle import TAKES_TIME
from booking_core.rules.wallclock import moment_of
from bot.wiring import System
from bot.words import language_of

BEFORE, AFTER = timedelta(days=30), timedelta(days=365)
#: So long what was cancelled is said to be cancelled; calendars drop what is no longer there as well.
REMEMBERED = timedelta(days=30)
REFRESH = timedelta(minutes=15)
#: More than anybody does in a year.
MOST = 5000
_STANDING = [state.value for state in TAKES_TIME]
_OVER = [state.value for state in State if state not in TAKES_TIME]


def router_for(system: System) -> APIRouter:
    """Return the route of people's feeds."""
    router = APIRouter()

    @router.head("/calendar/feed/{token}.ics", include_in_schema=False)
    @router.get("/calendar/feed/{token}.ics")
    async def calendar_feed(request: Request, token: str) -> Response:
        """Return a person's calendar; 304 where the caller has it as it is, 404 for an unknown token."""
        async with system.db.transaction() as session:
            member = await _member(session, token)
            if member is None:
                raise HTTPException(404)
            await narrow(session, member.business_id)
            catalog = await load_catalog(session, member.business_id)
            entries = await load_entries(session, catalog, member.id, now=await current_time(session))
        text = ics.feed_ics(entries, name=f"{member.name}, {catalog.business.name}", refresh=REFRESH)
        tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex"}
        known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
        if known & {tag, "*"}:
            return Response(status_code=304, headers=headers)
        return Response(text, media_type="text/calendar; charset=utf-8", headers=headers)

    return router


async def load_entries(session: AsyncSession, catalog: Catalog, staff_id: UUID, *, now: datetime) -> list[Entry]:
    """Return what a person does from a month ago to a year ahead, in order."""
    bookings = await _bookings(session, catalog, staff_id, now)
    names = await _names(session, catalog, {booking.customer_id for booking in bookings})
    entries = [
        entry for booking in bookings for entry in _visits(catalog, booking, staff_id, names, now)
    ] + await _classes(session, catalog, staff_id, now)
    return sorted(entries, key=lambda entry: (entry.starts, entry.uid))


async def _member(session: AsyncSession, token: str) -> Staff | None:
    if not (token.isascii() and token.isprintable()):
        return None
    member: Staff | None = await session.scalar(select(Staff).where(Staff.feed_token == token))
    return member


async def _bookings(session: AsyncSession, catalog: Catalog, staff_id: UUID, now: datetime) -> Sequence[Booking]:
    query = (
        select(Booking)
        .where(
            Booking.business_id == catalog.business.id,
            *ends_after(catalog.business.id, now - BEFORE),
            Booking.starts < now + AFTER,
            Booking.parts.contains([{"staff": [str(staff_id)]}]),
            # Seats are shown as the class that they are in.
            Booking.session_id.is_(None),
            or_(
                Booking.state.in_(_STANDING),
                Booking.state.in_(_OVER) & (Booking.updated_at > now - REMEMBERED),
            ),
        )
        .order_by(Booking.starts, Booking.id)
        .limit(MOST)
    )
    return list(await session.scalars(query))


def _visits(
    catalog: Catalog, booking: Booking, staff_id: UUID, names: Mapping[UUID, str], now: datetime
) -> list[Entry]:
    """Return a person's own stretches of a visit: parts that follow each other are one."""
    own = sorted(
        ((*part_times(part), UUID(part["service"])) for part in booking.parts if str(staff_id) in part["staff"]),
        key=lambda part: part[:2],
    )
    stretches: list[tuple[datetime, datetime, list[UUID]]] = []
    for starts, ends, service_id in own:
        if stretches and starts <= stretches[-1][1]:
            first, last, services = stretches[-1]
            stretches[-1] = (first, max(last, ends), [*services, service_id])
        else:
            stretches.append((starts, ends, [service_id]))
    location = catalog.location(booking.location_id)
    name = names.get(booking.customer_id, "")
    return [
        Entry(
            uid=ics.uid_of(booking, number),
            sequence=booking.version - 1,
            starts=starts,
            ends=ends,
            summary=" · ".join(filter(None, [_services(catalog, services), name])),
            location=f"{location.name}, {location.address}",
            status=ics.status_of(booking, now=now),
            changed=booking.updated_at,
            description=booking.reference,
        )
        for number, (starts, ends, services) in enumerate(stretches)
    ]


async def _classes(session: AsyncSession, catalog: Catalog, staff_id: UUID, now: datetime) -> list[Entry]:
    """Return the classes that a person teaches, each with how full it is."""
    seats = (
        select(Booking.session_id, func.sum(Booking.party).label("taken"), func.max(Booking.updated_at).label("at"))
        .where(
            Booking.business_id == catalog.business.id,
            Booking.session_id.is_not(None),
            Booking.state.in_(_STANDING),
            or_(Booking.hold_expires_at.is_(None), Booking.hold_expires_at > now),
        )
        .group_by(Booking.session_id)
        .subquery()
    )
    rows = await session.execute(
        select(ClassSession, seats.c.taken, seats.c.at)
        .outerjoin(seats, seats.c.session_id == ClassSession.id)
        .where(
            ClassSession.business_id == catalog.business.id,
            ClassSession.staff_id == staff_id,
            ClassSession.ends > now - BEFORE,
            ClassSession.starts < now + AFTER,
        )
        .order_by(ClassSession.starts, ClassSession.id)
        .limit(MOST)
    )
    return [_class(catalog, one, taken or 0, at) for one, taken, at in rows.tuples()]


def _class(catalog: Catalog, one: ClassSession, taken: int, changed: datetime | None) -> Entry:
    location = catalog.location(one.location_id)
    cancelled = one.state != "open"
    return Entry(
        uid=f"{one.id}@threadbook",
        sequence=int(cancelled),
        starts=one.starts,
        ends=one.ends,
        summary=f"{_services(catalog, [one.service_id])} ({taken}/{one.capacity})",
        location=f"{location.name}, {location.address}",
        status="CANCELLED" if cancelled else "CONFIRMED",
        changed=changed or made_at(one.id),
    )


def made_at(row_id: UUID) -> datetime:
    """Return when a row was made: its id begins with the milliseconds (RFC 9562, section 5.7)."""
    return moment_of(0) + timedelta(milliseconds=row_id.int >> 80)


async def _names(session: AsyncSession, catalog: Catalog, customers: set[UUID]) -> dict[UUID, str]:
    """Return what a feed may call customers."""
    kind = catalog.business.settings.get("calendar_names", "first")
    if kind not in {"first", "initials"}:
        return {}
    found = await session.execute(
        select(Customer.id, Customer.name).where(
            Customer.business_id == catalog.business.id, Customer.id.in_(customers)
        )
    )
    return {
        customer_id: words[0] if kind == "first" else "".join(f"{word[0].upper()}." for word in words[:3])
        for customer_id, name in found.tuples()
        if (words := (name or "").split())
    }


def _services(catalog: Catalog, services: Sequence[UUID]) -> str:
    language = language_of(catalog.business.default_locale)
    found = [catalog.service(one) for one in dict.fromkeys(services)]
    return " + ".join(str(one.names.get(language) or one.name) for one in found)

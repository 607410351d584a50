"""`GET /calendar/TOKEN.ics`: one booking for the customer's own calendar."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, HTTPException, Response

from booking_core import booking as bookings
from booking_core import catalog as catalogs
from booking_core import ics
from booking_core.catalog import Catalog
from booking_core.kit.clock import current_time
from booking_core.kit.scope import narrow
from booking_core.models import Booking
from booking_core.placed import part_times
from bot import phrasing
from bot.wiring import System
from bot.words import language_of


def router_for(system: System) -> APIRouter:
    """Return the route of calendar files."""
    router = APIRouter()

    @router.get("/calendar/{token}.ics")
    async def calendar_file(token: str, lang: str | None = None) -> Response:
        """Return the booking as it stands now; 404 for an unknown token."""
        async with system.db.transaction() as session:
            known = token.isascii() and token.isprintable()
            booking = await bookings.find_by_ics_token(session, token) if known else None
            if booking is None:
                raise HTTPException(404)
            await narrow(session, booking.business_id)
            catalog = await catalogs.load_catalog(session, booking.business_id)
            now = await current_time(session)
        _, text = calendar_of(catalog, booking, lang or catalog.business.default_locale, now=now)
        return Response(
            text,
            media_type="text/calendar; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{booking.reference}.ics"',
                "Cache-Control": "private, no-cache",
            },
        )

    return router


def calendar_of(catalog: Catalog, booking: Booking, asked: str, *, now: datetime) -> tuple[str, str]:
    """Return a booking's calendar object as it stands: its iTIP method, and its text in the language asked for.

    It is published, never requested: nobody is to answer a calendar, and CANCEL takes back what was published
    (RFC 5546, 4.1).
    """
    locale = phrasing.local_tag(language_of(asked), catalog.business.default_locale)
    text = ics.booking_ics(
        booking,
        catalog,
        summary=f"{_service(catalog, booking.service_id, locale)}, {catalog.business.name}",
        description=_parts(catalog, booking, locale),
        now=now,
    )
    return ("CANCEL" if ics.status_of(booking, now=now) == "CANCELLED" else "PUBLISH"), text


def _parts(catalog: Catalog, booking: Booking, locale: str) -> str:
    """Return what happens when, a line for each part of a visit of several; a visit of one says nothing more."""
    tz = catalog.location(booking.location_id).timezone
    own = [part for part in booking.parts if part["person"] == 0]
    if len(own) < 2:
        return ""
    lines = []
    for part in own:
        starts = part_times(part)[0]
        lines.append(f"{phrasing.clock(starts, tz, locale)} {_service(catalog, part['service'], locale)}")
    return "\n".join(lines)


def _service(catalog: Catalog, service_id: object, locale: str) -> str:
    service = catalog.service(UUID(str(service_id)))
    return str(service.names.get(language_of(locale)) or service.name)

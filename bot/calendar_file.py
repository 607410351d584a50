"""`GET /calendar/TOKEN.ics`: one booking for the customer's own calendar."""

from fastapi import APIRouter, HTTPException, Response

from booking_core import booking as bookings
from booking_core import catalog as catalogs
from booking_core import ics
from booking_core.kit.clock import current_time
from bot.phrasing import local_tag
from bot.wiring import System
from bot.words import language_of


def router_for(system: System) -> APIRouter:
    """Return the route of calendar files."""
    router = APIRouter()

    @router.get("/calendar/{token}.ics")
    async def calendar_file(token: str, lang: str | None = None) -> Response:
        """Return the booking as it stands now; 404 for an unknown token."""
        async with system.db.transaction() as session:
            booking = await bookings.find_by_ics_token(session, token)
            if booking is None:
                raise HTTPException(404)
            catalog = await catalogs.load_catalog(session, booking.business_id)
            now = await current_time(session)
        locale = local_tag(language_of(lang or catalog.business.default_locale), catalog.business.default_locale)
        service = catalog.service(booking.service_id)
        summary = str(service.names.get(language_of(locale)) or service.name)
        text = ics.booking_ics(
            booking,
            catalog,
            summary=f"{summary}, {catalog.business.name}",
            now=now,
            cancelled=booking.state not in {"held", "confirmed", "completed"},
        )
        return Response(
            text,
            media_type="text/calendar; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{booking.reference}.ics"'},
        )

    return router

"""`GET /pay/to/TOKEN`: a short way to the page where a booking is paid, for text messages."""

from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import RedirectResponse

from booking_core import booking as bookings
from booking_core.kit.scope import narrow
from bot.wiring import System
from payment_links import links
from payment_links.models import PaymentState

_HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def router_for(system: System) -> APIRouter:
    """Return the route."""
    router = APIRouter(include_in_schema=False)

    @router.get("/pay/to/{token}")
    async def pay(token: str) -> Response:
        """Send whoever holds a booking's token on to its payment page; 404 for an unknown token."""
        async with system.db.transaction() as session:
            known = token.isascii() and token.isprintable()
            booking = await bookings.find_by_ics_token(session, token) if known else None
            if booking is None:
                raise HTTPException(404)
            await narrow(session, booking.business_id)
            payment = await links.last_payment(session, booking.business_id, booking.id)
        if payment is not None and payment.url and payment.state == PaymentState.OPEN:
            return RedirectResponse(payment.url, status_code=303, headers=_HEADERS)
        page = "thanks" if payment is not None and payment.paid_at else "expired"
        language = urlencode({"locale": payment.locale}) if payment is not None else ""
        return RedirectResponse(f"/pay/{page}?{language}", status_code=303, headers=_HEADERS)

    return router

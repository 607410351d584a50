"""Facts of a booking: what a card in the web chat is drawn from (design.md, `facts`)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from booking_core.models import Booking, Service
from bot import phrasing
from bot.actions.contract import Turn


def booking_card(turn: Turn, booking: Booking, *, payment_url: str | None = None) -> dict[str, Any]:
    """Return the card of a booking that exists."""
    return slot_card(
        turn,
        turn.catalog.service(booking.service_id),
        booking.starts,
        booking.ends,
        staff_id=booking.staff_id,
        price=booking.price,
    ) | {"reference": booking.reference, "payment_url": payment_url, "ics_token": booking.ics_token}


def slot_card(
    turn: Turn, service: Service, starts: datetime, ends: datetime, *, staff_id: UUID | None, price: int
) -> dict[str, Any]:
    """Return the card of a booking that is only proposed."""
    return {
        "service": turn.service_name(service),
        "staff": turn.catalog.staff_member(staff_id).name if staff_id else None,
        "start": turn.local(starts).isoformat(),
        "end": turn.local(ends).isoformat(),
        "location": f"{turn.location.name}, {turn.location.address}",
        "reference": None,
        "price": phrasing.money(price, turn.business.currency, turn.locale),
        "payment_url": None,
    }


def summary_line(turn: Turn, service: Service, starts: datetime, *, staff_id: UUID | None) -> str:
    """Return `Haircut with Ana, Tue 24 Nov, 15:00`."""
    name = turn.service_name(service)
    if staff_id is None:
        return turn.words.text(turn.locale, "booking.line", service=name, when=turn.day_and_clock(starts))
    return turn.words.text(
        turn.locale,
        "booking.line_with",
        service=name,
        staff=turn.catalog.staff_member(staff_id).name,
        when=turn.day_and_clock(starts),
    )

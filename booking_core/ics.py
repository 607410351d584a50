"""One booking as a calendar file (RFC 5545), for the customer's own calendar."""

from datetime import UTC, datetime

from booking_core.catalog import Catalog
from booking_core.models import Booking, State

_PRODUCT = "-//Threadbook//Bookings//EN"
#: RFC 5545, section 3.1: lines are at most 75 octets long.
_LONGEST = 75


def booking_ics(
    booking: Booking,
    catalog: Catalog,
    *,
    summary: str,
    now: datetime,
    description: str = "",
    cancelled: bool = False,
) -> str:
    """Return the booking as it stands; a calendar that knows it already updates or removes it (UID, SEQUENCE)."""
    location = catalog.location(booking.location_id)
    status = "CANCELLED" if cancelled else "TENTATIVE" if booking.state == State.HELD else "CONFIRMED"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{_PRODUCT}",
        "CALSCALE:GREGORIAN",
        f"METHOD:{'CANCEL' if cancelled else 'PUBLISH'}",
        "BEGIN:VEVENT",
        f"UID:{booking.id}@threadbook",
        f"SEQUENCE:{booking.version - 1}",
        f"DTSTAMP:{_utc(now)}",
        f"LAST-MODIFIED:{_utc(booking.updated_at)}",
        f"DTSTART:{_utc(booking.starts)}",
        f"DTEND:{_utc(booking.ends)}",
        f"SUMMARY:{_escape(summary)}",
        f"LOCATION:{_escape(f'{location.name}, {location.address}')}",
        f"ORGANIZER;CN={_parameter(catalog.business.name)}:urn:uuid:{catalog.business.id}",
        f"STATUS:{status}",
        f"TRANSP:{'TRANSPARENT' if cancelled else 'OPAQUE'}",
    ]
    if description:
        lines.append(f"DESCRIPTION:{_escape(description)}")
    lines += ["END:VEVENT", "END:VCALENDAR"]
    return "".join(f"{_fold(line)}\r\n" for line in lines)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escape(text: str) -> str:
    """Return text as section 3.3.11 wants it; control characters have no place in it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(letter for letter in text if letter >= " " and letter != "\x7f")


def _parameter(text: str) -> str:
    """Return text as a quoted parameter value (section 3.2), which can hold no quote and no control."""
    return '"' + "".join(letter for letter in text if letter >= " " and letter not in '"\x7f') + '"'


def _fold(line: str) -> str:
    """Break a line after at most 75 octets, never inside a letter; a continuation begins with a space."""
    parts: list[str] = []
    part, size = "", 0
    for letter in line:
        octets = len(letter.encode())
        if size + octets > _LONGEST:
            parts.append(part)
            part, size = " ", 1
        part += letter
        size += octets
    return "\r\n".join([*parts, part])

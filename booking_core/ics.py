"""Bookings as calendar data (RFC 5545): one for a customer's own calendar, many for a person's feed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from booking_core.catalog import Catalog
from booking_core.models import Booking, State
from booking_core.rules.lifecycle import CANCELLED, TENTATIVE

_PRODUCT = "-//Threadbook//Bookings//EN"
#: RFC 5545, section 3.1: lines are at most 75 octets long.
_LONGEST = 75


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a calendar; `uid` and `sequence` let a calendar that knows it update it."""

    uid: str
    sequence: int
    starts: datetime
    ends: datetime
    summary: str
    location: str
    status: str
    changed: datetime
    #: When this text is made; where no METHOD says what it is for, it is the time of the last change.
    stamp: datetime | None = None
    description: str = ""
    organizer: str = ""


def status_of(booking: Booking, *, now: datetime) -> str:
    """Return the STATUS of a booking: tentative until it is firm, cancelled once it will not take place."""
    state = State(booking.state)
    lapsed = booking.hold_expires_at is not None and booking.hold_expires_at <= now
    if lapsed or state in CANCELLED or state == State.EXPIRED:
        return "CANCELLED"
    return "TENTATIVE" if state in TENTATIVE else "CONFIRMED"


def uid_of(booking: Booking, number: int = 0) -> str:
    """Return a booking's UID, the same for ever; where a person has several stretches of it, one for each."""
    return f"{booking.id}{f'.{number}' if number else ''}@threadbook"


def booking_ics(
    booking: Booking,
    catalog: Catalog,
    *,
    summary: str,
    now: datetime,
    description: str = "",
) -> str:
    """Return the booking as it stands; a calendar that knows it already updates or removes it (UID, SEQUENCE).

    A visit of several parts is one event, and so is a rental of several days: it begins at the hour at which
    it is collected.
    """
    location = catalog.location(booking.location_id)
    status = status_of(booking, now=now)
    entry = Entry(
        uid=uid_of(booking),
        sequence=booking.version - 1,
        starts=booking.starts,
        ends=booking.ends,
        summary=summary,
        location=f"{location.name}, {location.address}",
        status=status,
        changed=booking.updated_at,
        stamp=now,
        description=description,
        organizer=f"ORGANIZER;CN={_parameter(catalog.business.name)}:urn:uuid:{catalog.business.id}",
    )
    method = "CANCEL" if status == "CANCELLED" else "PUBLISH"
    return _written([*_head(), f"METHOD:{method}", *_event(entry), "END:VCALENDAR"])


def feed_ics(entries: Iterable[Entry], *, name: str, refresh: timedelta) -> str:
    """Return a calendar to subscribe to; `refresh` is how often it is worth asking again."""
    often = f"PT{int(refresh.total_seconds() // 60)}M"
    lines = [
        *_head(),
        f"NAME:{_escape(name)}",
        f"X-WR-CALNAME:{_escape(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{often}",
        f"X-PUBLISHED-TTL:{often}",
    ]
    for entry in entries:
        lines += _event(entry)
    return _written([*lines, "END:VCALENDAR"])


def _head() -> list[str]:
    return ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{_PRODUCT}", "CALSCALE:GREGORIAN"]


def _event(entry: Entry) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{entry.uid}",
        f"SEQUENCE:{entry.sequence}",
        f"DTSTAMP:{_utc(entry.stamp or entry.changed)}",
        f"LAST-MODIFIED:{_utc(entry.changed)}",
        f"DTSTART:{_utc(entry.starts)}",
        f"DTEND:{_utc(entry.ends)}",
        f"SUMMARY:{_escape(entry.summary)}",
        f"LOCATION:{_escape(entry.location)}",
        f"STATUS:{entry.status}",
        f"TRANSP:{'TRANSPARENT' if entry.status == 'CANCELLED' else 'OPAQUE'}",
    ]
    if entry.organizer:
        lines.append(entry.organizer)
    if entry.description:
        lines.append(f"DESCRIPTION:{_escape(entry.description)}")
    return [*lines, "END:VEVENT"]


def _written(lines: list[str]) -> str:
    return "".join(f"{_fold(line)}\r\n" for line in lines)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escape(text: str) -> str:
    """Return text as section 3.3.11 wants it; control characters have no place in it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(letter for letter in text if letter >= " " and not "\x7f" <= letter <= "\x9f")


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

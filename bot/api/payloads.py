"""What a webhook says: the event and the booking as that change left it, without secrets or anybody's words."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import Uuid
from sqlalchemy.types import TypeEngine

from booking_core.kit.db import UTCDateTime
from booking_core.models import Booking
from bot.api.fields import Shown
from bot.api.models import BookingEvent
from bot.api.shapes_bookings import BookingOut, show_booking
from bot.api.signing import message_id


class EventOut(Shown):
    """Something that happened. Events of one booking are ordered by `sequence`; they may arrive in any order."""

    id: str = Field(description="The same with every attempt, and in the header webhook-id.", examples=["evt_018f6f3e"])
    type: str = Field(examples=["booking.confirmed"])
    timestamp: datetime = Field(description="When it happened.")
    sequence: int = Field(description="Grows with every event; there are gaps.")
    version: int = Field(description="The booking's version that it made or belongs to.")
    actor: str = Field(description="customer, system, staff:... or token:...: who did it.")
    data: BookingOut | None = Field(description="The booking as the change left it.")


def show_event(event: BookingEvent) -> EventOut:
    """Return a numbered event."""
    return EventOut(
        id=message_id(event.id),
        type=event.type or "",
        timestamp=event.at,
        sequence=event.sequence or 0,
        version=event.version,
        actor=event.actor,
        data=show_booking(booking_of(event.booking)) if event.booking else None,
    )


def payload_of(event: BookingEvent) -> bytes:
    """Return a webhook's body: the same bytes with every attempt."""
    said = show_event(event).model_dump(mode="json", exclude={"data": {"answers", "attendees", "calendar_url"}})
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def booking_of(row: dict[str, Any]) -> Booking:
    """Return a booking as it was: of no session, from its row as JSON."""
    columns = Booking.__table__.columns
    return Booking(**{name: _read(columns[name].type, value) for name, value in row.items() if name in columns})


def _read(kind: TypeEngine[Any], value: Any) -> Any:
    if isinstance(kind, Uuid) and isinstance(value, str):
        return UUID(value)
    return datetime.fromisoformat(value) if isinstance(kind, UTCDateTime) and isinstance(value, str) else value

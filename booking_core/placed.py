"""A placement as a booking keeps it, and the request that a booking stands for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from booking_core.catalog import Catalog
from booking_core.models import Booking
from booking_core.requests import Arrangement, VisitRequest
from booking_core.rules.plan import Placement
from booking_core.rules.wallclock import moment_of


def parts_json(placement: Placement) -> list[dict[str, Any]]:
    """Return what happens when, by whom and in which room, as `booking.parts` keeps it."""
    return [
        {
            "service": str(part.service_id),
            "staff": [str(one) for one in part.staff],
            "resources": [{"resource": str(one.resource_id), "unit": one.unit} for one in part.units],
            "person": part.person,
            "starts": moment_of(part.start).isoformat(),
            "ends": moment_of(part.end).isoformat(),
        }
        for part in placement.parts
    ]


def request_of(catalog: Catalog, booking: Booking, *, staff_id: UUID | None = None) -> VisitRequest:
    """Return what would make a booking again somewhere else in time."""
    stays = staff_id is None or catalog.staff_member(staff_id).location_id == booking.location_id
    named = [segment.part_id for segment in catalog.segments(booking.service_id)] or [booking.service_id]
    own = [UUID(part["service"]) for part in booking.parts if part["person"] == 0]
    return VisitRequest(
        service_ids=(booking.service_id, *own[len(named) :]),
        staff_id=staff_id,
        location_id=booking.location_id if stays else None,
        party=booking.party,
        arrangement=Arrangement(booking.arrangement),
        units=booking.units,
        add_on_ids=tuple(UUID(one) for one in booking.add_ons),
    )


def part_times(part: dict[str, Any]) -> tuple[datetime, datetime]:
    """Return from when to when a part lasts."""
    return datetime.fromisoformat(part["starts"]), datetime.fromisoformat(part["ends"])

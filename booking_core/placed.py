"""A placement as a booking keeps it, and the request that a booking stands for."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from booking_core.catalog import Catalog
from booking_core.models import Booking
from booking_core.requests import Arrangement, VisitRequest, as_pairs
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
            **({} if part.package_id is None else {"package": str(part.package_id)}),
        }
        for part in placement.parts
    ]


def request_of(
    catalog: Catalog,
    booking: Booking,
    *,
    staff_id: UUID | None = None,
    staff_by_service: tuple[tuple[UUID, UUID], ...] = (),
) -> VisitRequest:
    """Return what would make a booking again somewhere else in time, by its people where nobody else is named."""
    stays = staff_id is None or catalog.staff_member(staff_id).location_id == booking.location_id
    named = [segment.part_id for segment in catalog.segments(booking.service_id)] or [booking.service_id]
    own = [part for part in booking.parts if part["person"] == 0]
    # The parts of a package are one service again: they may wait for each other, and cost what the package does.
    further = _asked(catalog, own[len(named) :])
    return VisitRequest(
        service_ids=(booking.service_id, *further),
        staff_id=staff_id,
        location_id=booking.location_id if stays else None,
        party=booking.party,
        arrangement=Arrangement(booking.arrangement),
        units=booking.units,
        add_on_ids=tuple(UUID(one) for one in booking.add_ons),
        staff_by_service=staff_by_service,
        kept_staff=people_of(booking.parts),
    )


def _asked(catalog: Catalog, parts: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """Return the services that were asked for, of which these are the parts, in order."""
    asked: list[UUID] = []
    left = 0
    for at, part in enumerate(parts):
        package = part.get("package")
        if package is None:
            asked.append(UUID(part["service"]))
        elif left and package == parts[at - 1].get("package"):
            left -= 1
            continue
        else:
            asked.append(UUID(package))
        left = len(catalog.segments(asked[-1])) - 1 if package else 0
    return asked


def same_people(catalog: Catalog, booking: Booking) -> VisitRequest:
    """Return what would make a booking again by the people who do it, and by nobody else.

    Where one service is done twice by different people it asks for the first person only; of guests who come together
    each has somebody of their own, and whoever is free may be that.
    """
    people = people_of(booking.parts)
    if booking.party > 1 and booking.arrangement == Arrangement.TOGETHER:
        return request_of(catalog, booking)
    if booking.party > 1 or len({part["service"] for part in booking.parts if part["staff"]}) != len(people):
        return request_of(catalog, booking, staff_id=booking.staff_id)
    return request_of(catalog, booking, staff_by_service=people)


def with_person(catalog: Catalog, booking: Booking, staff_id: UUID | None) -> VisitRequest:
    """Return what would make a booking again with a person; its own person brings all who do it with them."""
    several = len({who for _, who in people_of(booking.parts)}) > 1
    if staff_id is not None and staff_id == booking.staff_id and several:
        return same_people(catalog, booking)
    return request_of(catalog, booking, staff_id=staff_id)


def people_of(parts: Iterable[Mapping[str, Any]]) -> tuple[tuple[UUID, UUID], ...]:
    """Return who leads which service of a visit for the first of those who come; without one that several do."""
    leads: dict[UUID, set[UUID]] = {}
    for part in parts:
        if part["person"] == 0 and part["staff"]:
            leads.setdefault(UUID(part["service"]), set()).add(UUID(part["staff"][0]))
    return as_pairs({service_id: next(iter(who)) for service_id, who in leads.items() if len(who) == 1})


def part_times(part: dict[str, Any]) -> tuple[datetime, datetime]:
    """Return from when to when a part lasts."""
    return datetime.fromisoformat(part["starts"]), datetime.fromisoformat(part["ends"])

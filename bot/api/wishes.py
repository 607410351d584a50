"""What a body asks for, in the booking core's words: everything that it names is this business's."""

from collections.abc import Mapping
from uuid import UUID

from booking_core.catalog import Catalog
from booking_core.models import Unit
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from bot.api.call import Call
from bot.api.catalog_routes import known
from bot.api.shapes_bookings import WantedIn


async def wish_of(call: Call, wanted: WantedIn) -> VisitRequest:
    """Return the request; refuses a service, a person or a place that is not there, and hours of what has none."""
    catalog = await call.catalog()
    for service_id in wanted.service_ids:
        known(catalog.service, service_id, "service")
    if wanted.units > 1 and all(catalog.service(one).unit == Unit.VISIT for one in wanted.service_ids):
        # The core counts units only where they are sold; who sends them wants something that would not be booked.
        raise BookingRefused(Reason.TOO_MANY, least=1, most=1, of=Unit.VISIT.value)
    if wanted.staff_id is not None:
        known(catalog.staff_member, wanted.staff_id, "staff")
    known_people(catalog, wanted.staff_by_service)
    if wanted.location_id is not None:
        known(catalog.location, wanted.location_id, "location")
    return wanted.request()


def known_people(catalog: Catalog, staff_by_service: Mapping[UUID, UUID]) -> None:
    """Refuse a service or a person that is not there."""
    for service_id, staff_id in staff_by_service.items():
        known(catalog.service, service_id, "service")
        known(catalog.staff_member, staff_id, "staff")

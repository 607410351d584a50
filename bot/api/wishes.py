"""What a body asks for, in the booking core's words: everything that it names is this business's."""

from booking_core.requests import VisitRequest
from bot.api.call import Call
from bot.api.catalog_routes import known
from bot.api.shapes_bookings import WantedIn


async def wish_of(call: Call, wanted: WantedIn) -> VisitRequest:
    """Return the request; refuses a service, a person or a place that is not there."""
    catalog = await call.catalog()
    for service_id in wanted.service_ids:
        known(catalog.service, service_id, "service")
    if wanted.staff_id is not None:
        known(catalog.staff_member, wanted.staff_id, "staff")
    if wanted.location_id is not None:
        known(catalog.location, wanted.location_id, "location")
    return wanted.request()

"""What a body asks for, in the booking core's words: everything that it names is this business's."""

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
    if wanted.location_id is not None:
        known(catalog.location, wanted.location_id, "location")
    return wanted.request()

"""What a customer has ahead of them."""

from booking_core import booking as bookings
from booking_core import offers
from booking_core.models import Booking
from bot.actions.contract import Turn


async def coming(turn: Turn) -> list[Booking]:
    """Return the customer's bookings that lie ahead, the next one first; what is only offered is not theirs yet."""
    if turn.customer is None:
        return []
    ahead = await bookings.upcoming(turn.session, turn.business.id, turn.customer.id, now=turn.now)
    return await offers.without_offers(turn.session, ahead)

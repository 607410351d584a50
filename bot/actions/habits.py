"""The same as last time: what and with whom, from the customer's last visit."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from booking_core.models import Booking, State
from bot.actions import visits
from bot.actions.contract import ANYONE, Turn
from bot.phrasing import listed

_SAME = ("service", "further", "add_ons")
_KEPT = (State.CONFIRMED.value, State.CHECKED_IN.value, State.COMPLETED.value)


async def last_visit(turn: Turn) -> Booking | None:
    """Return the customer's last visit, or else the booking that is next."""
    if turn.customer is None:
        return None
    mine = select(Booking).where(
        Booking.business_id == turn.business.id, Booking.customer_id == turn.customer.id, Booking.state.in_(_KEPT)
    )
    past = mine.where(Booking.starts <= turn.now).order_by(Booking.starts.desc()).limit(1)
    return await turn.session.scalar(past) or await turn.session.scalar(mine.order_by(Booking.starts).limit(1))


async def take_last(turn: Turn, remember: dict[str, Any], *, same_person: bool) -> Mapping[str, Any]:
    """Fill service and person from the last visit; returns what is said about it."""
    last = await last_visit(turn)
    known = {one.id for one in turn.catalog.services}
    if last is None or last.service_id not in known:
        return turn.say("habit.none", act="info")
    remember |= {key: one for key, one in visits.booked_visit(turn.catalog, last).items() if key in _SAME}
    service = turn.service_name(turn.catalog.service(last.service_id))
    able = {str(one) for one in turn.catalog.staff_for(last.service_id)}
    if not same_person or last.staff_id is None or str(last.staff_id) not in able:
        return turn.say("habit.found", act="info", service=service)
    parts = visits.people_kept(last).get("kept")
    remember |= {"staff": ANYONE if parts else str(last.staff_id), "staff_by_service": parts}
    people = [UUID(one) for one in dict.fromkeys(parts.values())] if parts else [last.staff_id]
    staff = listed([turn.catalog.staff_member(one).name for one in people], turn.locale)
    return turn.say("habit.found_with", act="info", service=service, staff=staff)

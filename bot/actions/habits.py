"""The same as last time: what and with whom, from the customer's last visit."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from booking_core.models import Booking, State
from booking_core.placed import request_of
from bot.actions import cards, visits
from bot.actions.contract import ANYONE, Turn

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
    request = request_of(turn.catalog, last)
    service = cards.visit_name(turn, request.service_ids)
    able = {str(one) for one in turn.catalog.staff_for(last.service_id)}
    if not same_person or last.staff_id is None or str(last.staff_id) not in able:
        return turn.say("habit.found", act="info", service=service)
    if visits.people_kept(last):  # each part with its own person
        remember |= {"staff": ANYONE, "staff_by_service": visits.people_kept(last)["kept"]}
        named = replace(request, add_on_ids=(), staff_by_service=request.kept_staff)
        return turn.say("habit.found", act="info", service=cards.wish_name(turn, named))
    remember["staff"] = str(last.staff_id)
    staff = turn.catalog.staff_member(last.staff_id).name
    return turn.say("habit.found_with", act="info", service=service, staff=staff)

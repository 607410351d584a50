"""Every refusal of the booking core in a sentence: what cannot be, before what can."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from booking_core.refusals import Reason
from booking_core.requests import VisitRequest
from bot.actions import cards, visits
from bot.actions.contract import Turn


def sentence(
    turn: Turn, why: str | None, *, when: datetime | None, data: Mapping[str, Any], request: VisitRequest
) -> dict[str, Any]:
    """Return why a time (or everything) is refused; `when` is None where no time would do."""
    service = turn.catalog.service(request.service_id)
    named = cards.visit_name(turn, request.service_ids)
    moment = turn.day_and_clock(when) if when is not None else ""
    if why == Reason.TOO_MANY:
        most = data.get("most", 1)
        key = "refused.too_many_together" if data.get("of") == "together" else "refused.too_many"
        return turn.say(key, act="info", most=most, service=named)
    if why == Reason.STAFF_CANNOT:
        return turn.say("refused.staff_cannot", act="info")
    if why == Reason.SOLD_OUT and request.party > 1:
        return turn.say("refused.few_seats", act="info", when=moment)
    if why == Reason.OUTSIDE_HOURS and service.capacity > 1:
        return turn.say("refused.no_class", act="info", service=named, when=moment)
    if why == Reason.OUTSIDE_HOURS and service.unit in visits.BY_THE_DAY and when is not None:
        return turn.say("refused.rental_hours", act="info", when=turn.day(when))
    if service.unit in visits.BY_THE_DAY and when is not None:
        moment = turn.day(when)
    if why == Reason.LIMIT_REACHED and when is not None:
        return turn.say("refused.limit_reached", act="info", service=named, when=turn.day(when))
    key = f"refused.{why or Reason.STAFF_BUSY.value}"
    if not turn.words.has(key):
        key = "refused.staff_busy"
    return turn.say(key, act="info", when=moment)

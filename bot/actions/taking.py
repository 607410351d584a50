"""What begins, fills and ends a task in the form: shared by words and taps."""

from collections.abc import Mapping
from typing import Any

from booking_core.models import Booking
from bot.actions import visits
from bot.actions.contract import Turn, forget_task
from bot.actions.settling import DONE
from nlu.contract import Answer


def take_booking(turn: Turn, booking: Booking, slots: Mapping[str, Any], remember: dict[str, Any]) -> None:
    """Prefill the form from the booking that is moved or cancelled."""
    task = slots["task"]
    memo = dict(remember.get("memo") or slots.get("memo") or {})
    memo |= {"was": booking.starts.isoformat(), "version": booking.version}
    visit = visits.booked_visit(turn.catalog, booking)
    memo |= visits.people_kept(booking)
    if slots.get("staff") is not None:
        del visit["staff"], visit["staff_by_service"]
    elif task == "move":
        memo["or_anyone"] = True  # the same person if possible, else whoever has the time that is wished for
    remember |= visit | {
        "booking": str(booking.id),
        "details": DONE,
        "customer_name": (turn.customer.name if turn.customer else None) or "-",
        "memo": memo,
    }
    turn.place = turn.catalog.location(booking.location_id)
    if task == "cancel":
        staff = str(booking.staff_id) if booking.staff_id else None
        remember["slot"] = {"starts": booking.starts.isoformat(), "staff": staff}


def fresh_task(turn: Turn) -> dict[str, Any]:
    """Return the slots of a booking that begins."""
    name = turn.customer.name if turn.customer else None
    return {"task": "book", "booking": "new", "customer_name": name, "memo": {}}


def declined(turn: Turn, slots: Mapping[str, Any]) -> Answer:
    """Act on a no to a summary: ask what to change, or leave everything as it is."""
    if slots["task"] == "book":
        return Answer(remember={"memo": dict(slots.get("memo") or {}) | {"changing": True}})
    key = "cancel.kept" if slots["task"] == "cancel" else "move.kept"
    return Answer(say=(turn.say(key, act="info"),), remember=forget_task(), leave_form=True)

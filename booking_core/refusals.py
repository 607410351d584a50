"""Why a booking cannot be: a reason and data, never words."""

from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Every refusal of the booking core."""

    TOO_SOON = "too_soon"  # inside the lead time; data: earliest
    TOO_FAR = "too_far"  # beyond the booking window; data: latest
    PAST = "past"
    OUTSIDE_HOURS = "outside_hours"
    OFF_GRID = "off_grid"  # free, but no visit begins at this minute
    STAFF_AWAY = "staff_away"
    STAFF_BUSY = "staff_busy"
    RESOURCE_BUSY = "resource_busy"  # no room, chair or machine; data: kind
    SOLD_OUT = "sold_out"  # no seat is left in the class; data: left, the seats that are
    LIMIT_REACHED = "limit_reached"  # enough for that day or week; data: period
    HELD = "held"  # somebody else's hold is on it
    STAFF_CANNOT = "staff_cannot"  # this person does not do this service, or not at this place
    TOO_MANY = "too_many"  # more people, or more days, than the service takes; data: most
    NEEDS_ANSWERS = "needs_answers"  # intake questions are open; data: questions
    NOT_NOW = "not_now"  # the state does not allow the move; data: state, move
    CHANGED = "changed"  # another version than the caller saw; data: version
    TOO_LATE_TO_CHANGE = "too_late_to_change"
    KEY_REUSED = "key_reused"  # the idempotency key belongs to another command
    UNKNOWN = "unknown"  # no such service, staff or booking of this business


class BookingRefused(Exception):
    """A booking command was refused; nothing was changed."""

    def __init__(self, reason: Reason, **data: Any) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.data = data

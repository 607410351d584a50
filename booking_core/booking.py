"""The commands on a booking: hold, confirm, move, cancel, and what becomes of it.

A booking's version counts what its customer was told: it is 1 from the hold on, and grows when the
booking is moved or cancelled. Reminders and calendar files (SEQUENCE) belong to a version, so a
confirmation, which changes neither time nor place, leaves it alone. Every change is in the audit.
"""

from booking_core.changing import Cancellation, cancel, release, reschedule
from booking_core.firm import approve, confirm, decline, prolong, retake
from booking_core.giving import Give, give
from booking_core.holds import expire_due
from booking_core.making import hold
from booking_core.records import find_by_ics_token, load, on_day, upcoming
from booking_core.reminders import check_reminder, take_due_reminders
from booking_core.visits import check_in, complete, confirm_attendance, mark_no_show, undo_check_in

__all__ = [
    "Cancellation",
    "Give",
    "approve",
    "cancel",
    "check_in",
    "check_reminder",
    "complete",
    "confirm",
    "confirm_attendance",
    "decline",
    "expire_due",
    "find_by_ics_token",
    "give",
    "hold",
    "load",
    "mark_no_show",
    "on_day",
    "prolong",
    "release",
    "reschedule",
    "retake",
    "take_due_reminders",
    "undo_check_in",
    "upcoming",
]

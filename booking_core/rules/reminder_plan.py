"""When to remind of a booking, and how late is too late."""

from dataclasses import dataclass
from datetime import datetime, timedelta

#: Hours before the start.
LEADS = (24, 2)


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    """One reminder: its kind, such as `24h`, and when it is due."""

    kind: str
    due_at: datetime


def plan_reminders(starts: datetime, *, now: datetime, leads: tuple[int, ...] = LEADS) -> list[PlannedReminder]:
    """Return the reminders that still lie ahead."""
    planned = [PlannedReminder(f"{hours}h", starts - timedelta(hours=hours)) for hours in leads]
    return [one for one in planned if one.due_at > now]


def lead_of(kind: str) -> timedelta:
    """Return how long before the start a kind of reminder is due."""
    return timedelta(hours=int(kind.removesuffix("h")))


def still_useful(kind: str, *, due_at: datetime, starts: datetime, now: datetime) -> bool:
    """Whether a reminder may still go out: before the start, and not later than half its lead."""
    return now < starts and now - due_at <= lead_of(kind) / 2

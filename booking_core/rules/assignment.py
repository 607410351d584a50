"""Who gets a booking when anyone will do: whoever has least to do that day."""

from collections.abc import Sequence
from uuid import UUID

from booking_core.rules.availability import StaffTime
from booking_core.rules.spans import Span


def by_load(people: Sequence[StaffTime], day: Span, *, first: UUID | None = None) -> list[StaffTime]:
    """Return people with the least busy of the day first; equal ones stay in the house's order.

    `first` is who should do it if they can: a booking that moves stays with its person.
    """
    return sorted(people, key=lambda time: (time.staff_id != first, load(time, day)))


def load(time: StaffTime, day: Span) -> int:
    """Return how many minutes of a day are taken."""
    return sum(max(0, min(end, day[1]) - max(start, day[0])) for start, end in (*time.booked, *time.held))

"""At which minutes of a free span a visit may begin."""

from collections.abc import Callable
from enum import StrEnum

from booking_core.rules.spans import Span

_STEPS = (60, 30, 20, 15, 10, 5)
_TIDY = (60, 15, 5)


class Grid(StrEnum):
    """How starts are laid into a free span. They depend on the span only, never on who asks or when."""

    #: The first start is the next one on the location's hour grid; the others follow by the interval.
    HOUR = "hour"
    #: The first start is the span's own beginning.
    RANGE = "range"
    #: As many starts as fit from the beginning; moved to a tidy minute only if none is lost by it.
    PACKED = "packed"


def step_of(interval: int) -> int:
    """Return the hour grid's step for an interval: the largest usual one that divides it, else 1."""
    return next((step for step in _STEPS if interval % step == 0), 1)


def starts_in(
    free: Span, *, duration: int, interval: int, grid: Grid = Grid.HOUR, offset_at: Callable[[int], int]
) -> range:
    """Return every start in a free span; `offset_at` tells the lead on UTC of the clock whose times are round."""
    first, end = free
    last = end - duration
    match grid:
        case Grid.HOUR:
            first = _round_up(first, step_of(interval), offset_at)
        case Grid.PACKED if first <= last:
            spare = (last - first) % interval
            tidy = (_round_up(first, step, offset_at) for step in _TIDY)
            first = next((start for start in tidy if start - first <= spare), first)
        case _:
            pass
    return range(first, last + 1, interval)


def on_clock_grid(start: int, *, interval: int, offset_at: Callable[[int], int]) -> bool:
    """Whether a start lies on the hour grid, whatever the bookings around it have made of the list."""
    return (start + offset_at(start)) % step_of(interval) == 0


def _round_up(minute: int, step: int, offset_at: Callable[[int], int]) -> int:
    if step == 1:
        return minute
    # A clock change on the way may move the grid once: then round again.
    while late := (minute + offset_at(minute)) % step:
        minute += step - late
    return minute

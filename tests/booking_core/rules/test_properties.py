"""What holds for all hours and bookings of one person and one service."""

import random

from hypothesis import given
from hypothesis import strategies as st

from booking_core.rules.grid import Grid
from booking_core.rules.spans import Span
from tests.booking_core.rules.plans import EVER, Need, search_of
from tests.booking_core.rules.strategies import SPANS, minutes

NEEDS = st.builds(
    Need,
    duration=st.integers(1, 180),
    before=st.sampled_from([0, 5, 30]),
    after=st.sampled_from([0, 10, 45]),
    interval=st.sampled_from([5, 7, 15, 20, 30, 45, 60, 90]),
    grid=st.sampled_from(Grid),
)
TZ = st.sampled_from(["UTC", "Asia/Kolkata", "Asia/Kathmandu"])


@given(TZ, SPANS, SPANS, SPANS, NEEDS, st.randoms(use_true_random=False))
def test_listed_starts_are_free_whatever_order_the_calendar_has(
    tz: str, working: list[Span], booked: list[Span], held: list[Span], need: Need, chance: random.Random
) -> None:
    search = search_of(need, working, booked, held, tz=tz)
    starts = search.starts([EVER])
    assert starts == sorted(set(starts))
    taken = minutes(booked) | minutes(held)
    for start in starts:
        assert search.why_not(start) is None
        assert set(range(start, start + need.duration)) <= minutes(working)
        assert not taken & set(range(start - need.before, start + need.duration + need.after))
    for spans in (working, booked, held):
        chance.shuffle(spans)
    assert search_of(need, working, booked, held, tz=tz).starts([EVER]) == starts


@given(SPANS, SPANS, SPANS, NEEDS, st.integers(0, 1500))
def test_a_booking_never_makes_room(
    working: list[Span], booked: list[Span], more: list[Span], need: Need, start: int
) -> None:
    if search_of(need, working, [*booked, *more]).why_not(start) is None:
        assert search_of(need, working, booked).why_not(start) is None


@given(SPANS, SPANS, NEEDS)
def test_what_is_feasible_on_the_packed_grid_is_no_less_than_on_the_range_grid(
    working: list[Span], booked: list[Span], need: Need
) -> None:
    sizes = {
        grid: len(
            search_of(
                Need(need.duration, need.before, need.after, need.interval, grid), working, booked
            ).starts([EVER])
        )
        for grid in Grid
    }  # fmt: skip
    assert sizes[Grid.PACKED] == sizes[Grid.RANGE] >= sizes[Grid.HOUR]

"""What holds for all spans, schedules and services."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from booking_core.rules.availability import Need, StaffTime, free_starts, why_not
from booking_core.rules.grid import Grid
from booking_core.rules.spans import Span, around, length, merge, overlap, subtract
from tests.booking_core.rules.test_availability import ANA

SPANS = st.lists(
    st.tuples(st.integers(0, 1440), st.integers(1, 300)).map(lambda one: (one[0], one[0] + one[1])), max_size=8
)
NEEDS = st.builds(
    Need,
    duration=st.integers(1, 180),
    before=st.sampled_from([0, 5, 30]),
    after=st.sampled_from([0, 10, 45]),
    interval=st.sampled_from([5, 7, 15, 20, 30, 45, 60, 90]),
    grid=st.sampled_from(Grid),
)
TZ = st.sampled_from(["UTC", "Asia/Kolkata", "Asia/Kathmandu"])
EVER = [(-(10**6), 10**6)]


def minutes(spans: list[Span]) -> set[int]:
    return {minute for start, end in spans for minute in range(start, end)}


@given(SPANS, SPANS)
def test_spans_are_sets_of_minutes(one: list[Span], other: list[Span]) -> None:
    merged, taken = merge(one), merge(other)
    assert minutes(merged) == minutes(one)
    assert length(merged) == len(minutes(one))
    assert all(first[1] < second[0] for first, second in itertools.pairwise(merged))
    left = subtract(merged, taken)
    assert minutes(left) == minutes(one) - minutes(other)
    assert merge(left) == left


@given(SPANS, st.integers(0, 1500), st.integers(1, 200))
def test_looking_into_spans(spans: list[Span], start: int, size: int) -> None:
    wanted = set(range(start, start + size))
    assert (around(merge(spans), start, start + size) is not None) == (wanted <= minutes(spans))
    assert overlap(spans, start, start + size) == bool(wanted & minutes(spans))


@given(TZ, SPANS, SPANS, SPANS, NEEDS, st.randoms(use_true_random=False))
def test_listed_starts_are_free_whatever_order_the_calendar_has(
    tz: str, working: list[Span], booked: list[Span], held: list[Span], need: Need, chance: random.Random
) -> None:
    time = StaffTime(ANA, tz, merge(working), (), merge(booked), merge(held))
    starts = free_starts(time, need, EVER)
    assert starts == sorted(set(starts))
    taken = minutes(booked) | minutes(held)
    for start in starts:
        assert why_not(time, need, start) is None
        assert set(range(start, start + need.duration)) <= minutes(working)
        assert not taken & set(range(start - need.before, start + need.duration + need.after))
    for spans in (working, booked, held):
        chance.shuffle(spans)
    assert free_starts(StaffTime(ANA, tz, merge(working), (), merge(booked), merge(held)), need, EVER) == starts


@given(SPANS, SPANS, SPANS, NEEDS, st.integers(0, 1500))
def test_a_booking_never_makes_room(
    working: list[Span], booked: list[Span], more: list[Span], need: Need, start: int
) -> None:
    before = StaffTime(ANA, "UTC", merge(working), (), merge(booked))
    after = StaffTime(ANA, "UTC", merge(working), (), merge([*booked, *more]))
    if why_not(after, need, start) is None:
        assert why_not(before, need, start) is None


@given(SPANS, SPANS, NEEDS)
def test_what_is_feasible_on_the_packed_grid_is_no_less_than_on_the_range_grid(
    working: list[Span], booked: list[Span], need: Need
) -> None:
    time = StaffTime(ANA, "UTC", merge(working), (), merge(booked))
    sizes = {
        grid: len(free_starts(time, Need(need.duration, need.before, need.after, need.interval, grid), EVER))
        for grid in Grid
    }
    assert sizes[Grid.PACKED] == sizes[Grid.RANGE] >= sizes[Grid.HOUR]

"""Spans are sets of minutes: every operation says what the sets say."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from booking_core.rules.availability import clip_spans
from booking_core.rules.spans import (
    Span,
    around,
    at_least,
    intersect,
    length,
    merge,
    overlap,
    starts_that_fit,
    subtract,
)
from tests.booking_core.rules.strategies import SPANS, minutes


def apart(spans: list[Span]) -> bool:
    """Whether spans are sorted and neither touch nor overlap, and none is empty."""
    return all(start < end for start, end in spans) and all(
        first[1] < second[0] for first, second in itertools.pairwise(spans)
    )


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


@given(SPANS, SPANS)
def test_what_lies_in_both(one: list[Span], other: list[Span]) -> None:
    both = intersect(merge(one), merge(other))
    assert minutes(both) == minutes(one) & minutes(other)
    assert apart(both)
    assert both == intersect(merge(other), merge(one))


@given(st.integers(1, 5), st.lists(SPANS, max_size=5))
def test_what_lies_in_so_many(count: int, many: list[list[Span]]) -> None:
    depth = Counter(minute for spans in many for minute in minutes(spans))
    found = at_least(count, [merge(spans) for spans in many])
    assert minutes(found) == {minute for minute, times in depth.items() if times >= count}
    assert apart(found)


@given(SPANS, st.integers(0, 60), st.integers(0, 90))
def test_starts_that_fit_are_those_whose_every_minute_is_free(spans: list[Span], first: int, size: int) -> None:
    free = merge(spans)
    found = minutes(starts_that_fit(free, first, first + size))
    inside = minutes(free)
    if size:
        assert found == {
            start for start in range(-100, 1900) if set(range(start + first, start + first + size)) <= inside
        }
    else:  # what takes no time needs no more than a moment, and the end of a span is one
        assert found == {minute - first for minute in inside | {end for _, end in free}}


@given(SPANS, st.integers(-10, 1800), st.integers(-10, 1800))
def test_clipping(spans: list[Span], first: int, last: int) -> None:
    assert minutes(clip_spans(spans, first, last)) == minutes(spans) & set(range(first, last))


@given(st.lists(SPANS, max_size=4))
def test_the_order_of_spans_is_nothing(many: list[list[Span]]) -> None:
    for spans in many:
        assert merge(spans[::-1]) == merge(spans) == merge(merge(spans))
    assert at_least(2, map(merge, many)) == at_least(2, map(merge, many[::-1]))

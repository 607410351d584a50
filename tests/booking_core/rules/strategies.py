"""Random spans of time."""

from collections.abc import Iterable

from hypothesis import strategies as st

from booking_core.rules.spans import Span

SPANS = st.lists(
    st.tuples(st.integers(0, 1440), st.integers(1, 300)).map(lambda one: (one[0], one[0] + one[1])), max_size=8
)


def minutes(spans: Iterable[Span]) -> set[int]:
    """Return every minute of spans."""
    return {minute for start, end in spans for minute in range(start, end)}

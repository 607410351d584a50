"""What holds for all hours and bookings of one person and one service."""

import random
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from booking_core.rules.availability import Search, spans_of
from booking_core.rules.grid import Grid
from booking_core.rules.placing import Placer
from booking_core.rules.plan import Times
from booking_core.rules.policy import Buffers
from booking_core.rules.spans import Span, merge, overlap
from booking_core.rules.wallclock import moment_of
from tests.booking_core.rules.plans import ANA, EVER, Need, need, person, plan_of, search_of
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


VISITS = st.lists(
    st.tuples(st.integers(0, 70), st.integers(1, 12), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12
)


@given(VISITS, st.sampled_from(Buffers))
def test_what_lies_between_two_visits_of_one_person(wishes: list[tuple[int, int, int, int]], buffers: Buffers) -> None:
    """Both buffers, or the longer of the two: whoever comes in which order, and no minute more than that."""
    made: list[tuple[int, int, int, int]] = []
    times = Times()
    for start, length, before, after in wishes:
        plan = plan_of(need(length, 1, before, after, buffers=buffers), person(ANA, [(0, 90)]))
        placement = Placer(Search(plan, times, EVER).at()).place(start)
        fits = start + length <= 90 and all(
            _apart((start, length, before, after), other, buffers)
            and _apart(other, (start, length, before, after), buffers)
            for other in made
        )
        assert (placement is not None) == fits
        if placement is not None:
            made.append((start, length, before, after))
            booked = {number: list(spans) for number, spans in times.booked.items()}
            for number, first, last in placement.claims:
                assert not overlap(booked.get(number, ()), first, last)
                booked[number] = merge([*booked.get(number, ()), (first, last)])
            times = Times(booked)


def _apart(one: tuple[int, int, int, int], other: tuple[int, int, int, int], buffers: Buffers) -> bool:
    """Whether there is time enough between two visits, if the one begins first."""
    if (one[0], one[1]) > (other[0], other[1]):
        return True
    between = other[0] - (one[0] + one[1])
    return between >= (one[3] + other[2] if buffers == Buffers.SUM else max(one[3], other[2]))


@given(
    TZ,
    SPANS,
    SPANS,
    NEEDS,
    st.lists(st.tuples(st.integers(0, 1500), st.integers(2, 400)), max_size=4),
    st.sampled_from(["UTC", "Pacific/Pago_Pago", "Asia/Kolkata", "Pacific/Kiritimati"]),
)
def test_the_viewers_zone_is_nothing(
    tz: str, working: list[Span], booked: list[Span], wanted: Need, asked: list[tuple[int, int]], viewer: str
) -> None:
    """Windows are moments, whatever clock they are told by: the same instants are listed for everybody."""
    search = search_of(wanted, working, booked, tz=tz)
    windows = [(moment_of(start), moment_of(start + size)) for start, size in asked]
    seen = [tuple(moment.astimezone(ZoneInfo(viewer)) for moment in window) for window in windows]
    assert spans_of(seen, 10**6) == spans_of(windows, 10**6) == merge((start, start + size) for start, size in asked)
    assert search.starts(spans_of(seen, 10**6)) == [
        start for start in search.starts([EVER]) if overlap(spans_of(windows, 10**6), start, start + 1)
    ]

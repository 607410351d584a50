"""Which free time suits whom, and until when an offer is held."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core.kit.ids import new_id
from booking_core.rules.availability import Slot
from booking_core.rules.waitlist import Wish, earliest_offer, offer_until, searched, wanted_slots

TZ = "Europe/Madrid"
ANA = new_id()


def at(day: int, clock: str) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 11, day, hour, minute, tzinfo=ZoneInfo(TZ))


def slot(day: int, clock: str, waste: int = 0, minutes: int = 60) -> Slot:
    starts = at(day, clock)
    return Slot(starts=starts, ends=starts + timedelta(minutes=minutes), staff_id=ANA, waste=waste)


SATURDAY = (at(28, "00:00"), at(29, "00:00"))
FRIDAY_LATE = (at(27, "16:00"), at(27, "20:00"))


def test_the_better_window_comes_first_whatever_the_clock_says() -> None:
    wish = Wish((SATURDAY, FRIDAY_LATE))
    free = [slot(27, "16:00"), slot(27, "15:00"), slot(28, "11:00"), slot(28, "10:00")]
    assert [one.starts for one in wanted_slots(wish, free)] == [at(28, "10:00"), at(28, "11:00"), at(27, "16:00")]


def test_gaps_that_help_nobody_are_avoided_within_a_window() -> None:
    found = wanted_slots(Wish((SATURDAY,)), [slot(28, "10:00", waste=30), slot(28, "11:00")])
    assert [one.starts for one in found] == [at(28, "11:00"), at(28, "10:00")]


def test_a_window_ends_before_its_end() -> None:
    wish = Wish((FRIDAY_LATE,))
    assert wish.preference(at(27, "16:00")) == 0
    assert wish.preference(at(27, "20:00")) is None


def test_what_was_let_go_is_not_offered_again() -> None:
    wish = Wish.of(Wish((SATURDAY,)).kept(), [at(28, "10:00").astimezone(UTC).isoformat()])
    assert [one.starts for one in wanted_slots(wish, [slot(28, "10:00"), slot(28, "11:00")])] == [at(28, "11:00")]


def test_nor_is_what_is_much_the_same() -> None:
    wish = Wish((SATURDAY,), frozenset({at(28, "10:00")}))
    short = [slot(28, clock, minutes=20) for clock in ("09:35", "09:45", "10:15", "10:20")]
    assert [one.starts for one in wanted_slots(wish, short)] == [at(28, "09:35"), at(28, "10:20")]
    long = [slot(28, clock, minutes=120) for clock in ("10:15", "10:30")]
    assert [one.starts for one in wanted_slots(wish, long)] == [at(28, "10:30")]


def test_whoever_is_here_anyway_cannot_come_twice() -> None:
    busy = [(at(28, "10:30"), at(28, "11:30"))]
    free = [slot(28, "10:00"), slot(28, "11:00"), slot(28, "11:30"), slot(28, "09:30")]
    assert [one.starts for one in wanted_slots(Wish((SATURDAY,)), free, busy=busy)] == [
        at(28, "09:30"),
        at(28, "11:30"),
    ]


def test_only_what_became_free_is_searched() -> None:
    wish = Wish((SATURDAY, FRIDAY_LATE))
    near = (at(27, "18:00"), at(28, "12:00"))
    assert searched(wish, earliest=at(28, "09:00"), within=near) == [(at(28, "09:00"), at(28, "12:00"))]
    assert searched(wish, earliest=at(1, "09:00")) == [SATURDAY, FRIDAY_LATE]
    assert searched(wish, earliest=at(29, "09:00")) == []


@pytest.mark.parametrize(
    ("now", "starts", "until"),
    [
        ((27, "10:00"), (28, "10:00"), (27, "10:30")),  # by day: the usual minutes
        ((27, "21:29"), (28, "10:00"), (27, "21:59")),
        ((27, "21:30"), (28, "12:00"), (28, "09:00")),  # at night: the usual minutes of the morning
        ((28, "02:00"), (28, "12:00"), (28, "09:00")),
        ((28, "08:29"), (28, "12:00"), (28, "09:00")),
        ((28, "02:00"), (28, "09:30"), (28, "08:30")),  # not into the lead time of an early start
        ((28, "02:00"), (28, "03:15"), (28, "02:30")),  # and never less than usual
    ],
)
def test_an_offer_can_be_answered(now: tuple[int, str], starts: tuple[int, str], until: tuple[int, str]) -> None:
    assert offer_until(at(*now), at(*starts), tz=TZ, offer_minutes=30, lead_time=60) == at(*until)


@given(
    st.integers(0, 2 * 366 * 24 * 60).map(lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)),
    st.integers(0, 60 * 24 * 3),
    st.integers(5, 60 * 24),
    st.integers(0, 60 * 24),
    st.sampled_from(["Europe/Madrid", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
)
def test_an_offer_ends_before_its_start_and_is_never_short(
    now: datetime, ahead: int, minutes: int, lead: int, tz: str
) -> None:
    starts = earliest_offer(now, minutes) + timedelta(minutes=ahead)
    until = offer_until(now, starts, tz=tz, offer_minutes=minutes, lead_time=lead)
    assert now + timedelta(minutes=minutes) <= until <= starts

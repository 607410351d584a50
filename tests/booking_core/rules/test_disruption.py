"""Which visits an absence hits, where else to look first, and how long that is held."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core.kit.ids import new_id
from booking_core.rules.availability import Slot
from booking_core.rules.disruption import held_until, is_hit, left_to_take, nearest, searches, unlike

NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
ANA, BRUNO, ROOM = new_id(), new_id(), new_id()
SERVICE = {"service": "x", "person": 0}


def hours(number: float) -> datetime:
    return NOW + timedelta(hours=number)


def part(first: float, last: float, *staff: object, room: bool = False) -> dict[str, object]:
    return {
        "staff": [str(one) for one in staff],
        "resources": [{"resource": str(ROOM), "unit": 0}] if room else [],
        "starts": hours(first).isoformat(),
        "ends": hours(last).isoformat(),
    }


def test_only_a_part_that_needs_them_is_hit() -> None:
    visit = [part(2, 3, ANA), part(3, 4, BRUNO, room=True)]
    assert is_hit(visit, ANA, (hours(0), hours(9)))
    assert is_hit(visit, BRUNO, (hours(3.5), hours(3.75)))
    assert is_hit(visit, ROOM, (hours(3.5), hours(9)))
    assert not is_hit(visit, ANA, (hours(3), hours(9)))  # touching is not overlapping
    assert not is_hit(visit, ROOM, (hours(0), hours(3)))


def test_the_time_matters_more_to_whoever_asked_for_nobody() -> None:
    first, *others = searches(hours(26), now=NOW, offer_minutes=30, asked_for=False)
    assert (first.same_person, first.window) == (False, (hours(26), hours(26) + timedelta(minutes=1)))
    assert [one.same_person for one in others] == [True, False] * 3


def test_the_person_matters_more_to_whoever_asked_for_them() -> None:
    found = list(searches(hours(26), now=NOW, offer_minutes=30, asked_for=True))
    assert [one.same_person for one in found] == [True] * 3 + [False] * 4
    assert found[3].window[0] == hours(26)


def test_nothing_is_searched_that_could_not_be_answered() -> None:
    for one in searches(hours(0.25), now=NOW, offer_minutes=30, asked_for=False):
        assert one.window[0] >= hours(0.5)


def test_nearest_first_and_rather_later() -> None:
    free = [Slot(hours(n), hours(n + 1), ANA) for n in (1, 3, 5, 9)]
    assert [one.starts for one in nearest(free, hours(4))] == [hours(5), hours(3), hours(1), hours(9)]


@pytest.mark.parametrize(
    ("was", "starts", "until"),
    [
        (100, 120, 24),  # plenty of time: a day
        (10, 30, 9),  # until an hour before the time that is lost
        (30, 10, 9),  # or the one that is offered
        (1, 30, 0.5),  # short notice: as long as every offer
    ],
)
def test_how_long_it_is_held(was: float, starts: float, until: float) -> None:
    assert held_until(NOW, was=hours(was), starts=hours(starts), offer_minutes=30) == hours(until)


@given(st.integers(-60, 60 * 24 * 40), st.integers(0, 60 * 24 * 40), st.integers(5, 60 * 24), st.booleans())
def test_whatever_is_found_can_be_answered(was_in: int, later: int, minutes: int, asked_for: bool) -> None:
    was = NOW + timedelta(minutes=was_in)
    for one in searches(was, now=NOW, offer_minutes=minutes, asked_for=asked_for):
        starts = min(one.window[0] + timedelta(minutes=later), one.window[1] - timedelta(minutes=1))
        until = held_until(NOW, was=was, starts=starts, offer_minutes=minutes)
        assert NOW + timedelta(minutes=minutes) <= until <= max(starts, NOW + timedelta(minutes=minutes))


def test_what_one_has_already_is_not_taken_again() -> None:
    claims = [(7, 60, 120), (9, 60, 90), (9, 90, 130), (3, 0, 10)]
    assert left_to_take(claims, {7: [(60, 120)], 9: [(80, 100)]}) == ((3, 0, 10), (9, 60, 80), (9, 100, 130))
    assert left_to_take(claims, {}) == ((3, 0, 10), (7, 60, 120), (9, 60, 130))


def test_a_plan_that_keeps_more_of_the_visit_is_liker_to_it() -> None:
    cut, colour = part(2, 3, ANA) | SERVICE, part(3, 4, BRUNO) | SERVICE
    assert unlike([cut, colour], [cut, colour]) == 0
    assert unlike([cut, colour], [part(2, 3, BRUNO) | SERVICE, colour]) == 1

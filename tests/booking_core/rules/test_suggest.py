"""Which few of many times are offered."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from booking_core.rules.availability import Slot
from booking_core.rules.suggest import suggest
from tests.booking_core.rules.plans import ANA, BRUNO

DAY = datetime(2026, 11, 24, tzinfo=UTC)


def slot(hour: float, *, staff: UUID = ANA, waste: int = 0) -> Slot:
    starts = DAY + timedelta(hours=hour)
    return Slot(starts, starts + timedelta(minutes=30), staff, waste)


def hours(slots: list[Slot]) -> list[float]:
    return [(one.starts - DAY) / timedelta(hours=1) for one in slots]


EVERY_QUARTER = [slot(9 + quarter / 4) for quarter in range(40)]


def test_the_wish_comes_first_and_the_others_are_near_and_apart() -> None:
    found = hours(suggest(EVERY_QUARTER, wish=DAY + timedelta(hours=15)))
    assert found[0] == 15
    assert all(1 <= abs(hour - 15) <= 1.5 for hour in found[1:])
    assert abs(found[1] - found[2]) >= 1


def test_a_wish_that_is_taken_gets_its_neighbours() -> None:
    free = [one for one in EVERY_QUARTER if not 14.5 < hours([one])[0] < 15.5]
    found = hours(suggest(free, wish=DAY + timedelta(hours=15)))
    assert set(found[:2]) == {14.5, 15.5}


def test_without_a_wish_early_and_spread() -> None:
    assert hours(suggest(EVERY_QUARTER, wish=None)) == [9, 11, 13]


def test_useless_gaps_come_last() -> None:
    free = [slot(9, waste=20), slot(9.25), slot(14)]
    assert hours(suggest(free, wish=None, count=1)) == [9.25]
    assert hours(suggest(free, wish=DAY + timedelta(hours=9), count=1)) == [9]  # but a wish is a wish


def test_one_time_is_offered_once_and_the_usual_person_first() -> None:
    both = [slot(9, staff=ANA), slot(9, staff=BRUNO), slot(12, staff=ANA)]
    found = suggest(both, wish=None, prefer_staff=BRUNO)
    assert [(one.staff_id, hour) for one, hour in zip(found, hours(found), strict=True)] == [(BRUNO, 9), (ANA, 12)]


SLOTS = st.lists(
    st.builds(
        slot, st.integers(0, 400).map(lambda n: n / 4), staff=st.sampled_from([ANA, BRUNO]), waste=st.integers(0, 60)
    ),
    max_size=40,
)
WISHES = st.none() | st.integers(0, 100).map(lambda hour: DAY + timedelta(hours=hour))


@given(SLOTS, WISHES, st.integers(1, 9), st.randoms(use_true_random=False))
def test_order_of_the_list_is_nothing_and_more_changes_nothing(
    slots: list[Slot], wish: datetime | None, count: int, chance: random.Random
) -> None:
    found = suggest(slots, wish=wish, count=count)
    assert len(found) == min(count, len({one.starts for one in slots}))
    assert len({one.starts for one in found}) == len(found)
    assert set(found) <= set(slots)
    shuffled = list(slots)
    chance.shuffle(shuffled)
    assert hours(suggest(shuffled, wish=wish, count=count)) == hours(found)
    assert hours(suggest(slots, wish=wish, count=count + 3))[: len(found)] == hours(found)

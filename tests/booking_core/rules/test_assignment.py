"""Who gets a visit when anyone will do."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from booking_core.rules.assignment import Given, Share, Turns, load
from booking_core.rules.plan import Times
from booking_core.rules.policy import Assignment
from tests.booking_core.rules.plans import ANA, BRUNO, CARLA, person, times_of

TEAM = [person(ANA, []), person(BRUNO, []), person(CARLA, [])]
DAY = (0, 1440)


def order(turns: Turns, times: Times | None = None, people: Sequence[UUID] = (ANA, BRUNO, CARLA)) -> list[UUID]:
    """Return who is asked first, second, third; equal ranks cannot be: there is always an order."""
    team = [one for who in people for one in TEAM if one.id == who]
    rank = turns.rank(team, times or Times(), DAY)
    assert len({rank(one) for one in people}) == len(people)
    return sorted(people, key=rank)


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-24T{clock}").replace(tzinfo=UTC)


def round_robin(
    given: Mapping[UUID, Given] | None = None, shares: Mapping[UUID, Share] | None = None, ahead: int = 0
) -> Turns:
    return Turns(Assignment.ROUND_ROBIN, given=given or {}, shares=shares or {}, ahead_at_most=ahead)


def test_who_has_least_to_do() -> None:
    ana, bruno = TEAM[:2]
    times = times_of({ANA: [(0, 60)], BRUNO: [(30, 100)]}, {ANA: [(90, 120)]})
    assert (load(ana, times, DAY), load(bruno, times, DAY), load(ana, times, (50, 100))) == (90, 70, 20)
    two = (ANA, BRUNO)
    assert order(Turns(Assignment.LEAST_BUSY), times, two) == [BRUNO, ANA]
    assert order(Turns(Assignment.LEAST_BUSY, first=[ANA]), times, two) == [ANA, BRUNO]
    later = Turns(Assignment.LEAST_BUSY).rank([ana, bruno], times, (2000, 3000))
    assert later(ANA) < later(BRUNO)


def test_in_the_houses_order_and_whom_the_customer_knows_first() -> None:
    assert order(Turns(Assignment.IN_ORDER)) == [ANA, BRUNO, CARLA]
    assert order(Turns(Assignment.IN_ORDER, first=[CARLA, BRUNO])) == [CARLA, BRUNO, ANA]
    assert order(Turns(Assignment.ROUND_ROBIN, first=[BRUNO]))[0] == BRUNO


def test_whoever_had_none_for_longest() -> None:  # 49
    given = {ANA: Given(1, at("06:30")), BRUNO: Given(1, at("04:30")), CARLA: Given(1, at("05:00"))}
    assert order(round_robin(given)) == [BRUNO, CARLA, ANA]
    del given[ANA]  # never had one: before all others
    assert order(round_robin(given)) == [ANA, BRUNO, CARLA]


def test_priority_counts_before_all_and_none_is_medium() -> None:  # 49
    given = {ANA: Given(1, at("04:00")), BRUNO: Given(1, at("06:00")), CARLA: Given(9, at("07:00"))}
    assert order(round_robin(given, {CARLA: Share(priority=3)})) == [CARLA, ANA, BRUNO]
    assert order(round_robin(given, {ANA: Share(priority=1), BRUNO: Share(priority=2)})) == [BRUNO, CARLA, ANA]
    assert order(round_robin(given, {ANA: Share(priority=None), BRUNO: Share(priority=2)})) == [ANA, BRUNO, CARLA]


def test_ties_are_in_the_houses_order() -> None:  # 49: elsewhere drawn by lot; ours can be foretold
    given = {one: Given(1, at("06:00")) for one in (ANA, BRUNO, CARLA)}
    assert order(round_robin(given)) == [ANA, BRUNO, CARLA]
    # Both are reached all the same: whoever gets it has had one more recently.
    given[ANA] = Given(2, at("06:10"))
    assert order(round_robin(given))[0] == BRUNO


def test_shares() -> None:
    given = {ANA: Given(4, at("04:00")), BRUNO: Given(3, at("05:00")), CARLA: Given(1, at("06:00"))}
    shares = {ANA: Share(200), BRUNO: Share(100), CARLA: Share(0)}
    assert order(round_robin(given, shares)) == [ANA, BRUNO, CARLA]  # 2, 3, never while another can


def test_who_is_far_ahead_is_passed_over() -> None:  # 51
    three = {ANA: Given(3, at("04:00"))}
    assert order(round_robin(three, {ANA: Share(priority=4)}, ahead=3), people=(ANA, BRUNO)) == [BRUNO, ANA]
    assert order(round_robin(three, {ANA: Share(priority=4)}, ahead=4), people=(ANA, BRUNO)) == [ANA, BRUNO]
    assert order(round_robin(three, {ANA: Share(priority=4)}), people=(ANA, BRUNO)) == [ANA, BRUNO]
    closer = three | {BRUNO: Given(1, at("05:00"))}
    assert order(round_robin(closer, {ANA: Share(priority=4)}, ahead=3), people=(ANA, BRUNO)) == [ANA, BRUNO]


def test_whose_share_is_nought_does_not_hold_the_others_back() -> None:
    given = {ANA: Given(3, at("04:00")), BRUNO: Given(2, at("05:00"))}
    shares = {ANA: Share(priority=4), CARLA: Share(weight=0)}
    assert order(round_robin(given, shares, ahead=2)) == [ANA, BRUNO, CARLA]


@given(st.integers(0, 30), st.integers(1, 5))
def test_nobody_gets_further_ahead_than_allowed(visits: int, most: int) -> None:
    """Given out one after the other, counts never differ by more than is allowed, whoever has the priority."""
    given: dict[UUID, Given] = {}
    shares = {ANA: Share(priority=4), BRUNO: Share(priority=3)}
    for minute in range(visits):
        one = order(round_robin(given, shares, ahead=most))[0]
        given[one] = Given(given.get(one, Given()).count + 1, at(f"10:{minute:02}"))
    counts = [given.get(one, Given()).count for one in (ANA, BRUNO, CARLA)]
    assert max(counts) - min(counts) <= most

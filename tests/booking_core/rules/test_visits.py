"""Every kind of visit against an oracle that tries every way, minute by minute."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking_core.rules.availability import Search
from booking_core.rules.feasible import Level
from booking_core.rules.placing import Placer, contains
from booking_core.rules.plan import Part, Placement, Plan, Pool, Times
from booking_core.rules.spans import Span, merge, overlap
from tests.booking_core.rules.oracle import Oracle
from tests.booking_core.rules.strategies import HOUR, calendars, limit_calendars, minutes, searches

SLOWLY_DRAWN = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
ANY = searches(most_roles=2, parties=True, most_parts=2)


def oracle_of(search: Search) -> Oracle:
    return Oracle(search.plan, search.times, search.horizon, search.override)


def misses_nothing(search: Search) -> bool:
    """Whether every time that could be had is found: a party whose members may wait for each other can miss one."""
    parts = search.plan.parts
    return not (search.plan.several and any(part.max_wait for part in parts if part is not parts[0]))


def with_times(search: Search, claims: Sequence[tuple[int, int, int]]) -> Search:
    """Return the same search after something has been booked."""
    booked = {number: list(spans) for number, spans in search.times.booked.items()}
    for number, start, end in claims:
        booked[number] = merge([*booked.get(number, ()), (start, end)])
    return Search(search.plan, Times(booked, search.times.held), search.horizon, search.override)


@SLOWLY_DRAWN
@given(searches())
def test_visits_in_parts(search: Search) -> None:
    """Waits, processing, the same person again, rooms, limits, both ways of buffers: spans are exact."""
    oracle, found, placer = oracle_of(search), search.at(), Placer(search.at())
    assert not search.needs_placing
    for start in range(*HOUR):
        for lead in range(len(found.by_candidate[0])):
            assert contains(found.lead(lead), start) == oracle.can(start, lead=lead)
        assert (placer.place(start) is not None) == oracle.can(start)


@SLOWLY_DRAWN
@given(searches(most_roles=3, most_parts=2))
def test_visits_with_roles(search: Search) -> None:
    """Somebody in each role, nobody in two: spans are exact even where roles compete for the same people."""
    oracle, found, placer = oracle_of(search), search.at(), Placer(search.at())
    for start in range(*HOUR):
        can = oracle.can(start)
        assert any(contains(found.lead(lead), start) for lead in range(len(found.by_candidate[0]))) == can
        assert (placer.place(start) is not None) == can


@SLOWLY_DRAWN
@given(searches(most_roles=2, parties=True, most_parts=2))
def test_parties(search: Search) -> None:
    """Whoever is offered a time together gets it; only with waits a time may be missed that could be had."""
    oracle, placer = oracle_of(search), Placer(search.at())
    for start in range(*HOUR):
        if placer.place(start) is not None:
            assert oracle.can(start)
        elif misses_nothing(search):
            assert not oracle.can(start)


@SLOWLY_DRAWN
@given(searches(most_parts=2))
def test_what_is_listed(search: Search) -> None:
    """Every grid, laid into each stretch by hand."""
    assert search.starts([HOUR]) == oracle_of(search).listed()


@SLOWLY_DRAWN
@given(ANY)
def test_listing_placing_and_refusing_are_of_one_mind(search: Search) -> None:
    placer = Placer(search.at())
    can = [start for start in range(*HOUR) if placer.place(start) is not None]
    listed = search.starts([HOUR])
    assert listed == sorted(set(listed))
    assert set(listed) <= set(can)
    every_minute = Search(replace(search.plan, interval=1), search.times, search.horizon, search.override)
    assert every_minute.starts([HOUR]) == can
    for start in range(*HOUR):
        assert (search.why_not(start) is None) == (start in can)
        if start in listed:
            assert start in search.starts([(start, start + 2)])
    if not can:
        assert search.why_none([HOUR])


@SLOWLY_DRAWN
@given(ANY)
def test_a_place_takes_what_is_free_and_all_that_it_needs(search: Search) -> None:
    placer = Placer(search.at())
    for start in range(*HOUR):
        for placement in placer.placements(start):
            _check_claims(placement, search)
            _check_parts(placement, search.plan, start)
            if not search.override:
                _check_hours(placement, search.plan)


def _check_claims(placement: Placement, search: Search) -> None:
    assert list(placement.claims) == sorted(placement.claims)
    assert {number for number, _, _ in placement.claims} <= calendars(search.plan)
    limits = limit_calendars(search.plan)
    for number, start, end in placement.claims:
        assert start < end
        assert not overlap(search.times.booked.get(number, ()), start, end)
        assert not overlap(search.times.held.get(number, ()), start, end)
    for (number, _, end), (following, start, _) in itertools.pairwise(placement.claims):
        # Spans of work that touch are one; two periods of a limit stay two.
        assert number != following or end < start or (end == start and number in limits)
    claimed = {
        number: minutes([(s, e) for n, s, e in placement.claims if n == number]) for number, _, _ in placement.claims
    }
    quotas = list(search.plan.quotas)
    for one, part in zip(placement.parts, itertools.cycle(search.plan.parts), strict=False):
        for who, role in zip(one.staff, part.roles, strict=True):
            candidate = next(each for each in role if each.person.id == who)
            work = part.phases(one.end - one.start)
            assert (
                minutes((one.start + first, one.start + last) for first, last in work)
                <= claimed[candidate.person.number]
            )
            quotas += candidate.quotas
        for need in part.needs:
            pools = {pool.id: pool for pool in need.pools}
            units = [unit for unit in one.units if unit.resource_id in pools]
            assert len(set(units)) == len(units) == need.units
            for unit in units:
                pool: Pool = pools[unit.resource_id]
                assert unit.unit < pool.units
                span = (one.start, one.start + 1) if need.work_only else (one.start, one.end)
                assert minutes([span]) <= claimed[pool.number + unit.unit]
    places = [n for n in claimed if any(quota.number <= n < quota.number + quota.count for quota in quotas)]
    assert len(places) <= sum(len(quota.periods) for quota in {quota.id: quota for quota in quotas}.values())


def _check_parts(placement: Placement, plan: Plan, start: int) -> None:
    assert placement.start == start
    assert placement.end == max(part.end for part in placement.parts)
    assert len(placement.parts) == plan.lanes * len(plan.parts)
    for lane in range(plan.lanes):
        lane_parts = placement.parts[lane * len(plan.parts) : (lane + 1) * len(plan.parts)]
        assert lane_parts[0].start == start
        for one, part in zip(lane_parts, plan.parts, strict=True):
            assert one.person == part.person + lane
            assert len(set(one.staff)) == len(one.staff) == len(part.roles)
        for (before, after), part in zip(itertools.pairwise(lane_parts), plan.parts[1:], strict=True):
            assert 0 <= after.start - before.end <= part.max_wait
            if part.same_staff and before.staff and after.staff:
                assert after.staff[0] == before.staff[0]


def _check_hours(placement: Placement, plan: Plan) -> None:
    for one, part in zip(placement.parts, itertools.cycle(plan.parts), strict=False):
        for who, role in zip(one.staff, part.roles, strict=True):
            person = next(each.person for each in role if each.person.id == who)
            work = minutes((one.start + a, one.start + b) for a, b in part.phases(one.end - one.start))
            assert work <= minutes(person.working)
        if not part.roles and plan.open is not None:
            assert minutes([(one.start, one.end)]) <= minutes(plan.open)


@SLOWLY_DRAWN
@given(ANY, st.data())
def test_a_booking_never_makes_room_and_its_end_gives_all_back(search: Search, data: st.DataObject) -> None:
    placer = Placer(search.at())
    can = [start for start in range(*HOUR) if placer.place(start) is not None]
    if not can:
        return
    before = search.starts([HOUR])
    chosen = data.draw(st.sampled_from(can))
    placement = data.draw(st.sampled_from(list(placer.placements(chosen))))
    after = with_times(search, placement.claims)
    oracle = oracle_of(after)
    later = Placer(after.at())
    for start in range(*HOUR):
        if later.place(start) is not None:
            assert start in can or not misses_nothing(search)
            assert oracle.can(start)
    assert Search(search.plan, search.times, search.horizon, search.override).starts([HOUR]) == before


@SLOWLY_DRAWN
@given(ANY, st.randoms(use_true_random=False))
def test_the_order_of_what_is_known_is_nothing(search: Search, chance: random.Random) -> None:
    def shuffled(one: Sequence) -> list:
        return chance.sample(list(one), len(one))

    def other(part: Part) -> Part:
        needs = [replace(need, pools=shuffled(need.pools)) for need in part.needs]
        return replace(part, roles=[shuffled(role) for role in part.roles], needs=shuffled(needs))

    plan = replace(search.plan, parts=[other(part) for part in search.plan.parts], quotas=shuffled(search.plan.quotas))
    times = Times(dict(shuffled(list(search.times.booked.items()))), dict(shuffled(list(search.times.held.items()))))
    listed = Search(plan, times, search.horizon, search.override).starts([HOUR])
    if misses_nothing(search):
        assert listed == search.starts([HOUR])


@SLOWLY_DRAWN
@given(ANY, st.lists(st.integers(HOUR[0] + 2, HOUR[1] - 2), max_size=4))
def test_the_list_does_not_depend_on_the_window_asked(search: Search, cuts: list[int]) -> None:
    edges = sorted({HOUR[0], *(cut // 2 * 2 for cut in cuts), HOUR[1]})
    whole = search.starts([HOUR])
    windows: list[Span] = list(itertools.pairwise(edges))
    assert [start for window in windows for start in search.starts([window])] == whole
    assert search.starts(windows[::2]) == [one for one in whole if contains(windows[::2], one)]


@SLOWLY_DRAWN
@given(ANY)
def test_each_level_lets_through_what_the_next_does(search: Search) -> None:
    """So the first level that fails is why."""
    if not misses_nothing(search):
        return
    can = [{start for start in range(*HOUR) if Placer(search.at(level)).place(start) is not None} for level in Level]
    for wider, narrower in itertools.pairwise(can):
        assert narrower <= wider

"""Why a start is not free: whatever is taken away from a visit that could be, is the reason that is told."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking_core.refusals import Reason
from booking_core.rules.availability import Search, most_hopeful
from booking_core.rules.placing import Placer
from booking_core.rules.plan import Candidate, Needed, Person, Plan, Pool, Quota, Times
from booking_core.rules.spans import Span, merge
from tests.booking_core.rules.plans import ANA, EVER, need, number_of, person, plan_of
from tests.booking_core.rules.strategies import HOUR, LIMITS, POOLS, calendars, searches


def people_of(plan: Plan, change: Callable[[Person], Person]) -> Plan:
    def other(one: Candidate) -> Candidate:
        return replace(one, person=change(one.person))

    parts = [replace(part, roles=[[other(one) for one in role] for role in part.roles]) for part in plan.parts]
    return replace(plan, parts=parts)


def numbers(plan: Plan, kind: str) -> set[int]:
    """Return the calendars of people, of resources or of limits."""
    first = {"people": range(110_000), "resources": range(110_000, 210_000), "limits": range(210_000, 10**6)}[kind]
    return {number for number in calendars(plan) if number in first}


def all_taken(known: Mapping[int, Sequence[Span]], more: Iterable[int]) -> dict[int, Sequence[Span]]:
    return {**known, **{key: [(-1000, 1000)] for key in more}}


def taken(search: Search, kind: str) -> Search:
    times = Times(all_taken(search.times.booked, numbers(search.plan, kind)), search.times.held)
    return replace(search, times=times)


def kept(search: Search, kind: str) -> Search:
    """Return a search in which all of one kind is held by others and not paid yet."""
    return replace(search, times=Times(search.times.booked, all_taken(search.times.held, numbers(search.plan, kind))))


def away(search: Search) -> Search:
    def gone(one: Person) -> Person:
        return replace(one, working=(), usual=merge([*one.usual, *one.working]))

    return replace(search, plan=people_of(search.plan, gone))


def closed(search: Search) -> Search:
    return replace(search, plan=people_of(search.plan, lambda one: replace(one, working=(), usual=())))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(searches(most_roles=2, most_parts=2, override=False), st.data())
def test_what_is_taken_away_is_why(search: Search, data: st.DataObject) -> None:
    can = [start for start in range(*HOUR) if Placer(search.at()).place(start) is not None]
    if not can:
        return
    start = data.draw(st.sampled_from(can))
    parts = search.plan.parts
    if any(part.roles for part in parts):
        assert closed(search).why_not(start) == Reason.OUTSIDE_HOURS
        assert away(search).why_not(start) == Reason.STAFF_AWAY
        assert taken(search, "people").why_not(start) == Reason.STAFF_BUSY
        assert kept(search, "people").why_not(start) == Reason.HELD
        # What comes first is told: who is not there at all need not be free.
        assert taken(away(search), "people").why_not(start) == Reason.STAFF_AWAY
        assert taken(taken(search, "people"), "resources").why_not(start) == Reason.STAFF_BUSY
    if any(part.needs for part in parts):
        assert taken(search, "resources").why_not(start) == Reason.RESOURCE_BUSY
        assert kept(search, "resources").why_not(start) == Reason.HELD
    if any(first <= start < last for quota in search.plan.quotas for (first, last), _ in quota.periods):
        for full in (taken(search, "limits"), kept(search, "limits")):
            assert full.why_not(start) == Reason.LIMIT_REACHED
            assert full.why_none([(start, start + 1)]) == Reason.LIMIT_REACHED


def a_search(*, booked: Mapping[int, Sequence[Span]] | None = None, duration: int = 60) -> Search:
    """Return the search for an hour with Ana, who works from 9 to 17, in the one room, once a day."""
    quota = Quota(LIMITS[0], number_of(LIMITS[0]), 1, [((0, 1440), (0, 1440))])
    plan = plan_of(need(duration), person(ANA, [(540, 1020)]), quotas=[quota])
    room = Needed("room", 1, [Pool(POOLS[0], number_of(POOLS[0]), 1, [(480, 1000)])])
    plan = replace(plan, parts=[replace(plan.parts[0], needs=[room])])
    return Search(plan, Times(booked or {}), EVER)


@pytest.mark.parametrize(
    ("search", "start", "reason"),
    [
        (a_search(), 540, None),
        (a_search(), 480, Reason.OUTSIDE_HOURS),
        (a_search(), 960, Reason.OUTSIDE_HOURS),  # the room is closed by then
        (a_search(duration=500), 540, Reason.OUTSIDE_HOURS),  # longer than any day
        (a_search(booked={number_of(ANA): [(540, 600)]}), 570, Reason.STAFF_BUSY),
        (a_search(booked={number_of(POOLS[0]): [(540, 600)]}), 570, Reason.RESOURCE_BUSY),
        (a_search(booked={number_of(LIMITS[0]): [(0, 1440)]}), 570, Reason.LIMIT_REACHED),
        (a_search(booked={number_of(LIMITS[0]): [(1440, 2880)]}), 570, None),
    ],
)
def test_one_reason_at_a_time(search: Search, start: int, reason: Reason | None) -> None:
    assert search.why_not(start) == reason
    assert search.why_none([(start, start + 1)]) == (reason or Reason.OFF_GRID)


def test_the_reason_with_most_hope_is_told() -> None:
    assert most_hopeful([]) == Reason.STAFF_CANNOT
    assert most_hopeful([Reason.OUTSIDE_HOURS, Reason.HELD, Reason.STAFF_BUSY]) == Reason.HELD
    assert most_hopeful([Reason.STAFF_AWAY, Reason.OUTSIDE_HOURS]) == Reason.STAFF_AWAY

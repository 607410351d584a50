"""Every zone and every clock change from 2024 to 2030: no minute is lost and none comes twice."""

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core.models import Period
from booking_core.refusals import Reason
from booking_core.rules.grid import Grid
from booking_core.rules.plan import Needed, Pool, Times
from booking_core.rules.quotas import periods_for
from booking_core.rules.rental import Rental
from booking_core.rules.schedule import Schedule, days_between, working_time
from booking_core.rules.spans import length, merge
from booking_core.rules.wallclock import DAY, instant, local_day, minute_from, minute_of, moment_of, offset_at
from tests.booking_core.rules.plans import need, search_of

FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
ZONES = sorted(available_timezones() - {"localtime", "Factory"})


@lru_cache(maxsize=1)
def changes() -> dict[str, list[int]]:
    """Return for every zone the minutes at which its clock is changed; zones that change alike are told once."""
    seen: dict[tuple[tuple[int, int], ...], str] = {}
    for tz in ZONES:
        marks = range(minute_of(FIRST), minute_of(LAST), 5 * DAY)
        offsets = [offset_at(tz, at) for at in marks]
        found = [
            _change(tz, before, before + 5 * DAY)
            for before, old, new in zip(marks, offsets, offsets[1:], strict=False)
            if old != new
        ]
        seen.setdefault(tuple((at, offset_at(tz, at)) for at in found), tz)
    return {tz: [at for at, _ in key] for key, tz in seen.items() if key}


def _change(tz: str, early: int, late: int) -> int:
    old = offset_at(tz, early)
    while early + 1 < late:
        middle = (early + late) // 2
        if offset_at(tz, middle) == old:
            early = middle
        else:
            late = middle
    return late


def around_changes() -> Iterator[tuple[str, date]]:
    for tz, found in changes().items():
        for at in found:
            yield tz, local_day(tz, at)


def every_day(*shifts: tuple[int, int]) -> dict[int, list[tuple[int, int]]]:
    return {weekday: list(shifts) for weekday in range(7)}


def test_open_minutes_are_elapsed_minutes() -> None:
    checked = 0
    for tz, day in around_changes():
        days = days_between(day - timedelta(days=1), day + timedelta(days=1))
        begin = datetime.combine(days[0], datetime.min.time(), ZoneInfo(tz)).astimezone(UTC)
        end = datetime.combine(days[-1] + timedelta(days=1), datetime.min.time(), ZoneInfo(tz)).astimezone(UTC)
        elapsed = (end - begin) // timedelta(minutes=1)
        for shifts in ([(0, DAY)], [(0, 90), (90, 150), (150, 1410), (1410, DAY)]):
            schedule = Schedule(tz, every_day(*shifts))
            spans = working_time(schedule, days)
            assert len(spans) == 1, (tz, day)
            assert length(spans) == elapsed, (tz, day)
            alone = sum(
                length(working_time(Schedule(tz, {weekday: [shift] for weekday in range(7)}), [one]))
                for shift in shifts
                for one in days
            )
            assert alone == elapsed, (tz, day)
        checked += 1
    assert checked > 300


def test_wall_time_never_runs_backwards_and_reads_as_said() -> None:
    for tz, day in around_changes():
        zone = ZoneInfo(tz)
        previous = instant(tz, day, -1)
        for minute in range(0, DAY + 1, 10):
            found = instant(tz, day, minute)
            assert found >= previous, (tz, day, minute)
            previous = found
            wanted = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)
            shown = moment_of(found).astimezone(zone).replace(tzinfo=None, fold=0)
            if shown != wanted:  # skipped: then it is the moment of the change, and no earlier one shows later
                assert shown > wanted
                assert moment_of(found - 1).astimezone(zone).replace(tzinfo=None) < wanted


def by_hand(tz: str, change: int, wall: int) -> int:
    """Return when the clock first shows a wall time (minutes since 1970 as if it were UTC) or more, near a change."""
    old, new = offset_at(tz, change - 1), offset_at(tz, change)
    return wall - old if wall - old < change else max(change, wall - new)


def test_every_wall_time_near_a_change() -> None:
    for tz, found in changes().items():
        for change in found:
            for wall in range(change + offset_at(tz, change) - 200, change + offset_at(tz, change) + 200, 5):
                day = moment_of(wall).date()
                midnight = minute_of(datetime.combine(day, datetime.min.time(), UTC))
                assert instant(tz, day, wall - midnight) == by_hand(tz, change, wall), (tz, day, wall)


def test_shifts_over_a_change_last_as_long_as_they_really_do() -> None:
    """Night shifts, and spans that end, begin or lie at the change; what touches on the wall touches."""
    for tz, found in changes().items():
        for change in found:
            wall = change + offset_at(tz, change - 1)
            day = moment_of(wall).date()
            days = days_between(day - timedelta(days=2), day + timedelta(days=2))
            at = wall - minute_of(datetime.combine(day, datetime.min.time(), UTC))
            cuts = sorted({0, DAY, *(max(0, min(DAY, at + off)) for off in (-90, -30, 0, 15, 30, 60, 90))})
            shifts = [(first, last) for first, last in itertools.pairwise(cuts) if first < last]
            night = Schedule(tz, every_day((0, 6 * 60), (22 * 60, DAY)))
            for schedule, expected in (
                (Schedule(tz, every_day(*shifts)), [(0, DAY)]),
                (night, [(0, 6 * 60), (22 * 60, DAY)]),
            ):
                midnights = [minute_of(datetime.combine(one, datetime.min.time(), UTC)) for one in days]
                assert working_time(schedule, days) == merge(
                    (by_hand(tz, change, midnight + first), by_hand(tz, change, midnight + last))
                    for midnight in midnights
                    for first, last in expected
                ), (tz, day)
            alone = [length(working_time(Schedule(tz, every_day(one)), days)) for one in shifts]
            assert sum(alone) == length(working_time(Schedule(tz, every_day(*shifts)), days)), (tz, day)


@pytest.mark.parametrize(("duration", "interval", "grid"), [(60, 60, "hour"), (45, 15, "hour"), (50, 50, "packed")])
def test_lists_over_a_change(duration: int, interval: int, grid: str) -> None:
    """Moments only go on; the clock goes back once, at the change, and never shows what it skips."""
    for tz, found in changes().items():
        zone = ZoneInfo(tz)
        for change in found:
            day = local_day(tz, change)
            days = [day - timedelta(days=1), day, day + timedelta(days=1)]
            working = working_time(Schedule(tz, every_day((0, DAY))), days)
            search = search_of(need(duration, interval, grid=Grid(grid)), working, tz=tz)
            starts = search.starts([(working[0][0], working[-1][1])])
            for before, later in itertools.pairwise(starts):
                # Who is open for days begins anew at midnight.
                assert later - before == interval or local_day(tz, before) != local_day(tz, later)
                assert later > before
            shown = [moment_of(start).astimezone(zone) for start in starts]
            assert len({one.isoformat() for one in shown}) == len(starts)
            for before, later in itertools.pairwise(shown):
                goes_on = later.replace(tzinfo=None) > before.replace(tzinfo=None)
                assert goes_on or minute_of(before) < change <= minute_of(later), (tz, before)
            for one in shown:  # what is shown is a time that the clock really has
                assert one.replace(fold=0).astimezone(UTC).astimezone(zone).replace(fold=0) == one.replace(fold=0)


def test_rentals_over_a_change_are_collected_and_brought_back_as_said() -> None:
    pool = Pool(UUID(int=11), 110_000, 1)
    for tz, found in changes().items():
        zone = ZoneInfo(tz)
        for change in found:
            day = local_day(tz, change)
            for nights, count, back in ((True, 1, 1), (True, 3, 3), (False, 1, 0), (False, 3, 2)):
                rental = Rental(
                    UUID(int=1), UUID(int=2), tz, count, nights, 9 * 60, 11 * 60, [Needed("bike", 1, [pool])]
                )
                for ago in range(count + 1):
                    collected = day - timedelta(days=ago)
                    start, end = rental.span(collected)
                    assert moment_of(start).astimezone(zone).replace(tzinfo=None) == at(collected, 9), (tz, day)
                    brought = collected + timedelta(days=back)
                    assert moment_of(end).astimezone(zone).replace(tzinfo=None) == at(brought, 11), (tz, day)
                    placed = rental.place(collected, Times())
                    assert not isinstance(placed, Reason)
                    assert placed.claims == ((110_000, start, end),)


def at(day: date, hour: int) -> datetime:
    return datetime.combine(day, datetime.min.time()) + timedelta(hours=hour)


@pytest.mark.parametrize("period", Period)
def test_periods_of_limits_leave_no_minute_out(period: Period) -> None:
    for tz, found in changes().items():
        for change in found:
            day = local_day(tz, change)
            days = days_between(day - timedelta(days=8), day + timedelta(days=8))
            periods = periods_for(period, tz, days, opens=None, closes=None)
            whole = sorted({one for _, one in periods})
            assert all(before[1] == later[0] for before, later in itertools.pairwise(whole)), (tz, day)
            assert all(any(a <= first and last <= b for a, b in whole) for (first, last), _ in periods), (tz, day)
            counted = [span for span, _ in periods]
            assert all(before[1] == later[0] for before, later in itertools.pairwise(counted)), (tz, day)


@given(
    st.sampled_from(ZONES),
    st.dates(date(2024, 1, 1), date(2030, 12, 31)),
    st.integers(0, DAY),
)
def test_any_wall_time(tz: str, day: date, minute: int) -> None:
    found = instant(tz, day, minute)
    wanted = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)
    earliest = min(wanted.replace(tzinfo=ZoneInfo(tz), fold=fold).astimezone(UTC) for fold in (0, 1))
    assert found >= minute_of(earliest)
    assert moment_of(found).astimezone(ZoneInfo(tz)).replace(tzinfo=None) >= wanted


@pytest.mark.parametrize(("seconds", "minute", "following"), [(0, 10, 10), (1, 10, 11), (59, 10, 11)])
def test_minutes_of_moments(seconds: int, minute: int, following: int) -> None:
    moment = datetime(1970, 1, 1, 0, 10, seconds, tzinfo=UTC)
    assert (minute_of(moment), minute_from(moment)) == (minute, following)
    assert moment_of(minute) <= moment

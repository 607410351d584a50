"""Every zone and every clock change from 2024 to 2030: no minute is lost and none comes twice."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core.rules.schedule import Schedule, days_between, working_time
from booking_core.rules.spans import length
from booking_core.rules.wallclock import DAY, instant, local_day, minute_from, minute_of, moment_of, offset_at

FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
ZONES = sorted(available_timezones() - {"localtime", "Factory"})


@lru_cache(maxsize=1)
def changes() -> dict[str, list[int]]:
    """Return for every zone the minutes at which its clock is changed; zones that change alike are told once."""
    seen: dict[tuple[tuple[int, int], ...], str] = {}
    for tz in ZONES:
        marks = range(minute_of(FIRST), minute_of(LAST), 10 * DAY)
        offsets = [offset_at(tz, at) for at in marks]
        found = [
            _change(tz, before, before + 10 * DAY)
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


def test_open_minutes_are_elapsed_minutes() -> None:
    checked = 0
    for tz, day in around_changes():
        days = days_between(day - timedelta(days=1), day + timedelta(days=1))
        begin = datetime.combine(days[0], datetime.min.time(), ZoneInfo(tz)).astimezone(UTC)
        end = datetime.combine(days[-1] + timedelta(days=1), datetime.min.time(), ZoneInfo(tz)).astimezone(UTC)
        elapsed = (end - begin) // timedelta(minutes=1)
        for shifts in ([(0, DAY)], [(0, 90), (90, 150), (150, 1410), (1410, DAY)]):
            schedule = Schedule(tz, dict.fromkeys(range(7), shifts))
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

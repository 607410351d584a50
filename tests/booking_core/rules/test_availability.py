"""The cases of comparable systems, by their numbers, on the pure rules."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from booking_core.refusals import Reason
from booking_core.rules.availability import Bounds, bounds_for, clip_spans, out_of_bounds
from booking_core.rules.grid import Grid, on_clock_grid, step_of
from booking_core.rules.schedule import Schedule, days_between, usual_time, working_time
from booking_core.rules.wallclock import DAY, instant, minute_of, moment_of, offset_at
from tests.booking_core.rules.plans import ANA, Need, need, on_day, search_of, spans, wall

IST = "Asia/Kolkata"
NEW_YORK = "America/New_York"


def offered(
    day: date,
    *hours: str,
    tz: str = "UTC",
    need: Need,
    booked: tuple[str, ...] = (),
    within: tuple[int, int] | None = None,
) -> list[str]:
    """Return the starts of one day as the clock on the wall shows them."""
    search = search_of(need, on_day(tz, day, *hours), on_day(tz, day, *booked), tz=tz)
    found = search.starts([within or (instant(tz, day, -DAY), instant(tz, day, 2 * DAY))])
    return [moment_of(one).astimezone(ZoneInfo(tz)).strftime("%H:%M") for one in found]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


D = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("asked", "hours", "count"),
    [
        (need(60), ("0:00-24:00",), 24),  # 1
        (need(30, 60), ("0:00-24:00",), 24),  # 1
        (need(20), ("0:00-23:45",), 71),  # 2
        (need(20), ("0:00-24:00",), 72),  # 2
        (need(20), ("11:00-12:00", "14:00-15:00"), 6),  # 11
        (need(20), ("11:00-12:00", "11:20-12:40"), 5),  # 11
    ],
)
def test_counts(asked: Need, hours: tuple[str, ...], count: int) -> None:
    starts = offered(D, *hours, need=asked)
    assert len(starts) == len(set(starts)) == count


def test_an_odd_interval_is_not_rounded() -> None:  # 3
    assert offered(D, "7:22-8:00", need=need(8)) == ["07:22", "07:30", "07:38", "07:46"]


def test_half_hour_zones() -> None:  # 5, 6
    starts = offered(D, "9:30-18:00", tz=IST, need=need(45))
    assert (len(starts), starts[0], starts[-1]) == (11, "09:30", "17:00")
    assert len(offered(D, "9:30-17:30", tz=IST, need=need(45))) == 10
    assert offered(D, "9:30-18:00", tz=IST, need=need(30, 120)) == ["10:00", "12:00", "14:00", "16:00"]


def test_starts_after_round_times() -> None:  # 7
    late = need(25, 30, offset=5)
    starts = offered(D, "9:30-18:00", tz=IST, need=late)
    assert (len(starts), starts[:2], starts[-1]) == (17, ["09:35", "10:05"], "17:35")
    assert offered(D, "9:36-11:00", tz=IST, need=late) == ["10:05", "10:35"]
    packed = need(25, 30, offset=5, grid=Grid.PACKED)
    assert offered(D, "9:30-10:30", tz=IST, need=packed) == ["09:35", "10:05"]
    assert offered(D, "9:36-10:31", tz=IST, need=packed) == ["09:36", "10:06"]  # none is lost by it


@pytest.mark.parametrize(
    ("hours", "busy", "grid", "starts"),
    [
        ("8:00-12:30", ("10:00-10:10",), Grid.HOUR, ["08:00", "09:00", "11:00"]),  # 8
        ("8:00-12:30", ("10:00-10:10",), Grid.PACKED, ["08:00", "09:00", "10:15", "11:15"]),
        ("8:00-12:30", ("10:00-10:10",), Grid.RANGE, ["08:00", "09:00", "10:10", "11:10"]),
        ("9:05-12:55", (), Grid.PACKED, ["09:15", "10:15", "11:15"]),  # 10
        ("9:05-12:55", (), Grid.HOUR, ["10:00", "11:00"]),
        ("9:30-17:30", (), Grid.PACKED, [f"{hour:02}:30" for hour in range(9, 17)]),
        ("9:30-17:30", (), Grid.HOUR, [f"{hour:02}:00" for hour in range(10, 17)]),
        ("9:05-9:50", (), Grid.PACKED, []),
    ],
)
def test_grids(hours: str, busy: tuple[str, ...], grid: Grid, starts: list[str]) -> None:
    assert offered(D, hours, tz="America/Los_Angeles", need=need(60, grid=grid), booked=busy) == starts


def test_the_last_quarter_is_offered() -> None:  # 13
    starts = offered(D, "9:00-17:00", "20:30-23:00", tz="Europe/Brussels", need=need(15))
    assert starts[-1] == "22:45"


def test_notice_reaches_into_the_day() -> None:  # 14, 15
    now = utc("2026-11-24T11:59:59")
    bounds = bounds_for(now, lead_time=0, window_end=10**9)
    assert len(offered(D, "0:00-24:00", need=need(60), within=(bounds.earliest, bounds.latest))) == 12
    tomorrow = bounds_for(now, lead_time=1500, window_end=10**9)
    starts = offered(D + timedelta(days=1), "0:00-24:00", need=need(60), within=(tomorrow.earliest, tomorrow.latest))
    assert (len(starts), starts[0], starts[-1]) == (11, "13:00", "23:00")


@pytest.mark.parametrize("notice", [0, 30, 45, 120, 600, 1440])
def test_listing_and_booking_agree_on_notice(notice: int) -> None:  # 17
    bounds = bounds_for(utc("2026-11-24T12:00"), lead_time=notice, window_end=10**9)
    search = search_of(need(30, 15), [(instant("UTC", D, 0), instant("UTC", D, 2 * DAY))])
    listed = {*search.starts([(bounds.earliest, bounds.latest)])}
    assert min(listed) == bounds.earliest
    for start in range(bounds.now - 60, bounds.now + DAY, 15):
        bookable = out_of_bounds(start, bounds) is None and search.why_not(start) is None
        assert bookable == (start in listed)


def test_bounds() -> None:
    bounds = Bounds(now=100, earliest=160, latest=1000)
    reasons = {99: Reason.PAST, 100: Reason.TOO_SOON, 159: Reason.TOO_SOON, 160: None, 999: None, 1000: Reason.TOO_FAR}
    assert {start: out_of_bounds(start, bounds) for start in reasons} == reasons


def test_the_answer_does_not_depend_on_what_was_asked() -> None:  # 21: instants are the same for every viewer
    day = (instant(IST, D, 0), instant(IST, D, DAY))
    whole = offered(D, "9:30-18:00", tz=IST, need=need(45))
    parts = [
        one for at in range(*day, 7) for one in offered(D, "9:30-18:00", tz=IST, need=need(45), within=(at, at + 7))
    ]
    assert parts == whole


def hours(schedule: Schedule, first: date, last: date) -> list[str]:
    return [
        f"{moment_of(start):%m-%d %H:%M}-{moment_of(end):%m-%d %H:%M}"
        for start, end in working_time(schedule, days_between(first, last))
    ]


def every_day(tz: str, *texts: str, **more: object) -> Schedule:
    return Schedule(tz, dict.fromkeys(range(7), spans(*texts)), **more)


def test_clock_changes_move_the_utc_hours() -> None:  # 22, 23, 26
    schedule = Schedule(NEW_YORK, dict.fromkeys(range(5), spans("9:00-17:00")))
    november = hours(schedule, date(2023, 11, 3), date(2023, 11, 7))
    assert november == ["11-03 13:00-11-03 21:00", "11-06 14:00-11-06 22:00", "11-07 14:00-11-07 22:00"]
    london = hours(every_day("Europe/London", "8:00-17:00"), date(2026, 10, 24), date(2026, 11, 1))
    assert len(london) == 9
    assert london[:2] == ["10-24 07:00-10-24 16:00", "10-25 08:00-10-25 17:00"]
    chicago = every_day("America/Chicago", "7:30-8:00")
    assert hours(chicago, date(2022, 11, 1), date(2022, 11, 1)) == ["11-01 12:30-11-01 13:00"]
    assert hours(chicago, date(2022, 11, 8), date(2022, 11, 8)) == ["11-08 13:30-11-08 14:00"]


@pytest.mark.parametrize(
    ("day", "start"),
    [
        ("2023-03-05", "17:30"),
        ("2023-03-12", "16:30"),
        ("2023-03-19", "16:30"),
        ("2023-10-29", "16:30"),
        ("2023-11-05", "17:30"),
        ("2023-11-12", "17:30"),
    ],
)
def test_sundays_round_the_changes(day: str, start: str) -> None:  # 25
    first = instant(NEW_YORK, date.fromisoformat(day), wall("12:30"))
    assert moment_of(first).strftime("%H:%M") == start
    search = search_of(need(30), [(first, first + 30)], tz=NEW_YORK)
    (one,) = search.starts([(0, 10**9)])
    assert search.why_not(one) is None


def test_the_spring_gap_is_no_time() -> None:  # 27
    day = date(2026, 3, 8)
    assert offered(day, "0:00-4:00", tz=NEW_YORK, need=need(60)) == ["00:00", "01:00", "03:00"]
    (span,) = working_time(every_day(NEW_YORK, "2:00-3:00", "3:00-4:00"), [day])
    assert span[1] - span[0] == 60


def test_the_autumn_fold_is_real_time() -> None:
    day = date(2026, 11, 1)
    assert offered(day, "0:00-4:00", tz=NEW_YORK, need=need(60)) == ["00:00", "01:00", "01:00", "02:00", "03:00"]
    (span,) = working_time(every_day(NEW_YORK, "1:30-3:00"), [day])
    assert (span[1] - span[0], f"{moment_of(span[0]):%H:%M}") == (150, "05:30")  # from the first 1:30


TUESDAY = date(2023, 6, 13)


def test_an_override_replaces_and_never_adds() -> None:  # 30, 31, 32
    own = {TUESDAY: spans("10:00-15:00")}
    days = TUESDAY, TUESDAY + timedelta(days=1)
    assert hours(every_day(NEW_YORK, "8:00-17:00", own=own), *days) == [
        "06-13 14:00-06-13 19:00",
        "06-14 12:00-06-14 21:00",
    ]
    away = every_day("Europe/London", "8:00-17:00", own={TUESDAY: []})
    assert hours(away, *days) == ["06-14 07:00-06-14 16:00"]
    late = every_day(NEW_YORK, "8:00-17:00", own={TUESDAY: spans("22:00-23:00")})
    assert hours(late, *days) == ["06-14 02:00-06-14 03:00", "06-14 12:00-06-14 21:00"]


def test_a_persons_own_day_stands_above_the_house() -> None:
    both = every_day("UTC", "8:00-17:00", house={TUESDAY: []}, own={TUESDAY: spans("9:00-10:00")})
    assert hours(both, TUESDAY, TUESDAY) == ["06-13 09:00-06-13 10:00"]
    closed = every_day("UTC", "8:00-17:00", house={TUESDAY: []})
    assert hours(closed, TUESDAY, TUESDAY) == []
    assert usual_time(closed, [TUESDAY]) == []


def test_overlapping_rules_and_seams() -> None:  # 35
    assert hours(every_day("UTC", "6:00-10:00", "8:00-10:00"), D, D) == ["11-24 06:00-11-24 10:00"]
    assert hours(every_day("UTC", "10:00-6:00"), D, D) == []
    assert "10:30" in offered(D, "8:00-11:00", "11:00-14:00", need=need(60, 30))


def test_time_off_on_a_day_with_an_override() -> None:  # 37
    off = (instant("UTC", TUESDAY, 0), instant("UTC", TUESDAY, DAY))
    schedule = every_day("UTC", "8:00-17:00", own={TUESDAY: spans("10:00-12:00")}, away=[off])
    assert hours(schedule, TUESDAY, TUESDAY + timedelta(days=1)) == ["06-14 08:00-06-14 17:00"]


def test_the_grid_begins_again_after_a_booking() -> None:  # 38
    starts = offered(D, "9:30-18:00", tz=IST, need=need(45), booked=("9:30-9:45",))
    assert (len(starts), starts[:2], starts[-1]) == (11, ["09:45", "10:30"], "17:15")


def test_buffers_add_up() -> None:  # 40
    asked = need(120, before=120, after=120)
    without_buffers = offered(D, "9:30-18:00", tz=IST, need=asked, booked=("9:30-11:30",))
    assert without_buffers == ["14:00", "16:00"]
    own_booking = offered(D, "9:30-18:00", tz=IST, need=asked, booked=("7:30-13:30",))
    assert own_booking == ["16:00"]  # and its cleaning up passes closing time


def test_reasons_of_one_person() -> None:
    search = search_of(
        need(60),
        on_day("UTC", D, "9:00-12:00"),
        on_day("UTC", D, "9:00-10:00"),
        on_day("UTC", D, "10:00-11:00"),
        usual=on_day("UTC", D, "9:00-17:00"),
    )

    def at(clock: str) -> int:
        return instant("UTC", D, wall(clock))

    reasons = {
        "8:30": Reason.OUTSIDE_HOURS,
        "9:00": Reason.STAFF_BUSY,
        "9:30": Reason.STAFF_BUSY,
        "10:00": Reason.HELD,
        "11:00": None,
        "11:30": Reason.STAFF_AWAY,
        "13:00": Reason.STAFF_AWAY,
        "16:30": Reason.OUTSIDE_HOURS,
    }
    assert {clock: search.why_not(at(clock)) for clock in reasons} == reasons
    for clock, reason in reasons.items():
        expected = Reason.OFF_GRID if reason is None else reason
        assert search.why_none([(at(clock), at(clock) + 1)]) == expected


def test_waste_is_what_nobody_can_use() -> None:
    search = search_of(need(60, 15), [(0, 120)])
    assert {start: search.waste(ANA, start) for start in search.starts([(0, 120)])} == {
        0: 0,
        15: 60,
        30: 60,
        45: 60,
        60: 0,
    }


def test_steps() -> None:
    steps = {60: 60, 120: 60, 45: 15, 90: 30, 25: 5, 20: 20, 8: 1, 40: 20}
    assert {interval: step_of(interval) for interval in steps} == steps
    minute = minute_of(utc("2026-11-24T04:00"))  # 9:30 in Kolkata
    assert on_clock_grid(minute, interval=30, offset_at=lambda at: offset_at(IST, at))
    assert not on_clock_grid(minute, interval=60, offset_at=lambda at: offset_at(IST, at))


def test_clipping() -> None:
    assert clip_spans([(0, 10), (20, 30)], 5, 25) == [(5, 10), (20, 25)]
    assert clip_spans([(0, 10)], 10, 20) == []

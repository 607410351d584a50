"""Cases that other programs of this kind learned the hard way; the rest of them stand beside what they are about."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from booking_core.rules.availability import Search, bounds_for
from booking_core.rules.plan import Candidate, Part, Person, Plan, Times
from booking_core.rules.schedule import Schedule, working_time
from booking_core.rules.wallclock import instant, minute_of, moment_of
from tests.booking_core.rules.plans import (
    ANA,
    BRUNO,
    CARLA,
    CUT,
    DAYS,
    EVER,
    PLACE,
    need,
    on_day,
    person,
    plan_of,
    search_of,
    spans,
    wall,
)  # fmt: skip

D = date(2026, 11, 24)


def clocks(search: Search) -> list[str]:
    return [f"{moment_of(start):%H:%M}" for start in search.starts([EVER])]


@pytest.mark.parametrize(("clock", "today"), [("7:00", "10:00"), ("10:00", "12:00"), ("17:00", None)])
def test_a_window_of_two_days(clock: str, today: str | None) -> None:  # 18
    tz, first = "Asia/Kolkata", date(2024, 5, 31)
    days = [first + timedelta(days=n) for n in range(4)]
    now = moment_of(instant(tz, first, wall(clock)))
    bounds = bounds_for(now, lead_time=120, window_end=instant(tz, days[-1], 0))
    working = [span for day in days for span in on_day(tz, day, "9:30-18:00")]
    starts = search_of(need(60), working, tz=tz).starts([(bounds.earliest, bounds.latest)])
    shown = [moment_of(start).astimezone(ZoneInfo(tz)) for start in starts]
    by_day = {day: [f"{one:%H:%M}" for one in shown if one.date() == day] for day in days}
    whole = [f"{hour}:00" for hour in range(10, 18)]
    assert by_day == {
        first: [one for one in whole if today is not None and one >= today],
        days[1]: whole,
        days[2]: whole,
        days[3]: [],
    }


def test_notice_that_lands_on_a_change_moves_no_later_day() -> None:  # 26
    tz = "America/New_York"
    now = datetime(2023, 10, 29, 12, tzinfo=ZoneInfo(tz))
    days = [date(2023, 11, 5) + timedelta(days=n) for n in range(3)]
    bounds = bounds_for(now, lead_time=7 * 24 * 60, window_end=10**9)
    working = [span for day in days for span in on_day(tz, day, "9:00-17:00")]
    starts = search_of(need(60), working, tz=tz).starts([(bounds.earliest, bounds.latest)])
    assert bounds.earliest == minute_of(now) + 7 * 24 * 60
    shown = [moment_of(start).astimezone(ZoneInfo(tz)) for start in starts]
    by_day = {day: [one.hour for one in shown if one.date() == day] for day in days}
    # Seven times 24 hours after noon it is eleven o'clock, since an hour came twice.
    assert by_day == {days[0]: list(range(11, 17)), days[1]: list(range(9, 17)), days[2]: list(range(9, 17))}


def test_somebody_is_in_another_zone_for_a_while() -> None:  # 36
    schedule = Schedule(
        "Europe/Berlin",
        dict.fromkeys(range(7), spans("8:00-17:00")),
        zones=[
            (date(2027, 1, 3), date(2027, 1, 4), "America/New_York"),
            (date(2027, 1, 6), None, "Asia/Kolkata"),
        ],
    )
    days = [date(2027, 1, 1) + timedelta(days=n) for n in range(7)]
    hours = [f"{moment_of(a):%d %H:%M}-{moment_of(b):%H:%M}" for a, b in working_time(schedule, days)]
    assert hours == [
        "01 07:00-16:00", "02 07:00-16:00", "03 13:00-22:00", "04 13:00-22:00", "05 07:00-16:00",
        "06 02:30-11:30", "07 02:30-11:30",
    ]  # fmt: skip


def test_everybody_is_needed_at_once() -> None:  # 46
    def together(*hours: str) -> Search:
        people = [
            person(who, on_day("UTC", D, *([one] if one else [])))
            for who, one in zip((ANA, BRUNO, CARLA), hours, strict=True)
        ]
        part = Part(CUT, 60, roles=[[Candidate(one, 60)] for one in people])
        return Search(Plan(PLACE, "UTC", [part], DAYS, interval=60), Times(), EVER)

    assert clocks(together("8:00-14:00", "10:00-16:00", "12:00-18:00")) == ["12:00", "13:00"]
    assert clocks(together("8:00-12:00", "12:00-16:00", "8:00-18:00")) == []
    assert clocks(together("8:00-14:00", "", "12:00-18:00")) == []


def test_two_people_on_a_quarter_hour_grid() -> None:  # 47
    ana = person(ANA, on_day("UTC", D, "1:00-2:00"))
    bruno = person(BRUNO, on_day("UTC", D, "1:00-2:00", "4:00-5:45"))

    def starts(*people: Person) -> list[str]:
        return clocks(Search(plan_of(need(60, 15), *people), Times(), EVER))

    assert starts(ana, bruno) == ["01:00", "04:00", "04:15", "04:30", "04:45"]
    assert starts(ana) == ["01:00"]
    assert starts(bruno) == ["01:00", "04:00", "04:15", "04:30", "04:45"]

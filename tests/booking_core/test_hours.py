"""Hours that are remembered are those that are computed anew, whatever days were asked for before."""

import random
from datetime import date, timedelta
from uuid import uuid4

from booking_core import hours as module
from booking_core.hours import Hours
from booking_core.rules.schedule import Schedule, planned_day, usual_day
from booking_core.rules.spans import merge, subtract

FIRST = date(2026, 10, 1)


def schedule(draw: random.Random) -> Schedule:
    weekly = {
        weekday: draw.choice([[(540, 780), (840, 1080)], [(600, 1200)], [(1200, 1440 + 180)], [(0, 1440)]])
        for weekday in range(7)
        if draw.random() < 0.8
    }
    gone = FIRST + timedelta(days=draw.randrange(90))
    zones = [(gone, gone + timedelta(days=9), "America/Lima")] if draw.random() < 0.5 else []
    start = 29_000_000 + draw.randrange(900_000)
    return Schedule(
        tz=draw.choice(["Europe/Madrid", "Asia/Tokyo"]),
        weekly=weekly,
        own={gone: [(660, 720)]},
        away=[(start, start + 3000)] if draw.random() < 0.5 else [],
        zones=zones,
    )


def test_any_stretch_of_days_in_any_order_is_what_it_would_be_anew() -> None:
    draw = random.Random(7)
    for _ in range(40):
        whose, plan = uuid4(), schedule(draw)
        hours = Hours({whose: plan})
        for _ in range(25):
            # Some lie apart, some around what is known, and some so far away that it is forgotten.
            far = draw.choice([0, 0, 0, 0, 3000])
            first = FIRST + timedelta(days=far + draw.randrange(-40, 120))
            last = first + timedelta(days=draw.randrange(0, 90))
            days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
            planned = merge(span for day in days for span in planned_day(plan, day))
            assert hours.working(whose, first, last) == subtract(planned, merge(plan.away))
            assert hours.usual(whose, first, last) == merge(span for day in days for span in usual_day(plan, day))


def test_what_is_remembered_does_not_grow_without_end(monkeypatch) -> None:
    monkeypatch.setattr(module, "_MOST", 100)
    people = {uuid4(): schedule(random.Random(number)) for number in range(20)}
    hours = Hours(people)
    for whose in people:
        hours.usual(whose, FIRST, FIRST + timedelta(days=29))
        assert hours._learned == sum(len(days) for days in hours._usual.values()) <= 130


def test_nobody_works_without_a_schedule() -> None:
    hours = Hours({})
    assert uuid4() not in hours
    assert hours.working(uuid4(), FIRST, FIRST) == []

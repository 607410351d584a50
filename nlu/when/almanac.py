"""Day meanings -> calendar days, seen from today: future first, past kept as a last reading."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import assert_never

from nlu.when.calendar_days import DAY, Days, add_months, many_days, midnight, monday_of, one_day, plain_days
from nlu.when.holidays import holiday_on, nth_weekday
from nlu.when.meaning import (
    Closest,
    Date,
    Day,
    Holiday,
    Inside,
    Nth,
    Offset,
    Running,
    Shift,
    Side,
    Stretch,
    Weekday,
    WeekOf,
    Workdays,
)


def days_of(meaning: Day, now: datetime) -> list[Days]:
    """Return the readings of a day meaning, best first; empty when there is no such day."""
    try:
        return list(_readings(meaning, now))
    except (OverflowError, ValueError):  # beyond the years that datetime knows
        return []


def _readings(meaning: Day, now: datetime) -> Iterator[Days]:
    match meaning:
        case Shift() | Weekday() | Date() | Holiday() | Running() | Workdays():
            yield from plain_days(meaning, now)
        case Inside():
            yield from _inside(meaning, now)
        case Nth():
            yield from _nth(meaning, now)
        case Side():
            yield from _side(meaning, now)
        case Offset():
            yield from _offset(meaning, now)
        case WeekOf():
            for days in days_of(meaning.inner, now):
                if days.start:
                    monday = monday_of(days.start.date())
                    yield many_days(monday, monday + 7 * DAY, "week", days.asks)
        case Closest():
            yield from _closest(meaning, now)
        case Stretch():
            yield from _stretch(meaning, now)
        case _:
            assert_never(meaning)


def _inside(meaning: Inside, now: datetime) -> Iterator[Days]:
    for outer in days_of(meaning.outer, now):
        if outer.start is None or outer.end is None:
            continue
        first, last = outer.start.date(), outer.end.date()
        if isinstance(meaning.inner, Holiday):
            found = holiday_on(meaning.inner.name, first.year)
            if found:
                yield one_day(found)
            continue
        if isinstance(meaning.inner, Shift):
            yield _weekend_around(first)
            continue
        if isinstance(meaning.inner, Weekday):
            day = first + ((meaning.inner.day - first.weekday()) % 7) * DAY
        elif (
            isinstance(meaning.inner, Date)
            and meaning.inner.day
            and meaning.inner.day <= calendar.monthrange(first.year, first.month)[1]
        ):
            day = first.replace(day=meaning.inner.day)
        else:
            continue
        if day < last:
            yield one_day(day, outer.asks)


def _weekend_around(day: date) -> Days:
    """Return the weekend that a holiday lengthens: Thursday and Friday lead into it, Monday ends it."""
    saturday = day + ((5 - day.weekday()) % 7 if 2 <= day.weekday() <= 5 else -((day.weekday() - 5) % 7)) * DAY
    return many_days(
        min(day, saturday) if day.weekday() >= 3 else saturday, max(saturday + 2 * DAY, day + DAY), "weekend"
    )


def _nth(meaning: Nth, now: datetime) -> Iterator[Days]:
    for outer in days_of(meaning.outer, now):
        found = _nth_in(meaning, outer)
        if found and found.end and found.end <= now and isinstance(meaning.outer, (Shift, Date)):
            following = _next_period(meaning.outer, now)
            if following:
                later = _nth_in(meaning, following)
                if later:
                    yield later
        if found:
            yield found


def _next_period(outer: Shift | Date, now: datetime) -> Days | None:
    if isinstance(outer, Shift) and outer.count == 0:
        return days_of(replace(outer, count=1), now)[0]
    if isinstance(outer, Date) and outer.month and not outer.year:
        return days_of(replace(outer, year=now.year + 1), now)[0]
    return None


def _nth_in(meaning: Nth, outer: Days) -> Days | None:
    if outer.start is None or outer.end is None:
        return None
    first, end, count = outer.start.date(), outer.end.date(), meaning.count
    if meaning.unit.startswith("weekday"):
        weekday = int(meaning.unit[-1])
        if outer.grain == "day":  # counted from a day: three Fridays from now, the Friday before Easter
            ahead = (weekday - first.weekday()) % 7 or 7
            back = (first.weekday() - weekday) % 7 or 7
            return one_day(
                first + (ahead + 7 * (count - 1)) * DAY if count > 0 else first - (back + 7 * (-count - 1)) * DAY
            )
        if (end - first).days <= 31:
            day = nth_weekday(first.year, first.month, weekday, count) if count else None
        else:
            day = (
                first + ((weekday - first.weekday()) % 7 + 7 * (count - 1)) * DAY
                if count > 0
                else end - ((end.weekday() - weekday - 1) % 7 + 1 + 7 * (-count - 1)) * DAY
            )
        return one_day(day) if day and first <= day < end else None
    if meaning.unit == "day":
        day = first + (count - 1) * DAY if count > 0 else end + count * DAY
        return one_day(day) if first <= day < end else None
    if meaning.unit in ("month", "quarter"):
        months = (1 if meaning.unit == "month" else 3) * (count - 1)
        start = (
            add_months(first, months)
            if count > 0
            else add_months(end, months + 1 if meaning.unit == "month" else months + 3)
        )
        return many_days(start, add_months(start, 1 if meaning.unit == "month" else 3), meaning.unit)
    return _nth_week(meaning, first, end)


def _nth_week(meaning: Nth, first: date, end: date) -> Days | None:
    """A week belongs to the month that holds its Thursday, a weekend to the one that holds its Saturday."""
    pivot = 5 if meaning.unit.endswith("weekend") else 3
    days = [first + offset * DAY for offset in range((end - first).days) if (first + offset * DAY).weekday() == pivot]
    running = meaning.unit.startswith("run_")
    if abs(meaning.count) > len(days) or not meaning.count:
        return None
    start = days[meaning.count if meaning.count < 0 else meaning.count - 1] - (3 * DAY if pivot == 3 else timedelta())
    length = 2 if pivot == 5 else 7
    return many_days(
        start, (days[-1] - 3 * DAY if running else start) + length * DAY, "weekend" if pivot == 5 else "week"
    )


_SIDES_OF_WEEK = {"start": (0, 3), "mid": (2, 4), "end": (4, 7)}


_HOURS_OF_DAY = {"start": (6, 10), "mid": (10, 14), "end": (17, 21), "later": (12, 24)}


def _side(meaning: Side, now: datetime) -> Iterator[Days]:
    found = list(_sides(meaning, now))
    if (
        found
        and found[0].end
        and found[0].end <= now
        and isinstance(meaning.outer, Shift)
        and meaning.outer.count == 0
        and meaning.outer.unit == "month"
    ):
        yield from _sides(
            replace(meaning, outer=replace(meaning.outer, count=1)), now
        )  # "early in the month", said on the 12th
    yield from found


def _sides(meaning: Side, now: datetime) -> Iterator[Days]:
    for outer in days_of(meaning.outer, now):
        if outer.start is None or outer.end is None:
            continue
        first, length = outer.start, outer.end - outer.start
        if outer.grain == "day":
            start, end = _HOURS_OF_DAY[meaning.side]
            begin = (
                max(first + timedelta(hours=start), now) if meaning.side == "later" else first + timedelta(hours=start)
            )
            yield Days(begin, first + timedelta(hours=end), "daypart", outer.asks)
        elif meaning.side == "later":
            yield Days(
                max(first, midnight(now.date()) + DAY if now + DAY < outer.end else now),
                outer.end,
                outer.grain,
                outer.asks,
            )
        elif length <= timedelta(days=8):
            start, end = (
                _SIDES_OF_WEEK[meaning.side]
                if length > timedelta(days=4)
                else (0, 1)
                if meaning.side == "start"
                else (1, 2)
            )
            yield Days(first + start * DAY, first + end * DAY, "period", outer.asks)
        elif length <= timedelta(days=32):
            edges = {
                "start": (first, first + 10 * DAY),
                "mid": (first + 10 * DAY, first + 20 * DAY),
                "end": (first + 20 * DAY, outer.end),
            }
            yield Days(*edges[meaning.side], "period", outer.asks)
        else:
            months = 2 if length > timedelta(days=100) else 1
            opening, finish = first.date(), outer.end.date()
            middle = add_months(opening, 5 if months == 2 else 1)
            spans = {
                "start": (opening, add_months(opening, months)),
                "mid": (middle, add_months(middle, months)),
                "end": (add_months(finish, -months), finish),
            }
            yield many_days(*spans[meaning.side], "period", outer.asks)


def _offset(meaning: Offset, now: datetime) -> Iterator[Days]:
    sign = -1 if meaning.backward else 1
    amount = meaning.amount
    anchors = [days for days in days_of(meaning.anchor, now) if days.start] if meaning.anchor else [one_day(now.date())]
    for anchor in anchors:
        if anchor.start is None or anchor.end is None:
            continue
        if amount.unit == "after":
            yield one_day(anchor.end.date(), anchor.asks)
            continue
        day = add_months(anchor.start.date(), sign * amount.months) + sign * amount.days * DAY
        if meaning.weekday is not None:
            day = (
                monday_of(day) + meaning.weekday * DAY
                if not amount.months
                else day + ((meaning.weekday - day.weekday()) % 7) * DAY
            )
        if amount.unit == "year" and meaning.anchor is None and meaning.weekday is None:
            yield many_days(day.replace(day=1), add_months(day.replace(day=1), 1), "month")  # nobody means the very day
        else:
            yield one_day(day, anchor.asks)


def _closest(meaning: Closest, now: datetime) -> Iterator[Days]:
    for anchor in days_of(meaning.to, now):
        if anchor.start is None:
            continue
        day = anchor.start.date()
        near = sorted(
            (abs(offset), offset) for offset in range(-70, 71) if (day + offset * DAY).weekday() == meaning.day
        )
        if 1 <= meaning.count <= len(near):
            yield one_day(day + near[meaning.count - 1][1] * DAY, anchor.asks)


def _stretch(meaning: Stretch, now: datetime) -> Iterator[Days]:
    if meaning.start is None or meaning.end is None:
        for days in days_of(meaning.start or meaning.end or Shift("day", 0), now):
            yield (
                Days(days.start, None, days.grain, days.asks)
                if meaning.start
                else Days(None, days.end, days.grain, days.asks)
            )
        return
    for index, first in enumerate(days_of(meaning.start, now)):
        if first.start is None:
            continue
        # "Monday to Wednesday next week" counts from today, "Tuesday to Thursday" said on a Wednesday from Tuesday.
        ends = [*days_of(meaning.end, now)[:1], *days_of(meaning.end, first.start)]
        lasts = [last for last in ends if last.end and last.end > first.start]
        if (
            isinstance(meaning.end, Date)
            and isinstance(meaning.start, Date)
            and meaning.end.year
            and not meaning.start.year
            and lasts
            and lasts[0].end
        ):
            dated = days_of(replace(meaning.start, year=meaning.end.year), now)
            first = dated[0] if dated and dated[0].start and dated[0].start < lasts[0].end else first
        if lasts and (index == 0 or (lasts[0].end and lasts[0].end > now)):
            yield Days(first.start, lasts[0].end, first.grain if first.grain == lasts[0].grain else "day", first.asks)

"""Single days and calendar units, seen from today: weekdays, dates, weeks, months, holidays."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import assert_never

from nlu.when.holidays import holiday_on
from nlu.when.meaning import Date, Holiday, Running, Shift, Weekday, Workdays

DAY = timedelta(days=1)
Plain = Shift | Weekday | Date | Running | Holiday | Workdays


@dataclass(frozen=True, slots=True)
class Days:
    """One reading of a day meaning; `asks` says what sets it apart from the next reading."""

    start: datetime | None
    end: datetime | None
    grain: str
    asks: str | None = None


def midnight(day: date) -> datetime:
    """Return the first moment of a day."""
    return datetime.combine(day, time())


def add_months(day: date, months: int) -> date:
    """Move by calendar months; the 31st becomes the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def one_day(day: date, asks: str | None = None) -> Days:
    """Return a reading of a single day."""
    return Days(midnight(day), midnight(day) + DAY, "day", asks)


def many_days(start: date, end: date, grain: str, asks: str | None = None) -> Days:
    """Return a reading of several days, the end not included."""
    return Days(midnight(start), midnight(end), grain, asks)


def monday_of(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def plain_days(meaning: Plain, now: datetime) -> Iterator[Days]:
    """Return the readings of a day meaning that holds no other, best first."""
    today = now.date()
    match meaning:
        case Shift():
            yield from _shifted(meaning, today)
        case Weekday():
            yield from _weekday(meaning, today)
        case Date():
            yield from _date(meaning, today)
        case Running():
            yield from _running(meaning, now)
        case Holiday():
            yield from _holiday(meaning, today)
        case Workdays():
            following = monday_of(today) + 7 * DAY
            if today.weekday() < 5:
                yield many_days(today, following - 2 * DAY, "week")
            yield many_days(following, following + 5 * DAY, "week")
        case _:
            assert_never(meaning)


def _shifted(meaning: Shift, today: date) -> Iterator[Days]:
    count = meaning.count
    monday = monday_of(today)
    if meaning.unit == "day":
        yield one_day(today + count * DAY)
    elif meaning.unit in ("week", "workweek"):
        start = monday + 7 * count * DAY
        yield many_days(start, start + (7 if meaning.unit == "week" else 5) * DAY, "week")
    elif meaning.unit == "weekend":
        start = monday + (7 * count + 5) * DAY
        yield many_days(start, start + 2 * DAY, "weekend", "which_week" if count == 1 and today.weekday() < 5 else None)
        if count == 1 and today.weekday() < 5:
            yield many_days(start - 7 * DAY, start - 5 * DAY, "weekend")
    elif meaning.unit == "month":
        first = add_months(today.replace(day=1), count)
        yield many_days(first, add_months(first, 1), "month")
    elif meaning.unit == "quarter":
        first = add_months(date(today.year, (today.month - 1) // 3 * 3 + 1, 1), 3 * count)
        yield many_days(first, add_months(first, 3), "quarter")
    elif meaning.unit == "year":
        yield many_days(date(today.year + count, 1, 1), date(today.year + count + 1, 1, 1), "year")


def _weekday(meaning: Weekday, today: date) -> Iterator[Days]:
    ahead = (meaning.day - today.weekday()) % 7
    coming = today + (ahead or 7) * DAY
    match meaning.which:
        case None:
            yield one_day(coming)
            if not ahead:
                yield one_day(today)
        case "coming":
            yield one_day(coming)
        case "this":
            yield one_day(today + ahead * DAY)
        case "last":
            yield one_day(today - ((today.weekday() - meaning.day) % 7 or 7) * DAY)
        case "after_next":
            yield one_day(coming + 7 * DAY)
        case _:
            following = monday_of(today) + (7 + meaning.day) * DAY
            # Said on a Wednesday, "next Friday" is next week's for most people and the day after tomorrow for some.
            yield one_day(following, "which_week" if following != coming else None)
            if following != coming:
                yield one_day(coming)


def _date(meaning: Date, today: date) -> Iterator[Days]:
    if meaning.day is None:
        yield from _month_or_year(meaning, today)
        return
    if meaning.month is None:
        yield from _day_number(meaning, today)
        return
    found = list(_in_years(meaning, today))
    swapped = list(_in_years(meaning.swapped, today)) if meaning.swapped else []
    wanted = meaning.weekday
    if wanted is not None and found and found[0].weekday() != wanted and swapped and swapped[0].weekday() == wanted:
        found, swapped = swapped, found
    for index, day in enumerate(found):
        mismatch = wanted is not None and day.weekday() != wanted
        yield one_day(day, ("weekday" if mismatch else "date_order" if swapped else None) if index == 0 else None)
    for day in swapped[:1]:
        yield one_day(day)


def _in_years(meaning: Date, today: date) -> Iterator[date]:
    """Return the date this year or the next year that has it, then the one just past."""
    day, month = meaning.day or 1, meaning.month or 1
    years = [meaning.year] if meaning.year is not None else range(today.year - 4, today.year + 9)
    days = [date(year, month, day) for year in years if day <= calendar.monthrange(year, month)[1]]
    yield from [found for found in days if meaning.year is not None or found >= today][:1]
    if meaning.year is None:
        yield from [found for found in days if found < today][-1:]


def _day_number(meaning: Date, today: date) -> Iterator[Days]:
    first = today.replace(day=1)
    for months in range(60):
        month = add_months(first, months)
        if (meaning.day or 1) > calendar.monthrange(month.year, month.month)[1]:
            continue
        day = month.replace(day=meaning.day or 1)
        if day >= today and (meaning.weekday is None or day.weekday() == meaning.weekday):
            yield one_day(day)
            return


def _month_or_year(meaning: Date, today: date) -> Iterator[Days]:
    if meaning.month is None:
        if meaning.year:
            yield many_days(date(meaning.year, 1, 1), date(meaning.year + 1, 1, 1), "year")
        return
    year = meaning.year or today.year + (meaning.month < today.month)
    if (
        meaning.year is None
        and meaning.which in ("next", "following", "after_next", "coming")
        and meaning.month == today.month
    ):
        year += 1
    if meaning.which == "after_next":
        year += 1
    elif meaning.which == "last":
        year -= meaning.month >= today.month or year > today.year
    first = date(year, meaning.month, 1)
    yield many_days(first, add_months(first, 1), "month")


def _running(meaning: Running, now: datetime) -> Iterator[Days]:
    amount = meaning.amount
    today = now.date()
    if amount.minutes and not amount.days and not amount.months:
        length = timedelta(minutes=amount.minutes)
        yield Days(now - length, now, "minute") if meaning.backward else Days(now, now + length, "minute")
        return
    if meaning.backward:
        yield many_days(add_months(today, -amount.months) - amount.days * DAY, today, amount.unit)
        return
    start = today
    if meaning.whole:  # "the coming two weeks" are weeks, "the next two weeks" are fourteen days
        starts = {"day": today + DAY, "week": monday_of(today) + 7 * DAY, "month": add_months(today.replace(day=1), 1)}
        start = starts.get(amount.unit, today)
    yield many_days(start, add_months(start, amount.months) + amount.days * DAY, amount.unit)


def _holiday(meaning: Holiday, today: date) -> Iterator[Days]:
    if meaning.year:
        day = holiday_on(meaning.name, meaning.year)
        if day:
            yield one_day(day)
        return
    days = [day for year in range(today.year - 1, today.year + 3) if (day := holiday_on(meaning.name, year))]
    yield from [one_day(day) for day in days if day >= today][: 1 if meaning.which != "last" else 0]
    yield from [one_day(day) for day in days if day < today][-1:]

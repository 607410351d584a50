"""Day meanings -> calendar days, seen from today: future first, past kept as a last reading."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from nlu.when.holidays import holiday_on, nth_weekday
from nlu.when.meaning import Closest, Date, Day, Holiday, Inside, Nth, Offset, Running, Shift, Side, Stretch, Weekday, WeekOf, Workdays

DAY = timedelta(days=1)


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


def _many(start: date, end: date, grain: str, asks: str | None = None) -> Days:
    return Days(midnight(start), midnight(end), grain, asks)


def monday_of(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def days_of(meaning: Day, now: datetime) -> list[Days]:
    """Return the readings of a day meaning, best first; empty when there is no such day."""
    try:
        return list(_readings(meaning, now))
    except (OverflowError, ValueError):  # beyond the years that datetime knows
        return []


def _readings(meaning: Day, now: datetime) -> Iterator[Days]:
    today = now.date()
    match meaning:
        case Shift():
            yield from _shifted(meaning, today)
        case Weekday():
            yield from _weekday(meaning, today)
        case Date():
            yield from _date(meaning, today)
        case Inside():
            yield from _inside(meaning, now)
        case Nth():
            yield from _nth(meaning, now)
        case Side():
            yield from _side(meaning, now)
        case Offset():
            yield from _offset(meaning, now)
        case Running():
            yield from _running(meaning, now)
        case Holiday():
            yield from _holiday(meaning, today)
        case WeekOf():
            for days in days_of(meaning.inner, now):
                if days.start:
                    monday = monday_of(days.start.date())
                    yield _many(monday, monday + 7 * DAY, "week", days.asks)
        case Closest():
            yield from _closest(meaning, now)
        case Stretch():
            yield from _stretch(meaning, now)
        case Workdays():
            following = monday_of(today) + 7 * DAY
            if today.weekday() < 5:
                yield _many(today, following - 2 * DAY, "week")
            yield _many(following, following + 5 * DAY, "week")


def _shifted(meaning: Shift, today: date) -> Iterator[Days]:
    count = meaning.count
    monday = monday_of(today)
    if meaning.unit == "day":
        yield one_day(today + count * DAY)
    elif meaning.unit in ("week", "workweek"):
        start = monday + 7 * count * DAY
        yield _many(start, start + (7 if meaning.unit == "week" else 5) * DAY, "week")
    elif meaning.unit == "weekend":
        start = monday + (7 * count + 5) * DAY
        yield _many(start, start + 2 * DAY, "weekend", "which_week" if count == 1 and today.weekday() < 5 else None)
        if count == 1 and today.weekday() < 5:
            yield _many(start - 7 * DAY, start - 5 * DAY, "weekend")
    elif meaning.unit == "month":
        first = add_months(today.replace(day=1), count)
        yield _many(first, add_months(first, 1), "month")
    elif meaning.unit == "quarter":
        first = add_months(date(today.year, (today.month - 1) // 3 * 3 + 1, 1), 3 * count)
        yield _many(first, add_months(first, 3), "quarter")
    elif meaning.unit == "year":
        yield _many(date(today.year + count, 1, 1), date(today.year + count + 1, 1, 1), "year")


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
            yield _many(date(meaning.year, 1, 1), date(meaning.year + 1, 1, 1), "year")
        return
    year = meaning.year or today.year + (meaning.month < today.month)
    if meaning.year is None and meaning.which in ("next", "following", "after_next", "coming") and meaning.month == today.month:
        year += 1
    if meaning.which == "after_next":
        year += 1
    elif meaning.which == "last":
        year -= meaning.month >= today.month or year > today.year
    first = date(year, meaning.month, 1)
    yield _many(first, add_months(first, 1), "month")


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
        elif isinstance(meaning.inner, Date) and meaning.inner.day and meaning.inner.day <= calendar.monthrange(first.year, first.month)[1]:
            day = first.replace(day=meaning.inner.day)
        else:
            continue
        if day < last:
            yield one_day(day, outer.asks)


def _weekend_around(day: date) -> Days:
    """Return the weekend that a holiday lengthens: Thursday and Friday lead into it, Monday ends it."""
    saturday = day + ((5 - day.weekday()) % 7 if 2 <= day.weekday() <= 5 else -((day.weekday() - 5) % 7)) * DAY
    return _many(min(day, saturday) if day.weekday() >= 3 else saturday, max(saturday + 2 * DAY, day + DAY), "weekend")


def _nth(meaning: Nth, now: datetime) -> Iterator[Days]:
    if isinstance(meaning.outer, Shift) and meaning.outer.unit == "day" and meaning.unit.startswith("weekday"):
        weekday = int(meaning.unit[-1])
        yield one_day(now.date() + ((weekday - now.weekday()) % 7 or 7) * DAY + 7 * (meaning.count - 1) * DAY)
        return
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
        if (end - first).days <= 31:
            day = nth_weekday(first.year, first.month, weekday, count) if count else None
        else:
            day = first + ((weekday - first.weekday()) % 7 + 7 * (count - 1)) * DAY if count > 0 else end - ((end.weekday() - weekday - 1) % 7 + 1 + 7 * (-count - 1)) * DAY
        return one_day(day) if day and first <= day < end else None
    if meaning.unit == "day":
        day = first + (count - 1) * DAY if count > 0 else end + count * DAY
        return one_day(day) if first <= day < end else None
    if meaning.unit in ("month", "quarter"):
        months = (1 if meaning.unit == "month" else 3) * (count - 1)
        start = add_months(first, months) if count > 0 else add_months(end, months + 1 if meaning.unit == "month" else months + 3)
        return _many(start, add_months(start, 1 if meaning.unit == "month" else 3), meaning.unit)
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
    return _many(start, (days[-1] - 3 * DAY if running else start) + length * DAY, "weekend" if pivot == 5 else "week")


_SIDES_OF_WEEK = {"start": (0, 3), "mid": (2, 4), "end": (4, 7)}
_HOURS_OF_DAY = {"start": (6, 10), "mid": (10, 14), "end": (17, 21), "later": (12, 24)}


def _side(meaning: Side, now: datetime) -> Iterator[Days]:
    found = list(_sides(meaning, now))
    if found and found[0].end and found[0].end <= now and isinstance(meaning.outer, Shift) and meaning.outer.count == 0 and meaning.outer.unit == "month":
        yield from _sides(replace(meaning, outer=replace(meaning.outer, count=1)), now)  # "early in the month", said on the 12th
    yield from found


def _sides(meaning: Side, now: datetime) -> Iterator[Days]:
    for outer in days_of(meaning.outer, now):
        if outer.start is None or outer.end is None:
            continue
        first, length = outer.start, outer.end - outer.start
        if outer.grain == "day":
            start, end = _HOURS_OF_DAY[meaning.side]
            begin = max(first + timedelta(hours=start), now) if meaning.side == "later" else first + timedelta(hours=start)
            yield Days(begin, first + timedelta(hours=end), "daypart", outer.asks)
        elif meaning.side == "later":
            yield Days(max(first, midnight(now.date()) + DAY if now + DAY < outer.end else now), outer.end, outer.grain, outer.asks)
        elif length <= timedelta(days=8):
            start, end = _SIDES_OF_WEEK[meaning.side] if length > timedelta(days=4) else (0, 1) if meaning.side == "start" else (1, 2)
            yield Days(first + start * DAY, first + end * DAY, "period", outer.asks)
        elif length <= timedelta(days=32):
            edges = {"start": (first, first + 10 * DAY), "mid": (first + 10 * DAY, first + 20 * DAY), "end": (first + 20 * DAY, outer.end)}
            yield Days(*edges[meaning.side], "period", outer.asks)
        else:
            months = 2 if length > timedelta(days=100) else 1
            begin, finish = first.date(), outer.end.date()
            middle = add_months(begin, 5 if months == 2 else 1)
            spans = {"start": (begin, add_months(begin, months)), "mid": (middle, add_months(middle, months)), "end": (add_months(finish, -months), finish)}
            yield _many(*spans[meaning.side], "period", outer.asks)


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
            day = monday_of(day) + meaning.weekday * DAY if not amount.months else day + ((meaning.weekday - day.weekday()) % 7) * DAY
        if amount.unit == "year" and meaning.anchor is None and meaning.weekday is None:
            yield _many(day.replace(day=1), add_months(day.replace(day=1), 1), "month")  # nobody means the very day
        else:
            yield one_day(day, anchor.asks)


def _running(meaning: Running, now: datetime) -> Iterator[Days]:
    amount = meaning.amount
    today = now.date()
    if amount.minutes and not amount.days and not amount.months:
        length = timedelta(minutes=amount.minutes)
        yield Days(now - length, now, "minute") if meaning.backward else Days(now, now + length, "minute")
        return
    if meaning.backward:
        yield _many(add_months(today, -amount.months) - amount.days * DAY, today, amount.unit)
        return
    start = today
    if meaning.whole:  # "the coming two weeks" are weeks, "the next two weeks" are fourteen days
        starts = {"day": today + DAY, "week": monday_of(today) + 7 * DAY, "month": add_months(today.replace(day=1), 1)}
        start = starts.get(amount.unit, today)
    yield _many(start, add_months(start, amount.months) + amount.days * DAY, amount.unit)


def _holiday(meaning: Holiday, today: date) -> Iterator[Days]:
    if meaning.year:
        day = holiday_on(meaning.name, meaning.year)
        if day:
            yield one_day(day)
        return
    days = [day for year in range(today.year - 1, today.year + 3) if (day := holiday_on(meaning.name, year))]
    yield from [one_day(day) for day in days if day >= today][: 1 if meaning.which != "last" else 0]
    yield from [one_day(day) for day in days if day < today][-1:]


def _closest(meaning: Closest, now: datetime) -> Iterator[Days]:
    for anchor in days_of(meaning.to, now):
        if anchor.start is None:
            continue
        day = anchor.start.date()
        near = sorted((abs(offset), offset) for offset in range(-70, 71) if (day + offset * DAY).weekday() == meaning.day)
        if 1 <= meaning.count <= len(near):
            yield one_day(day + near[meaning.count - 1][1] * DAY, anchor.asks)


def _stretch(meaning: Stretch, now: datetime) -> Iterator[Days]:
    if meaning.start is None or meaning.end is None:
        for days in days_of(meaning.start or meaning.end or Shift("day", 0), now):
            yield Days(days.start, None, days.grain, days.asks) if meaning.start else Days(None, days.end, days.grain, days.asks)
        return
    for index, first in enumerate(days_of(meaning.start, now)):
        if first.start is None:
            continue
        lasts = [last for last in days_of(meaning.end, first.start) if last.end and last.end > first.start]
        if isinstance(meaning.end, Date) and isinstance(meaning.start, Date) and meaning.end.year and not meaning.start.year and lasts and lasts[0].end:
            dated = days_of(replace(meaning.start, year=meaning.end.year), now)
            first = dated[0] if dated and dated[0].start and dated[0].start < lasts[0].end else first
        if lasts and (index == 0 or (lasts[0].end and lasts[0].end > now)):
            yield Days(first.start, lasts[0].end, first.grain if first.grain == lasts[0].grain else "day", first.asks)

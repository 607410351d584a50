"""Meanings -> ranked readings on the wall clock: days, opening hours and now decide what the words leave open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nlu.when.almanac import days_of
from nlu.when.calendar_days import DAY, Days, add_months, midnight, one_day
from nlu.when.meaning import (
    Amount,
    Between,
    Clock,
    Date,
    Day,
    Hours,
    Lasting,
    Meaning,
    Now,
    Offset,
    Part,
    Point,
    Same,
    Shift,
    Time,
    Weekday,
)

OpeningHours = Mapping[int, Sequence[tuple[int, int]]]
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a reading may depend on besides the words."""

    now: datetime
    parts: Mapping[str, tuple[int, int]]
    literal: bool = False
    hours: OpeningHours | None = None
    reference: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading; `asks` names what sets it apart from the next one."""

    start: datetime | None
    end: datetime | None
    grain: str
    approx: bool = False
    asks: str | None = None
    relative: bool = False
    day_only: bool = False
    each: bool = False


def readings_of(meaning: Meaning, scene: Scene) -> list[Reading]:
    """Return the readings of a meaning, best first; empty when there is no such time."""
    try:
        found = list(_readings(meaning, scene))
    except (OverflowError, ValueError):  # beyond the years that datetime knows
        return []
    unique: list[Reading] = []
    for reading in found:
        if reading.start is None and reading.end is None:
            continue  # until from Tuesday on
        if reading.start and reading.end and reading.start >= reading.end:
            continue  # the rest of a day that is over
        if not any((reading.start, reading.end) == (known.start, known.end) for known in unique):
            unique.append(reading)
    return unique


def _readings(meaning: Meaning, scene: Scene) -> Iterator[Reading]:
    match meaning:
        case Now():
            yield _now(meaning, scene)
        case Point():
            yield from _point(meaning, scene)
        case Between():
            yield from _between(meaning, scene)
        case Lasting():
            for reading in readings_of(meaning.start, scene):
                if reading.start:
                    yield replace(
                        reading,
                        end=_plus(reading.start, meaning.amount),
                        grain="minute" if meaning.amount.minutes else "day",
                    )
        case Same():
            yield from _same(meaning, scene)


def _plus(moment: datetime, amount: Amount, *, backward: bool = False) -> datetime:
    sign = -1 if backward else 1
    moved = datetime.combine(add_months(moment.date(), sign * amount.months), moment.time())
    return moved + sign * timedelta(days=amount.days, minutes=amount.minutes)


def _now(meaning: Now, scene: Scene) -> Reading:
    start = scene.now.replace(second=0, microsecond=0)
    if meaning.amount:
        start = _plus(start, meaning.amount, backward=meaning.backward)
    return Reading(start, start + _MINUTE, "minute")


def _point(meaning: Point, scene: Scene) -> Iterator[Reading]:
    if meaning.time is None and isinstance(meaning.day, Date) and meaning.day.hour_after:
        yield from _day_or_hour(meaning.day, scene)
        return
    if meaning.time is None:
        for days in days_of(meaning.day, scene.now) if meaning.day else ():
            yield Reading(days.start, days.end, days.grain, asks=days.asks, day_only=True)
        return
    if meaning.day is None:
        if scene.reference and isinstance(meaning.time, Clock):
            yield from _same(Same(time=meaning.time, keep="day"), scene)
        yield from _soonest(meaning.time, scene)
        return
    for days in days_of(meaning.day, scene.now):
        if days.start is None:
            continue
        if days.grain in ("day", "daypart") or days.end is None or days.end - days.start <= DAY:
            yield from _on_day(meaning.time, midnight(days.start.date()), scene, days.asks)
        else:
            yield from _over_period(meaning.time, days, scene)


def _day_or_hour(day: Date, scene: Scene) -> Iterator[Reading]:
    """Friday 3: the 3rd when such a Friday is near, else three o'clock."""
    dates = days_of(day, scene.now)
    near = dates and dates[0].start and dates[0].start < scene.now + day.hour_after * DAY
    clock = Point(Weekday(day.weekday or 0), Clock(day.day or 0, exact=False))
    hours = list(_point(clock, scene))
    named = [Reading(days.start, days.end, days.grain, asks=days.asks, day_only=True) for days in dates]
    yield from [*named, *hours] if near else [*hours, *named]


def _over_period(time: Time, days: Days, scene: Scene) -> Iterator[Reading]:
    """A time over several days (mornings next week, weekday evenings) is that time on each of them."""
    if days.start is None or days.end is None or days.end - days.start > 14 * DAY:
        yield Reading(days.start, days.end, days.grain, asks=days.asks, day_only=True)
        return
    day = midnight(max(days.start, scene.now).date())
    while day < days.end:
        open_then = not scene.hours or scene.hours.get(day.weekday())
        if open_then or days.end - days.start <= 3 * DAY:
            options = [option for option in _times(time, day, scene) if option.end is None or option.end > scene.now]
            yield from [replace(option, each=True) for option in options[:1]]
        day += DAY


def _on_day(time: Time, day: datetime, scene: Scene, asks: str | None = None) -> Iterator[Reading]:
    options = list(_times(time, day, scene))
    if day.date() == scene.now.date():  # 3 o'clock said at noon is not last night's
        ahead = [option for option in options if _lies_ahead(option, time, scene.now)]
        # Ten said at half past ten is over rather than ten at night, unless the shop is open then.
        if ahead and (scene.hours or not isinstance(time, Clock) or _plausible(ahead[0])):
            options = ahead
    for option in options:
        yield replace(option, asks=asks or (option.asks if len(options) > 1 else None))


def _lies_ahead(option: Reading, time: Time, now: datetime) -> bool:
    if option.end is not None and option.end <= now:
        return False
    point = option.grain in ("hour", "minute") and not isinstance(time, Hours)
    return not point or option.start is None or option.start >= now - _MINUTE


def _soonest(time: Time, scene: Scene) -> Iterator[Reading]:
    """A time without a day: today when it is still to come, else tomorrow."""
    today = midnight(scene.now.date())
    now = scene.now
    if isinstance(time, Hours) and (time.start is None or time.end is None):
        for option in _times(time, today, scene):
            late = time.start is None and option.end is not None and option.end < now
            shift = DAY if late else timedelta()
            start = option.start + shift if time.start is not None and option.start else None
            end = option.end + shift if time.end is not None and option.end else None
            yield replace(option, start=start, end=end)
        return
    todays, tomorrows = list(_times(time, today, scene)), list(_times(time, today + DAY, scene))
    if isinstance(time, Part):
        yield from [option for option in todays if option.end and option.end > now][:1]
        yield from tomorrows[:1]
        return
    ahead = [option for option in todays if option.start and option.start >= now.replace(second=0, microsecond=0)]
    if not ahead and isinstance(time, Hours):
        ahead = [option for option in todays if option.end and option.end > now]
    best = todays[:1]
    if ahead and ahead[0] is not (best[0] if best else None) and tomorrows and not _plausible(ahead[0]):
        ahead, tomorrows = [], [*tomorrows, *ahead]
    for option in [*ahead, *tomorrows]:
        yield replace(option, asks=option.asks if len(todays) > 1 else None)


def _plausible(option: Reading) -> bool:
    return option.start is not None and 7 <= option.start.hour < 21


def _times(time: Time, day: datetime, scene: Scene) -> Iterator[Reading]:
    """Return the readings of a time on one day, best first."""
    if isinstance(time, Part):
        start, end = part_hours(time, scene.parts)
        yield Reading(day + timedelta(minutes=start), day + timedelta(minutes=end), "daypart")
    elif isinstance(time, Clock):
        options = clock_minutes(time, day.weekday(), scene)
        grain = "minute" if time.minute or time.written else "hour"
        length = _MINUTE if grain == "minute" else timedelta(hours=1)
        asks = "meridiem" if len(options) > 1 and meridiem_matters(time, day.weekday(), scene) else None
        for minutes in options:
            start_at = day + timedelta(minutes=minutes)
            yield Reading(start_at, start_at + length, grain, approx=time.approx, asks=asks)
    else:
        yield from _hours(time, day, scene)


def _hours(time: Hours, day: datetime, scene: Scene) -> Iterator[Reading]:
    starts: list[Reading | None] = list(_times(time.start, day, scene)) if time.start else [None]
    ends: list[Reading | None] = list(_times(time.end, day, scene)) if time.end else [None]
    if time.start is None:
        for end in ends:
            # "Until the evening" ends where the evening begins, "by the end of the day" where the day ends.
            closes = isinstance(time.end, Part) and time.end.name in ("day_end", "close")
            limit = None if end is None else end.end if closes else end.start
            yield Reading(day, limit, "hour", asks=end.asks if end else None)
        return
    for start in starts:
        if start is None or start.start is None:
            continue
        if time.end is None:
            begin = start.end if isinstance(time.start, Part) else start.start
            yield Reading(begin, day + DAY, "hour", approx=start.approx, asks=start.asks)
            continue
        sides = [end.end if isinstance(time.end, Part) else end.start for end in ends if end]
        limits = sorted(side for side in sides if side)
        later = [limit for limit in limits if limit > start.start]
        finish = later[0] if later else (limits[0] + DAY if limits else None)
        fine = any(isinstance(side, Clock) and (side.minute or side.written) for side in (time.start, time.end))
        yield Reading(start.start, finish, "minute" if fine else "hour", asks=start.asks)


def part_hours(part: Part, parts: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Return the minutes of the day that a part covers."""
    if part.name == "day" and part.side:
        return parts[f"day_{part.side}"]
    start, end = parts.get(part.name, (9 * 60, 17 * 60))
    length = end - start
    if part.side == "start":
        return start, start + max(length // 2, 60)
    if part.side == "end":
        return end - max(length // 2, 60), end
    if part.side == "mid":
        return start + length // 4, end - length // 4
    return start, end


def clock_minutes(clock: Clock, weekday: int, scene: Scene) -> list[int]:
    """Return the minutes of the day that a clock may mean, best first: opening hours decide, else the language."""
    first = clock.hour * 60 + clock.minute
    if not clock.is_open:
        return [first]
    early, late = (clock.hour % 12) * 60 + clock.minute, (clock.hour % 12 + 12) * 60 + clock.minute
    options = [early, late] if 7 <= clock.hour <= 11 or (scene.literal and clock.hour < 12) else [late, early]
    open_now = [minutes for minutes in options if _is_open_at(minutes, weekday, scene.hours)]
    return open_now or options


def _is_open_at(minutes: int, weekday: int, hours: OpeningHours | None) -> bool:
    if not hours:
        return False
    ranges = hours.get(weekday) or [opening for openings in hours.values() for opening in openings]
    return any(start <= minutes <= end for start, end in ranges)


def meridiem_matters(clock: Clock, weekday: int, scene: Scene) -> bool:
    """Tell whether am and pm are both worth asking about: both open, or hours unknown and neither far off."""
    if not clock.is_open:
        return False
    if scene.hours:
        both = ((clock.hour % 12) * 60 + clock.minute, (clock.hour % 12 + 12) * 60 + clock.minute)
        return all(_is_open_at(minutes, weekday, scene.hours) for minutes in both)
    return 6 <= clock.hour <= 9 or (scene.literal and clock.hour < 6)


def _between(meaning: Between, scene: Scene) -> Iterator[Reading]:
    if meaning.start is None:
        for end in readings_of(meaning.end, scene) if meaning.end else ():
            yield Reading(
                None, end.end if meaning.include_end and end.day_only else end.start, end.grain, asks=end.asks
            )
        return
    for index, start in enumerate(readings_of(meaning.start, scene)):
        if start.start is None:
            continue
        if meaning.end is None:
            yield Reading(start.start, None, start.grain, asks=start.asks)
            continue
        seen_from = replace(scene, now=start.start) if not isinstance(meaning.start, Now) else scene
        ends = [end for end in readings_of(meaning.end, seen_from) if end.start and end.end]
        limits = [end.end if end.day_only or end.grain == "daypart" else end.start for end in ends]
        later = [limit for limit in limits if limit and limit > start.start]
        if later and (index == 0 or start.asks is None):
            yield Reading(start.start, later[0], start.grain, asks=start.asks)


def _same(meaning: Same, scene: Scene) -> Iterator[Reading]:
    """Like the reference booking: same time another day, same day another time, or moved by an amount."""
    if scene.reference is None:
        if meaning.keep == "shift" and meaning.shift and not meaning.backward:
            counted = Now(meaning.shift) if meaning.shift.minutes else Point(Offset(meaning.shift))
            yield from _readings(counted, scene)
        elif meaning.keep == "day" and meaning.time is not None:
            yield from _soonest(meaning.time, scene)
        elif meaning.day is not None:
            yield from _point(Point(meaning.day, meaning.time), scene)
        return
    start, end = scene.reference
    length = end - start
    if meaning.keep == "shift" and meaning.shift:
        moved = _plus(start, meaning.shift, backward=meaning.backward)
        yield Reading(moved, moved + length, "minute", relative=True)
    elif meaning.keep == "day":
        options = (
            _times(meaning.time, midnight(start.date()), scene)
            if meaning.time
            else iter([Reading(midnight(start.date()), midnight(start.date()) + DAY, "day")])
        )
        for option in options:
            yield replace(option, relative=True)
    else:
        for option_day in _days_from_reference(meaning.day, start, scene):
            if option_day.start:
                moved = datetime.combine(option_day.start.date(), start.time())
                yield Reading(moved, moved + length, "minute", asks=option_day.asks, relative=True)


def _days_from_reference(day: Day | None, start: datetime, scene: Scene) -> list[Days]:
    """Weeks and months are counted from the booking that moves, everything else from today."""
    if day is None:
        return [one_day(start.date())]
    if isinstance(day, Shift) and day.unit == "week":
        return [one_day(start.date() + 7 * day.count * DAY)]
    if isinstance(day, Shift) and day.unit == "month":
        return [one_day(add_months(start.date(), day.count))]
    if isinstance(day, Offset) and day.anchor is None and day.weekday is None:
        return [one_day(_plus(start, day.amount, backward=day.backward).date())]
    return days_of(day, scene.now)

"""What a customer's words about time mean for a search: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot import phrasing
from nlu.when import When, Window

#: Clock readings: a start that can be booked as it is. Others are spans to search in.
_POINTS = {"minute", "hour"}
#: So far ahead is a weekday ruled out.
_WEEKS = 20
#: Sold by the day or night: a clock that is named besides counts for nothing.
_WHOLE_DAYS = {"day", "night"}
#: Readings that begin on one certain day.
_FROM_A_DAY = {*_POINTS, "day", "daypart", "weekend"}
Span = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Wish:
    """Spans to search in (aware), spans to leave out, and where in them the customer would like to be."""

    spans: tuple[Span, ...] = ()
    exclude: tuple[Span, ...] = ()
    #: An exact start, when that is what was said.
    exact: datetime | None = None
    #: Rank near this moment.
    near: datetime | None = None
    #: Everything said lies behind us.
    past: bool = False
    #: As soon as can be: the first free times, not a choice over the day.
    soonest: bool = False
    ambiguity: str | None = None

    @property
    def open(self) -> bool:
        """Whether no time was named at all: the first free ones will do."""
        return not self.spans


def wish_for(when: Mapping[str, Any] | None, *, tz: str, now: datetime, unit: str = "visit") -> Wish:
    """Return the search that a remembered reading asks for; `unit`: what the service is sold by."""
    if not when:
        return Wish()
    read = When.from_json(dict(when))
    if not read.choices:
        return Wish(exclude=_excluded(read, tz))
    ahead = [window for window in read.choices if not window.past]
    if unit in _WHOLE_DAYS:
        return _whole_days(ahead, read, tz)
    exact = _exact(ahead, tz) if unit == "visit" else _from_hour(ahead, tz)
    spans = tuple(_span(window, tz) for window in ahead)
    near = exact or _near(ahead, tz) or _again(read, tz, now)
    if exact is not None:
        # Around an exact time the whole day counts, so that the nearest free time can be offered.
        spans = (day_span(exact.astimezone(ZoneInfo(tz)).date(), tz),)
    return Wish(
        spans=spans,
        exclude=_excluded(read, tz),
        exact=exact,
        near=near,
        past=not ahead,
        soonest=read.asap,
        ambiguity=read.ambiguity,
    )


def units_said(when: Mapping[str, Any] | None, unit: str) -> int | None:
    """Return how many hours, days or nights a reading covers from one end to the other ("from 3 to 5"), if it does."""
    choices = When.from_json(dict(when)).choices if when else ()
    if len(choices) != 1 or choices[0].start is None or choices[0].end is None:
        return None
    window, (start, end) = choices[0], (choices[0].start, choices[0].end)
    if unit in _WHOLE_DAYS:
        days = (end.date() - start.date()).days
        if window.grain not in {"day", "weekend"} or days < 2:
            return None
        return days if unit == "day" else days - 1
    hours, rest = divmod(end - start, timedelta(hours=1))
    told = window.grain in _POINTS and not window.approx and hours > 1 and end.time() != time()
    return hours + bool(rest) if unit == "hour" and told else None


#: Of a longer stretch no single week is talked about.
_DAYS_ABOUT = 8


def first_day(when: Mapping[str, Any] | None) -> date | None:
    """Return the one day on which something should begin, if there is one."""
    choices = When.from_json(dict(when)).choices if when else ()
    if len(choices) != 1 or choices[0].start is None or choices[0].past or choices[0].grain not in _FROM_A_DAY:
        return None
    return choices[0].start.date()


def day_span(day: date, tz: str) -> Span:
    """Return a local date from midnight to midnight, aware."""
    zone = ZoneInfo(tz)
    return datetime.combine(day, time(), zone).astimezone(UTC), datetime.combine(
        day + timedelta(days=1), time(), zone
    ).astimezone(UTC)


def correct(old: Mapping[str, Any] | None, new: When, *, on_day: date | None) -> dict[str, Any]:
    """Merge what is said now with what was said before.

    A bare clock ("make it 4") keeps the day that was talked about; a bare day ("no, Thursday") keeps
    the clock; anything else replaces. Exclusions add up.
    """
    before = When.from_json(dict(old)) if old else None
    choices, windows = new.choices, new.windows
    if before:
        choices, windows = (tuple(_of_the_weeks(before, one) for one in every) for every in (choices, windows))
    if choices and on_day is not None and not any(_dated(window) for window in choices):
        choices = tuple(_moved_to(window, on_day) for window in choices)
        windows = tuple(_moved_to(window, on_day) for window in windows)
    elif choices and before and all(window.grain == "day" for window in choices):
        choices = windows = tuple(_with_clock_of(before, window) for window in choices)
    elif not choices and before:
        choices, windows = before.choices, before.windows
    exclusions = (*(before.exclusions if before and not new.asap else ()), *new.exclusions)
    return replace(new, choices=choices, windows=windows, exclusions=exclusions).to_json()


def _of_the_weeks(before: When, window: Window) -> Window:
    """Return a weekday ("Wednesday at 4") as that of the week that was talked about."""
    if window.start is None or not window.dated or not phrasing.names_weekday(window.text):
        return window
    days = [
        choice.start.date() + timedelta(days=day)
        for choice in before.choices
        if choice.start is not None and choice.end is not None
        for day in range(min((choice.end - choice.start).days + 1, _DAYS_ABOUT))
    ]
    meant = [day for day in days if day.weekday() == window.start.weekday()]
    if not meant or window.start.date() in days or len(set(meant)) > 1:
        return window
    return _moved_to(window, meant[0]) if meant[0] > window.start.date() else window


def by_line(when: When, text: str) -> list[When]:
    """Return what each line says of time, in order: of a burst of messages, what was written last corrects the rest."""
    windows = (*when.windows, *when.choices, *when.exclusions)
    lines = sorted({text.count("\n", 0, window.span[0]) for window in windows})
    if len(lines) < 2:
        return [when]
    return [
        replace(
            when,
            windows=_on_line(when.windows, text, line),
            choices=_on_line(when.choices, text, line),
            exclusions=_on_line(when.exclusions, text, line),
        )
        for line in lines
    ]


def _on_line(windows: Sequence[Window], text: str, line: int) -> tuple[Window, ...]:
    return tuple(window for window in windows if text.count("\n", 0, window.span[0]) == line)


def day_talked_about(when: Mapping[str, Any] | None, *, starts: datetime | None, tz: str) -> date | None:
    """Return the one local day that the talk is about, if there is one."""
    if starts is not None:
        return starts.astimezone(ZoneInfo(tz)).date()
    if not when:
        return None
    days = {
        window.start.date()
        for window in When.from_json(dict(when)).choices
        if window.start is not None and window.end is not None and window.end - window.start <= timedelta(days=1)
    }
    return days.pop() if len(days) == 1 else None


def days_of(when: When) -> set[date]:
    """Return the local days that are named."""
    return {window.start.date() for window in when.choices if window.start is not None}


def _dated(window: Window) -> bool:
    return window.dated


def _moved_to(window: Window, day: date) -> Window:
    start, end = window.start, window.end
    anchor = start or end
    if anchor is None:
        return window
    shift = datetime.combine(day, time()) - datetime.combine(anchor.date(), time())
    return replace(
        window,
        start=start + shift if start else datetime.combine(day, time()),
        end=end + shift if end else datetime.combine(day, time()) + timedelta(days=1),
        past=False,
    )


def _with_clock_of(before: When, window: Window) -> Window:
    clocks = {
        (old.start.time(), old.end - old.start, old.grain)
        for old in before.choices
        if old.start is not None and old.end is not None and old.grain in {*_POINTS, "daypart"}
    }
    if len(clocks) != 1 or window.start is None:
        return window
    clock, length, grain = clocks.pop()
    start = datetime.combine(window.start.date(), clock)
    return replace(window, start=start, end=start + length, grain=grain)


def _exact(windows: list[Window], tz: str) -> datetime | None:
    if len(windows) != 1:
        return None
    window = windows[0]
    if window.grain not in _POINTS or window.start is None or window.approx or window.end is None:
        return None
    if window.end - window.start > timedelta(hours=1):
        return None
    return _aware(window.start, tz)


def _from_hour(windows: list[Window], tz: str) -> datetime | None:
    """Return the hour from which something is wanted: "from 3", "from 3 to 5", "at 3"."""
    if len(windows) != 1:
        return None
    window = windows[0]
    if window.grain not in _POINTS or window.start is None or window.approx:
        return None
    return _aware(window.start, tz)


def _whole_days(windows: list[Window], read: When, tz: str) -> Wish:
    """Return the days on which something may begin: of a stretch with its length, the first."""
    spans: list[Span] = []
    for window in windows:
        if window.start is None or window.end is None:
            spans.append(_span(window, tz))
        elif window.grain in _FROM_A_DAY:
            spans.append(day_span(window.start.date(), tz))
        else:
            last = window.end - timedelta(minutes=1)
            spans.append((day_span(window.start.date(), tz)[0], day_span(last.date(), tz)[1]))
    return Wish(
        spans=tuple(spans),
        exclude=tuple(_span(window, tz) for window in read.exclusions),
        near=spans[0][0] if len(spans) == 1 else None,
        past=not windows,
    )


def _near(windows: list[Window], tz: str) -> datetime | None:
    if len(windows) != 1 or windows[0].start is None:
        return None
    return _aware(windows[0].start, tz) if windows[0].grain in _POINTS else None


def _excluded(read: When, tz: str) -> tuple[Span, ...]:
    """Return what is ruled out; a weekday ("not Tuesday") on this day and in every week to come."""
    windows = [
        replace(window, start=window.start + timedelta(days=days), end=window.end + timedelta(days=days))
        if window.start is not None and window.end is not None
        else window
        for window in read.exclusions
        for days in (range(-7, _WEEKS * 7, 7) if phrasing.names_weekday(window.text) else (0,))
    ]
    return tuple(_span(window, tz) for window in windows)


def _again(read: When, tz: str, now: datetime) -> datetime | None:
    """Return when a time of day that has passed comes again: the time to look near to."""
    passed = _near(list(read.choices), tz)
    if passed is None or passed > now:
        return None
    zone = ZoneInfo(tz)
    local, today = passed.astimezone(zone), now.astimezone(zone).date()
    later = [datetime.combine(today + timedelta(days=days), local.time(), zone) for days in (0, 1)]
    return next(one.astimezone(UTC) for one in later if one > now)


def _span(window: Window, tz: str) -> Span:
    return (
        _aware(window.start, tz) if window.start else None,
        _aware(window.end, tz) if window.end else None,
    )


def _aware(local: datetime, tz: str) -> datetime:
    return local.replace(tzinfo=ZoneInfo(tz)).astimezone(UTC)

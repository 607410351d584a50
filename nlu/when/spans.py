"""Rules for spans of days and of points: de lunes a viernes, 13-15 July, by Friday, from 2pm for 2 hours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nlu.when.clocks import clock_from
from nlu.when.hours import pair_of
from nlu.when.meaning import (
    Amount,
    Between,
    Clock,
    Date,
    Hours,
    Inside,
    Lasting,
    Now,
    Offset,
    Part,
    Point,
    Shift,
    Side,
    Stretch,
    Weekday,
)
from nlu.when.pattern import Match, Stage

_LEAD = "(the|day_lead|glue)*"
_TO = "(to!at_clock|dash|until!at_clock|until_day)"
_TO_AND = "(to!at_clock|dash|until!at_clock|until_day|and|slash)"

SHARED_MONTHS = Stage()


STRETCHES = Stage()


OPEN_STRETCHES = Stage()


BETWEENS = Stage()


@SHARED_MONTHS.rule(
    "stretch", "u:until_day d:dom/ord!weekday", "b:before_day d:dom/ord!weekday", "a:after_day d:dom/ord!weekday"
)
def days_around_number(match: Match) -> Any:
    """Jusqu'au 15, antes del 8, después del 8."""
    following = match.after
    if following and following.values.keys() & {"hmark", "ampm", "unit", "colon", "month", "of"}:
        return None
    if match.has("u") and match.before and match.before.values.keys() & {"day", "dom", "ord", "weekday"}:
        return None  # vom 19. bis zum 21.: the end of a range
    point = Point(Date(match.get("d")))
    if match.has("a"):
        return Between(Point(Offset(Amount(unit="after"), Date(match.get("d")))), None)
    return Between(None, point, include_end=match.has("u"))


@SHARED_MONTHS.rule("period", "onward_lead (the|day_lead)? d:dom/ord!weekday")
def days_from_number(match: Match) -> Any:
    """À partir du 8: the article makes it a day, not an hour."""
    following = match.after
    if following and following.values.keys() & {"hmark", "ampm", "unit", "colon", "month", "to", "until", "dash"}:
        return None
    return Stretch(Date(match.get("d")), None)


@SHARED_MONTHS.rule(
    "period",
    f"(from|between)? {_LEAD} w:weekday? a:dom/ord!weekday {_TO_AND} {_LEAD} b:day",
    f"(from|between)? {_LEAD} w:weekday? a:dom/ord!weekday {_TO_AND} {_LEAD} c:dom/ord!weekday glue{{0,3}} p:period",
)
def days_sharing_month(match: Match) -> Any:
    """From 13 to 15 July, 1-8 September, entre el 3 y el 12 de mayo."""
    has_and = any("and" in t.values for t in match.tokens[match.found.start() : match.found.end()])
    lead = match.tokens[match.found.start()]
    first = match.get("a")
    if has_and and "between" not in lead.values:
        return None
    if match.has("p"):
        outer = match.get("p")
        if not isinstance(outer, Shift) or outer.unit != "month" or first >= match.get("c"):
            return None
        return Stretch(Inside(Date(first), outer), Inside(Date(match.get("c")), outer))
    end = match.get("b")
    if not isinstance(end, Date) or end.day is None or first >= end.day:
        return None
    start = replace(end, day=first, swapped=None, weekday=match.get("w") if match.has("w") else None)
    return Stretch(start, end)


@SHARED_MONTHS.rule(
    "period",
    f"(from|between)? {_LEAD} a:day {_TO_AND} {_LEAD} b:dom/ord!weekday",
)
def days_of_same_month(match: Match) -> Any:
    """July 13 to 15, novembre 19-20."""
    start, lead = match.get("a"), match.tokens[match.found.start()]
    has_and = any("and" in t.values for t in match.tokens[match.found.start() : match.found.end()])
    following = match.after
    if has_and and "between" not in lead.values:
        return None
    if following and following.values.keys() & {"hmark", "ampm", "unit", "month", "colon", "counted"}:
        return None
    end = match.get("b")
    if not isinstance(start, Date) or start.day is None or end <= start.day:
        return None
    return Stretch(start, replace(start, day=end, weekday=None, swapped=None))


@STRETCHES.rule(
    "period",
    f"(from|between)? {_LEAD} a:day/period {_TO} {_LEAD} b:day/period",
    "between (the|day_lead|glue)* a:day/period and (the|day_lead|glue)* b:day/period",
    f"(from|since|between) {_LEAD} a:dom/ord!weekday {_TO_AND} {_LEAD} c:dom/ord!weekday",
)
def days_between(match: Match) -> Any:
    """From Tuesday to Thursday, 28/2-1/3, 21 de dic. a 6 de enero."""
    lead = match.tokens[match.found.start()]
    if match.has("c"):
        day_lead = any(
            "day_lead" in t.values or "ord" in t.values for t in match.tokens[match.found.start() : match.found.end()]
        )
        if not day_lead or match.get("a") >= match.get("c"):
            return None
        return Stretch(Date(match.get("a")), Date(match.get("c")))
    first, second = match.get("a"), match.get("b")
    dashed = any("dash" in t.values for t in match.tokens[match.found.start() : match.found.end()])
    if isinstance(first, Shift) and first.count == 0 and first.unit == "day" and dashed and "from" not in lead.values:
        return None
    if (
        isinstance(first, Date)
        and first.month is None
        and isinstance(second, Date)
        and first.day
        and second.day
        and second.month
    ) and first.day < second.day:
        first = replace(second, day=first.day, weekday=first.weekday, swapped=None)
    return Stretch(_in_the_week_of(second, first), second)


def _in_the_week_of(last: Any, first: Any) -> Any:
    """Put a weekday into the week that was said with the other one: Tuesday to Thursday of next week."""
    if not (isinstance(first, Weekday) and first.which is None):
        return first
    if isinstance(last, Inside) and isinstance(last.inner, Weekday) and first.day < last.inner.day:
        return Inside(first, last.outer)
    if isinstance(last, Weekday) and last.which is not None and first.day < last.day:
        return Weekday(first.day, last.which)
    return first


@OPEN_STRETCHES.rule(
    "period",
    "(starting|since|onward_lead) (the|day_lead|glue|on)* a:day/period",
    "from!of (the|day_lead|glue|on)* a:day/period onward?",
    "(the|day_lead|glue)* a:day/period (onward|or_later)",
)
def days_from(match: Match) -> Any:
    """From the 3rd on, a partir de mañana."""
    return Stretch(match.get("a"), None)


@OPEN_STRETCHES.rule("stretch", "after (the|day_lead|glue|on)* a:day/period")
def after_day(match: Match) -> Any:
    """After Tuesday: from the day that follows."""
    return Between(Point(day=Offset(Amount(unit="after"), match.get("a"))), None)


@OPEN_STRETCHES.rule("stretch", "before (the|day_lead|glue|on)* b:day/period")
def before_day(match: Match) -> Any:
    """Before the 31st: the day itself is out; the end of March is over only with March."""
    day = match.get("b")
    return Between(None, Point(day=day), include_end=isinstance(day, Side) and day.side == "end")


@OPEN_STRETCHES.rule("stretch", "(hence|from)? instant? (to|until) (the|day_lead|glue|on)* b:day/period")
def from_now_until(match: Match) -> Any:
    """From now until Friday."""
    lead = match.tokens[match.found.start()]
    if not {"hence", "instant"} & lead.values.keys() and "instant" not in match.tokens[match.found.start() + 1].values:
        return None
    return Between(Now(), Point(day=match.get("b")), include_end=True)


@OPEN_STRETCHES.rule("stretch", "(until|by|to) (the|day_lead|glue|on)* b:day/period")
def until_day(match: Match) -> Any:
    """By Friday, until the end of the month: the day itself is in."""
    lead = match.tokens[match.found.start()]
    if not {"until", "by"} & lead.values.keys():
        return None
    return Between(Now() if "by" in lead.values else None, Point(day=match.get("b")), include_end=True)


@BETWEENS.rule(
    "stretch",
    "(from|between)? (the|at|glue)* a:point/day/time/instant (to|dash|until) (the|at|glue)* b:point/day/time",
    "between (the|day_lead|at|glue)* a:point/day/time/instant and (the|day_lead|at|glue)* b:point/day/time",
    "between (the|day_lead|at|glue)* a:point and (the|day_lead|at|glue)* b:hour",
)
def points_between(match: Match) -> Any:
    """From Monday 7 to Friday 15, between 2:00 tomorrow and 4:00."""
    start, end = _point(match.get("a")), _point(match.get("b"))
    if (
        start is None
        or end is None
        or (isinstance(start, Point) and start.time is None and isinstance(end, Point) and end.time is None)
    ):
        return None
    if isinstance(start, Point) and isinstance(end, Point):
        if isinstance(start.time, Hours) or isinstance(end.time, Hours):
            return None
        if end.day is None and isinstance(start.time, Clock) and isinstance(end.time, Clock):
            pair = pair_of(start.time, end.time)
            return Point(start.day, pair) if pair and start.day else None
        if start.day is None and isinstance(start.time, Clock) and isinstance(end.time, Clock):
            pair = pair_of(start.time, end.time)
            return Point(end.day, pair) if pair else None
    return Between(start, end, include_end=True)


def _point(value: Any) -> Point | Now | None:
    if isinstance(value, Now):
        return value
    if isinstance(value, Point):
        return value
    if isinstance(value, (Clock, Part)):
        return Point(None, value)
    if isinstance(value, Hours):
        return Point(None, value.start) if value.end is None else None
    if isinstance(value, Stretch):
        return Point(value.start) if value.end is None and value.start else None
    if isinstance(value, int):
        clock = clock_from(value)
        return Point(None, clock) if clock else None
    return Point(value) if value is not None else None


@BETWEENS.rule("stretch", "(after|from!of|since|starting) (the|at|glue|day_lead)* a:point/instant", "a:point or_later")
def from_point(match: Match) -> Any:
    """After tomorrow at 3, from now on."""
    value = match.get("a")
    if isinstance(value, Point) and isinstance(value.time, Hours):
        return None
    return Between(value, None)


@BETWEENS.rule("stretch", "(before|until|by) (the|at|glue|day_lead)* b:point")
def until_point(match: Match) -> Any:
    """Before tomorrow at 3."""
    value = match.get("b")
    if isinstance(value, Point) and isinstance(value.time, Hours):
        return None
    return Between(None, value)


@BETWEENS.rule(
    "lasting",
    "p:point/time/day/instant/hours comma? during a:amount",
    "during a:amount (comma|glue|on)* (from|since|starting)? (the|at|day_lead|glue)* p:point/time/day/hours/period",
    "during a:amount comma? (from|starting|since) q:hour",
    "p:time during? a:amount",
    "hence during a:amount",
)
def lasting(match: Match) -> Any:
    """From 2pm for 2 hours, for 10 days from 18 December."""
    value = match.get("p")
    if match.has("q"):
        value = clock_from(match.get("q"))
    if not match.has("p") and not match.has("q"):
        value = Now()
    point = _point(value)
    if point is None or (isinstance(point, Point) and isinstance(point.time, Hours)):
        return None
    return Lasting(point, match.get("a"))

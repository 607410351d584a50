"""Rules for spans: from 2 to 4, after 5, de lunes a viernes, 13-15 July, from 2pm for 2 hours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nlu.when.clocks import clock_from, settle, with_half
from nlu.when.meaning import Amount, Between, Clock, Date, Day, Hours, Lasting, Now, Offset, Part, Point, Running, Shift, Stretch, Weekday
from nlu.when.pattern import Match, Stage

HOURS = Stage()
SHARED_MONTHS = Stage()
STRETCHES = Stage()
OPEN_STRETCHES = Stage()
BETWEENS = Stage()


def _pair(first: Clock | None, second: Clock | None, *, after: Any = None) -> Hours | None:
    """Two clocks as a range: the half of day said for one holds for the other when that keeps the order."""
    if first is None or second is None:
        return None
    if after is not None and after.values.keys() & {"unit", "month", "counted", "period"}:
        return None
    if second.half and first.is_open:
        same = with_half(first, second.half)
        other = with_half(first, "am")
        minutes = second.hour * 60 + second.minute
        first = same if same and same.hour * 60 + same.minute < minutes else other or first
    elif first.half and second.is_open:
        same = with_half(second, first.half)
        later = with_half(second, "pm")
        start = first.hour * 60 + first.minute
        second = same if same and same.hour * 60 + same.minute > start else later or second
    return Hours(first, second)


@HOURS.rule(
    "hours",
    "(from|between)? (at|the|about)* a:time/hour (to|dash|until) (at|the|about)* b:time",
    "(from|between)? (at|the|about)* a:time (to|dash|until) (at|the|about)* b:hour/hhmm hmark?",
    "(from|since) (at|the|about)* a:hour/time (to|dash|until) (at|the|about)* b:hour/time hmark?",
    "between (at|the|about)* a:hour/time/hhmm and (at|the|about)* b:hour/time/hhmm hmark?",
    "between (at|the|about)* a:hour/time dash (at|the|about)* b:hour/time hmark?",
    "after (at|the|about)* a:hour/time (but)? (and|comma)? before (at|the|about)* b:hour/time",
)
def hours_between(match: Match) -> Any:
    """Between 2 and 4, 9:30-11:00, from 5 to 6pm."""
    lead = match.tokens[match.found.start()]
    if lead.values.keys() & {"from", "since"} and not match.context.latent:
        bare = "hour" in (match.token("a") or lead).values and "hour" in (match.token("b") or lead).values
        if bare and match.after and match.after.values.keys() & {"of", "month", "day_word"} and not match.after.values.keys() & {"inpart"}:
            return None
    return _pair(clock_from(match.get("a")), clock_from(match.get("b")), after=match.after)


@HOURS.rule("hours", "d:day dash? comma? a:hour (dash|to) b:hour", "p:part a:hour (dash|to) b:hour", "a:hour (dash|to) b:hour p:part", "a:hour (dash|to) b:hour d:dayword")
def bare_hours(match: Match) -> Any:
    """Monday 3-8, 6-8 in the morning: bare numbers are hours beside a day or a part of it."""
    pair = _pair(clock_from(match.get("a")), clock_from(match.get("b")), after=match.after if not match.has("p") and not match.has("d") else None)
    part, day = match.get("p"), match.get("d")
    if pair is None:
        return None
    if isinstance(part, Part):
        return within_part(pair, part)
    if isinstance(day, Date) and day.day is not None and day.month is not None and match.get("a") == day.day:
        return None
    return Point(day, pair) if day is not None and not isinstance(day, int) else None


def within_part(hours: Hours, part: Part) -> Hours:
    """Let a part of the day settle am or pm for a range of hours."""
    start, end = hours.start, hours.end
    settled_end = settle(end, part.name) if isinstance(end, Clock) else end
    if isinstance(start, Clock) and start.is_open:
        settled = settle(start, part.name)
        late = settled and isinstance(settled_end, Clock) and settled.hour * 60 + settled.minute > settled_end.hour * 60 + settled_end.minute
        start = start if settled is None else with_half(start, "am") if late and settled_end and settled_end.hour > 0 else settled  # type: ignore[union-attr]
    return Hours(start, settled_end)


@HOURS.rule("hours", "a:hour (to!dash) b:hour", "(from|since) t:hour")
def whole_message_hours(match: Match) -> Any:
    """9 to 5, from 9: bare hours are a time only when nothing else is said, or the talk is about time."""
    if not match.is_whole and not (match.context.latent and len(match.tokens) <= 6):
        return None
    if match.has("t"):
        return Hours(clock_from(match.get("t")), None)
    return _pair(clock_from(match.get("a")), clock_from(match.get("b")))


@HOURS.rule("hours", "t:time or_later", "(after|since|from|starting) (at|the|about)* t:time", "after at? t:hour", "(since|starting) at? t:hour", "from at t:hour", "after (at|the|inpart)* p:part", "from (at|the|inpart)* p:part!x")
def hours_from(match: Match) -> Any:
    """After 5, from 2 pm, 3 pm or later, después de las 4."""
    following = match.after
    if match.has("p"):
        return Hours(match.get("p"), None)
    token = match.token("t")
    if token and "hour" in token.values and following and following.values.keys() & {"unit", "counted", "month", "of", "dash", "ord"} and not match.context.latent:
        return None
    clock = clock_from(match.get("t"))
    return Hours(clock, None) if clock else None


@HOURS.rule("hours", "t:time or_earlier", "(before|until|by) (at|the|about)* t:time", "(before|until|by) at? t:hour", "(before|until|by) (the|at|inpart)* p:part")
def hours_until(match: Match) -> Any:
    """Before 11, until 4pm, antes de las 7, by 2:00pm."""
    following = match.after
    if match.has("p"):
        return Hours(None, match.get("p"))
    token = match.token("t")
    if token and "hour" in token.values and following and following.values.keys() & {"unit", "counted", "month", "of", "dash", "ord", "slash"}:
        return None
    clock = clock_from(match.get("t"))
    return Hours(None, clock) if clock else None


@HOURS.rule("hours", "h:hours (inpart|glue)* p:part", "p:part (comma|glue)* h:hours")
def hours_in_part(match: Match) -> Any:
    """Between 5 and 6 in the afternoon, morgens von 5 bis 7."""
    return within_part(match.get("h"), match.get("p"))


@HOURS.rule("hours", "(from)? a:part (to|dash|until) b:part", "between a:part and b:part", "(from|between) a:part (to|dash|until|and) b:time", "(from|between) a:time (to|dash|until|and) b:part", "a:hours (but|and|comma){0,2} b:hours")
def part_to_part(match: Match) -> Any:
    """From noon to evening; later than 9:30 but before 11."""
    first, second = match.get("a"), match.get("b")
    if isinstance(first, Hours):
        if first.end is None and second.start is None:
            return _pair(first.start, second.end) if isinstance(first.start, Clock) and isinstance(second.end, Clock) else Hours(first.start, second.end)
        return None
    return Hours(first, second)


@SHARED_MONTHS.rule("between", "u:until_day d:dom/ord", "b:before_day d:dom/ord", "a:after_day d:dom/ord")
def days_around_number(match: Match) -> Any:
    """Jusqu'au 15, antes del 8, después del 8."""
    following = match.after
    if following and following.values.keys() & {"hmark", "ampm", "unit", "colon", "month", "of"}:
        return None
    point = Point(Date(match.get("d")))
    if match.has("a"):
        return Between(Point(Offset(Amount(unit="after"), Date(match.get("d")))), None)
    return Between(None, point, include_end=match.has("u"))


@SHARED_MONTHS.rule("period", "onward_lead (the|day_lead)? d:dom/ord")
def days_from_number(match: Match) -> Any:
    """À partir du 8: the article makes it a day, not an hour."""
    following = match.after
    if following and following.values.keys() & {"hmark", "ampm", "unit", "colon", "month", "to", "until", "dash"}:
        return None
    return Stretch(Date(match.get("d")), None)


@SHARED_MONTHS.rule(
    "period",
    "(from|between)? (the|day_lead|glue)* w:weekday? a:dom/ord (to!at_clock|dash|until!at_clock|and|slash) (the|day_lead|glue)* b:day",
    "(from|between)? (the|day_lead|glue)* w:weekday? a:dom/ord (to!at_clock|dash|until!at_clock|and|slash) (the|day_lead|glue)* c:dom/ord glue{0,3} p:period",
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
        from nlu.when.meaning import Inside

        return Stretch(Inside(Date(first), outer), Inside(Date(match.get("c")), outer))
    end = match.get("b")
    if not isinstance(end, Date) or end.day is None or first >= end.day:
        return None
    start = replace(end, day=first, swapped=None, weekday=match.get("w") if match.has("w") else None)
    return Stretch(start, end)


@SHARED_MONTHS.rule("period", "(from|between)? (the|day_lead|glue)* a:day (to!at_clock|dash|until!at_clock|and) (the|day_lead|glue)* b:dom/ord")
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
    "(from|between)? (the|day_lead|glue)* a:day/period (to!at_clock|dash|until!at_clock) (the|day_lead|glue)* b:day/period",
    "between (the|day_lead|glue)* a:day/period and (the|day_lead|glue)* b:day/period",
    "(from|since|between) (the|day_lead|glue)* a:dom/ord (to!at_clock|dash|until!at_clock|and) (the|day_lead|glue)* c:dom/ord",
)
def days_between(match: Match) -> Any:
    """From Tuesday to Thursday, 28/2-1/3, 21 de dic. a 6 de enero."""
    lead = match.tokens[match.found.start()]
    if match.has("c"):
        day_lead = any("day_lead" in t.values or "ord" in t.values for t in match.tokens[match.found.start() : match.found.end()])
        if not day_lead or match.get("a") >= match.get("c"):
            return None
        return Stretch(Date(match.get("a")), Date(match.get("c")))
    first, second = match.get("a"), match.get("b")
    dashed = any("dash" in t.values for t in match.tokens[match.found.start() : match.found.end()])
    if isinstance(first, Shift) and first.count == 0 and first.unit == "day" and dashed and "from" not in lead.values:
        return None
    if isinstance(first, Date) and first.month is None and isinstance(second, Date) and first.day and second.day and second.month:
        if first.day < second.day:
            first = replace(second, day=first.day, weekday=first.weekday, swapped=None)
    return Stretch(first, second)




@OPEN_STRETCHES.rule("period", "(starting|since|onward_lead) (the|day_lead|glue|on)* a:day/period", "(from) (the|day_lead|glue|on)* a:day/period onward?", "(the|day_lead|glue)* a:day/period (onward|or_later)")
def days_from(match: Match) -> Any:
    """From the 3rd on, a partir de mañana."""
    return Stretch(match.get("a"), None)


@OPEN_STRETCHES.rule("between", "after (the|day_lead|glue|on)* a:day/period")
def after_day(match: Match) -> Any:
    """After Tuesday: from the day that follows."""
    return Between(Point(day=Offset(Amount(unit="after"), match.get("a"))), None)


@OPEN_STRETCHES.rule("between", "before (the|day_lead|glue|on)* b:day/period")
def before_day(match: Match) -> Any:
    """Before the 31st: the day itself is out."""
    return Between(None, Point(day=match.get("b")))


@OPEN_STRETCHES.rule("between", "(until|by|to) (the|day_lead|glue|on)* b:day/period")
def until_day(match: Match) -> Any:
    """By Friday, until the end of the month: the day itself is in."""
    lead = match.tokens[match.found.start()]
    if not {"until", "by"} & lead.values.keys():
        return None
    return Between(Now() if "by" in lead.values else None, Point(day=match.get("b")), include_end=True)




@BETWEENS.rule(
    "between",
    "(from|between)? (the|day_lead|at|glue)* a:point/day/time/now (to|dash|until) (the|day_lead|at|glue)* b:point/day/time",
    "between (the|day_lead|at|glue)* a:point/day/time/now and (the|day_lead|at|glue)* b:point/day/time",
    "between (the|day_lead|at|glue)* a:point and (the|day_lead|at|glue)* b:hour",
)
def points_between(match: Match) -> Any:
    """From Monday 7 to Friday 15, between 2:00 tomorrow and 4:00."""
    start, end = _point(match.get("a")), _point(match.get("b"))
    if start is None or end is None or (isinstance(start, Point) and start.time is None and isinstance(end, Point) and end.time is None):
        return None
    if isinstance(start, Point) and isinstance(end, Point):
        if isinstance(start.time, Hours) or isinstance(end.time, Hours):
            return None
        if end.day is None and isinstance(start.time, Clock) and isinstance(end.time, Clock):
            pair = _pair(start.time, end.time)
            return Point(start.day, pair) if pair and start.day else None
        if start.day is None and isinstance(start.time, Clock) and isinstance(end.time, Clock):
            pair = _pair(start.time, end.time)
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


@BETWEENS.rule("between", "(after|from|since|starting) (the|at|glue|day_lead)* a:point/now", "a:point or_later")
def from_point(match: Match) -> Any:
    """After tomorrow at 3, from now on."""
    value = match.get("a")
    if isinstance(value, Point) and isinstance(value.time, Hours):
        return None
    return Between(value, None)


@BETWEENS.rule("between", "(before|until|by) (the|at|glue|day_lead)* b:point")
def until_point(match: Match) -> Any:
    """Before tomorrow at 3."""
    value = match.get("b")
    if isinstance(value, Point) and isinstance(value.time, Hours):
        return None
    return Between(None, value)


@BETWEENS.rule("lasting", "p:point/time/day/now/hours comma? during a:amount", "during a:amount (comma|glue|on)* (from|since|starting)? (the|at|day_lead|glue)* p:point/time/day/hours/period", "during a:amount comma? (from|starting|since) q:hour", "p:time during? a:amount")
def lasting(match: Match) -> Any:
    """From 2pm for 2 hours, for 10 days from 18 December."""
    value = match.get("p")
    if match.has("q"):
        value = clock_from(match.get("q"))
    point = _point(value)
    if point is None or (isinstance(point, Point) and isinstance(point.time, Hours)):
        return None
    return Lasting(point, match.get("a"))


__all__ = ["BETWEENS", "Day", "HOURS", "STRETCHES", "Running", "Weekday", "within_part"]

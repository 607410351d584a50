"""Rules that put days and times together, and times counted from now or from a day."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nlu.when.clocks import clock_from, settle
from nlu.when.hours import within_part
from nlu.when.meaning import (
    Amount,
    Between,
    Clock,
    Date,
    Hours,
    Inside,
    Now,
    Offset,
    Part,
    Point,
    Running,
    Same,
    Shift,
    Stretch,
    Weekday,
)
from nlu.when.pattern import Match, Stage

_THING = "point/day/period/part/time/hours"

AMOUNTS = Stage()
POINTS = Stage()


def _says_how_long(match: Match) -> bool:
    """For 3 days from today: a length, not a day three days on."""
    led = match.before and "during" in match.before.values and "in" not in match.before.values
    return bool(led) and "in" not in match.tokens[match.found.start()].values


def from_now(amount: Amount, *, backward: bool = False) -> Point | Now:
    """Minutes and hours lead to an instant, days and more to a day."""
    if amount.minutes:
        return Now(amount, backward)
    return Point(Offset(amount, backward=backward))


@AMOUNTS.rule("stretch", "within (the|glue)* a:amount")
def within_amount(match: Match) -> Any:
    """Within two weeks."""
    return Between(Now(), Now(match.get("a")))


@AMOUNTS.rule(
    "day",
    "in? a:amount (from|after|since|starting|hence_of) (the|day_lead|glue|on)* d:day/period",
    "w:weekday (comma|on)* a:amount (after|from) (the|day_lead|glue|on)* d:day",
    "week_after d:day",
)
def amount_after_day(match: Match) -> Any:
    """2 weeks from January 15, three days after Easter."""
    amount = match.get("a") or Amount(days=7, unit="week")
    if amount.minutes or _says_how_long(match):
        return None
    return Offset(amount, match.get("d"), weekday=match.get("w"))


@AMOUNTS.rule("amount_now", "a:amount (of)? x:hence", "in about? a:amount x:hence?", "in about? (the|glue)? a:amount")
def amount_from_now(match: Match) -> Any:
    """In two weeks, half an hour from now, 30 min later."""
    return from_now(match.get("a"))


@AMOUNTS.rule("stretch", "after a:amount")
def after_amount(match: Match) -> Any:
    """After five days."""
    return Between(from_now(match.get("a")), None)


@AMOUNTS.rule("amount_now", "ago_lead a:amount", "a:amount ago")
def amount_ago(match: Match) -> Any:
    """Two days ago."""
    return from_now(match.get("a"), backward=True)


@AMOUNTS.rule("day", "a:amount before (the|day_lead|glue|on)* d:day")
def amount_before_day(match: Match) -> Any:
    """2 weeks before Christmas."""
    amount = match.get("a")
    return None if amount.minutes else Offset(amount, match.get("d"), backward=True)


@AMOUNTS.rule("instant", "n:now")
def now(match: Match) -> Any:
    """Now, ahora mismo."""
    token = match.token("n")
    if token and "weak" in token.values and not match.is_whole:
        return None
    return Now()


@AMOUNTS.rule("point", "a:amount_now")
def counted_point(match: Match) -> Any:
    """Amounts from now are points from here on."""
    value = match.get("a")
    return value if isinstance(value, Point) else None


@AMOUNTS.rule("instant", "a:amount_now")
def counted_now(match: Match) -> Any:
    """In 20 minutes."""
    value = match.get("a")
    return value if isinstance(value, Now) else None


@POINTS.rule(
    "point",
    "d:day/point comma? (hour_lead)? h:hour",
    "d:day comma? h:hhmm!year hmark?",
    "d:day comma? h:dothm",
    "h:hhmm!year hmark glue{0,2} w:day",
    "h:hour hmark? (comma|glue){0,2} d:point",
    "h:hour hmark? (glue){0,2} d:day (inpart|glue)* p:part",
    "h:hour hmark? glue? w:day",
    "p:part h:hour",
    "h:hour p:part",
)
def bare_hour_beside_day(match: Match) -> Any:
    """Tomorrow 3, 9 tomorrow evening, 8 tonight."""
    clock, following = clock_from(match.get("h")), match.after
    if clock is None or _goes_on_as_list(match):
        return None
    if "dothm" in (match.token("h") or match.tokens[0]).values and clock.minute % 15:
        return None  # Friday 2.15 is a time, Friday 7.99 a price
    last = match.found.end() - 1
    if (
        match.token("h") is match.tokens[last]
        and following
        and following.values.keys() & {"unit", "word", "counted", "month", "dash", "slash", "to", "decimal", "amount"}
        and not match.context.latent
    ):
        return None
    if match.has("w"):
        day = match.get("w")
        if not isinstance(day, (Shift, Weekday, Date, Inside)) or (
            isinstance(day, Date) and not match.context.data.get("hour_before_date")
        ):
            return None
        glue = match.found.end() - match.found.start() > 2
        numbered = isinstance(day, Date) and day.month is None and day.weekday is None  # siete del 15
        return Point(day, clock) if glue or numbered or (isinstance(day, Shift) and match.is_whole) else None
    day = match.get("d")
    part = match.get("p")
    if day is None:
        settled = settle(clock, part.name)
        return Point(None, settled) if settled else None
    if part is not None:
        settled = settle(clock, part.name)
        return Point(day, settled) if settled else None
    if isinstance(day, Point):
        return unify(day, Point(None, clock))
    if isinstance(day, (Offset, Running, Stretch)):
        return None
    return Point(day, clock)


@POINTS.rule(
    "point",
    f"a:{_THING} (comma|glue|dash|on|for|bracket|any|every){{0,3}} b:{_THING}",
)
def beside(match: Match) -> Any:
    """A day and a time, or two words for the same day, that stand side by side."""
    marks = match.tokens[match.found.start() + 1 : match.found.end() - 1]
    dashed = any("dash" in token.values for token in marks)
    first, second = _as_point(match.get("a")), _as_point(match.get("b"))
    if match.after and "not_after" in match.after.values and any("comma" in token.values for token in marks):
        return None  # el lunes, por la tarde no
    if first is None or second is None or (dashed and first.day is None):
        return None
    if any("comma" in token.values for token in marks) and _are_two_days(first.day, second.day, match.context.today):
        return None  # "I can't tomorrow, Friday?" said on a Tuesday
    return unify(first, second)


def _are_two_days(first: Any, second: Any, today: int | None) -> bool:
    """Whether a day counted from today and a weekday are not the same: tomorrow, Friday."""
    if isinstance(second, Shift):
        first, second = second, first
    return (
        today is not None
        and isinstance(first, Shift)
        and first.unit == "day"
        and isinstance(second, Weekday)
        and (today + first.count) % 7 != second.day
    )


def _goes_on_as_list(match: Match) -> bool:
    """El 16, 17 o 18: after a bare number of a day and a comma comes another one."""
    day = match.get("d")
    bare = isinstance(day, Date) and day.month is None and day.weekday is None
    words = match.tokens[match.found.start() : match.found.end()]
    return bare and any("comma" in token.values for token in words) and "dom" in words[-1].values


def _as_point(value: Any) -> Point | None:
    if isinstance(value, Point):
        return value
    if isinstance(value, (Clock, Part, Hours)):
        return Point(None, value)
    return Point(value) if value is not None else None


def unify(first: Point, second: Point) -> Point | None:
    """Join two points that say different things about the same time, or None when they contradict."""
    day = first.day if second.day is None else second.day if first.day is None else unify_days(first.day, second.day)
    if day is None and (first.day or second.day):
        return None
    if first.time is None or second.time is None:
        time = first.time or second.time
    else:
        time = unify_times(first.time, second.time)
        if time is None:
            return None
    return Point(day, time)


def unify_days(first: Any, second: Any) -> Any:
    """Friday 5/12, Tue Jan 15, in 3 days on Friday, today Monday."""
    if isinstance(second, Weekday) and not isinstance(first, Weekday):
        first, second = second, first
    if not isinstance(first, Weekday):
        return None
    if isinstance(second, Date) and second.day is not None and second.weekday is None:
        swapped = replace(second.swapped, weekday=first.day) if second.swapped else None
        return replace(second, weekday=first.day, swapped=swapped)
    if isinstance(second, Shift) and second.unit == "day" and first.which is None:
        return second
    if isinstance(second, Shift) and second.unit in ("week", "weekend"):
        return Inside(replace(first, which=None), second)
    if isinstance(second, Offset) and second.weekday is None:
        return replace(second, weekday=first.day)
    return None


def unify_times(first: Any, second: Any) -> Any:
    """Morning and 6-8, evening and 7."""
    if isinstance(first, Part) and isinstance(second, Part):
        return None
    if isinstance(second, Part):
        first, second = second, first
    if isinstance(first, Part):
        if isinstance(second, Clock):
            return settle(second, first.name)
        return within_part(second, first)
    if isinstance(first, Hours) and isinstance(second, Hours):
        if first.end is None and second.start is None:
            return Hours(first.start, second.end)
        if second.end is None and first.start is None:
            return Hours(second.start, first.end)
    return None


@POINTS.rule(
    "same",
    "same_time (comma|but|glue|on|for|except)* d:day/point/period/dayword",
    "(d:day/point/period) (comma|glue|on)* same_time",
    "same_time (comma|but)? (n:now)",
    "same_time",
)
def same_time(match: Match) -> Any:
    """Same time next week, in two weeks same time."""
    value = match.get("d")
    point = value if isinstance(value, Point) else Point(value)
    return Same(point.day)


@POINTS.rule(
    "same", "same_day comma? (glue|at|but)* (t:time/hours/part)?", "t:time/hours/part (comma|glue|on)* same_day"
)
def same_day(match: Match) -> Any:
    """The same day at 5."""
    return Same(time=match.get("t"), keep="day")


@POINTS.rule("point", "move_to (the|at)* h:hour hmark? (glue|on){0,2} d:day")
def moved_to_hour_of_day(match: Match) -> Any:
    """Make it 4 on Friday."""
    clock, day = clock_from(match.get("h")), match.get("d")
    return Point(day, clock) if clock and isinstance(day, (Shift, Weekday, Inside)) else None


@POINTS.rule("same", "move_to (the|at)* h:hour/time hmark?")
def moved_to_clock(match: Match) -> Any:
    """Bring it forward to 10: the booking's day, another hour."""
    following, clock = match.after, clock_from(match.get("h"))
    if clock is None or (following and following.values.keys() & {"unit", "counted", "month", "day", "of"}):
        return None
    return Same(time=clock, keep="day")


@POINTS.rule("same", "put_back of? a:amount")
def put_back(match: Match) -> Any:
    """Put it back by an hour, décalez-le d'une heure."""
    return Same(shift=match.get("a"), keep="shift")


@POINTS.rule("same", "a:amount x:later/later_than/earlier", "x:later_than/earlier a:amount")
def earlier_or_later(match: Match) -> Any:
    """An hour later, half an hour earlier."""
    token = match.token("x")
    return Same(shift=match.get("a"), backward=bool(token and "earlier" in token.values), keep="shift")

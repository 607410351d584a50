"""Rules for hours: between 2 and 4, 9:30-11:00, after 5, until noon."""

from __future__ import annotations

from typing import Any

from nlu.when.clocks import clock_from, settle, with_half
from nlu.when.meaning import (
    Clock,
    Date,
    Hours,
    Part,
    Point,
)
from nlu.when.pattern import Match, Stage

HOURS = Stage()


def pair_of(first: Clock | None, second: Clock | None, *, after: Any = None) -> Hours | None:
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
    if match.before and "for" in match.before.values and "hour" in match.tokens[match.found.start()].values:
        return None  # une table pour 4 à 19h
    lead = match.tokens[match.found.start()]
    if lead.values.keys() & {"from", "since"} and not match.context.latent:
        bare = "hour" in (match.token("a") or lead).values and "hour" in (match.token("b") or lead).values
        if (
            bare
            and match.after
            and match.after.values.keys() & {"of", "month", "day_word"}
            and not match.after.values.keys() & {"inpart"}
        ):
            return None
    return pair_of(clock_from(match.get("a")), clock_from(match.get("b")), after=match.after)


@HOURS.rule(
    "hours",
    "d:day dash? comma? a:hour (dash|to) b:hour",
    "p:part a:hour (dash|to) b:hour",
    "a:hour (dash|to) b:hour p:part",
    "a:hour (dash|to) b:hour d:dayword",
    "a:hour dash b:hour d:day!dayword",
)
def bare_hours(match: Match) -> Any:
    """Monday 3-8, 6-8 in the morning: bare numbers are hours beside a day or a part of it."""
    pair = pair_of(
        clock_from(match.get("a")),
        clock_from(match.get("b")),
        after=match.after if not match.has("p") and not match.has("d") else None,
    )
    part, day = match.get("p"), match.get("d")
    if pair is None:
        return None
    if isinstance(part, Part):
        return within_part(pair, part)
    if isinstance(day, Date) and day.day is not None and day.month is not None:
        first = match.tokens[match.found.start()]
        if match.get("a") == day.day or match.token("a") is first:
            return None  # 10-12 April: days
    return Point(day, pair) if day is not None and not isinstance(day, int) else None


def within_part(hours: Hours, part: Part) -> Hours:
    """Let a part of the day settle am or pm for a range of hours."""
    start, end = hours.start, hours.end
    settled_end = settle(end, part.name) if isinstance(end, Clock) else end
    if isinstance(start, Clock) and start.is_open:
        settled = settle(start, part.name)
        if settled and isinstance(settled_end, Clock) and 0 < _minutes(settled_end) < _minutes(settled):
            settled = with_half(start, "am")  # 11 to 2 in the afternoon begins before noon
        start = settled or start
    return Hours(start, settled_end)


def _minutes(clock: Clock) -> int:
    return clock.hour * 60 + clock.minute


@HOURS.rule("hours", "a:hour (to!dash) b:hour", "(from|since) t:hour")
def whole_message_hours(match: Match) -> Any:
    """9 to 5, from 9: bare hours are a time only when nothing else is said, or the talk is about time."""
    if not match.is_whole and not (match.context.latent and len(match.tokens) <= 6):
        return None
    if match.has("t"):
        return Hours(clock_from(match.get("t")), None)
    return pair_of(clock_from(match.get("a")), clock_from(match.get("b")))


@HOURS.rule(
    "hours",
    "t:time or_later",
    "from!of t:hour onward",
    "(after|since|from!of|starting) (at|the|about)* t:time",
    "after at? t:hour",
    "(since|starting) at? t:hour",
    "from!of at t:hour",
    "y:from!of t:hour",
    "after (at|the|inpart)* p:part",
    "from!of (at|the|inpart)* p:part!x",
)
def hours_from(match: Match) -> Any:
    """After 5, from 2 pm, 3 pm or later, después de las 4."""
    following = match.after
    if match.has("p"):
        return Hours(match.get("p"), None)
    if match.has("y") and not (match.before and "day" in match.before.values):
        return None
    token = match.token("t")
    if (
        token
        and "hour" in token.values
        and following
        and following.values.keys() & {"unit", "counted", "month", "of", "dash", "ord"}
        and not match.context.latent
    ):
        return None
    clock = clock_from(match.get("t"))
    return Hours(clock, None) if clock else None


@HOURS.rule(
    "hours",
    "t:time or_earlier",
    "(before|until|by) (at|the|about)* t:time",
    "(before|until|by) at? t:hour",
    "(before|until|by) (the|at|inpart)* p:part",
)
def hours_until(match: Match) -> Any:
    """Before 11, until 4pm, antes de las 7, by 2:00pm."""
    following = match.after
    if match.has("p"):
        return Hours(None, match.get("p"))
    token = match.token("t")
    if (
        token
        and "hour" in token.values
        and following
        and following.values.keys() & {"unit", "counted", "month", "of", "dash", "ord", "slash"}
    ):
        return None
    clock = clock_from(match.get("t"))
    return Hours(None, clock) if clock else None


@HOURS.rule("hours", "h:hours (inpart|glue)* p:part", "p:part (comma|glue)* h:hours")
def hours_in_part(match: Match) -> Any:
    """Between 5 and 6 in the afternoon, morgens von 5 bis 7."""
    return within_part(match.get("h"), match.get("p"))


@HOURS.rule(
    "hours",
    "(from)? a:part (to|dash|until) b:part",
    "between a:part and b:part",
    "(from|between) a:part (to|dash|until|and) b:time",
    "(from|between) a:time (to|dash|until|and) b:part",
    "a:hours (but|and|comma){0,2} b:hours",
)
def part_to_part(match: Match) -> Any:
    """From noon to evening; later than 9:30 but before 11."""
    first, second = match.get("a"), match.get("b")
    if isinstance(first, Hours):
        if first.end is None and second.start is None:
            return (
                pair_of(first.start, second.end)
                if isinstance(first.start, Clock) and isinstance(second.end, Clock)
                else Hours(first.start, second.end)
            )
        return None
    return Hours(first, second)

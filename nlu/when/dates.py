"""Rules for dates: 5 de mayo, the 8th, 22/04, Friday 13, 2027-03-05."""

from __future__ import annotations

import calendar
from dataclasses import replace
from typing import Any

from nlu.when.clocks import clock_from
from nlu.when.meaning import (
    Date,
    Stretch,
)
from nlu.when.pattern import NOTHING, Match, Stage

DATES = Stage()


def written_date(day: int, month: int, year: int | None) -> Date | None:
    """Return a date that exists in some year, or None (31 February)."""
    if year is not None and year < 100:
        year += 2000 if year < 70 else 1900
    if not 1 <= month <= 12 or (year is not None and not 1 <= year <= 9998):
        return None
    longest = calendar.monthrange(2000 if year is None else year, month)[1]
    return Date(day, month, year) if 1 <= day <= longest else None


def ordered_date(parts: tuple[int, ...], order: str) -> Date | None:
    """Read 3/4 or 3/4/2027 in the locale's order; the other order stays as a second reading, or stands alone."""
    first, second = parts[0], parts[1]
    year = parts[2] if len(parts) > 2 else None
    day_first = written_date(first, second, year)
    month_first = written_date(second, first, year)
    wanted, other = (month_first, day_first) if order.index("M") < order.index("D") else (day_first, month_first)
    if wanted is None or other is None or wanted == other:
        return wanted or other
    return replace(wanted, swapped=other)


@DATES.rule("day", "t:isodate")
def iso_date(match: Match) -> Date | None:
    """2027-03-05."""
    year, month, day = match.get("t")
    return written_date(day, month, year)


@DATES.rule(
    "day",
    "day_lead!to? t:numdate dot?",
    "day_lead!to? t:slashdate!fraction (comma|of)? y:year",
    "day_lead!to? t:slashdate",
)
def numeric_date(match: Match) -> Any:
    """22/04, 3/4/2027, in the locale's order."""
    parts = match.get("t")
    fraction = match.token("t")
    if fraction and "fraction" in fraction.values and not match.has("y") and not match.is_whole and not match.before:
        return None
    if match.has("y"):
        parts = (*parts, match.get("y"))
    return ordered_date(parts, match.context.order) or NOTHING


@DATES.rule(
    "day",
    "w:weekday dot? comma? (glue|the){0,2} t:dotdate dot?",
    "(day_lead!to|from|the) t:dotdate dot?",
    "t:dotdate dot?",
    "d:dom dot? dash t:dotdate dot?",
)
def dotted_date(match: Match) -> Any:
    """22.04.: a date unless it is said like a time (um 10.10, at 2.30)."""
    token, lead = match.token("t"), match.tokens[match.found.start()]
    if token is None:
        return None
    if lead is token:
        lead = match.before or token
    like_time = "dothm" in token.values
    dotted = match.context.data.get("dotted_dates", False)
    if like_time and (lead.values.keys() & {"at", "at_clock", "about"} and not lead.values.keys() & {"day_lead"}):
        return None
    if like_time and not dotted:
        return None
    date = ordered_date(match.get("t"), match.context.order)
    if date is None:
        return None
    if match.has("d"):
        return Stretch(replace(date, day=match.get("d"), swapped=None), date)
    return replace(date, weekday=match.get("w")) if match.has("w") else date


@DATES.rule("time", "(at|about|comma|glue)* t:dothm")
def dotted_time(match: Match) -> Any:
    """2.30, 15.15, where it cannot be a date."""
    lead = match.tokens[match.found.start()]
    if (
        "dotdate" in (match.token("t") or lead).values
        and not match.context.data.get("dotted_dates")
        and not lead.values.keys() & {"at", "at_clock", "about"}
        and not match.context.latent
    ):
        neighbour = match.before
        if (
            not match.is_whole
            and not (
                neighbour
                and neighbour.values.keys()
                & {"day", "weekday", "from", "to", "dash", "between", "before", "after", "dayword"}
            )
            and not match.after
        ):
            return None
    return clock_from(match.get("t"))


_MONTH_YEAR = "((of|comma|in){0,2} y:year)?"


@DATES.rule(
    "day",
    f"day_lead!to? the!to? d:dom/ord!weekday day_word? dot? (of!to|the!to|comma){{0,2}} m:month dot? {_MONTH_YEAR}",
    f"day_lead!to? the!to? d:dom/ord!weekday m:month (dash|slash|comma)? {_MONTH_YEAR}",
    f"d:dom/ord!weekday x:dash/slash m:month (dash|slash)? {_MONTH_YEAR}",
    "day_lead!to? the!to? d:dom/ord!weekday dot? of? m:month quote? y:yy!hour",
    f"m:month dot? (the|slash|dash|comma|on)? the!to? d:dom/ord!weekday dot? {_MONTH_YEAR}",
    "m:month dot? d:dom/ord!weekday comma? y:yy!hour",
)
def day_of_month(match: Match) -> Any:
    """5 de mayo, May 5th, the 2nd of March 2027."""
    day_token = match.token("d")
    following = match.after
    if day_token is None or (
        following
        and day_token.end <= following.start
        and _is_quantity(following)
        and match.token("d") is match.tokens[match.found.end() - 1]
    ):
        return None
    if match.has("x") and not (match.token("x") or day_token).glued:
        return None  # "13 - July 15" is a range, 13-Jul a date
    month = match.get("n") if match.has("n") else match.get("m")
    if match.before and "month" in match.before.values and match.has("x"):
        return None
    return written_date(match.get("d"), month, match.get("y")) or NOTHING


def _is_quantity(token: Any) -> bool:
    return bool(
        {"hmark", "colon", "unit", "ampm", "counted"} & token.values.keys() and not {"day_word"} & token.values.keys()
    )


@DATES.rule(
    "day",
    "day_lead!to? the? w:weekday (comma|the|day_lead|dot){0,3} d:day",
    "d:day (comma|bracket){1,2} w:weekday bracket?",
)
def weekday_and_date(match: Match) -> Any:
    """Monday, 18 February."""
    date = match.get("d")
    if not isinstance(date, Date) or date.weekday is not None or date.day is None:
        return None
    return replace(
        date, weekday=match.get("w"), swapped=replace(date.swapped, weekday=match.get("w")) if date.swapped else None
    )


@DATES.rule(
    "day",
    "w:weekday dot? (comma|the|day_lead|glue){0,3} d:ord!weekday (day_word)?",
    "w:weekday dot? comma? day_lead d:dom",
    "w:weekday d:dom!spelled",
    "w:weekday d:dom",
)
def weekday_and_number(match: Match) -> Any:
    """Friday 13, miércoles 31, Thu 15th: not when the number starts a clock or a range of hours."""
    following, number = match.after, match.token("d")
    if (
        following
        and (
            _is_quantity(following)
            or (following.values.keys() & {"dash", "to"} and "at" not in following.values)
            or following.values.keys() & {"minus", "zero", "half", "quarter", "decimal"}
        )
        and "ord" not in (number or following).values
        and not _leads_to_date(match)
    ):
        return None
    bare = (
        "ord" not in (number or match.tokens[0]).values and "day_lead" not in match.tokens[match.found.end() - 2].values
    )
    return Date(
        match.get("d"),
        weekday=match.get("w"),
        hour_after=match.context.days_for_number if bare and match.get("d") <= 12 else 0,
    )


def _leads_to_date(match: Match) -> bool:
    """Du lundi 1er au mercredi 10 juillet: the range ends in a date."""
    position = match.found.end()
    ahead = match.tokens[position + 1 : position + 4]
    return any("day" in token.values for token in ahead)


@DATES.rule("never", "n:num!dom!year!hhmm word/dot? of? m:month")
def impossible_day(match: Match) -> Any:
    """32nd of March."""
    return True


@DATES.rule("day", "day_lead!to d:ord!weekday/dom", "(on|glue){0,2} the d:ord!weekday", "(on|glue)? d:ord!weekday")
def number_of_day(match: Match) -> Any:
    """El 16, the 8th, dia 17."""
    following = match.after
    if following and (
        _is_quantity(following)
        or (
            following.values.keys()
            & {"unit", "weekday", "month", "decimal", "hour", "counted_ord", "last", "next", "coming", "ampm1"}
            and "dash" not in following.values
        )
    ):
        return None
    token = match.token("d")
    lead = match.tokens[match.found.start()]
    if token and "ord" in token.values and not _names_a_day(match, token, lead):
        return None
    few = token and "spelled" in token.values and match.get("d") <= 5 and len(lead.text) <= 3
    if few and not match.context.latent and not (match.after and match.after.values.keys() & _GOES_WITH_DAY):
        return None  # les deux, el dos: so few are things, not days
    return Date(match.get("d"))


_LEADS_TO_DAY = {
    "from",
    "to",
    "until",
    "by",
    "before",
    "after",
    "since",
    "starting",
    "between",
    "or",
    "and",
    "dash",
    "week_of",
}
_GOES_WITH_DAY = {"time", "hm", "at", "about", "daypart", "inpart", "between", "after"}


def _names_a_day(match: Match, number: Any, lead: Any) -> bool:
    """On the first, by the 8th: an ordinal alone may as well choose from a list (the second, el 2º)."""
    if match.context.latent or ("on" in lead.values and "day_lead" not in lead.values):
        return True
    if match.before and "the" not in match.before.values and match.before.values.keys() & _LEADS_TO_DAY:
        return True
    if "digits" not in number.values:
        return "day_lead" in lead.values and number.values["ord"] > 10  # am zwanzigsten
    timed = match.after and match.after.values.keys() & _GOES_WITH_DAY
    return number.values["ord"] > 5 or bool(timed) or ("day_lead" in lead.values and not match.is_whole)


@DATES.rule(
    "day",
    "day_lead!to? the? d:dom m:mon y:year",
    "day_lead d:dom m:mon y:yy",
    "day_lead d:dom m:mon",
    "d:yy m:min2 y:yy",
    "d:dom m:min2",
)
def spaced_date(match: Match) -> Any:
    """Le 17 02, 20 02 2014: in languages that write so."""
    if not match.context.data.get("spaced_dates"):
        return None
    if not match.has("y") and "day_lead" not in match.tokens[match.found.start()].values and not match.is_whole:
        return None
    return written_date(match.get("d"), match.get("m"), match.get("y"))

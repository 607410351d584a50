"""Rules for periods and what is counted in them: next week, March, the last Friday of October, Tuesday of next week."""

from __future__ import annotations

from typing import Any

from nlu.when.lengths import amount_of
from nlu.when.meaning import (
    Amount,
    Date,
    Day,
    Inside,
    Nth,
    Part,
    Point,
    Running,
    Shift,
    Stretch,
    Weekday,
)
from nlu.when.pattern import Match, Stage

PERIODS = Stage()

_WHICH = ("this", "next", "coming", "following", "last", "after_next")


def which_of(match: Match, name: str = "x") -> str | None:
    """Return which one of a series was said; the longer word wins (after next before next)."""
    token = match.token(name)
    if token is None:
        return None
    return next((which for which in reversed(_WHICH) if which in token.values), None)


@PERIODS.rule(
    "period",
    "(in|during|of|the|glue){0,2} next? u:month_word of? m:month ((of|comma)? y:year)?",
    "(in|during|of|the|glue){0,2} m:month dot? (of|comma)? y:year",
    "y:year m:month",
    "(the|glue)? x:next/this/coming/following/last m:month",
    "(glue){0,2} m:month (glue)? x:next_post",
    "x:after_next m:month",
    "(the)? m:month y2:after_next_post",
)
def month_said_fully(match: Match) -> Any:
    """March 2027, next March."""
    which = which_of(match) if match.has("x") else None
    if match.has("x") and which is None:
        which = "next"
    if match.has("y2"):
        which = "after_next"
    return Date(month=match.get("m"), year=match.get("y"), which=which)


@PERIODS.rule(
    "period",
    "(within|in|during)? the? n:num/few x:next/coming/following/last u:unit",
    "(within|in|during)? the? x:next/coming/following/last a:amount",
    "(within|in|during)? the? x:next/coming/following/last (n:few) of? u:unit",
    "(within|in|during)? the? x:next/coming n:num u:unit",
    "(in|during|within)? the? n:num u:unit x:next_post",
)
def running_units(match: Match) -> Any:
    """The next three days, las próximas dos semanas."""
    amount = match.get("a") or amount_of(match.get("n") or 1, match.get("u"))
    token = match.token("x")
    if amount is None or token is None:
        return None
    unit = match.token("u")
    many = (match.get("n") or 0) > 1 and match.context.data.get("plural_s") and "coming" not in token.values
    if unit and many and not unit.text.endswith("s"):
        return None  # "we will be only 3 next week"
    following = match.after
    if "last" in token.values and following and following.values.keys() & {"of", "in", "this"}:
        return None  # the last three weeks of this year
    return Running(amount, backward="last" in token.values, whole="coming" in token.values)


@PERIODS.rule("period", "(in|within|during)? the? n:num? few_days")
def coming_days(match: Match) -> Any:
    """The next days: about three."""
    days = match.get("n") or 3
    return Running(Amount(days=days, unit="day", count=days), whole=True) if days <= 400 else None


@PERIODS.rule(
    "period",
    "the? x:this/next/coming/following/last/after_next u:unit",
    "(in|on|of)? the? u:unit (glue){0,2} x:after_next_post",
    "the? u:unit glue{0,2} x:next_post",
)
def unit_from_now(match: Match) -> Day | None:
    """Next week, el mes que viene, die übernächste Woche."""
    unit = match.get("u")
    token = match.token("x")
    which = which_of(match)
    if token is None:
        return None
    if which is None:
        which = "after_next" if "after_next_post" in token.values else str(token.values["next_post"])
    if unit == "weekend" and which == "coming":
        return Shift("weekend", 0)
    count = {"this": 0, "next": 1, "coming": 1, "following": 1, "last": -1, "after_next": 2}.get(which, 1)
    if count < 0 and unit in ("day", "week", "weekend") and match.after and match.after.values.keys() & {"of", "in"}:
        return None  # the last day of the month, the last week in July
    if unit in ("minute", "hour") and token.start < (match.token("u") or token).start:
        return Running(Amount(minutes=60 if unit == "hour" else 1, unit=unit), backward=count < 0) if count else None
    if unit in ("second", "minute", "hour", "half_hour", "quarter_hour"):
        return None
    if unit == "fortnight":
        return Running(Amount(days=14, unit="week"), backward=count < 0)
    return Shift(unit, count)


_LEADS_TO_SEASON = {"in", "during", "this", "next", "coming", "side", "before", "after", "from", "until", "by", "since"}


@PERIODS.rule("period", "(in|during|this)? (the|glue){0,2} x:next/coming/this? s:season (glue)? next_post?")
def season(match: Match) -> Any:
    """In spring, this summer, Q2: three months, this year or the next one that comes."""
    if match.before and "last" in match.before.values:
        return None
    lead = match.tokens[max(0, match.found.start() - 2) : match.found.end() - 1]
    if not match.is_whole and not any(token.values.keys() & _LEADS_TO_SEASON for token in lead):
        return None  # a spring clean, Sommerschnitt, the fall
    first = match.get("s")
    return Stretch(Date(month=first), Date(month=(first + 1) % 12 + 1))


@PERIODS.rule("period", "the? x:this/next/coming/following/last quarter")
def quarter_from_now(match: Match) -> Any:
    """Next quarter: a word that is a part of an hour too."""
    which = which_of(match)
    return Shift("quarter", {"this": 0, "last": -1}.get(which or "", 1))


@PERIODS.rule("period", "m:month")
def month_alone(match: Match) -> Any:
    """March; a word that is something else too counts only on its own or after "in"."""
    token, before = match.token("m"), match.before
    if token is None or ("weekday" in token.values and not _follows_month(match)):
        return None
    if (
        "weak" in token.values
        and not token.capital
        and not match.is_whole
        and not match.context.latent
        and not (
            before
            and before.values.keys()
            & {
                "in",
                "of",
                "side",
                "before",
                "after",
                "from",
                "to",
                "by",
                "for",
                "until",
                "during",
                "or",
                "between",
                "and",
                "since",
                "ord",
                "day",
                "period",
            }
        )
    ):
        return None
    return Date(month=match.get("m"))


def _follows_month(match: Match) -> bool:
    """De enero a mar: after a month, mar is March and not Tuesday."""
    position = match.found.start()
    if position < 2 or not match.tokens[position - 1].values.keys() & {"to", "until", "and", "or", "dash"}:
        return False
    earlier = match.tokens[position - 2].values
    return "month" in earlier or isinstance(earlier.get("period"), Date)


@PERIODS.rule("period", "in y:year", "of y:year")
def year_alone(match: Match) -> Any:
    """In 2027."""
    return Date(year=match.get("y"))


_OUTER = "(glue){0,3} (p:period|u:unit)"


def _outer(match: Match) -> Day | None:
    if match.has("p"):
        return match.get("p")  # type: ignore[no-any-return]
    unit = match.get("u")
    return Shift(unit, 0) if unit in ("week", "month", "year", "quarter") else None


@PERIODS.rule(
    "day",
    f"(glue){{0,2}} n:ord l:last w:weekday/day_word {_OUTER}",
    f"(glue){{0,2}} n:ord/num/last/first w:weekday/day_word {_OUTER}",
    f"(glue){{0,2}} l:last w:weekday/day_word {_OUTER}",
)
def nth_day(match: Match) -> Any:
    """The first Monday of next month, the 5th last day of May, the last Friday of October."""
    outer = _outer(match)
    token, day = match.token("n"), match.token("w")
    if outer is None or day is None or _is_week(outer):
        return None
    count = (
        -1
        if not match.has("n") or (token and "last" in token.values)
        else (1 if token and "first" in token.values else match.get("n"))
    )
    if match.has("n") and match.has("l"):
        count = -count
    unit = f"weekday{match.get('w')}" if "weekday" in day.values else "day"
    return Nth(count, unit, outer) if -31 <= count <= 31 else None


def _is_week(outer: Day | None) -> bool:
    return isinstance(outer, Shift) and outer.unit in ("week", "weekend", "day")


@PERIODS.rule("point", "(glue){0,2} n:ord/first/last w:weekday p:daypart!dayword (glue){1,3} o:period")
def nth_day_in_part(match: Match) -> Any:
    """The first Monday evening of next month."""
    count, token = match.get("n"), match.token("n")
    if token is None or _is_week(match.get("o")):
        return None
    count = -1 if "last" in token.values else 1 if "first" in token.values else count
    return Point(Nth(count, f"weekday{match.get('w')}", match.get("o")), Part(match.get("p")))


@PERIODS.rule(
    "period",
    "(glue){0,2} n:ord/num/last v:unit glue{1,3} p:period",
    "(glue){0,2} l:last a:amount glue{0,3} p:period",
    "(glue){0,2} n:ord/last v:unit p:period",
    "(glue){0,2} n:last/first v:unit glue{1,3} u:unit",
    "(glue){0,2} n:last/first week_of u:unit",
)
def nth_unit(match: Match) -> Any:
    """The third week of January, le premier week-end de septembre, the 9th month of next year."""
    unit, amount = match.get("v") if match.has("v") else "week", match.get("a")
    outer = _outer(match)
    if outer is None or (match.has("u") and unit == match.get("u")):
        return None
    if amount is not None:
        return (
            Nth(-int(amount.count), f"run_{amount.unit}", outer)
            if amount.unit in ("week", "weekend") and amount.count >= 1
            else None
        )
    token = match.token("n")
    if token is None or unit not in ("week", "weekend", "month", "quarter", "day"):
        return None
    count = -1 if "last" in token.values else match.get("n")
    return Nth(count, unit, outer) if isinstance(count, int) and -60 < count < 60 else None


@PERIODS.rule(
    "day",
    "(glue|day_lead){0,2} w:weekday (comma|glue){0,4} p:period",
    "(glue){0,2} p:period (comma|on|glue){0,3} w:weekday",
    "(glue|day_lead){0,2} d:dom/ord day_word? glue{1,3} p:period",
    "(glue|day_lead){1,2} d:ord!weekday p:period",
    "d:day glue{0,3} p:period",
)
def day_inside_period(match: Match) -> Any:
    """Tuesday of next week, next week Wednesday, the 20th of next month."""
    outer, lead = match.get("p"), match.tokens[match.found.start()]
    if "to" in lead.values and match.before and "weekday" in match.before.values:
        return None  # del martes al jueves de la próxima semana: a range, and its end without the preposition
    if match.has("w"):
        if isinstance(outer, Shift) and outer.unit in ("week", "weekend", "month", "workweek"):
            return Inside(Weekday(match.get("w")), outer)
        return None
    inner = match.get("d")
    date = Date(inner) if isinstance(inner, int) else inner
    if isinstance(date, Date) and date.month is None and isinstance(outer, Shift) and outer.unit == "month":
        return Inside(date, outer)
    return None


@PERIODS.rule("day", "(glue){0,2} d:ord/dom day_word? glue{1,3} u:unit")
def day_of_this_month(match: Match) -> Any:
    """The 8th of the month."""
    return Inside(Date(match.get("d")), Shift("month", 0)) if match.get("u") == "month" else None

"""Rules for days: tomorrow, next Friday, Easter Monday, Tuesday week, the day after Christmas."""

from __future__ import annotations

from typing import Any

from nlu.when.meaning import (
    Amount,
    Closest,
    Date,
    Holiday,
    Inside,
    Nth,
    Offset,
    Shift,
    Weekday,
    WeekOf,
)
from nlu.when.pattern import Match, Stage
from nlu.when.periods import which_of

DAYS = Stage()


@DAYS.rule("day", "n:ord/num w:weekday (of|in)? h:hence", "n:num w:weekday h:hence", "in n:num w:weekday")
def weekdays_from_now(match: Match) -> Any:
    """Three Fridays from now."""
    count = match.get("n")
    return Nth(count, f"weekday{match.get('w')}", Shift("day", 0)) if 0 < count < 60 else None


@DAYS.rule("day", "(the|on)? n:ord x:closest w:weekday to d:day", "(the|on)? x:closest w:weekday to d:day")
def closest_weekday(match: Match) -> Any:
    """The closest Monday to 5 October."""
    return Closest(match.get("w"), match.get("d"), match.get("n") or 1)


@DAYS.rule(
    "day",
    "(on|the|glue)* x:this/next/coming/following/last/after_next w:weekday dot?",
    "(on|the|day_lead)? w:weekday glue{0,2} x:next_post",
    "(on|the)? w:weekday glue{0,2} x:after_next_post",
)
def weekday_from_now(match: Match) -> Any:
    """Next Friday, el viernes que viene, kommenden Montag."""
    token = match.token("x")
    if token is None:
        return None
    which = which_of(match)
    if which is None:
        which = "after_next" if "after_next_post" in token.values else str(token.values["next_post"])
    return Weekday(match.get("w"), which)


@DAYS.rule("day", "(the|glue)? x:this/next/coming/following/last d:day")
def next_date(match: Match) -> Any:
    """Next Friday 13th, este dia 17: the date says which."""
    date, which = match.get("d"), which_of(match)
    if isinstance(date, Date) and date.month is None and which in ("this", "next", "coming", "following"):
        return date
    if isinstance(date, Date) and which in ("this", "next", "coming"):
        return date
    return None


@DAYS.rule("period", "(the|this|next|coming|glue)? h:holiday_week")
def holy_week(match: Match) -> Any:
    """Semana santa: the week that holds Good Friday."""
    return WeekOf(Holiday(match.get("h")))


@DAYS.rule(
    "day",
    "(the|this|next|coming|glue)? h:holiday of? y:year",
    "(the|glue)? x:this/next/coming/last h:holiday",
    "(the|glue)? h:holiday x:next_post",
    "h:holiday",
)
def holiday(match: Match) -> Any:
    """Christmas, Mother's Day 2027."""
    return Holiday(match.get("h"), match.get("y"), which_of(match) if match.has("x") else None)


@DAYS.rule("day", "on? d:dayword")
def day_by_name(match: Match) -> Any:
    """Today, tomorrow, pasado mañana."""
    return Shift("day", match.get("d"))


@DAYS.rule(
    "period", "(the|glue)? week_of (the|glue){0,2} d:day", "(the|glue)? u:unit (glue|from|starting|since|on){0,3} d:day"
)
def week_of_day(match: Match) -> Any:
    """The week of 7 October."""
    if match.has("u") and match.get("u") == "weekend" and isinstance(match.get("d"), Date):
        return Inside(Shift("weekend", 0), match.get("d"))
    if match.has("u") and (match.get("u") != "week" or not isinstance(match.get("d"), Date)):
        return None
    return WeekOf(match.get("d"))


@DAYS.rule(
    "day",
    "from? d:day/weekday in a:amount",
    "d:day/weekday week_on a:amount?",
    "d:weekday u:unit",
    "(glue){0,2} d:day u:unit",
)
def weekday_weeks_ahead(match: Match) -> Any:
    """Mittwoch in zwei Wochen, mercredi en huit, British "Tuesday week"."""
    value = match.get("d")
    weekday = (
        value.day if isinstance(value, Weekday) and value.which is None else value if isinstance(value, int) else None
    )
    if match.has("u"):
        if not match.context.data.get("weekday_week") or match.get("u") not in ("week", "fortnight"):
            return None
        amount: Amount | None = Amount(days=7 if match.get("u") == "week" else 14, unit="week")
        if isinstance(value, Shift) and value.unit == "day":
            return Offset(amount, value)  # type: ignore[arg-type]
        return Offset(amount, Weekday(weekday, "this")) if weekday is not None else None  # type: ignore[arg-type]
    amount = match.get("a")
    if not isinstance(amount, Amount) or amount.minutes:
        return None
    if isinstance(value, Shift) and value.unit == "day":
        return Offset(amount, value)
    if amount.days % 7:
        return None
    return Offset(amount, Weekday(weekday, "this")) if weekday is not None else None


@DAYS.rule("day", "a:amount on? d:day/weekday")
def week_on_day(match: Match) -> Any:
    """British "a week tomorrow", "a fortnight on Monday"."""
    amount, value = match.get("a"), match.get("d")
    if not match.context.data.get("weekday_week") or amount.minutes or amount.months or amount.unit != "week":
        return None
    anchor = Weekday(value, "this") if isinstance(value, int) else value
    return Offset(amount, anchor) if isinstance(anchor, Weekday | Shift) else None


@DAYS.rule("period", "in? n:num u:unit hence", "in n:num u:unit")
def weekends_from_now(match: Match) -> Any:
    """Two weekends from now."""
    return Shift("weekend", match.get("n") - 1) if match.get("u") == "weekend" and match.get("n") < 60 else None


@DAYS.rule("day", "w:weekday week_plus")
def weekday_plus_week(match: Match) -> Any:
    """Mercredi en huit, lundi en quinze."""
    plus = next(
        token.values["week_plus"]
        for token in match.tokens[match.found.start() : match.found.end()]
        if "week_plus" in token.values
    )
    return Offset(Amount(days=7 * plus, unit="week"), Weekday(match.get("w"), "this"))


@DAYS.rule(
    "day",
    "(the|glue){0,2} u:unit x:after (the|glue)? d:day",
    "(the|glue){0,2} u:unit y:before (the|glue)? d:day",
    "day_lead x:after (the|glue)? d:day",
    "day_lead y:before (the|glue)? d:day",
    "the? x:day_after (the|glue)? d:day",
    "the? y:day_before (the|glue)? d:day",
)
def day_after_day(match: Match) -> Any:
    """The day after Christmas, the week before Easter, le lendemain de Noël."""
    unit = match.get("u") if match.has("u") else "day"
    amount = {"day": Amount(days=1), "week": Amount(days=7, unit="week")}.get(unit)
    return Offset(amount, match.get("d"), backward=match.has("y")) if amount else None


@DAYS.rule(
    "day",
    "(the|on|glue)* n:ord? w:weekday a:after (the|glue)* d:day",
    "(the|on|glue)* n:ord? w:weekday b:before (the|glue)* d:day",
)
def weekday_after_day(match: Match) -> Any:
    """The Friday after Easter, the third Tuesday after Christmas."""
    count = match.get("n") or 1
    return Nth(-count if match.has("b") else count, f"weekday{match.get('w')}", match.get("d"))


@DAYS.rule("period", "(the|glue)? h:day u:unit", "u:unit glue{1,2} h:day")
def holiday_weekend(match: Match) -> Any:
    """Easter weekend, labor day weekend."""
    day = match.get("h")
    return Inside(Shift("weekend", 0), day) if match.get("u") == "weekend" and isinstance(day, Holiday) else None


@DAYS.rule("day", "h:day (of|in|comma|glue){0,3} p:period")
def holiday_of_year(match: Match) -> Any:
    """Thanksgiving of next year."""
    day, outer = match.get("h"), match.get("p")
    return (
        Inside(day, outer) if isinstance(day, Holiday) and isinstance(outer, Shift) and outer.unit == "year" else None
    )


@DAYS.rule("day", "(glue!to!from){0,2} w:weekday dot?")
def weekday_alone(match: Match) -> Any:
    """Friday; an abbreviation that is a common word too needs company."""
    token = match.token("w")
    if token is None:
        return None
    if "weak" in token.values and not _has_company(match):
        return None
    return Weekday(match.get("w"))


def _continues_list(match: Match) -> bool:
    """Mo oder Di: a day, a connecting word, and this."""
    start = match.found.start()
    joined = match.before and match.before.values.keys() & {"or", "and", "dash", "comma"}
    return bool(start > 1 and joined and match.tokens[start - 2].values.keys() & {"weekday", "day"})


def _has_company(match: Match) -> bool:
    """A doubtful short word is a time when it is the whole message, has its stop, or stands beside another time."""
    lead = match.tokens[match.found.start()]
    if match.is_whole or (lead.capital and match.before) or "dot" in match.tokens[match.found.end() - 1].values:
        return True
    near = {"day", "time", "period", "weekday", "hm", "ampm", "daypart", "dayword", "hour", "between", "since", "after"}
    if "weekday" not in lead.values and lead.values.keys() & {"on", "day_lead"}:
        return True
    if match.before and match.before.values.keys() & {"next", "this", "every", "from", "to"}:
        return True
    if _continues_list(match):
        return True
    after = match.after
    follower = match.tokens[match.found.end() + 1] if match.found.end() + 1 < len(match.tokens) else None
    return bool(
        (match.before and match.before.values.keys() & near)
        or (after and after.values.keys() & near)
        or (
            after
            and follower
            and after.values.keys() & {"at", "and", "or", "comma", "dash", "to"}
            and follower.values.keys() & (near | {"hour"})
        )
    )

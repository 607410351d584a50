"""Rules for days and dates: 5 de mayo, the 8th, 22/04, next Friday, Tuesday of next week, last Friday of October."""

from __future__ import annotations

import calendar
from dataclasses import replace
from typing import Any

from nlu.when.meaning import Amount, Closest, Date, Day, Holiday, Inside, Nth, Offset, Part, Point, Shift, Weekday, WeekOf
from nlu.when.pattern import NOTHING, Match, Stage

DATES = Stage()
DAYS = Stage()

_WHICH = ("this", "next", "coming", "following", "last", "after_next")


def which_of(match: Match, name: str = "x") -> str | None:
    """Return which one of a series was said; the longer word wins (after next before next)."""
    token = match.token(name)
    if token is None:
        return None
    return next((which for which in reversed(_WHICH) if which in token.values), None)


def written_date(day: int, month: int, year: int | None) -> Date | None:
    """Return a date that exists in some year, or None (31 February)."""
    if year is not None and year < 100:
        year += 2000 if year < 70 else 1900
    if not 1 <= month <= 12 or (year is not None and not 1 <= year <= 9998):
        return None
    longest = calendar.monthrange(2000 if year is None else year, month)[1]
    return Date(day, month, year) if 1 <= day <= longest else None


def ordered_date(parts: tuple[int, ...], order: str) -> Date | None:
    """Read 3/4 or 3/4/2027 in the locale's order; the other order is kept as a second reading, or taken when only it exists."""
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


@DATES.rule("day", "day_lead!to? t:numdate dot?", "day_lead!to? t:slashdate!fraction (comma|of)? y:year", "day_lead!to? t:slashdate")
def numeric_date(match: Match) -> Any:
    """22/04, 3/4/2027, in the locale's order."""
    parts = match.get("t")
    fraction = match.token("t")
    if fraction and "fraction" in fraction.values and not match.has("y") and not match.is_whole and not match.before:
        return None
    if match.has("y"):
        parts = (*parts, match.get("y"))
    return ordered_date(parts, match.context.order) or NOTHING


@DATES.rule("day", "w:weekday dot? comma? (glue|the){0,2} t:dotdate dot?", "(day_lead!to|from|the) t:dotdate dot?", "t:dotdate dot?", "d:dom dot? dash t:dotdate dot?")
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
    if like_time and not dotted and not match.has("w"):
        return None
    date = ordered_date(match.get("t"), match.context.order)
    if date is None:
        return None
    if match.has("d"):
        from nlu.when.meaning import Stretch

        return Stretch(replace(date, day=match.get("d"), swapped=None), date)
    return replace(date, weekday=match.get("w")) if match.has("w") else date


@DATES.rule("time", "(at|about|comma|glue)* t:dothm")
def dotted_time(match: Match) -> Any:
    """2.30, 15.15, where it cannot be a date."""
    from nlu.when.clocks import clock_from

    lead = match.tokens[match.found.start()]
    if "dotdate" in (match.token("t") or lead).values and not match.context.data.get("dotted_dates") and not lead.values.keys() & {"at", "at_clock", "about"} and not match.context.latent:
        neighbour = match.before
        if not match.is_whole and not (neighbour and neighbour.values.keys() & {"day", "weekday", "from", "to", "dash", "between", "before", "after", "dayword"}) and not match.after:
            return None
    return clock_from(match.get("t"))


_MONTH_YEAR = "((of|comma|in){0,2} y:year)?"


@DATES.rule(
    "day",
    f"day_lead!to? the!to? d:dom/ord day_word? dot? (of!to|the!to|comma){{0,2}} m:month dot? {_MONTH_YEAR}",
    f"day_lead!to? the!to? d:dom/ord m:month (dash|slash|comma)? {_MONTH_YEAR}", f"d:dom/ord x:dash/slash m:month (dash|slash)? {_MONTH_YEAR}",
    "day_lead!to? the!to? d:dom/ord dot? of? m:month quote? y:yy!hour",
    f"m:month dot? (the|slash|dash|comma|on)? the!to? d:dom/ord dot? {_MONTH_YEAR}",
    "m:month dot? d:dom/ord comma? y:yy!hour",
)
def day_of_month(match: Match) -> Any:
    """5 de mayo, May 5th, the 2nd of March 2027."""
    day_token = match.token("d")
    following = match.after
    if day_token is None or (following and day_token.end <= following.start and _is_quantity(following) and match.token("d") is match.tokens[match.found.end() - 1]):
        return None
    if match.has("x") and not (match.token("x") or day_token).glued:
        return None  # "13 - July 15" is a range, 13-Jul a date
    month = match.get("n") if match.has("n") else match.get("m")
    if match.before and "month" in match.before.values and match.has("x"):
        return None
    return written_date(match.get("d"), month, match.get("y")) or NOTHING


def _is_quantity(token: Any) -> bool:
    return bool({"hmark", "colon", "unit", "ampm", "counted"} & token.values.keys() and not {"day_word"} & token.values.keys())


@DATES.rule("day", "day_lead!to? the? w:weekday (comma|the|day_lead|dot){0,3} d:day", "d:day (comma|bracket){1,2} w:weekday bracket?")
def weekday_and_date(match: Match) -> Any:
    """Monday, 18 February."""
    date = match.get("d")
    if not isinstance(date, Date) or date.weekday is not None or date.day is None:
        return None
    return replace(date, weekday=match.get("w"), swapped=replace(date.swapped, weekday=match.get("w")) if date.swapped else None)


@DATES.rule(
    "day",
    "w:weekday dot? (comma|the|day_lead|glue){0,3} d:ord (day_word)?",
    "w:weekday dot? comma? day_lead d:dom",
    "w:weekday d:dom!spelled",
    "w:weekday d:dom",
)
def weekday_and_number(match: Match) -> Any:
    """Friday 13, miércoles 31, Thu 15th: not when the number starts a clock or a range of hours."""
    following, number = match.after, match.token("d")
    if following and (_is_quantity(following) or (following.values.keys() & {"dash", "to"} and "at" not in following.values) or following.values.keys() & {"minus", "zero", "half", "quarter", "decimal"}):
        if "ord" not in (number or following).values and not _leads_to_date(match):
            return None
    bare = "ord" not in (number or match.tokens[0]).values and "day_lead" not in match.tokens[match.found.end() - 2].values
    return Date(match.get("d"), weekday=match.get("w"), or_hour=bare and match.get("d") <= 12)


def _leads_to_date(match: Match) -> bool:
    """Du lundi 1er au mercredi 10 juillet: the range ends in a date."""
    position = match.found.end()
    ahead = match.tokens[position + 1 : position + 4]
    return any("day" in token.values for token in ahead)


@DATES.rule("day", "day_lead!to d:ord/dom", "(on|glue){0,2} the d:ord", "(on|glue)? d:ord!spelled_ord")
def number_of_day(match: Match) -> Any:
    """El 16, the 8th, dia 17."""
    following = match.after
    if following and (_is_quantity(following) or following.values.keys() & {"unit", "weekday", "month", "decimal", "hour", "counted_ord", "last", "ampm1"} and not following.values.keys() & {"dash"}):
        return None
    token = match.token("d")
    lead = match.tokens[match.found.start()]
    if token and "ord" in token.values and ("day_lead" not in lead.values or "digits" not in token.values) and not _names_a_day(match, token, lead):
        return None
    return Date(match.get("d"))


def _names_a_day(match: Match, number: Any, lead: Any) -> bool:
    """On the first, by the 8th: an ordinal alone may as well choose from a list (the second, the 2nd)."""
    if match.context.latent or ("on" in lead.values and "day_lead" not in lead.values):
        return True
    before = match.before
    if before and before.values.keys() & {"from", "to", "until", "by", "before", "after", "since", "starting", "between", "or", "and", "dash", "week_of", "unit", "on"}:
        return True
    if "digits" not in number.values:
        return False
    return not match.is_whole or number.values["ord"] > 6


@DATES.rule("day", "day_lead!to? the? d:dom m:mon y:year", "day_lead d:dom m:mon y:yy", "day_lead d:dom m:mon", "d:yy m:min2 y:yy", "d:dom m:min2")
def spaced_date(match: Match) -> Any:
    """Le 17 02, 20 02 2014: in languages that write so."""
    if not match.context.data.get("spaced_dates"):
        return None
    if not match.has("y") and "day_lead" not in match.tokens[match.found.start()].values and not match.is_whole:
        return None
    return written_date(match.get("d"), match.get("m"), match.get("y"))


@DAYS.rule("period", "(within|in|during)? the? n:num/few x:next/coming/following/last u:unit", "(within|in|during)? the? x:next/coming/following/last a:amount", "(within|in|during)? the? x:next/coming/following/last (n:few) of? u:unit", "(within|in|during)? the? x:next/coming n:num u:unit", "(in|during|within)? the? n:num u:unit x:next_post")
def running_units(match: Match) -> Any:
    """The next three days, las próximas dos semanas."""
    from nlu.when.lengths import amount_of
    from nlu.when.meaning import Running

    amount = match.get("a") or amount_of(match.get("n") or 1, match.get("u"))
    token = match.token("x")
    if amount is None or token is None:
        return None
    following = match.after
    if "last" in token.values and following and following.values.keys() & {"of", "in", "this"}:
        return None  # the last three weeks of this year
    return Running(amount, backward="last" in token.values, whole="coming" in token.values)


@DAYS.rule("period", "the? x:this/next/coming/following/last/after_next u:unit", "(in|on|of)? the? u:unit (glue){0,2} x:after_next_post", "the? u:unit glue{0,2} x:next_post")
def unit_from_now(match: Match) -> Day | None:
    """Next week, el mes que viene, die übernächste Woche."""
    from nlu.when.meaning import Running

    unit = match.get("u")
    token = match.token("x")
    which = which_of(match)
    if token is None:
        return None
    if which is None:
        which = "after_next" if "after_next_post" in token.values else str(token.values["next_post"])
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


@DAYS.rule("period", "(in|during|of|the|glue){0,2} u:month_word of? m:month ((of|comma)? y:year)?", "(in|during|of|the|glue){0,2} m:month dot? (of|comma)? y:year", "y:year m:month", "(the|glue)? x:next/this/coming/following/last m:month", "(glue){0,2} m:month (glue)? x:next_post", "x:after_next m:month")
def month_said_fully(match: Match) -> Any:
    """March 2027, next March."""
    which = which_of(match) if match.has("x") else None
    if match.has("x") and which is None:
        which = "next"
    return Date(month=match.get("m"), year=match.get("y"), which=which)


@DAYS.rule("period", "m:month")
def month_alone(match: Match) -> Any:
    """March; a word that is something else too counts only on its own or after "in"."""
    token, before = match.token("m"), match.before
    if token is None or ("weekday" in token.values and not _follows_month(match)):
        return None
    if "weak" in token.values and not token.capital and not match.is_whole and not match.context.latent:
        if not (before and before.values.keys() & {"in", "of", "side", "before", "after", "from", "to", "by", "for", "until", "during", "or", "between", "since", "ord", "day", "period"}):
            return None
    return Date(month=match.get("m"))


def _follows_month(match: Match) -> bool:
    """De enero a mar: after a month, mar is March and not Tuesday."""
    position = match.found.start()
    if position < 2 or not match.tokens[position - 1].values.keys() & {"to", "until", "and", "or", "dash"}:
        return False
    earlier = match.tokens[position - 2].values
    return "month" in earlier or isinstance(earlier.get("period"), Date)


@DAYS.rule("period", "in y:year", "of y:year")
def year_alone(match: Match) -> Any:
    """In 2027."""
    return Date(year=match.get("y"))


@DAYS.rule("day", "n:ord/num w:weekday (of|in)? h:hence", "n:num w:weekday h:hence")
def weekdays_from_now(match: Match) -> Any:
    """Three Fridays from now."""
    count = match.get("n")
    return Nth(count, f"weekday{match.get('w')}", Shift("day", 0)) if 0 < count < 60 else None


@DAYS.rule("day", "(the|on)? n:ord x:closest w:weekday to d:day", "(the|on)? x:closest w:weekday to d:day")
def closest_weekday(match: Match) -> Any:
    """The closest Monday to 5 October."""
    return Closest(match.get("w"), match.get("d"), match.get("n") or 1)


_OUTER = "(glue){0,3} (p:period|u:unit)"


def _outer(match: Match) -> Day | None:
    if match.has("p"):
        return match.get("p")  # type: ignore[no-any-return]
    unit = match.get("u")
    return Shift(unit, 0) if unit in ("week", "month", "year", "quarter") else None


@DAYS.rule("day", f"(glue){{0,2}} n:ord l:last w:weekday/day_word {_OUTER}", f"(glue){{0,2}} n:ord/num/last/first w:weekday/day_word {_OUTER}", f"(glue){{0,2}} l:last w:weekday/day_word {_OUTER}")
def nth_day(match: Match) -> Any:
    """The first Monday of next month, the 5th last day of May, the last Friday of October."""
    outer = _outer(match)
    token, day = match.token("n"), match.token("w")
    if outer is None or day is None or _is_week(outer):
        return None
    count = -1 if not match.has("n") or (token and "last" in token.values) else (1 if token and "first" in token.values else match.get("n"))
    if match.has("n") and match.has("l"):
        count = -count
    unit = f"weekday{match.get('w')}" if "weekday" in day.values else "day"
    return Nth(count, unit, outer) if -31 <= count <= 31 else None


def _is_week(outer: Day | None) -> bool:
    return isinstance(outer, Shift) and outer.unit in ("week", "weekend", "day")


@DAYS.rule("point", "(glue){0,2} n:ord/first/last w:weekday p:daypart!dayword (glue){1,3} o:period")
def nth_day_in_part(match: Match) -> Any:
    """The first Monday evening of next month."""
    count, token = match.get("n"), match.token("n")
    if token is None or _is_week(match.get("o")):
        return None
    count = -1 if "last" in token.values else 1 if "first" in token.values else count
    return Point(Nth(count, f"weekday{match.get('w')}", match.get("o")), Part(match.get("p")))


@DAYS.rule("period", f"(glue){{0,2}} n:ord/num/last v:unit glue{{1,3}} p:period", "(glue){0,2} l:last a:amount glue{0,3} p:period", "(glue){0,2} n:ord/last v:unit p:period")
def nth_unit(match: Match) -> Any:
    """The third week of January, le premier week-end de septembre, the 9th month of next year."""
    outer, unit, amount = match.get("p"), match.get("v"), match.get("a")
    if amount is not None:
        return Nth(-int(amount.count), f"run_{amount.unit}", outer) if amount.unit in ("week", "weekend") and amount.count >= 1 else None
    token = match.token("n")
    if token is None or unit not in ("week", "weekend", "month", "quarter", "day"):
        return None
    count = -1 if "last" in token.values else match.get("n")
    return Nth(count, unit, outer) if isinstance(count, int) and -60 < count < 60 else None


@DAYS.rule("day", "(glue|day_lead){0,2} w:weekday (comma|glue){0,4} p:period", "(glue){0,2} p:period (comma|on|glue){0,3} w:weekday", "(glue|day_lead){0,2} d:dom/ord day_word? glue{1,3} p:period", "d:day glue{1,3} p:period")
def day_inside_period(match: Match) -> Any:
    """Tuesday of next week, next week Wednesday, the 20th of next month."""
    outer = match.get("p")
    if match.has("w"):
        if isinstance(outer, Shift) and outer.unit in ("week", "weekend", "month", "workweek"):
            return Inside(Weekday(match.get("w")), outer)
        return None
    inner = match.get("d")
    date = Date(inner) if isinstance(inner, int) else inner
    if isinstance(date, Date) and date.month is None and isinstance(outer, Shift) and outer.unit == "month":
        return Inside(date, outer)
    return None


@DAYS.rule("day", "(glue){0,2} d:ord/dom day_word? glue{1,3} u:unit")
def day_of_this_month(match: Match) -> Any:
    """The 8th of the month."""
    return Inside(Date(match.get("d")), Shift("month", 0)) if match.get("u") == "month" else None


@DAYS.rule("day", "(on|the|glue)* x:this/next/coming/following/last/after_next w:weekday dot?", "(on|the|day_lead)? w:weekday glue{0,2} x:next_post", "(on|the)? w:weekday glue{0,2} x:after_next_post")
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


@DAYS.rule("day", "(the|this|next|coming|glue)? h:holiday of? y:year", "(the|glue)? x:this/next/coming/last h:holiday", "(the|glue)? h:holiday x:next_post", "h:holiday")
def holiday(match: Match) -> Any:
    """Christmas, Mother's Day 2027."""
    return Holiday(match.get("h"), match.get("y"), which_of(match) if match.has("x") else None)


@DAYS.rule("day", "on? d:dayword")
def day_by_name(match: Match) -> Any:
    """Today, tomorrow, pasado mañana."""
    return Shift("day", match.get("d"))


@DAYS.rule("period", "(the|glue)? week_of (the|glue){0,2} d:day", "(the|glue)? u:unit (glue|from|starting|since|on){0,3} d:day")
def week_of_day(match: Match) -> Any:
    """The week of 7 October."""
    if match.has("u") and (match.get("u") != "week" or not isinstance(match.get("d"), Date)):
        return None
    return WeekOf(match.get("d"))


@DAYS.rule("day", "from? d:day/weekday in a:amount", "d:day/weekday week_on a:amount?", "d:weekday u:unit", "(glue){0,2} d:day u:unit")
def weekday_weeks_ahead(match: Match) -> Any:
    """Mittwoch in zwei Wochen, mercredi en huit, British "Tuesday week"."""
    value = match.get("d")
    weekday = value.day if isinstance(value, Weekday) and value.which is None else value if isinstance(value, int) else None
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


@DAYS.rule("day", "w:weekday week_plus")
def weekday_plus_week(match: Match) -> Any:
    """Mercredi en huit, lundi en quinze."""
    plus = next(token.values["week_plus"] for token in match.tokens[match.found.start() : match.found.end()] if "week_plus" in token.values)
    return Offset(Amount(days=7 * plus, unit="week"), Weekday(match.get("w"), "this"))


@DAYS.rule("day", "(the|glue){0,2} u:unit x:after (the|glue)? d:day", "(the|glue){0,2} u:unit y:before (the|glue)? d:day")
def day_after_day(match: Match) -> Any:
    """The day after Christmas, the week before Easter."""
    amount = {"day": Amount(days=1), "week": Amount(days=7, unit="week")}.get(match.get("u"))
    return Offset(amount, match.get("d"), backward=match.has("y")) if amount else None


@DAYS.rule("period", "(the|glue)? h:day u:unit", "u:unit glue{1,2} h:day")
def holiday_weekend(match: Match) -> Any:
    """Easter weekend, labor day weekend."""
    day = match.get("h")
    return Inside(Shift("weekend", 0), day) if match.get("u") == "weekend" and isinstance(day, Holiday) else None


@DAYS.rule("day", "h:day (of|in|comma|glue){0,3} p:period")
def holiday_of_year(match: Match) -> Any:
    """Thanksgiving of next year."""
    day, outer = match.get("h"), match.get("p")
    return Inside(day, outer) if isinstance(day, Holiday) and isinstance(outer, Shift) and outer.unit == "year" else None


@DAYS.rule("day", "(glue!to!from){0,2} w:weekday dot?")
def weekday_alone(match: Match) -> Any:
    """Friday; an abbreviation that is a common word too needs company."""
    token = match.token("w")
    if token is None:
        return None
    if "weak" in token.values and not _has_company(match):
        return None
    return Weekday(match.get("w"))


def _has_company(match: Match) -> bool:
    """A doubtful short word is a time when it is the whole message, has its stop, or stands beside another time."""
    lead = match.tokens[match.found.start()]
    if match.is_whole or lead.capital or "dot" in match.tokens[match.found.end() - 1].values:
        return True
    near = {"day", "time", "period", "weekday", "hm", "ampm", "daypart", "dayword"}
    if "weekday" not in lead.values and lead.values.keys() & {"on", "day_lead"}:
        return True
    if match.before and match.before.values.keys() & {"next", "this", "every", "from", "to"}:
        return True
    if match.found.start() > 1 and match.before and match.before.values.keys() & {"or", "and", "dash", "comma"}:
        if match.tokens[match.found.start() - 2].values.keys() & {"weekday", "day"}:
            return True
    after = match.after
    follower = match.tokens[match.found.end() + 1] if match.found.end() + 1 < len(match.tokens) else None
    return bool(
        (match.before and match.before.values.keys() & near)
        or (after and after.values.keys() & near)
        or (after and follower and after.values.keys() & {"at", "and", "or", "comma", "dash", "to"} and follower.values.keys() & (near | {"hour"}))
    )

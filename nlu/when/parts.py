"""Rules for parts of the day and sides of a period: late afternoon, end of next week, mediados de noviembre."""

from __future__ import annotations

from typing import Any

from nlu.when.meaning import Date, Part, Point, Shift, Side, Workdays
from nlu.when.pattern import Match, Stage

AMBIGUOUS_PARTS = Stage()
PARTS = Stage()


@AMBIGUOUS_PARTS.rule("part", "(inpart|glue)* the_part p:ambiguous_part", "(every|any) p:ambiguous_part")
def part_of_two_meanings(match: Match) -> Any:
    """La mañana, am Morgen: the article makes tomorrow a morning."""
    token = match.token("p")
    return Part(token.values["daypart"]) if token else None


@AMBIGUOUS_PARTS.rule("point", "this p:ambiguous_part")
def this_part_of_two_meanings(match: Match) -> Any:
    """Esta mañana, diesen Morgen."""
    token = match.token("p")
    return Point(Shift("day", 0), Part(token.values["daypart"])) if token else None


@AMBIGUOUS_PARTS.rule("part", "s:side p:ambiguous_part")
def middle_of_part(match: Match) -> Any:
    """A media mañana."""
    token = match.token("p")
    return Part(token.values["daypart"], "mid") if token and match.get("s") == "mid" else None


@AMBIGUOUS_PARTS.rule("point", "t:last_night")
def last_night(match: Match) -> Any:
    """Anoche."""
    return Point(Shift("day", -1), Part(match.get("t")))


@AMBIGUOUS_PARTS.rule("point", "t:tomorrow_part")
def tomorrow_in_one_word(match: Match) -> Any:
    """Italian domattina."""
    return Point(Shift("day", 1), Part(match.get("t")))


@AMBIGUOUS_PARTS.rule("point", "t:tonight s:side?", "s:side t:tonight", "late_side t:tonight")
def tonight(match: Match) -> Any:
    """Tonight, heute Abend, late tonight."""
    return Point(Shift("day", 0), Part(match.get("t"), match.get("s")))


@PARTS.rule(
    "part",
    "(inpart|glue|in|of)* s:side of? (the|glue|inpart)* p:daypart!dayword",
    "(inpart|glue|in)* p:daypart!dayword s:side",
    "p:part s:side",
    "(inpart|glue|in)* s:side of? (the|glue)* p:part",
)
def side_of_part(match: Match) -> Any:
    """Early morning, en fin de matinée, late afternoon."""
    part = match.get("p")
    name = part.name if isinstance(part, Part) else part
    return Part(name, match.get("s"))


@PARTS.rule("part", "(inpart|glue|in|during)* e:earlylate (inpart|glue|the)* p:daypart!dayword")
def later_in_part(match: Match) -> Any:
    """Later in the afternoon."""
    return Part(match.get("p"), match.get("e"))


@PARTS.rule("part", "a:after_meal")
def after_meal(match: Match) -> Any:
    """After lunch, después de comer, after work."""
    return Part(match.get("a"))


@PARTS.rule("point", "(inpart|glue|on)* x:this/next/following p:daypart!dayword", "(the)? x:this/next p:part")
def this_part(match: Match) -> Any:
    """This afternoon, cette après-midi; the next morning."""
    token, part = match.token("x"), match.get("p")
    if token is None:
        return None
    return Point(Shift("day", 0 if "this" in token.values else 1), part if isinstance(part, Part) else Part(part))


@PARTS.rule("part", "(inpart|glue|during|in|every|any)* p:daypart!dayword ish? dot?")
def part_alone(match: Match) -> Any:
    """In the morning, por la tarde, nachmittags."""
    token = match.token("p")
    if (
        token
        and "weak" in token.values
        and not (
            match.is_whole or match.context.latent or match.found.end() - match.found.start() > 1 or _beside_time(match)
        )
    ):
        return None
    return Part(match.get("p"))


_TIMES = {"day", "time", "period", "point", "hour"}
_LEADS = {
    "after",
    "before",
    "until",
    "since",
    "from",
    "by",
    "during",
    "between",
    "every",
    "any",
    "not",
    "except",
    "unit",
}


def _beside_time(match: Match) -> bool:
    before, after = match.before, match.after
    led = before and before.values.keys() & (_TIMES | _LEADS)
    return bool(led or (after and after.values.keys() & _TIMES))


@PARTS.rule(
    "period",
    "(glue|in|inpart|towards)* s:side (glue|about|the){0,3} (p:period|d:day|m:month|u:unit)",
    "(glue|in)* (p:period) s:side",
)
def side_of_period(match: Match) -> Any:
    """End of next week, mid March, early today, inicio de mes."""
    side = match.get("s")
    if match.has("m"):
        return Side(side, Date(month=match.get("m")))
    if match.has("u"):
        unit = match.get("u")
        if unit == "day":
            return None
        return Side(side, Shift(unit, 0)) if unit in ("week", "month", "year", "quarter", "weekend") else None
    outer = match.get("p") or match.get("d")
    if isinstance(outer, Date) and outer.day is not None:
        return None
    return Side(side, outer)


@PARTS.rule("period", "(glue|in)* e:end_of_word")
def end_by_letters(match: Match) -> Any:
    """EOM, EOW."""
    return Side("end", Shift(match.get("e"), 0))


@PARTS.rule(
    "period", "e:earlylate (glue|in)* p:period", "e:earlylate (glue|in)* d:day", "e:earlylate (glue|in)* u:unit"
)
def later_in_period(match: Match) -> Any:
    """Later this week, later today."""
    if match.has("u"):
        unit = match.get("u")
        return Side("later", Shift(unit, 0)) if unit in ("day", "week", "month") and match.get("e") == "end" else None
    outer = match.get("p") or match.get("d")
    return Side("later" if match.get("e") == "end" else "start", outer)


@PARTS.rule("period", "(glue|any|every|in|during){0,3} d:workdays")
def workdays(match: Match) -> Any:
    """Any weekday, entre semana."""
    return Workdays()


@PARTS.rule("period", "(glue|any|every|in|during){0,3} u:unit")
def unit_alone(match: Match) -> Any:
    """The weekend, a weekend; other units need a word that says which."""
    unit = match.get("u")
    lead = match.tokens[match.found.start()]
    if unit == "weekend":
        return Shift("weekend", 0)
    if unit == "week" and lead.values.keys() & {"in", "during"} and match.context.data.get("in_the_week"):
        return Shift("week", 0)
    return None


@PARTS.rule("part", "inpart? p:ampm")
def half_of_day(match: Match) -> Any:
    """Thursday pm: without a number, am and pm are parts of the day that stands before."""
    if not match.before or "day" not in match.before.values:
        return None
    return Part("morning" if match.get("p") == "am" else "afternoon")


@PARTS.rule("point", "d:day s:side p:part", "d:day s:side")
def day_early(match: Match) -> Any:
    """Tomorrow early, morgen früh."""
    part = match.get("p")
    if match.get("s") == "mid":
        return None
    return Point(
        match.get("d"),
        Part(part.name, match.get("s")) if part else Part("morning" if match.get("s") == "start" else "evening"),
    )

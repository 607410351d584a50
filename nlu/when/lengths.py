"""Rules for lengths of time: two weeks, an hour and a half, in 20 minutes, for 2 hours."""

from __future__ import annotations

from typing import Any

from nlu.when.meaning import Amount
from nlu.when.pattern import Match, Stage

LENGTHS = Stage()

_DAYS = {"day": 1, "week": 7, "fortnight": 14}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_MINUTES = {"second": 1 / 60, "minute": 1, "quarter_hour": 15, "half_hour": 30, "hour": 60}


def amount_of(count: float, unit: str) -> Amount | None:
    """Return n units as an amount; half a week is three days and a half, half a month 15 days."""
    if count > 100_000:
        return None
    if unit in _MONTHS:
        months = count * _MONTHS[unit]
        if months > 1200:
            return None
        whole = int(months)
        return Amount(months=whole, days=round((months - whole) * 30), unit=unit, count=count)
    if unit in _DAYS:
        days = count * _DAYS[unit]
        whole = int(days)
        return Amount(
            days=whole, minutes=(days - whole) * 1440, unit="week" if unit == "fortnight" else unit, count=count
        )
    return (
        Amount(minutes=count * _MINUTES[unit], unit="minute" if unit != "hour" or count % 1 else unit, count=count)
        if unit in _MINUTES
        else None
    )


def _may_be_clock(match: Match, unit: str) -> bool:
    """15 h, 8 horas: a clock unless a word before or after says that it is a length."""
    token = match.token(unit)
    if token is None or "hmark" not in token.values:
        return False
    before, after = match.before, match.after
    if before and "of" in before.values:  # "décalez-le d'une heure"
        earlier = match.tokens[max(match.found.start() - 2, 0)]
        before = earlier if "put_back" in earlier.values else before
    if (
        before
        and before.values.keys()
        & {"put_back", "in", "within", "during", "next", "coming", "last", "amount_lead", "for"}
        and not before.values.keys() & {"at_clock"}
    ):
        return False
    if match.has("few") or match.has("half"):
        return False
    return not (
        after
        and after.values.keys() & {"ago", "hence", "later", "later_than", "earlier", "after", "before"}
        and not after.values.keys() & {"at"}
    )


@LENGTHS.rule(
    "amount",
    "n:num/decimal and a? h:half u:unit",
    "n:num and h:fraction u:unit",
    "n:num h:fraction u:unit",
    "n:num/a u:unit and a? h:half",
    "u:unit and h:half",
)
def some_and_half(match: Match) -> Amount | None:
    """Two and a half hours, una hora y media."""
    if _may_be_clock(match, "u") and not match.has("h"):
        return None
    before = match.before
    if (
        match.has("n")
        and "hmark" in (match.token("u") or match.tokens[0]).values
        and not (before and {"in", "within", "during", "for"} & before.values.keys())
    ):
        return None
    count = 1 if not match.has("n") or match.get("n") is True else match.get("n")
    half = match.get("h")
    return amount_of(count + (half if isinstance(half, float) else 0.5), match.get("u"))


@LENGTHS.rule(
    "amount",
    "about? (a)? q:quarter of? (the|a)? u:unit",
    "about? h:half (of)? a? u:unit",
    "about? a h:half u:unit",
    "f:fraction (of)? (a)? u:unit",
    "three:num q:quarter of? a? u:unit",
)
def part_of_unit(match: Match) -> Amount | None:
    """Half an hour, a quarter of an hour, 3/4 hour."""
    if match.has("f"):
        return amount_of(match.get("f"), match.get("u"))
    if match.get("u") != "hour" and not match.has("h"):
        return None
    share = 0.5 if match.has("h") else 0.25 * (match.get("three") or 1)
    return amount_of(share, match.get("u"))


@LENGTHS.rule(
    "amount",
    "about? n:num/decimal more? u:unit",
    "a? few:few of? more? u:unit",
    "about? a more? u:unit",
    "n:num u:quote",
    "u:unit",
)
def some_units(match: Match) -> Amount | None:
    """Two weeks, 20 min, a couple of days."""
    if "quote" in (match.token("u") or match.tokens[0]).values:
        touching = match.token("u")
        return amount_of(match.get("n"), "minute") if touching and touching.glued else None
    if match.found.end() - match.found.start() == 1 and match.get("u") not in ("half_hour", "quarter_hour"):
        return None
    if _may_be_clock(match, "u") or _ends_range_of_days(match):
        return None
    count = match.get("n") or match.get("few") or 1
    if isinstance(count, bool):
        count = 1
    return amount_of(count, match.get("u"))


def _ends_range_of_days(match: Match) -> bool:
    """4-23 mois prochain: the number is a day of next month."""
    before, after = match.before, match.after
    return bool(before and after and before.values.keys() & {"dash", "to", "and"} and "next_post" in after.values)


@LENGTHS.rule("amount", "x:amount (and|comma)? y:amount", "x:amount and? n:min2!year")
def sum_of_amounts(match: Match) -> Any:
    """An hour and 20 minutes."""
    first, second = match.get("x"), match.get("y")
    if second is None:
        following = match.after
        if first.unit != "hour" or (following and {"month", "counted", "unit"} & following.values.keys()):
            return None
        second = amount_of(match.get("n"), "minute")
    return first.plus(second) if first.months >= second.months else None

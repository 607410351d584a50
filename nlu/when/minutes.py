"""What a number beside an hour is: minutes before or after it, a day, or an hour itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nlu.when.pattern import Match


def is_day_of(match: Match) -> bool:
    """Whether the number is the day of what stands before it: "April 27 after 3", "Friday 4 before 6"."""
    number, lead = match.token("m"), match.before
    words = match.tokens[match.found.start() : match.found.end()]
    if number is None or lead is None or "dom" not in number.values or any("minmark" in one.values for one in words):
        return False
    if "month" in lead.values:
        return True
    after_or_before = any({"after", "before"} & one.values.keys() for one in words)
    return "weekday" in lead.values and after_or_before and match.get("m") % 5 != 0 and "spelled" not in number.values


def counts_down(match: Match) -> bool:
    """Ten to four is a clock, 10 to 4 a range of hours, 13 to 15 July a range of days."""
    number = match.token("m")
    words = match.tokens[match.found.start() : match.found.end()]
    if number is None or not 1 <= match.get("m") <= 45:
        return False
    if any("minmark" in token.values for token in words) or not any(
        {"to", "until"} & token.values.keys() for token in words
    ):
        return True
    led = match.before and match.before.values.keys() & {"from", "between", "month", "time", "hm", "spelled", "dash"}
    if led or match.get("m") not in (5, 10, 20, 25) or (match.after and match.after.values.keys() & {"of", "month"}):
        return False
    return "spelled" in number.values or match.get("m") > 12

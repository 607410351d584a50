"""Rules for times of day: 3pm, 15h30, half past four, las tres y media, halb fünf."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nlu.when.meaning import Clock, Part
from nlu.when.minutes import counts_down, is_day_of
from nlu.when.pattern import Match, Stage

CLOCKS = Stage()
BARE_CLOCKS = Stage()
LED_CLOCKS = Stage()


def clock_from(value: Any, half: str | None = None) -> Clock | None:
    """Read whatever a pattern calls a time (an hour, 7:30, 730, a clock) as a clock."""
    if isinstance(value, Clock):
        return value if half is None else with_half(value, half)
    if isinstance(value, tuple):
        hour, minute, zero = value
    elif isinstance(value, int):
        hour, minute, zero = (value, 0, False) if value <= 24 else (value // 100, value % 100, False)
    else:
        return None
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    clock = Clock(hour, minute, exact=zero or hour == 0 or hour > 12, written=isinstance(value, tuple))
    return with_half(clock, half) if half else clock


def with_half(clock: Clock, half: str) -> Clock | None:
    """Settle am or pm; 15 pm is harmless, 15 am is no time."""
    if clock.hour > 12:
        return replace(clock, exact=True) if half == "pm" else None
    hour = clock.hour % 12 + (12 if half == "pm" else 0)
    return replace(clock, hour=hour, half=half, exact=True)


def shifted(clock: Clock, minutes: int) -> Clock:
    """Move a spoken clock by some minutes: five to three, half past four."""
    total = (clock.hour * 60 + clock.minute + minutes) % 1440
    hour = total // 60
    if clock.is_open and hour == 0:
        hour = 12
    return replace(clock, hour=hour, minute=total % 60, written=True)


@CLOCKS.rule("never", "num/decimal (more)? counted", "ord counted_ord", "num dash num counted")
def counted(match: Match) -> Any:
    """4 people, 20 euros, second option: numbers of something else."""
    return True


@CLOCKS.rule("time", "(h:hour (comma|glue)* )? n:noon", "(h:hour (comma|glue)* )? n:midnight")
def noon_or_midnight(match: Match) -> Clock | None:
    """Noon, 12 noon, midnight."""
    if match.has("h") and match.get("h") != 12:
        return None
    is_noon = "noon" in match.token("n").values  # type: ignore[union-attr]
    return Clock(12 if is_noon else 24, exact=True)  # midnight ends its day


@CLOCKS.rule(
    "time",
    "t:hm/dothm hmark? inpart? x:ampm",
    "h:hour z:num m:minute x:ampm",
    "h:hour zero m:minute hmark? inpart? x:ampm",
    "h:hour m:min2 inpart? x:ampm",
    "h:hour/hhmm dot? hmark? inpart? x:ampm",
)
def clock_with_meridiem(match: Match) -> Clock | None:
    """3 pm, 3:15 p.m., seven thirty am."""
    half = match.get("x")
    if match.has("t"):
        return clock_from(match.get("t"), half)
    clock = clock_from(match.get("h"), half)
    if match.has("z") and match.get("z"):  # "6 0 2 pm" is 6:02, "4 5 6 pm" nothing
        return None
    if clock and match.has("m"):
        clock = replace(clock, minute=match.get("m"))
    return clock


@CLOCKS.rule("time", "t:hm/dothm x:ampm1 dot?", "h:hour/hhmm x:ampm1 dot?")
def clock_with_letter(match: Match) -> Clock | None:
    """7a, 3:30p: only when the letter touches the number."""
    letter = match.token("x")
    number = match.tokens[match.found.start()]
    if letter is None or not letter.glued or (number.glued and match.before and "mark" not in match.before.values):
        return None  # SW1A is no time
    return clock_from(match.get("t") if match.has("t") else match.get("h"), match.get("x"))


@CLOCKS.rule("time", "t:hm hmark?", "t:dothm hmark")
def clock_in_digits(match: Match) -> Clock | None:
    """15:30, 15h30, 18.12 Uhr."""
    return clock_from(match.get("t"))


@CLOCKS.rule(
    "time",
    "h:hour hmark and? m:min2/minute minmark",
    "h:hour hmark and m:min2",
    "h:hour hmark m:min2",
    "h:hour hmark zero m:minute",
)
def clock_with_minutes(match: Match) -> Clock | None:
    """14 Uhr 30, quinze heures trente."""
    clock = clock_from(match.get("h"))
    lead = match.before
    if clock is None or (lead and {"in", "within", "during"} & lead.values.keys() and "at" not in lead.values):
        return None
    if match.after and {"hmark", "unit"} & match.after.values.keys():
        return None  # entre 14h et 16h
    return replace(clock, minute=match.get("m"))


@CLOCKS.rule("time", "h:hour x:hmark inpart? a:ampm", "h:hour x:hmark")
def clock_with_mark(match: Match) -> Clock | None:
    """15 Uhr, 15h, 3 o'clock; with "in" before it, 3 h is a length of time."""
    lead, following = match.before, match.after
    mark = match.token("x")
    if mark is None or ("unit" in mark.values and _is_length(lead, following)):
        return None
    number = match.tokens[match.found.start()]
    if (
        "unit" in mark.values
        and "spelled" in number.values
        and match.get("h") == 1
        and not (lead and "at" in lead.values)
    ):
        return None  # una hora, uma hora: how long, not when
    return clock_from(match.get("h"), match.get("a"))


def _is_length(lead: Any, following: Any) -> bool:
    if lead and lead.values.keys() & {"in", "within", "during", "next", "coming", "few", "amount_lead"}:
        return True
    return bool(following and following.values.keys() & {"ago", "hence", "later", "later_than", "earlier"})


_MINUTES = "(m:num/dom minmark? | half | quarter)"


@CLOCKS.rule(
    "time",
    "the? (a)? q:quarter past the? h:time/hour",
    "the? m:minute minmark? past the? h:time/hour",
)
def minutes_past(match: Match) -> Clock | None:
    """A quarter past three, 20 past 3pm."""
    if is_day_of(match):
        return None
    clock = clock_from(match.get("h"))
    return shifted(clock, 15 if match.has("q") else match.get("m")) if clock else None


@CLOCKS.rule(
    "time",
    "the? (a)? q:quarter to_clock (the|at)? h:time/hour",
    "the? m:minute minmark? to_clock (the|at)? h:time/hour",
)
def minutes_to(match: Match) -> Clock | None:
    """A quarter to four, cinco para las tres, zehn vor acht."""
    if is_day_of(match):
        return None
    clock = clock_from(match.get("h"))
    minutes = 15 if match.has("q") else match.get("m")
    if clock is None or clock.minute or (not match.has("q") and not counts_down(match)):
        return None
    return shifted(clock, -minutes)


@CLOCKS.rule("time", "half past the? h:time/hour")
def half_past(match: Match) -> Clock | None:
    """Half past four."""
    clock = clock_from(match.get("h"))
    return shifted(clock, 30) if clock else None


@CLOCKS.rule("time")
def half_after_hour(match: Match) -> Clock | None:
    """British "half four" is half past four; the language's file says whether it is said so."""
    clock = clock_from(match.get("h"))
    return shifted(clock, 30) if clock and (clock.half or 1 <= clock.hour <= 12) else None


@CLOCKS.rule("time")
def quarter_of_hour(match: Match) -> Clock | None:
    """Eastern and southern German "viertel acht" is a quarter past seven."""
    clock = clock_from(match.get("h"))
    return shifted(clock, -45) if clock else None


@CLOCKS.rule("time")
def half_before_hour(match: Match) -> Clock | None:
    """German "halb fünf" is half past four, "fünf vor halb fünf" five minutes earlier."""
    clock = clock_from(match.get("h"))
    if clock is None:
        return None
    minutes = 30
    if match.has("before"):
        minutes = 30 + match.get("before")
    elif match.has("past"):
        minutes = 30 - match.get("past")
    elif match.has("quarters"):
        minutes = 60 - match.get("quarters")
    return shifted(clock, -minutes)


@CLOCKS.rule(
    "time",
    "at? h:time/hour hmark? and x:half/quarter",
    "at? h:time/hour hmark? minus the? x:quarter",
    "at? h:time/hour hmark? minus m:minute minmark?",
)
def hour_and_fraction(match: Match) -> Clock | None:
    """Las tres y media, huit heures moins le quart, três e meia."""
    clock = clock_from(match.get("h"))
    fraction = match.token("x")
    led = isinstance(match.get("h"), Clock) or "at" in match.tokens[match.found.start()].values
    if clock is None or clock.minute or (not led and _is_length(match.before, None)):
        return None
    if fraction is None:
        return shifted(clock, -match.get("m"))
    minutes = 30 if "half" in fraction.values else 15
    minus = any("minus" in token.values for token in match.tokens[match.found.start() : match.found.end()])
    return shifted(clock, -minutes if minus else minutes)


@CLOCKS.rule("time", "at h:hour and m:min2/minute minmark?", "at? h:hour and m:min2 minmark?")
def hour_and_minutes(match: Match) -> Clock | None:
    """A las 3 y veinte, às três e quinze; "4 and 10 people" was counted before."""
    clock = clock_from(match.get("h"))
    spoken = {"spelled", "minmark"} & (match.token("m") or match.tokens[0]).values.keys()
    at_clock = "at_clock" in match.tokens[match.found.start()].values
    if clock is None or not (at_clock or spoken) or not match.context.data.get("minutes_by_and"):
        return None
    return replace(clock, minute=match.get("m"), written=True)


@CLOCKS.rule("time", "n:time m:minute")
def noon_and_minutes(match: Match) -> Clock | None:
    """Midi cinq, minuit trois: in languages that say so."""
    clock = clock_from(match.get("n"))
    if (
        clock is None
        or not match.context.data.get("minutes_after_noon")
        or clock.hour not in (12, 24)
        or clock.minute
        or clock.half
    ):
        return None
    return replace(clock, minute=match.get("m"))


@CLOCKS.rule(
    "time",
    "at? h:spelled!min2 m:min2",
    "at? h:hour zero m:minute",
    "at h:hour m:min2",
    "at? h:hour dash zero dash m:minute",
    "at? h:spelled dash? m:spelled",
)
def hour_then_minutes(match: Match) -> Clock | None:
    """Two thirty, twelve oh three, at 5 30: bare only when the hour is spelled out."""
    hour = match.get("h")
    token, minutes = match.token("h"), match.token("m")
    if not isinstance(hour, int) or hour > 24 or token is None or minutes is None:
        return None
    zero = minutes.start - token.end > 1
    if minutes.values.get("minute") is None or (match.get("m") < 10 and not zero):
        return None
    if (
        {"dom", "mon"} <= token.values.keys()
        and match.context.data.get("spoken_numeric_dates")
        and match.before
        and "day_lead" in match.before.values
    ):
        return None
    clock = clock_from(hour)
    return replace(clock, minute=minutes.values["minute"], written=True) if clock else None


@CLOCKS.rule("time", "about h:hhmm!year", "at h:hhmm", "h:hhmm glue{1,2} daypart", "about at? h:hhmm")
def clock_run_together(match: Match) -> Clock | Part | None:
    """Around 1030, at 730; the part of day, when it follows, is read with it."""
    clock = clock_from(match.get("h"))
    last = match.tokens[match.found.end() - 1]
    if clock and "daypart" in last.values:
        return settle(clock, last.values["daypart"])
    return replace(clock, approx="about" in match.tokens[match.found.start()].values) if clock else None


def settle(clock: Clock, part: str) -> Clock | None:
    """Let a part of the day decide am or pm: 5 in the afternoon, 12 at night."""
    if not clock.is_open and clock.hour != 12:
        return clock
    hour = clock.hour % 12
    if part in ("morning", "dawn", "forenoon", "early", "day_start", "breakfast", "after_breakfast", "open"):
        return replace(clock, hour=hour if clock.hour != 12 or part == "dawn" else 12, half="am", exact=True)
    if part == "night":
        late = hour * 60 + clock.minute >= 330
        return replace(clock, hour=hour + 12 if late else hour, half="pm" if late else "am", exact=True)
    if part in ("midday", "noon"):
        return replace(clock, hour=hour + 12 if hour < 4 else hour, half="pm" if hour < 4 else "am", exact=True)
    if part == "evening" and clock.hour == 12:
        return replace(clock, hour=0, half="am", exact=True)
    return replace(clock, hour=hour + 12, half="pm", exact=True)


@CLOCKS.rule(
    "time",
    "h:time (comma|glue){0,3} p:daypart!dayword",
    "at h:hour (comma|glue){0,3} p:daypart!dayword",
    "h:hour hmark? glue{1,3} p:daypart!ambiguous_part",
    "h:time/hour glue{1,2} the_part p:daypart",
    "h:time/hour of_part p:daypart",
)
def clock_in_part(match: Match) -> Clock | None:
    """5 de la tarde, 3 in the morning, Viertel nach 8 abends."""
    clock, part = clock_from(match.get("h")), match.get("p")
    lead = match.tokens[match.found.start()]
    before = match.before.values if match.before else {}
    if "month" in before or ("weekday" in before and _is_bare_number(match)):
        return None  # March 20 in the evening, lundi 5 l'après-midi
    if "to" in lead.values and match.before and match.before.values.keys() & {"hour", "time"}:
        return None  # das quatro às seis da tarde: the preposition joins two hours
    if clock is None or ("day_lead" in before and "hour" in lead.values):
        return None  # el 15 por la tarde: a day and a part of it
    return settle(clock, part)


def _is_bare_number(match: Match) -> bool:  # without what makes it an hour: its h in French, the "de" in Spanish
    habits, said = match.context.data, match.tokens[slice(*match.found.span())]
    made = "hmark" if habits.get("literal_hours") else "of" if habits.get("hours_of_part") else None
    return made is not None and "dom" in said[0].values and all(made not in one.values for one in said)


@CLOCKS.rule(
    "time",
    "glue{0,2} p:daypart!ambiguous_part (comma|glue)* at h:time/hour hmark?",
    "inpart p:daypart (at|about|comma)* h:time",
    "p:daypart!ambiguous_part (at|about|comma){0,2} h:time",
)
def part_then_clock(match: Match) -> Clock | None:
    """In the evening at eight, nachmittags um 1 Uhr 30."""
    clock = clock_from(match.get("h"))
    return settle(clock, match.get("p")) if clock else None


@CLOCKS.rule("time", "h:time half_part", "h:time ish", "about (glue|about){0,2} h:time", "h:hour ish", "h:time about")
def about_clock(match: Match) -> Clock | None:
    """About 3 pm, 4ish."""
    clock = clock_from(match.get("h"))
    return replace(clock, approx=True) if clock else None


@BARE_CLOCKS.rule("time", "about (at|about){0,2} h:hour", "at about? h:hour hmark?", "at_clock h:hour")
def bare_clock(match: Match) -> Clock | None:
    """At 3, around 7, a las 3."""
    clock = clock_from(match.get("h"))
    following, lead = match.after, match.tokens[match.found.start()]
    if clock is None or (
        following and {"unit", "counted", "month", "slash", "weekday_of", "decimal"} & following.values.keys()
    ):
        return None
    if following and "word" in following.values and "at_weak" in lead.values:
        return None
    if lead.text == "a" and not match.context.latent and "hmark" not in match.tokens[match.found.end() - 1].values:
        return None  # pt "à 1", fr "à 3": too little for a time
    if lead.text == "las" and clock.hour == 2 and not match.context.latent and not match.is_whole:
        return None  # me quedo con las dos: both
    if following and following.text == "of" and "about" in lead.values:
        return None  # about 5 of them
    if any("street" in token.values for token in match.tokens[match.found.end() : match.found.end() + 3]):
        return None  # at 5 Main Street
    found = match.tokens[match.found.start() : match.found.end()]
    return replace(clock, approx=any("about" in token.values for token in found))


@LED_CLOCKS.rule("time", "at/the t:time")
def clock_with_preposition(match: Match) -> Clock | None:
    """At 3pm, um 15 Uhr: the preposition belongs to it."""
    clock = match.get("t")
    return clock if isinstance(clock, Clock) else None

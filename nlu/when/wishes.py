"""What the expressions of one message mean together: choices, exclusions, a day and its time said apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from nlu.when.clocks import clock_from
from nlu.when.meaning import Between, Clock, Date, Hours, Lasting, Meaning, Now, Part, Point, Same, Shift, Weekday
from nlu.when.moves import at_the_same_time, set_aside
from nlu.when.tokens import Token

_KINDS = ("stretch", "lasting", "same", "point", "instant", "day", "period", "hours", "time", "part")


_JOINS = {"or", "and", "comma", "the", "of", "at", "glue", "day_lead", "any", "every", "from", "in", "stop", "slash"}

_LINKS = _JOINS | {"inpart", "for"}
_STOPS = {"comma", "stop"}


@dataclass(frozen=True, slots=True)
class Wish:
    """One expression of the message with its place, and whether the customer ruled it out."""

    meaning: Meaning
    token: Token
    index: int
    excluded: bool
    #: Another time takes its place ("instead of Tuesday").
    replaced: bool = False


def find_wishes(tokens: Sequence[Token], *, latent: bool) -> list[Wish]:
    """Return the expressions of a message, with what was said once shared out and what was ruled out marked."""
    items: list[Wish] = []
    known: dict[int, str | None] = {}
    alone = all(
        "mark" in token.values
        or "glue" in token.values
        or not token.values.keys().isdisjoint((*_KINDS, "hour", "or", "and"))
        for token in tokens
    )
    for index, token in enumerate(tokens):
        kind = next((kind for kind in _KINDS if kind in token.values), None)
        meaning = _meaning(token.values[kind]) if kind else _bare(tokens, index, latent=latent, alone=alone)
        if meaning is not None:
            known[index] = _exclusion(tokens, index, known)
            items.append(Wish(meaning, token, index, known[index] is not None))
    # "I now have a clash on Friday": now is when, only if nothing else is.
    found = [item for item in items if item.meaning != Now()] or items
    kept, aside = set_aside(at_the_same_time(found), tokens)
    return _put_together(_distributed(kept, tokens)) + [replace(item, replaced=True) for item in aside]


def _meaning(value: Any) -> Meaning | None:
    match value:
        case Point() | Now() | Between() | Lasting() | Same():
            return value
        case Clock() | Part() | Hours():
            return Point(None, value)
        case _:
            return Point(value)


def _bare(tokens: Sequence[Token], index: int, *, latent: bool, alone: bool) -> Meaning | None:
    """A bare number: an hour when the talk is about time, or when it goes on from a time ("tomorrow at 3 or 4")."""
    value = tokens[index].values.get("hour")
    if value is None and latent:
        value = tokens[index].values.get("hhmm")
    if value is None:
        return None
    clock = clock_from(value)
    if clock is None:
        return None
    if latent and (alone or len(tokens) <= 3):
        return Point(None, clock)
    lead = index - 1
    while lead >= 0 and tokens[lead].values.keys() & {"or", "and", "comma", "at"}:
        lead -= 1
    timed = (
        lead >= 0
        and lead < index - 1
        and any(_has_clock(tokens[lead].values.get(kind)) for kind in _KINDS if kind in tokens[lead].values)
    )
    follower = tokens[index + 1] if index + 1 < len(tokens) else None
    told = follower is not None and not follower.values.keys().isdisjoint({"counted", "unit", "word"})
    if timed and not told:
        return Point(None, clock)
    if not told and 0 <= lead < index - 1 and "dom" in tokens[index].values and "at" not in tokens[index - 1].values:
        return _next_number(tokens, lead, index)
    return None


def _next_number(tokens: Sequence[Token], lead: int, index: int) -> Meaning | None:
    """El 16, 17 o 18: the number of a day goes on as the number of a day."""
    number = tokens[index].values["dom"]
    said = tokens[lead].values.get("day") if "day" in tokens[lead].values else None
    earlier = lead
    while said is None and earlier >= 2 and "dom" in tokens[earlier].values:
        earlier -= 1
        while earlier > 0 and tokens[earlier].values.keys() & {"or", "and", "comma"}:
            earlier -= 1
        said = tokens[earlier].values.get("day")
    if not isinstance(said, Date) or said.day is None or said.month is not None or said.weekday is not None:
        return None
    return Point(Date(number)) if said.day < number else None


def _is_clock(meaning: Meaning) -> TypeGuard[Point]:
    return isinstance(meaning, Point) and meaning.day is None and isinstance(meaning.time, Clock)


def _has_clock(value: Any) -> bool:
    return isinstance(value, Clock) or (isinstance(value, Point) and isinstance(value.time, Clock))


def _exclusion(tokens: Sequence[Token], index: int, known: Mapping[int, str | None]) -> str | None:
    """Tell whether a time is ruled out, and by what: the word before or after it, or the list it stands in."""
    if index + 1 < len(tokens) and "not_after" in tokens[index + 1].values:
        last = index + 2 >= len(tokens) or "mark" in tokens[index + 2].values
        if last or "not" not in tokens[index + 1].values:  # "el martes no", "Tuesday doesn't work"
            return "after"
    lead = index - 1
    while lead >= 0 and tokens[lead].values.keys() & _LINKS and not tokens[lead].values.keys() & _STOPS:
        lead -= 1
    if lead >= 0 and not _belongs_to_day_before(tokens, lead):
        for word in ("except", "not"):
            if word in tokens[lead].values:
                return word
    while lead >= 0 and "comma" in tokens[lead].values:
        lead -= 1
    between = tokens[lead + 1 : index]
    # "Any day except Tuesday, Wednesday and Thursday", "not Monday or Tuesday": the list goes on.
    if known.get(lead) == "except" and any({"or", "and", "comma"} & token.values.keys() for token in between):
        return "except"
    if known.get(lead) == "not" and any({"or", "and"} & token.values.keys() for token in between):
        return "not"
    return None


def _belongs_to_day_before(tokens: Sequence[Token], index: int) -> bool:
    """In "el jueves no puedo, el viernes sí" the negation is about Thursday."""
    return "not_after" in tokens[index].values and index > 0 and not tokens[index - 1].values.keys().isdisjoint(_KINDS)


def _distributed(items: list[Wish], tokens: Sequence[Token]) -> list[Wish]:
    """Share what was said once: "Tuesday or Thursday after 5", "tomorrow at 3 or 4"."""
    result = list(items)
    for position in range(len(result) - 1, 0, -1):
        first, second = result[position - 1], result[position]
        side_by_side = second.index == first.index + 1 and _is_weekday(first.meaning) and _is_weekday(second.meaning)
        if first.excluded or second.excluded or not (side_by_side or _joined(tokens, first.index, second.index)):
            continue
        if (
            _is_clock(first.meaning)
            and isinstance(second.meaning, Point)
            and isinstance(second.meaning.time, Clock)
            and second.meaning.day is not None
        ):
            result[position - 1] = replace(
                first, meaning=Point(second.meaning.day, first.meaning.time)
            )  # 3pm or 5pm on Monday
            continue
        if (
            isinstance(first.meaning, Point)
            and isinstance(second.meaning, Point)
            and first.meaning.time is None
            and second.meaning.time is not None
            and second.meaning.day is not None
        ):
            result[position - 1] = replace(first, meaning=replace(first.meaning, time=second.meaning.time))
    for position in range(1, len(result)):
        first, second = result[position - 1], result[position]
        if first.excluded or second.excluded or not _joined(tokens, first.index, second.index):
            continue
        if not isinstance(first.meaning, Point) or not isinstance(second.meaning, Point):
            continue
        shared = _month_shared(first.meaning.day, second.meaning.day)
        if shared is not None:
            result[position - 1] = replace(first, meaning=replace(first.meaning, day=shared))
        if second.meaning.day is None and first.meaning.day is not None:
            result[position] = replace(second, meaning=replace(second.meaning, day=first.meaning.day))
    return result


def _is_weekday(meaning: Meaning) -> bool:
    return isinstance(meaning, Point) and isinstance(meaning.day, Weekday)


def _month_shared(first: Any, second: Any) -> Date | None:
    """El 13 y 14 de julio: the month that is said once holds for both."""
    if not isinstance(first, Date) or not isinstance(second, Date) or first.month or not second.month:
        return None
    if not first.day or not second.day or first.day >= second.day:
        return None
    return replace(second, day=first.day, weekday=first.weekday, swapped=None)


def _put_together(items: list[Wish]) -> list[Wish]:
    """A day and, further on, a time ("would Wednesday work, around 11?") are one wish when nothing competes."""
    wanted = [item for item in items if not item.excluded]
    times = [item for item in wanted if isinstance(item.meaning, Point) and item.meaning.day is None]
    days = [
        item
        for item in wanted
        if isinstance(item.meaning, Point) and item.meaning.time is None and _is_days(item.meaning.day)
    ]
    if len(times) > 1 and len(days) == 1 and len(wanted) == len(times) + 1 and all(map(_is_clock, _meanings(times))):
        return _on_one_day(items, times, days[0])
    if len(times) != 1 or not days or len(days) + 1 != len(wanted):
        return items
    time = times[0]
    result = [item for item in items if item is not time]
    for position, item in enumerate(result):
        if item in days and isinstance(item.meaning, Point) and isinstance(time.meaning, Point):
            first, last = sorted((item.token, time.token), key=lambda token: token.start)
            token = Token(first.start, last.end, {}) if len(days) == 1 else item.token
            result[position] = replace(item, meaning=replace(item.meaning, time=time.meaning.time), token=token)
    return result


def _meanings(items: Sequence[Wish]) -> list[Meaning]:
    return [item.meaning for item in items]


def _on_one_day(items: Sequence[Wish], times: Sequence[Wish], day: Wish) -> list[Wish]:
    """At 10 or 11, on Saturday: every one of the times is on that day."""
    shared = day.meaning.day if isinstance(day.meaning, Point) else None
    return [
        replace(item, meaning=Point(shared, item.meaning.time))
        if item in times and isinstance(item.meaning, Point)
        else item
        for item in items
        if item is not day
    ]


def _is_days(day: Any) -> bool:
    return not (isinstance(day, Date) and day.day is None) and not (
        isinstance(day, Shift) and day.unit in ("month", "year", "quarter")
    )


def _joined(tokens: Sequence[Token], first: int, second: int) -> bool:
    between = tokens[first + 1 : second]
    return any({"or", "and", "comma", "slash"} & token.values.keys() for token in between) and all(
        not token.values.keys().isdisjoint(_JOINS) for token in between
    )

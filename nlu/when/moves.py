"""A time that another one replaces: "I have Tuesday at 3, move it to Thursday at 4", "instead of Tuesday, Friday"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nlu.when.meaning import Point, Same

if TYPE_CHECKING:
    from nlu.when.tokens import Token
    from nlu.when.wishes import Wish

_BETWEEN = {"the", "of", "on", "glue", "day_lead", "at", "from", "inpart", "to"}


def set_aside(wishes: Sequence[Wish], tokens: Sequence[Token]) -> tuple[list[Wish], list[Wish]]:
    """Part the times that are wished for from those that they replace; the latter are nobody's wish."""
    old = {wish.index for wish in wishes if not wish.excluded and _stands_in_for(tokens, wish.index)}
    moved = [wish for wish in wishes if not wish.excluded and _is_moved_to(wishes, wish, tokens)]
    if moved:
        old |= {wish.index for wish in wishes if wish.index < moved[0].index and not wish.excluded}
    kept = [wish for wish in wishes if wish.index not in old]
    if all(wish.excluded for wish in kept):
        return list(wishes), []
    aside = [wish for wish in wishes if wish.index in old]
    return [_on_the_day_of(wish, aside) for wish in kept], aside


def at_the_same_time(wishes: Sequence[Wish]) -> list[Wish]:
    """Join a day and the hour of the booking, said apart: "können wir es Freitag machen, gleiche Zeit?"."""
    wanted = [wish for wish in wishes if not wish.excluded]
    same = [wish for wish in wanted if wish.meaning == Same()]
    days = [(wish, wish.meaning.day) for wish in wanted if isinstance(wish.meaning, Point) and not wish.meaning.time]
    if len(wanted) > 2 or not same or not days:
        return list(wishes)
    [(dated, day)] = days
    joined = replace(dated, meaning=Same(day))
    return [joined if wish is dated else wish for wish in wishes if wish is not same[0]]


def _stands_in_for(tokens: Sequence[Token], index: int) -> bool:
    """Instead of Tuesday, au lieu de mardi, statt am Dienstag."""
    lead = index - 1
    while lead >= 0 and "instead_of" not in tokens[lead].values and tokens[lead].values.keys() & _BETWEEN:
        lead -= 1
    return lead >= 0 and "instead_of" in tokens[lead].values


def _is_moved_to(wishes: Sequence[Wish], wish: Wish, tokens: Sequence[Token]) -> bool:
    """Tell whether words of moving stand between the time before and this one."""
    before = max((other.index for other in wishes if other.index < wish.index), default=None)
    if before is None:
        return False
    if any(tokens[index].values.keys() & {"moved", "move_to"} for index in range(before + 1, wish.index)):
        return True
    wanted = [other for other in wishes if not other.excluded]
    if len(wanted) == 2 and wanted[1] is wish and any("moved_after" in token.values for token in tokens[wish.index :]):
        return not any("or" in token.values for token in tokens[before : wish.index])
    return isinstance(wish.meaning, Same) and wish.meaning.keep == "day" and wish.meaning.time is not None


def _on_the_day_of(wish: Wish, aside: Sequence[Wish]) -> Wish:
    """Keep the day that was said: "tomorrow at 11, can I push it to 3"."""
    meaning = wish.meaning
    if not isinstance(meaning, Same) or meaning.keep != "day" or not aside:
        return wish
    old = aside[-1].meaning
    if not isinstance(old, Point) or old.day is None:
        return wish
    return replace(wish, meaning=Point(old.day, meaning.time))

"""Slips of the finger in words of time: "wendesday", "haalf past 5", "mittwch" -> the word that was meant.

Only a word that the language's file does not know is looked at, and only when one plain slip makes a word of time of
it. What is a word or a name of its own so near to one (Martin and matin, Amanda and amanhã) stands under `no_slips`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

#: What a mended word may mean: days, parts of the day, clocks, lengths, and what leads to them.
KINDS = frozenset({
    "weekday", "dayword", "tonight", "daypart", "half", "quarter", "noon", "midnight", "unit", "month", "spelled",
    "about", "after", "before", "between",
})  # fmt: skip
#: Two slips are forgiven where a day is meant.
_TWICE = frozenset({"weekday", "dayword", "tonight", "month"})
#: Of these only long words are mended: Marco is no March, Julia no July.
_NAMELIKE = {"month": 7, "spelled": 6, "about": 5, "after": 5, "before": 5, "between": 5}
_SHORTEST = 4
#: From so many letters a wrong letter is a slip; in shorter words only one too many, one too few, or two that changed
#: places.
_SIX = 6
#: From so many letters the first one may be wrong, too; and from so many there may be two slips.
_SEVEN = 7
_EIGHT = 8
#: Longer words are none of time.
_LONGEST = 12


class Slips:
    """The words of time of one language, found by what one slip makes of them."""

    def __init__(self, words: Mapping[str, Mapping[str, Any]], known: Collection[str]) -> None:
        """Take the words with their meanings, and the words that stand for themselves."""
        self._meanings = {word: values for word, values in words.items() if _may_be_meant(word, values)}
        self._known = frozenset(known)
        self._near: dict[str, list[str]] = {}
        for word in sorted(self._meanings):
            for shorter in _without(word, 2 if len(word) >= _EIGHT else 1):
                self._near.setdefault(shorter, []).append(word)
        self._mended = lru_cache(maxsize=4096)(self._find)

    def mend(self, word: str) -> str | None:
        """Return the word of time that was meant; None if the word is none, or could be two."""
        if not _SHORTEST < len(word) <= _LONGEST or word in self._known or not word.isalpha():
            return None
        return self._mended(word)

    def _find(self, word: str) -> str | None:
        found = {near for shorter in _without(word, 2) for near in self._near.get(shorter, ())}
        ranked = sorted(
            # Two letters that changed places are likelier than one that is missing.
            (slips, abs(len(near) - len(word)), near)
            for near in found
            if (slips := slips_between(word, near)) and _is_slip(word, near, slips, self._meanings[near])
        )
        if not ranked:
            return None
        best = [near for *likely, near in ranked if likely == list(ranked[0][:2])]
        meanings = [self._meanings[near] for near in best]
        return best[0] if all(one == meanings[0] for one in meanings) else None


def _may_be_meant(word: str, values: Mapping[str, Any]) -> bool:
    if not word.isalpha() or "never" in values or not values.keys() & KINDS:
        return False
    return len(word) >= max(_SHORTEST, *(_NAMELIKE.get(kind, 0) for kind in values))


def _without(word: str, most: int) -> set[str]:
    """Return the word, and what is left of it without one letter or, in longer ones, without two."""
    found = {word}
    latest = {word}
    for _ in range(most):
        latest = {one[:place] + one[place + 1 :] for one in latest for place in range(len(one))}
        found |= latest
    return found


def slips_between(typed: str, meant: str) -> int:
    """Count the slips: a letter too many, too few or wrong, or two neighbours that changed places."""
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for number, letter in enumerate(typed, 1):
        last, row, older = row, [number], before
        for place, other in enumerate(meant, 1):
            cost = min(last[place] + 1, row[place - 1] + 1, last[place - 1] + (letter != other))
            if older and place > 1 and letter == meant[place - 2] and typed[number - 2] == other:
                cost = min(cost, older[place - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]


def _is_slip(typed: str, meant: str, slips: int, values: Mapping[str, Any]) -> bool:
    """Whether so many slips are likely in a word of this length."""
    same_start = typed[0] == meant[0] or typed[:2] == meant[1::-1]
    if slips > 1:
        return slips == 2 and same_start and len(meant) >= _EIGHT and bool(_TWICE & values.keys())
    if len(meant) < len("night"):
        return same_start and _is_doubled(typed, meant)
    if len(meant) >= _SEVEN:
        return True
    return same_start and (len(meant) >= _SIX or len(typed) != len(meant) or sorted(typed) == sorted(meant))


def _is_doubled(typed: str, meant: str) -> bool:
    """Whether a letter stands twice that should stand once: "haalf"."""
    return any(
        typed[place] == typed[place - 1] and typed[:place] + typed[place + 1 :] == meant
        for place in range(1, len(typed))
    )


def words_in(phrases: Iterable[tuple[str, ...]]) -> frozenset[str]:
    """Return every word that stands in some phrase: those are spelt as they are meant."""
    return frozenset(word for phrase in phrases for word in phrase)

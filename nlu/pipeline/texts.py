"""Folding and words, with the offsets of the text as it was written."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One folded word and where it stands."""

    text: str
    start: int
    end: int
    #: Written with a capital letter.
    capital: bool


def fold(text: str) -> str:
    """Return the text in lower case without accents, of exactly the same length."""
    return text.lower() if text.isascii() else "".join(map(_folded, text))


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    base = unicodedata.normalize("NFD", char)[0].lower()
    return base if len(base) == 1 else char


def words_of(text: str) -> list[Word]:
    """Return the words and numbers of a text."""
    folded = fold(text)
    return [
        Word(match.group(), match.start(), match.end(), text[match.start()].isupper())
        for match in _WORD.finditer(folded)
    ]


def keys_of(text: str) -> tuple[str, ...]:
    """Return the folded words alone."""
    return tuple(word.text for word in words_of(text))


def plain_words(texts: Iterable[str]) -> frozenset[str]:
    """Return the folded words that are written without a capital somewhere: "Ana" at a beginning is still a name."""
    return frozenset(word.text for text in texts for word in words_of(text) if not word.capital)

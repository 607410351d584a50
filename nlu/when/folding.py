"""Text as people type it -> text as the lexicon spells it, with the way back to the original offsets."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_DIGITS_AND_DASHES = {
    "‐": "-",
    "‑": "-",
    "‒": "-",
    "–": "-",
    "—": "-",
    "−": "-",
    "’": "'",
    "‘": "'",
    "´": "'",
    "`": "'",
    "′": "'",
}
# Combining accents of Latin, Greek and Cyrillic, and Arabic vowel signs. Indic vowel signs are letters: they stay.
_ACCENT = re.compile("[\u0300-\u036f\u064b-\u0655\u0670\u0640\u200b-\u200f\u2060\ufe0f]")


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    plain = unicodedata.normalize("NFKC", _DIGITS_AND_DASHES.get(character, character)).casefold()
    if not plain.isascii() and not any(
        "\uac00" <= letter <= "\ud7a3" or "\u3040" <= letter <= "\u30ff" for letter in plain
    ):
        plain = _ACCENT.sub("", unicodedata.normalize("NFD", plain))
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else _DIGITS_AND_DASHES.get(letter, letter)
        for letter in plain
    )


def fold(text: str) -> str:
    """Return text in lower case, without accents, with plain digits, dashes and apostrophes."""
    if text.isascii():
        return text.lower()
    return "".join(map(_fold_character, text))


def fold_with_offsets(text: str) -> tuple[str, list[int] | None]:
    """Fold text and return where each folded character came from (None: nothing moved)."""
    if text.isascii():
        return text.lower(), None
    pieces = [_fold_character(character) for character in text]
    folded = "".join(pieces)
    if len(folded) == len(text) and all(len(piece) == 1 for piece in pieces):
        return folded, None
    offsets = [index for index, piece in enumerate(pieces) for _ in piece]
    offsets.append(len(text))
    return folded, offsets

"""Text -> tokens: words looked up in the lexicon, numbers and numeric shapes by their form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nlu.when.folding import fold_with_offsets

if TYPE_CHECKING:
    from collections.abc import Collection

    from nlu.when.lexicon import Lexicon

# One syllable or ideograph is a token where words are written without spaces.
_SOLID = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
# A long letter has some 400 words; more is no booking.
_MOST_TOKENS = 500
# Nobody names a time after so many words who has not named one before.
_MOST_MENDED = 100
WORD = re.compile(rf"\d+|[{_SOLID}]|(?:(?![{_SOLID}])[^\W\d_]|[\u0900-\u0963\u0970-\u097f])+|[^\s\w]|_")

_PIECE = re.compile(
    r"""
    (?P<never>https?://\S+|www\.\S+|\S+@\S+\.\w+
        |[$€£¥₹]\s?\d[\d.,]*|\d[\d.,]*\s?[€£¥₹%$]
        |(?<![\d/.:-])\+\d[\d\s().-]{7,24}\d|(?<![\d/.:-])\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}(?!\d)|(?<![\d/.:-])\d{3}-\d{4}(?!\d)|\d{9,}
        |(?<![\d/.:-])\d{3}[\s.]\d{3}[\s.]\d{3}(?!\d)|(?<![\d/.:-])\d{2}(?:[\s.-]\d{2}){4,5}(?!\d)|\#\s?\d+)
    |(?P<iso>(?<!\d)(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}(?!\d))
    |(?P<ymd>(?<!\d)20\d\d(?:0\d|1[0-2])(?:[0-2]\d|3[01])(?!\d))
    |(?P<dmy>\d{1,2}(?P<sep>\s?[./-]\s?)\d{1,2}(?P=sep)(?:(?:19|20)\d\d|\d\d)(?![\d:]|\s?h\b))
    |(?P<clock>(?<![\d:])\d{1,2}:\d{2}(?::\d{2})?(?![\d:]))
    |(?P<hclock>\d{1,2}\s?h\s?[0-5]\d(?!\d|\s?h\b))
    |(?P<slash>(?<![\d/])\d{1,2}\s?/\s?\d{1,2}(?![\d/]))
    |(?P<dotted>(?<![\d.,])\d{1,2}\.\d{1,2}(?![\d,]|\.\d))
    |(?P<decimal>\d{1,6}[.,]\d{1,4}(?!\d))
    |(?P<number>\d+)
    """,
    re.VERBOSE,
)
PUNCTUATION = {
    "-": "dash", ",": "comma", ".": "dot", "/": "slash", ":": "colon", "'": "quote", "(": "bracket", ")":
    "bracket", "&": "and", "+": "plus", "、": "comma", "，": "comma", "~": "dash", "@": "at", "!": "stop", "?":
    "stop", ";": "stop", "。": "stop", "¿": "stop", "¡": "stop", "\"": "bracket"
}  # fmt: skip


@dataclass(slots=True)
class Token:
    """A word, number or recognised piece with every meaning it may have: kind -> value."""

    start: int
    end: int
    values: dict[str, Any]
    glued: bool = False
    capital: bool = False
    text: str = field(default="", repr=True)


def number_values(value: int, width: int, *, spelled: bool = False) -> dict[str, Any]:
    """Return the roles that a whole number can play."""
    values: dict[str, Any] = {"num": value}
    if spelled:
        values["spelled"] = value
        width = 2 if value >= 10 else 1
    if width <= 2:
        if value <= 24:
            values["hour"] = value
        if value < 60:
            values["minute"] = value
            if width == 2:
                values["min2"] = value
        if 1 <= value <= 31:
            values["dom"] = value
        if 1 <= value <= 12:
            values["mon"] = value
        if width == 2:
            values["yy"] = value
    elif width == 4 and 1900 <= value < 2200:
        values["year"] = value
        if value <= 2059 and value % 100 < 60:
            values["hhmm"] = value
    elif width in (3, 4) and value < 2400 and value % 100 < 60:
        values["hhmm"] = value
    return values


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text)]


def _piece_values(kind: str, text: str) -> dict[str, Any]:
    """Return the meanings of a numeric shape, or none when it is impossible (25:00)."""
    if kind == "never":
        return {"never": text}
    if kind == "number":
        return number_values(int(text), len(text)) if len(text) < 9 else {"never": text}
    if kind == "decimal":
        return {"decimal": float(text.replace(",", "."))}
    parts = _numbers(text)
    if kind in ("iso", "ymd"):
        if kind == "ymd":
            parts = [int(text[:4]), int(text[4:6]), int(text[6:])]
        return {"isodate": tuple(parts)}
    if kind == "dmy":
        return {"numdate": tuple(parts)}
    if kind in ("clock", "hclock"):
        return {"hm": (parts[0], parts[1], text[0] == "0")} if parts[0] <= 24 and parts[1] < 60 else {"never": text}
    values: dict[str, Any] = {}
    if 1 <= parts[0] <= 31 and 1 <= parts[1] <= 31 and min(parts[:2]) <= 12:
        values["slashdate" if kind == "slash" else "dotdate"] = tuple(parts)
    if kind == "slash" and 0 < parts[0] < parts[1] <= 4:
        values["fraction"] = parts[0] / parts[1]
    if kind == "dotted":
        values["decimal"] = float(text)
        if parts[0] <= 24 and parts[1] < 60 and len(text.split(".")[1]) == 2:
            values["dothm"] = (parts[0], parts[1], text[0] == "0")
    return values or {"never": text}


def tokenize(
    text: str, lexicon: Lexicon, names: Collection[str] = (), limit: int = 2500
) -> tuple[list[Token], list[int] | None]:
    """Cut text into tokens, longest phrase first; unknown words stay, so that they keep neighbours apart.

    Words with a slip are read as they were meant, but for `names` (folded words), which are nobody's slips.
    """
    folded, offsets = fold_with_offsets(text[:limit])
    raw = _cut(folded)[:_MOST_TOKENS]
    _mend(raw, lexicon, names)
    if lexicon.capitals:
        for word in raw:
            word.capital = text[word.start if offsets is None else offsets[word.start]].isupper()
    tokens: list[Token] = []
    index = 0
    while index < len(raw):
        token = raw[index]
        if not token.values or "num" in token.values or "mark" in token.values:
            values, used = lexicon.longest(raw, index)
            if values is not None:
                tokens.append(_phrase(raw, index, used, values))
                index += used
                continue
        ordinal = _ordinal(raw, index, lexicon.ordinal_marks)
        if ordinal:
            tokens.append(ordinal)
            index += 3 if raw[index + 1].end < ordinal.end else 2
            continue
        halves = lexicon.halves(token.text) if not token.values else ()
        if halves:
            middle = token.start + len(halves[0][0])
            tokens.append(Token(token.start, middle, dict(halves[0][1]), token.glued, text=halves[0][0]))
            part = dict(halves[1][1])
            if "dayword" in part:  # Sonntagmorgen
                part = {"daypart": part["daypart"]}
            tokens.append(Token(middle, token.end, part, True, text=halves[1][0]))
            index += 1
            continue
        tokens.append(
            token if token.values else Token(token.start, token.end, {"word": token.text}, token.glued, text=token.text)
        )
        index += 1
    return tokens, offsets


def _mend(raw: list[Token], lexicon: Lexicon, names: Collection[str]) -> None:
    """Spell words of time that have a slip, or are of another language, as the lexicon does; they stay in place."""
    if lexicon.slips is None:
        return
    before = ""
    for token in raw[:_MOST_MENDED]:
        text = token.text
        # "Black Friday" is said so in many languages.
        is_phrase = text in lexicon.root.get(before, ())
        if not (token.values or is_phrase or text in names or lexicon.halves(text)):
            token.text = lexicon.borrowed.get(text) or lexicon.slips.mend(text) or text
        before = text


def _ordinal(raw: list[Token], index: int, marks: frozenset[str]) -> Token | None:
    """Read 8th, 1er, 3º or German 15. as an ordinal: the mark touches the number and does not end a sentence."""
    token = raw[index]
    value = token.values.get("dom")
    if value is None or index + 1 >= len(raw):
        return None
    mark = raw[index + 1]
    if mark.text == ":" and index + 2 < len(raw) and raw[index + 2].glued:  # Swedish 3:e
        mark = Token(mark.start, raw[index + 2].end, {}, mark.glued, text=mark.text + raw[index + 2].text)
    if not mark.glued or mark.text not in marks:
        return None
    if mark.text == "." and (index + 2 >= len(raw) or (raw[index + 2].glued and raw[index + 2].text != "-")):
        return None
    return Token(token.start, mark.end, {"ord": value, "digits": value}, token.glued, text=token.text + mark.text)


def _cut(folded: str) -> list[Token]:
    """Split folded text into words, numeric shapes and marks."""
    raw: list[Token] = []
    position, length = 0, len(folded)
    while position < length:
        if folded[position].isspace():
            position += 1
            continue
        piece = _PIECE.match(folded, position)
        glued = bool(raw) and raw[-1].end == position
        if piece:
            kind = str(piece.lastgroup)
            raw.append(Token(position, piece.end(), _piece_values(kind, piece[0]), glued, text=piece[0]))
            position = piece.end()
            continue
        word = WORD.match(folded, position)
        if not word:
            position += 1
            continue
        mark = PUNCTUATION.get(word[0])
        values: dict[str, Any] = {mark: word[0], "mark": word[0]} if mark else {}
        raw.append(Token(position, word.end(), values, glued, text=word[0]))
        position = word.end()
    return raw


def _phrase(raw: list[Token], index: int, used: int, values: dict[str, Any]) -> Token:
    first, last = raw[index], raw[index + used - 1]
    merged = dict(values)
    if used == 1:
        merged = {**first.values, **values}
    return Token(
        first.start,
        last.end,
        merged,
        first.glued,
        first.capital,
        " ".join(token.text for token in raw[index : index + used]),
    )

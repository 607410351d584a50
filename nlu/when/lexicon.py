"""The words of one language: what CLDR knows, plus the language's own file, as one table of phrases."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from nlu.when.folding import fold
from nlu.when.slips import Slips, words_in
from nlu.when.tokens import PUNCTUATION, WORD, number_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from babel import Locale

    from nlu.when.tokens import Token

_FILES = Path(__file__).with_name("lang")
_BORROWED = Path(__file__).with_name("borrowed.yml")
# The base loader reads every scalar as text: "on", "no" and "1" are words here, not booleans and numbers.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_CHOICE = re.compile(r"\(([^()]*)\)")
# Words of these roles may stand between the parts of one expression without changing it.
_GLUE = ("the", "of", "on", "at", "inpart", "day_lead", "pm_for")

_Node = dict[str, Any]
_END = ""


@dataclass(frozen=True)
class Lexicon:
    """Phrases of a language and how it reads them."""

    language: str
    data: Mapping[str, Any]
    root: _Node = field(repr=False, default_factory=dict)
    kinds: frozenset[frozenset[str]] = frozenset()
    order: str = "DMY"
    order_is_sure: bool = True
    ordinal_marks: frozenset[str] = frozenset()
    compounds: bool = False
    capitals: bool = False
    #: None where nobody has said yet which words are no slips.
    slips: Slips | None = None
    #: Names of days in other languages -> the same in this one.
    borrowed: Mapping[str, str] = field(repr=False, default_factory=dict)

    def halves(self, word: str) -> tuple[tuple[str, dict[str, Any]], ...]:
        """Split a compound (Montagnachmittag) into a day and a part of it, where they are written as one word."""
        if not self.compounds or not 8 <= len(word) <= 30:
            return ()
        for cut in range(3, len(word) - 3):
            first, second = self.root.get(word[:cut], {}).get(_END), self.root.get(word[cut:], {}).get(_END)
            if first and second and "daypart" in second and first.keys() & {"weekday", "dayword"}:
                return (word[:cut], first), (word[cut:], second)
        return ()

    def longest(self, tokens: Sequence[Token], index: int) -> tuple[dict[str, Any] | None, int]:
        """Find the longest phrase that starts at a token: its meanings and how many tokens it takes."""
        node: _Node | None = self.root
        found, used = None, 0
        for offset in range(index, min(index + 9, len(tokens))):
            node = node.get(tokens[offset].text) if node else None
            if node is None or (offset > index and _apart(tokens[offset - 1], tokens[offset])):
                break
            if _END in node:
                found, used = node[_END], offset - index + 1
        return found, used


def _apart(number: Token, letter: Token) -> bool:
    """Whether a letter stands by itself after a number: "5ª" is Portuguese for Thursday, "5 à tarde" is no Thursday."""
    return len(letter.text) == 1 and letter.text.isalpha() and not letter.glued and number.text.isdigit()


def expand(phrase: str) -> Iterator[str]:
    """Write out the choices of a phrase: "next (one|)" gives "next one" and "next"."""
    pieces = _CHOICE.split(phrase)
    options = [piece.split("|") if number % 2 else [piece] for number, piece in enumerate(pieces)]
    for choice in itertools.product(*options):
        yield " ".join("".join(choice).split())


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Return the languages that have a file."""
    return tuple(sorted(path.stem for path in _FILES.glob("*.yml")))


@lru_cache(maxsize=64)
def load_lexicon(locale: str) -> Lexicon:
    """Build the lexicon for a locale; an unknown language is read as English, an unknown region is ignored."""
    language, region = _split(locale)
    with (_FILES / f"{language}.yml").open(encoding="utf-8") as file:
        data = yaml.load(file, Loader=_LOADER)  # noqa: S506 - the base loader builds text only
    cldr = _cldr(language, region)
    table: dict[tuple[str, ...], dict[str, Any]] = {}
    for kind, value, phrase in itertools.chain(
        _cldr_words(cldr), _numbers(data), _words(data), _regional(data, region)
    ):
        _add(table, kind, value, phrase)
    for phrase in data.get("drop", ()):
        table.pop(tuple(WORD.findall(fold(phrase))), None)
    root: _Node = {}
    weak = {tuple(WORD.findall(fold(phrase))) for phrase in data.get("weak", ())}
    for words, values in table.items():
        if _GLUE_KINDS & values.keys():
            values["glue"] = True
        if words in weak:
            values["weak"] = True
        node = root
        for word in words:
            node = node.setdefault(word, {})
        node[_END] = values
        if len(words) == 1 and words[0] in PUNCTUATION:
            values |= {PUNCTUATION[words[0]]: words[0], "mark": words[0]}
    kinds = frozenset(frozenset(values) for values in table.values())
    sure = bool(region) or language != "en"
    habits = data.get("habits", {})
    marks = frozenset(fold(mark) for mark in data.get("ordinal_marks", ()))
    return Lexicon(
        language,
        data,
        root,
        kinds,
        _date_order(cldr),
        sure,
        marks,
        bool(habits.get("compounds")),
        bool(habits.get("capitals")),
        _slips(table, data),
        _borrowed(table, data),
    )


def _borrowed(table: Mapping[tuple[str, ...], Mapping[str, Any]], data: Mapping[str, Any]) -> dict[str, str]:
    """Return words of other languages with what this one says for them; its own words stand for themselves."""
    own = {words[0] for words in table if len(words) == 1} | {fold(word) for word in data.get("no_slips", ())}
    with _BORROWED.open(encoding="utf-8") as file:
        kinds = yaml.load(file, Loader=_LOADER)  # noqa: S506 - the base loader builds text only
    found: dict[str, str] = {}
    for kind, by_value in kinds.items():
        for value, strangers in by_value.items():
            names = (words[0] for words, values in table.items() if len(words) == 1 and values.get(kind) == int(value))
            name = next(names, None)
            if name is not None:
                found |= {stranger: name for stranger in strangers if stranger not in own}
    return found


def _slips(table: Mapping[tuple[str, ...], Mapping[str, Any]], data: Mapping[str, Any]) -> Slips | None:
    if "no_slips" not in data:
        return None
    single = {words[0]: values for words, values in table.items() if len(words) == 1}
    return Slips(single, words_in(table) | {fold(word) for word in data["no_slips"]})


_GLUE_KINDS = frozenset(_GLUE)


def _split(locale: str) -> tuple[str, str]:
    parts = [part for part in re.split(r"[-_]", locale.strip()) if part.isascii() and part.isalnum()]
    language = parts[0].lower() if parts else "en"
    region = next((part.upper() for part in parts[1:] if len(part) == 2 or (len(part) == 3 and part.isdigit())), "")
    return (language, region) if (_FILES / f"{language}.yml").is_file() else ("en", region)


def _cldr(language: str, region: str) -> Locale:
    from babel import Locale, UnknownLocaleError  # babel costs 50 ms: not before the first text

    for territory in (region, None):
        try:
            return Locale(language, territory=territory or None)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


def _cldr_words(cldr: Locale) -> Iterator[tuple[str, Any, str]]:
    for context, width in itertools.product(("format", "stand-alone"), ("wide", "abbreviated")):
        for month, name in cldr.months[context].get(width, {}).items():
            yield "month", month, name
        for day, name in cldr.days[context].get(width, {}).items():
            if len(name.strip(".")) > 1:
                yield "weekday", day, name


def _date_order(cldr: Locale) -> str:
    pattern = str(cldr.date_formats["short"].pattern)
    seen = {letter.upper(): pattern.find(letter) for letter in "dMy" if letter in pattern}
    return "".join(sorted(seen, key=lambda letter: seen[letter])) or "DMY"


def _words(data: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    for kind, entries in data["words"].items():
        groups: Iterable[tuple[Any, Any]] = entries.items() if isinstance(entries, dict) else [(True, entries)]
        for value, phrases in groups:
            for phrase in phrases:
                for spelled in expand(phrase):
                    yield kind, _number_or_text(value), spelled


def _number_or_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.lstrip("-").isdigit():
        return int(value)
    return float(value) if value.replace(".", "", 1).isdigit() else value


def _regional(data: Mapping[str, Any], region: str) -> Iterator[tuple[str, Any, str]]:
    yield from _words({"words": data.get("regions", {}).get(region, {})})


def _numbers(data: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Spell out the numbers to 99 and this century's years from the words of the file."""
    words: dict[int, list[str]] = {
        int(value): [form for text in texts for form in expand(text)]
        for value, texts in data.get("numbers", {}).items()
    }
    ordinals: dict[int, list[str]] = {
        int(value): [form for text in texts for form in expand(text)]
        for value, texts in data.get("ordinals", {}).items()
    }
    joins = data.get("joins", ["{tens} {units}"])
    thousands = data.get("thousands", [])
    for tens in range(20, 100, 10):
        for units in range(1, 10):
            if tens not in words:
                continue
            pairs = list(itertools.product(words[tens], words.get(units, ())))
            words.setdefault(tens + units, [join.format(tens=t, units=u) for t, u in pairs for join in joins])
            if tens <= 30 and tens + units not in ordinals:
                ordinals[tens + units] = [
                    join.format(tens=t, units=u)
                    for join in data.get("ordinal_joins", joins)
                    for t in [*words[tens], *ordinals.get(tens, ())]
                    for u in ordinals.get(units, ())
                ]
    for value, texts in words.items():
        for text in texts:
            yield "spelled", value, text
        for text, thousand in itertools.product(texts, thousands if value < 40 else ()):
            yield "spelled", 2000 + value, thousand.format(n=text)
    for value, texts in ordinals.items():
        if value <= 31:
            for text in texts:
                yield "ord", value, text


def _add(table: dict[tuple[str, ...], dict[str, Any]], kind: str, value: Any, phrase: str) -> None:
    words = WORD.findall(fold(phrase))
    variants = {tuple(words)}
    # "week-end", "Jan.", "o'clock": people leave out hyphens, stops and apostrophes.
    if len(words) > 1 and any(word in "-.'" for word in words):
        plain = tuple(word for word in words if word not in "-.'")
        variants |= {plain, ("".join(plain),)} if "'" in words or "-" in words else {plain}
    for variant in variants:
        if not variant:
            continue
        values = table.setdefault(variant, {})
        if kind == "spelled":
            values.update(number_values(value, 4 if value >= 1000 else 2, spelled=True))
        elif kind in ("month", "weekday", "ord") and kind in values:
            continue  # the first name wins: CLDR, then the file
        else:
            values[kind] = value

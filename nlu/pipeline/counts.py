"""How many: people ("for 4 of us", "me and my daughter"), lengths ("for two hours"), and numbers that were asked for.

The phrases are data: the lookups `number N`, `people ...`, `length ...`, `also` and `only` in
data/nlu/<language>/words.yml, where `#` stands for a number. What is found here is no time: it is blanked for the
reader of times.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.contract import Heard
from nlu.pipeline.store import Learner, add_entity, heard_of, lookup
from nlu.pipeline.texts import fold

#: Numbers that have words: `number 1` to `number 12`.
_NUMBERS = range(1, 13)
_UNITS = ("minute", "hour", "day", "night", "week")
#: Acts that ask for a number.
_ASKED = {"ask_people", "ask_detail"}
#: Acts that ask for a time: a bare "for 2" is one.
_TIMES = {"ask_when", "offer_slots", "waitlist_offer"}
_MOST = 999
Span = tuple[int, int]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class Counts(Learner):
    """Adds entities `people`, `companions`, `several`, `length`, `number`, `also` and `only`; sets `without_counts`."""

    def learn(self, data: TrainingData) -> dict[str, Any]:
        """Learn the phrases of all languages."""

        def phrases(name: str) -> list[str]:
            return sorted({fold(text) for text in lookup(data, name)})

        return {
            "numbers": {word: number for number in _NUMBERS for word in phrases(f"number {number}")},
            "articles": phrases("number article"),
            "people": phrases("people count"),
            "bare": phrases("people bare"),
            "not_people": phrases("people bare not after"),
            "alone": phrases("people alone"),
            "several": phrases("people several"),
            "lead": phrases("people with"),
            "companion": phrases("people companion"),
            "units": {word: unit for unit in _UNITS for word in phrases(f"length {unit}")},
            "not_before": phrases("length not before"),
            "not_after": phrases("length not after"),
            "for": phrases("length for"),
            "clock": {name: phrases(f"length clock {name}") for name in ("at", "late", "from", "to")},
            "also": phrases("also"),
            "only": phrases("only"),
        }

    def prepare(self) -> None:
        """Compile the phrases."""
        known = self.learned
        self._numbers: dict[str, int] = known.get("numbers", {})
        self._units: dict[str, str] = known.get("units", {})
        # "for a few of us" is not for one; "for an hour" is.
        self._one = frozenset(known.get("articles", ()))
        number = rf"(?P<n>\d{{1,3}}|{_any(self._numbers)})"
        some = rf"(?P<n>\d{{1,2}}|{_any([*self._numbers, *self._one])})"
        unit = rf"(?P<unit>{_any(self._units)})"
        self._people = _templates(known.get("people", ()), number)
        self._bare = _templates(known.get("bare", ()), number, known.get("not_people", ()))
        self._alone, self._several = _whole(known.get("alone", ())), _whole(known.get("several", ()))
        self._also, self._only = _whole(known.get("also", ())), _whole(known.get("only", ()))
        companion = rf"(?P<n>(?:\d{{1,2}}|{_any(self._numbers)})\s+)?(?:{_any(known.get('companion', ()))})"
        self._companion = re.compile(rf"(?<!\w)(?:{_any(known.get('lead', ()))})\s+{companion}(?!\w)")
        self._length = re.compile(
            rf"(?<!\w)(?P<before>(?:{_any(known.get('not_before', ()))})\s+)?(?:(?:{_any(known.get('for', ()))})\s+)?"
            rf"{some}\s*{unit}(?!\w)(?P<after>\s+(?:{_any(known.get('not_after', ()))})(?!\w))?"
        )
        self._clock = self._clock_times()
        self._number = re.compile(rf"(?<!\w){number}(?!\w)")
        # Every phrase with a number has one of these in it, and most messages have none.
        self._any_number = re.compile(rf"\d|{_any(self._numbers)}")

    def process(self, messages: list[Message]) -> list[Message]:
        """Count in each message; its clauses are only classified."""
        for message in messages:
            heard = heard_of(message)
            if heard is None or not self._numbers:
                continue
            text = str(message.get("text") or "")
            folded = fold(text)
            counted: list[Span] = []
            for kind, value, span in self._found(folded, heard):
                if any(start < span[1] and span[0] < end for start, end in counted):
                    continue
                if kind not in {"also", "only"}:
                    counted.append(span)
                _add(message, kind, value, text, span)
            if counted:
                message.set("without_counts", _blank(text, counted))
        return messages

    def _found(self, folded: str, heard: Heard) -> Iterator[tuple[str, Any, Span]]:
        """Yield what is counted, surest first: of two readings of the same words the first one counts."""
        if heard.catalog.units:
            yield from self._lengths(folded)
        yield from self._people_in(folded, bare=heard.asked not in _TIMES)
        if heard.asked in _ASKED and (one := self._number.search(folded)):
            yield "number", self._value(one.group("n")), one.span()
        for kind, marks in (("also", self._also), ("only", self._only)):
            for match in marks.finditer(folded) if marks else ():
                yield kind, True, match.span()

    def _clock_times(self) -> re.Pattern[str]:
        """Return what is a time of the day although it counts hours: `at 14h`, `de 14h à 16h`."""
        words = {name: _any(phrases) for name, phrases in self.learned.get("clock", {}).items()}
        hour = _any(word for word, unit in self._units.items() if unit == "hour")
        some = rf"(?:\d{{1,2}}|{_any([*self._numbers, *self._one])})"
        at, late, first, to = (words.get(name, r"(?!)") for name in ("at", "late", "from", "to"))
        # French "à" is written like the English article: "a 2h visit" is as long as that, "a 14h" is not.
        after_six = rf"(?:{late})\s+(?:[7-9]|1\d|2[0-4])"
        span = rf"(?:{first})\s+{some}\s*(?:{hour})?\s+(?:{to})\s+{some}"
        return re.compile(rf"(?<!\w)(?:{span}|(?:{at})\s+{some}|{after_six})\s*(?:{hour})(?!\w)")

    def _lengths(self, folded: str) -> Iterator[tuple[str, Any, Span]]:
        clock = [match.span() for match in self._clock.finditer(folded)]
        for match in self._length.finditer(folded):
            if any(start < match.end() and match.start("n") < end for start, end in clock):
                continue
            if not match.group("before") and not match.group("after"):
                yield "length", [self._value(match.group("n")), self._units[match.group("unit")]], match.span()

    def _people_in(self, folded: str, *, bare: bool) -> Iterator[tuple[str, Any, Span]]:
        numbered = bool(self._any_number.search(folded))
        for pattern in self._people if numbered else ():
            for match in pattern.finditer(folded):
                yield "people", self._value(match.group("n")), match.span()
        for match in self._alone.finditer(folded) if self._alone else ():
            yield "people", 1, match.span()
        for match in self._companion.finditer(folded):
            yield "companions", self._value((match.group("n") or "1").strip()), match.span()
        for pattern in self._bare if bare and numbered else ():
            for match in pattern.finditer(folded):
                yield "people", self._value(match.group("n")), match.span()
        for match in self._several.finditer(folded) if self._several else ():
            yield "several", True, match.span()

    def _value(self, said: str) -> int:
        return min(int(said), _MOST) if said.isdigit() else self._numbers.get(said, 1)


def _any(phrases: Iterable[str]) -> str:
    """Return a pattern for any of the phrases, the longest first; one that matches nothing if there is none."""
    return "|".join(re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True)) or r"(?!)"


def _templates(phrases: Iterable[str], number: str, not_after: Iterable[str] = ()) -> list[re.Pattern[str]]:
    """Return patterns of phrases in which `#` is a number; not "for 2:30", "for 2 hours" nor "für 7. Juli"."""
    tail = rf"(?![\w:]|\.\d|\.?\s+(?:{_any(not_after)})(?!\w))"
    ordered = sorted(phrases, key=len, reverse=True)
    return [re.compile(r"(?<![\w:.])" + re.escape(one).replace(r"\#", number) + tail) for one in ordered]


def _whole(phrases: Iterable[str]) -> re.Pattern[str] | None:
    ordered = list(phrases)
    return re.compile(rf"(?<!\w)(?:{_any(ordered)})(?!\w)") if ordered else None


def _blank(text: str, spans: Iterable[Span]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _add(message: Message, kind: str, value: Any, text: str, span: Span) -> None:
    start, end = span
    add_entity(
        message,
        {"entity": kind, "value": value, "text": text[start:end], "start": start, "end": end, "confidence": 1.0},
    )

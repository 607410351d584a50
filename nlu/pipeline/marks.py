"""Turns of phrase that change what the rest means: "or anyone", "otherwise leave it", "not with Bruno".

The phrases are data (`lookup: mark ...` in data/nlu/<language>/words.yml). A mark is an entity `mark`; a
person after "not with" becomes `not_staff`; what is asked for and this business does not have, `unknown`.
"""

import re
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.pipeline.store import Learner, add_entity, heard_of, lookup
from nlu.pipeline.texts import fold, words_of

#: Marks by the lookup that keeps their phrases.
MARKS = ("otherwise leave", "or anyone", "anyone", "described person", "own time", "earlier", "later")
_NOT_WITH = "not with"
_OPT_OUT = "opt out word"
_SERVICES = "other service"
#: Of a sentence that wants something; a question about money or hours names no unknown service.
_WANTING = {"book", "inform", "ask_services", "ask_price", "nlu_fallback", "out_of_scope", "ask_staff", "deny"}
_LONG = 5


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class Marks(Learner):
    """Adds entities `mark`, `not_staff` and `unknown`."""

    def learn(self, data: TrainingData) -> dict[str, Any]:
        """Learn the phrases of all languages, and every word that any example has."""
        known = {word.text for example in data.intent_examples for word in words_of(str(example.get("text")))}
        return {
            "marks": {name: sorted({fold(text) for text in lookup(data, f"mark {name}")}) for name in MARKS},
            "not_with": sorted({fold(text) for text in lookup(data, f"mark {_NOT_WITH}")}),
            "not_after": sorted({fold(text) for text in lookup(data, "mark not after")}),
            "opt_out": sorted({fold(text) for text in lookup(data, _OPT_OUT)}),
            "services": sorted({fold(text) for text in lookup(data, _SERVICES)}),
            "known": sorted(known),
        }

    def prepare(self) -> None:
        """Compile the phrases, the longest first."""
        marks: dict[str, list[str]] = self.learned.get("marks", {})
        self._marks = {name: pattern for name, phrases in marks.items() if (pattern := _any_of(phrases)) is not None}
        self._not_with = _any_of(self.learned.get("not_with", ()), r"\s+$")
        self._not_after = _any_of(self.learned.get("not_after", ()))
        self._services = _any_of(self.learned.get("services", ()))
        self._opt_out = frozenset(self.learned.get("opt_out", ()))
        self._known = frozenset(self.learned.get("known", ()))

    def process(self, messages: list[Message]) -> list[Message]:
        """Mark each message; its clauses are only classified."""
        for message in messages:
            if heard_of(message) is None:
                continue
            text = str(message.get("text") or "")
            folded = fold(text)
            self._negate(message, folded)
            for name, pattern in self._marks.items():
                for found in pattern.finditer(folded):
                    _add(message, "mark", name, text, found.span())
            if folded.strip(" .!\n") in self._opt_out:
                _add(message, "mark", "opt out", text, (0, len(text)))
            self._find_unknown(message, text, folded)
        return messages

    def _negate(self, message: Message, folded: str) -> None:
        """Turn a person that is ruled out into `not_staff`."""
        entities = []
        for entity in message.get("entities") or []:
            if entity["entity"] == "staff" and self._is_ruled_out(folded, entity["start"], entity["end"]):
                entity = entity | {"entity": "not_staff"}
            entities.append(entity)
        message.set("entities", entities, add_to_output=True)

    def _is_ruled_out(self, folded: str, start: int, end: int) -> bool:
        before = self._not_with is not None and self._not_with.search(folded[:start])
        after = self._not_after is not None and self._not_after.match(folded[end:].lstrip())
        return bool(before or after)

    def _find_unknown(self, message: Message, text: str, folded: str) -> None:
        entities = message.get("entities") or []
        if any(entity["entity"] == "service" for entity in entities):
            return
        if (message.get("intent") or {}).get("name") not in _WANTING:
            return
        taken = [(entity["start"], entity["end"]) for entity in entities]
        when = message.get("when")
        taken += [window.span for window in (*when.windows, *when.exclusions)] if when is not None else []
        named = self._services.search(folded) if self._services is not None else None
        if named is not None and not _overlaps(named.span(), taken):
            _add(message, "unknown", named.group(), text, named.span())
            return
        strange = [
            word
            for word in words_of(text)
            if len(word.text) >= _LONG
            and word.text.isalpha()
            and word.text not in self._known
            and not _overlaps((word.start, word.end), taken)
        ]
        # One strange word among known ones is a name for something; several are noise or another language.
        if len(strange) == 1 and (len(words_of(text)) > 1 or len(strange[0].text) > _LONG):
            word = strange[0]
            _add(message, "unknown", word.text, text, (word.start, word.end))


def _any_of(phrases: Any, tail: str = r"(?!\w)") -> re.Pattern[str] | None:
    ordered = sorted(phrases, key=len, reverse=True)
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, ordered)) + ")" + tail) if ordered else None


def _overlaps(span: tuple[int, int], taken: list[tuple[int, int]]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in taken)


def _add(message: Message, kind: str, value: str, text: str, span: tuple[int, int]) -> None:
    start, end = span
    add_entity(
        message,
        {"entity": kind, "value": value, "text": text[start:end], "start": start, "end": end, "confidence": 1.0},
    )

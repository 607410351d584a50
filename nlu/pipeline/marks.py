"""Turns of phrase that change what the rest means: "or anyone", "otherwise leave it", "not with Bruno".

The phrases are data (`lookup: mark ...` in data/nlu/<language>/words.yml). A mark is an entity `mark`; a person
after "not with" becomes `not_staff`, a service after "not a" `not_service`; what is asked for and this business does
not have, `unknown`.
"""

import re
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.pipeline.store import Learner, add_entity, heard_of, lookup, lookups
from nlu.pipeline.texts import fold, words_of

#: Marks by the lookup that keeps their phrases.
MARKS = ("otherwise leave", "or anyone", "anyone", "described person", "own time", "earlier", "later",
         "something new")  # fmt: skip
_NOT_WITH = "not with"
_NOT_SERVICE = "not service"
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
            "not_service": sorted({fold(text) for text in lookup(data, f"mark {_NOT_SERVICE}")}),
            # By language: Spanish rules out with "no", which is "on the" in Portuguese.
            "not_after": {
                language: sorted({fold(text) for text in phrases})
                for language, phrases in lookups(data, "mark not after").items()
            },
            "opt_out": sorted({fold(text) for text in lookup(data, _OPT_OUT)}),
            "articles": sorted({fold(text) for text in lookup(data, "number article")}),
            "services": sorted({fold(text) for text in lookup(data, _SERVICES)}),
            "known": sorted(known),
        }

    def prepare(self) -> None:
        """Compile the phrases, the longest first."""
        marks: dict[str, list[str]] = self.learned.get("marks", {})
        self._marks = {name: pattern for name, phrases in marks.items() if (pattern := _any_of(phrases)) is not None}
        self._not_with = _any_of(self.learned.get("not_with", ()), r"\s+$")
        self._not_service = _any_of(self.learned.get("not_service", ()), r"\s+$")
        not_after: dict[str, list[str]] = self.learned.get("not_after", {})
        self._not_after = {language: _any_of(phrases) for language, phrases in not_after.items()}
        every = [phrase for phrases in not_after.values() for phrase in phrases]
        # At the end of what is said "no" rules out in any language.
        self._not_at_end = _any_of(every, r"\s*(?:[.,;!?\n]|$)")
        self._services = _any_of(self.learned.get("services", ()))
        self._article = _any_of(self.learned.get("articles", ()), r"\s+$")
        self._opt_out = frozenset(self.learned.get("opt_out", ()))
        self._known = frozenset(self.learned.get("known", ()))

    def process(self, messages: list[Message]) -> list[Message]:
        """Mark each message; its clauses are only classified."""
        for message in messages:
            heard = heard_of(message)
            if heard is None:
                continue
            text = str(message.get("text") or "")
            folded = fold(text)
            self._negate(message, folded, message.get("language") or heard.locale.split("-")[0])
            for name, pattern in self._marks.items():
                for found in pattern.finditer(folded):
                    _add(message, "mark", name, text, found.span())
            if folded.strip(" .!\n") in self._opt_out:
                _add(message, "mark", "opt out", text, (0, len(text)))
            self._find_unknown(message, text, folded)
        return messages

    def _negate(self, message: Message, folded: str, language: str) -> None:
        """Turn a person that is ruled out into `not_staff`, a service into `not_service`."""
        entities = []
        for entity in message.get("entities") or []:
            if entity["entity"] == "service" and self._not_service is not None:
                before = folded[: entity["start"]]
                entity = entity | {"entity": "not_service" if self._not_service.search(before) else "service"}
            if entity["entity"] == "staff" and self._is_ruled_out(
                folded[: entity["start"]], folded[entity["end"] :], language
            ):
                entity = entity | {"entity": "not_staff"}
            entities.append(entity)
        message.set("entities", entities, add_to_output=True)

    def _is_ruled_out(self, before: str, after: str, language: str) -> bool:
        after = after.lstrip()
        if self._not_with is not None and self._not_with.search(before):
            return True
        return any(
            pattern is not None and pattern.match(after)
            for pattern in (self._not_after.get(language), self._not_at_end)
        )

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
            article = self._article.search(folded[: word.start]) if self._article is not None else None
            if article is not None:  # "eine Färbung": a thing that has not been talked about
                _add(message, "mark", "something new", text, (article.start(), word.end))


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

"""The customer's name: after "my name is", or the whole short answer to the question for it."""

import re
from collections.abc import Sequence
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.pipeline.store import Learner, add_entity, heard_of, lookup
from nlu.pipeline.texts import fold, plain_words, words_of

#: A letter, then letters, apostrophes, hyphens and dots: "María", "O'Brien", "Jean-Luc", "J."
_PART = r"[^\W\d_][^\W\d_'’\-]*(?:['’\-][^\W\d_]+)*\.?"
_NAME = rf"{_PART}(?:[ \t]+{_PART}){{0,4}}"
#: "the stylist's name is ...": not the customer's.
_OF_ANOTHER = re.compile(r"['’]s\s+$")
_LONGEST = 5
#: Of more words a message says something else than a name.
_FEW = 7
#: An intent this sure makes a short answer a question or a wish, not a name.
_SURE = 0.8
#: What is short before a dot and yet no initial.
_TITLES = {"dr", "dra", "mr", "mrs", "ms", "mme", "mlle", "prof", "dipl", "sr", "sra", "srta", "st"}
#: Longer words before a dot end a sentence ("This is Ellie Shaw. I'd like ...").
_INITIAL = 3
#: What follows a name that is the subject of another clause.
_WHO_DOES = re.compile(r"\s+(?:qui|que|quien|quem|die|der|who|that)\b", re.IGNORECASE)
#: Intents whose examples hold names and services.
_NAMING = {"inform", "book", "reschedule", "ask_services", "out_of_scope"}
_NO_QUESTION = {"inform", "book", "nlu_fallback", "choose_option", "out_of_scope"}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class People(Learner):
    """Adds an entity `name` whose value is the name as it was written."""

    def learn(self, data: TrainingData) -> dict[str, Any]:
        """Learn what leads to a name, what may stand inside one, and the common words, which are none."""
        common: set[str] = set()
        seen: set[str] = set()
        plain = plain_words(str(example.get("text")) for example in data.intent_examples)
        for example in data.intent_examples:
            if example.get("intent") in _NAMING:
                continue
            for word in words_of(str(example.get("text"))):
                seen.add(word.text)
                if not word.capital or (word.start == 0 and word.text in plain):
                    common.add(word.text)
        return {
            "sure leads": [fold(text) for text in lookup(data, "name lead")],
            "unsure leads": [fold(text) for text in lookup(data, "unsure name lead")],
            "tails": [fold(text) for text in lookup(data, "name tail")],
            "particles": [fold(text) for text in lookup(data, "name particle")],
            "usual": [fold(text) for text in lookup(data, "usual word")],
            "common": sorted(common),
            # German writes "Moment" like "Müller": within a sentence only a word that no example has is a name.
            "seen": sorted(seen),
        }

    def prepare(self) -> None:
        """Compile the leads."""
        self._common = frozenset(self.learned.get("common", ()))
        self._seen = frozenset(self.learned.get("seen", ()))
        self._particles = frozenset(self.learned.get("particles", ()))
        self._sure = _leads(self.learned.get("sure leads", ()))
        self._unsure = _leads(self.learned.get("unsure leads", ()))
        self._usual = _leads(self.learned.get("usual", ()))
        tails = self.learned.get("tails", ())
        self._tails = re.compile(r"^\s*(" + "|".join(map(re.escape, tails)) + r")(?!\w)") if tails else None

    def process(self, messages: list[Message]) -> list[Message]:
        """Find the customer's name in each message."""
        for message in messages:
            heard = heard_of(message)
            if heard is None:
                continue
            text = str(message.get("text") or "")
            span = self.introduced(text, expected=heard.asked == "ask_name")
            if span is not None and _is_of_staff(message, text, span):
                continue
            if span is None and heard.asked == "ask_name":
                is_other = self._is_other(_first_part(messages, message))
                span = self.answered(text, is_other=is_other)
                if span is None and not is_other:
                    span = self.among(text, [(one["start"], one["end"]) for one in message.get("entities") or []])
            if span is not None:
                start, end = span
                # Customers may be called like the staff: within the own name nobody else is meant.
                others = [
                    found for found in message.get("entities") or [] if found["end"] <= start or end <= found["start"]
                ]
                message.set("entities", others, add_to_output=True)
                add_entity(
                    message,
                    {
                        "entity": "name",
                        "value": " ".join(text[start:end].split()),
                        "text": text[start:end],
                        "start": start,
                        "end": end,
                        "confidence": 0.9,
                    },
                )
        return messages

    def introduced(self, text: str, *, expected: bool = False) -> tuple[int, int] | None:
        """Find a name that is introduced as one, before or after ("Maria Lopez is my name").

        Where the name is `expected`, having been asked for, it may be written small after any lead ("its jaspreet").
        """
        folded = fold(text)
        for pattern, sure in ((self._sure, True), (self._unsure, False)):
            for match in pattern.finditer(folded) if pattern else ():
                if _OF_ANOTHER.search(folded[: match.start()]):
                    continue
                if not sure and self._usual and self._usual.search(folded):
                    continue  # "it's usually Bruno": who does it, not who writes
                found = self._name_at(text, match.end(), strict=not (sure or expected))
                if found is not None:
                    return found
        if self._tails is not None:
            for match in re.finditer(_NAME, text):
                if self._tails.match(folded[match.end() :]):
                    return self._name_at(text, match.start(), strict=True)
                shortened = self._before_tail(text, match.start(), match.end())
                if shortened is not None:
                    return shortened
        return None

    def _before_tail(self, text: str, start: int, end: int) -> tuple[int, int] | None:
        """Handle a tail that looks like more of the name ("Maria Lopez is my name")."""
        for word in words_of(text[start:end])[1:]:
            if self._tails is not None and self._tails.match(fold(text[start + word.start :])):
                return self._name_at(text[: start + word.start], start, strict=True)
        return None

    def answered(self, text: str, *, is_other: bool = False) -> tuple[int, int] | None:
        """Take the whole of a short answer, or its first part ("Ana Ruiz, thanks").

        What was classified as something else is a name only if it is written as one and of no common word.
        """
        first = re.match(rf"\s*({_NAME})\s*(?=[,.;!\n]|$)", text)
        if first is None:
            return None
        words = words_of(first.group(1))
        initials = {match.start(1) for match in re.finditer(r"(?<!\w)(\w)\.", first.group(1))}
        common = self._common - self._particles
        known = [word for word in words if word.text in common and word.start not in initials]
        written_as_name = all(word.capital for word in words if word.text not in self._particles)
        if is_other and (known or not written_as_name):
            return None
        if len(words) > _LONGEST or (known and not written_as_name) or len(known) > 1:
            return None
        return first.span(1)

    def among(self, text: str, taken: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
        """Find the one name among a few words ("it's for Jenny Smith", "auf Müller bitte"); None if none or several."""
        words, runs, last = words_of(text), list[tuple[int, int]](), -2
        if len(words) > _FEW or "?" in text:
            return None
        for number, word in enumerate(words):
            if not word.capital or word.text in self._seen or any(a < word.end and word.start < b for a, b in taken):
                continue
            joined = all(one.text in self._particles for one in words[last + 1 : number]) and last >= 0
            runs = [*runs[:-1], (runs[-1][0], word.end)] if joined else [*runs, (word.start, word.end)]
            last = number
        return runs[0] if len(runs) == 1 else None

    @staticmethod
    def _is_other(message: Message) -> bool:
        intent = message.get("intent") or {}
        return intent.get("name") not in _NO_QUESTION and float(intent.get("confidence") or 0) >= _SURE

    def _name_at(self, text: str, start: int, *, strict: bool) -> tuple[int, int] | None:
        """Return the name that begins here: capitalized words, or after a sure lead any uncommon ones."""
        match = re.compile(rf"\s*({_NAME})").match(text, start)
        if match is None:
            return None
        end = match.start(1)
        for number, word in enumerate(words_of(match.group(1))):
            if number > 0 and self._begins_anew(match.group(1)[: word.start], word.text):
                break
            inner = number > 0 and word.text in self._particles
            plain = not word.capital and (strict or word.text in self._common)
            if not inner and (plain or (strict and number == 0 and word.text in self._common)):
                break
            if not inner:
                end = match.start(1) + word.end
        return (match.start(1), end) if end > match.start(1) else None

    def _begins_anew(self, before: str, word: str) -> bool:
        """Whether a sentence ended before this word: a dot after what is no initial and no title."""
        last = re.search(r"(\w+)\.\s*$", before)
        if last is None or fold(last.group(1)) in _TITLES:
            return False
        letters = len(last.group(1))
        return letters > _INITIAL or (letters > 1 and (len(word) == 1 or word in self._common))


def _is_of_staff(message: Message, text: str, span: tuple[int, int]) -> bool:
    """Whether it is said who does something, not who writes: "c'est Carla qui s'en occupe"."""
    staff = [(one["start"], one["end"]) for one in message.get("entities") or [] if one["entity"] == "staff"]
    return span in staff and _WHO_DOES.match(text, span[1]) is not None


def _first_part(messages: list[Message], message: Message) -> Message:
    """Return the first clause of a message, which was classified by itself ("Ana, but do you take cards?")."""
    parts = [part for part in messages if heard_of(part) is None]
    return parts[0] if parts else message


def _leads(phrases: Any) -> re.Pattern[str] | None:
    ordered = sorted(phrases, key=len, reverse=True)
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, ordered)) + r")(?!\w)[ \t:,]*") if ordered else None

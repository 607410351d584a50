"""Places in a list: "the second one", "el primero", "the last one"; -1 is the last."""

import re
from dataclasses import replace
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.pipeline.store import Learner, add_entity, heard_of, lookup
from nlu.pipeline.texts import fold

#: The lists that data/nlu/<language>/words.yml keeps, and the places they mean.
_PLACES = {f"ordinal {place}": place for place in range(1, 10)} | {"ordinal last": -1, "ordinal before last": -2}
#: Acts that list something to choose from.
_CHOICES = {"offer_slots", "ask_when", "ask_service", "ask_staff", "clarify", "waitlist_offer"}
_CHOOSES = "choose_option"
_ARTICLE_AND_PLACE = 2


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class Ordinals(Learner):
    """Adds entities `ordinal` whose value is a whole number."""

    def learn(self, data: TrainingData) -> dict[str, Any]:
        """Learn the phrases of all languages."""
        return {"places": {fold(phrase): place for name, place in _PLACES.items() for phrase in lookup(data, name)}}

    def prepare(self) -> None:
        """Compile the phrases, the longest first."""
        self._places: dict[str, int] = self.learned.get("places", {})
        phrases = sorted(self._places, key=len, reverse=True)
        self._pattern = re.compile(r"(?<!\w)(" + "|".join(map(re.escape, phrases)) + r")(?!\w)") if phrases else None

    def process(self, messages: list[Message]) -> list[Message]:
        """Find places that are not part of a time ("the first of May", "the second Tuesday")."""
        for message in messages:
            if heard_of(message) is None or self._pattern is None:
                continue
            text = str(message.get("text") or "")
            for match in self._pattern.finditer(fold(text)):
                if self._is_time(message, text, match.span()):
                    continue
                add_entity(
                    message,
                    {
                        "entity": "ordinal",
                        "value": self._places[match.group(1)],
                        "text": text[match.start() : match.end()],
                        "start": match.start(),
                        "end": match.end(),
                        "confidence": 1.0,
                    },
                )
        return messages

    @staticmethod
    def _is_time(message: Message, text: str, span: tuple[int, int]) -> bool:
        """Tell whether a place is part of a time; "el primero" of several choices is not the first of the month."""
        when = message.get("when")
        if when is None:
            return False
        start, end = span
        over = [
            window for window in (*when.windows, *when.exclusions) if window.span[0] < end and start < window.span[1]
        ]
        heard = heard_of(message)
        chosen = heard is not None and heard.asked in _CHOICES and (message.get("intent") or {}).get("name") == _CHOOSES
        if over and chosen and all(window.span[1] <= end and _short(text, window.span) for window in over):
            kept = {
                name: tuple(window for window in getattr(when, name) if window not in over)
                for name in ("windows", "choices", "exclusions")
            }
            message.set("when", replace(when, **kept), add_to_output=True)
            return False
        return bool(over)


def _short(text: str, span: tuple[int, int]) -> bool:
    return len(text[span[0] : span[1]].split()) <= _ARTICLE_AND_PLACE

"""Places in a list: "the second one", "el primero", "the last one"; -1 is the last."""

import re
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.pipeline.store import Learner, add_entity, heard_of, lookup
from nlu.pipeline.texts import fold

#: The lists that data/nlu/<language>/words.yml keeps, and the places they mean.
_PLACES = {f"ordinal {place}": place for place in range(1, 10)} | {"ordinal last": -1, "ordinal before last": -2}


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
            when = message.get("when")
            timed = [window.span for window in (*when.windows, *when.exclusions)] if when else []
            for match in self._pattern.finditer(fold(text)):
                if any(start < match.end() and match.start() < end for start, end in timed):
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

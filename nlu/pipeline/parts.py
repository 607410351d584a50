"""The parts of a message, each classified by itself: "yes, but how much is it?".

Where a message falls into parts is data, of the language it is written in: the lookups `joining word` and
`leading yes` in data/nlu/<language>/clauses.yml.
"""

from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.clauses import Splitter
from nlu.pipeline.store import Learner, heard_of, lookups

_JOINING = "joining word"
_LEADING = "leading yes"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class Parts(Learner):
    """Puts a message for each part behind the whole one; only the whole one has circumstances."""

    def learn(self, data: TrainingData) -> dict[str, Any]:
        """Learn each language's words."""
        return {"joining": lookups(data, _JOINING), "leading": lookups(data, _LEADING)}

    def prepare(self) -> None:
        """Compile a splitter for each language."""
        joining: dict[str, list[str]] = self.learned.get("joining", {})
        leading: dict[str, list[str]] = self.learned.get("leading", {})
        self._splitters = {
            language: Splitter.of(joining.get(language, ()), leading.get(language, ()))
            for language in joining.keys() | leading.keys()
        }
        self._plain = Splitter.of()

    def process(self, messages: list[Message]) -> list[Message]:
        """Return the messages, each followed by its parts."""
        return [one for message in messages for one in (message, *self._parts_of(message))]

    def _parts_of(self, message: Message) -> list[Message]:
        heard = heard_of(message)
        if heard is None:
            return []
        language = message.get("language") or heard.locale.split("-")[0]
        splitter = self._splitters.get(language, self._plain)
        return [_part(text) for text in splitter.clauses_of(str(message.get(TEXT) or ""))]


def _part(text: str) -> Message:
    part = Message({"metadata": {}})
    part.set(TEXT, text, add_to_output=True)
    return part

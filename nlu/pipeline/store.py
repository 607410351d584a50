# ruff: noqa: ARG003 - a component takes what Rasa's protocol passes
"""What a component of ours learns and keeps: a JSON object in the model."""

import json
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, Self

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.contract import Catalog, Heard
from nlu.pipeline.texts import keys_of

#: Shorter words of a name are articles and the like.
_NAME = 3


class Learner(GraphComponent):  # type: ignore[misc]
    """A component that learns a JSON object from the training data and reads it again."""

    def __init__(self, storage: ModelStorage, resource: Resource, learned: dict[str, Any]) -> None:
        self._storage = storage
        self._resource = resource
        self.learned = learned
        self.prepare()

    def learn(self, data: TrainingData) -> dict[str, Any]:
        """Return what is to be kept of the training data."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make ready for messages what was learned."""

    def process(self, messages: list[Message]) -> list[Message]:
        """Add to each message what the component finds."""
        raise NotImplementedError

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Self:
        """Return a component that has learned nothing yet."""
        return cls(model_storage, resource, {})

    def train(self, training_data: TrainingData) -> Resource:
        """Learn and write it into the model."""
        self.learned = self.learn(training_data)
        with self._storage.write_to(self._resource) as folder:
            (folder / "learned.json").write_text(json.dumps(self.learned, ensure_ascii=False), encoding="utf-8")
        self.prepare()
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> Self:
        """Return the component as it was trained."""
        with model_storage.read_from(resource) as folder:
            learned = json.loads((folder / "learned.json").read_text(encoding="utf-8"))
        return cls(model_storage, resource, learned)


def lookup(data: TrainingData, name: str) -> list[str]:
    """Return the elements of a lookup table in all languages."""
    return [str(element) for table in data.lookup_tables if table["name"] == name for element in table["elements"]]


def lookups(data: TrainingData, name: str) -> dict[str, list[str]]:
    """Return the elements of a lookup table by language."""
    found: dict[str, list[str]] = {}
    for table in data.lookup_tables:
        if table["name"] == name:
            found.setdefault(str(table.get("language")), []).extend(map(str, table["elements"]))
    return found


def heard_of(message: Message) -> Heard | None:
    """Return the circumstances of a message; None for a clause of one, which is only classified."""
    heard = (message.get("metadata") or {}).get("heard")
    return heard if isinstance(heard, Heard) else None


@lru_cache(maxsize=64)
def words_of_names(catalog: Catalog) -> AbstractSet[str]:
    """Return the folded words of which the names of this business are made."""
    names = (*catalog.services, *catalog.staff, *catalog.places, *catalog.add_ons)
    # Not "de" and "y": they tell the language, whatever the services are called.
    return frozenset(key for name in names for alias in name.names for key in keys_of(alias) if len(key) >= _NAME)


def add_entity(message: Message, entity: dict[str, Any]) -> None:
    """Add a found entity to a message."""
    message.set("entities", [*(message.get("entities") or []), entity], add_to_output=True)

"""The intent classifier: logistic regression over Rasa's features, kept as plain arrays.

The same model as Rasa's LogisticRegressionClassifier; that one keeps it with skops, whose import alone takes
longer than loading everything else (docs/decisions/0011-nlu-pipeline.md).
"""

from typing import Any, Self

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix, vstack

_FILE = "intents.npz"
_RANKED = 5


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class Intents(IntentClassifier, GraphComponent):  # type: ignore[misc]
    """Sets `intent` and `intent_ranking`."""

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._weights = np.zeros((0, 0), dtype=np.float32)
        self._bias = np.zeros(0, dtype=np.float32)
        self._names: list[str] = []

    @classmethod
    def required_components(cls) -> list[type]:
        """Return what must come before in the pipeline."""
        return [Featurizer]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings: `C` is the inverse of the regularization's strength."""
        return {"C": 10.0, "max_iter": 400}

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> Self:
        """Return an untrained classifier."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn weights from the examples and write them into the model."""
        from sklearn.linear_model import LogisticRegression

        examples = training_data.intent_examples
        model = LogisticRegression(
            C=self._config["C"], max_iter=self._config["max_iter"], tol=1e-3, class_weight="balanced", random_state=1
        )
        model.fit(_features(examples), [str(example.get("intent")) for example in examples])
        with self._storage.write_to(self._resource) as folder:
            np.savez_compressed(
                folder / _FILE,
                weights=model.coef_.T.astype(np.float32),
                bias=model.intercept_.astype(np.float32),
                names=np.array(model.classes_, dtype=str),
            )
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
        """Return the classifier as it was trained."""
        loaded = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder, np.load(folder / _FILE, allow_pickle=False) as arrays:
            loaded._weights = arrays["weights"]
            loaded._bias = arrays["bias"]
            loaded._names = [str(name) for name in arrays["names"]]
        return loaded

    def process(self, messages: list[Message]) -> list[Message]:
        """Classify all messages at once."""
        scores = np.asarray(_features(messages) @ self._weights) + self._bias
        spread = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities = spread / spread.sum(axis=1, keepdims=True)
        for message, row in zip(messages, probabilities, strict=True):
            best = np.argsort(-row)[:_RANKED]
            ranking = [{"name": self._names[number], "confidence": float(row[number])} for number in best]
            message.set("intent", dict(ranking[0]), add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages


def _features(messages: list[Message]) -> csr_matrix:
    return vstack([_row(message) for message in messages], format="csr")


def _row(message: Message) -> csr_matrix:
    _, sentence = message.get_sparse_features("text", [])
    if sentence is None:
        raise ValueError("the intent classifier needs a featurizer before it")
    return csr_matrix(sentence.features)

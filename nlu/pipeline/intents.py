# ruff: noqa: ARG003 - a component takes what Rasa's protocol passes
"""The intent classifier: a linear support vector machine over Rasa's features, kept as plain arrays.

Chosen by accuracy, then by time to train, load and answer (docs/decisions/0011-nlu-pipeline.md). Kept without
skops, which Rasa's own classifiers use and whose import alone takes longer than loading everything else.
"""

from typing import Any, Self

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE as SENTENCE
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix, hstack, vstack

_FILE = "intents.npz"
_RANKED = 5


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class Intents(IntentClassifier, GraphComponent):  # type: ignore[misc]
    """Sets `intent` and `intent_ranking`."""

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._rarity = np.zeros(0, dtype=np.float32)
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
        return {"C": 1.0}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Self:
        """Return an untrained classifier."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn weights from the examples and write them into the model."""
        from sklearn.model_selection import StratifiedKFold, cross_val_predict
        from sklearn.svm import LinearSVC

        examples = training_data.intent_examples
        intents = np.array([str(example.get("intent")) for example in examples])
        counts = _counts(examples)
        self._rarity = _rarity(counts)
        features = _weighed(counts, self._rarity)
        model = LinearSVC(C=self._config["C"], class_weight="balanced", random_state=1)
        folds = StratifiedKFold(3, shuffle=True, random_state=1)
        margins = cross_val_predict(model, features, intents, cv=folds, method="decision_function")
        model.fit(features, intents)
        scale = _scale(margins, np.searchsorted(model.classes_, intents))
        with self._storage.write_to(self._resource) as folder:
            np.savez_compressed(
                folder / _FILE,
                rarity=self._rarity,
                weights=(model.coef_.T * scale).astype(np.float32),
                bias=(model.intercept_ * scale).astype(np.float32),
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
            loaded._rarity = arrays["rarity"]
            loaded._weights = arrays["weights"]
            loaded._bias = arrays["bias"]
            loaded._names = [str(name) for name in arrays["names"]]
        return loaded

    def process(self, messages: list[Message]) -> list[Message]:
        """Classify all messages at once."""
        scores = _weighed(_counts(messages), self._rarity) @ self._weights + self._bias
        probabilities = _spread(scores)
        for message, row in zip(messages, probabilities, strict=True):
            best = np.argsort(-row)[:_RANKED]
            ranking = [{"name": self._names[number], "confidence": float(row[number])} for number in best]
            message.set("intent", dict(ranking[0]), add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages


def _counts(messages: list[Message]) -> csr_matrix:
    return vstack([_row(message) for message in messages], format="csr", dtype=np.float32)


def _row(message: Message) -> csr_matrix:
    # Message.get_sparse_features copies everything, the features of each word among it.
    rows = [
        one.features for one in message.features if one.is_sparse() and one.attribute == TEXT and one.type == SENTENCE
    ]
    if not rows:
        raise ValueError("the intent classifier needs a featurizer before it")
    return hstack(rows, format="csr")


def _rarity(counts: csr_matrix) -> Any:
    """Return how telling each feature is: what stands in few examples tells more."""
    seen = np.bincount(counts.indices, minlength=counts.shape[1])
    return (np.log((1 + counts.shape[0]) / (1 + seen)) + 1).astype(np.float32)


def _weighed(counts: csr_matrix, rarity: Any) -> csr_matrix:
    """Weigh counts by rarity, on rows of length one: long messages say no more than short ones."""
    features = counts.copy()
    features.data = (1 + np.log(features.data)) * rarity[features.indices]
    lengths = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1
    features.data /= np.repeat(lengths, np.diff(features.indptr))
    return features


def _spread(scores: Any) -> Any:
    """Turn scores into shares that add up to one."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _scale(margins: Any, right: Any) -> float:
    """Return the factor that makes confidences honest on examples that were held out."""
    rows = np.arange(len(right))
    scales = np.geomspace(1, 30, 40)
    losses = [-np.log(_spread(margins * scale)[rows, right] + 1e-9).mean() for scale in scales]
    return float(scales[int(np.argmin(losses))])

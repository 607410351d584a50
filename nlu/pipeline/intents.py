# ruff: noqa: ARG003 - a component takes what Rasa's protocol passes
"""The intent classifier: a linear support vector machine over words and letters, kept as plain arrays.

Chosen by accuracy, then by time to train, load and answer (docs/decisions/0011-nlu-pipeline.md). Kept without
skops, which Rasa's own classifiers use and whose import alone takes longer than loading everything else.
"""

import re
from typing import Any, Self

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer

from nlu.pipeline.hashed import Counted, Counter
from nlu.pipeline.plain import PLAIN
from nlu.pipeline.texts import words_of

_FILE = "intents.npz"
_RANKED = 5
#: So many that two features hardly ever fall on one place.
_PLACES = 2**22
_APOSTROPHE = re.compile(r"(?<=\w)['’´`](?=\w)")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class Intents(IntentClassifier, GraphComponent):  # type: ignore[misc]
    """Sets `intent` and `intent_ranking`."""

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._features = np.zeros(0, dtype=np.int32)
        self._rarity = np.zeros(0, dtype=np.float32)
        self._weights = np.zeros((0, 0), dtype=np.float32)
        self._bias = np.zeros(0, dtype=np.float32)
        self._names: list[str] = []

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
        everything = _counts(examples)
        self._features = np.unique(everything.indices)
        counts = everything[:, self._features]
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
                features=self._features.astype(np.int32),
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
            loaded._features = arrays["features"]
            loaded._rarity = arrays["rarity"]
            loaded._weights = arrays["weights"]
            loaded._bias = arrays["bias"]
            loaded._names = [str(name) for name in arrays["names"]]
        return loaded

    def process(self, messages: list[Message]) -> list[Message]:
        """Classify all messages at once."""
        scores = [self._scores(*_counted(_text_of(message))) for message in messages]
        probabilities = _spread(np.array(scores))
        for message, row in zip(messages, probabilities, strict=True):
            best = np.argsort(-row)[:_RANKED]
            ranking = [{"name": self._names[number], "confidence": float(row[number])} for number in best]
            message.set("intent", dict(ranking[0]), add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def _scores(self, found: Any, counts: Any) -> Any:
        """Return each intent's score of a text with these features, as `_weighed` would weigh them.

        Plain arrays: for a row or two, making sparse matrices takes longer than all that is done with them.
        """
        place = np.minimum(np.searchsorted(self._features, found), len(self._features) - 1)
        known = self._features[place] == found
        place = place[known]
        values = (1 + np.log(counts[known])) * self._rarity[place]
        return (values / (np.linalg.norm(values) or 1)) @ self._weights[place] + self._bias


def _text_of(message: Message) -> str:
    return _plain(str(message.get(PLAIN) or message.get("text") or ""))


def _counted(text: str) -> Counted:
    """Return what `_counts` finds in one text."""
    words, letters = _COUNT_WORDS(text), _COUNT_LETTERS(text)
    return np.concatenate([words[0], letters[0] + _PLACES]), np.concatenate([words[1], letters[1]])


def _counts(messages: list[Message]) -> csr_matrix:
    """Count words and pairs of words, and two to five letters in a row."""
    texts = [_text_of(message) for message in messages]
    counts: csr_matrix = hstack([_WORDS.transform(texts), _LETTERS.transform(texts)], format="csr", dtype=np.float32)
    return counts


def _plain(text: str) -> str:
    """Leave words without accents and apostrophes: people write "cest" and "whats" too."""
    return " ".join(word.text for word in words_of(_APOSTROPHE.sub("", text)))


def _vectorizer(**how: Any) -> HashingVectorizer:
    return HashingVectorizer(lowercase=False, norm=None, alternate_sign=False, n_features=_PLACES, **how)


_WORDS = _vectorizer(ngram_range=(1, 2), analyzer="word", tokenizer=str.split, token_pattern=None)
_LETTERS = _vectorizer(ngram_range=(2, 5), analyzer="char_wb")
_COUNT_WORDS, _COUNT_LETTERS = Counter(_WORDS), Counter(_LETTERS)


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

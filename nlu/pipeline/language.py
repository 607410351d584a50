"""Which language a message is written in: character n-grams, and evidence from words of one language only."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from nlu.contract import Catalog
from nlu.pipeline import hashed
from nlu.pipeline.store import Learner, heard_of, words_of_names
from nlu.pipeline.texts import Word, words_of

_FEATURES = 2**13
#: A word is a language's own that has this much of its uses there.
_OWN = 0.9
#: With more words that begin with a capital, a language writes all nouns so, not names alone.
_NOUNS = 0.1
#: So often it is no name out of some example.
_OFTEN = 3
#: Surer than this, or there is no answer.
_SURE = 0.75


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class Language(Learner):
    """Sets `language` (None: too little to tell) and `language_confidence`."""

    def learn(self, data: TrainingData) -> dict[str, Any]:
        """Learn weights of n-grams, and the words that one language alone uses."""
        texts = [(str(one.get("text")), str(one.get("language"))) for one in data.intent_examples]
        languages = sorted({language for _, language in texts})
        own = _own_words(texts)
        if len(languages) < 2:
            return {"languages": languages, "own": own, "weights": [], "bias": []}
        model = LogisticRegression(C=30.0, max_iter=300)
        model.fit(_vectorizer().transform([_letters(text) for text, _ in texts]), [language for _, language in texts])
        return {
            "languages": languages,
            "own": own,
            "weights": [[round(float(weight), 3) for weight in row] for row in model.coef_],
            "bias": [float(bias) for bias in model.intercept_],
        }

    def prepare(self) -> None:
        """Make the weights a matrix."""
        self._count = hashed.Counter(_vectorizer())
        self._languages: list[str] = self.learned.get("languages", [])
        self._own = {language: frozenset(words) for language, words in self.learned.get("own", {}).items()}
        self._known = frozenset().union(*self._own.values())
        weights = np.asarray(self.learned.get("weights", []), dtype=np.float32)
        self._weights = weights.reshape(-1, _FEATURES).T
        self._bias = np.asarray(self.learned.get("bias", []))

    def process(self, messages: list[Message]) -> list[Message]:
        """Tell the language of each message."""
        for message in messages:
            heard = heard_of(message)
            if heard is None:
                continue
            language, confidence = self.language_of(
                str(message.get("text") or ""),
                heard.catalog,
                # One word of another language does not switch a talk that has begun.
                spoken=heard.locale.split("-")[0] if heard.asked else None,
            )
            message.set("language", language, add_to_output=True)
            message.set("language_confidence", confidence, add_to_output=True)
        return messages

    def language_of(self, text: str, catalog: Catalog, *, spoken: str | None) -> tuple[str | None, float]:
        """Return the language and how sure that is; None if the text gives too little evidence."""
        if not self._weights.size:
            return (self._languages[0] if self._languages else None), 1.0
        words = _telling(text, catalog, self._known)
        told = self._told_by(words, spoken)
        if told[0] is None and words and spoken is None:
            # A first message of little else: "coupe hier à 15h" has its language from what is wanted.
            named = self._told_by(_telling(text, Catalog(), self._known), spoken)
            return named if named[0] is not None else told
        return told

    def _told_by(self, words: Sequence[Word], spoken: str | None) -> tuple[str | None, float]:
        evidence = {language: sum(word.text in own for word in words) for language, own in self._own.items()}
        if not words:
            return None, 0.0
        scores = self._probabilities(" ".join(word.text for word in words))
        best = int(np.argmax(scores))
        language, confidence = self._languages[best], float(scores[best])
        others = max((count for other, count in evidence.items() if other != language), default=0)
        if evidence[language] == 0 or evidence[language] <= others or confidence < _SURE:
            return None, confidence
        if spoken is not None and language != spoken and evidence[language] < 2 and len(words) < 3:
            return None, confidence
        return language, confidence

    def _probabilities(self, text: str) -> Any:
        places, counts = self._count(text)
        decision = (counts / (np.linalg.norm(counts) or 1)) @ self._weights[places] + self._bias
        if len(decision) == 1:  # two languages: one decision tells both
            decision = np.array([0.0, decision[0]])
        spread = np.exp(decision - decision.max())
        return spread / spread.sum()


def _own_words(texts: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the words that are said in one language alone, but for a stray one in some other's examples."""
    said: dict[str, Counter[str]] = defaultdict(Counter)
    capital: dict[str, Counter[str]] = defaultdict(Counter)
    for text, language in texts:
        words = words_of(text)
        said[language].update({word.text for word in words if not word.capital or word.start == 0})
        capital[language].update({word.text for word in words if word.capital and word.start > 0})
    for language, found in capital.items():
        if found.total() > _NOUNS * said[language].total():  # German writes every noun with a capital
            said[language].update({word: count for word, count in found.items() if count >= _OFTEN})
    number = Counter(language for _, language in texts)
    own: dict[str, list[str]] = {language: [] for language in said}
    for word in sorted(set().union(*said.values())):
        shares = {language: said[language][word] / number[language] for language in said}
        language = max(sorted(shares), key=lambda one: shares[one])
        if shares[language] >= _OWN * sum(shares.values()):
            own[language].append(word)
    return own


def _vectorizer() -> HashingVectorizer:
    return HashingVectorizer(analyzer="char_wb", ngram_range=(1, 4), n_features=_FEATURES, alternate_sign=False)


def _letters(text: str) -> str:
    return " ".join(word.text for word in words_of(text) if not any(char.isdigit() for char in word.text))


def _telling(text: str, catalog: Catalog, known: AbstractSet[str]) -> list[Word]:
    """Leave out numbers, names of the business, and unknown words with a capital within a sentence."""
    named = words_of_names(catalog)
    return [
        word
        for word in words_of(text)
        if word.text not in named
        and not any(char.isdigit() for char in word.text)
        and not (
            word.text not in known
            and word.capital
            and word.start > 0
            and text[word.start : word.end].isupper() is False
            and _inside(text, word)
        )
    ]


def _inside(text: str, word: Word) -> bool:
    before = text[: word.start].rstrip(" ¿¡\"'(")
    return bool(before) and before[-1] not in ".!?\n"

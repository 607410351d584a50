"""What the classifier reads instead of the message: mistyped words mended, services by a word it has learned.

Whose services are called as no example calls them is understood all the same, and "je dois annler" as "je dois
annuler". Entities are found in the text as it was written.
"""

from collections import Counter, defaultdict
from functools import lru_cache
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.contract import Catalog
from nlu.pipeline.store import Learner, heard_of, lookups
from nlu.pipeline.texts import keys_of, words_of

#: Where the classifier finds the text; messages without it are read as they are.
PLAIN = "plain"
#: Whether no word of a message is known, nor nearly: its letters tell little of what it means.
STRANGE = "strange"
_SERVICE = "plain service"
#: A word in so many examples of a language is one of its words, not a slip of our own.
_OFTEN = 2
#: Shorter words differ by one letter too easily.
_SHORT = 5
#: A strange word so like a word of a service's name (of 100) means a service, whichever.
_LIKE = 72
#: In longer words two letters may be wrong, and the first one too.
_LONG = 9


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class Plain(Learner):
    """Sets `plain` on each message and its parts."""

    def learn(self, data: TrainingData) -> dict[str, Any]:
        """Learn each language's words, the commonest first, and its plainest service."""
        said: dict[str, Counter[str]] = defaultdict(Counter)
        for example in data.intent_examples:
            words = {word.text for word in words_of(str(example.get("text"))) if word.text.isalpha()}
            said[str(example.get("language"))].update(words)
        return {
            "words": {language: [word for word, _ in counts.most_common()] for language, counts in said.items()},
            "often": {language: sum(count >= _OFTEN for count in counts.values()) for language, counts in said.items()},
            "service": {language: found[0] for language, found in lookups(data, _SERVICE).items()},
        }

    def prepare(self) -> None:
        """Make a set of all words."""
        words: dict[str, list[str]] = self.learned.get("words", {})
        often: dict[str, int] = self.learned.get("often", {})
        self._common = {language: said[: often[language]] for language, said in words.items()}
        self._known = frozenset(word for said in words.values() for word in said)
        self._service: dict[str, str] = self.learned.get("service", {})
        self._mended = lru_cache(maxsize=4096)(self._nearest)

    def process(self, messages: list[Message]) -> list[Message]:
        """Put the plain text beside each text; a part is read in the language of its message."""
        language, named, services = "", tuple[tuple[str, bool], ...](), frozenset[str]()
        for message in messages:
            heard = heard_of(message)
            text = str(message.get("text") or "")
            if heard is not None:
                language = message.get("language") or heard.locale.split("-")[0]
                named = tuple(
                    (entity["text"], entity["entity"] == "service") for entity in message.get("entities") or ()
                )
                services = _words_of_services(heard.catalog)
            plain = self._plain(text, language, named, services)
            message.set(PLAIN, plain)
            if heard is not None:
                message.set(STRANGE, not any(word.text in self._known for word in words_of(plain)), add_to_output=True)
        return messages

    def _plain(self, text: str, language: str, named: tuple[tuple[str, bool], ...], services: frozenset[str]) -> str:
        service = self._service.get(language)
        for words, is_service in named:
            if is_service and service is not None:
                text = text.replace(words, service)
        kept = {word.text for words, _ in named for word in words_of(words)}
        for word in reversed(words_of(text)):
            if len(word.text) < _SHORT or word.text in self._known or word.text in kept or not word.text.isalpha():
                continue
            mended = self._mended(word.text, language)
            if mended == word.text and service is not None and _is_like(word.text, services):
                mended = service
            text = f"{text[: word.start]}{mended}{text[word.end :]}"
        return text

    def _nearest(self, word: str, language: str) -> str:
        """Return the commonest of the words that one slip makes this one of; the word itself if none does."""
        long = len(word) >= _LONG
        near = extract(word, self._common.get(language, ()), scorer=OSA.distance, score_cutoff=1 + long, limit=None)
        meant = [one for one in near if len(one[0]) >= _SHORT - 1 and (long or one[0][0] == word[0])]
        # `extract` keeps the order of the words, the commonest first, among those that are equally near.
        return str(min(meant, key=lambda one: (one[1], one[2]))[0]) if meant else word


@lru_cache(maxsize=64)
def _words_of_services(catalog: Catalog) -> frozenset[str]:
    names = (key for name in catalog.services for alias in name.names for key in keys_of(alias))
    return frozenset(key for key in names if len(key) >= _SHORT)


def _is_like(word: str, services: frozenset[str]) -> bool:
    return any(fuzz.ratio(word, one) >= _LIKE for one in services)

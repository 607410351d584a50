"""Services and staff: matched against the business's own names at run time, never trained."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from rapidfuzz.distance import DamerauLevenshtein
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.contract import Catalog, Name
from nlu.pipeline.store import Learner, add_entity, heard_of, lookup
from nlu.pipeline.texts import Word, keys_of, plain_words, words_of

#: Intents whose words are no names of services: "haircut" is said with many intents, but with none of these.
_CHATTER = {
    "greet", "goodbye", "thanks", "bot_challenge", "affirm", "deny", "choose_option", "more_times", "stop", "opt_out",
    "confirm_attendance", "running_late", "ask_location", "ask_phone", "ask_hours", "ask_bookings", "ask_payment",
    "ask_policy", "talk_to_person",
}  # fmt: skip
#: Intents that change what is booked.
_DOING = {"reschedule", "cancel", "cannot_come", "stop"}
_EXACT = 1.0
_PLURAL = 0.95
_TYPO = 0.85
_PART = 0.7
_FUZZY_FROM = 4
_LONG = 8
#: Endings of the plural beside those that `_stem` takes off.
_PLURALS = ("s", "n", "en")
#: A word in so many examples is spelt as it is meant.
_OFTEN = 2
#: Words of customers whose likeness to a catalog's names is remembered; then all of them are forgotten.
_MOST_WORDS = 4_000


@dataclass(frozen=True, slots=True)
class Match:
    """One way to read some words as a service or person."""

    kind: str
    id: str
    first: int
    last: int
    score: float


@dataclass(frozen=True, slots=True)
class _Alias:
    kind: str
    id: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Index:
    """A catalog prepared for matching: whole names, and words that only one service or person has."""

    aliases: tuple[_Alias, ...]
    parts: tuple[_Alias, ...]
    longest: int
    #: Places in `aliases` and `parts` by the first word of each.
    alias_places: Mapping[str, Sequence[int]]
    part_places: Mapping[str, Sequence[int]]
    #: First words by their first letter; and the long ones, whose first letter may be mistyped.
    by_letter: Mapping[str, Sequence[str]]
    long: Sequence[str]
    #: Words that customers have said: which of the first words each may stand for.
    likes: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, aliases: tuple[_Alias, ...], parts: tuple[_Alias, ...]) -> "_Index":
        """Return the index of these names."""
        firsts = list(dict.fromkeys(one.keys[0] for one in (*aliases, *parts)))
        by_letter: dict[str, list[str]] = defaultdict(list)
        for first in firsts:
            by_letter[first[0]].append(first)
        return cls(
            aliases,
            parts,
            max((len(alias.keys) for alias in aliases), default=0),
            _places(aliases),
            _places(parts),
            by_letter,
            [first for first in firsts if len(first) >= _LONG],
        )


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class CatalogMatcher(Learner):
    """Adds entities `service`, `staff`, `place` and `add_on` whose values are ids of the message's catalog."""

    def learn(self, data: TrainingData) -> dict[str, Any]:
        """Learn the common words: those said with different intents are no misspelt names."""
        intents: dict[str, set[str]] = defaultdict(set)
        plain = plain_words(str(example.get("text")) for example in data.intent_examples)
        for example in data.intent_examples:
            if example.get("intent") not in _CHATTER:
                continue
            for word in words_of(str(example.get("text"))):
                if not word.capital or (word.start == 0 and word.text in plain):
                    intents[word.text].add(str(example.get("intent")))
        common = sorted(word for word, said in intents.items() if len(said) > 1)
        stems: dict[str, set[str]] = defaultdict(set)
        for key, said_with in intents.items():
            stems[_stem(key)] |= said_with
        said = Counter(word for example in data.intent_examples for word in set(keys_of(str(example.get("text")))))
        return {
            "common": common,
            # "looks good" and "look forward": a word of a longer name that is said so names nothing alone.
            "stems": sorted(stem for stem, said_with in stems.items() if len(said_with) > 1),
            "said": sorted(word for word, count in said.items() if count >= _OFTEN),
            "doing": sorted(_words_of_doing(data)),
            "small": sorted({key for text in lookup(data, "small word") for key in keys_of(text)}),
            "with": sorted({key for text in lookup(data, "with") for key in keys_of(text)}),
        }

    def prepare(self) -> None:
        """Make sets of the lists."""
        self._common = frozenset(self.learned.get("common", ()))
        self._stems = frozenset(self.learned.get("stems", ()))
        self._said = frozenset(self.learned.get("said", ()))
        self._doing = frozenset(self.learned.get("doing", ()))
        self._small = frozenset(self.learned.get("small", ()))
        self._with = frozenset(self.learned.get("with", ()))
        self._index = lru_cache(maxsize=64)(self._indexed)

    def process(self, messages: list[Message]) -> list[Message]:
        """Match each message against its own catalog."""
        for message in messages:
            heard = heard_of(message)
            if heard is None:
                continue
            text = str(message.get("text") or "")
            words = words_of(text)
            for match in self.matches(text, heard.catalog):
                start, end = words[match.first].start, words[match.last].end
                add_entity(
                    message,
                    {
                        "entity": match.kind,
                        "value": match.id,
                        "text": text[start:end],
                        "start": start,
                        "end": end,
                        "confidence": match.score,
                    },
                )
        return messages

    def matches(self, text: str, catalog: Catalog) -> list[Match]:
        """Return what is named, in order; of overlapping readings the longer and more exact one."""
        index = self._index(catalog)
        words = words_of(text)
        kept = [number for number, word in enumerate(words) if word.text not in self._small]
        found = [match for match in self._candidates(index, words, kept, text) if match is not None]
        found.sort(key=lambda match: (-(match.last - match.first), -match.score, match.first))
        taken: set[int] = set()
        chosen: list[Match] = []
        for match in found:
            span = set(range(match.first, match.last + 1))
            if span & taken or self._is_torn(match, found):
                continue
            taken |= span
            chosen.append(match)
        return sorted(chosen, key=lambda match: match.first)

    @staticmethod
    def _is_torn(match: Match, found: Sequence[Match]) -> bool:
        """Tell whether the same words name something else just as well."""
        rivals = {
            other.id
            for other in found
            if (other.first, other.last, other.kind) == (match.first, match.last, match.kind)
            and other.score >= match.score
        }
        return len(rivals) > 1

    def _indexed(self, catalog: Catalog) -> _Index:
        aliases = tuple(
            _Alias(kind, name.id, keys)
            for kind, names in _kinds(catalog)
            for name in names
            for keys in dict.fromkeys(
                written for alias in name.names for written in _as_written(self._kept_keys(alias), kind)
            )
            if keys
        )
        parts = tuple(part for kind, names in _kinds(catalog) for part in self._single(kind, names))
        return _Index.of(aliases, parts)

    def _kept_keys(self, alias: str) -> tuple[str, ...]:
        keys = keys_of(alias)
        return tuple(key for key in keys if key not in self._small) or keys

    def _single(self, kind: str, names: Iterable[Name]) -> Iterator[_Alias]:
        """Yield the words of longer names that point to one service or person."""
        owners: dict[str, set[str]] = defaultdict(set)
        for name in names:
            for alias in name.names:
                for key in self._kept_keys(alias):
                    owners[_stem(key)].add(name.id)
        for name in names:
            for alias in name.names:
                keys = self._kept_keys(alias)
                if len(keys) < 2:
                    continue
                for key in keys:
                    if len(key) < _FUZZY_FROM or _stem(key) in self._stems or key in self._doing:
                        continue
                    if len(owners[_stem(key)]) == 1:
                        yield _Alias(kind, name.id, (key,))

    def _candidates(
        self, index: _Index, words: Sequence[Word], kept: Sequence[int], text: str
    ) -> Iterator[Match | None]:
        for position in range(len(kept)):
            key = words[kept[position]].text
            firsts = self._like(index, key)
            for length in range(1, min(index.longest, len(kept) - position) + 1):
                numbers = kept[position : position + length]
                if numbers[-1] - numbers[0] > length + 1:
                    break
                said = tuple(words[number].text for number in numbers)
                for place in sorted(place for first in firsts for place in index.alias_places.get(first, ())):
                    alias = index.aliases[place]
                    if len(alias.keys) != length:
                        continue
                    score = self._score(alias.keys, said)
                    if score and self._is_meant(alias, words, numbers, score, text):
                        yield Match(alias.kind, alias.id, numbers[0], numbers[-1], score)
            yield from self._in_two(index, words, kept[position : position + 2], text)
            for place in sorted(place for first in firsts for place in index.part_places.get(first, ())):
                part = index.parts[place]
                if self._word_score(part.keys[0], key) and self._is_meant(part, words, [kept[position]], _PART, text):
                    yield Match(part.kind, part.id, kept[position], kept[position], _PART)

    def _in_two(
        self, index: _Index, words: Sequence[Word], numbers: Sequence[int], text: str
    ) -> Iterator[Match | None]:
        """Match a name of one word that was written as two: "hair cut", "Haar Schnitt"."""
        if len(numbers) < 2 or numbers[1] - numbers[0] != 1:
            return
        joined = "".join(words[number].text for number in numbers)
        for place in index.alias_places.get(joined, ()):
            alias = index.aliases[place]
            if len(alias.keys) == 1 and self._is_meant(alias, words, numbers, _PLURAL, text):
                yield Match(alias.kind, alias.id, numbers[0], numbers[-1], _PLURAL)

    def _like(self, index: _Index, word: str) -> frozenset[str]:
        """Return the first words of names that a word may stand for; most words come again and again."""
        known = index.likes.get(word)
        if known is None:
            if len(index.likes) >= _MOST_WORDS:
                index.likes.clear()
            near = (*index.by_letter.get(word[0], ()), *index.long)
            known = index.likes[word] = frozenset(key for key in near if self._word_score(key, word, among=True))
        return known

    def _score(self, keys: tuple[str, ...], said: tuple[str, ...]) -> float:
        if keys == said:
            return _EXACT
        worst = _EXACT
        # "coup de cheveux": beside the rest of the name a word of its own is a slip after all.
        among = any(key == word for key, word in zip(keys, said, strict=True))
        for key, word in zip(keys, said, strict=True):
            score = self._word_score(key, word, among=among)
            if not score:
                return 0.0
            worst = min(worst, score)
        return worst

    def _word_score(self, key: str, word: str, *, among: bool = False) -> float:
        if key == word:
            return _EXACT
        if (word in self._common and not among) or word.isdigit():
            return 0.0
        if len(word) >= _FUZZY_FROM and _is_plural(key, word):
            return _PLURAL
        if len(key) < _FUZZY_FROM or len(word) < _FUZZY_FROM or (word in self._said and not among):
            return 0.0  # "mine" is no mistyped "mise"
        allowed = 2 if len(key) >= _LONG else 1
        # People rarely mistype the first letter, and short words differ by one letter too easily.
        if key[0] != word[0] and len(key) < _LONG:
            return 0.0
        near = DamerauLevenshtein.distance(key, word, score_cutoff=allowed) <= allowed
        return _TYPO if near else 0.0

    def _is_meant(self, alias: _Alias, words: Sequence[Word], numbers: Sequence[int], score: float, text: str) -> bool:
        """Refuse a person called like a common word ("Will", "May") unless it is written as a name."""
        if alias.kind != "staff" or len(alias.keys) > 1 or alias.keys[0] not in self._common:
            return True
        word = words[numbers[0]]
        after_with = numbers[0] > 0 and words[numbers[0] - 1].text in self._with
        before = text[: word.start].rstrip()
        return after_with or (word.capital and bool(before) and before[-1] not in ".!?\n") or len(words) == 1


def _words_of_doing(data: TrainingData) -> set[str]:
    """Return words that tell what is to be done, not to whose hair: "cambiar" names no service alone."""
    naming: Counter[str] = Counter()
    doing: Counter[str] = Counter()
    for example in data.intent_examples:
        words = set(keys_of(str(example.get("text"))))
        (doing if example.get("intent") in _DOING else naming).update(words)
    return {word for word, count in doing.items() if count >= _OFTEN and count > naming[word]}


def _places(aliases: Sequence[_Alias]) -> Mapping[str, Sequence[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, alias in enumerate(aliases):
        places[alias.keys[0]].append(place)
    return places


def _kinds(catalog: Catalog) -> tuple[tuple[str, tuple[Name, ...]], ...]:
    """Return all that can be named; of words that two kinds have, the first kind is meant."""
    return (
        ("service", catalog.services),
        ("staff", catalog.staff),
        ("place", catalog.places),
        ("add_on", catalog.add_ons),
    )


def _as_written(keys: tuple[str, ...], kind: str) -> Iterator[tuple[str, ...]]:
    """Yield a name's words, and those of a service of two short words as one: "beardtrim"."""
    yield keys
    if kind != "staff" and len(keys) == 2 and not any(key.isdigit() for key in keys):
        yield ("".join(keys),)


def _is_plural(key: str, word: str) -> bool:
    """Whether two words differ by an ending of the plural: "massages", "Massagen", "coupes"."""
    if _stem(key) == _stem(word):
        return True
    shorter, longer = sorted((key, word), key=len)
    return len(shorter) >= _FUZZY_FROM and longer in {shorter + ending for ending in _PLURALS}


def _stem(word: str) -> str:
    """Take off an ending of the plural."""
    for ending in ("ies", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word

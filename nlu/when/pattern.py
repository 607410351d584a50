"""Rules over tokens: a pattern of kinds, written as words, compiled to one regular expression over token symbols.

A pattern is kinds separated by spaces: `at? h:hour (hmark m:minute?)?`. `name:kind` keeps the token for the rule,
`a/b` is a or b, `a!b` is a token that is an a but could not be a b, `( )`, `|`, `?` and `*`
are as in any regular expression.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from nlu.when.tokens import PUNCTUATION, Token, number_values

_ATOM = re.compile(r"[()|?*+]|\{\d(?:,\d)?\}|[\w:/!]+")
_CHOICE_OF_KINDS = re.compile(r"\(([\w!/|]+)\)")
_FIRST_SYMBOL = 0xE000


@dataclass(frozen=True, slots=True)
class Match:
    """The tokens that a rule matched, by the names in its pattern."""

    tokens: Sequence[Token]
    found: re.Match[str]
    names: Mapping[str, tuple[str, ...]]
    context: Context

    def token(self, name: str) -> Token | None:
        """Return the named token, or None when that part of the pattern was not there."""
        index = self.found.start(name) if name in self.names else -1
        return self.tokens[index] if index >= 0 else None

    def get(self, name: str) -> Any:
        """Return the named token's value for the kind that the pattern asked for."""
        token = self.token(name)
        if token is None:
            return None
        return next((token.values[kind] for kind in self.names[name] if kind in token.values), None)

    def has(self, name: str) -> bool:
        """Tell whether the named part was there."""
        return self.token(name) is not None

    @property
    def before(self) -> Token | None:
        """The token before the match."""
        return self.tokens[self.found.start() - 1] if self.found.start() else None

    @property
    def after(self) -> Token | None:
        """The token after the match."""
        return self.tokens[self.found.end()] if self.found.end() < len(self.tokens) else None

    @property
    def is_whole(self) -> bool:
        """The message holds nothing else."""
        start, end = self.found.span()
        outside = itertools.chain(range(start), range(end, len(self.tokens)))
        return all("mark" in self.tokens[index].values for index in outside)


@dataclass(frozen=True, slots=True)
class Context:
    """What rules may know besides the words: the language's data and whether the talk is about time already."""

    language: str
    data: Mapping[str, Any]
    order: str
    latent: bool
    days_for_number: int = 60
    #: The weekday of today, 0 is Monday.
    today: int | None = None


Build = Callable[[Match], Any]

# What a rule returns for words that form a time that cannot be (31 February): none of them may be read another way.
NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Rule:
    """One named rule: patterns, the kind it makes and the function that builds the meaning."""

    name: str
    makes: str
    patterns: tuple[str, ...]
    build: Build


@dataclass(slots=True)
class Stage:
    """Rules that run one after the other, each over the whole message."""

    rules: list[Rule] = field(default_factory=list)

    def rule(self, makes: str, *patterns: str) -> Callable[[Build], Build]:
        """Register a function as the meaning of patterns; a language file may add more under the function's name."""

        def register(build: Build) -> Build:
            self.rules.append(Rule(build.__name__, makes, patterns, build))
            return build

        return register


@dataclass(frozen=True, slots=True)
class _Compiled:
    makes: str
    build: Build
    regex: re.Pattern[str]
    names: Mapping[str, tuple[str, ...]]
    needs: str


def _flat(pattern: str) -> str:
    """Write choices between kinds as one kind and bound repetition, so that no text makes the search run wild."""
    return _CHOICE_OF_KINDS.sub(lambda found: found[1].replace("|", "/"), pattern).replace("*", "{0,6}")


class Grammar:
    """All rules of all stages, compiled for one lexicon."""

    def __init__(
        self,
        stages: Sequence[Stage],
        lexicon_kinds: frozenset[frozenset[str]],
        shapes: Mapping[str, Sequence[str]],
        drop: Sequence[str],
    ) -> None:
        self._symbols: dict[frozenset[str], str] = {}
        made = {rule.makes for stage in stages for rule in stage.rules}
        for kinds in _all_kinds(lexicon_kinds, made):
            self._symbol(kinds)
        self._rules = [
            compiled
            for stage in stages
            for rule in stage.rules
            if rule.name not in drop
            for pattern in (*shapes.get(rule.name, ()), *rule.patterns)
            if (compiled := self._compile(rule, pattern)) is not None
        ]

    def _symbol(self, kinds: frozenset[str]) -> str:
        return self._symbols.setdefault(kinds, chr(_FIRST_SYMBOL + len(self._symbols)))

    def _class(self, atom: str) -> str:
        wanted: set[str] = set()
        for option in atom.split("/"):
            kind, *others = option.split("!")
            wanted |= {
                symbol
                for kinds, symbol in self._symbols.items()
                if kind in kinds and not any(other in kinds for other in others)
            }
        return f"[{''.join(sorted(wanted))}]" if wanted else "(?!)"

    def _compile(self, rule: Rule, pattern: str) -> _Compiled | None:
        names: dict[str, tuple[str, ...]] = {}
        pieces: list[str] = []
        needs = ""
        depth = 0
        atoms = _ATOM.findall(_flat(pattern))
        for index, atom in enumerate(atoms):
            if atom == "(":
                depth += 1
                pieces.append("(?:")
            elif atom in ")|?*+" or atom[0] == "{":
                depth -= atom == ")"
                pieces.append(atom)
            else:
                name, _, kinds = atom.rpartition(":")
                symbols = self._class(kinds)
                optional = (
                    depth or "|" in atoms or (index + 1 < len(atoms) and atoms[index + 1].startswith(("?", "{0")))
                )
                if not optional:
                    if symbols == "(?!)":
                        return None
                    if not needs or len(symbols) < len(needs):
                        needs = symbols
                if name:
                    names[name] = tuple(option.split("!")[0] for option in kinds.split("/"))
                    symbols = f"(?P<{name}>{symbols})"
                pieces.append(symbols)
        return _Compiled(rule.makes, rule.build, re.compile("".join(pieces)), names, needs.strip("[]"))

    def apply(self, tokens: list[Token], context: Context) -> list[Token]:
        """Run every rule over the tokens in order and return what is left: meanings and unused words."""
        text = "".join(map(self._symbol_of, tokens))
        present = set(text)
        for rule in self._rules:
            if rule.needs and present.isdisjoint(rule.needs):
                continue
            made = list(self._replacements(rule, tokens, text, context))
            if made:
                tokens = _replace(tokens, made)
                text = "".join(map(self._symbol_of, tokens))
                present = set(text)
        return tokens

    def _symbol_of(self, token: Token) -> str:
        # A set of kinds that no pattern was compiled for gets a symbol outside all classes.
        return self._symbols.get(frozenset(token.values), "\uffff")

    @staticmethod
    def _replacements(
        rule: _Compiled, tokens: list[Token], text: str, context: Context
    ) -> Iterator[tuple[int, int, Token]]:
        position = 0
        while found := rule.regex.search(text, position):
            start, end = found.span()
            meaning = rule.build(Match(tokens, found, rule.names, context)) if end > start else None
            if meaning is None:
                position = start + 1
                continue
            values = {"never": True} if meaning is NOTHING else {rule.makes: meaning}
            token = Token(tokens[start].start, tokens[end - 1].end, values, tokens[start].glued)
            yield start, end, token
            position = end


def _replace(tokens: list[Token], made: Sequence[tuple[int, int, Token]]) -> list[Token]:
    result: list[Token] = []
    position = 0
    for start, end, token in made:
        result += tokens[position:start]
        result.append(token)
        position = end
    return result + tokens[position:]


def _all_kinds(lexicon_kinds: frozenset[frozenset[str]], made: set[str]) -> Iterator[frozenset[str]]:
    """Yield every set of kinds that a token can have, always in the same order."""
    numeric = [number_values(value, width) for value in range(100) for width in ((1, 2) if value < 10 else (2,))]
    numeric += [
        number_values(value, len(str(value)))
        for value in (100, 130, 160, 999, 1030, 1099, 1930, 1999, 2010, 2060, 2099, 2199, 5000, 12345)
    ]
    shapes: list[set[str]] = [
        {"word"},
        {"never"},
        {"isodate"},
        {"numdate"},
        {"hm"},
        {"decimal"},
        {"slashdate"},
        {"slashdate", "fraction"},
        {"fraction"},
    ]
    shapes += [{"decimal", "dotdate"}, {"decimal", "dothm"}, {"decimal", "dotdate", "dothm"}, {"ord", "digits"}]
    marks = ({mark, "mark"} for mark in set(PUNCTUATION.values()))
    groups = itertools.chain(
        map(frozenset, numeric),
        map(frozenset, shapes),
        map(frozenset, marks),
        lexicon_kinds,
        (frozenset({kind}) for kind in made),
    )
    yield from sorted(set(groups), key=sorted)

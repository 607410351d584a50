"""The text of a file into plain values, each with its line: the plain part of YAML, so that a file says what it seems.

Words such as `no` and times such as 9:00 stay words, nothing is written twice by an alias, and no key hides
another one of the same name. The values are text, whole numbers, decimal numbers, dates, true, false and null.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

Path_ = tuple[str | int, ...]

#: A business of a thousand services in five languages needs less.
LARGEST = 1_000_000
DEEPEST = 12
MOST_PROBLEMS = 20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,11})\.[0-9]{1,12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


class SeedError(ValueError):
    """A file that cannot be loaded; the message names file and line of everything that is wrong."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, and what."""

    where: Sequence[str | int]
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file's values and their lines."""

    path: Path
    data: Any
    lines: Mapping[Path_, int]

    def error(self, problems: Sequence[Problem]) -> SeedError:
        """Return the error for what is wrong, in the order of the lines."""
        found = sorted({self._located(problem) for problem in problems})
        said = [f"{self.path}:{line}: {name}: {message}" for line, name, message in found[:MOST_PROBLEMS]]
        if len(found) > MOST_PROBLEMS:
            said.append(f"{self.path}: and {len(found) - MOST_PROBLEMS} more")
        return SeedError("\n".join(said))

    def _located(self, problem: Problem) -> tuple[int, str, str]:
        """Find the line of a problem: of the nearest that the file has; list items are called by their name."""
        at: Path_ = ()
        value = self.data
        names: list[str] = []
        for step in problem.where:
            if (*at, step) not in self.lines:
                continue
            at = (*at, step)
            value = value[step]
            own = value.get("name") if isinstance(step, int) and isinstance(value, dict) else None
            names.append(own if isinstance(own, str) else str(step))
        message = problem.message if len(problem.message) <= 300 else problem.message[:297] + "..."
        return self.lines.get(at, 1), ".".join(names) or "file", message


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return ` (did you mean 'Haircut'?)` if something known is written nearly so."""
    near = get_close_matches(name, known, n=1) if len(known) <= 300 and len(name) <= 60 else []
    return f" (did you mean {near[0]!r}?)" if near else ""


def read_document(path: Path) -> Document:
    """Read a file; refuses with SeedError what is no plain YAML of one document."""
    text = _text_of(path)
    lines: dict[Path_, int] = {}
    builder = _Builder(path, lines)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _at(path, mark.line if mark else 0, f"this is no YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        if isinstance(error, SeedError):
            raise
        raise _at(path, 0, "this is no YAML") from None
    if not builder.documents or builder.data is None:
        raise _at(path, 0, "the file is empty")
    return Document(path, builder.data, lines)


def _at(path: Path, line: int, message: str) -> SeedError:
    return SeedError(f"{path}:{line + 1}: {message}")


def _text_of(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise _at(path, 0, f"the file is larger than {LARGEST // 1_000_000} MB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start)
        raise _at(path, line, "this is not UTF-8: save the file with that encoding") from None
    if found := _UNREADABLE.search(text):
        raise _at(path, text.count("\n", 0, found.start()), f"a sign that is no text: U+{ord(found[0]):04X}")
    return text


@dataclass(slots=True)
class _Open:
    """A list or a mapping that is being read."""

    value: Any
    at: Path_
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    """Builds values of events, one after the other: no nesting of calls that a file could exhaust."""

    path: Path
    lines: dict[Path_, int]
    data: Any = None
    documents: int = 0
    stack: list[_Open] = field(default_factory=list)

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line if event.start_mark else 0
        if (anchor := getattr(event, "anchor", None)) is not None:
            word = "*" if isinstance(event, yaml.AliasEvent) else "&"
            raise _at(self.path, line, f"{word}{anchor} is a reference of YAML: write it out instead")
        if (tag := getattr(event, "tag", None)) is not None:
            tag = tag.replace("tag:yaml.org,2002:", "!!")
            raise _at(self.path, line, f"{tag} is a tag of YAML: leave it away")
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise _at(self.path, line, "a second document begins: a file holds one business")
            case yaml.ScalarEvent():
                self._scalar(event, line)
            case yaml.MappingStartEvent():
                self._open({}, line)
            case yaml.SequenceStartEvent():
                self._open([], line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.stack.pop()

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        if found := _UNREADABLE.search(event.value):
            raise _at(self.path, line, f"a sign that is no text: U+{ord(found[0]):04X}")
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            if event.value in top.value:
                first = self.lines[*top.at, event.value]
                raise _at(self.path, line, f"{event.value!r} is there twice: first in line {first}")
            top.key = event.value
            # Until its value is read, so that the same key right after it is found.
            self.lines[*top.at, event.value] = line + 1
            return
        plain = event.implicit[0]
        self._put(self._read(event.value, line) if plain else event.value, line)

    def _read(self, word: str, line: int) -> Any:
        if word in _WORDS:
            return _WORDS[word]
        if _WHOLE.fullmatch(word):
            return int(word)
        if _DECIMAL.fullmatch(word):
            return float(word)
        if _DATE.fullmatch(word):
            try:
                return date.fromisoformat(word)
            except ValueError:
                raise _at(self.path, line, f"there is no such date: {word}") from None
        return word

    def _open(self, value: Any, line: int) -> None:
        if len(self.stack) == DEEPEST:
            raise _at(self.path, line, "lists within lists, too deep for a business")
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            raise _at(self.path, line, "a key must be a word, not a list")
        self.stack.append(_Open(value, self._put(value, line)))

    def _put(self, value: Any, line: int) -> Path_:
        """Put a value where it belongs; a value of a key keeps the key's line."""
        if not self.stack:
            self.data = value
            self.lines[()] = line + 1
            return ()
        top = self.stack[-1]
        at: Path_
        if isinstance(top.value, dict):
            if top.key is None:
                raise _at(self.path, line, "a key must be a word")
            at = (*top.at, top.key)
            top.value[top.key] = value
            top.key = None
        else:
            at = (*top.at, len(top.value))
            top.value.append(value)
            self.lines[at] = line + 1
        return at

"""Parts of a message that may mean different things: "yes, but how much is it?"."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

#: Emoji that are whole answers; the tokenizer drops them.
SIGNS = {
    "affirm": "👍👌✅☑✔🙌🆗",
    "deny": "👎❌✖🙅",
    "thanks": "🙏",
    "greet": "👋",
    "book": "💇💅💈✂💆🧖🦷📅📆🗓",
}
_PUNCTUATION = r"[.!?;\n…]+|,|\s[-–—]\s|[¿¡]"
_MOST = 8
#: So many letters beside a number are an article or an ending.
_ARTICLE = 5


@dataclass(frozen=True, slots=True)
class Splitter:
    """Where one language's messages fall into parts."""

    breaks: re.Pattern[str]
    #: A yes at the beginning stands for itself, whatever follows.
    leading_yes: re.Pattern[str] | None

    @classmethod
    def of(cls, joining: Iterable[str] = (), leading: Iterable[str] = ()) -> Self:
        """Make a splitter from joining words ("and", "but") and words that say yes at the beginning ("sure")."""
        words, yes = _any_of(joining), _any_of(leading)
        return cls(
            re.compile(rf"{_PUNCTUATION}|(?<!\w)(?:{words})(?!\w)" if words else _PUNCTUATION, re.IGNORECASE),
            re.compile(rf"\s*(?:{yes})(?=\s+\w)", re.IGNORECASE) if yes else None,
        )

    def clauses_of(self, text: str) -> tuple[str, ...]:
        """Return the parts of a text that can be understood by themselves; empty if it is all one."""
        parts: list[str] = []
        lead = self.leading_yes.match(text) if self.leading_yes is not None else None
        if lead:
            parts.append(lead.group().strip())
            text = text[lead.end() :]
        parts += [part.strip() for part in self.breaks.split(text)]
        parts = [part for part in parts if _says_something(part)]
        return tuple(parts[:_MOST]) if len(parts) > 1 else ()


def _says_something(part: str) -> bool:
    """Tell whether a part has words, and more than the article of a number ("Thursday, the 11th")."""
    letters = sum(char.isalpha() for char in part)
    return letters > (_ARTICLE if any(char.isdigit() for char in part) else 0)


def _any_of(phrases: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(phrases, key=len, reverse=True)))


def sign_of(text: str) -> str | None:
    """Return what an answer of nothing but emoji means."""
    if any(char.isalnum() for char in text):
        return None
    for intent, signs in SIGNS.items():
        if any(sign in text for sign in signs):
            return intent
    return None


def is_noise(text: str) -> bool:
    """Tell whether a text is one or two letters over and over: a sleeping cat, not a message."""
    letters = [char for char in text.casefold() if char.isalnum()]
    return len(letters) > 6 and len(set(letters)) <= 2

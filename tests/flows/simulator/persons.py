"""Kinds of people: how they write, tap, doubt and ask."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Person:
    """Habits, as shares of the occasions."""

    name: str
    #: Short sentences, long ones, or any.
    length: str = "any"
    taps: float = 0.2
    typos: float = 0.0
    #: Changes of mind in one booking, at most.
    changes: int = 0
    asks: float = 0.2
    greets: float = 0.2
    thanks: float = 0.5


PERSONS = {
    one.name: one
    for one in (
        Person("terse", length="short", taps=0.1, asks=0.1, greets=0.1, thanks=0.2),
        Person("verbose", length="long", taps=0.05, asks=0.4, greets=0.2, thanks=0.9),
        Person("typing-errors", taps=0.1, typos=0.12, greets=0.3),
        Person("indecisive", taps=0.15, changes=2, asks=0.4),
        Person("button-tapping", length="short", taps=0.9, greets=0.5, thanks=0.2),
    )
}
_NEAR = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "w", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip


def mistyped(text: str, share: float, rng: Random) -> str:
    """Return the text with slips in some of its longer words: swapped, lost, doubled or neighbouring letters."""
    return " ".join(_slip(word, rng) if _can_slip(word) and rng.random() < share else word for word in text.split(" "))


def _can_slip(word: str) -> bool:
    return len(word) >= 4 and word.strip(".,?!").isalpha()


def _slip(word: str, rng: Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    match rng.choice(["swap", "drop", "double", "near"]):
        case "swap":
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case "drop":
            return word[:at] + word[at + 1 :]
        case "double":
            return word[:at] + word[at] + word[at:]
    near = _NEAR.get(word[at].lower(), word[at])
    return word[:at] + rng.choice(near) + word[at + 1 :]

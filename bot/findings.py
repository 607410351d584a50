"""What the doctor finds."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is: `note` works, but somebody should know; `wrong` does not work."""

    OK = "ok"
    NOTE = "note"
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and one sentence about it."""

    level: Level
    subject: str
    words: str


def ok(subject: str, words: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(Level.OK, subject, words)


def note(subject: str, words: str) -> Finding:
    """Return a finding that somebody should know."""
    return Finding(Level.NOTE, subject, words)


def wrong(subject: str, words: str) -> Finding:
    """Return a finding that does not work as it is."""
    return Finding(Level.WRONG, subject, words)


def in_a_line(error: Exception) -> str:
    """Return what a driver says last, without the advice that it puts on a line of its own."""
    lines = str(error).strip().splitlines()
    return next((line.strip() for line in reversed(lines) if not line.startswith(("\t", " "))), type(error).__name__)

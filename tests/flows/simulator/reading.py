"""What a customer reads in a reply: times in labels, and whether a question was answered."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from tests.flows.simulator.wordings import Wordings

_TIME = re.compile(r"(\d{1,2})(?::|\s?h\s?|\.)(\d{2})\s*([AaPp])?\.?\s?[Mm]?")
#: What an answer shows to whoever asked, whatever the language: the sample studio's own facts.
ANSWERS = {
    "ask_price": re.compile(r"(?:28|26|95|65|24|15|88)[.,]00"),
    "ask_address": re.compile(r"Huertas 12"),
    "ask_hours": re.compile(r"\b9:00\D+19:00|19:00|20:00"),
    "ask_phone": re.compile(r"910 000 000"),
    "ask_staff": re.compile(r"Ana|Bruno|Carla"),
    "ask_policy": re.compile(r"\b24\b"),
}


@dataclass(frozen=True)
class Offered:
    """A choice that is a time."""

    choice: dict[str, Any]
    at: datetime
    index: int


def plain(text: str) -> str:
    """Return the text without case and accents."""
    return "".join(char for char in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(char))


def times_of(choices: list[dict[str, Any]], words: Wordings, today: date) -> list[Offered]:
    """Return the choices that name a day and a time."""
    found = []
    for index, choice in enumerate(choices):
        at = moment_of(choice["label"], words, today)
        if at is not None:
            found.append(Offered(choice, at, index))
    return found


def moment_of(label: str, words: Wordings, today: date) -> datetime | None:
    """Return the local moment that a label names: `Thu 4 Mar, 15:00`."""
    clocks = list(_TIME.finditer(label))
    if not clocks:
        return None
    clock = clocks[-1]
    hour, minute = int(clock.group(1)), int(clock.group(2))
    if clock.group(3):
        hour = hour % 12 + (12 if clock.group(3).lower() == "p" else 0)
    rest = label[: clock.start()]
    tokens = re.findall(r"[^\W\d_]+|\d+", plain(rest))
    month = next((n for n, token in _months(tokens, words)), None)
    days = [int(token) for token in tokens if token.isdigit() and int(token) <= 31]
    if month is None or not days:
        return None
    year = today.year if (month, days[-1]) >= (today.month, today.day) else today.year + 1
    return datetime.combine(date(year, month, days[-1]), time(hour, minute))


def _months(tokens: list[str], words: Wordings) -> list[tuple[int, str]]:
    """Return tokens that shorten a month's name; a weekday stands before it, so the last one counts."""
    full = [plain(month) for month in words.months]
    found = [
        (n, token)
        for token in tokens
        if len(token) >= 3
        for n, month in enumerate(full, 1)
        if month.startswith(token) or (len(token) > 3 and token.startswith(month[:4]))
    ]
    return found[::-1]


def start_of(facts: dict[str, Any]) -> datetime:
    """Return the local start on a booking's card."""
    return datetime.fromisoformat(facts["start"]).replace(tzinfo=None)

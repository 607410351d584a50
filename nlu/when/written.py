"""Dates written out in full that the grammar does not know: dateparser reads them, in some 200 languages.

Only whole dates count, with a day and a month of their own: dateparser's guesses at bare numbers and
relative words are wrong too often to be acted on (docs/decisions/0010-time-grammar.md).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from nlu.when.model import Window

#: More text than anybody needs to write one date; keeps hostile texts cheap.
_LONGEST = 200
#: A date and a time have five numbers; a text with many more is none, and dateparser is slow on it.
_MOST_NUMBERS = 10
_DIGITS = re.compile(r"\d")
_NUMBER = re.compile(r"\d+")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_LETTER = re.compile(r"[^\W\d_]")
_NUMERIC = re.compile(r"(?:19|20)\d\d\s*[-/.]\s*\d\d?\s*[-/.]\s*\d\d?")
_CLOCK = re.compile(r"\d\s*(?:[:：時时시]|h\b)\s*\d*|\d\s*[ap]\.?m", re.IGNORECASE)


def find_written(text: str, *, language: str, known: bool, now: datetime) -> Window | None:
    """Return the one date that is written out in the text, if there is just one; never raises.

    `known`: the language has a grammar, so only a date with its year is left for us to find.
    """
    short = text[:_LONGEST]
    if not _DIGITS.search(short) or (known and not _YEAR.search(short)):
        return None
    if len(_NUMBER.findall(short)) > _MOST_NUMBERS:
        return None
    found = [(part, moment) for part, moment in _search(short, language, now) if _is_whole(part)]
    if len(found) != 1:
        return None
    ((part, moment),) = found
    start = text.find(part)
    if start < 0:
        return None
    timed = _CLOCK.search(part) is not None
    begins = moment.replace(second=0, microsecond=0)
    if not timed:
        begins = begins.replace(hour=0, minute=0)
    ends = begins + (timedelta(minutes=1) if timed else timedelta(days=1))
    return Window(
        begins,
        ends,
        "minute" if timed else "day",
        part,
        (start, start + len(part)),
        past=begins < now if timed else ends <= now,
    )


def _is_whole(part: str) -> bool:
    """Tell a date from a number: it names its month, or has a year, a month and a day."""
    return bool(_DIGITS.search(part)) and (bool(_LETTER.search(part)) or bool(_NUMERIC.search(part)))


def _search(text: str, language: str, now: datetime) -> list[tuple[str, datetime]]:
    # Imported when first needed: it takes a quarter of a second, and most texts never need it.
    from dateparser.search import search_dates

    settings = {
        "RELATIVE_BASE": now,
        "PREFER_DATES_FROM": "future",
        "REQUIRE_PARTS": ["day", "month"],
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    try:
        found = search_dates(text, languages=[language], settings=settings)
    except (ValueError, TypeError, OverflowError, KeyError, IndexError, AttributeError, RecursionError):
        return []  # an unknown language, or a text that trips it
    return [(part, moment) for part, moment in found or []]

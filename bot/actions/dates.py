"""Dates and times that do not exist ("31 Feb", "25:00"): said so, not passed over."""

import re
from datetime import datetime
from functools import lru_cache

from bot.phrasing import babel_locale
from nlu.pipeline.texts import fold
from nlu.when import When

_CLOCK = re.compile(r"(?<![\d:.])(\d{1,2})[:h](\d{2})(?![\d:])")
_LATEST_HOUR, _LATEST_MINUTE = 24, 59
#: The leap year in which every date exists that ever does.
_LEAP = 2024


def names_nothing(text: str, when: When | None, locale: str) -> bool:
    """Whether a text names a date or time that there is not, and no other."""
    if when is not None and when.choices:
        return False
    folded = fold(text)
    if any(int(hour) > _LATEST_HOUR or int(minute) > _LATEST_MINUTE for hour, minute in _CLOCK.findall(folded)):
        return True
    return any(not _exists(int(day), month) for day, month in _days_of_months(folded, locale))


def _days_of_months(folded: str, locale: str) -> list[tuple[str, int]]:
    names = _months(locale.replace("_", "-").split("-")[0])
    month = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    found = re.findall(rf"(?<![\d:.])(\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of |de |di )?({month})(?!\w)", folded)
    turned = re.findall(rf"(?<!\w)({month})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])", folded)
    return [(day, names[name]) for day, name in found] + [(day, names[name]) for name, day in turned]


@lru_cache(maxsize=16)
def _months(language: str) -> dict[str, int]:
    months = babel_locale(language).months["format"]
    return {
        fold(str(name)).strip("."): number
        for width in ("wide", "abbreviated")
        for number, name in months[width].items()
    }


def _exists(day: int, month: int) -> bool:
    try:
        datetime(_LEAP, month, day)  # noqa: DTZ001 - a calendar date
    except ValueError:
        return False
    return True

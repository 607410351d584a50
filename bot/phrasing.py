"""Times, days and money as people of a locale write them; Babel knows how."""

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import format_currency
from babel.units import format_unit

from booking_core.kit.money import exponent
from nlu.pipeline.texts import fold

_SPOKEN = ("en", "es", "fr", "de", "pt")


@lru_cache(maxsize=256)
def babel_locale(tag: str) -> Locale:
    """Return the closest locale that Babel knows: region, then language, then English."""
    parts = tag.replace("-", "_")
    for candidate in (parts, parts.split("_", 1)[0], "en"):
        try:
            return Locale.parse(candidate)
        except (UnknownLocaleError, ValueError):
            continue
    raise UnknownLocaleError(tag)  # pragma: no cover - "en" is always known


@lru_cache(maxsize=256)
def local_tag(language: str, business_locale: str) -> str:
    """Return the language as it is written where the business is: `en-GB` there, not `en-US`.

    Falls back to the language alone where CLDR knows no such pair.
    """
    if business_locale.replace("_", "-").split("-")[0].lower() == language:
        return business_locale
    territory = Locale.parse(business_locale.replace("-", "_")).territory
    if territory:
        try:
            return str(Locale.parse(f"{language}_{territory}")).replace("_", "-")
        except (UnknownLocaleError, ValueError):
            # English abroad: the day before the month, a clock of 24 hours, and money as English writes it.
            return "en-GB" if language == "en" else language
    return language


def day(moment: datetime, tz: str, locale: str) -> str:
    """Return `Tue 24 Nov`, with the year only when it is not the obvious one."""
    return str(format_skeleton("MMMEd", moment, tzinfo=ZoneInfo(tz), locale=babel_locale(locale)))


def clock(moment: datetime, tz: str, locale: str) -> str:
    """Return `15:00` or `3:00 PM`."""
    return _plain(format_time(moment, "short", tzinfo=ZoneInfo(tz), locale=babel_locale(locale)))


def day_and_clock(moment: datetime, tz: str, locale: str) -> str:
    """Return `Tue 24 Nov, 15:00`."""
    return f"{day(moment, tz, locale)}, {clock(moment, tz, locale)}"


def choice(moment: datetime, tz: str, locale: str) -> str:
    """Return a moment as a choice: `Tue 24 Nov, 15:00`, short enough for WhatsApp's lists in Spanish, too."""
    told = day_and_clock(moment, tz, locale).replace("a. m.", "a.m.").replace("p. m.", "p.m.")
    return told.replace(" de ", " ") if told.endswith((" a.m.", " p.m.")) else told


def wall_day_and_clock(moment: datetime, locale: str) -> str:
    """Return a moment as `Tue 24 Nov, 15:00` by the offset that it bears, such as that of a booking's card."""
    wall = moment.replace(tzinfo=None)
    told = str(format_skeleton("MMMEd", wall, locale=babel_locale(locale)))
    return f"{told}, {_plain(format_time(wall.time(), 'short', locale=babel_locale(locale)))}"


def weekday(number: int, locale: str) -> str:
    """Return the name of a weekday, Monday being 0."""
    return str(babel_locale(locale).days["stand-alone"]["wide"][number])


def names_weekday(text: str) -> bool:
    """Whether a weekday is named, in any language that is spoken here."""
    words = {fold(word) for word in re.findall(r"[^\W\d_]+", text)}
    return bool(words & _weekdays()) or bool({word.rstrip("s") for word in words} & _weekdays())


def names_month(text: str) -> bool:
    """Whether a word is a month's name, in any language that is spoken here."""
    return fold(text) in _months()


@lru_cache(maxsize=1)
def _months() -> frozenset[str]:
    return frozenset(
        fold(str(name)).strip(".")
        for language in _SPOKEN
        for width in ("wide", "abbreviated")
        for name in babel_locale(language).months["format"][width].values()
    )


@lru_cache(maxsize=1)
def _weekdays() -> frozenset[str]:
    return frozenset(
        said
        for language in _SPOKEN
        for width in ("wide", "abbreviated")
        for name in babel_locale(language).days["format"][width].values()
        # Portuguese says "terça" for "terça-feira".
        for said in (fold(str(name)).strip("."), fold(str(name)).split("-")[0].strip("."))
    )


def hours(count: float, locale: str) -> str:
    """Return `24 hours` or `1.5 hours`."""
    return _plain(format_unit(count, "duration-hour", "long", locale=babel_locale(locale)))


def money(amount: int, currency: str, locale: str) -> str:
    """Return `€28.00` from minor units."""
    digits = exponent(currency)
    return _plain(
        format_currency(Decimal(amount).scaleb(-digits), currency, locale=babel_locale(locale), currency_digits=True)
    )


def _plain(text: str) -> str:
    # One special space would turn a whole SMS into the alphabet of 70 characters.
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def listed(items: list[str], locale: str, *, any_of: bool = False) -> str:
    """Return `a, b and c` (or `a, b or c`)."""
    return str(format_list(items, style="or" if any_of else "standard", locale=babel_locale(locale)))

"""How single values are written in a business's file: amounts, times of day, hours of the week, dates, names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from babel import localedata
from babel.core import get_global
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from booking_core.kit.money import exponent
from booking_core.rules.schedule import WallSpan
from booking_core.rules.wallclock import DAY, instant, moment_of

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: How "no hours on that day" is written.
CLOSED = "closed"
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
_SPAN = re.compile(r"([0-9]{1,2}):([0-5][0-9])\s*[-–]\s*([0-9]{1,2}):([0-5][0-9])")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-5][0-9])")
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,4})?")
_SHARE = re.compile(r"([0-9]{1,3}) ?%")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{1,2}:[0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit as it is written: an amount, or percent of the price."""

    amount: Decimal | None = None
    percent: int | None = None

    def of(self, price: int, currency: str) -> int:
        """Return it in minor units; a share is rounded down."""
        if self.percent is not None:
            return price * self.percent // 100
        return minor(self.amount or Decimal(0), currency)


@dataclass(frozen=True, slots=True)
class WallMoment:
    """A moment on the wall's clock, or with an offset of its own; without a time: the whole day."""

    day: date
    minute: int | None = None
    exact: datetime | None = None

    def instant(self, tz: str, *, end: bool = False) -> datetime:
        """Return the moment itself, on the wall of a zone."""
        if self.exact is not None:
            return self.exact.astimezone(UTC)
        minutes = self.minute if self.minute is not None else DAY if end else 0
        return moment_of(instant(tz, self.day, minutes))


def minor(amount: Decimal, currency: str) -> int:
    """Return an amount in a currency's minor units."""
    return int(amount.scaleb(exponent(currency)))


def finer_than_coins(amount: Decimal | None, currency: str) -> bool:
    """Whether an amount has more decimals than the currency's coins."""
    return amount is not None and bool(amount % Decimal(1).scaleb(-exponent(currency)))


def clock(text: str) -> int | None:
    """Return the minute of a day that a clock shows, from 0:00 to 24:00; None if it is none."""
    found = _CLOCK.fullmatch(text.strip())
    minute = int(found[1]) * 60 + int(found[2]) if found else DAY + 1
    return minute if minute <= DAY else None


def weekdays(text: str) -> list[int]:
    """Return the weekdays of `mon, wed` or `tue-sat`; Monday is 0."""
    days: list[int] = []
    for part in text.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
            raise ValueError(f"{part!r} is no weekday: use {', '.join(WEEKDAYS)}")
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        if end < start:
            raise ValueError(f"{part!r} does not end after it begins: the week begins with mon")
        days.extend(range(start, end + 1))
    return days


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    """Return what is legal tender somewhere today."""
    tender = (one for places in get_global("territory_currencies").values() for one in places)
    return frozenset(code for code, _, ended, is_tender in tender if ended is None and is_tender)


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"{name!r} is no time zone of the IANA database, such as Europe/Madrid")
    return name


def _currency(code: str) -> str:
    if code not in _currencies():
        raise ValueError(f"{code!r} is no currency of today: use a code such as EUR")
    return code


def _language(tag: str) -> str:
    language, _, region = tag.partition("-")
    if (
        not re.fullmatch(r"[a-z]{2,3}", language)
        or not localedata.exists(language)
        or (region and not re.fullmatch(r"[A-Z]{2}", region))
    ):
        raise ValueError(f"{tag!r} is no language: use a tag such as en, es or pt-BR")
    return tag


def _amount(text: object) -> object:
    if not isinstance(text, str):
        raise ValueError('amounts are written in quotes, such as "28.00"')
    if not _AMOUNT.fullmatch(text):
        raise ValueError(f'{text!r} is no amount, such as "28.00"')
    return Decimal(text)


def _deposit(text: object) -> object:
    if isinstance(text, str) and (found := _SHARE.fullmatch(text.strip())):
        if not 0 < int(found[1]) <= 100:
            raise ValueError(f"{text!r} is no share of the price: use 1% to 100%")
        return Deposit(percent=int(found[1]))
    amount = _amount(text)
    return Deposit(amount=amount) if isinstance(amount, Decimal) else amount


def _clock(text: object) -> object:
    minute = clock(text) if isinstance(text, str) else None
    if minute is None or minute == DAY:
        raise ValueError(f'{text!r} is no time of day, such as "9:30"')
    return minute


def _spans(value: object) -> object:
    if value is None or value == CLOSED:
        return []
    if not isinstance(value, str | list):
        raise ValueError(f'{value!r} are no hours: write "9:00-13:30", a list of such, or {CLOSED}')
    spans: list[WallSpan] = []
    for text in [value] if isinstance(value, str) else value:
        found = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f'{text!r} is no span of hours, such as "9:00-13:30"')
        opens, closes = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if opens >= DAY or closes > DAY:
            raise ValueError(f"{text!r}: a day goes from 0:00 to 24:00")
        if opens >= closes:
            raise ValueError(
                f"{text!r} does not end after it begins; hours over midnight are written on both days, "
                'such as fri: "22:00-24:00" and sat: "0:00-2:00"'
            )
        if any(opens < end and start < closes for start, end in spans):
            raise ValueError(f"{text!r} overlaps other hours of the same day")
        spans.append((opens, closes))
    return sorted(spans)


def _week(value: object) -> object:
    """Read `tue-sat: "9:00-19:00"` and `mon, wed: [...]` into one entry for each weekday."""
    if not isinstance(value, Mapping):
        raise ValueError('hours are written by weekday, such as tue-sat: "9:00-19:00"')
    week: dict[int, object] = {}
    for names, spans in value.items():
        for weekday in weekdays(str(names)):
            if weekday in week:
                raise ValueError(f"{WEEKDAYS[weekday]} has hours twice")
            week[weekday] = spans
    return week


def _weekdays(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no weekday: use {', '.join(WEEKDAYS)}")
    return weekdays(value)


def _day(value: object) -> object:
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) else value
        except ValueError:
            raise ValueError(f"there is no such date: {value}") from None
    if not isinstance(value, date):
        raise ValueError(f"{value!r} is no date, such as 2026-12-24")
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(f"{value} is too far away: use dates from {FIRST_DAY} to {LAST_DAY}")
    return value


def _moment(value: object) -> object:
    if isinstance(value, str) and (found := _MOMENT.fullmatch(value)):
        minute = clock(found[2])
        if minute is None:
            raise ValueError(f"{value!r} is no time")
        day = _day(found[1])
        return WallMoment(day, minute) if isinstance(day, date) else day
    if isinstance(value, str) and len(value) > len("2026-12-24"):
        try:
            exact = datetime.fromisoformat(value)
        except ValueError:
            exact = None
        if exact is None or exact.tzinfo is None:
            raise ValueError(f'{value!r} is no date and time, such as "2026-12-24 14:00"')
        day = _day(exact.date())
        return WallMoment(day, exact=exact) if isinstance(day, date) else day
    day = _day(value)
    return WallMoment(day) if isinstance(day, date) else day


def _no_dates(value: object) -> object:
    """Let dates in free settings be text, as they will be kept."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _no_dates(one) for key, one in value.items()}
    return [_no_dates(one) for one in value] if isinstance(value, list) else value


Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, AfterValidator(_currency)]
Language = Annotated[str, AfterValidator(_language)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
AnyDeposit = Annotated[Deposit, BeforeValidator(_deposit)]
Clock = Annotated[int, BeforeValidator(_clock)]
Spans = Annotated[list[WallSpan], BeforeValidator(_spans)]
Week = Annotated[dict[int, Spans], BeforeValidator(_week)]
Weekdays = Annotated[list[int], BeforeValidator(_weekdays)]
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[WallMoment, BeforeValidator(_moment)]
Free = Annotated[dict[str, Any], BeforeValidator(_no_dates)]
Minutes = Annotated[int, Field(gt=0, le=DAY, strict=True)]
MinutesOrNone = Annotated[int, Field(ge=0, le=DAY, strict=True)]
Count = Annotated[int, Field(ge=1, le=10_000, strict=True)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
#: A kind of resource or a role.
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]

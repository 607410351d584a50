"""What values from outside must be, and the shapes that every list and amount has."""

import zoneinfo
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

Item = TypeVar("Item")

#: Nothing is booked outside these years; beyond them zones and calendars lose their meaning.
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
#: As many things as a visit, a filter or a class may sensibly name.
MANY = 20
#: PostgreSQL's integer.
LARGEST = 2_147_483_647


def _moment(value: object) -> datetime:
    """Read an ISO 8601 moment; one without an offset could be anywhere, so it is refused."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str):
        try:
            # A plus in a query that was not escaped arrives as a space.
            moment = datetime.fromisoformat(value.strip().replace(" ", "+", value.count("T")))
        except ValueError:
            raise ValueError("must be an ISO 8601 moment such as 2026-11-23T10:00:00+01:00") from None
    else:
        raise ValueError("must be text with an ISO 8601 moment")
    if moment.tzinfo is None:
        raise ValueError("must carry an offset, such as Z or +01:00: a time without one could be anywhere")
    try:
        moment = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        raise ValueError("must lie between the years 2000 and 2200") from None
    if not FIRST <= moment < LAST:
        raise ValueError("must lie between the years 2000 and 2200")
    return moment


def _clean(value: str) -> str:
    """Refuse what no text column can hold, and what only confuses readers."""
    if any(sign < " " and sign not in "\n\t" for sign in value) or "\x7f" in value:
        raise ValueError("must not hold control characters")
    return value


def _line(value: str) -> str:
    """Refuse what is no single line: a name stands in messages, calendars and on tiles."""
    if len(value.splitlines()) > 1 or "\t" in value:
        raise ValueError("must be a single line")
    return _clean(value)


@cache
def _zones() -> frozenset[str]:
    # Names of machines' own settings, which mean another zone elsewhere, or none.
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def _zone(value: str) -> str:
    if value not in _zones():
        raise ValueError("must be a name of the IANA time zone database, such as Europe/Madrid")
    return value


#: An aware moment, in UTC from here on.
Moment = Annotated[
    datetime,
    BeforeValidator(_moment, json_schema_input_type=str),
    Field(examples=["2026-11-23T10:00:00+01:00"], json_schema_extra={"format": "date-time"}),
]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_line)]
LongWords = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(_clean)
]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone), Field(examples=["Europe/Madrid"])]
#: A language as `es` or `pt-BR`.
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"), Field(examples=["es"])]


class Shape(BaseModel):
    """What comes in: an unknown name is a mistake, not a wish to be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def for_example(**body: Any) -> ConfigDict:
    """Return what a shape says of itself to have an example in the description."""
    return ConfigDict(json_schema_extra={"examples": [body]})


#: Ids in examples.
SOMETHING, SOMEBODY = "018f6f3e-7c1a-7b1e-9a52-0c6c1f0f7a11", "018f6f3e-7c1a-7b1e-9a52-0c6c1f0f7a12"


class Shown(BaseModel):
    """What goes out."""

    model_config = ConfigDict(frozen=True)


class MoneyOut(Shown):
    """An amount in the minor units of its currency."""

    amount: int = Field(description="Minor units: 2800 is 28.00 EUR, and 2800 JPY.", examples=[2800])
    currency: str = Field(examples=["EUR"])


class Page(Shown, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next: str | None = Field(
        None, description="Where the rest is; nothing more follows without it. The same as the Link header."
    )

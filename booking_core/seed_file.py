"""A business as one YAML file: read, checked, and every error with its line."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from booking_core.kit.money import exponent
from booking_core.models import PaymentRule
from booking_core.rules.policy import Policy
from booking_core.rules.schedule import WallSpan

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"^(\d{1,2}):([0-5]\d)\s*[-–]\s*(\d{1,2}):([0-5]\d)$")


class SeedError(ValueError):
    """A file that cannot be loaded; the message names file and line."""


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone of the IANA database")
    return name


def _amount(text: object) -> object:
    if not isinstance(text, str):
        raise ValueError('amounts are written in quotes, such as "28.00"')
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no amount") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{text!r} is no amount")
    return amount


def _spans(value: object) -> object:
    spans: list[WallSpan] = []
    for text in [value] if isinstance(value, str) else value if isinstance(value, list) else []:
        found = _SPAN.match(str(text))
        if found is None:
            raise ValueError(f'{text!r} is no span of hours, such as "9:00-13:30"')
        opens, closes = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if not opens < closes <= 24 * 60:
            raise ValueError(f"{text!r} does not end after it begins")
        spans.append((opens, closes))
    return spans


def _days(value: object) -> object:
    """Read `tue-sat: "9:00-19:00"` and `mon, wed: [...]` into one entry for each weekday."""
    if not isinstance(value, Mapping):
        raise ValueError('hours are written by weekday, such as tue-sat: "9:00-19:00"')
    week: dict[int, object] = {}
    for names, spans in value.items():
        for part in str(names).replace(" ", "").split(","):
            first, _, last = part.partition("-")
            if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
                raise ValueError(f"{part!r} is no weekday: use {', '.join(WEEKDAYS)}")
            ends = WEEKDAYS.index(last or first)
            for weekday in range(WEEKDAYS.index(first), ends + 1):
                if weekday in week:
                    raise ValueError(f"{WEEKDAYS[weekday]} has hours twice")
                week[weekday] = spans
    return week


Zone = Annotated[str, AfterValidator(_zone)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
Spans = Annotated[list[WallSpan], BeforeValidator(_spans)]
Minutes = Annotated[int, Field(gt=0, le=24 * 60, strict=True)]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeedBusiness(_Part):
    """Who."""

    slug: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    name: Text
    timezone: Zone
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    locale: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
    policy: Policy = Policy()
    settings: dict[str, Any] = {}


class SeedLocation(_Part):
    """Where."""

    name: Text
    address: Text
    timezone: Zone | None = None
    phone: str | None = None
    #: Local dates on which the whole place is closed.
    holidays: list[date] = []


class SeedService(_Part):
    """What."""

    name: Text
    names: dict[str, Text] = {}
    synonyms: dict[str, list[Text]] = {}
    duration: Minutes
    buffer_before: Annotated[int, Field(ge=0, le=24 * 60)] = 0
    buffer_after: Annotated[int, Field(ge=0, le=24 * 60)] = 0
    slot_interval: Minutes = 15
    price: Amount = Decimal(0)
    deposit: Amount = Decimal(0)
    payment: PaymentRule = PaymentRule.NONE
    preparation: dict[str, Text] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.deposit > self.price:
            raise ValueError("the deposit is more than the price")
        if self.payment == PaymentRule.DEPOSIT and not self.deposit:
            raise ValueError("payment is a deposit, but there is none")
        return self


class SeedSkill(_Part):
    """How one person does a service, where it differs."""

    duration: Minutes | None = None
    price: Amount | None = None


class SeedStaff(_Part):
    """Who does it, and when."""

    name: Text
    aliases: list[Text] = []
    location: Text | None = None
    services: dict[str, SeedSkill | None]
    hours: Annotated[dict[int, Spans], BeforeValidator(_days)]


class Seed(_Part):
    """A whole business."""

    business: SeedBusiness
    locations: Annotated[list[SeedLocation], Field(min_length=1)]
    services: Annotated[list[SeedService], Field(min_length=1)]
    staff: Annotated[list[SeedStaff], Field(min_length=1)]

    def amount(self, value: Decimal) -> int:
        """Return an amount in the business's minor units."""
        return int(value.scaleb(exponent(self.business.currency)))


@dataclass(frozen=True, slots=True)
class _Read:
    seed: Seed
    lines: Mapping[tuple[str | int, ...], int]


def read_seed(path: Path) -> Seed:
    """Read and check a file; the error names the line of what is wrong."""
    text = path.read_text(encoding="utf-8")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SeedError(f"{path}:{line}: {error.problem}") from None
    lines: dict[tuple[str | int, ...], int] = {(): 1}
    if node is not None:
        _note_lines(node, (), lines)
    try:
        seed = Seed.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        raise SeedError(_at(path, lines, first["loc"], message)) from None
    for where, message in _inconsistencies(seed):
        raise SeedError(_at(path, lines, where, message))
    return seed


def _note_lines(node: yaml.Node, at: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> None:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _note_lines(value, (*at, key.value), lines)
            lines[*at, key.value] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _note_lines(value, (*at, number), lines)


def _at(path: Path, lines: Mapping[tuple[str | int, ...], int], where: Sequence[str | int], message: str) -> str:
    known = tuple(where)
    while known not in lines:
        known = known[:-1]
    return f"{path}:{lines[known]}: {'.'.join(map(str, where)) or 'file'}: {message}"


def _inconsistencies(seed: Seed) -> list[tuple[tuple[str | int, ...], str]]:
    """Return what single parts cannot see: names twice, names of nothing, amounts finer than the currency."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    for kind, names in (
        ("locations", [one.name for one in seed.locations]),
        ("services", [one.name for one in seed.services]),
        ("staff", [one.name for one in seed.staff]),
    ):
        found += [((kind, at), f"{name!r} is there twice") for at, name in enumerate(names) if name in names[:at]]
    services = {one.name for one in seed.services}
    places = {one.name for one in seed.locations}
    finest = Decimal(1).scaleb(-exponent(seed.business.currency))
    for at, service in enumerate(seed.services):
        found += [
            (("services", at, kind), f"{amount} is finer than {seed.business.currency} has coins")
            for kind, amount in (("price", service.price), ("deposit", service.deposit))
            if amount % finest
        ]
    for at, member in enumerate(seed.staff):
        found += [
            (("staff", at, "services", name), f"there is no service {name!r}")
            for name in member.services
            if name not in services
        ]
        if member.location is not None and member.location not in places:
            found.append((("staff", at, "location"), f"there is no location {member.location!r}"))
    return found

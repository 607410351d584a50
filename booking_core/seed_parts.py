"""The parts of a business's file, each checked by itself; docs/catalog.md explains every key."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from booking_core.kit.money import exponent
from booking_core.models import CALENDAR_WIDTH, Covers, PaymentRule, Period, Unit
from booking_core.rules.policy import Policy
from booking_core.rules.questions import Question
from booking_core.seed_values import (
    Amount,
    AnyDeposit,
    Clock,
    Count,
    Currency,
    Day,
    Deposit,
    Free,
    Language,
    LongText,
    Minutes,
    MinutesOrNone,
    Moment,
    Spans,
    Text,
    Week,
    Weekdays,
    Word,
    Zone,
)
from booking_core.seed_yaml import suggestion

#: How the usual role is written where a role must be named.
MAIN = "main"
EVERYONE, NOBODY = "everyone", "nobody"
NOT_OFFERED = "not offered"
SLUG, LOCALE, TIME_OFF = r"^[a-z0-9]+(-[a-z0-9]+)*$", r"^[a-z]{2}(-[A-Z]{2})?$", "^(absence|block|sick)$"


class SeedPart(BaseModel):
    """A mapping of the file: a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        if isinstance(value, dict):
            keys = [field.alias or name for name, field in cls.model_fields.items()]
            for key in value:
                if key not in keys:
                    # The key is passed on, so that the error can name its line.
                    message = "there is no such key here{hint}; known are: {keys}"
                    hint = suggestion(str(key), keys)
                    raise PydanticCustomError("no_key", message, {"key": key, "hint": hint, "keys": ", ".join(keys)})
        return value


def _listed(value: object) -> object:
    """Read one as a list of one; nothing is one of the usual kind."""
    return value if isinstance(value, list) else [{} if value is None else value]


def _counts(value: object) -> object:
    if isinstance(value, list):
        return [{"count": one} if isinstance(one, int) else one for one in value]
    return [{"count": value} if isinstance(value, int) else value]


def _units(value: object) -> object:
    return {"units": value} if isinstance(value, int) else value


def _not_offered(value: object) -> object:
    return {"offered": False} if value == NOT_OFFERED else value


def _roles(value: object) -> object:
    """Read who is needed: `everyone`, `nobody` or a list of roles."""
    if value in (EVERYONE, NOBODY):
        return (value,)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise ValueError(f"write {EVERYONE}, {NOBODY}, or a list of roles such as [{MAIN}, assistant]")
    return tuple(value)


def _choices(value: object) -> object:
    """Read `choices: {a: {en: ...}}` as the list that is kept."""
    if not isinstance(value, dict) or not isinstance(value.get("choices"), dict):
        return value
    return value | {"choices": [{"key": key, "text": text} for key, text in value["choices"].items()]}


def _languages_known(question: Question) -> Question:
    for words in (question.text, *(choice.text for choice in question.choices)):
        SeedWords.model_validate({"words": words})
    return question


class SeedWords(SeedPart):
    """Words by language."""

    words: dict[Language, LongText]


class SeedBusiness(SeedPart):
    """Who."""

    slug: Annotated[str, Field(pattern=SLUG, max_length=60)]
    name: Text
    timezone: Zone
    currency: Currency
    locale: Annotated[Language, Field(pattern=LOCALE)]
    policy: Policy = Policy()
    settings: Free = {}

    @model_validator(mode="before")
    @classmethod
    def _fee_in_coins(cls, value: Any) -> Any:
        """Read the policy's late fee as an amount: the policy itself counts in minor units."""
        policy = value.get("policy") if isinstance(value, dict) else None
        if isinstance(policy, dict) and isinstance(policy.get("late_fee"), str):
            try:
                fee = SeedFee(amount=policy["late_fee"]).amount.scaleb(exponent(str(value.get("currency"))))
            except ValueError:
                fee = None
            if fee is None or fee != int(fee):
                raise PydanticCustomError("no_key", '{fee} is no amount, such as "10.00"',
                                          {"key": "policy", "fee": policy["late_fee"]})  # fmt: skip
            return value | {"policy": policy | {"late_fee": int(fee)}}
        return value


class SeedFee(SeedPart):
    """An amount by itself."""

    amount: Amount


class SeedLocation(SeedPart):
    """Where."""

    name: Text
    address: Text
    timezone: Zone | None = None
    phone: Text | None = None
    currency: Currency | None = None
    languages: list[Language] = []
    #: Opening hours.
    hours: Week = {}
    #: Local dates on which the whole place is closed.
    holidays: list[Day] = []
    #: Local dates with other hours.
    dates: dict[Day, Spans] = {}


class SeedTimeOff(SeedPart):
    """Away, from one moment to another; a day without a time counts whole, the last one too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: Annotated[Moment, Field(alias="from")]
    until: Moment
    kind: Annotated[str, Field(pattern=TIME_OFF)] = "absence"
    note: Text | None = None


class SeedResource(SeedPart):
    """A room, a chair, a machine; or several of the same."""

    kind: Word
    name: Text
    names: dict[Language, Text] = {}
    units: Annotated[int, Field(ge=1, le=CALENDAR_WIDTH // 2, strict=True)] = 1
    location: Text | None = None
    hours: Week = {}
    time_off: list[SeedTimeOff] = []


class SeedLimit(SeedPart):
    """So many in a period; `between`: only those count that begin then."""

    count: Count
    between: Spans = []

    @field_validator("between")
    @classmethod
    def _one_span(cls, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
        if len(spans) > 1:
            raise ValueError("one span only")
        return spans


Limits = dict[Period, Annotated[list[SeedLimit], BeforeValidator(_counts), Field(min_length=1, max_length=10)]]


class SeedNeed(SeedPart):
    """Units of a kind of resource."""

    units: Annotated[int, Field(ge=1, le=CALENDAR_WIDTH // 2, strict=True)] = 1
    covers: Covers = Covers.VISIT


class SeedAddOn(SeedPart):
    """Something extra."""

    name: Text
    names: dict[Language, Text] = {}
    synonyms: dict[Language, list[Text]] = {}
    minutes: MinutesOrNone = 0
    price: Amount = Decimal(0)


class SeedSegment(SeedPart):
    """One part of a visit of several services."""

    service: Text
    max_wait: MinutesOrNone = 0
    same_staff: bool = False


class SeedAt(SeedPart):
    """How a service differs at one place."""

    offered: bool = True
    price: Amount | None = None
    deposit: AnyDeposit | None = None


class SeedService(SeedPart):
    """What."""

    name: Text
    names: dict[Language, Text] = {}
    synonyms: dict[Language, list[Text]] = {}
    category: Text | None = None
    #: None: one hour, one day or one night; or as long as its segments.
    duration: Minutes | None = None
    processing_from: MinutesOrNone = 0
    processing: MinutesOrNone = 0
    buffer_before: MinutesOrNone = 0
    buffer_after: MinutesOrNone = 0
    slot_interval: Minutes = 15
    slot_offset: Annotated[int, Field(ge=0, lt=60, strict=True)] = 0
    unit: Unit = Unit.VISIT
    units_min: Annotated[int, Field(ge=1, le=366, strict=True)] = 1
    units_max: Annotated[int, Field(ge=1, le=366, strict=True)] | None = None
    day_from: Clock | None = None
    day_until: Clock | None = None
    capacity: Count = 1
    max_party: Count = 1
    staff: Annotated[tuple[Word, ...], BeforeValidator(_roles), Field(max_length=10)] = (MAIN,)
    needs: dict[Word, Annotated[SeedNeed, BeforeValidator(_units)]] = {}
    segments: Annotated[list[SeedSegment], Field(max_length=20)] = []
    approval: bool = False
    lead_time: Annotated[int, Field(ge=0, le=60 * 24 * 90, strict=True)] | None = None
    booking_window: Annotated[int, Field(ge=0, le=730, strict=True)] | None = None
    #: None: nothing, or what its segments cost together.
    price: Amount | None = None
    deposit: AnyDeposit = Deposit()
    payment: PaymentRule = PaymentRule.NONE
    preparation: dict[Language, LongText] = {}
    questions: Annotated[
        list[Annotated[Question, BeforeValidator(_choices), AfterValidator(_languages_known)]], Field(max_length=50)
    ] = []
    add_ons: Annotated[list[SeedAddOn], Field(max_length=50)] = []
    at: dict[Text, Annotated[SeedAt, BeforeValidator(_not_offered)]] = {}
    limits: Limits = {}

    @property
    def roles(self) -> list[str]:
        """The roles that are needed, the usual one written as an empty word; none if nobody is needed."""
        if self.staff == (EVERYONE,):
            return [""]
        return [] if self.staff == (NOBODY,) else ["" if role == MAIN else role for role in self.staff]

    @property
    def everyone(self) -> bool:
        """Whether everybody who can do it is needed at once."""
        return self.staff == (EVERYONE,)

    @property
    def is_class(self) -> bool:
        """Whether it takes place on a timetable, with seats."""
        return self.capacity > 1

    @property
    def is_days(self) -> bool:
        """Whether it lasts for days or nights."""
        return self.unit in (Unit.DAY, Unit.NIGHT)


class SeedSkill(SeedPart):
    """How one person does a service, where it differs."""

    role: Word = MAIN
    duration: Minutes | None = None
    price: Amount | None = None
    limits: Limits = {}

    @property
    def role_kept(self) -> str:
        """The role as it is kept: the usual one has no name."""
        return "" if self.role == MAIN else self.role


class SeedZone(SeedPart):
    """Dates on which somebody's hours are told by another zone's clock."""

    timezone: Zone
    first_day: Day
    last_day: Day | None = None

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError("the last day is before the first")
        return self


class SeedStaff(SeedPart):
    """Who does it, and when."""

    name: Text
    aliases: list[Text] = []
    location: Text | None = None
    services: dict[Text, Annotated[list[SeedSkill], BeforeValidator(_listed), Field(min_length=1, max_length=10)]] = {}
    hours: Week = {}
    dates: dict[Day, Spans] = {}
    time_off: list[SeedTimeOff] = []
    zones: list[SeedZone] = []
    weight: Annotated[int, Field(ge=0, le=10_000, strict=True)] = 100
    priority: Annotated[int, Field(ge=0, le=4, strict=True)] | None = None
    limits: Limits = {}


class SeedClass(SeedPart):
    """A class on the timetable, on one weekday or several."""

    service: Text
    location: Text | None = None
    staff: Text | None = None
    day: Weekdays
    time: Clock
    capacity: Count | None = None
    first_day: Day | None = None
    last_day: Day | None = None

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.first_day is not None and self.last_day is not None and self.last_day < self.first_day:
            raise ValueError("the last day is before the first")
        return self


def periods(limits: Mapping[Period, list[SeedLimit]]) -> list[tuple[Period, SeedLimit]]:
    """Return limits one by one, the shortest period first."""
    return [(period, limit) for period in Period for limit in limits.get(period, [])]

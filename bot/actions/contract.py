"""What every action is given and gives: a turn, and an answer in words of the catalogs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import Catalog
from booking_core.models import AddOn, Business, Customer, Location, Service, Staff
from booking_core.requests import as_pairs
from booking_core.rules.availability import Slot
from bot import phrasing
from bot.words import Words, language_of
from channels.models import Conversation, Message
from nlu.contract import Answer, DialogueAction, Step, Understood

#: Slots that belong to one task; forgotten together when it ends.
TASK_SLOTS = (
    "task", "booking", "service", "further", "staff", "staff_by_service", "people", "arrangement", "units", "add_ons",
    "when", "slot", "answers", "details", "customer_name", "confirmed", "memo",
)  # fmt: skip
ANYONE = "anyone"


@dataclass(slots=True)
class Turn:
    """One turn's circumstances: an open transaction, and who speaks about what, when and where."""

    session: AsyncSession
    words: Words
    catalog: Catalog
    conversation: Conversation
    customer: Customer | None
    now: datetime
    locale: str
    #: The last message of the thread that was not the customer's.
    last: Message | None
    #: The same for every attempt to answer the same messages: makes commands idempotent.
    key: str
    #: How the world reaches us: calendar files are linked from here.
    base_url: str
    #: The customer answered just that message, by the channel's own word.
    replied: bool = False
    #: The message was read into the form once; a second pass in the same turn changes nothing.
    filled: bool = False
    #: Something outside the turn will answer (the job that makes a payment link).
    answer_follows: bool = False
    #: The place that the talk is about, once that is known.
    place: Location | None = None

    @property
    def business(self) -> Business:
        """The business whose thread this is."""
        return self.catalog.business

    @property
    def location(self) -> Location:
        """The place that is talked about; the house's first until another is named."""
        return self.place or self.catalog.locations[0]

    def at(self, location_id: UUID | None) -> "Turn":
        """Return this turn as it is worded at a place: its clock, its currency and its address."""
        return self if location_id is None else replace(self, place=self.catalog.location(location_id))

    @property
    def place_line(self) -> str:
        """Where to come to: `Marigold Studio, Calle de las Huertas 12, 28012 Madrid`."""
        return f"{self.location.name}, {self.location.address}"

    @property
    def tz(self) -> str:
        """The location's time zone: the grid and every local time belong to it."""
        return self.location.timezone

    def local(self, moment: datetime) -> datetime:
        """Return a moment on the location's wall clock."""
        return moment.astimezone(ZoneInfo(self.tz))

    def listen(self, understood: Understood) -> None:
        """Answer in the language that was just written, if there is evidence and we speak it."""
        language = understood.language
        if language in self.words.languages and language != language_of(self.locale):
            self.locale = phrasing.local_tag(language, self.business.default_locale)
            self.conversation.locale = self.locale
            if self.customer is not None:
                self.customer.locale = self.locale

    def say(
        self,
        key: str,
        *,
        act: str,
        choices: Sequence["Option"] = (),
        facts: Mapping[str, Any] | None = None,
        count: int | None = None,
        **values: object,
    ) -> dict[str, Any]:
        """Return one thing to say, worded in the customer's language."""
        return {
            "text": self.words.text(self.locale, key, count, **values),
            "act": act,
            "choices": [{"label": option.label, "do": option.do, "args": option.args} for option in choices],
            "facts": dict(facts) if facts else None,
        }

    def ask_to_book(
        self, key: str, *, act: str, facts: Mapping[str, Any] | None = None, **values: object
    ) -> dict[str, Any]:
        """Return something to say that asks whether to book: by its choice, or by a plain yes."""
        book = [self.option("choice.book", "start_book")]
        return self.say(key, act=act, choices=book, facts={**(facts or {}), "book": True}, count=None, **values)

    def option(self, key: str, do: str, **args: Any) -> "Option":
        """Return a choice labelled by a catalog key."""
        return Option(self.words.text(self.locale, key), do, args)

    def service_name(self, service: Service) -> str:
        """Return what the service is called in the customer's language."""
        return str(service.names.get(language_of(self.locale)) or service.name)

    def add_on_name(self, add_on: AddOn) -> str:
        """Return what an add-on is called in the customer's language."""
        return str(add_on.names.get(language_of(self.locale)) or add_on.name)

    def day_and_clock(self, moment: datetime) -> str:
        """Return a moment as `Tue 24 Nov, 15:00` in the location's zone."""
        return phrasing.day_and_clock(moment, self.tz, self.locale)

    def clock(self, moment: datetime) -> str:
        """Return a moment as `15:00` in the location's zone."""
        return phrasing.clock(moment, self.tz, self.locale)

    def day(self, moment: datetime) -> str:
        """Return a moment as `Tue 24 Nov` in the location's zone."""
        return phrasing.day(moment, self.tz, self.locale)

    def money(self, amount: int) -> str:
        """Return minor units of the place's currency in words."""
        return phrasing.money(amount, self.catalog.currency(self.location.id), self.locale)


@dataclass(frozen=True, slots=True)
class Option:
    """A choice under a message: what it is called and what it does."""

    label: str
    do: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """The form's slots with their types; unknown ids (a service that was removed) read as None."""

    task: str | None
    booking_id: UUID | None
    service: Service | None
    #: What else is done in the same visit.
    further: tuple[Service, ...]
    staff: Staff | None
    anyone: bool
    #: Who should do just one of the services, or one part of a package.
    staff_by_service: tuple[tuple[UUID, UUID], ...]
    place: Location | None
    people: int | None
    #: `together` or `in_turn`.
    arrangement: str | None
    #: Hours, days or nights.
    units: int | None
    add_on_ids: tuple[UUID, ...]
    answers: Mapping[str, Any]
    when: Mapping[str, Any] | None
    starts: datetime | None
    slot_staff: UUID | None
    name: str | None
    memo: Mapping[str, Any]

    @staticmethod
    def of(slots: Mapping[str, Any], catalog: Catalog) -> "Draft":
        """Read the slots of a dialogue."""
        slot = slots.get("slot") or {}
        staff = slots.get("staff")
        booking = slots.get("booking")
        further = (_known(catalog.service, one) for one in slots.get("further") or ())
        return Draft(
            task=slots.get("task"),
            booking_id=UUID(booking) if booking and booking != "new" else None,
            service=_known(catalog.service, slots.get("service")),
            further=tuple(one for one in further if one is not None),
            staff=_known(catalog.staff_member, staff if staff != ANYONE else None),
            anyone=staff == ANYONE,
            staff_by_service=_pairs(slots.get("staff_by_service"), catalog),
            place=_known(catalog.location, slots.get("place")),
            people=slots.get("people"),
            arrangement=slots.get("arrangement"),
            units=slots.get("units"),
            add_on_ids=tuple(UUID(one) for one in slots.get("add_ons") or ()),
            answers=slots.get("answers") or {},
            when=slots.get("when"),
            starts=datetime.fromisoformat(slot["starts"]) if slot.get("starts") else None,
            slot_staff=UUID(slot["staff"]) if slot.get("staff") else None,
            name=slots.get("customer_name"),
            memo=slots.get("memo") or {},
        )

    @property
    def services(self) -> tuple[Service, ...]:
        """Everything that the visit is of, in order."""
        return (self.service, *self.further) if self.service is not None else ()

    @property
    def wanted_staff(self) -> UUID | None:
        """The person asked for, or None for anyone."""
        return self.staff.id if self.staff else None

    @property
    def names_somebody(self) -> bool:
        """Whether a person was asked for, for all of it or for a part."""
        return self.staff is not None or bool(self.staff_by_service)


def _pairs(kept: Mapping[str, str] | None, catalog: Catalog) -> tuple[tuple[UUID, UUID], ...]:
    known = (
        (_known(catalog.service, service), _known(catalog.staff_member, who)) for service, who in (kept or {}).items()
    )
    return as_pairs((service.id, who.id) for service, who in known if service is not None and who is not None)


def _known(find: Callable[[UUID], Any], text: str | None) -> Any:
    if not text:
        return None
    try:
        return find(UUID(text))
    except (KeyError, ValueError):
        return None


def remembered(slot: Slot) -> dict[str, str | None]:
    """Return a free time as the dialogue remembers it."""
    return {"starts": slot.starts.isoformat(), "staff": str(slot.staff_id) if slot.staff_id else None}


def forget_task() -> dict[str, Any]:
    """Return what forgets the whole task."""
    return dict.fromkeys(TASK_SLOTS)


class Spoken:
    """An action that first listens for the customer's language."""

    def __init__(self, action: DialogueAction) -> None:
        self._action = action
        self.name = action.name

    async def answer(self, step: Step) -> Answer:
        """Listen, then act."""
        turn: Turn = step.context
        turn.listen(step.understood)
        return await self._action.answer(step)

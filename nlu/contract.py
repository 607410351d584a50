"""What goes into a turn and what comes out: no Rasa here, so that every room's tests can read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from nlu.when import When


@dataclass(frozen=True, slots=True)
class Name:
    """A service or person, by id, with every way the business's customers may call it."""

    id: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a business sells and who works there: matched at run time, never trained."""

    services: tuple[Name, ...] = ()
    staff: tuple[Name, ...] = ()
    places: tuple[Name, ...] = ()
    add_ons: tuple[Name, ...] = ()
    #: What of it is sold by: `hour`, `day`, `night`. Only then does "two hours" say for how long.
    units: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tap:
    """A choice that was tapped (or typed by its number): the text is not interpreted."""

    do: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything said since the last answer, with the circumstances that give it meaning."""

    text: str
    now: datetime  # aware
    tz: str  # the location's zone
    locale: str  # BCP 47: the thread's, or the business's default
    asked: str | None = None  # act of the bot's last message
    catalog: Catalog = field(default_factory=Catalog)
    hours: Mapping[int, Sequence[tuple[int, int]]] | None = None  # weekday -> open minutes
    reference: tuple[datetime, datetime] | None = None  # the booking being moved, aware
    tap: Tap | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """Something named in the text; `start` and `end` are offsets."""

    #: From the catalog: service, staff, place, add_on. Of the visit: people, companions, several, length, also, only.
    #: And name, ordinal, number, mark, not_staff, not_service, unknown, zone.
    entity: str
    value: Any  # catalog id, name, number, [number, unit]
    text: str
    start: int
    end: int
    confidence: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it; holds the customer's words."""
        return {
            "entity": self.entity,
            "value": self.value,
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "confidence": self.confidence,
        }


@dataclass(frozen=True, slots=True)
class Task:
    """A further task of the same message, to be done after the first: "... and cancel my Tuesday one"."""

    intent: str
    entities: tuple[Entity, ...] = ()
    when: When | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it; holds the customer's words."""
        return {
            "intent": self.intent,
            "entities": tuple(one.to_json() for one in self.entities),
            "when": None if self.when is None else self.when.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Understood:
    """The meaning of one message. `also`: further intents said with enough confidence."""

    language: str | None  # None: too little to tell
    intent: str
    confidence: float
    also: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    when: When | None = None
    #: What is to be done afterwards; its entities and times are not among those above.
    then: tuple[Task, ...] = ()

    def marked(self, name: str) -> bool:
        """Whether a turn of phrase such as `or anyone` was used (nlu/pipeline/marks.py)."""
        return any(one.entity == "mark" and one.value == name for one in self.entities)

    def to_json(self) -> dict[str, Any]:
        """Return the record that the transcript keeps; holds the customer's words."""
        return {
            "language": self.language,
            "intent": self.intent,
            "confidence": self.confidence,
            "also": self.also,
            "entities": tuple(one.to_json() for one in self.entities),
            "when": None if self.when is None else self.when.to_json(),
            "then": tuple(one.to_json() for one in self.then),
        }


@dataclass(frozen=True, slots=True)
class Step:
    """What an action sees: the turn so far."""

    heard: Heard
    understood: Understood
    slots: Mapping[str, Any]
    form: str | None  # the active form
    asking: str | None  # the slot that the form asked for last
    context: Any  # the caller's own, such as an open database session


@dataclass(frozen=True, slots=True)
class Answer:
    """What an action wants: words to say, slots to remember, and where to go next."""

    say: tuple[Mapping[str, Any], ...] = ()  # JSON objects, handed back to the caller as they are
    remember: Mapping[str, Any] = field(default_factory=dict)  # slot -> JSON value, None forgets
    then: str | None = None  # the action to run next, such as `booking_form`
    leave_form: bool = False
    reject: bool = False  # form steps only: this message is not for the form, let a rule answer


class DialogueAction(Protocol):
    """One thing the bot can do; `name` is its name in the domain."""

    name: str

    async def answer(self, step: Step) -> Answer:
        """Decide what to say and remember; may use what `step.context` gives."""
        ...


@dataclass(frozen=True, slots=True)
class TurnResult:
    """A finished turn. `memory` is JSON, bounded in size, to be given to the next turn."""

    memory: dict[str, Any]
    said: tuple[Mapping[str, Any], ...]
    understood: Understood
    actions: tuple[str, ...]  # names of the actions that ran, in order, for tests and transcripts

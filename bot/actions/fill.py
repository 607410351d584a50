"""Reading a message into the booking form: facts in any order, corrections, choices, yes and no."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking_core import calendar
from booking_core.models import Service, Staff
from booking_core.requests import VisitRequest
from bot.actions import answers, wish
from bot.actions.coming import coming
from bot.actions.contract import ANYONE, Draft, Turn, forget_task, remembered
from bot.actions.taking import declined, take_booking
from bot.actions.taps import tapped
from bot.actions.unasked import is_open
from bot.phrasing import listed
from nlu.contract import Answer, Step

#: What a rule answers, whatever else the message says.
_ALWAYS_OUTSIDE = {"talk_to_person", "opt_out", "stop"}
#: What a rule answers when the message brings nothing for the form.
_OUTSIDE = {
    "greet", "thanks", "goodbye", "bot_challenge", "running_late", "confirm_attendance", "nlu_fallback",
}  # fmt: skip
_TASKS = {"book": "book", "reschedule": "move", "cancel": "cancel"}


@dataclass(slots=True)
class Reading:
    """What one message adds to the form, while it is being read."""

    remember: dict[str, Any] = field(default_factory=dict)
    say: list[Mapping[str, Any]] = field(default_factory=list)
    #: Something that decides the time changed: the chosen time must be found again.
    search: bool = False

    def answer(self, **extra: Any) -> Answer:
        """Return the answer of the form's validation."""
        return Answer(say=tuple(self.say), remember=self.remember, **extra)


class Fill:
    """The form's validation: what the message says goes into the slots, nothing is booked here."""

    name = "validate_booking_form"

    async def answer(self, step: Step) -> Answer:
        """Read the message once per turn."""
        turn: Turn = step.context
        if turn.filled:
            return Answer()
        turn.filled = True
        slots = dict(step.slots)
        if step.heard.tap is not None:
            return await tapped(turn, step, slots)
        said = {step.understood.intent, *step.understood.also}
        if said & _ALWAYS_OUTSIDE or (not _brings_facts(step) and (_is_outside(step) or _answers_unasked(turn, step))):
            return Answer(reject=True)
        return await _read(turn, step, slots, said)


def _is_outside(step: Step) -> bool:
    intent = step.understood.intent
    return intent in _OUTSIDE or (intent.startswith("ask_") and not _starts_form(step))


def _answers_unasked(turn: Turn, step: Step) -> bool:
    """Whether a plain yes or no is about what was said last without being asked, not about the form's question."""
    return step.understood.intent in {"affirm", "deny"} and is_open(turn)


def _starts_form(step: Step) -> bool:
    return any(intent in _TASKS for intent in step.understood.also)


def _brings_facts(step: Step) -> bool:
    when = step.understood.when
    if when is not None and (when.choices or when.exclusions or when.asap):
        return True
    kinds = {entity.entity for entity in step.understood.entities}
    if kinds & {"service", "staff"} and not step.understood.intent.startswith("ask_"):
        return True
    return "name" in kinds or ("ordinal" in kinds and step.asking is not None)


async def _read(turn: Turn, step: Step, slots: dict[str, Any], said: set[str]) -> Answer:
    reading = Reading(remember={"memo": dict(slots.get("memo") or {}) | {"failures": 0}})
    stopped = await _take_task(turn, slots, said, reading)
    if stopped is not None:
        return stopped
    slots.update(reading.remember)
    before = Draft.of(slots, turn.catalog)
    _take_facts(turn, step, slots, reading)
    slots.update(reading.remember)
    if slots["task"] != "book" and not slots.get("booking"):
        stopped = await _take_booking(turn, slots, reading)
        if stopped is not None:
            return stopped
        slots.update(reading.remember)
    decided = _take_decision(turn, step, slots, said, reading)
    if decided is not None:
        return decided
    slots.update(reading.remember)
    await _find_slot(turn, slots, before, reading)
    for intent in sorted(said):
        if intent.startswith("ask_"):
            answered = await answers.answer_for(intent, turn, slots)
            reading.say.append(answered)
    return reading.answer()


async def _take_task(turn: Turn, slots: dict[str, Any], said: set[str], reading: Reading) -> Answer | None:
    """Set the task, or change it; a cancel with nothing booked means the talk itself."""
    current = slots.get("task")
    wanted = next((task for intent, task in _TASKS.items() if intent in said and task != current), None)
    if current is None:
        task = wanted or "book"
    elif wanted is None:
        return None
    else:
        has_bookings = bool(await coming(turn))
        if wanted == "cancel" and not has_bookings:
            said_stop = turn.say("stop.done", act="info", choices=[turn.option("choice.book", "start_book")])
            return Answer(say=(said_stop,), remember=forget_task(), leave_form=True)
        if wanted == "book" or not has_bookings:
            return None  # "can you book me in at 4" while booking is no new task
        task = wanted
    reading.remember |= forget_task() | {"task": task, "memo": reading.remember["memo"]}
    if task == "book":
        reading.remember["booking"] = "new"
        if turn.customer is not None and turn.customer.name:
            reading.remember["customer_name"] = turn.customer.name
    return None


def _take_facts(turn: Turn, step: Step, slots: dict[str, Any], reading: Reading) -> None:
    remember = reading.remember
    entities = step.understood.entities
    found = [entity.value for entity in entities if entity.entity == "service"]
    if found and found[0] != slots.get("service") and slots["task"] == "book":
        remember["service"] = found[0]
        reading.search = True
        if len(set(found)) > 1:
            reading.say.append(
                turn.say(
                    "book.one_at_a_time",
                    act="info",
                    service=turn.service_name(turn.catalog.service(UUID(found[0]))),
                )
            )
    names = [entity for entity in entities if entity.entity == "name"]
    # A customer may be called like somebody who works here.
    people = [
        entity.value
        for entity in entities
        if entity.entity == "staff" and not any(one.start <= entity.start < one.end for one in names)
    ]
    if people and people[0] != slots.get("staff"):
        remember["staff"] = people[0]
        reading.search = True
    if names and (step.asking == "customer_name" or not slots.get("customer_name")):
        remember["customer_name"] = str(names[0].value)[:80]
    when = step.understood.when
    if when is not None and (when.choices or when.exclusions or when.asap):
        _take_time(turn, step, slots, reading)
    ordinals = [entity.value for entity in entities if entity.entity == "ordinal"]
    if ordinals and step.asking in {"slot", "service", "booking"}:
        _take_ordinal(step.asking, int(ordinals[0]), slots, reading)


def _take_time(turn: Turn, step: Step, slots: dict[str, Any], reading: Reading) -> None:
    when = step.understood.when
    assert when is not None  # noqa: S101 - the caller has looked
    draft = Draft.of(slots, turn.catalog)
    offered = (slots.get("memo") or {}).get("offered") or []
    if step.asking == "slot" and len(when.choices) == 1 and not when.choices[0].dated:
        start = when.choices[0].start
        same = [
            offer
            for offer in offered
            if start is not None and turn.local(datetime.fromisoformat(offer["starts"])).time() == start.time()
        ]
        if len(same) == 1 and when.choices[0].grain in {"minute", "hour"}:
            reading.remember |= {"slot": same[0], "when": slots.get("when")}
            return
    days = {turn.local(datetime.fromisoformat(offer["starts"])).date() for offer in offered}
    on_day = wish.day_talked_about(slots.get("when"), starts=draft.starts, tz=turn.tz)
    if on_day is None and len(days) == 1:
        on_day = next(iter(days))
    if on_day is None and draft.task == "move" and "was" in (slots.get("memo") or {}):
        on_day = turn.local(datetime.fromisoformat(slots["memo"]["was"])).date()
    reading.remember["when"] = wish.correct(slots.get("when"), when, on_day=on_day)
    reading.remember["slot"] = None
    reading.search = True


def _take_ordinal(asking: str, number: int, slots: dict[str, Any], reading: Reading) -> None:
    memo = slots.get("memo") or {}
    listed = memo.get({"slot": "offered", "service": "services", "booking": "bookings"}[asking]) or []
    index = number - 1 if number > 0 else len(listed) + number
    if 0 <= index < len(listed):
        reading.remember[asking] = listed[index]
        if asking == "slot" and slots.get("task") == "move":
            reading.remember["confirmed"] = True


async def _take_booking(turn: Turn, slots: dict[str, Any], reading: Reading) -> Answer | None:
    """Find which booking a move or cancellation is about; several are asked about."""
    upcoming = await coming(turn)
    if not upcoming:
        return Answer(
            say=(turn.say("bookings.none", act="info", choices=[turn.option("choice.book", "start_book")]),),
            remember=forget_task(),
            leave_form=True,
        )
    likely = [
        booking
        for booking in upcoming
        if slots.get("service") in {None, str(booking.service_id)}
        and (len(upcoming) == 1 or slots.get("staff") in {None, ANYONE, str(booking.staff_id)})
    ] or upcoming
    if len(likely) == 1:
        take_booking(turn, likely[0], slots, reading.remember)
        reading.search = True
    return None


def _take_decision(turn: Turn, step: Step, slots: dict[str, Any], said: set[str], reading: Reading) -> Answer | None:
    """Act on yes, no and more: only ever about the question that is open."""
    changed = reading.search
    memo = reading.remember["memo"]
    if "more_times" in said or (step.asking == "slot" and "deny" in said and not changed):
        reading.remember |= {"slot": None, "memo": memo | {"page": memo.get("page", 0) + 1}}
    elif step.asking == "confirmed" and not changed:
        if "affirm" in said and "deny" not in said:
            reading.remember["confirmed"] = True
        elif "deny" in said:
            return declined(turn, slots)
    elif step.asking == "slot" and "affirm" in said and not changed:
        offered = memo.get("offered") or []
        if len(offered) == 1:
            reading.remember["slot"] = offered[0]
    return None


async def _find_slot(turn: Turn, slots: dict[str, Any], before: Draft, reading: Reading) -> None:
    """Choose the time that was named if it is free; otherwise the question about times explains."""
    draft = Draft.of(slots, turn.catalog)
    service = draft.service
    if slots["task"] == "cancel" or service is None or not reading.search:
        return
    if draft.staff is not None and draft.staff.id not in turn.catalog.staff_for(service.id):
        reading.say.append(_who_can(turn, service, draft.staff))
        reading.remember["staff"] = None
        slots["staff"] = None
        draft = replace(draft, staff=None)
    wanted = wish.wish_for(slots.get("when"), tz=turn.tz, now=turn.now)
    exact = wanted.exact if slots.get("slot") is None else before.starts
    memo = {key: value for key, value in reading.remember["memo"].items() if key not in {"offered", "page"}}
    reading.remember |= {"memo": memo, "slot": None, "confirmed": None}
    if exact is None or (wanted.ambiguity and slots.get("slot") is None):
        return
    free = await calendar.free_slots(
        turn.session,
        turn.catalog,
        wanted=VisitRequest.one(service.id, draft.wanted_staff),
        windows=[(exact, exact + timedelta(minutes=1))],
        exclude=wanted.exclude,
        now=turn.now,
        customer_id=turn.customer.id if turn.customer else None,
        ignoring=draft.booking_id,
    )
    found = next((slot for slot in free.slots if slot.starts == exact), None)
    if found is not None:
        # Who it will be is part of the summary: lengths and prices differ by person.
        reading.remember["slot"] = remembered(found)
    else:
        reading.remember["memo"] = memo | {"missed": exact.isoformat(), "why": free.reason.value if free.reason else ""}


def _who_can(turn: Turn, service: Service, staff: Staff) -> Mapping[str, Any]:
    able = [turn.catalog.staff_member(member).name for member in turn.catalog.staff_for(service.id)]
    return turn.say(
        "staff.cannot",
        act="info",
        staff=staff.name,
        service=turn.service_name(service),
        able=listed(able, turn.locale),
    )

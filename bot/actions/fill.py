"""Reading a message into the booking form: facts in any order, corrections, choices, yes and no."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from booking_core.models import Booking
from bot.actions import (
    again,
    answers,
    dates,
    details,
    habits,
    leaving,
    parts,
    prefer,
    taken_offer,
    task,
    unknown,
    waiting,
    wish,
    zones,
)
from bot.actions.coming import coming
from bot.actions.contract import ANYONE, Draft, Turn, forget_task
from bot.actions.facts import take_visit, values_of
from bot.actions.finding import find_slot
from bot.actions.offered import meant
from bot.actions.reading import Reading
from bot.actions.settling import settle
from bot.actions.taking import declined, take_booking
from bot.actions.taps import SEARCHING, by_place, tapped
from bot.actions.unasked import is_open
from nlu.contract import Answer, Entity, Step

#: What a rule answers, whatever else the message says.
_ALWAYS_OUTSIDE = {"talk_to_person", "opt_out", "stop", "distress", "medical", "complaint"}
#: What a rule answers when the message brings nothing for the form.
_OUTSIDE = {
    "greet", "thanks", "goodbye", "bot_challenge", "running_late", "confirm_attendance", "nlu_fallback", "out_of_scope",
    "chitchat",
}  # fmt: skip
#: Questions of the form that come when the service is known.
_AFTER_SERVICE = {"slot", "details", "customer_name", "confirmed"}
#: An answer that answers nothing, so often in a row.
_OFTEN = 3
#: Entities that say something of the visit.
_FACTS = {"service", "staff", "not_staff", "place", "add_on", "people", "companions", "several", "length"}


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
        turn.place = Draft.of(slots, turn.catalog).place or turn.place
        step = await by_place(turn, step)
        if step.heard.tap is not None:
            answer = await tapped(turn, step, slots)
            return await _finished(turn, slots, answer, search=step.heard.tap.do in SEARCHING)
        said = {step.understood.intent, *step.understood.also}
        if _brings_somebody(step):
            said.discard("ask_preparation")  # "can I bring my daughter too?" asks for a place, not for advice
        if again.is_back(turn, step):
            return await _came_back(turn, slots)
        if step.asking == "details" and details.is_answer(turn, step, slots):
            return await _finished(turn, slots, details.answered(turn, step, slots), search=False)
        if slots.get("task") == taken_offer.TASK and not said & task.BY_INTENT.keys():
            return Answer(reject=True)  # its time is settled: only answers belong to it
        if said & _ALWAYS_OUTSIDE or (
            not _brings_facts(turn, step) and (_is_outside(step) or _answers_unasked(turn, step))
        ):
            return Answer(reject=True)
        return await _read(turn, step, slots, said)


async def _came_back(turn: Turn, slots: dict[str, Any]) -> Answer:
    """Welcome somebody who was away: the open question comes again, about a time that is still free."""
    reading = Reading(remember={"memo": dict(slots.get("memo") or {}) | {"failures": 0}}, search=True)
    reading.say.append(turn.say("greet.back", act="info"))
    slots.update(reading.remember)
    if slots.get("slot") and slots.get("task") != "cancel":
        await find_slot(turn, slots, Draft.of(slots, turn.catalog), reading)
    return reading.answer()


async def _finished(turn: Turn, slots: dict[str, Any], answer: Answer, *, search: bool) -> Answer:
    """Fill in what leaves no choice, then look for the time that was named."""
    merged = {**slots, **answer.remember}
    if answer.reject or answer.leave_form or merged.get("task") is None:
        return answer
    reading = Reading(dict(answer.remember), list(answer.say), search)
    await _settled(turn, merged, Draft.of(slots, turn.catalog), reading)
    await prefer.take_anyone(turn, {**merged, **reading.remember}, reading)
    return replace(answer, remember=reading.remember, say=tuple(reading.say))


async def _settled(turn: Turn, slots: dict[str, Any], before: Draft, reading: Reading) -> None:
    settled = settle(turn, slots)
    reading.remember |= settled.remember
    reading.say += settled.say
    if reading.search:
        await find_slot(turn, {**slots, **settled.remember}, before, reading)


def _is_outside(step: Step) -> bool:
    intent = step.understood.intent
    return intent in _OUTSIDE or (intent.startswith("ask_") and not _starts_form(step))


def _answers_unasked(turn: Turn, step: Step) -> bool:
    """Whether a plain yes or no is about what was said last without being asked, not about the form's question."""
    return step.understood.intent in {"affirm", "deny"} and is_open(turn)


def _starts_form(step: Step) -> bool:
    return any(intent in task.BY_INTENT for intent in step.understood.also)


def _brings_facts(turn: Turn, step: Step) -> bool:
    when = step.understood.when
    if when is not None and (when.choices or when.exclusions or when.asap):
        return True
    if step.form and dates.names_nothing(step.heard.text, when, turn.locale):
        return True
    kinds = {entity.entity for entity in step.understood.entities}
    if kinds & _FACTS and not step.understood.intent.startswith("ask_"):
        return True
    if step.form is not None and _brings_somebody(step):
        return True
    if "number" in kinds and step.asking in {"people", "units"}:
        return True
    if unknown.answers_service(turn, step):
        return True
    return "name" in kinds or ("ordinal" in kinds and step.asking is not None)


def _brings_somebody(step: Step) -> bool:
    return step.understood.intent != "ask_fact" and any(
        entity.entity == "companions" for entity in step.understood.entities
    )


async def _read(turn: Turn, step: Step, slots: dict[str, Any], said: set[str]) -> Answer:
    reading = Reading(remember={"memo": dict(slots.get("memo") or {}) | {"failures": 0}})
    stopped = await task.take(turn, step, slots, said, reading)
    if stopped is not None:
        return stopped
    slots.update(reading.remember)
    before = Draft.of(slots, turn.catalog)
    await _take_habits(turn, step, slots, said, reading)
    _take_facts(turn, step, slots, said, reading)
    await _take_listed_booking(turn, step, slots, reading)
    reading.search |= prefer.take_preference(turn, step, slots, reading.remember)
    slots.update(reading.remember)
    _take_asides(turn, step, slots, said, reading)
    await again.take_later(turn, step.understood.then, reading.remember["memo"])
    slots.update(reading.remember)
    if "wait_for_free" in said and (joined := await waiting.take_up(turn, name=slots.get("customer_name"))) is not None:
        return joined
    if slots["task"] != "book" and not slots.get("booking"):
        stopped = await _take_booking(turn, step, slots, reading)
        if stopped is not None:
            return stopped
        slots.update(reading.remember)
    decided = _take_decision(turn, step, slots, said, reading)
    if decided is not None:
        return decided
    slots.update(reading.remember)
    await _settled(turn, slots, before, reading)
    slots.update(reading.remember)
    await prefer.take_anyone(turn, slots, reading)
    if (left := await leaving.left_alone(turn, slots)) is not None:
        return left
    _mind_patience(turn, step, slots, reading)
    for intent in sorted(said):
        if intent.startswith("ask_"):
            answered = await answers.answer_for(intent, turn, slots)
            reading.say.append(answered)
    return reading.answer()


def _mind_patience(turn: Turn, step: Step, slots: Mapping[str, Any], reading: Reading) -> None:
    """Tell the way to a person when one question has been asked so often that nobody wants to hear it again."""
    memo = dict(reading.remember.get("memo") or {})
    asking, times = memo.pop("again", None) or (None, 0)
    is_open = step.asking is not None and slots.get(step.asking) is None and reading.remember.get(step.asking) is None
    if is_open and not reading.search:
        times = times + 1 if asking == step.asking else 1
        memo["again"] = [step.asking, times]
        if times % _OFTEN == 0:
            reading.say.append(turn.say("ask.stuck", act="info"))
    reading.remember["memo"] = memo


async def _take_habits(turn: Turn, step: Step, slots: dict[str, Any], said: set[str], reading: Reading) -> None:
    """Take over service and person of the last visit, when just that is asked for."""
    if "same_as_last_time" not in said or slots["task"] != "book":
        return
    if slots.get("service") and (
        step.asking in _AFTER_SERVICE or any(one.entity == "staff" for one in step.understood.entities)
    ):
        return  # "Bruno always does it" tells who, what is known already; "not then, but the same time"
    described = step.understood.marked("described person")
    reading.say.append(await habits.take_last(turn, reading.remember, same_person=not described))
    slots.update(reading.remember)
    reading.search = True


def _take_asides(turn: Turn, step: Step, slots: Mapping[str, Any], said: set[str], reading: Reading) -> None:
    """Note what the question that follows must know of: something unknown, a condition, a wish to wait."""
    memo = reading.remember["memo"] = dict(reading.remember["memo"])
    if slots["task"] == "book":
        meant = unknown.take_unknown(turn, step, slots, memo)
        if meant is not None:
            reading.remember["service"] = meant
            reading.search = True
    if step.understood.marked("otherwise leave"):
        memo["or_leave"] = True
    if "wait_for_free" in said:
        memo["wait"] = True
    if "cannot_come" in said and "cancel" not in said:
        memo["unable"] = True


def _take_facts(turn: Turn, step: Step, slots: dict[str, Any], said: set[str], reading: Reading) -> None:
    remember = reading.remember
    entities = step.understood.entities
    before = Draft.of(slots, turn.catalog)
    if slots["task"] == "book":
        take_visit(turn, step, slots, said, reading)
        slots.update(remember)
        _take_asked_about(turn, step, slots, reading)
        slots.update(remember)
    names = [entity for entity in entities if entity.entity == "name"]
    parts.take_people(turn, step, slots, before, reading)
    if names and (step.asking == "customer_name" or not slots.get("customer_name")):
        remember["customer_name"] = str(names[0].value)[:80]
    when = step.understood.when
    if dates.names_nothing(step.heard.text, when, turn.locale):
        reading.say.append(turn.say("ask.no_such_time", act="info"))
    habit = step.understood.intent == "same_as_last_time" and step.asking not in _AFTER_SERVICE
    if when is not None and (when.choices or when.exclusions or when.asap) and not (habit and not when.dated):
        _take_time(turn, step, slots, reading)
    ordinals = [entity.value for entity in entities if entity.entity == "ordinal"]
    if ordinals and not habit and step.asking in _LISTED:
        _take_ordinal(step.asking, int(ordinals[0]), slots, reading)


def _take_asked_about(turn: Turn, step: Step, slots: Mapping[str, Any], reading: Reading) -> None:
    """Take the service whose price was asked just before: "how much is a colour?" - "Saturday at 10 then"."""
    memo = dict(reading.remember["memo"])
    about = memo.pop("about", None)
    reading.remember["memo"] = memo
    named = {"unknown", "service", "not_service"} & {one.entity for one in step.understood.entities}
    if about is not None and not slots.get("service") and not named:
        reading.remember["service"] = about
        reading.search = True


def _take_time(turn: Turn, step: Step, slots: dict[str, Any], reading: Reading) -> None:
    when, said = zones.counted_over(turn, step)
    assert when is not None  # noqa: S101 - the caller has looked
    if said is not None:
        reading.say.append(said)
    draft = Draft.of(slots, turn.catalog)
    offered = (slots.get("memo") or {}).get("offered") or []
    chosen = meant(turn, step, when, offered) if step.asking == "slot" else None
    if chosen is not None and not reading.search and not any(one.entity == "staff" for one in step.understood.entities):
        reading.remember |= {"slot": chosen, "when": slots.get("when")}
        return
    days = {turn.local(datetime.fromisoformat(offer["starts"])).date() for offer in offered}
    if step.asking == "slot" and when.asap and slots.get("when") and len(days) == 1 and not reading.search:
        reading.remember["slot"] = min(offered, key=lambda offer: str(offer["starts"]))  # "the earliest", of that day
        return
    on_day = wish.day_talked_about(slots.get("when"), starts=draft.starts, tz=turn.tz)
    if on_day is None and len(days) == 1:
        on_day = next(iter(days))
    if chosen is not None:  # "with Ana at 3": at that time of the list, but by somebody else perhaps
        on_day = turn.local(datetime.fromisoformat(chosen["starts"])).date()
    if on_day is None and draft.task == "move" and "was" in (slots.get("memo") or {}):
        on_day = turn.local(datetime.fromisoformat(slots["memo"]["was"])).date()
    first, *later = wish.by_line(when, step.heard.text)
    wanted = wish.correct(slots.get("when"), first, on_day=on_day)
    for said_later in later:
        on_day = wish.day_talked_about(wanted, starts=None, tz=turn.tz)
        wanted = wish.correct(wanted, said_later, on_day=on_day)
    reading.remember["when"] = wanted
    reading.remember["slot"] = None
    reading.search = True


#: Questions that list something, and where the memo keeps what they listed.
_LISTED = {"slot": "offered", "service": "services", "booking": "bookings", "place": "places"}


def _take_ordinal(asking: str, number: int, slots: dict[str, Any], reading: Reading) -> None:
    memo = slots.get("memo") or {}
    listed = memo.get(_LISTED[asking]) or []
    index = number - 1 if number > 0 else len(listed) + number
    if 0 <= index < len(listed):
        reading.remember[asking] = listed[index]
        reading.search = reading.search or asking in {"service", "place"}
        if asking == "slot" and slots.get("task") == "move":
            reading.remember["confirmed"] = True


async def _take_listed_booking(turn: Turn, step: Step, slots: dict[str, Any], reading: Reading) -> None:
    """Take over the booking whose place in the list was named: "the second one"."""
    named = reading.remember.get("booking") if step.asking == "booking" else None
    if named is None:
        return
    picked = next((one for one in await coming(turn) if str(one.id) == named), None)
    if picked is None:  # it was cancelled meanwhile: the list comes again
        reading.remember["booking"] = None
        return
    take_booking(turn, picked, slots, reading.remember)
    reading.search = True


async def _take_booking(turn: Turn, step: Step, slots: dict[str, Any], reading: Reading) -> Answer | None:
    """Find which booking a move or cancellation is about; several are asked about."""
    upcoming = await coming(turn)
    if not upcoming:
        return Answer(
            say=(turn.ask_to_book("bookings.none", act="info"),),
            remember=forget_task(),
            leave_form=True,
        )
    likely = _likely(upcoming, slots, step.understood.entities)
    if len(likely) == 1:
        take_booking(turn, likely[0], slots, reading.remember)
        reading.search = True
    return None


def _likely(upcoming: list[Booking], slots: dict[str, Any], entities: Sequence[Entity]) -> list[Booking]:
    """Return the bookings that the named services and people fit, if any do."""
    if len(upcoming) == 1:
        return upcoming
    services, staff = set(values_of(entities, "service")), slots.get("staff")
    return [
        booking
        for booking in upcoming
        if (not services or services & {str(booking.service_id), *(part["service"] for part in booking.parts)})
        and (staff in {None, ANYONE} or staff in {one for part in booking.parts for one in part["staff"]})
    ] or upcoming


def _take_decision(turn: Turn, step: Step, slots: dict[str, Any], said: set[str], reading: Reading) -> Answer | None:
    """Act on yes, no and more: only ever about the question that is open."""
    changed = reading.search
    memo = reading.remember["memo"]
    if "more_times" in said or (step.asking == "slot" and "deny" in said and not changed):
        reading.remember |= {"slot": None, "memo": memo | {"page": memo.get("page", 0) + 1}}
    elif step.asking == "confirmed" and not changed:
        if step.heard.asked == "clarify" and slots["task"] == "book" and "affirm" in said:
            return None  # a yes to "what shall I change?" is none to the visit: that is stated once more
        if "affirm" in said and "deny" not in said and not (memo.get("unable") and slots["task"] == "cancel"):
            reading.remember["confirmed"] = True
        elif "deny" in said:
            return declined(turn, slots)
    elif step.asking in _LISTED and _nods(step, said) and not changed and reading.remember.get(step.asking) is None:
        _take_nod(turn, step.asking, reading)
    return None


def _nods(step: Step, said: set[str]) -> bool:
    """Whether a message only agrees, or says that anything will do: "ok", "whenever"."""
    facts = [one for one in step.understood.entities if one.entity != "mark"]
    return "affirm" in said or (said == {"inform"} and not facts)


def _take_nod(turn: Turn, asking: str, reading: Reading) -> None:
    """Take a yes to a list: of one time that one, of several the first when it is said again; else ask to choose."""
    memo = reading.remember["memo"]
    offered = memo.get("offered") or []
    if asking == "slot" and offered and (len(offered) == 1 or memo.get("nods") == asking):
        reading.remember |= {"slot": offered[0], "memo": {key: value for key, value in memo.items() if key != "nods"}}
        return
    reading.remember["memo"] = memo | {"nods": asking}
    reading.say.append(turn.say("ask.pick", act="info"))

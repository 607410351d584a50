"""What a message means, from what its whole and its clauses were classified as: pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nlu.contract import Entity
from nlu.pipeline.texts import fold
from nlu.when import When

FALLBACK = "nlu_fallback"
#: A clause counts from this confidence; what silences the bot or the thread needs more.
_CLAUSE = 0.6
_GRAVE = 0.75
_WHOLE = 0.35
#: Beside facts, less sure guesses at questions and at small talk count for nothing.
_ASKED = 0.5
_SAID = 0.65
#: Beside a time, service or person that was asked for, fear and anger are only where they are plain.
_PLAIN = 0.9
_FEELINGS = {"distress", "complaint", "medical"}
#: A task that a clause names this much more clearly than the whole is the task.
_CLEARER = 0.1
_CLEAR = 0.85
#: What a message is about, if it is several things: the first of these answers for it.
_ORDER = (
    "distress", "opt_out", "talk_to_person", "medical", "complaint", "cancel", "reschedule", "cannot_come", "stop",
    "wait_for_free", "same_as_last_time", "book", "ask_paid", "ask_fact", "ask_price", "ask_location", "ask_phone",
    "ask_hours", "ask_services", "ask_staff", "ask_bookings", "ask_payment", "ask_policy", "ask_preparation",
    "running_late", "confirm_attendance", "choose_option", "more_times", "inform", "affirm", "deny", "bot_challenge",
    "thanks", "goodbye", "greet", "chitchat", "out_of_scope", FALLBACK,
)  # fmt: skip
_RANK = {intent: rank for rank, intent in enumerate(_ORDER)}
_GRAVE_INTENTS = {
    "opt_out", "talk_to_person", "stop", "cancel", "reschedule", "cannot_come", "running_late", "distress", "medical",
    "complaint", "wait_for_free",
}  # fmt: skip
#: Only a whole message that is surely one of these counts as it: a wrong guess would do harm.
_SURE = {
    "opt_out": 0.75, "distress": 0.6, "wait_for_free": 0.6, "complaint": 0.5, "medical": 0.6, "affirm": 0.55,
    "deny": 0.5, "stop": 0.5, "talk_to_person": 0.5, "confirm_attendance": 0.5, "running_late": 0.5, "cannot_come": 0.5,
    "ask_price": 0.45,
}  # fmt: skip
#: Of these a message means one: what its whole says counts.
_TASKS = {
    "book", "inform", "reschedule", "cancel", "cannot_come", "choose_option", "more_times", "stop", FALLBACK,
    "out_of_scope", "wait_for_free", "same_as_last_time",
}  # fmt: skip
_OTHER_TIME = {"book", "reschedule"}
#: Acts that close a booking: a time named right after them is another time for it.
_FIRM = {"booked", "rescheduled", "reminder", "payment_link"}
#: Words that mean this minute, and mostly nothing.
_NOW = {
    "now", "right now", "just now", "ahora", "ahora mismo", "ya", "maintenant", "la", "tout de suite", "jetzt",
    "gerade", "agora", "ja", "agora mesmo",
}  # fmt: skip
_TIMES_ASKED = {"offer_slots", "ask_when", "waitlist_offer"}
_LEAVING = {"cancel", "cannot_come"}
#: About a booking that exists: not while one is being made, beside a time or a person.
_ARRIVALS = {"running_late", "confirm_attendance"}
_COURTESIES = {"thanks", "goodbye"}
#: Entities that pick something from a list.
_CHOSEN = {"ordinal", "number"}
#: Entities that are turns of phrase, not facts.
_NO_FACTS = {"mark", "unknown", "zone"}
_ANSWERS = {"affirm", "deny"}
#: What else the letters of a name may resemble.
_NOT_OF_NAMES = {FALLBACK, "out_of_scope", "chitchat", "complaint", "choose_option", "more_times", "confirm_attendance"}
#: With no more words around it, a message tells the name and nothing else: "put it under ..., please".
_LEAD = 5
#: Words of so many letters join others and ask nothing by themselves.
_LITTLE = 3
#: Acts after which something is open that "stop" can mean.
_OPEN = {
    "ask_service", "ask_staff", "ask_when", "offer_slots", "ask_people", "ask_name", "ask_detail", "confirm",
    "payment_link", "clarify", "fallback", "waitlist_offer",
}  # fmt: skip
#: Questions that a yes or no answers.
_YES_NO = {"confirm", "reminder", "offer_slots", "clarify", "waitlist_offer"}


@dataclass(frozen=True, slots=True)
class Guess:
    """What a text was classified as."""

    intent: str
    confidence: float


def decide(
    whole: Guess,
    clauses: Sequence[Guess],
    *,
    asked: str | None,
    entities: Sequence[Entity],
    when: When | None,
    text: str = "",
    strange: bool = False,
) -> tuple[str, float, tuple[str, ...]]:
    """Return the intent, its confidence, and further intents; `strange`: no word of it is known."""
    if any(one.entity == "mark" and one.value == "opt out" for one in entities) and asked not in _OPEN:
        return "opt_out", 1.0, ()  # nothing is open that it could mean otherwise
    if asked in _FIRM and any(one.entity == "mark" and one.value == "something new" for one in entities):
        asked = None  # "and also a colour on Friday": not another time for what was booked
    entities = [one for one in entities if one.entity not in _NO_FACTS]
    found = _found(whole, clauses)
    if strange:
        # Letters alone are nobody's illness, and no question.
        for intent in [intent for intent in found if intent in _FEELINGS or intent.startswith("ask_")]:
            del found[intent]
        found = found or {FALLBACK: whole.confidence}
    _named(found, entities, text)
    if _is_bare(text, entities, when):
        for intent in [intent for intent in found if intent.startswith("ask_") or intent in _FEELINGS | {"chitchat"}]:
            del found[intent]
        found.setdefault("inform", _CLAUSE)
    has_facts = bool(entities) or (when is not None and bool(when.choices or when.exclusions or when.asap))
    if asked in _FIRM and not entities and when is not None and when.choices and not when.exclusions:
        # "Am I in now?", right after it was booked, moves nothing to this minute.
        has_facts = not all(fold(window.text) in _NOW for window in when.choices)
    if set(found) == {"greet"} and any(one.entity == "service" for one in entities):
        found["inform"] = _CLAUSE  # whoever greets and names a service does not only greet
    _as_facts(found, asked=asked, dated=when is not None and bool(when.choices), entities=entities)
    _in_context(found, asked=asked, has_facts=has_facts, entities=entities)
    ranked = sorted(found, key=lambda intent: _rank(intent, asked))
    first = ranked[0]
    also = tuple(intent for intent in ranked[1:] if not (intent == "stop" and first in {"cancel", "reschedule"}))
    return first, found[first], also


def _found(whole: Guess, clauses: Sequence[Guess]) -> dict[str, float]:
    found: dict[str, float] = {}
    whole = _main(whole, clauses)
    if whole.confidence >= _WHOLE or not clauses:
        found[whole.intent] = whole.confidence
    for clause in clauses:
        needed = _GRAVE if clause.intent in _GRAVE_INTENTS else _CLAUSE
        if clause.intent == FALLBACK or clause.confidence < needed:
            continue
        if clause.intent in found:
            found[clause.intent] = max(clause.confidence, found[clause.intent])
            continue
        if clause.intent in _ANSWERS and found.keys() & _ANSWERS:
            continue
        if clause.intent in _TASKS and (found.keys() & _TASKS) - {FALLBACK, "inform"}:
            continue
        if clause.intent in {"inform", "book"} and found.keys() & _TASKS - {FALLBACK, "inform"}:
            continue
        found[clause.intent] = clause.confidence
    if not found:
        found[FALLBACK] = whole.confidence
    if len(found) > 1:
        found.pop(FALLBACK, None)
    return found


def _main(whole: Guess, clauses: Sequence[Guess]) -> Guess:
    """Return what the whole means, where its clauses are clearer or say something else."""
    clearer = max((one for one in clauses if one.intent in _TASKS), key=lambda one: one.confidence, default=whole)
    if whole.intent in _TASKS and whole.confidence < _CLEAR and clearer.confidence > whole.confidence + _CLEARER:
        whole = clearer
    if whole.confidence < _SURE.get(whole.intent, 0.0):
        whole = Guess(FALLBACK, 1 - whole.confidence)
    said = {one.intent for one in clauses if one.confidence >= _CLAUSE}
    if whole.intent in _LEAVING and said & _OTHER_TIME:
        return Guess("reschedule", whole.confidence)  # "I can't make it tomorrow, can we do Friday?"
    if whole.intent == "cannot_come" and "cancel" in said:
        return Guess("cancel", whole.confidence)
    return whole


def _named(found: dict[str, float], entities: Sequence[Entity], text: str) -> None:
    """Let no letters of a name, and no word that leads to it, be an answer, a task or a cry for help."""
    name = next((one for one in entities if one.entity == "name"), None)
    if name is None:
        return
    around = f"{text[: name.start]} {text[name.end :]}"
    if len(re.findall(r"\w+", around)) <= _LEAD:
        for intent in [intent for intent in found if intent in _GRAVE_INTENTS | _ANSWERS | _NOT_OF_NAMES]:
            del found[intent]
        found.setdefault("inform", _CLAUSE)


def telling_names(clauses: Sequence[Guess], texts: Sequence[str], entities: Sequence[Entity]) -> list[Guess]:
    """Take a clause that says who somebody is ("soy Noelia Vidal") for just that, whatever its letters resemble."""
    name = next((one.text for one in entities if one.entity == "name"), None)
    return [
        Guess("inform", _CLAUSE)
        if name is not None
        and name in text
        and clause.intent in _GRAVE_INTENTS | _ANSWERS | _NOT_OF_NAMES
        and len(re.findall(r"\w+", text.replace(name, " "))) <= _LEAD
        else clause
        for clause, text in zip(clauses, texts, strict=True)
    ]


def _is_bare(text: str, entities: Sequence[Entity], when: When | None) -> bool:
    """Tell whether a service and a time are all that is said, but for little words: "cut and colour on the 24th"."""
    if when is None or not when.choices or not any(one.entity == "service" for one in entities):
        return False
    spans = [(one.start, one.end) for one in entities] + [one.span for one in (*when.windows, *when.choices)]
    return not any(
        len(word.group()) > _LITTLE and not any(start < word.end() and word.start() < end for start, end in spans)
        for word in re.finditer(r"\w+", text)
    )


def _as_facts(found: dict[str, float], *, asked: str | None, dated: bool, entities: Sequence[Entity]) -> None:
    """Take what sounds like an answer for the fact that it is."""
    if "choose_option" in found and dated and not any(entity.entity in _CHOSEN for entity in entities):
        found.setdefault("inform", found.pop("choose_option"))  # "the 8th" is a day
    is_named = any(one.entity == "service" for one in entities)
    if is_named and asked in _OPEN and found.keys() == {"stop"} and found["stop"] < _CLEAR:
        found["inform"] = found.pop("stop")  # "sorry, that is wrong, I wanted a colour"
    is_plain = asked not in _YES_NO and not found.keys() & _TASKS
    if "affirm" in found and (dated or entities) and (asked in _OPEN - _YES_NO or is_plain):
        # "Friday would be great", when the day was asked for; "cool, Saturday at 10 then", when nothing was.
        found.setdefault("inform", found.pop("affirm"))


def _in_context(found: dict[str, float], *, asked: str | None, has_facts: bool, entities: Sequence[Entity]) -> None:
    """Let the open question and the facts decide what the words alone leave open."""
    _after(found, asked=asked, has_facts=has_facts, entities=entities)
    if asked == "confirm" and found.keys() == {"book"} and not has_facts:
        found["affirm"] = found.pop("book")  # "go ahead and book it"
    if asked in _OPEN and found.keys() == {"reschedule"} and {one.entity for one in entities} == {"staff"}:
        found["inform"] = found.pop("reschedule")  # "can I go to Ana instead": of what is being made
    if asked == "confirm" and found.keys() == {"confirm_attendance"}:
        found["affirm"] = found.pop("confirm_attendance")  # "confirmed"
    if asked not in _YES_NO and found.keys() & _COURTESIES:
        found.pop("affirm", None)  # "great, thanks" when nothing was asked
    if has_facts and asked in _OPEN and found.keys() & {"inform", "book"}:
        found.pop("stop", None)  # "oh no, rather with Ana": something else is wanted, not nothing
    if has_facts:
        doubtful = [
            intent
            for intent, confidence in found.items()
            if _is_doubtful(intent, confidence, asked) or (intent in _ARRIVALS and asked in _OPEN)
        ]
        for intent in doubtful:
            del found[intent]
        if doubtful and not found.keys() & _TASKS:
            found["inform"] = _CLAUSE
            _after(found, asked=asked, has_facts=has_facts, entities=entities)
    if asked == "ask_name" and any(entity.entity == "name" for entity in entities):
        for intent in [intent for intent, confidence in found.items() if confidence < _CLAUSE]:
            del found[intent]
        found.setdefault("inform", _CLAUSE)
    if any(entity.entity == "ordinal" for entity in entities) and found.keys() <= {"inform", FALLBACK}:
        confidence = max(found.values())
        found.clear()
        found["choose_option"] = confidence


def _after(found: dict[str, float], *, asked: str | None, has_facts: bool, entities: Sequence[Entity]) -> None:
    """Understand a plain wish by what it follows: a booking that was just made, or times that were offered."""
    if asked in _TIMES_ASKED and found.keys() == {"cannot_come"}:
        found["deny"] = found.pop("cannot_come")  # "I can't then", to times that were offered
    if asked in _FIRM and has_facts and found.keys() <= {"inform", "more_times", "deny"}:
        if not any(entity.entity in {"service", "name"} for entity in entities):
            confidence = max(found.values())
            found.clear()
            found["reschedule"] = confidence  # "actually make it 5", right after it was booked
    elif asked in _FIRM and found.keys() == {"more_times"}:
        found["reschedule"] = found.pop("more_times")  # "can you make it earlier"


def _is_doubtful(intent: str, confidence: float, asked: str | None) -> bool:
    """Tell whether a time, service or person in the message says more than this guess."""
    if intent in {FALLBACK, "out_of_scope"}:
        return True
    if intent in _FEELINGS:
        return confidence < (_PLAIN if asked in _OPEN else _SAID)
    return intent not in _TASKS and confidence < (_ASKED if intent.startswith("ask_") else _SAID)


def _rank(intent: str, asked: str | None) -> int:
    if intent in _ANSWERS and asked in _YES_NO:
        return _RANK["book"]
    return _RANK.get(intent, len(_ORDER))


def guess_of(parse: Mapping[str, object]) -> Guess:
    """Read a classifier's answer."""
    intent = parse.get("intent")
    if not isinstance(intent, Mapping) or not intent.get("name"):
        return Guess(FALLBACK, 0.0)
    return Guess(str(intent["name"]), float(intent.get("confidence") or 0.0))

"""Intake questions in the thread: which one is open, and whether what was said answers it."""

from collections.abc import Mapping
from typing import Any

from booking_core.intake import questions_of
from booking_core.rules.questions import AnswerRefused, Kind, Question, Value, Wrong, open_questions, read_answer
from bot.actions import visits
from bot.actions.contract import Draft, Option, Turn
from bot.words import SOURCE_LANGUAGE, language_of
from nlu.contract import Answer, Step
from nlu.pipeline.texts import keys_of
from nlu.when import When

#: What is never an answer, when the bot is sure that it was said.
_NEVER = {"talk_to_person", "opt_out", "stop", "cancel", "distress"}
#: So sure must a question of the customer's be to be no answer.
_SURE = 0.8
#: Kinds whose answers are known by themselves, in so few words.
_EXACT = {Kind.CHOICE, Kind.NUMBER, Kind.YES_NO}
_SHORT = 4
#: Shorter words ("of", "una") tell no choice from another.
_TELLING = 4
_DECIDED = {"affirm": True, "deny": False}


def open_question(turn: Turn, slots: Mapping[str, Any]) -> Question | None:
    """Return the question that is open: the first that applies and has no answer yet."""
    draft = Draft.of(slots, turn.catalog)
    if draft.service is None:
        return None
    asked = open_questions(questions_of(turn.catalog, visits.wanted(turn.catalog, draft)), draft.answers)
    return asked[0] if asked else None


def wording(turn: Turn, words: Mapping[str, str]) -> str:
    """Return a text of the catalog in the customer's language, else in the business's, else in any."""
    for language in (language_of(turn.locale), language_of(turn.business.default_locale), SOURCE_LANGUAGE):
        if language in words:
            return words[language]
    return next(iter(words.values()))


def options(turn: Turn, question: Question) -> list[Option]:
    """Return the answers to choose from; what need not be answered can be skipped."""
    found: list[Option] = []
    if question.kind == Kind.YES_NO:
        found = [_option(question, turn.words.text(turn.locale, f"detail.{key}"), key) for key in ("yes", "no")]
    elif question.kind == Kind.CHOICE:
        found = [_option(question, wording(turn, one.text), one.key) for one in question.choices]
    if not question.required:
        found.append(_option(question, turn.words.text(turn.locale, "detail.skip"), None))
    return found


def _option(question: Question, label: str, value: str | None) -> Option:
    # Where a number is asked for, a typed 1 is an answer, not the first choice.
    args: dict[str, Any] = {"question": question.key, "value": value}
    return Option(label, "answer", args | ({"typed": "number"} if question.kind == Kind.NUMBER else {}))


def is_answer(turn: Turn, step: Step, slots: Mapping[str, Any]) -> bool:
    """Whether a message answers the open question; what surely is something else is left to the rules."""
    question = open_question(turn, slots)
    said = step.understood
    if question is None:
        return False
    if question.kind in _EXACT and len(keys_of(step.heard.text)) <= _SHORT and _read(question, step) is not None:
        return True  # a few words that answer it mean nothing else, whatever they are like
    sure = said.confidence >= _SURE
    if said.intent in _NEVER:
        return not sure
    if question.kind is Kind.YES_NO and "?" not in step.heard.text and _read(question, step) is not None:
        return True  # "no, I have been before": why is a part of the answer
    if said.intent.startswith("ask_") and (sure or "?" in step.heard.text):
        return False
    return question.kind == Kind.TEXT or sure is False or _read(question, step) is not None or _is_plain(step)


def _is_plain(step: Step) -> bool:
    return step.understood.intent in {"inform", "affirm", "deny", "nlu_fallback", "out_of_scope", "choose_option"}


def answered(turn: Turn, step: Step, slots: Mapping[str, Any]) -> Answer:
    """Keep an answer, or say kindly what kind of answer is needed; the question is then asked again."""
    question = open_question(turn, slots)
    assert question is not None  # noqa: S101 - the caller has looked
    memo = dict(slots.get("memo") or {}) | {"failures": 0}
    if not question.required and _skips(turn, step):
        return Answer(remember={"answers": {**(slots.get("answers") or {}), question.key: None}, "memo": memo})
    value = _read(question, step)
    if value is None:
        return Answer(say=(turn.say(f"detail.{_wrong(question, step).value}", act="info"),), remember={"memo": memo})
    return Answer(remember={"answers": {**(slots.get("answers") or {}), question.key: value}, "memo": memo})


def tapped(turn: Turn, slots: Mapping[str, Any], args: Mapping[str, Any], memo: Mapping[str, Any]) -> Answer:
    """Keep a chosen answer; one to a question that is not open (any more) changes nothing."""
    question = open_question(turn, slots)
    if question is None or question.key != args["question"]:
        return Answer(remember={"memo": dict(memo)})
    value = None if args["value"] is None else read_answer(question, args["value"])
    return Answer(remember={"answers": {**(slots.get("answers") or {}), question.key: value}, "memo": dict(memo)})


def _skips(turn: Turn, step: Step) -> bool:
    return step.heard.text.strip().casefold() == turn.words.text(turn.locale, "detail.skip").casefold()


def _read(question: Question, step: Step) -> Value:
    try:
        return read_answer(question, _said(question, step))
    except AnswerRefused:
        return None


def _wrong(question: Question, step: Step) -> Wrong:
    try:
        read_answer(question, _said(question, step))
    except AnswerRefused as refused:
        return refused.why
    return Wrong.MISSING


def _said(question: Question, step: Step) -> Any:
    """Return what the message says in the question's kind, or its text."""
    text, said = step.heard.text.strip(), step.understood
    match question.kind:
        case Kind.NUMBER:
            return next((one.value for one in said.entities if one.entity in {"number", "people"}), text)
        case Kind.YES_NO:
            both = {said.intent, *said.also}
            return next((_DECIDED[one] for one in _DECIDED if one in both), text)
        case Kind.DATE:
            return _first_date(said.when) or text
        case Kind.CHOICE:
            return _chosen(question, step) or text
        case Kind.TEXT:
            return step.heard.text


def _first_date(when: When | None) -> Any:
    windows = (*when.choices, *when.windows) if when is not None else ()
    return next((one.start.date() for one in windows if one.start is not None), None)


def _chosen(question: Question, step: Step) -> str | None:
    """Return the choice whose words stand in the message, or whose place in the list was named."""
    ordinals = [int(one.value) for one in step.understood.entities if one.entity == "ordinal"]
    if ordinals and 0 < ordinals[0] <= len(question.choices):
        return question.choices[ordinals[0] - 1].key
    said = {word for word in keys_of(step.heard.text) if len(word) >= _TELLING}
    words = {one.key: {word for text in one.text.values() for word in keys_of(text)} for one in question.choices}
    shared = {key: len(said & own) for key, own in words.items() if said & own}
    best = [key for key, count in shared.items() if count == max(shared.values())]
    return best[0] if len(best) == 1 else None

"""Intake questions: what must still be asked, and whether answers will do. Pure; words live elsewhere."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

#: What an answer is once it is read; None: left out on purpose.
Value = str | int | float | bool | None

LONGEST_ANSWER = 1000
_NUMBER = re.compile(r"[-+]?[0-9]{1,12}([.,][0-9]{1,6})?")
_YES = frozenset({"yes", "true"})
_NO = frozenset({"no", "false"})


class Kind(StrEnum):
    """What an answer may be."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    YES_NO = "yes_no"
    DATE = "date"


class Wrong(StrEnum):
    """Why an answer will not do."""

    MISSING = "missing"
    UNKNOWN = "unknown"  # there is no such question
    NOT_TEXT = "not_text"
    TOO_LONG = "too_long"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_CHOICE = "not_a_choice"
    NOT_YES_OR_NO = "not_yes_or_no"
    NOT_A_DATE = "not_a_date"


Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Words = Annotated[dict[str, Annotated[str, StringConstraints(min_length=1, max_length=500)]], Field(min_length=1)]


class Choice(BaseModel):
    """One of the answers to choose from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Key
    #: language -> what customers see
    text: Words


def _values(value: object) -> object:
    """Read one value or several."""
    return [value] if isinstance(value, str | bool | int | float) else value


class Question(BaseModel):
    """Something to know before a visit; with `when` only asked if other answers are what it says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Key
    #: language -> the question
    text: Words
    kind: Kind = Kind.TEXT
    #: For a choice, in order.
    choices: list[Choice] = []
    required: bool = True
    #: key of an earlier question -> the answers with which this one is asked; all must hold.
    when: dict[
        str,
        Annotated[list[str | bool | int | float], Field(min_length=1, max_length=100), BeforeValidator(_values)],
    ] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind == Kind.CHOICE and len(self.choices) < 2:
            raise ValueError("a choice needs two or more choices")
        if self.kind != Kind.CHOICE and self.choices:
            raise ValueError(f"there are choices, but the kind is {self.kind.value}")
        keys = [choice.key for choice in self.choices]
        if len(set(keys)) < len(keys):
            raise ValueError("two choices have the same key")
        return self


class AnswerRefused(ValueError):
    """An answer that will not do; `why` says which kind of wrong."""

    def __init__(self, why: Wrong) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class CheckedAnswers:
    """Answers as they are kept, without those that nobody would have asked for; and what is wrong, by key."""

    values: dict[str, Value] = field(default_factory=dict)
    errors: dict[str, Wrong] = field(default_factory=dict)


def read_questions(stored: Sequence[Mapping[str, Any]]) -> list[Question]:
    """Return a service's questions as they were stored."""
    return [Question.model_validate(dict(one)) for one in stored]


def open_questions(
    questions: Sequence[Question], answers: Mapping[str, Any], *, only_required: bool = False
) -> list[Question]:
    """Return what must still be asked, in order: an answer of None leaves a question out, unless it is required."""
    values = _readable(questions, answers)
    return [
        question
        for question in _that_apply(questions, values)
        if values.get(question.key) is None and (question.required or not (only_required or question.key in answers))
    ]


def check_answers(questions: Sequence[Question], answers: Mapping[str, Any], *, partly: bool = False) -> CheckedAnswers:
    """Return answers as they are kept, or what is wrong with them; `partly`: more will follow.

    An answer to a question that does not apply (any more) is left away.
    """
    checked = CheckedAnswers()
    known = {question.key for question in questions}
    checked.errors.update({key: Wrong.UNKNOWN for key in answers if key not in known})
    for question in _that_apply(questions, _readable(questions, answers)):
        given = answers.get(question.key)
        if given is None:
            if question.required and not partly:
                checked.errors[question.key] = Wrong.MISSING
            continue
        try:
            checked.values[question.key] = read_answer(question, given)
        except AnswerRefused as refused:
            checked.errors[question.key] = refused.why
    return checked


def read_answer(question: Question, said: object) -> Value:
    """Return an answer as it is kept; raises AnswerRefused."""
    match question.kind:
        case Kind.TEXT:
            return _text(said)
        case Kind.NUMBER:
            return _number(said)
        case Kind.CHOICE:
            return _choice(question, said)
        case Kind.YES_NO:
            return _yes_no(said)
        case Kind.DATE:
            return _date(said)


def _that_apply(questions: Sequence[Question], values: Mapping[str, Value]) -> list[Question]:
    """Return the questions whose conditions hold; one that was not asked itself has no answer."""
    applying: dict[str, Question] = {}
    for question in questions:
        if all(
            other in applying and _is_one_of(applying[other], values.get(other), wanted)
            for other, wanted in question.when.items()
        ):
            applying[question.key] = question
    return list(applying.values())


def _is_one_of(question: Question, value: Value, wanted: Sequence[object]) -> bool:
    return value is not None and any(value == _read_or_none(question, one) for one in wanted)


def _readable(questions: Sequence[Question], answers: Mapping[str, Any]) -> dict[str, Value]:
    return {one.key: _read_or_none(one, answers[one.key]) for one in questions if answers.get(one.key) is not None}


def _read_or_none(question: Question, said: object) -> Value:
    try:
        return read_answer(question, said)
    except AnswerRefused:
        return None


def _text(said: object) -> str:
    if not isinstance(said, str):
        raise AnswerRefused(Wrong.NOT_TEXT)
    # What a database cannot keep as text is no text either.
    words = "".join(sign for sign in said if sign in "\n\t" or (sign >= " " and not "\ud800" <= sign <= "\udfff"))
    words = words.strip()
    if not words:
        raise AnswerRefused(Wrong.MISSING)
    if len(words) > LONGEST_ANSWER:
        raise AnswerRefused(Wrong.TOO_LONG)
    return words


def _number(said: object) -> int | float:
    if isinstance(said, str) and _NUMBER.fullmatch(said.strip()):
        said = float(said.strip().replace(",", "."))
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise AnswerRefused(Wrong.NOT_A_NUMBER)
    if not -(10**12) < said < 10**12:  # not a number (NaN) is neither
        raise AnswerRefused(Wrong.NOT_A_NUMBER)
    return int(said) if said == int(said) else said


def _choice(question: Question, said: object) -> str:
    wanted = said.strip().casefold() if isinstance(said, str) else None
    for choice in question.choices:
        if wanted in (choice.key, *(text.casefold() for text in choice.text.values())):
            return choice.key
    raise AnswerRefused(Wrong.NOT_A_CHOICE)


def _yes_no(said: object) -> bool:
    if isinstance(said, bool):
        return said
    word = said.strip().casefold() if isinstance(said, str) else ""
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise AnswerRefused(Wrong.NOT_YES_OR_NO)


def _date(said: object) -> str:
    if isinstance(said, date):
        return date(said.year, said.month, said.day).isoformat()
    try:
        return date.fromisoformat(said.strip() if isinstance(said, str) else "").isoformat()
    except ValueError:
        raise AnswerRefused(Wrong.NOT_A_DATE) from None

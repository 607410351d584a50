"""Intake questions: which are still open, and which answers will do."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from booking_core.rules.questions import Question, Wrong, check_answers, open_questions, read_answer, read_questions


def ask(key: str, kind: str = "text", **more: object) -> Question:
    if kind == "choice":
        more.setdefault("choices", [{"key": one, "text": {"en": one.title(), "es": f"{one} (es)"}} for one in "abc"])
    return Question.model_validate({"key": key, "text": {"en": key}, "kind": kind} | more)


INTAKE = [
    ask("first_visit", "yes_no"),
    ask("insurer", "choice", when={"first_visit": True}),
    ask("policy_number", when={"insurer": ["a", "b"]}),
    ask("pain", "number"),
    ask("since", "date", when={"pain": [7, 8, 9, 10]}),
    ask("remarks", required=False),
]


def keys(questions: list[Question]) -> list[str]:
    return [one.key for one in questions]


def test_what_is_open_follows_from_the_answers() -> None:
    assert keys(open_questions(INTAKE, {})) == ["first_visit", "pain", "remarks"]
    assert keys(open_questions(INTAKE, {"first_visit": True})) == ["insurer", "pain", "remarks"]
    answers = {"first_visit": True, "insurer": "b", "pain": 8}
    assert keys(open_questions(INTAKE, answers)) == ["policy_number", "since", "remarks"]
    assert keys(open_questions(INTAKE, {"first_visit": False, "pain": 2, "remarks": None})) == []


def test_leaving_out_is_possible_unless_it_is_required() -> None:
    assert keys(open_questions(INTAKE, {"first_visit": False, "pain": None, "remarks": None})) == ["pain"]
    assert keys(open_questions(INTAKE, {"first_visit": False, "pain": 1}, only_required=True)) == []


def test_what_hangs_on_a_question_that_is_not_asked_is_not_asked() -> None:
    # The insurer was named before, then the first answer changed.
    answers = {"first_visit": False, "insurer": "a", "policy_number": "12", "pain": 1}
    assert keys(open_questions(INTAKE, answers)) == ["remarks"]
    assert check_answers(INTAKE, answers).values == {"first_visit": False, "pain": 1}


def test_checking_says_what_is_wrong_by_key() -> None:
    checked = check_answers(INTAKE, {"first_visit": "yes", "insurer": "none", "pain": "much", "colour": "red"})
    assert checked.errors == {
        "insurer": Wrong.NOT_A_CHOICE,
        "pain": Wrong.NOT_A_NUMBER,
        "colour": Wrong.UNKNOWN,
    }
    assert check_answers(INTAKE, {}).errors == {"first_visit": Wrong.MISSING, "pain": Wrong.MISSING}
    assert check_answers(INTAKE, {"first_visit": True}, partly=True).errors == {}


@pytest.mark.parametrize(
    ("kind", "said", "kept"),
    [
        ("text", "  sore back ", "sore back"),
        ("text", "a\x00b", "ab"),
        ("number", "7", 7),
        ("number", "1,5", 1.5),
        ("number", 3.0, 3),
        ("choice", "b", "b"),
        ("choice", " C (es)", "c"),
        ("yes_no", "No", False),
        ("yes_no", True, True),
        ("date", "2026-11-23", "2026-11-23"),
        ("date", date(2026, 11, 23), "2026-11-23"),
    ],
)
def test_answers_as_they_are_kept(kind: str, said: object, kept: object) -> None:
    read = read_answer(ask("it", kind), said)
    assert (read, type(read)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("kind", "said", "why"),
    [
        ("text", " ", Wrong.MISSING),
        ("text", 7, Wrong.NOT_TEXT),
        ("text", "x" * 1001, Wrong.TOO_LONG),
        ("number", True, Wrong.NOT_A_NUMBER),
        ("number", float("nan"), Wrong.NOT_A_NUMBER),
        ("number", float("inf"), Wrong.NOT_A_NUMBER),
        ("number", 10**400, Wrong.NOT_A_NUMBER),
        ("number", "1e9", Wrong.NOT_A_NUMBER),
        ("choice", "d", Wrong.NOT_A_CHOICE),
        ("choice", 1, Wrong.NOT_A_CHOICE),
        ("yes_no", "perhaps", Wrong.NOT_YES_OR_NO),
        ("date", "31 February", Wrong.NOT_A_DATE),
    ],
)
def test_answers_that_will_not_do(kind: str, said: object, why: Wrong) -> None:
    assert check_answers([ask("it", kind)], {"it": said}).errors == {"it": why}


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "Pain"},
        {"text": {}},
        {"kind": "choice"},
        {"choices": [{"key": "a", "text": {"en": "A"}}, {"key": "b", "text": {"en": "B"}}]},
        {"kind": "choice", "choices": [{"key": "a", "text": {"en": "A"}}, {"key": "a", "text": {"en": "B"}}]},
        {"when": {"other": []}},
        {"kind": "colour"},
    ],
)
def test_questions_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Question.model_validate({"key": "it", "text": {"en": "It?"}} | wrong)


#: A busy machine draws its first texts slowly.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.sampled_from("abc")


@unhurried
@given(st.dictionaries(st.sampled_from([*keys(INTAKE), "colour"]), anything))
def test_what_was_accepted_is_complete_and_stays_as_it_is(answers: dict[str, object]) -> None:
    checked = check_answers(INTAKE, answers)
    if not checked.errors:
        assert not open_questions(INTAKE, answers, only_required=True)
        again = check_answers(INTAKE, checked.values)
        assert (again.values, again.errors) == (checked.values, {})


@unhurried
@given(st.dictionaries(st.sampled_from(keys(INTAKE)), anything))
def test_answering_what_is_asked_comes_to_an_end(answers: dict[str, object]) -> None:
    answers = dict(answers)
    good = {"text": "well", "number": 8, "choice": "a", "yes_no": True, "date": "2026-11-23"}
    for _ in range(len(INTAKE) + 1):
        still = open_questions(INTAKE, answers)
        if not still:
            break
        answers[still[0].key] = good[still[0].kind]
    assert open_questions(INTAKE, answers) == []


def test_questions_survive_storing() -> None:
    assert read_questions([one.model_dump(mode="json") for one in INTAKE]) == INTAKE

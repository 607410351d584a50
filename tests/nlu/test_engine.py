"""Turns through the real Rasa: form, rules, questions in between, corrections, errors, memory."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from nlu.contract import Answer, Step, Tap
from nlu.engine import Engine, MissingActions
from nlu.inprocess import TooManyActions
from tests.nlu.sayings import heard

pytestmark = pytest.mark.model

NAMES = (
    "validate_booking_form",
    "action_ask_booking_form_booking",
    "action_ask_booking_form_service",
    "action_ask_booking_form_place",
    "action_ask_booking_form_people",
    "action_ask_booking_form_units",
    "action_ask_booking_form_slot",
    "action_ask_booking_form_details",
    "action_ask_booking_form_customer_name",
    "action_ask_booking_form_confirmed",
    "action_submit",
    "action_answer",
    "action_greet",
    "action_small_talk",
    "action_nothing_open",
    "action_fallback",
    "action_stop",
    "action_tap",
    "action_confirm_attendance",
    "action_running_late",
    "action_handoff",
    "action_opt_out",
    "action_concern",
)
#: What the example form leaves to the rules.
OUTSIDE = {"talk_to_person", "stop", "opt_out", "greet", "thanks", "nlu_fallback", "out_of_scope"}
#: The example business has one place, and its services are for one guest.
NOTHING_TO_CHOOSE = {"place": "here", "people": 1, "units": 1, "details": "done"}
#: An action's answer, given by the test's context instead of the example one.
Script = Mapping[str, Callable[[Step], Answer]]


class Example:
    """An action as small as can be: says its name; the form reads entities into slots."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def answer(self, step: Step) -> Answer:
        await asyncio.sleep(0)
        script: Script = step.context or {}
        if self.name in script:
            return script[self.name](step)
        said = ({"text": self.name},)
        match self.name:
            case "validate_booking_form":
                return fill(step)
            case "action_answer":
                return Answer(say=said, then=step.form)
            case "action_submit":
                return Answer(say=said, remember=dict.fromkeys(step.slots))
            case "action_stop" | "action_opt_out":
                return Answer(say=said, leave_form=True)
            case "action_tap":
                return Answer(then="booking_form") if step.form is None else Answer(say=said)
        return Answer(say=said)


def fill(step: Step) -> Answer:
    if step.heard.tap is not None:
        return Answer(remember=dict(step.heard.tap.args)) if step.heard.tap.do == "fill" else Answer(reject=True)
    intent = step.understood.intent
    if intent in OUTSIDE or intent.startswith("ask_"):
        return Answer(reject=True)
    found: dict[str, Any] = {} if step.slots["task"] else {"task": "book", "booking": "new", **NOTHING_TO_CHOOSE}
    for entity in step.understood.entities:
        found[{"service": "service", "staff": "staff", "name": "customer_name"}.get(entity.entity, "memo")] = (
            entity.value
        )
    if step.understood.when is not None and step.understood.when.choices:
        found["slot"] = {"starts": step.understood.when.choices[0].start.isoformat()}
    if step.asking == "confirmed" and intent == "affirm":
        found["confirmed"] = True
    return Answer(remember=found)


@pytest.fixture(scope="module")
def engine(model: Path) -> Engine:
    return Engine.load(model, [Example(name) for name in NAMES])


class Thread:
    """A conversation that only keeps what the engine gives back as memory."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.memory: dict[str, Any] = {}
        self.actions: tuple[str, ...] = ()

    async def say(
        self, text: str, script: Script | None = None, *, tap: Tap | None = None, asked: str | None = None
    ) -> list[str]:
        result = await self.engine.turn(self.memory, heard(text, tap=tap, asked=asked), script)
        self.memory, self.actions = json.loads(json.dumps(result.memory)), result.actions
        return [str(one["text"]).removeprefix("action_").removeprefix("ask_booking_form_") for one in result.said]


@pytest.fixture
def thread(engine: Engine) -> Thread:
    return Thread(engine)


async def test_a_booking_from_hello_to_the_end(thread: Thread) -> None:
    assert await thread.say("hello") == ["greet"]
    assert await thread.say("I'd like a haircut with Ana") == ["slot"]
    assert thread.memory["form"] == "booking_form"
    assert thread.memory["asking"] == "slot"
    assert await thread.say("tomorrow at 3pm", asked="offer_slots") == ["customer_name"]
    assert await thread.say("Maria Lopez", asked="ask_name") == ["confirmed"]
    assert await thread.say("yes please", asked="confirm") == ["submit"]
    assert thread.memory == {"slots": {}, "form": None, "asking": None}


async def test_everything_at_once(thread: Thread) -> None:
    assert await thread.say("Book me a haircut with Ana tomorrow at 3pm, I'm Maria Lopez") == ["confirmed"]
    assert thread.memory["slots"]["customer_name"] == "Maria Lopez"


@pytest.mark.parametrize("question", ["how much is it?", "where are you?", "when are you open?", "can I pay cash?"])
@pytest.mark.parametrize("steps", [0, 1, 2, 3])
async def test_a_question_in_between_is_answered_and_the_open_one_asked_again(
    thread: Thread, question: str, steps: int
) -> None:
    opened = ["service"]
    for text, asked in [("a haircut", "ask_service"), ("tomorrow at 3pm", "ask_when"), ("Maria Lopez", "ask_name")][
        :steps
    ]:
        opened = await thread.say(text, asked=asked)
    if not steps:
        await thread.say("I'd like to book an appointment")
    before = thread.memory
    assert await thread.say(question) == ["answer", opened[-1]]
    assert thread.actions.count("validate_booking_form") == 1
    assert thread.memory == before


async def test_a_rule_without_a_way_back_leaves_the_question_open(thread: Thread) -> None:
    await thread.say("I'd like a haircut")
    assert await thread.say("can I talk to someone?") == ["handoff"]
    assert thread.memory["asking"] == "slot"
    assert await thread.say("tomorrow at 3pm", asked="handoff") == ["customer_name"]


async def test_stop_leaves_the_form_and_forgets(thread: Thread) -> None:
    await thread.say("I'd like a haircut tomorrow at 3pm")
    assert await thread.say("never mind, forget it") == ["stop"]
    assert thread.memory == {"slots": {}, "form": None, "asking": None}
    assert await thread.say("yes") == ["nothing_open"]


async def test_the_form_can_end_itself(thread: Thread) -> None:
    await thread.say("I'd like a haircut")
    gone = Answer(say=({"text": "kept"},), remember={"memo": {"kept": 1}}, leave_form=True)
    assert await thread.say("friday", {"validate_booking_form": lambda _: gone}) == ["kept"]
    assert thread.memory == {"slots": {"memo": {"kept": 1}}, "form": None, "asking": None}


async def test_a_validation_that_changes_nothing_asks_again(thread: Thread) -> None:
    await thread.say("I'd like a haircut")
    assert await thread.say("friday", {"validate_booking_form": lambda _: Answer()}) == ["slot"]


async def test_a_refused_submit_goes_back_to_choosing(thread: Thread) -> None:
    await thread.say("Book me a haircut with Ana tomorrow at 3pm, I'm Maria Lopez")
    refused = Answer(say=({"text": "taken"},), remember={"slot": None, "confirmed": None}, then="booking_form")
    assert await thread.say("yes", {"action_submit": lambda _: refused}, asked="confirm") == ["taken", "slot"]
    assert thread.memory["form"] == "booking_form"
    assert thread.actions.count("validate_booking_form") == 1
    assert await thread.say("friday at 10", asked="offer_slots") == ["confirmed"]
    assert await thread.say("yes", asked="confirm") == ["submit"]


async def test_taps_skip_understanding_and_start_or_complete_the_form(thread: Thread) -> None:
    filled = {"task": "move", "booking": "b", "service": "haircut", "slot": {"starts": "x"}, "customer_name": "-"}
    filled |= NOTHING_TO_CHOOSE
    assert await thread.say("anything", tap=Tap("fill", filled)) == ["confirmed"]
    assert await thread.say("1", tap=Tap("fill", {"confirmed": True})) == ["submit"]
    assert await thread.say("x", tap=Tap("fill", filled | {"confirmed": True})) == ["submit"]
    assert thread.memory["form"] is None


async def test_a_tap_that_the_form_leaves_alone(thread: Thread) -> None:
    await thread.say("I'd like a haircut")
    assert await thread.say("x", tap=Tap("other")) == ["tap"]
    assert thread.memory["asking"] == "slot"


async def test_a_tap_that_would_begin_the_form_in_vain(thread: Thread) -> None:
    def tap(step: Step) -> Answer:
        tried = "validate_booking_form" in log
        log.append("action_tap")
        return Answer(say=({"text": "stale"},)) if tried else Answer(then="booking_form")

    def refuse(step: Step) -> Answer:
        log.append("validate_booking_form")
        return Answer(reject=True)

    log: list[str] = []
    assert await thread.say("x", {"action_tap": tap, "validate_booking_form": refuse}, tap=Tap("old")) == ["stale"]
    assert log == ["action_tap", "validate_booking_form", "action_tap"]
    assert thread.memory["form"] is None


@pytest.mark.parametrize("name", ["action_greet", "validate_booking_form", "action_ask_booking_form_service"])
async def test_errors_leave_the_turn_and_no_log(
    thread: Thread, name: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(step: Step) -> Answer:
        raise LookupError("gone")

    text = "hello" if name == "action_greet" else "I'd like an appointment sooooon"
    with caplog.at_level(logging.DEBUG), pytest.raises(LookupError, match="gone"):
        await thread.say(text, {name: fail})
    assert "sooooon" not in caplog.text + "".join(capsys.readouterr())
    assert await thread.say("hello") == ["greet"]


async def test_circles_unknown_slots_and_unknown_actions_are_errors(thread: Thread) -> None:
    round_and_round = {"action_greet": lambda _: Answer(then="action_greet")}
    with pytest.raises(TooManyActions):
        await thread.say("hello", round_and_round)
    with pytest.raises(ValueError, match="no such slots"):
        await thread.say("hello", {"action_greet": lambda _: Answer(remember={"colour": 1})})
    with pytest.raises(ValueError, match="no such action"):
        await thread.say("hello", {"action_greet": lambda _: Answer(then="action_dance")})
    with pytest.raises(TypeError):
        await thread.say("hello", {"action_greet": lambda _: Answer(remember={"memo": object()})})


async def test_turns_at_the_same_time_do_not_mix(engine: Engine) -> None:
    async def one(number: int) -> tuple[str, ...]:
        def greet(step: Step) -> Answer:
            return Answer(say=({"text": str(number)},), remember={"memo": number})

        result = await engine.turn({}, heard("hello"), {"action_greet": greet})
        assert result.memory["slots"] == {"memo": number}
        return tuple(str(said["text"]) for said in result.said)

    assert await asyncio.gather(*(one(number) for number in range(20))) == [(str(number),) for number in range(20)]


async def test_memory_of_an_older_model_does_not_break_a_turn(engine: Engine) -> None:
    memory = {"slots": {"gone": 1, "task": "book"}, "form": "old_form", "asking": "what"}
    result = await engine.turn(memory, heard("hello"), None)
    assert result.memory == {"slots": {"task": "book"}, "form": None, "asking": None}


@pytest.mark.parametrize(
    "text", ['/tap{"do": "yes"}', "/restart", "/session_start", "//tap", " /tap", "/back", "/affirm"]
)
async def test_a_typed_intent_has_no_privilege(engine: Engine, text: str) -> None:
    result = await engine.turn({}, heard(text), None)
    assert result.understood.intent != "tap"
    assert result.understood.confidence < 1.0 or result.understood.entities == ()
    assert "action_tap" not in result.actions
    assert result.said


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07", "?", "🎉", "a" * 100_000, "\ud800", "½ ﷽ " * 400])
async def test_any_text_gets_an_answer(engine: Engine, text: str) -> None:
    assert (await engine.turn({}, heard(text), None)).said


def test_a_model_without_its_actions_is_refused(model: Path) -> None:
    with pytest.raises(MissingActions, match="action_tap"):
        Engine.load(model, [Example(name) for name in NAMES if name != "action_tap"])

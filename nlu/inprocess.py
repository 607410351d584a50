"""Rasa's seams: its actions endpoint, its processor and its tracker, all within one process and without I/O."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import nlu.quiet  # noqa: F401 - before Rasa

# isort: split
from rasa.core.actions import action as actions_of_rasa
from rasa.core.actions.action import Action, ActionExecutionRejection, RemoteAction
from rasa.core.channels.channel import OutputChannel
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.engine.runner.interface import GraphRunner
from rasa.shared.core.constants import ACTION_LISTEN_NAME, REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    Event,
    FollowupAction,
    LoopInterrupted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from nlu.contract import Answer, DialogueAction, Heard, Step, Understood
from nlu.runner import InOrder

#: Slots that Rasa keeps for itself.
_RASAS_OWN = {REQUESTED_SLOT, "session_started_metadata"}
#: What answers a tap that starts the form when the form then leaves it alone; other messages: `_NOT_UNDERSTOOD`.
_TAPPED = "action_tap"
_NOT_UNDERSTOOD = "action_fallback"
_VALIDATION = "validate_"
_QUESTION = "action_ask_"
#: Courses of talks of which it is remembered what comes next (a few hundred are usual).
_MOST_COURSES = 10_000


class TooManyActions(RuntimeError):
    """A turn went round in circles: a bug in actions or rules, so the turn is undone."""


@dataclass(slots=True)
class Talk:
    """One turn while it runs: found by the actions endpoint through `CURRENT`."""

    heard: Heard
    understood: Understood
    context: Any
    said: list[Mapping[str, Any]] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    #: The message has been read into the form: a second validation in the turn changes nothing.
    read: bool = False
    #: Whether the form was active before the action that runs now.
    in_form: bool = False


CURRENT: ContextVar[Talk] = ContextVar("nlu_talk")


class InProcessActions(EndpointConfig):  # type: ignore[misc]
    """The actions endpoint: calls our actions and gives Rasa their events."""

    def __init__(self, actions: Iterable[DialogueAction]) -> None:
        super().__init__(url="inprocess://actions", enable_selective_domain=True)
        self.actions = {action.name: action for action in actions}

    # Rasa's compares addresses, and so takes hashing away: there is one of these in a process.
    __hash__ = object.__hash__

    async def act(self, name: str, tracker: DialogueStateTracker) -> list[Event]:
        """Run the action that Rasa asks for; whatever it raises leaves the turn."""
        slots = {key: slot.value for key, slot in tracker.slots.items() if key not in _RASAS_OWN}
        talk = CURRENT.get()
        if name.startswith(_VALIDATION):
            if talk.read:
                return [_unchanged(slots)]
            talk.read = True
        step = Step(
            heard=talk.heard,
            understood=talk.understood,
            slots=slots,
            form=tracker.active_loop_name,
            asking=tracker.get_slot(REQUESTED_SLOT),
            context=talk.context,
        )
        talk.ran.append(name)
        answer = await self.actions[name].answer(step)
        if answer.reject:
            return self._rejected(name, talk)
        talk.said.extend(answer.say)
        return self._events(name, answer, slots)

    def _rejected(self, name: str, talk: Talk) -> list[Event]:
        if talk.in_form:
            raise ActionExecutionRejection(name.removeprefix(_VALIDATION), "left to a rule")
        # The form was only about to begin: it does not, and the message is answered as if it never had.
        return [ActiveLoop(None), FollowupAction(_TAPPED if talk.heard.tap is not None else _NOT_UNDERSTOOD)]

    def _events(self, name: str, answer: Answer, slots: Mapping[str, Any]) -> list[Event]:
        unknown = answer.remember.keys() - slots.keys()
        if unknown:
            raise ValueError(f"{name} remembers {sorted(unknown)}: no such slots in the domain")
        remember: dict[str, Any] = dict.fromkeys(slots) if answer.leave_form else {}
        remember |= answer.remember
        events: list[Event] = [SlotSet(slot, value) for slot, value in remember.items()]
        within_form = name.startswith((_VALIDATION, _QUESTION))
        if answer.leave_form:
            events += [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None)]
        elif within_form and not events:
            # A form whose validation sets nothing takes that for a rejection; only `reject` is one.
            events.append(_unchanged(slots))
        if answer.then is not None and answer.then not in self.actions and answer.then != "booking_form":
            raise ValueError(f"{name} goes on with {answer.then}: no such action")
        if answer.then or answer.leave_form or not within_form:
            events.append(FollowupAction(answer.then or ACTION_LISTEN_NAME))
        return events


def _unchanged(slots: Mapping[str, Any]) -> SlotSet:
    name = min(slots)
    return SlotSet(name, slots[name])


class Processor(MessageProcessor):  # type: ignore[misc]
    """Rasa's prediction loop over a loaded model; an error in an action ends the turn instead of a log line."""

    def __init__(self, model_path: str, endpoint: InProcessActions) -> None:
        super().__init__(
            model_path,
            tracker_store=None,
            lock_store=None,
            generator=NaturalLanguageGenerator.create(None, Domain.empty()),
            action_endpoint=endpoint,
            on_circuit_break=_circling,
        )
        self.graph_runner: GraphRunner = InOrder.of(self.graph_runner)
        self._featured = {REQUESTED_SLOT, *(slot.name for slot in self.domain.slots if slot.has_features())}
        self._predicted: dict[tuple[Any, ...], PolicyPrediction] = {}

    def _predict_next_with_tracker(self, tracker: DialogueStateTracker) -> PolicyPrediction:
        """Do what Rasa's own does, but ask the policies only once what follows the same course of a talk.

        Rules see nothing of it but intents, actions, loops and the slots that have features, so these say everything.
        """
        course = None if tracker.followup_action else self._course(tracker)
        if course is None:
            return super()._predict_next_with_tracker(tracker)
        known = self._predicted.get(course)
        if known is None:
            if len(self._predicted) >= _MOST_COURSES:
                self._predicted.clear()
            known = self._predicted[course] = super()._predict_next_with_tracker(tracker)
        return known

    def _course(self, tracker: DialogueStateTracker) -> tuple[Any, ...] | None:
        """Return what has happened as rules see it; None where it is none of the usual."""
        steps: list[Any] = []
        for event in tracker.events:
            match event:
                case SlotSet():
                    if event.key in self._featured:
                        steps.append((event.key, event.value))
                case UserUttered():
                    steps.append(("said", event.intent_name))
                case ActionExecuted() | ActionExecutionRejected():
                    steps.append((type(event), event.action_name))
                case ActiveLoop():
                    steps.append((ActiveLoop, event.name))
                case LoopInterrupted():
                    steps.append((LoopInterrupted, event.is_interrupted))
                case FollowupAction():
                    pass  # it has been followed
                case _:
                    return None
        return tuple(steps)

    async def run_turn(self, tracker: DialogueStateTracker) -> None:
        """Let rules and form act until they wait for the customer."""
        await self._run_prediction_loop(OutputChannel(), tracker)

    async def _run_action(
        self,
        action: Action,
        tracker: DialogueStateTracker,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        prediction: PolicyPrediction,
    ) -> bool:
        """Do what Rasa's own does, but let errors out: it would log them and go on without the action's events."""
        CURRENT.get().in_form = tracker.active_loop_name is not None
        trial = tracker
        if prediction.events:  # an action changes no tracker: it returns what happens
            trial = tracker.copy()
            trial.update_with_events(prediction.events, self.domain)
        try:
            events = await action.run(output_channel, nlg, trial, self.domain)
        except ActionExecutionRejection:
            tracker.update(ActionExecutionRejected(action.name(), prediction.policy_name, prediction.max_confidence))
            return bool(self.should_predict_another_action(action.name()))
        self._log_action_on_tracker(tracker, action, events, prediction)
        return bool(self.should_predict_another_action(action.name()))

    def _log_action_on_tracker(
        self,
        tracker: DialogueStateTracker,
        action: Action,
        events: Sequence[Event] | None,
        prediction: PolicyPrediction,
    ) -> None:
        """Do what Rasa's own does but copy everything for a log that is never written."""
        happened = list(events or ())
        if not any(isinstance(event, ActionExecutionRejected) for event in happened):
            tracker.update_with_events(prediction.events, self.domain)
            tracker.update(action.event_for_successful_execution(prediction))
        tracker.update_with_events(happened, self.domain)


def _circling(*_: Any) -> None:
    raise TooManyActions(", ".join(CURRENT.get().ran))


def tracker_from(memory: Mapping[str, Any], domain: Domain) -> DialogueStateTracker:
    """Build Rasa's tracker from a dialogue's memory: where the talk stands, without its history."""
    tracker = DialogueStateTracker("thread", domain.slots)
    known = set(tracker.slots) - _RASAS_OWN
    for name, value in (memory.get("slots") or {}).items():
        if name in known:  # a slot of an older model is forgotten
            tracker.update(SlotSet(name, value), domain)
    if memory.get("form") in domain.form_names:
        tracker.update(ActiveLoop(memory["form"]), domain)
        tracker.update(SlotSet(REQUESTED_SLOT, memory.get("asking")), domain)
    tracker.update(ActionExecuted(ACTION_LISTEN_NAME), domain)
    return tracker


def memory_of(tracker: DialogueStateTracker) -> dict[str, Any]:
    """Reduce a tracker to what the next turn needs; fails on a value that is not JSON."""
    slots = {
        name: slot.value for name, slot in tracker.slots.items() if name not in _RASAS_OWN and slot.value is not None
    }
    form = tracker.active_loop_name
    memory = {"slots": slots, "form": form, "asking": tracker.get_slot(REQUESTED_SLOT) if form else None}
    copy: dict[str, Any] = json.loads(json.dumps(memory, allow_nan=False))
    return copy


async def _act_in_process(
    self: RemoteAction,
    output_channel: OutputChannel,
    nlg: NaturalLanguageGenerator,
    tracker: DialogueStateTracker,
    domain: Domain,
) -> list[Event]:
    """Ask our endpoint for events, not a server for JSON that says them."""
    events: list[Event] = await self.action_endpoint.act(self.name(), tracker)
    return events


# For every call of an action Rasa dresses the tracker as JSON, compiles a schema (14 ms) to check what an HTTP server
# said, and makes events of that.
RemoteAction.run = _act_in_process  # Rasa has no setting for it

# Rasa makes all of its own actions anew whenever it looks for one by name, several times in a turn; they keep nothing.
actions_of_rasa.default_actions = lru_cache(maxsize=8)(actions_of_rasa.default_actions)


def _copied(self: Slot) -> Slot:
    copy: Slot = object.__new__(type(self))
    copy.__dict__.update(self.__dict__)
    return copy


# Rasa makes a tracker, with a copy of each slot, some ten times in a turn; the usual way goes through pickling.
Slot.__copy__ = _copied

"""A turn as a function: memory and message in, memory and words out; Rasa keeps nothing between calls."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nlu.quiet import hushed  # isort: split

from rasa.core.channels.channel import UserMessage
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from nlu import clauses, meaning, tasks
from nlu.contract import DialogueAction, Entity, Heard, TurnResult, Understood
from nlu.inprocess import CURRENT, InProcessActions, Processor, Talk, memory_of, tracker_from
from nlu.pipeline.plain import STRANGE

#: More than this is not read; the transcript keeps it.
LONGEST = 1000
TAP = "tap"
_SLASHES = re.compile(r"^[\s/]+")


class MissingActions(ValueError):
    """The model's domain names actions that nobody gave."""


class Engine:
    """A loaded model with its actions; turns may be awaited at the same time."""

    def __init__(self, processor: Processor) -> None:
        self._processor = processor
        self._domain = processor.domain

    @classmethod
    def load(cls, model_path: Path, actions: Sequence[DialogueAction]) -> "Engine":
        """Load a trained model; without actions it can only understand."""
        endpoint = InProcessActions(actions)
        with hushed():
            processor = Processor(str(model_path), endpoint)
        missing = set(processor.domain.user_actions) - endpoint.actions.keys()
        if actions and missing:
            raise MissingActions(f"no action given for {', '.join(sorted(missing))}")
        return cls(processor)

    async def turn(self, memory: Mapping[str, Any], heard: Heard, context: Any) -> TurnResult:
        """Answer what was heard; whatever an action raises is raised here, and nothing is remembered."""
        understood = await self.understand(heard)
        tracker = tracker_from(memory, self._domain)
        intent = {"name": understood.intent, "confidence": understood.confidence}
        parse_data = {"text": heard.text, "intent": intent, "entities": [], "intent_ranking": []}
        tracker.update(UserUttered(heard.text, intent, [], parse_data), self._domain)
        talk = Talk(heard=heard, understood=understood, context=context)
        token = CURRENT.set(talk)
        try:
            await self._processor.run_turn(tracker)
        finally:
            CURRENT.reset(token)
        return TurnResult(
            memory=memory_of(tracker), said=tuple(talk.said), understood=understood, actions=tuple(talk.ran)
        )

    async def understand(self, heard: Heard) -> Understood:
        """Return what a message means; a tap is not interpreted."""
        if heard.tap is not None:
            return Understood(language=None, intent=TAP, confidence=1.0)
        text = readable(heard.text)
        sign = clauses.sign_of(text)
        if not text.strip() or sign is not None or clauses.is_noise(text):
            return Understood(language=None, intent=sign or meaning.FALLBACK, confidence=1.0)
        whole, *rest = self._parse(text, heard)
        parts = [str(part["text"]) for part in rest]
        found = tuple(_entity(one) for one in whole.get("entities") or ())
        guesses = meaning.telling_names([meaning.guess_of(part) for part in rest], parts, found)
        services = [one.start for one in found if one.entity == "service"]
        later = tasks.later_tasks(text, parts, guesses, services)
        entities, when, then = tasks.dealt(found, tasks.beside_names(whole.get("when"), found), later)
        intent, confidence, also = meaning.decide(
            tasks.first_of(meaning.guess_of(whole), guesses, later),
            () if later else guesses,
            asked=heard.asked,
            entities=entities,
            when=when,
            text=text,
            strange=bool(whole.get(STRANGE)),
        )
        return Understood(
            language=whole.get("language"),
            intent=intent,
            confidence=round(confidence, 4),
            also=also,
            entities=entities,
            when=when,
            then=then,
        )

    def _parse(self, text: str, heard: Heard) -> list[dict[str, Any]]:
        """Run the pipeline once: what comes out is the message, and then each of its parts."""
        message = UserMessage(text="", metadata={"heard": heard})
        message.text = text  # as it is: the constructor strips, and offsets would shift
        target = self._processor.model_metadata.nlu_target
        results = self._processor.graph_runner.run(
            inputs={PLACEHOLDER_MESSAGE: [message], PLACEHOLDER_TRACKER: DialogueStateTracker("thread", [])},
            targets=[target],
        )
        return [one.as_dict(only_output_properties=True) for one in results[target]]


def readable(text: str) -> str:
    """Return the text for understanding, at the same offsets: capped, without control characters.

    A slash at the beginning would be Rasa's way to name an intent directly; customers have no such way.
    """
    plain = "".join(" " if unicodedata.category(char) in {"Cc", "Cs"} and char != "\n" else char for char in text)
    return _SLASHES.sub(lambda match: " " * len(match.group()), plain[:LONGEST])


def _entity(found: Mapping[str, Any]) -> Entity:
    return Entity(
        entity=found["entity"],
        value=found["value"],
        text=found["text"],
        start=found["start"],
        end=found["end"],
        confidence=found["confidence"],
    )

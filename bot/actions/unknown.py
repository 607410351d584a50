"""Something asked for that is not sold here: a near miss is offered with a question, else what there is."""

from collections.abc import Mapping
from typing import Any

from rapidfuzz import fuzz, utils

from booking_core.models import Service
from bot.actions.contract import Option, Turn
from nlu.contract import Step

#: From here on a word looks like a service's name written wrong; typing errors are read before.
_ALIKE = 72
_LISTED = 8


def take_unknown(turn: Turn, step: Step, slots: Mapping[str, Any], memo: dict[str, Any]) -> str | None:
    """Note what was asked for and is not known, and what it may have meant.

    Returns the service, if the one that was asked about before is meant: by a yes, or by the same word again.
    """
    before = memo.pop("maybe", None) if step.asking == "service" else None
    for key in ("unknown", "maybe"):
        memo.pop(key, None)
    if slots.get("service"):
        return None
    said = _said(step)
    near = nearest(turn, said) if said is not None else None
    agreed = "affirm" in {step.understood.intent, *step.understood.also} if said is None else near is not None
    if before is not None and agreed and (near is None or str(near.id) == before):
        return str(before)
    if said is not None:
        memo["unknown"] = True
    if near is not None:
        memo["maybe"] = str(near.id)
    return None


def answers_service(turn: Turn, step: Step) -> bool:
    """Whether something like a service's name answers the question for the service."""
    said = _said(step)
    return step.asking == "service" and said is not None and nearest(turn, said) is not None


def _said(step: Step) -> str | None:
    return next((entity.text for entity in step.understood.entities if entity.entity == "unknown"), None)


def nearest(turn: Turn, said: str) -> Service | None:
    """Return the service whose name is most like what was written, if it is like it at all."""
    best, most = None, float(_ALIKE)
    for service in turn.catalog.services:
        names = [service.name, *service.names.values(), *(one for some in service.synonyms.values() for one in some)]
        for name in names:
            score = fuzz.ratio(said, name, processor=utils.default_process)
            if score >= most:
                best, most = service, score
    return best


def service_question(turn: Turn, memo: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the question for the service after something unknown; None if nothing was."""
    if not memo.get("unknown"):
        return None
    maybe = next((one for one in turn.catalog.services if str(one.id) == memo.get("maybe")), None)
    others = [one for one in turn.catalog.services if one is not maybe][: _LISTED - (maybe is not None)]
    options = [Option(turn.service_name(one), "pick_service", {"service": str(one.id)}) for one in others]
    person = turn.option("choice.person", "person")
    if maybe is None:
        return turn.say("service.not_ours", act="ask_service", choices=[*options, person])
    yes = turn.option("choice.yes", "pick_service", service=str(maybe.id))
    return turn.say(
        "service.maybe", act="ask_service", choices=[yes, *options, person], service=turn.service_name(maybe)
    )

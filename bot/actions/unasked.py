"""Answers to what the bot said without being asked: an offer of the waitlist, another time for a booking."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.actions import displaced, waiting
from bot.actions.contract import Turn
from nlu.contract import Answer, Step

_Answering = Callable[[Turn, Mapping[str, Any], str | None], Awaitable[Answer]]

#: What a tap does that belongs to no form.
TAPS: Mapping[str, _Answering] = {
    "take_offer": waiting.take_offer,
    "pass_offer": waiting.pass_offer,
    "leave_waitlist": waiting.leave_waitlist,
    "join_waitlist": waiting.join_waitlist,
    "take_move": displaced.take_move,
    "cancel_hit": displaced.cancel_hit,
}


def is_open(turn: Turn) -> bool:
    """Whether the last thing that was said is such a question: a plain yes or no then answers it."""
    facts = turn.last.facts if turn.last is not None and turn.last.sender == "bot" else None
    return bool(facts and ("offer" in facts or "proposal" in facts))


async def answer_plainly(turn: Turn, step: Step) -> Answer | None:
    """Take a yes or no in words as the answer to the offer or proposal that was said last."""
    if not is_open(turn) or turn.last is None:
        return None
    facts: Mapping[str, Any] = turn.last.facts or {}
    yes = step.understood.intent == "affirm"
    if "offer" in facts:
        take = waiting.take_offer if yes else waiting.pass_offer
        return await take(turn, facts, step.form)
    return await (displaced.take_move if yes else displaced.refuse_move)(turn, facts, step.form)

"""Answers to what the bot said without being asked: an offer, another time for a booking, whether it may remind."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from bot import consent
from bot.actions import again, displaced, taken_offer, waiting
from bot.actions.contract import Turn, forget_task
from bot.actions.taking import fresh_task
from nlu.contract import Answer, Step

_Answering = Callable[[Turn, Mapping[str, Any], str | None], Awaitable[Answer]]


async def keep(turn: Turn, _: Mapping[str, Any], form: str | None = None) -> Answer:
    """Leave a booking as it is."""
    return Answer(say=(turn.say("cancel.kept", act="info"),), then=form, remember={} if form else forget_task())


async def _begin_later(turn: Turn, later: Mapping[str, Any], form: str | None = None) -> Answer:
    """Begin the task that waited for a payment; its own summary asks once more."""
    slots = await again.begun(turn, [later])
    if slots is None:
        return Answer(say=(turn.say("talk.stale", act="info"),), then=form)
    turn.filled = True
    return Answer(remember=forget_task() | slots, then="booking_form")


async def _begin_booking(turn: Turn, *, yes: bool) -> Answer:
    if not yes:
        return Answer(say=(turn.say("talk.settled", act="info"),))
    turn.filled = True  # the message is read: the form only asks
    return Answer(remember=fresh_task(turn), then="booking_form")


async def _take_consent(turn: Turn, args: Mapping[str, Any], form: str | None = None) -> Answer:
    # Looked up when it is called: consent's letters speak with this package's cards.
    return await consent.take(turn, args, form)


#: What a tap does that belongs to no form.
TAPS: Mapping[str, _Answering] = {
    "keep": keep,
    "take_offer": waiting.take_offer,
    "pass_offer": waiting.pass_offer,
    "leave_waitlist": waiting.leave_waitlist,
    "join_waitlist": waiting.join_waitlist,
    "take_move": displaced.take_move,
    "cancel_hit": displaced.cancel_hit,
    "consent": _take_consent,
}


async def tapped(turn: Turn, step: Step) -> Answer | None:
    """Do what a tap means that belongs to no form; None if it is none of these."""
    tap = step.heard.tap
    if tap is None or tap.do not in TAPS:
        return None
    act = partial(waiting.join_waitlist, name=_called(step)) if tap.do == "join_waitlist" else TAPS[tap.do]
    return taken_offer.and_then_back(await act(turn, tap.args, step.form), step)


def _called(step: Step) -> str | None:
    """Return what the customer called themselves while booking, if it was said."""
    return step.slots.get("customer_name") if step.slots.get("task") == "book" else None


def is_open(turn: Turn) -> bool:
    """Whether the last thing that was said is such a question: a plain yes or no then answers it."""
    facts = turn.last.facts if turn.last is not None and turn.last.sender == "bot" else None
    return bool(facts and ({"offer", "proposal", "later", "consent", "book"} & facts.keys()))


async def answer_plainly(turn: Turn, step: Step) -> Answer | None:
    """Take a yes or no in words as the answer to the offer or proposal that was said last."""
    if not is_open(turn) or turn.last is None:
        return None
    facts: Mapping[str, Any] = turn.last.facts or {}
    yes = step.understood.intent == "affirm"
    if "consent" in facts:
        return await consent.take(turn, {"yes": yes, "wording": facts["consent"]}, step.form)
    if "book" in facts:
        return await _begin_booking(turn, yes=yes)
    if "later" in facts:
        return await (_begin_later if yes else keep)(turn, facts["later"], step.form)
    if "offer" in facts:
        take = waiting.take_offer if yes else waiting.pass_offer
        return taken_offer.and_then_back(await take(turn, facts, step.form), step)
    return await (displaced.take_move if yes else displaced.refuse_move)(turn, facts, step.form)

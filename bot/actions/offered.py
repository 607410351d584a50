"""Which of the offered times is meant by a clock, or by a weekday and a clock."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.actions.contract import Turn
from nlu.contract import Step
from nlu.when import When, understand_when

_POINTS = {"minute", "hour"}
#: So long before a day its weekday alone names it, and no "tomorrow" does.
_BEFORE = timedelta(days=3)


def meant(turn: Turn, step: Step, when: When, offered: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the one offered time that the words fit; None when none or several do, or another day was named."""
    if len(when.choices) != 1 or when.choices[0].grain not in _POINTS or when.choices[0].start is None:
        return None
    window, start = when.choices[0], when.choices[0].start
    times = [(slot, turn.local(datetime.fromisoformat(slot["starts"]))) for slot in offered]
    same = [(slot, at) for slot, at in times if at.time() == start.time()]
    if window.dated:
        # "Tuesday at 1", where only the Tuesday after next was offered.
        same = [(slot, at) for slot, at in same if at.weekday() == start.weekday() and _names(step, at)]
    return same[0][0] if len(same) == 1 else None


def _names(step: Step, at: datetime) -> bool:
    """Whether the words name this moment to somebody who hears them shortly before."""
    heard, language = step.heard, step.understood.language
    spoken = heard.locale if language in {None, heard.locale.split("-")[0]} else language
    again = understand_when(
        heard.text, locale=str(spoken), now=at - _BEFORE, tz=heard.tz, hours=heard.hours, latent=True
    )
    return any(window.start == at.replace(tzinfo=None) for window in again.choices)

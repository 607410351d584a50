"""Whether "at 8" means the morning or the evening: asked only when the house is open at both."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.actions import visits
from bot.actions.contract import Draft, Option, Turn
from bot.actions.opening import opening_on
from nlu.when import When, Window

_HALF = timedelta(hours=12)
_HALF_DAY = 12


def both_halves(turn: Turn, draft: Draft) -> dict[str, Any] | None:
    """Return the question for the half of the day; None unless both can be meant."""
    if not draft.when or draft.starts is not None or draft.service is None:
        return None
    pair = _pair(When.from_json(dict(draft.when)))
    if pair is None or not all(_is_open(turn, one, draft.service.duration) for one in pair):
        return None
    options = [_option(turn, draft, one) for one in pair]
    return turn.say("ask.half", act="ask_when", choices=options, day=turn.day(options_start(turn, pair[0])))


def options_start(turn: Turn, window: Window) -> datetime:
    """Return a window's start as a moment."""
    assert window.start is not None  # noqa: S101 - `_pair` has looked
    return window.start.replace(tzinfo=ZoneInfo(turn.tz))


def _pair(when: When) -> tuple[Window, Window] | None:
    """Return the two readings of one clock time without a half of the day."""
    if len(when.choices) != 1:
        return None
    chosen = when.choices[0]
    if chosen.start is None or chosen.grain not in {"hour", "minute"} or chosen.approx:
        return None
    for other in when.windows:
        if other.start is not None and other.span == chosen.span and abs(other.start - chosen.start) == _HALF:
            return (chosen, other) if chosen.start < other.start else (other, chosen)
    return None


def _is_open(turn: Turn, window: Window, minutes: int) -> bool:
    start = options_start(turn, window)
    minute = start.hour * 60 + start.minute
    fits = any(first <= minute and minute + minutes <= last for first, last in opening_on(turn, start.date()))
    return fits and start > turn.now


def _option(turn: Turn, draft: Draft, window: Window) -> Option:
    start = options_start(turn, window)
    assert draft.service is not None  # noqa: S101 - the caller has looked
    args: Mapping[str, Any] = {
        "starts": start.isoformat(),
        "staff": str(draft.wanted_staff) if draft.wanted_staff else None,
        "visit": visits.kept(visits.wanted(turn.catalog, draft)),
        "task": "book",
    }
    return Option(turn.clock(start), "choose_slot", dict(args))

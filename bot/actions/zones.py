"""A time said by the customer's own clock, elsewhere: counted over to the clock of the house, and both are said."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot import phrasing
from bot.actions.contract import Turn
from nlu.contract import Step
from nlu.when import When, Window

_CLOCK = {"minute", "hour"}


def counted_over(turn: Turn, step: Step) -> tuple[When | None, Mapping[str, Any] | None]:
    """Return the time by the house's clock, and what is to be said about it."""
    when = step.understood.when
    zone = next((entity for entity in step.understood.entities if entity.entity == "zone"), None)
    clocks = [window for window in when.choices if window.grain in _CLOCK] if when is not None else []
    if when is None or not clocks:
        return when, None
    if zone is None:
        if step.understood.marked("own time"):
            return when, turn.say("zone.ours", act="info", place=turn.location.name)
        return when, None
    if ZoneInfo(zone.value).utcoffset(turn.now) == ZoneInfo(turn.tz).utcoffset(turn.now):
        return when, None
    counted = replace(
        when,
        windows=tuple(_moved(turn, window, zone.value) for window in when.windows),
        choices=tuple(_moved(turn, window, zone.value) for window in when.choices),
    )
    start = clocks[0].start
    assert start is not None  # noqa: S101 - a clock reading has a start
    there = start.replace(tzinfo=ZoneInfo(zone.value))
    said = turn.say(
        "zone.counted",
        act="info",
        there=phrasing.clock(there, zone.value, turn.locale),
        place=zone.text,
        here=turn.clock(there),
    )
    return counted, said


def _moved(turn: Turn, window: Window, zone: str) -> Window:
    if window.grain not in _CLOCK:
        return window
    return replace(window, start=_here(turn, window.start, zone), end=_here(turn, window.end, zone))


def _here(turn: Turn, local: datetime | None, zone: str) -> datetime | None:
    if local is None:
        return None
    return turn.local(local.replace(tzinfo=ZoneInfo(zone))).replace(tzinfo=None)

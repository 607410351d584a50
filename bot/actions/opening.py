"""When the house is open: on one day, or next, for whoever waits for a person."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.actions.contract import Turn

#: A house that opens on none of these days does not say when.
_AHEAD = 14


def opening_on(turn: Turn, day: date) -> list[tuple[int, int]]:
    """Return a local day's opening as minutes of the wall clock; a holiday has none."""
    if turn.catalog.is_holiday(turn.location.id, day):
        return []
    return [(first, last) for first, last in turn.catalog.opening(turn.location.id).get(day.weekday(), ())]


def next_opening(turn: Turn, *, at: datetime | None = None) -> datetime | None:
    """Return when somebody is there again; None while the house is open, or if that cannot be told.

    Seen from now, or from another moment (`at`).
    """
    local = turn.local(at or turn.now)
    minute = local.hour * 60 + local.minute
    for ahead in range(_AHEAD):
        day = local.date() + timedelta(days=ahead)
        for first, last in opening_on(turn, day):
            if ahead == 0 and first <= minute < last:
                return None
            if ahead or minute < first:
                return datetime.combine(day, time(), ZoneInfo(turn.tz)) + timedelta(minutes=first)
    return None


def answers_when(turn: Turn) -> str:
    """Return the sentence that says when a person answers; empty while the house is open."""
    opens = next_opening(turn)
    if opens is None:
        return ""
    return turn.words.text(turn.locale, "handoff.when", when=turn.day_and_clock(opens))

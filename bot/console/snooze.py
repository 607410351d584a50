"""Until when a thread is put aside: what the console offers, as moments."""

from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.console.wall import moment_on

#: The minute at which a day begins for whoever puts a thread aside for days.
MORNING = 9 * 60
FARTHEST = timedelta(days=365)


class Snooze(StrEnum):
    """What is offered; `AT` comes with a moment of the wall clock."""

    HOUR = "hour"
    TOMORROW = "tomorrow"
    WEEK = "week"
    HEARD = "heard"
    AT = "at"


class NoSuchMoment(ValueError):
    """The moment asked for is over, too far, or none."""


def moment_for(choice: str, at: str, *, tz: str, now: datetime) -> datetime | None:
    """Return when a thread comes back; None: only when the customer writes. Raises NoSuchMoment.

    `at` is `2026-11-24T09:30` on the wall clock of `tz`.
    """
    today = now.astimezone(ZoneInfo(tz)).date()
    match choice:
        case Snooze.HEARD:
            return None
        case Snooze.HOUR:
            return now + timedelta(hours=1)
        case Snooze.TOMORROW:
            return moment_on(today + timedelta(days=1), MORNING, tz)
        case Snooze.WEEK:
            return moment_on(today + timedelta(days=7), MORNING, tz)
        case Snooze.AT:
            return _wanted(at, tz, now)
        case _:
            raise NoSuchMoment


def _wanted(at: str, tz: str, now: datetime) -> datetime:
    try:
        wall = datetime.fromisoformat(at)
    except ValueError as wrong:
        raise NoSuchMoment from wrong
    # Roughly at first: the last days of the calendar have no instant in every zone.
    if wall.tzinfo is not None or abs(wall.year - now.year) > 1:
        raise NoSuchMoment
    moment = moment_on(wall.date(), wall.hour * 60 + wall.minute, tz)
    if not now < moment <= now + FARTHEST:
        raise NoSuchMoment
    return moment

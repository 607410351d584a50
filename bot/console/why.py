"""Refusals of the booking core in words of the console."""

from datetime import datetime
from typing import Any

from booking_core.refusals import BookingRefused, Reason
from bot.console.wall import Wall
from bot.words import Words

#: What a person at the business may pass over. That somebody else has the time is never among these.
PASSABLE = frozenset(
    {Reason.OUTSIDE_HOURS, Reason.TOO_SOON, Reason.TOO_FAR, Reason.PAST, Reason.LIMIT_REACHED, Reason.STAFF_AWAY,
     Reason.OFF_GRID}
)  # fmt: skip


def why(words: Words, language: str, wall: Wall, refused: BookingRefused) -> str:
    """Return a sentence that says why."""
    values: dict[str, Any] = {
        name: wall.full(value) if isinstance(value, datetime) else value for name, value in refused.data.items()
    }
    known: dict[str, Any] = {"earliest": "", "latest": "", "left": 0, "most": ""}
    return words.text(language, f"console.why.{refused.reason.value}", None, **(known | values))

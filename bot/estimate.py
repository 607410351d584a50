"""When a person answers, said honestly: by the opening hours, and by how long people really took lately."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from bot.actions.contract import Turn
from bot.actions.opening import next_opening
from bot.models import HandoffNote
from bot.standing import Move

#: Waits are remembered for so long, and so many of them.
LOOKED_BACK = timedelta(days=30)
MOST_WAITS = 200
#: Fewer waits than this say nothing; a longer one than that is no promise to make.
FEWEST_WAITS = 5
LONGEST_PROMISE = timedelta(hours=1)
#: What is promised is a multiple of so many minutes.
STEP = 5
#: Of ten customers, eight were answered within what we say.
SHARE = 0.8


async def when_answered(turn: Turn) -> dict[str, Any]:
    """Return what a waiting customer is told: the next opening, or how long it takes, or no more than we know."""
    opens = next_opening(turn)
    if opens is not None:
        return turn.say("handoff.wait.closed", act="handoff", when=turn.day_and_clock(opens))
    minutes = likely_minutes(await _waits(turn), waited=await _waited(turn))
    if minutes is None:
        return turn.say("handoff.wait.open", act="handoff")
    return turn.say("handoff.wait.minutes", act="handoff", count=minutes)


def likely_minutes(waits: Sequence[timedelta], *, waited: timedelta) -> int | None:
    """Return within how many minutes from now most waits were over; None where that is not known, or past."""
    if len(waits) < FEWEST_WAITS:
        return None
    usual = sorted(waits)[math.ceil(len(waits) * SHARE) - 1]
    left = usual - waited
    if usual > LONGEST_PROMISE or left <= timedelta(0):
        return None
    return max(STEP, STEP * math.ceil(left / timedelta(minutes=STEP)))


async def _waits(turn: Turn) -> list[timedelta]:
    """Return how long it took, each time that somebody asked for a person while the house was open."""
    taken = aliased(HandoffNote)
    ended = (
        select(func.min(taken.at))
        .where(
            taken.business_id == HandoffNote.business_id,
            taken.conversation_id == HandoffNote.conversation_id,
            taken.move.in_([Move.TAKE.value, Move.ASSIGN.value, Move.SNOOZE.value]),
            taken.at >= HandoffNote.at,
        )
        .correlate(HandoffNote)
        .scalar_subquery()
    )
    found = await turn.session.execute(
        select(HandoffNote.at, ended)
        .where(
            HandoffNote.business_id == turn.business.id,
            HandoffNote.move == Move.ASK.value,
            HandoffNote.at >= turn.now - LOOKED_BACK,
            HandoffNote.at < turn.now,
        )
        .order_by(HandoffNote.at.desc())
        .limit(MOST_WAITS)
    )
    # Whoever waits longer than we would ever promise counts as such, though nobody knows yet how long it will be.
    waits = [((end or turn.now) - asked, end is not None, asked) for asked, end in found.tuples()]
    return [
        wait for wait, over, asked in waits if (over or wait > LONGEST_PROMISE) and next_opening(turn, at=asked) is None
    ]


async def _waited(turn: Turn) -> timedelta:
    asked: datetime | None = await turn.session.scalar(
        select(func.max(HandoffNote.at)).where(
            HandoffNote.business_id == turn.business.id,
            HandoffNote.conversation_id == turn.conversation.id,
            HandoffNote.move == Move.ASK.value,
        )
    )
    return turn.now - asked if asked is not None else timedelta(0)

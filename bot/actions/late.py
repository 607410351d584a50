"""Running late: staff are told, and the customer hears honestly whether it fits."""

import re
from datetime import timedelta

from sqlalchemy import select

from booking_core.models import Booking, State
from bot import tasks
from bot.actions import cards
from bot.actions.coming import coming
from bot.actions.contract import Turn
from nlu.contract import Answer, Step

#: Of a number without more: people are minutes late.
_MINUTES = re.compile(r"(?<![\d:.])(\d{1,3})(?![\d:.])")
#: Who says nothing is a little late.
_USUAL = 10
_MOST = 120
_TAKING = (State.HELD.value, State.CONFIRMED.value, State.CHECKED_IN.value, State.PENDING_APPROVAL.value)


class RunningLate:
    """Staff are told; the customer gets an honest line."""

    name = "action_running_late"

    async def answer(self, step: Step) -> Answer:
        """Make a task for staff about the booking of today; one of another day is said as it stands."""
        turn: Turn = step.context
        booking = await _todays(turn)
        if booking is None:
            return Answer(say=(await _not_today(turn),), then=step.form)
        minutes = minutes_in(step.heard.text)
        await tasks.ask_staff(
            turn.session,
            turn.business.id,
            kind="running_late",
            key=f"late:{turn.key}",
            now=turn.now,
            conversation_id=turn.conversation.id,
            booking_id=booking.id,
            data={"minutes": minutes},
        )
        delay = timedelta(minutes=minutes or _USUAL)
        following = await _next_of(turn, booking)
        if following is not None and following.starts < booking.ends + delay:
            said = turn.say("late.told_next", act="info", when=turn.clock(following.starts))
        else:
            said = turn.say("late.told", act="info")
        return Answer(say=(said,), then=step.form)


def minutes_in(text: str) -> int | None:
    """Return how many minutes late somebody says to be, if one plain number says so."""
    found = [int(match.group(1)) for match in _MINUTES.finditer(text)]
    return found[0] if len(found) == 1 and 0 < found[0] <= _MOST else None


async def _todays(turn: Turn) -> Booking | None:
    """Return today's booking, one that has just begun too."""
    if turn.customer is None:
        return None
    local = turn.local(turn.now)
    found = await turn.session.scalars(
        select(Booking)
        .where(
            Booking.business_id == turn.business.id,
            Booking.customer_id == turn.customer.id,
            Booking.state.in_((State.CONFIRMED.value, State.HELD.value)),
            Booking.ends > turn.now,
        )
        .order_by(Booking.starts)
    )
    return next((one for one in found if turn.local(one.starts).date() == local.date()), None)


async def _next_of(turn: Turn, booking: Booking) -> Booking | None:
    """Return what the same person has next on that day."""
    if booking.staff_id is None:
        return None
    following: Booking | None = await turn.session.scalar(
        select(Booking)
        .where(
            Booking.business_id == turn.business.id,
            Booking.staff_id == booking.staff_id,
            Booking.state.in_(_TAKING),
            Booking.id != booking.id,
            Booking.starts >= booking.ends,
            Booking.starts < booking.ends + timedelta(hours=12),
        )
        .order_by(Booking.starts)
        .limit(1)
    )
    return following


async def _not_today(turn: Turn) -> dict[str, object]:
    upcoming = await coming(turn)
    if not upcoming:
        return turn.say("late.nothing", act="info", choices=[turn.option("choice.person", "person")])
    one = upcoming[0]
    line = cards.booking_line(turn, one)
    options = [turn.option("choice.move", "start_move", booking=str(one.id))]
    return turn.say("late.not_today", act="info", choices=options, line=line)

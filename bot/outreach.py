"""Saying what nobody has just asked for: not to who has left, not while they sleep, not when it is too late."""

from datetime import datetime

from bot.actions.contract import Turn
from channels.models import Message
from channels.quiet import quiet_until, read_quiet_hours, zone_of
from channels.terms import hold_back


def reach_out(
    turn: Turn,
    message: Message,
    *,
    useful_until: datetime | None = None,
    not_later_than: datetime | None = None,
    at_once: bool = False,
) -> None:
    """Mark a message that was just queued as unasked, and hold it back while the customer's hours are quiet.

    `useful_until`: after that it is dropped. `not_later_than`: rather than that late it goes in the quiet.
    `at_once`: the customer was here a moment ago, so there is no quiet to keep.
    """
    until = None if at_once else quiet_end(turn)
    if until is not None and not_later_than is not None and until >= not_later_than:
        until = None
    hold_back(message, until=until, useful_until=useful_until)


def quiet_end(turn: Turn) -> datetime | None:
    """Return when the quiet hours end that reign where the customer is now; None while they do not."""
    hours = read_quiet_hours(turn.business.settings.get("quiet_hours"))
    if turn.conversation.channel in {"web", "email"}:
        return None  # they ring nowhere
    return quiet_until(hours, zone_of(turn.conversation.channel, turn.conversation.address, turn.tz), turn.now)

"""What goes on later: a talk that was left for hours, and the second of two tasks said at once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from booking_core import booking as bookings
from booking_core.models import Booking, State
from bot.actions import cards, wish
from bot.actions.coming import coming
from bot.actions.contract import Draft, Turn, forget_task
from bot.actions.taking import take_booking
from nlu.contract import Answer, Step, Task

#: After so long nobody remembers where a talk stood.
LONG_AGO = timedelta(hours=2)
_RETURNING = {"greet", "chitchat", "thanks", "confirm_attendance", "nlu_fallback"}
_FIRM = {"booked", "rescheduled", "cancelled"}
_TASKS = {"cancel": "cancel", "reschedule": "move"}


def is_back(turn: Turn, step: Step) -> bool:
    """Whether somebody comes back to an open form after hours, with nothing new in their words."""
    if step.form is None or turn.last is None or turn.now - turn.last.created_at < LONG_AGO:
        return False
    return step.understood.intent in _RETURNING


async def take_later(turn: Turn, tasks: tuple[Task, ...], memo: dict[str, Any]) -> None:
    """Remember what is to be done after the first task: which booking it means, if the words say so."""
    upcoming = await coming(turn)
    later = []
    for task in tasks:
        meant = [one for one in upcoming if _is_meant(turn, task, one)] or upcoming
        if meant:
            booking = str(meant[0].id) if len(meant) == 1 else None
            later.append({"task": _TASKS[task.intent], "booking": booking})
    if later:
        memo["next"] = later


def _is_meant(turn: Turn, task: Task, booking: Booking) -> bool:
    services = {one.value for one in task.entities if one.entity == "service"}
    staff = {one.value for one in task.entities if one.entity == "staff"}
    if services and str(booking.service_id) not in services:
        return False
    if staff and str(booking.staff_id) not in staff:
        return False
    if task.when is None or not task.when.choices:
        return True
    days = wish.days_of(task.when)
    return turn.local(booking.starts).date() in days


async def go_on(turn: Turn, draft: Draft, done: Answer) -> Answer:
    """Begin the next task of the same message, now that the one before is firm."""
    later = list(draft.memo.get("next") or ())
    if not later or done.then is not None:
        return done
    if not done.say or done.say[-1]["act"] not in _FIRM:  # a payment is waited for: it goes on when that has come
        return replace(done, remember={**done.remember, "memo": {"next": later}})
    slots = await begun(turn, later)
    if slots is None:
        return done
    said = [dict(one) | {"choices": []} for one in done.say]
    return Answer(say=tuple(said), remember=forget_task() | slots, then="booking_form")


def briefly(turn: Turn, booking: Booking, *, key: str = "booked.brief") -> dict[str, Any]:
    """Return the confirmation of a booking when a question about another one follows in the same message."""
    line = cards.booking_line(turn, booking)
    facts = cards.booking_card(turn, booking)
    return turn.say(key, act="booked", facts=facts, line=line, reference=booking.reference)


async def with_later(turn: Turn, memory: Mapping[str, Any], new: Booking, said: dict[str, Any]) -> dict[str, Any]:
    """Add the question for the task that waited for a payment, which has come; `memory` is only read.

    A payment's news has the booking locked, a turn the memory first: the answer to the question is what changes it.
    """
    later = (memory.get("slots") or {}).get("memo", {}).get("next")
    if not later or memory.get("form"):
        return said
    begins = await begun(turn, later)
    if begins is None or "booking" not in begins:
        return said
    booking = await bookings.load(turn.session, turn.business.id, UUID(begins["booking"]))
    task = begins["task"]
    question = turn.words.text(turn.locale, f"then.{task}", line=cards.booking_line(turn, booking))
    options = [
        turn.option("choice.move" if task == "move" else "choice.cancel_it", f"start_{task}", booking=str(booking.id)),
        turn.option("choice.keep", "keep"),
    ]
    brief = briefly(turn, new, key="booked.brief_paid")
    asked = turn.say("choice.keep", act="booked", choices=options)
    facts = brief["facts"] | {"later": {"task": task, "booking": str(booking.id)}}
    return asked | {"text": f"{brief['text']}\n{question}", "facts": facts}


async def begun(turn: Turn, later: list[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the form's slots at the beginning of a later task; None if its booking is no more."""
    first, *rest = later
    memo: dict[str, Any] = {"next": rest} if rest else {}
    slots: dict[str, Any] = {"task": first["task"], "memo": memo}
    if first.get("booking") is None:
        return slots
    booking = await bookings.load(turn.session, turn.business.id, UUID(first["booking"]))
    if booking.starts <= turn.now or booking.state not in {State.CONFIRMED.value, State.HELD.value}:
        return None
    take_booking(turn, booking, {"task": first["task"], "memo": memo}, slots)
    return slots

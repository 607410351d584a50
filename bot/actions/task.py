"""What a message is for: a booking, a move or a cancellation; and when it changes from one to another."""

from collections.abc import Mapping
from typing import Any

from bot.actions import leaving, taken_offer
from bot.actions.coming import coming
from bot.actions.contract import Turn, forget_task
from bot.actions.facts import values_of
from bot.actions.reading import Reading
from nlu.contract import Answer, Step

#: The task that an intent is for.
BY_INTENT = {
    "book": "book", "same_as_last_time": "book", "wait_for_free": "book", "reschedule": "move", "cancel": "cancel",
    "cannot_come": "cancel",
}  # fmt: skip
#: Intents that are about what is booked already.
_CHANGING = {"reschedule", "cancel", "cannot_come", "running_late", "confirm_attendance"}


async def take(turn: Turn, step: Step, slots: Mapping[str, Any], said: set[str], reading: Reading) -> Answer | None:
    """Set the task, or change it; a cancel with nothing booked means the talk itself."""
    current = slots.get("task")
    if current == "cancel" and "cancel" in said:
        leaving.surely_cancels(reading.remember["memo"])
    wanted = next((task for intent, task in BY_INTENT.items() if intent in said and task != current), None)
    if current == "move" and not said & _CHANGING and await _names_something_new(turn, step):
        # "no, I meant a colour", when a haircut was about to be moved: that stays, and the other is booked.
        reading.say.append(turn.say("move.kept", act="info"))
        _begin(turn, "book", {key: value for key, value in slots.items() if key == "when"}, reading)
        return None
    if wanted == "cancel" and "cancel" not in said and await _asks_for_another_time(turn, step):
        wanted = "move"
    if current is None:
        task = "book" if wanted == "move" and await _names_something_new(turn, step) else wanted or "book"
    elif wanted is None:
        return None
    else:
        has_bookings = bool(await coming(turn))
        if wanted == "cancel" and not has_bookings:
            said_stop = turn.say("stop.done", act="info", choices=[turn.option("choice.book", "start_book")])
            return Answer(say=(said_stop,), remember=forget_task(), leave_form=True)
        if (wanted == "book" and current != taken_offer.TASK) or not has_bookings:
            return None  # "can you book me in at 4" while booking is no new task
        task = wanted
    _begin(turn, task, {}, reading)
    return None


def _begin(turn: Turn, task: str, kept: Mapping[str, Any], reading: Reading) -> None:
    """Begin a task anew, but for what is kept of the one before."""
    memo = {key: value for key, value in reading.remember["memo"].items() if key != "next"}
    reading.remember |= {**forget_task(), **kept, "task": task, "memo": memo}
    reading.search = reading.search or "when" in kept
    if task == "book":
        reading.remember["booking"] = "new"
        if turn.customer is not None and turn.customer.name:
            reading.remember["customer_name"] = turn.customer.name


async def _asks_for_another_time(turn: Turn, step: Step) -> bool:
    """Whether who cannot come asks for a time: "I can't make it. Is Friday at 10 free?", not "I can't on Friday"."""
    when = step.understood.when
    if when is None or not when.choices or "?" not in step.heard.text:
        return False
    booked = [turn.local(one.starts).replace(tzinfo=None) for one in await coming(turn)]
    first = when.choices[0]
    if first.start is None or first.start in booked:
        return False
    return first.grain in {"hour", "minute"} or first.start.date() not in {one.date() for one in booked}


async def _names_something_new(turn: Turn, step: Step) -> bool:
    """Whether a service is named that is not booked: "un cambio de look" changes no booking."""
    named = set(values_of(step.understood.entities, "service"))
    booked = {
        service
        for one in await coming(turn)
        for service in (str(one.service_id), *(part["service"] for part in one.parts))
    }
    return bool(named) and not named & booked

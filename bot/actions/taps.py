"""What a tapped choice means for the form."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking_core import booking as bookings
from booking_core import calendar
from booking_core.requests import VisitRequest
from bot.actions.contract import ANYONE, Turn, forget_task, remembered
from bot.actions.displaced import give_back
from bot.actions.taking import declined, fresh_task, take_booking
from nlu.contract import Answer, Step

#: What a wish for change forgets besides the chosen time.
_CHANGES: dict[str, dict[str, Any]] = {
    "change_time": {"when": None},
    "change_service": {"service": None},
    "change_staff": {"staff": ANYONE},
}


async def tapped(turn: Turn, step: Step, slots: dict[str, Any]) -> Answer:
    """Do what a choice means; those that are not about the form are left to the rule for taps."""
    assert step.heard.tap is not None  # noqa: S101 - the caller has looked
    do, args = step.heard.tap.do, dict(step.heard.tap.args)
    memo = dict(slots.get("memo") or {}) | {"failures": 0}
    match do:
        case "choose_slot":
            return await _chose_slot(turn, args, slots, memo)
        case "more_times":
            return Answer(remember={"slot": None, "memo": memo | {"page": memo.get("page", 0) + 1}})
        case "pick_service":
            remember = {"service": args["service"], "slot": None, "memo": memo}
            if slots.get("task") is None:
                remember |= fresh_task(turn)
            return Answer(remember=remember)
        case "pick_booking":
            picked = await bookings.load(turn.session, turn.business.id, UUID(args["booking"]))
            remember = {"memo": memo}
            take_booking(turn, picked, slots, remember)
            return Answer(remember=remember)
        case "yes":
            right = args.get("summary") == memo.get("summary")
            return Answer(remember={"confirmed": True} if right else {"memo": memo})
        case "no":
            return declined(turn, slots)
        case "change_time" | "change_service" | "change_staff":
            return Answer(remember={"slot": None, "confirmed": None, "memo": {}} | _CHANGES[do])
        case "start_book":
            return Answer(remember=forget_task() | fresh_task(turn))
        case "other_times":
            await give_back(turn, args)
            return await _started(turn, "start_move", args)
        case "start_move" | "start_cancel":
            return await _started(turn, do, args)
    return Answer(reject=True)


async def _started(turn: Turn, do: str, args: Mapping[str, Any]) -> Answer:
    booking = await bookings.load(turn.session, turn.business.id, UUID(args["booking"]))
    if booking.starts <= turn.now or booking.state not in {"held", "confirmed"}:
        return Answer(reject=True)
    slots = {"task": "move" if do == "start_move" else "cancel"}
    remember = forget_task() | slots | {"memo": {}}
    take_booking(turn, booking, slots, remember)
    return Answer(remember=remember)


async def _chose_slot(turn: Turn, args: Mapping[str, Any], slots: Mapping[str, Any], memo: dict[str, Any]) -> Answer:
    """Take a tapped time if it is still free; a tap on an old list starts its task again."""
    starts = datetime.fromisoformat(args["starts"])
    remember: dict[str, Any] = {"memo": memo}
    task = args.get("task", "book")
    if slots.get("task") != task or (slots.get("service") or args["service"]) != args["service"]:
        remember = forget_task() | (fresh_task(turn) if task == "book" else {"task": task, "memo": {}})
        if task == "move":
            booking = await bookings.load(turn.session, turn.business.id, UUID(args["booking"]))
            if booking.starts <= turn.now or booking.state not in {"held", "confirmed"}:
                return Answer(reject=True)
            take_booking(turn, booking, {"task": task}, remember)
    remember |= {"service": args["service"], "staff": args.get("wanted") or slots.get("staff")}
    free = await calendar.free_slots(
        turn.session,
        turn.catalog,
        wanted=VisitRequest.one(UUID(args["service"]), UUID(args["staff"]) if args.get("staff") else None),
        windows=[(starts, starts + timedelta(minutes=1))],
        exclude=(),
        now=turn.now,
        customer_id=turn.customer.id if turn.customer else None,
        ignoring=UUID(args["booking"]) if args.get("booking") else None,
    )
    found = next((slot for slot in free.slots if slot.starts == starts), None)
    if found is not None:
        remember["slot"] = remembered(found)
        if task == "move":
            # The question named the choice and what it does: the tap is the yes.
            remember["confirmed"] = True
    else:
        why = free.reason.value if free.reason else ""
        remember |= {"slot": None, "memo": dict(remember["memo"]) | {"missed": args["starts"], "why": why}}
    return Answer(remember=remember)

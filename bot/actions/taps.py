"""What a tapped choice means for the form."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking_core import booking as bookings
from booking_core.models import State
from bot.actions import details, visits
from bot.actions.contract import ANYONE, Draft, Turn, forget_task, remembered
from bot.actions.displaced import give_back
from bot.actions.finding import free_at, missed
from bot.actions.taking import declined, fresh_task, take_booking
from channels import messages
from nlu.contract import Answer, Step, Tap

#: What a wish for change forgets besides the chosen time.
_CHANGES: dict[str, dict[str, Any]] = {
    "change_time": {"when": None},
    "change_service": {"service": None, "further": None, "staff_by_service": None, "add_ons": None, "units": None},
    "change_staff": {"staff": ANYONE, "staff_by_service": None},
}
#: Taps after which the time that was named must be looked for.
SEARCHING = {"pick_service", "pick_place", "pick_units", "pick_booking", "add"}
#: What a choice under a question of ours may do when its place is said: "the first one".
_BY_PLACE = {"no", "start_move", "start_cancel", "change_time", "change_service", "change_staff"}
#: Bookings that can still be moved and cancelled.
_STANDING = {State.HELD.value, State.PENDING_APPROVAL.value, State.CONFIRMED.value}


def _pick_staff(args: Mapping[str, Any], memo: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in memo.items() if key != "who"}
    return {"staff": args["staff"], "staff_by_service": None, "slot": None, "memo": kept}


#: Choices that only fill the form.
_PICKED: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]] = {"pick_staff": _pick_staff}


async def by_place(turn: Turn, step: Step) -> Step:
    """Return the step as the tap on a choice that "the first one" means, after a question that lists nothing else."""
    places = [int(one.value) for one in step.understood.entities if one.entity == "ordinal"]
    if step.heard.asked != "clarify" or step.asking not in {None, "confirmed"} or len(places) != 1 or turn.last is None:
        return step
    choices = await messages.choices_of(turn.session, turn.last)
    index = places[0] - 1 if places[0] > 0 else len(choices) + places[0]
    if not 0 <= index < len(choices) or choices[index].meaning["do"] not in _BY_PLACE:
        return step
    meaning = choices[index].meaning
    return replace(step, heard=replace(step.heard, tap=Tap(meaning["do"], meaning["args"])))


async def tapped(turn: Turn, step: Step, slots: dict[str, Any]) -> Answer:
    """Do what a choice means; those that are not about the form are left to the rule for taps."""
    assert step.heard.tap is not None  # noqa: S101 - the caller has looked
    do, args = step.heard.tap.do, dict(step.heard.tap.args)
    memo = dict(slots.get("memo") or {}) | {"failures": 0}
    if do in _PICKED:
        return Answer(remember=_PICKED[do](args, memo))
    match do:
        case "choose_slot":
            return await _chose_slot(turn, args, slots, memo)
        case "more_times":
            return Answer(remember={"slot": None, "memo": memo | {"page": memo.get("page", 0) + 1}})
        case "pick_service":
            remember = {
                "service": args["service"],
                "further": None,
                "staff_by_service": None,
                "slot": None,
                "memo": memo,
            }
            if slots.get("task") is None:
                remember |= fresh_task(turn)
            return Answer(remember=remember)
        case "pick_place" | "pick_units" | "add" | "answer":
            return _of_the_visit(turn, do, args, slots, memo)
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
    return await _begun(turn, do, args)


async def _begun(turn: Turn, do: str, args: Mapping[str, Any]) -> Answer:
    """Begin a task, if that is what the choice is for."""
    match do:
        case "start_book":
            return Answer(remember=forget_task() | fresh_task(turn) | {"service": args.get("service")})
        case "other_times" | "start_move" | "start_cancel":
            return await _started(turn, do, args)
    return Answer(reject=True)


def _of_the_visit(
    turn: Turn, do: str, args: Mapping[str, Any], slots: Mapping[str, Any], memo: dict[str, Any]
) -> Answer:
    """Take a choice about the visit itself; one from before the talk began anew is left to the rule for taps."""
    if slots.get("task") is None:
        return Answer(reject=True)
    match do:
        case "pick_place":
            return Answer(remember={"place": args["place"], "slot": None, "memo": memo})
        case "pick_units":
            return Answer(remember={"units": int(args["units"]), "slot": None, "memo": memo})
        case "add":
            every = dict.fromkeys([*(slots.get("add_ons") or ()), args["add_on"]])
            return Answer(remember={"add_ons": list(every), "memo": memo})
    return details.tapped(turn, slots, args, memo)


async def _started(turn: Turn, do: str, args: Mapping[str, Any]) -> Answer:
    if do == "other_times":
        await give_back(turn, args)
    booking = await bookings.load(turn.session, turn.business.id, UUID(args["booking"]))
    if booking.starts <= turn.now or booking.state not in _STANDING:
        return Answer(reject=True)
    slots = {"task": "cancel" if do == "start_cancel" else "move"}
    remember = forget_task() | slots | {"memo": {}}
    take_booking(turn, booking, slots, remember)
    return Answer(remember=remember)


async def _chose_slot(turn: Turn, args: Mapping[str, Any], slots: Mapping[str, Any], memo: dict[str, Any]) -> Answer:
    """Take a tapped time if it is still free; a tap on an old list starts its task again."""
    starts, visit = datetime.fromisoformat(args["starts"]), dict(args["visit"])
    remember: dict[str, Any] = {"memo": memo}
    task = args.get("task", "book")
    if slots.get("task") != task or not visits.is_same(slots, visit):
        remember = forget_task() | (fresh_task(turn) if task == "book" else {"task": task, "memo": {}})
        if task == "move":
            booking = await bookings.load(turn.session, turn.business.id, UUID(args["booking"]))
            if booking.starts <= turn.now or booking.state not in _STANDING:
                return Answer(reject=True)
            take_booking(turn, booking, {"task": task}, remember)
    remember |= visit | {"staff": slots.get("staff")}
    draft = Draft.of({**slots, **remember}, turn.catalog)
    request = replace(visits.wanted(turn.catalog, draft), staff_id=visits.id_of(args.get("staff")))
    free = await free_at(turn, draft, request, (starts, starts + timedelta(minutes=1)))
    found = next((slot for slot in free.slots if slot.starts == starts), None)
    if found is not None:
        remember["slot"] = remembered(found)
        if task == "move":
            # The question named the choice and what it does: the tap is the yes.
            remember["confirmed"] = True
    else:
        remember |= {"slot": None, "memo": dict(remember["memo"]) | missed(starts, free)}
    return Answer(remember=remember)

"""Whom the customer would like: one person or anyone, anyone but one, or somebody described and not named."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking_core import calendar
from bot.actions import parts, visits
from bot.actions.contract import ANYONE, Draft, Option, Turn, remembered
from bot.phrasing import listed
from nlu.contract import Step

#: So often it is asked who somebody described may be.
_TRIES = 3


def take_preference(turn: Turn, step: Step, slots: Mapping[str, Any], remember: dict[str, Any]) -> bool:
    """Read who is wanted, or not, into the form; returns whether that changes which times are free."""
    entities = step.understood.entities
    memo = dict(remember.get("memo") or slots.get("memo") or {})
    without = {str(one) for one in memo.get("without") or ()}
    said = {entity.value for entity in entities if entity.entity == "not_staff"}
    named = {entity.value for entity in entities if entity.entity == "staff"}
    changed = bool(said - without)
    memo["without"] = sorted((without | said) - named)
    if said and (remember.get("staff") or slots.get("staff")) in said:
        remember["staff"] = None
    if said & set((slots.get("staff_by_service") or {}).values()):
        kept = {one: who for one, who in slots["staff_by_service"].items() if who not in said}
        remember["staff_by_service"] = kept or None
    if step.understood.marked("or anyone"):
        memo["or_anyone"] = True
    elif named:
        memo.pop("or_anyone", None)
    if named:
        memo.pop("who", None)
    elif step.understood.marked("described person") and not step.understood.intent.startswith("ask_"):
        memo["who"] = True
        remember["staff"] = None
    elif step.understood.marked("anyone") and not step.understood.marked("or anyone"):
        changed = changed or slots.get("staff") not in {None, ANYONE} or bool(slots.get("staff_by_service"))
        if not parts.corrects(turn, step, Draft.of(slots, turn.catalog)):
            remember |= {"staff": ANYONE, "staff_by_service": None}
        memo.pop("who", None)
    elif memo.get("who") and step.heard.asked == "ask_staff":
        memo["tries"] = int(memo.get("tries", 0)) + 1
        if memo["tries"] >= _TRIES:  # whoever it was, it is asked no more: the summary says who it will be
            memo.pop("who")
            remember["staff"] = ANYONE
            changed = True
    if not memo.get("who"):
        memo.pop("tries", None)
    remember["memo"] = {key: value for key, value in memo.items() if value or key not in {"without", "who"}}
    return changed


def in_turn(turn: Turn, draft: Draft) -> list[UUID | None]:
    """Return whose times to look at, one after the other: the person asked for, then anyone who is not ruled out."""
    without = set(draft.memo.get("without") or ())
    if not without or draft.service is None:
        return list(dict.fromkeys((draft.wanted_staff, None)))
    able = [one for one in turn.catalog.staff_for(draft.service.id) if str(one) not in without]
    wanted = [draft.wanted_staff] if draft.wanted_staff else []
    return list(dict.fromkeys([*wanted, *able])) or [None]


async def take_anyone(turn: Turn, slots: Mapping[str, Any], reading: Any) -> None:
    """Take anyone who is free, when the person asked for is not and anyone would do."""
    memo = reading.remember.get("memo") or {}
    draft = Draft.of(slots, turn.catalog)
    missed = memo.get("missed")
    if not missed or not memo.get("or_anyone") or not draft.names_somebody or draft.service is None:
        return
    wanted = visits.wanted(turn.catalog, draft)
    starts = datetime.fromisoformat(missed)
    free = await calendar.free_slots(
        turn.session,
        turn.catalog,
        wanted=replace(wanted, staff_id=None, staff_by_service=()),
        windows=[(starts, starts + timedelta(minutes=1))],
        now=turn.now,
        customer_id=turn.customer.id if turn.customer else None,
        ignoring=draft.booking_id,
    )
    without = set(memo.get("without") or ())
    found = next((slot for slot in free.slots if slot.starts == starts and str(slot.staff_id) not in without), None)
    if found is None or found.staff_id is None:
        return
    names = parts.names_of(turn, wanted)
    if len(names) == 1 and len(draft.services) == 1:
        other = turn.catalog.staff_member(found.staff_id).name
        reading.say.append(turn.say("prefer.other", act="info", staff=names[0], other=other))
    else:  # who it will be stands in the summary, part by part
        key = "offer.other_staff" if len(names) == 1 else "offer.other_people"
        reading.say.append(turn.say(key, act="info", staff=listed(names, turn.locale)))
    reading.remember |= {
        "staff": ANYONE,
        "staff_by_service": None,
        "slot": remembered(found),
        "memo": {key: value for key, value in memo.items() if key not in {"missed", "why"}},
    }


def asks_who(draft: Draft) -> bool:
    """Whether somebody was described whom only the customer can name."""
    return bool(draft.memo.get("who")) and draft.staff is None and draft.service is not None


def who_question(turn: Turn, draft: Draft) -> dict[str, Any]:
    """Ask whom the customer means: a description is never guessed."""
    assert draft.service is not None  # noqa: S101 - the caller has looked
    people = [turn.catalog.staff_member(one) for one in turn.catalog.staff_for(draft.service.id)]
    options = [Option(one.name, "pick_staff", {"staff": str(one.id)}) for one in people[:8]]
    options.append(turn.option("choice.anyone", "pick_staff", staff=ANYONE))
    return turn.say("ask.who", act="ask_staff", choices=options)

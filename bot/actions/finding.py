"""Whether the very time that was named can be had: chosen if it is, explained by the question about times if not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from booking_core import calendar
from booking_core.calendar import FreeSlots
from booking_core.requests import VisitRequest
from booking_core.rules.availability import Slot
from bot.actions import cards, parts, settling, visits, wish
from bot.actions.contract import Draft, Turn, remembered
from bot.actions.reading import Reading
from bot.phrasing import listed


async def find_slot(turn: Turn, slots: dict[str, Any], before: Draft, reading: Reading) -> None:
    """Choose the time that was named if it is free."""
    draft = Draft.of(slots, turn.catalog)
    if slots["task"] == "cancel" or draft.service is None:
        return
    if draft.staff is not None and not _can(turn, draft):
        reading.say.append(_who_can(turn, draft))
        reading.remember["staff"] = None
        slots["staff"] = None
        draft = replace(draft, staff=None)
    able = parts.drop_who_cannot(turn, draft, reading)
    if able is not draft:
        draft, slots["staff_by_service"] = able, parts.slot_of(able)
        reading.remember["staff_by_service"] = slots["staff_by_service"]
    memo = {
        key: value
        for key, value in (reading.remember.get("memo") or slots.get("memo") or {}).items()
        if key not in {"offered", "page", "missed", "why", "data"}
    }
    reading.remember |= {"memo": memo, "slot": None, "confirmed": None}
    chosen = before.starts if slots.get("slot") is not None else None
    if not settling.is_known(slots):
        return
    wanted = wish.wish_for(slots.get("when"), tz=turn.tz, now=turn.now, unit=visits.unit_of(draft))
    window = _window(turn, draft, wanted, chosen)
    if window is None or (wanted.ambiguity and chosen is None):
        return
    free = await free_at(turn, draft, visits.wanted(turn.catalog, draft), window, exclude=wanted.exclude)
    found = _found(free, window, draft)
    if found is not None:
        # Who it will be is part of the summary: lengths and prices differ by person.
        reading.remember["slot"] = remembered(found)
    else:
        reading.remember["memo"] = memo | missed(window[0], free)


def _window(turn: Turn, draft: Draft, wanted: wish.Wish, chosen: datetime | None) -> tuple[datetime, datetime] | None:
    """Return the minute, or for what is lent by the day the date, on which it should begin."""
    if visits.unit_of(draft) in visits.BY_THE_DAY:
        day = turn.local(chosen).date() if chosen is not None else wish.first_day(draft.when)
        if day is None:
            return None
        start, end = wish.day_span(day, turn.tz)
        return (start, end) if start is not None and end is not None else None
    exact = chosen or wanted.exact
    return (exact, exact + timedelta(minutes=1)) if exact is not None else None


async def free_at(
    turn: Turn,
    draft: Draft,
    request: VisitRequest,
    window: tuple[datetime, datetime],
    *,
    exclude: tuple[wish.Span, ...] = (),
) -> FreeSlots:
    """Return the free starts inside one window."""
    return await calendar.free_slots(
        turn.session,
        turn.catalog,
        wanted=request,
        windows=[window],
        exclude=exclude,
        now=turn.now,
        customer_id=turn.customer.id if turn.customer else None,
        ignoring=draft.booking_id,
    )


def _found(free: FreeSlots, window: tuple[datetime, datetime], draft: Draft) -> Slot | None:
    if visits.unit_of(draft) in visits.BY_THE_DAY:
        return free.slots[0] if free.slots else None
    return next((slot for slot in free.slots if slot.starts == window[0]), None)


def missed(starts: datetime, free: FreeSlots) -> dict[str, Any]:
    """Return what the memo keeps of a time that cannot be had, and why."""
    return {
        "missed": starts.isoformat(),
        "why": free.reason.value if free.reason else "",
        "data": {key: value for key, value in free.data.items() if isinstance(value, int | str)},
    }


def _can(turn: Turn, draft: Draft) -> bool:
    assert draft.staff is not None  # noqa: S101 - the caller has looked
    return any(draft.staff.id in turn.catalog.staff_for(one.id) for one in draft.services) and (
        draft.place is None or draft.place.id == draft.staff.location_id
    )


def _who_can(turn: Turn, draft: Draft) -> Mapping[str, Any]:
    assert draft.staff is not None  # noqa: S101 - the caller has looked
    staff = draft.staff
    able = [
        turn.catalog.staff_member(member)
        for member in dict.fromkeys(member for one in draft.services for member in turn.catalog.staff_for(one.id))
    ]
    names = [one.name for one in able if draft.place is None or one.location_id == draft.place.id]
    service = cards.visit_name(turn, [one.id for one in draft.services])
    if not names:
        return turn.say("staff.not_needed", act="info", service=service)
    if any(one.id == staff.id for one in able) and draft.place is not None:
        return turn.say("staff.elsewhere", act="info", staff=staff.name, place=draft.place.name,
                        able=listed(names, turn.locale))  # fmt: skip
    return turn.say("staff.cannot", act="info", staff=staff.name, service=service, able=listed(names, turn.locale))

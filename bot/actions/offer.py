"""The form's question about time: always with free times to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from booking_core import calendar
from booking_core.calendar import FreeSlots
from booking_core.models import Unit
from booking_core.refusals import Reason
from booking_core.requests import Arrangement, VisitRequest
from booking_core.rules import suggest
from booking_core.rules.availability import Slot
from bot.actions import attending, cards, hours, parts, prefer, refusing, visits, waiting, wish
from bot.actions.contract import Draft, Option, Turn, remembered
from bot.phrasing import choice, listed
from nlu.contract import Answer, Step

#: A chat shows few times: three to choose from.
OFFERS = 3


@dataclass(frozen=True, slots=True)
class Found:
    """Times to offer for a request, and what must be said before them: why they are not just what was asked for."""

    slots: list[Slot]
    request: VisitRequest
    lead: Mapping[str, Any] | None = None


class AskSlot:
    """When: always with free times to choose from, and why the wished one is not among them."""

    name = "action_ask_booking_form_slot"

    async def answer(self, step: Step) -> Answer:
        """Offer three good times near the wish."""
        turn: Turn = step.context
        draft = Draft.of(step.slots, turn.catalog)
        if prefer.asks_who(draft):
            return Answer(say=(prefer.who_question(turn, draft),))
        wanted = wish.wish_for(draft.when, tz=turn.tz, now=turn.now, unit=visits.unit_of(draft))
        memo = dict(draft.memo)
        if draft.task == "book" and (halves := hours.both_halves(turn, draft)) is not None:
            return Answer(say=(halves,))
        found = await _offers(turn, draft, wanted, memo)
        wait = await _to_wait(turn, draft, wanted, memo) if found.lead is not None or not found.slots else []
        if memo.pop("wait", False) and wait:
            return await waiting.join_waitlist(turn, wait[0].args, step.form or "booking_form", name=draft.name)
        if not found.slots:
            said = turn.say(
                "offer.nothing",
                act="ask_when",
                choices=[*wait, turn.option("choice.person", "person")],
                service=_name(turn, found.request),
            )
            if found.lead is not None:
                said["text"] = f"{found.lead['text']} {said['text']}"
            return Answer(say=(said,), remember={"memo": memo | {"offered": [], "page": 0}, "when": None})
        offered = [remembered(slot) for slot in found.slots]
        memo = {key: value for key, value in memo.items() if key not in {"missed", "why", "data"}} | {
            "offered": offered
        }
        act = "ask_when" if wanted.open and not memo.get("page") and draft.task == "book" else "offer_slots"
        arrangement = visits.kept(found.request)["arrangement"]
        return Answer(
            say=(_offer_question(turn, draft, found, act, wait),),
            remember={"memo": memo, "arrangement": arrangement},
        )


async def _to_wait(turn: Turn, draft: Draft, wanted: wish.Wish, memo: Mapping[str, Any]) -> list[Option]:
    """Return the choice to wait for what was wished, if it is only full."""
    why = memo.get("why")
    request = visits.wanted(turn.catalog, draft)
    if not memo.get("missed"):
        if not wanted.spans:
            return []
        why = (await _free(turn, draft, wanted, wanted.spans, request)).reason
    return waiting.wait_options(turn, draft, request, wanted, memo, why=why)


async def _offers(turn: Turn, draft: Draft, wanted: wish.Wish, memo: Mapping[str, Any]) -> Found:
    """Return times near the wish: with whom it was asked for, with others, one after the other, or further away."""
    page = int(memo.get("page", 0))
    near = wanted.near
    if draft.task == "move" and wanted.open and "was" in draft.memo:
        near = datetime.fromisoformat(draft.memo["was"])
    count = OFFERS * (page + 1)
    missed = memo.get("missed")
    if missed:
        near = datetime.fromisoformat(missed)
    plain = visits.wanted(turn.catalog, draft)
    lead: Mapping[str, Any] | None = None
    ways, widening = _ways(turn, draft, plain), _widening(wanted, near, turn.now, missed)
    tried = _tried(turn, wanted, ways, widening)
    if memo.get("or_anyone"):  # the time matters more than the person
        tried = [(request, spans) for spans, request in product(widening, ways)]
    for request, spans in tried:
        free = await _free(turn, draft, wanted, spans, request)
        in_turn = request.arrangement != plain.arrangement  # what cannot be for all at once may be so
        not_then = {datetime.fromisoformat(one) for one in (memo.get("was"), None if in_turn else missed) if one}
        not_with = frozenset(memo.get("without") or ())
        slots = [slot for slot in free.slots if slot.starts not in not_then]
        slots = [slot for slot in slots if str(slot.staff_id) not in not_with] if not_with else slots
        picked = slots[:count] if wanted.soonest else suggest.suggest(slots, wish=near, count=count)
        picked = picked[page * OFFERS :]
        if picked:
            lead = _lead(turn, draft, wanted, memo, request, widened=spans != wanted.spans)
            return Found(sorted(picked, key=lambda slot: slot.starts), request, lead)
        if free.reason in {Reason.TOO_MANY, Reason.STAFF_CANNOT} and request == plain:
            lead = refusing.sentence(turn, free.reason.value, when=None, data=free.data, request=request)
    return Found([], plain, lead)


def _tried(
    turn: Turn, wanted: wish.Wish, ways: Sequence[VisitRequest], widening: Sequence[tuple[wish.Span, ...]]
) -> list[tuple[VisitRequest, tuple[wish.Span, ...]]]:
    """Return what is tried: guests rather come one after the other on the day they named than on another day."""
    if wanted.open or wanted.past or not any(one.arrangement == Arrangement.IN_TURN for one in ways):
        return list(product(ways, widening))
    named, *wider = widening
    near = [named]
    if wanted.exact is not None:
        near.append((wish.day_span(turn.local(wanted.exact).date(), turn.tz),))
    together = [one for one in ways if one.arrangement == Arrangement.TOGETHER]
    in_turn = [one for one in ways if one.arrangement == Arrangement.IN_TURN]
    return [*product(together, near), *product(in_turn, near), *product(ways, wider)]


def _ways(turn: Turn, draft: Draft, plain: VisitRequest) -> list[VisitRequest]:
    """Return what is tried in turn: as asked, with anyone, then one guest after the other."""
    ways = [replace(plain, staff_id=staff_id) for staff_id in prefer.in_turn(turn, draft)]
    if plain.staff_by_service:  # just those people, or else nobody in particular
        ways = [plain, *(replace(one, staff_by_service=()) for one in ways if one.staff_id is None)]
    seated = draft.service is not None and (draft.service.capacity > 1 or draft.service.unit != Unit.VISIT)
    if plain.party > 1 and plain.arrangement == Arrangement.TOGETHER and not seated and draft.task == "book":
        ways += [replace(one, arrangement=Arrangement.IN_TURN) for one in list(ways)]
    return ways


def _widening(
    wanted: wish.Wish, near: datetime | None, now: datetime, missed: str | None
) -> list[tuple[wish.Span, ...]]:
    """Search what was asked for, then around it, then anything."""
    anywhere: tuple[wish.Span, ...] = ((now, None),)
    if wanted.open or wanted.past:
        around = ((near - timedelta(days=2), near + timedelta(days=5)),) if near else None
        return [around, anywhere] if around else [anywhere]
    starts = [span[0] for span in wanted.spans if span[0] is not None]
    if not starts:
        return [wanted.spans, anywhere]
    week = ((max(now, min(starts) - timedelta(days=1)), max(starts) + timedelta(days=7)),)
    return [wanted.spans, week, anywhere]


async def _free(
    turn: Turn, draft: Draft, wanted: wish.Wish, spans: tuple[wish.Span, ...], request: VisitRequest
) -> FreeSlots:
    return await calendar.free_slots(
        turn.session,
        turn.catalog,
        wanted=request,
        windows=spans,
        exclude=wanted.exclude,
        now=turn.now,
        customer_id=turn.customer.id if turn.customer else None,
        ignoring=draft.booking_id,
    )


def _lead(
    turn: Turn, draft: Draft, wanted: wish.Wish, memo: Mapping[str, Any], request: VisitRequest, *, widened: bool
) -> Mapping[str, Any] | None:
    """Say why the times that follow are not just what was asked for."""
    if request.arrangement == Arrangement.IN_TURN and draft.arrangement != Arrangement.IN_TURN.value:
        return turn.say("offer.in_turn", act="info", people=request.party)
    if draft.names_somebody and not request.names_somebody:
        names = parts.names_of(turn, visits.wanted(turn.catalog, draft))
        key = "offer.other_staff" if len(names) == 1 else "offer.other_people"
        return turn.say(key, act="info", staff=listed(names, turn.locale))
    if missed := memo.get("missed"):
        when = datetime.fromisoformat(missed)
        return refusing.sentence(turn, memo.get("why"), when=when, data=memo.get("data") or {}, request=request)
    if wanted.past:
        return turn.say("refused.past", act="info", when="")
    if widened and not wanted.open:
        return turn.say("offer.not_then", act="info")
    return None


def _name(turn: Turn, request: VisitRequest) -> str:
    name = cards.wish_name(turn, request)
    if len(turn.catalog.locations) > 1:
        name = turn.words.text(turn.locale, "line.at", what=name, place=turn.location.name)
    return name


def _offer_question(turn: Turn, draft: Draft, found: Found, act: str, wait: list[Option]) -> Mapping[str, Any]:
    staff = draft.staff if draft.staff and found.request.staff_id else None
    options = [_slot_option(turn, draft, slot, found.request) for slot in found.slots]
    options += [turn.option("choice.more_times", "more_times"), *wait]
    service = _name(turn, found.request)
    if draft.task == "move":
        question = turn.say("move.offer", act=act, choices=options, when=turn.day_and_clock(_was(draft)))
    elif any(slot.seats_left is not None for slot in found.slots):
        seats = [
            turn.words.text(turn.locale, "offer.seats", slot.seats_left, when=turn.day_and_clock(slot.starts))
            for slot in found.slots
            if slot.seats_left is not None
        ]
        question = turn.say("offer.class", act=act, choices=options, service=service, seats="; ".join(seats))
    elif visits.unit_of(draft) in visits.BY_THE_DAY:
        question = turn.say("offer.rental", act=act, choices=options, service=service)
    elif staff is not None:
        question = turn.say("offer.with", act=act, choices=options, service=service, staff=staff.name)
    else:
        question = turn.say("offer.any", act=act, choices=options, service=service)
    attending.name_people(turn, question, options, found.slots, found.request)
    if found.lead is not None:
        question["text"] = f"{found.lead['text']} {question['text']}"
    return question


def _was(draft: Draft) -> datetime:
    return datetime.fromisoformat(draft.memo["was"])


def _slot_option(turn: Turn, draft: Draft, slot: Slot, request: VisitRequest) -> Option:
    return slot_option(
        turn,
        slot,
        request=request,
        named=bool(draft.staff and request.staff_id),
        task=draft.task or "book",
        booking_id=draft.booking_id,
    )


def slot_option(
    turn: Turn,
    slot: Slot,
    *,
    request: VisitRequest,
    named: bool,
    task: str = "book",
    booking_id: UUID | None = None,
) -> Option:
    """Return a free time as a choice; `named`: the customer asked for this person."""
    args = {
        "starts": turn.local(slot.starts).isoformat(),
        "staff": str(request.staff_id or slot.staff_id) if named and (request.staff_id or slot.staff_id) else None,
        "visit": visits.kept(replace(request, location_id=slot.location_id or request.location_id)),
        "task": task,
    }
    if booking_id is not None:
        args["booking"] = str(booking_id)
    return Option(choice(slot.starts, turn.tz, turn.locale), "choose_slot", args)

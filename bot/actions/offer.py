"""The form's questions: which booking, which service, when, what name, and is this right."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking_core import booking as bookings
from booking_core import calendar
from booking_core.calendar import FreeSlots
from booking_core.requests import VisitRequest
from booking_core.rules import policy, suggest
from booking_core.rules.availability import Slot
from bot.actions import cards, waiting, wish
from bot.actions.coming import coming
from bot.actions.contract import Draft, Option, Turn, remembered
from nlu.contract import Answer, Step
from payment_links import links

#: A chat shows few times: three to choose from.
OFFERS = 3


class AskBooking:
    """Which of several upcoming bookings."""

    name = "action_ask_booking_form_booking"

    async def answer(self, step: Step) -> Answer:
        """List them, the next one first."""
        turn: Turn = step.context
        listed = (await coming(turn))[:9]
        options = [
            Option(
                cards.summary_line(turn, turn.catalog.service(one.service_id), one.starts, staff_id=one.staff_id),
                "pick_booking",
                {"booking": str(one.id)},
            )
            for one in listed
        ]
        memo = dict(step.slots.get("memo") or {}) | {"bookings": [str(one.id) for one in listed]}
        return Answer(say=(turn.say("bookings.which", act="clarify", choices=options),), remember={"memo": memo})


class AskService:
    """Which service."""

    name = "action_ask_booking_form_service"

    async def answer(self, step: Step) -> Answer:
        """List what the business sells."""
        turn: Turn = step.context
        services = turn.catalog.services[:9]
        options = [Option(turn.service_name(one), "pick_service", {"service": str(one.id)}) for one in services]
        memo = dict(step.slots.get("memo") or {}) | {"services": [str(one.id) for one in services]}
        return Answer(say=(turn.say("ask.service", act="ask_service", choices=options),), remember={"memo": memo})


class AskSlot:
    """When: always with free times to choose from, and why the wished one is not among them."""

    name = "action_ask_booking_form_slot"

    async def answer(self, step: Step) -> Answer:
        """Offer three good times near the wish."""
        turn: Turn = step.context
        draft = Draft.of(step.slots, turn.catalog)
        assert draft.service is not None  # noqa: S101 - the form asks for the service first
        wanted = wish.wish_for(draft.when, tz=turn.tz, now=turn.now)
        memo = dict(draft.memo)
        lead, offers = await _offers(turn, draft, wanted, memo)
        wait = await _to_wait(turn, draft, wanted, memo) if lead is not None or not offers else []
        if not offers:
            return Answer(
                say=(
                    turn.say(
                        "offer.nothing",
                        act="ask_when",
                        choices=[*wait, turn.option("choice.person", "person")],
                        service=turn.service_name(draft.service),
                    ),
                ),
                remember={"memo": memo | {"offered": [], "page": 0}, "when": None},
            )
        offered = [remembered(slot) for slot in offers]
        memo = {key: value for key, value in memo.items() if key not in {"missed", "why"}} | {"offered": offered}
        act = "ask_when" if wanted.open and not memo.get("page") and draft.task == "book" else "offer_slots"
        return Answer(
            say=(_offer_question(turn, draft, lead, offers, act, wait),),
            remember={"memo": memo},
        )


async def _to_wait(turn: Turn, draft: Draft, wanted: wish.Wish, memo: Mapping[str, Any]) -> list[Option]:
    """Return the choice to wait for what was wished, if it is only full."""
    why = memo.get("why")
    if not memo.get("missed"):
        if not wanted.spans:
            return []
        why = (await _free(turn, draft, wanted, wanted.spans, draft.wanted_staff)).reason
    return waiting.wait_options(turn, draft, wanted, memo, why=why)


async def _offers(
    turn: Turn, draft: Draft, wanted: wish.Wish, memo: Mapping[str, Any]
) -> tuple[Mapping[str, Any] | None, list[Slot]]:
    """Return what must be said first (why not the wished time), and the times to offer."""
    page = int(memo.get("page", 0))
    near = wanted.near
    if draft.task == "move" and wanted.open and "was" in draft.memo:
        near = datetime.fromisoformat(draft.memo["was"])
    count = OFFERS * (page + 1)
    missed = memo.get("missed")
    if missed:
        near = datetime.fromisoformat(missed)
    for staff_id in dict.fromkeys((draft.wanted_staff, None)):
        for spans in _widening(wanted, near, turn.now, missed):
            free = await _free(turn, draft, wanted, spans, staff_id)
            slots = [slot for slot in free.slots if slot.starts.isoformat() not in {missed, memo.get("was")}]
            picked = suggest.suggest(slots, wish=near, count=count)[page * OFFERS :]
            if picked:
                lead = _lead(turn, draft, wanted, memo, widened=spans != wanted.spans, other=staff_id)
                return lead, sorted(picked, key=lambda slot: slot.starts)
    return None, []


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
    turn: Turn, draft: Draft, wanted: wish.Wish, spans: tuple[wish.Span, ...], staff_id: UUID | None
) -> FreeSlots:
    assert draft.service is not None  # noqa: S101 - the caller has looked
    return await calendar.free_slots(
        turn.session,
        turn.catalog,
        wanted=VisitRequest.one(draft.service.id, staff_id),
        windows=spans,
        exclude=wanted.exclude,
        now=turn.now,
        customer_id=turn.customer.id if turn.customer else None,
        ignoring=draft.booking_id,
    )


def _lead(
    turn: Turn, draft: Draft, wanted: wish.Wish, memo: Mapping[str, Any], *, widened: bool, other: UUID | None
) -> Mapping[str, Any] | None:
    """Say why the times that follow are not just what was asked for."""
    if draft.staff is not None and other is None:
        return turn.say("offer.other_staff", act="info", staff=draft.staff.name)
    if missed := memo.get("missed"):
        key = f"refused.{memo.get('why') or 'staff_busy'}"
        if not turn.words.has(key):
            key = "refused.staff_busy"
        return turn.say(key, act="info", when=turn.day_and_clock(datetime.fromisoformat(missed)))
    if wanted.past:
        return turn.say("refused.past", act="info", when="")
    if widened and not wanted.open:
        return turn.say("offer.not_then", act="info")
    return None


def _offer_question(
    turn: Turn,
    draft: Draft,
    lead: Mapping[str, Any] | None,
    offers: list[Slot],
    act: str,
    wait: list[Option],
) -> Mapping[str, Any]:
    service = draft.service
    assert service is not None  # noqa: S101 - the caller has looked
    staff = draft.staff if draft.staff and all(slot.staff_id == draft.staff.id for slot in offers) else None
    options = [_slot_option(turn, draft, slot, staff is not None) for slot in offers]
    options += [turn.option("choice.more_times", "more_times"), *wait]
    if draft.task == "move":
        question = turn.say("move.offer", act=act, choices=options, when=turn.day_and_clock(_was(draft)))
    elif staff is not None:
        question = turn.say(
            "offer.with", act=act, choices=options, service=turn.service_name(service), staff=staff.name
        )
    else:
        question = turn.say("offer.any", act=act, choices=options, service=turn.service_name(service))
    if lead is not None:
        question["text"] = f"{lead['text']} {question['text']}"
    return question


def _was(draft: Draft) -> datetime:
    return datetime.fromisoformat(draft.memo["was"])


def _slot_option(turn: Turn, draft: Draft, slot: Slot, named: bool) -> Option:
    assert draft.service is not None  # noqa: S101 - the caller has looked
    return slot_option(
        turn,
        slot,
        service_id=draft.service.id,
        named=named,
        task=draft.task or "book",
        booking_id=draft.booking_id,
    )


def slot_option(
    turn: Turn, slot: Slot, *, service_id: UUID, named: bool, task: str = "book", booking_id: UUID | None = None
) -> Option:
    """Return a free time as a choice; `named`: the customer asked for this person."""
    args = {
        "starts": slot.starts.isoformat(),
        "staff": str(slot.staff_id) if named else None,
        "service": str(service_id),
        "task": task,
    }
    if booking_id is not None:
        args["booking"] = str(booking_id)
    return Option(turn.day_and_clock(slot.starts), "choose_slot", args)


class AskName:
    """Whom the booking is for."""

    name = "action_ask_booking_form_customer_name"

    async def answer(self, step: Step) -> Answer:
        """Ask for a name once; it is remembered for every later booking."""
        turn: Turn = step.context
        return Answer(say=(turn.say("ask.name", act="ask_name"),))


class AskConfirmed:
    """The summary: nothing is booked, moved or cancelled without a yes to it."""

    name = "action_ask_booking_form_confirmed"

    async def answer(self, step: Step) -> Answer:
        """State what will happen, with its price or its policy, and ask."""
        turn: Turn = step.context
        draft = Draft.of(step.slots, turn.catalog)
        memo = dict(draft.memo)
        if memo.pop("changing", False):
            return Answer(say=(_change_question(turn),), remember={"memo": memo})
        memo["summary"] = fingerprint(step.slots)
        if draft.task == "cancel":
            said = await _cancel_summary(turn, draft, memo["summary"])
        else:
            said = _slot_summary(turn, draft, memo["summary"])
        return Answer(say=(said,), remember={"memo": memo})


def fingerprint(slots: Mapping[str, Any]) -> str:
    """Return what tells one summary from another: a yes to an older one counts for nothing."""
    parts = [slots.get(name) for name in ("task", "booking", "service", "staff", "slot")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _change_question(turn: Turn) -> Mapping[str, Any]:
    options = [
        turn.option("choice.time", "change_time"),
        turn.option("choice.service", "change_service"),
        turn.option("choice.staff", "change_staff"),
        turn.option("choice.stop", "stop"),
    ]
    return turn.say("confirm.change_what", act="clarify", choices=options)


def _slot_summary(turn: Turn, draft: Draft, summary: str) -> Mapping[str, Any]:
    assert draft.service is not None and draft.starts is not None  # noqa: S101, PT018 - the form asks for both first
    staff_id = draft.slot_staff or draft.wanted_staff
    price = turn.catalog.price(draft.service.id, staff_id) if staff_id else draft.service.price
    length = turn.catalog.duration(draft.service.id, staff_id) if staff_id else draft.service.duration
    ends = draft.starts + timedelta(minutes=length)
    line = cards.summary_line(turn, draft.service, draft.starts, staff_id=staff_id)
    card = cards.slot_card(turn, draft.service, draft.starts, ends, staff_id=staff_id, price=price)
    yes = turn.option("choice.yes", "yes", summary=summary)
    if draft.task == "move":
        options = [yes, turn.option("choice.keep", "no")]
        return turn.say("move.confirm", act="confirm", choices=options, facts=card, line=line)
    due = policy.due_for(draft.service.payment, price=price, deposit=draft.service.deposit)
    key = "confirm.free" if due == 0 else "confirm.full" if due == price else "confirm.deposit"
    return turn.say(
        key,
        act="confirm",
        choices=[yes, turn.option("choice.change", "no")],
        facts=card,
        line=line,
        place=f"{turn.location.name}, {turn.location.address}",
        price=turn.money(price),
        due=turn.money(due),
    )


async def _cancel_summary(turn: Turn, draft: Draft, summary: str) -> Mapping[str, Any]:
    assert draft.booking_id is not None  # noqa: S101 - the form asks for the booking first
    booking = await bookings.load(turn.session, turn.business.id, draft.booking_id)
    paid = await links.paid_amount(turn.session, turn.business.id, booking.id)
    terms = policy.cancellation_terms(booking.policy_snapshot, starts=booking.starts, paid=paid, now=turn.now)
    key = (
        "cancel.confirm"
        if not paid
        else "cancel.confirm_refund"
        if terms.refund == paid
        else "cancel.confirm_part"
        if terms.refund
        else "cancel.confirm_no_refund"
    )
    service = turn.catalog.service(booking.service_id)
    options = [
        turn.option("choice.yes_cancel", "yes", summary=summary),
        turn.option("choice.move_instead", "start_move", booking=str(booking.id)),
        turn.option("choice.keep", "no"),
    ]
    return turn.say(
        key,
        act="confirm",
        choices=options,
        facts=cards.booking_card(turn, booking),
        line=cards.summary_line(turn, service, booking.starts, staff_id=booking.staff_id),
        refund=turn.money(terms.refund),
        paid=turn.money(paid),
    )

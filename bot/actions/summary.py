"""The form's last questions: which booking or service, what name, and is this right."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from booking_core import booking as bookings
from booking_core.planning import steps_of
from booking_core.refusals import BookingRefused
from booking_core.rules import policy
from bot.actions import cards, leaving, unknown, visits
from bot.actions.coming import coming
from bot.actions.contract import Draft, Option, Turn
from nlu.contract import Answer, Step
from payment_links import links

#: What a yes is said to.
_SUMMED_UP = (
    "task", "booking", "service", "further", "staff", "staff_by_service", "place", "people", "arrangement", "units",
    "add_ons", "slot",
)  # fmt: skip
_MOST_EXTRAS = 3


class AskBooking:
    """Which of several upcoming bookings."""

    name = "action_ask_booking_form_booking"

    async def answer(self, step: Step) -> Answer:
        """List them, the next one first."""
        turn: Turn = step.context
        listed = (await coming(turn))[:9]
        options = [Option(cards.booking_line(turn, one), "pick_booking", {"booking": str(one.id)}) for one in listed]
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
        if (question := unknown.service_question(turn, memo)) is not None:
            return Answer(say=(question,), remember={"memo": memo})
        return Answer(say=(turn.say("ask.service", act="ask_service", choices=options),), remember={"memo": memo})


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
            try:
                said = await _slot_summary(turn, draft, memo["summary"])
            except BookingRefused as refused:
                assert draft.starts is not None  # noqa: S101 - the form asks for the time first
                memo |= {"missed": draft.starts.isoformat(), "why": refused.reason.value}
                return Answer(remember={"slot": None, "memo": memo}, then="booking_form")
        return Answer(say=(said,), remember={"memo": memo})


def fingerprint(slots: Mapping[str, Any]) -> str:
    """Return what tells one summary from another: a yes to an older one counts for nothing."""
    parts = [slots.get(name) for name in _SUMMED_UP]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _change_question(turn: Turn) -> Mapping[str, Any]:
    options = [
        turn.option("choice.time", "change_time"),
        turn.option("choice.service", "change_service"),
        turn.option("choice.staff", "change_staff"),
        turn.option("choice.stop", "stop"),
    ]
    return turn.say("confirm.change_what", act="clarify", choices=options)


async def _slot_summary(turn: Turn, draft: Draft, summary: str) -> Mapping[str, Any]:
    assert draft.starts is not None  # noqa: S101 - the form asks for the time first
    request = visits.wanted(turn.catalog, draft)
    placement = (await visits.places(turn, draft, draft.starts))[0].placement
    price = visits.price(turn, draft, placement)
    visit = cards.Visit.placed(request, placement)
    there = turn.at(placement.location_id)
    card = cards.visit_card(turn, visit, price=price.total)
    line = cards.visit_line(turn, visit)
    yes = turn.option("choice.yes", "yes", summary=summary)
    if draft.task == "move":
        options = [yes, turn.option("choice.keep", "no")]
        return turn.say("move.confirm", act="confirm", choices=options, facts=card, line=line)
    return there.say(
        _confirm_key(turn, draft, price.total, price.due),
        act="confirm",
        choices=[yes, *_extras(there, draft), turn.option("choice.change", "no")],
        facts=card,
        line=line,
        place=there.place_line,
        price=there.money(price.total),
        due=there.money(price.due),
    )


def _confirm_key(turn: Turn, draft: Draft, total: int, due: int) -> str:
    steps = steps_of(turn.catalog, visits.wanted(turn.catalog, draft))
    if any(step.service.approval for step in steps):
        return "confirm.request"
    if due == 0:
        return "confirm.free" if total else "confirm.no_price"
    return "confirm.full" if due == total else "confirm.deposit"


def _extras(turn: Turn, draft: Draft) -> list[Option]:
    """Return what could be taken besides: choices next to the yes, so that leaving them out costs nothing."""
    extras = [one for service in draft.services for one in visits.add_ons_of(turn.catalog, service)]
    return [
        Option(f"+ {turn.add_on_name(one)} {turn.money(one.price)}", "add", {"add_on": str(one.id)})
        for one in extras
        if one.id not in draft.add_on_ids
    ][:_MOST_EXTRAS]


async def _cancel_summary(turn: Turn, draft: Draft, summary: str) -> Mapping[str, Any]:
    assert draft.booking_id is not None  # noqa: S101 - the form asks for the booking first
    booking = await bookings.load(turn.session, turn.business.id, draft.booking_id)
    if draft.memo.get("unable"):
        return leaving.move_first(turn, booking)
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
    there = turn.at(booking.location_id)
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
        line=cards.booking_line(turn, booking),
        refund=there.money(terms.refund),
        paid=there.money(paid),
    )

"""Questions in between: answered from the catalog, never invented; then the open question again."""

from collections.abc import Mapping
from datetime import datetime, time
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

from booking_core import booking as bookings
from booking_core import waitlist
from booking_core.models import Booking, Location, Service, State, Unit
from booking_core.rules.policy import Policy
from bot import phrasing
from bot.actions import cards, paid, wish
from bot.actions.coming import coming
from bot.actions.contract import Draft, Option, Turn
from bot.actions.opening import opening_on
from bot.words import language_of
from nlu.contract import Answer, Step
from nlu.when import When
from payment_links import links

#: After these "how much is it" is asked of what was booked.
_BOOKED = {"payment_link", "booked", "rescheduled"}
#: Letters of a list that is told; who wants to know more names it.
_MOST_LETTERS = 900
#: Two segments hold them, with the sentence that there is more.
_MOST_LETTERS_SMS = 220


class AnswerQuestion:
    """Answer what was asked, and ask the open question again if there is one."""

    name = "action_answer"

    async def answer(self, step: Step) -> Answer:
        """Answer every question of the message."""
        turn: Turn = step.context
        asked = [intent for intent in (step.understood.intent, *step.understood.also) if intent.startswith("ask_")]
        slots = dict(step.slots)
        named = [entity.value for entity in step.understood.entities if entity.entity == "service"]
        if named:
            slots |= {"service": named[0], "further": named[1:] or None}
        said = [await answer_for(intent, turn, slots, when=step.understood.when) for intent in _once(asked)]
        if step.form:
            return Answer(say=tuple(said), then=step.form)
        if said and not said[-1]["choices"] and said[-1]["act"] == "info":
            said[-1]["choices"] = [
                {"label": option.label, "do": option.do, "args": option.args} for option in _next_steps(turn, slots)
            ]
        about = {"memo": dict(step.slots.get("memo") or {}) | {"about": named[0]}} if len(named) == 1 else {}
        return Answer(say=tuple(said), remember=about)


def _once(asked: list[str]) -> list[str]:
    """Return each question once; beside one that can be answered, "I don't know" is not said."""
    intents = list(dict.fromkeys(asked))
    return [intent for intent in intents if intent != "ask_fact"] or intents


def _next_steps(turn: Turn, slots: Mapping[str, Any]) -> list[Option]:
    about = {"service": slots["service"]} if slots.get("service") and not slots.get("further") else {}
    return [turn.option("choice.book", "start_book", **about), turn.option("choice.person", "person")]


async def answer_for(intent: str, turn: Turn, slots: Mapping[str, Any], *, when: When | None = None) -> dict[str, Any]:
    """Return the answer to one question; `when`: the day that was named in it."""
    draft = Draft.of(slots, turn.catalog)
    match intent:
        case "ask_price":
            return await _price_booked(turn, draft) or _prices(turn, draft)
        case "ask_location":
            return _where(turn, draft)
        case "ask_phone":
            return _phone(turn, draft)
        case "ask_hours":
            return _hours_on(turn, when) or _hours(turn, draft)
        case "ask_services":
            return _services(turn)
        case "ask_staff":
            return _people(turn, draft)
        case "ask_bookings":
            return await own_bookings(turn)
        case "ask_payment":
            return await _payment(turn, draft)
        case "ask_paid":
            return await paid.paid_answer(turn)
        case "ask_policy":
            return _policy(turn)
        case "ask_preparation":
            return _preparation(turn, draft)
    return turn.say("answer.unknown", act="info", choices=[turn.option("choice.person", "person")])


def _where(turn: Turn, draft: Draft) -> dict[str, Any]:
    places = _meant(turn, draft)
    if len(places) == 1:
        name = turn.business.name if len(turn.catalog.locations) == 1 else places[0].name
        return turn.say("answer.location", act="info", name=name, place=places[0].address)
    lines = [f"{one.name}: {one.address}" for one in places]
    return turn.say("answer.locations", act="info", places="\n".join(lines))


def _phone(turn: Turn, draft: Draft) -> dict[str, Any]:
    numbers = {place.name: place.phone for place in _meant(turn, draft) if place.phone}
    if not numbers:
        return turn.say("answer.no_phone", act="info", choices=[turn.option("choice.person", "person")])
    if len(set(numbers.values())) == 1:
        return turn.say("answer.phone", act="info", phone=next(iter(numbers.values())))
    return turn.say("answer.phones", act="info", phones="\n".join(f"{name}: {one}" for name, one in numbers.items()))


def _meant(turn: Turn, draft: Draft) -> list[Location]:
    """Return the place that is talked about, or all of them."""
    return [draft.place] if draft.place is not None else list(turn.catalog.locations)


async def _price_booked(turn: Turn, draft: Draft) -> dict[str, Any] | None:
    """Return what just that costs which was booked a moment ago: "and how much is it in all?"."""
    if draft.services or turn.last is None or turn.last.act not in _BOOKED:
        return None
    upcoming = await coming(turn)
    if len(upcoming) != 1:
        return None
    line, price = cards.booking_line(turn, upcoming[0]), turn.at(upcoming[0].location_id).money(upcoming[0].price)
    return turn.say("answer.prices", act="info", prices=f"{line}: {price}") | {"choices": []}


def _prices(turn: Turn, draft: Draft) -> dict[str, Any]:
    services = list(draft.services) or turn.catalog.services
    lines = [_price_line(turn, draft, service) for service in services]
    told = _that_fit(turn, lines)
    more = [turn.words.text(turn.locale, "answer.more")] if len(told) < len(lines) else []
    return turn.say("answer.prices", act="info", prices="\n".join([*told, *more])) | {"choices": []}


def _services(turn: Turn) -> dict[str, Any]:
    names = [turn.service_name(service) for service in turn.catalog.services]
    told = _that_fit(turn, names)
    said = turn.say("answer.services", act="info", services=phrasing.listed(told, turn.locale))
    if len(told) == len(names):
        return said
    return said | {"text": f"{said['text']}\n{turn.words.text(turn.locale, 'answer.more')}"}


def _that_fit(turn: Turn, lines: list[str]) -> list[str]:
    """Return as much of a list as one reads in a thread: on the phone's smallest screen two text messages' worth."""
    most = _MOST_LETTERS_SMS if turn.conversation.channel == "sms" else _MOST_LETTERS
    sums = accumulate(len(line) + 1 for line in lines)
    return [line for line, length in zip(lines, sums, strict=True) if length <= most] or lines[:1]


def _price_line(turn: Turn, draft: Draft, service: Service) -> str:
    places = [one for one in _meant(turn, draft) if turn.catalog.offered_at(service.id, one.id)]
    places = places or list(turn.catalog.locations)
    told = {place.name: turn.at(place.id).money(turn.catalog.price(service.id, None, place.id)) for place in places}
    if len(set(told.values())) == 1:
        price = next(iter(told.values()))
    else:
        price = ", ".join(f"{amount} ({name})" for name, amount in told.items())
    name = turn.service_name(service)
    if service.unit != Unit.VISIT:
        return turn.words.text(turn.locale, f"answer.price_per_{service.unit}", service=name, price=price)
    minutes = turn.catalog.duration(service.id)
    return turn.words.text(turn.locale, "answer.price_line", service=name, price=price, minutes=minutes)


def _hours(turn: Turn, draft: Draft) -> dict[str, Any]:
    places = _meant(turn, draft)
    lines: list[str] = []
    for place in places:
        if len(places) > 1:
            lines.append(place.name)
        lines += _hours_of(turn, place)
    return turn.say("answer.hours", act="info", hours="\n".join(lines))


def _hours_of(turn: Turn, place: Location) -> list[str]:
    opening = turn.catalog.opening(place.id)
    lines: list[str] = []
    runs: list[tuple[list[int], tuple[tuple[int, int], ...]]] = []
    for number in range(7):
        spans = tuple((first, last) for first, last in opening.get(number, ()))
        if runs and runs[-1][1] == spans:
            runs[-1][0].append(number)
        else:
            runs.append(([number], spans))
    for days, spans in runs:
        name = phrasing.weekday(days[0], turn.locale)
        if len(days) > 1:
            name += "–" + phrasing.weekday(days[-1], turn.locale)
        hours = ", ".join(f"{_minutes(first)}–{_minutes(last)}" for first, last in spans)
        lines.append(f"{name}: {hours or turn.words.text(turn.locale, 'answer.closed')}")
    return lines


def _hours_on(turn: Turn, when: When | None) -> dict[str, Any] | None:
    """Return the hours of the one day that was asked about."""
    days = wish.days_of(when) if when is not None and when.dated else set()
    if len(days) != 1:
        return None
    day = days.pop()
    name = turn.day(datetime.combine(day, time(12), ZoneInfo(turn.tz)))
    spans = opening_on(turn, day)
    if not spans:
        return turn.say("answer.closed_on", act="info", day=name)
    hours = ", ".join(f"{_minutes(first)}–{_minutes(last)}" for first, last in spans)
    return turn.say("answer.hours_on", act="info", day=name, hours=hours)


def _minutes(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"


def _people(turn: Turn, draft: Draft) -> dict[str, Any]:
    if draft.service:
        able = [turn.catalog.staff_member(member).name for member in turn.catalog.staff_for(draft.service.id)]
        return turn.say(
            "answer.staff_for",
            act="info",
            service=turn.service_name(draft.service),
            staff=phrasing.listed(able, turn.locale),
        )
    names = [member.name for member in turn.catalog.staff]
    return turn.say("answer.staff", act="info", staff=phrasing.listed(names, turn.locale))


async def own_bookings(turn: Turn) -> dict[str, Any]:
    """List the customer's coming bookings, each with what can be done to it."""
    upcoming = await coming(turn)
    if not upcoming:
        return turn.ask_to_book("bookings.none", act="info")
    lines = [_own_line(turn, one) for one in upcoming]
    options = []
    if len(upcoming) == 1:
        one = str(upcoming[0].id)
        options = [
            turn.option("choice.move", "start_move", booking=one),
            turn.option("choice.cancel_it", "start_cancel", booking=one),
        ]
    return turn.say("bookings.list", act="info", choices=options, bookings="\n".join(lines))


def _own_line(turn: Turn, booking: Booking) -> str:
    line = cards.booking_line(turn, booking, named=True)
    if booking.state == State.PENDING_APPROVAL:
        return turn.words.text(turn.locale, "bookings.requested", line=line)
    return line


async def _payment(turn: Turn, draft: Draft) -> dict[str, Any]:
    held, said = await pending_payment(turn)
    if said is not None:
        return said
    if not held and draft.task == "book" and draft.service is not None and draft.service.payment == "none":
        return turn.say("answer.pay_there", act="info")
    return turn.say("payment.coming" if held else "answer.payment", act="info")


async def pending_payment(turn: Turn) -> tuple[bool, dict[str, Any] | None]:
    """Return whether a time is held unpaid, and its payment link once that is made."""
    if turn.customer is None:
        return False, None
    for one in await bookings.upcoming(turn.session, turn.business.id, turn.customer.id, now=turn.now):
        if one.state != State.HELD or one.hold_expires_at is None:
            continue
        link = await links.current_link(turn.session, turn.business.id, one.id)
        if link is None and await waitlist.is_offer(turn.session, one):
            continue  # nothing is asked for before the yes to it
        if link is None or not link.url:
            return True, None
        there = turn.at(one.location_id)
        said = turn.say(
            "payment.link",
            act="payment_link",
            facts=cards.booking_card(turn, one, payment_url=link.url),
            amount=there.money(link.amount),
            url=cards.payment_address(turn, one, link.url),
            until=there.clock(one.hold_expires_at),
        )
        return True, said
    return False, None


def _policy(turn: Turn) -> dict[str, Any]:
    rules = Policy.model_validate(turn.business.policy)
    before = rules.refund_before_cutoff
    if not rules.cancel_cutoff_hours:
        return turn.say("answer.policy_until_it_begins", act="info", before=before)
    time = phrasing.hours(rules.cancel_cutoff_hours, turn.locale)
    return turn.say("answer.policy", act="info", time=time, before=before, after=rules.refund_after_cutoff)


def _preparation(turn: Turn, draft: Draft) -> dict[str, Any]:
    service = draft.service
    text = service.preparation.get(language_of(turn.locale)) if service else None
    if service is None or not text:
        return turn.say("answer.no_preparation", act="info")
    return turn.say("answer.preparation", act="info", service=turn.service_name(service), text=text)

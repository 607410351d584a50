"""What a message says of the visit itself: services, add-ons, place, how many come, and for how long."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from booking_core.models import Service
from booking_core.rules.policy import ServiceOrder
from bot import phrasing
from bot.actions import cards, parts, visits
from bot.actions.contract import Draft, Turn
from bot.actions.reading import Reading
from bot.actions.said_order import said_order
from nlu.contract import Entity, Step

#: What a new service makes meaningless.
_OF_THE_SERVICE = ("units",)


def take_visit(turn: Turn, step: Step, slots: dict[str, Any], said: set[str], reading: Reading) -> None:
    """Take everything that a message says of what is to be booked."""
    if not parts.corrects(turn, step, Draft.of(slots, turn.catalog)):
        named = _but_parts(turn, step)
        now = said_order(step.heard.text, named)
        order = _order(turn, now, slots, said, reading)
        # "No, the haircut first" leaves nothing away.
        fewer = not now and ("deny" in said or any(one.entity == "only" for one in named))
        _take_services(turn, named, slots, order, reading, fewer=fewer)
    slots.update(reading.remember)
    entities = step.understood.entities
    _take_place(entities, slots, reading)
    _take_add_ons(turn, entities, slots, reading)
    _take_people(step, slots, reading)
    _take_length(turn, step, slots, reading)


def values_of(entities: Sequence[Entity], kind: str) -> list[Any]:
    """Return what entities of a kind name, in order, each once."""
    return list(dict.fromkeys(one.value for one in entities if one.entity == kind))


def _but_parts(turn: Turn, step: Step) -> list[Entity]:
    """Return what is named, without the parts of a package that is named, too, for whose people they stand."""
    package = parts.taken_apart(turn, step)
    return [one for one in step.understood.entities if one.entity != "service" or not package or one.value in package]


def _order(turn: Turn, order: Sequence[str], slots: dict[str, Any], said: set[str], reading: Reading) -> Sequence[str]:
    """Return the order in which the customer wants services done, now or before; a house that keeps its own says so."""
    known = (slots.get("memo") or {}).get("order") or ()
    if not order or any(one.startswith("ask") for one in said):
        return known
    draft = [str(one.id) for one in Draft.of(slots, turn.catalog).services]
    order = list(dict.fromkeys([*order, *(one for one in (*known, *draft) if one in draft)]))
    if len(order) == 1:
        return known
    services = [turn.catalog.service(UUID(one)) for one in order]
    ours, _ = visits.joined(turn.catalog, services)
    if turn.catalog.policy.order_of_services == ServiceOrder.HOUSE:
        if [one.id for one in ours] != [one.id for one in services]:
            names = phrasing.listed([turn.service_name(one) for one in ours], turn.locale)
            reading.say.append(turn.say("book.our_order", act="info", services=names))
        return ()
    reading.remember["memo"] = _memo(slots, reading) | {"order": order}
    return order


def _take_services(
    turn: Turn,
    entities: Sequence[Entity],
    slots: dict[str, Any],
    order: Sequence[str],
    reading: Reading,
    *,
    fewer: bool,
) -> None:
    """Put services together ("and a beard trim too"), replace them ("rather a beard trim"), or leave some away."""
    named = [turn.catalog.service(UUID(one)) for one in values_of(entities, "service")]
    draft = Draft.of(slots, turn.catalog)
    known = {one.id for one in draft.services}
    if not named or ({one.id for one in named} <= known and not (fewer and len(named) < len(known))):
        again, _ = visits.joined(turn.catalog, draft.services, order)
        if order and draft.task == "book" and [one.id for one in again] != [one.id for one in draft.services]:
            set_services(turn, again, slots, reading)
        return
    more = any(one.entity == "also" for one in entities) and not fewer
    services, alone = visits.joined(turn.catalog, [*draft.services, *named] if more else named, order)
    set_services(turn, services, slots, reading)
    if alone:
        names = cards.visit_name(turn, [one.id for one in alone])
        first = cards.visit_name(turn, [one.id for one in services])
        reading.say.append(turn.say("book.by_itself", act="info", alone=names, service=first))


def set_services(turn: Turn, services: Sequence[Service], slots: dict[str, Any], reading: Reading) -> None:
    """Remember what the visit is of; add-ons that none of it has are dropped."""
    sold = {str(one.id) for service in services for one in visits.add_ons_of(turn.catalog, service)}
    kept = [one for one in slots.get("add_ons") or () if one in sold]
    reading.remember |= {
        "service": str(services[0].id),
        "further": [str(one.id) for one in services[1:]] or None,
        "add_ons": kept or None,
        "staff_by_service": parts.kept_for(turn, services, slots),
    }
    if str(services[0].id) != slots.get("service"):
        reading.remember |= dict.fromkeys(_OF_THE_SERVICE)
    reading.search = True


def _take_place(entities: Sequence[Entity], slots: dict[str, Any], reading: Reading) -> None:
    named = values_of(entities, "place")
    if len(named) == 1 and named[0] != slots.get("place"):
        reading.remember["place"] = named[0]
        reading.search = True


def _take_add_ons(turn: Turn, entities: Sequence[Entity], slots: dict[str, Any], reading: Reading) -> None:
    sold = {
        str(one.id)
        for service in Draft.of(slots, turn.catalog).services
        for one in visits.add_ons_of(turn.catalog, service)
    }
    named = [one for one in values_of(entities, "add_on") if one in sold]
    before = list(slots.get("add_ons") or ())
    every = list(dict.fromkeys([*before, *named]))
    if every != before:
        reading.remember["add_ons"] = every
        reading.search = True


def _take_people(step: Step, slots: dict[str, Any], reading: Reading) -> None:
    entities = step.understood.entities
    totals, others = values_of(entities, "people"), [one.value for one in entities if one.entity == "companions"]
    people: int | None = None
    if totals:
        people = int(totals[0])
    elif step.asking == "people" and (numbers := values_of(entities, "number")):
        people = int(numbers[0])
    elif step.asking == "people" and "deny" in {step.understood.intent, *step.understood.also}:
        people = 1  # "no", to how many come: nobody else does
    elif others and "ask_fact" not in {step.understood.intent, *step.understood.also}:  # "can my son wait there?"
        people = int(slots.get("people") or 1) + sum(map(int, others))
    elif any(one.entity == "several" for one in entities) and (slots.get("people") or 1) == 1:
        reading.remember |= {"people": None, "memo": _memo(slots, reading) | {"several": True}}
        return
    if people and people != slots.get("people"):
        reading.remember |= {"people": people, "memo": _memo(slots, reading) | {"several": False}}
        reading.search = True


def _take_length(turn: Turn, step: Step, slots: dict[str, Any], reading: Reading) -> None:
    lengths = [one.value for one in step.understood.entities if one.entity == "length"]
    service = Draft.of(slots, turn.catalog).service
    if not lengths and step.asking == "units" and service is not None:
        lengths = [[number, service.unit] for number in values_of(step.understood.entities, "number")]
    if lengths:
        reading.remember |= {"units": None, "memo": _memo(slots, reading) | {"length": list(lengths[0])}}
        reading.search = True


def _memo(slots: dict[str, Any], reading: Reading) -> dict[str, Any]:
    return dict(reading.remember.get("memo") or slots.get("memo") or {})

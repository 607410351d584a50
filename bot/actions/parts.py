"""A person for each part of a visit: "a cut with Ana and a colour with Bruno", "no, the colour with Ana"."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from booking_core.catalog import Catalog
from booking_core.models import Service, Staff
from booking_core.planning import chosen_people, places_for
from booking_core.refusals import BookingRefused
from booking_core.requests import VisitRequest
from bot.actions.contract import ANYONE, Draft, Turn
from bot.actions.reading import Reading
from bot.phrasing import listed
from nlu.contract import Entity, Step


@dataclass(frozen=True, slots=True)
class Named:
    """A service, and who was said next to it: an id, ANYONE, or None where nobody was."""

    service: str
    whom: str | None


def named(entities: Sequence[Entity], *, but: Set[str] = frozenset()) -> list[Named]:
    """Return each service of a message with the person who was said next to it; those of `but` are passed over.

    A message that begins with a person names people before what they do ("with Ana a cut, with Bruno a colour"),
    any other after it; several services before one person are all theirs.
    """
    mentions = [one for one in _mentions(entities) if one.entity != "service" or one.value not in but]
    services = [one for one in mentions if one.entity == "service"]
    if not services or len(services) == len(mentions):
        return [Named(one.value, None) for one in services]
    before = mentions[0].entity != "service" and mentions[-1].entity == "service"
    if [one.entity == "service" for one in mentions] == [False, True, True, False]:
        # "with Ana a cut, and the colour with Bruno"
        return [Named(mentions[1].value, _whom(mentions[0])), Named(mentions[2].value, _whom(mentions[3]))]
    ordered = mentions if before else mentions[::-1]
    # Read so, the person always comes before their services; read backwards, what nobody follows is nobody's.
    found: list[Named] = []
    whom: str | None = None
    for one in ordered:
        if one.entity == "service":
            found.append(Named(one.value, whom))
        else:
            whom = _whom(one)
    return found if before else found[::-1]


def _mentions(entities: Sequence[Entity]) -> list[Entity]:
    """Return services, people and words for anyone, in order; a customer may be called like somebody here."""
    names = [one for one in entities if one.entity == "name"]
    or_anyone = [one for one in entities if one.entity == "mark" and one.value == "or anyone"]
    found = [
        one
        for one in entities
        if (one.entity == "service" or _is_whom(one)) and not (_is_whom(one) and _inside(one, [*names, *or_anyone]))
    ]
    return sorted(found, key=lambda one: one.start)


def _is_whom(one: Entity) -> bool:
    return one.entity == "staff" or (one.entity == "mark" and one.value == "anyone")


def _whom(one: Entity) -> str:
    return str(one.value) if one.entity == "staff" else ANYONE


def _inside(one: Entity, others: Sequence[Entity]) -> bool:
    return any(other.start <= one.start < other.end for other in others)


def taken_apart(turn: Turn, step: Step) -> frozenset[str]:
    """Return the package whose parts a message names with people: "a makeover, the cut with Ana", if it does."""
    entities = step.understood.entities
    services = {str(one.value) for one in entities if one.entity == "service"}
    for one in services:
        parts = {str(part.part_id) for part in turn.catalog.segments(UUID(one))}
        if len(services) > 1 and services - {one} <= parts and any(each.whom for each in named(entities, but={one})):
            return frozenset({one})
    return frozenset()


def corrects(turn: Turn, step: Step, draft: Draft) -> bool:
    """Whether a message only says who does a part of the visit that is talked about: "no, the colour with Ana"."""
    said = named(step.understood.entities)
    if (
        not said
        or any(one.whom is None for one in said)
        or any(one.entity == "only" for one in step.understood.entities)
    ):
        return False
    steps = steps_of(turn.catalog, draft.services)
    return len(steps) > 1 and {one.service for one in said} <= steps.keys()


def steps_of(catalog: Catalog, services: Sequence[Service]) -> dict[str, Service]:
    """Return everything for which a person can be wished: each service, and each part of a package."""
    parts = (catalog.service(part.part_id) for one in services for part in catalog.segments(one.id))
    return {str(one.id): one for one in (*services, *parts)}


def take_people(turn: Turn, step: Step, slots: Mapping[str, Any], before: Draft, reading: Reading) -> None:
    """Read who is wanted, for the visit or for its parts; `before` is the draft as it was before this message."""
    people = [_whom(one) for one in _mentions(step.understood.entities) if one.entity == "staff"]
    draft = Draft.of(slots, turn.catalog)
    wishes = _wishes(turn, step, draft, before)
    if wishes is not None:
        staff, by_service = wishes
        if (staff, by_service) != (slots.get("staff"), slots.get("staff_by_service")):
            reading.remember |= {"staff": staff, "staff_by_service": by_service}
            reading.search = True
    elif people and (people[0] != slots.get("staff") or slots.get("staff_by_service")):
        reading.remember |= {"staff": people[0], "staff_by_service": None}
        reading.search = True


def _wishes(turn: Turn, step: Step, draft: Draft, before: Draft) -> tuple[str | None, dict[str, str] | None] | None:
    """Return the person for the whole visit, and those for its parts; None where the message names none for a part."""
    steps = steps_of(turn.catalog, draft.services)
    package = taken_apart(turn, step)
    pairs = named(step.understood.entities, but=package)
    said = {one.service: one.whom for one in pairs if one.service in steps and one.whom}
    if not said or len(steps) < 2:
        return None
    whole = str(before.wanted_staff) if before.wanted_staff else None
    known = {str(service_id): str(who) for service_id, who in before.staff_by_service if str(service_id) in steps}
    earlier = {str(one.id) for one in before.services}
    corrected = corrects(turn, step, before)
    added = bool(earlier & steps.keys()) and (known or whole not in {None, *said.values()})
    if len(set(said.values())) < 2 and not corrected and not added and not package:
        return None  # one person, for all of it that they do
    if not corrected and not added:
        whole, known = None, {}
    if whole is not None and ANYONE in said.values():
        # Whoever does all of it does all but what anyone may do now.
        known = {one: whole for one in steps if one not in said and _does(turn.catalog, one, whole)} | known
        whole = None
    known = {**known, **said}
    by_service = {service: who for service, who in known.items() if who != ANYONE}
    if whole is not None and not any(_does(turn.catalog, one, whole) for one in steps if one not in by_service):
        whole = None  # everything that they do has a person of its own
    return whole or ANYONE, by_service or None


def _does(catalog: Catalog, service_id: str, staff_id: str) -> bool:
    return UUID(staff_id) in catalog.staff_for(UUID(service_id))


def kept_for(turn: Turn, services: Sequence[Service], slots: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what is left of the wishes when the visit is of other services."""
    steps = steps_of(turn.catalog, services)
    return {one: who for one, who in (slots.get("staff_by_service") or {}).items() if one in steps} or None


def drop_who_cannot(turn: Turn, draft: Draft, reading: Reading) -> Draft:
    """Say who does not do what they are wished for, and who does; the wish is dropped."""
    for service_id, staff_id in draft.staff_by_service:
        staff, able = turn.catalog.staff_member(staff_id), turn.catalog.staff_for(service_id)
        elsewhere = draft.place is not None and draft.place.id != staff.location_id
        if staff_id in able and not elsewhere:
            continue
        service = turn.service_name(turn.catalog.service(service_id))
        names = listed(_names(turn, [turn.catalog.staff_member(one) for one in able], draft), turn.locale)
        if not names:
            said = turn.say("staff.not_needed", act="info", service=service)
        elif staff_id in able and draft.place is not None:
            said = turn.say("staff.elsewhere", act="info", staff=staff.name, place=draft.place.name, able=names)
        else:
            said = turn.say("staff.cannot", act="info", staff=staff.name, service=service, able=names)
        reading.say.append(said)
        draft = replace(draft, staff_by_service=tuple(one for one in draft.staff_by_service if one[0] != service_id))
    return draft


def _names(turn: Turn, people: Sequence[Staff], draft: Draft) -> list[str]:
    return [one.name for one in people if draft.place is None or one.location_id == draft.place.id]


def slot_of(draft: Draft) -> dict[str, str] | None:
    """Return a draft's wishes for its parts as the form remembers them."""
    return {str(service_id): str(who) for service_id, who in draft.staff_by_service} or None


def names_of(turn: Turn, request: VisitRequest) -> list[str]:
    """Return everybody who is wished for, each once, in the order of the visit."""
    steps = list(steps_of(turn.catalog, [turn.catalog.service(one) for one in request.service_ids]))
    named = sorted(request.staff_by_service, key=lambda one: steps.index(str(one[0])))
    ids = dict.fromkeys([request.staff_id, *(who for _, who in named)])
    return [turn.catalog.staff_member(one).name for one in ids if one is not None]


def together_at(turn: Turn, request: VisitRequest) -> list[UUID]:
    """Return the places where those who are wished for can do the visit; none where they work apart."""
    try:
        places = places_for(turn.catalog, request)
        return [one.id for one in places if chosen_people(turn.catalog, request, one) is not None]
    except BookingRefused:
        return []

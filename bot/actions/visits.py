"""The one place where a draft becomes the core's request, and a request becomes a draft again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from booking_core import calendar
from booking_core.calendar import Place
from booking_core.catalog import Catalog
from booking_core.models import Booking, Service, Unit
from booking_core.placed import people_of, request_of
from booking_core.quotes import quote
from booking_core.requests import Arrangement, VisitRequest, as_pairs
from booking_core.rules.plan import Placement
from booking_core.rules.pricing import Price
from bot.actions.contract import ANYONE, Draft, Turn

#: What is lent for whole days: it begins at the hour at which it is collected.
BY_THE_DAY = {Unit.DAY.value, Unit.NIGHT.value}


def wanted(catalog: Catalog, draft: Draft) -> VisitRequest:
    """Return what a draft asks for, all but when; the draft has a service."""
    assert draft.service is not None  # noqa: S101 - the form asks for the service first
    sold = {one.id for service in draft.services for one in add_ons_of(catalog, service)}
    steps = {part.part_id for one in draft.services for part in catalog.segments(one.id)}
    steps |= {one.id for one in draft.services}
    return VisitRequest(
        service_ids=tuple(one.id for one in draft.services),
        staff_id=draft.wanted_staff,
        location_id=draft.place.id if draft.place else None,
        party=draft.people or 1,
        arrangement=Arrangement(draft.arrangement or Arrangement.TOGETHER),
        units=draft.units or draft.service.units_min,
        # A visit that moves keeps what is not sold any more; a new one takes only what is.
        add_on_ids=tuple(one for one in draft.add_on_ids if draft.task != "book" or one in sold),
        staff_by_service=tuple(one for one in draft.staff_by_service if one[0] in steps),
        kept_staff=pairs_of(draft.memo.get("kept")),
    )


def at_slot(catalog: Catalog, draft: Draft) -> VisitRequest:
    """Return the request for the chosen time: with the person who was shown, where one person does it all."""
    request = wanted(catalog, draft)
    if not by_one_person(catalog, draft):
        return request
    return replace(request, staff_id=draft.slot_staff or draft.wanted_staff)


def by_one_person(catalog: Catalog, draft: Draft) -> bool:
    """Whether one person does the whole visit: of several parts, guests or seats nobody is pinned down."""
    service = draft.service
    return (
        service is not None
        and not draft.further
        and (draft.people or 1) == 1
        and service.capacity == 1
        and not catalog.segments(service.id)
    )


def add_ons_of(catalog: Catalog, service: Service) -> list[Any]:
    """Return what may be taken with a service and with its parts, in order."""
    whose = (service.id, *(part.part_id for part in catalog.segments(service.id)))
    return [one for each in whose for one in catalog.add_ons(each)]


def joined(
    catalog: Catalog, services: Iterable[Service], order: Sequence[str] = ()
) -> tuple[list[Service], list[Service]]:
    """Return the services of one visit in order, and those that can only be booked by themselves.

    They are in the house's order, but for those of which the customer has said an `order`.
    """
    place = {one.id: number for number, one in enumerate(catalog.services)}
    unique = sorted({one.id: one for one in services}.values(), key=lambda one: place.get(one.id, len(place)))
    said = [one for each in order for one in unique if str(one.id) == each]
    unique = [said.pop(0) if str(one.id) in order else one for one in unique]
    alone = [one for one in unique if one.unit != Unit.VISIT or one.capacity > 1]
    if len(unique) == 1 or not alone:
        return unique, []
    together = [one for one in unique if one not in alone]
    return (together, alone) if together else (alone[:1], alone[1:])


def kept(request: VisitRequest) -> dict[str, Any]:
    """Return a request as slots of the form; a choice carries it, so that an old list still means what it said."""
    return {
        "service": str(request.service_id),
        "further": [str(one) for one in request.service_ids[1:]] or None,
        "staff_by_service": {str(one): str(who) for one, who in request.staff_by_service} or None,
        "place": str(request.location_id) if request.location_id else None,
        "people": request.party,
        "arrangement": request.arrangement.value if request.arrangement != Arrangement.TOGETHER else None,
        "units": request.units,
        "add_ons": [str(one) for one in request.add_on_ids] or None,
    }


def booked_visit(catalog: Catalog, booking: Any) -> dict[str, Any]:
    """Return the slots that describe a booking's visit; with its person, where one person does it all."""
    slots = kept(request_of(catalog, booking))
    one = by_one_person(catalog, Draft.of(slots, catalog)) and booking.staff_id is not None
    return slots | {"staff": str(booking.staff_id) if one else ANYONE}


def people_kept(booking: Booking) -> dict[str, Any]:
    """Return what the memo keeps of who does which part of a booking that is to be moved, where several do."""
    people = people_of(booking.parts)
    return {"kept": {str(one): str(who) for one, who in people}} if len({who for _, who in people}) > 1 else {}


def pairs_of(kept: Mapping[str, str] | None) -> tuple[tuple[UUID, UUID], ...]:
    """Return who does which service, as the memo keeps it, for a request."""
    return as_pairs((UUID(one), UUID(who)) for one, who in (kept or {}).items())


def is_same(slots: Mapping[str, Any], visit: Mapping[str, Any]) -> bool:
    """Whether a remembered visit is the one that the form is about."""
    return (slots.get("service") or visit["service"]) == visit["service"] and (slots.get("further") or None) == (
        visit.get("further") or None
    )


async def places(turn: Turn, draft: Draft, starts: datetime) -> Sequence[Place]:
    """Return where and with whom the chosen time would be, best first; raises BookingRefused."""
    return await calendar.find_places(
        turn.session,
        turn.catalog,
        wanted=at_slot(turn.catalog, draft),
        starts=starts,
        now=turn.now,
        customer_id=turn.customer.id if turn.customer else None,
        ignoring=draft.booking_id,
    )


def price(turn: Turn, draft: Draft, placement: Placement) -> Price:
    """Return what the visit costs where it would be."""
    return quote(turn.catalog, wanted(turn.catalog, draft), placement=placement)


def unit_of(draft: Draft) -> str:
    """Return what the visit is sold by: `visit`, `hour`, `day` or `night`."""
    return draft.service.unit if draft.service is not None else Unit.VISIT.value


def id_of(text: str | None) -> UUID | None:
    """Return an id that a slot or a choice keeps as text."""
    return UUID(text) if text else None

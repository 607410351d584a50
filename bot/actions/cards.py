"""What a booking is called and what its card shows (design.md, `facts`): lines name all that is done, and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from booking_core.models import Booking, MoveProposal, Unit
from booking_core.placed import parts_json, request_of
from booking_core.requests import VisitRequest
from booking_core.rules.plan import Placement
from booking_core.rules.wallclock import moment_of
from bot import phrasing
from bot.actions.contract import Turn


@dataclass(frozen=True, slots=True)
class Visit:
    """What a booking is, or what a chosen time would be: `parts` as `booking.parts` keeps them."""

    request: VisitRequest
    parts: Sequence[dict[str, Any]]
    starts: datetime
    ends: datetime
    location_id: UUID

    @staticmethod
    def placed(request: VisitRequest, placement: Placement) -> "Visit":
        """Return a visit that is only proposed."""
        return Visit(
            request,
            parts_json(placement),
            moment_of(placement.start),
            moment_of(placement.end),
            placement.location_id,
        )


#: Two segments hold an address of so many letters and the sentence around it; Stripe's have some 350.
_LONG_ADDRESS = 140


def visit_of(turn: Turn, booking: Booking) -> Visit:
    """Return a booking as what it is."""
    request = request_of(turn.catalog, booking)
    return Visit(request, booking.parts, booking.starts, booking.ends, booking.location_id)


def booking_card(turn: Turn, booking: Booking, *, payment_url: str | None = None) -> dict[str, Any]:
    """Return the card of a booking that exists."""
    return visit_card(turn, visit_of(turn, booking), price=booking.price) | {
        "reference": booking.reference,
        "payment_url": payment_url,
        "ics_token": booking.ics_token,
    }


def payment_address(turn: Turn, booking: Booking, url: str | None) -> str | None:
    """Return where a customer can pay: in a text message a short way there, if the page's own address is long."""
    if url is None or turn.conversation.channel != "sms" or len(url) <= _LONG_ADDRESS:
        return url
    return f"{turn.base_url}/pay/to/{booking.ics_token}"


def visit_card(turn: Turn, visit: Visit, *, price: int) -> dict[str, Any]:
    """Return the card of a visit that is only proposed."""
    turn = turn.at(visit.location_id)
    people = _people(turn, visit.parts)
    return {
        "service": _names(turn, visit),
        "staff": phrasing.listed(people, turn.locale) if people else None,
        "start": turn.local(visit.starts).isoformat(),
        "end": turn.local(visit.ends).isoformat(),
        "location": turn.place_line,
        "reference": None,
        "price": turn.money(price),
        "payment_url": None,
    }


def booking_line(turn: Turn, booking: Booking, *, named: bool = False) -> str:
    """Return `Haircut with Ana, Tue 24 Nov, 15:00`; `named`: with the place, where the business has several."""
    return visit_line(turn, visit_of(turn, booking), named=named)


def proposal_line(turn: Turn, booking: Booking, proposal: MoveProposal) -> str:
    """Return a booking as it would be at the place that is proposed for it."""
    request = request_of(turn.catalog, booking)
    return visit_line(turn, Visit(request, proposal.parts, proposal.starts, proposal.ends, booking.location_id))


def visit_line(turn: Turn, visit: Visit, *, named: bool = False) -> str:
    """Return a visit in one line: what, with whom, for how many, and when by the clock of its place."""
    there = turn.at(visit.location_id)
    line = turn.words.text(turn.locale, "booking.line", service=_what(there, visit), when=_when(there, visit))
    if named and len(turn.catalog.locations) > 1:
        line = turn.words.text(turn.locale, "line.place", line=line, place=there.location.name)
    return line


def visit_name(turn: Turn, service_ids: Sequence[UUID], add_on_ids: Sequence[UUID] = ()) -> str:
    """Return what services are called together: `Haircut and Colour + Gloss`."""
    names = [turn.service_name(turn.catalog.service(one)) for one in service_ids]
    return _with_extras(turn, phrasing.listed(names, turn.locale), service_ids, add_on_ids)


def wish_name(turn: Turn, request: VisitRequest) -> str:
    """Return what is wished for, with the people for its parts: `Haircut with Ana and Colour with Bruno`."""
    named = dict(request.staff_by_service)
    told: list[str] = []
    for service_id in request.service_ids:
        within = {one.part_id: named[one.part_id] for one in turn.catalog.segments(service_id) if one.part_id in named}
        name = _wished(turn, service_id, named.get(service_id))
        each = [_wished(turn, part_id, who) for part_id, who in within.items()]
        told.append(f"{name} ({phrasing.listed(each, turn.locale)})" if each else name)
    return _with_extras(turn, phrasing.listed(told, turn.locale), request.service_ids, request.add_on_ids)


def _wished(turn: Turn, service_id: UUID, staff_id: UUID | None) -> str:
    name = turn.service_name(turn.catalog.service(service_id))
    return _by(turn, name, [turn.catalog.staff_member(staff_id).name] if staff_id else [])


def _names(turn: Turn, visit: Visit) -> str:
    return _for_how_many(turn, visit, visit_name(turn, visit.request.service_ids, visit.request.add_on_ids))


def _what(turn: Turn, visit: Visit) -> str:
    """Return what is done and by whom: people who do several things in a row are named once."""
    told: list[tuple[str, list[str]]] = []
    for names, people in _done(turn, visit):
        if told and told[-1][1] == people:
            told[-1] = (phrasing.listed([told[-1][0], names], turn.locale), people)
        else:
            told.append((names, people))
    pieces = [_by(turn, names, people) for names, people in told]
    what = phrasing.listed(pieces, turn.locale) if len(pieces) > 1 else pieces[0]
    what = _with_extras(turn, what, visit.request.service_ids, visit.request.add_on_ids)
    return _for_how_many(turn, visit, what)


def _done(turn: Turn, visit: Visit) -> list[tuple[str, list[str]]]:
    """Return each service with who does it; a visit of parts tells them apart where several people do them."""
    done: list[tuple[str, list[str]]] = []
    parts = list(visit.parts)
    for service_id in visit.request.service_ids:
        segments = [one.part_id for one in turn.catalog.segments(service_id)]
        own = [part for part in parts if UUID(part["service"]) in (segments or [service_id])]
        name, people = turn.service_name(turn.catalog.service(service_id)), _people(turn, own)
        if segments and len(people) > 1 and visit.request.party == 1:
            each = [
                _by(turn, turn.service_name(turn.catalog.service(part_id)), _people(turn, [part]))
                for part_id in segments
                for part in own
                if UUID(part["service"]) == part_id
            ]
            done.append((f"{name} ({phrasing.listed(each, turn.locale)})", []))
        else:
            done.append((name, people))
    return done


def _by(turn: Turn, service: str, people: list[str]) -> str:
    if not people:
        return service
    return turn.words.text(turn.locale, "line.with", service=service, staff=phrasing.listed(people, turn.locale))


def _people(turn: Turn, parts: Sequence[dict[str, Any]]) -> list[str]:
    every = dict.fromkeys(one for part in parts for one in part["staff"])
    return [turn.catalog.staff_member(UUID(one)).name for one in every]


def _with_extras(turn: Turn, what: str, service_ids: Sequence[UUID], add_on_ids: Sequence[UUID]) -> str:
    catalog = turn.catalog
    known = {
        one.id: one
        for service_id in service_ids
        for whose in (service_id, *(part.part_id for part in catalog.segments(service_id)))
        for one in catalog.add_ons(whose)
    }
    extras = [turn.add_on_name(known[one]) for one in add_on_ids if one in known]
    return " + ".join([what, *extras])


def _for_how_many(turn: Turn, visit: Visit, what: str) -> str:
    count = visit.request.party
    if count == 1:
        return what
    if turn.catalog.service(visit.request.service_id).unit in {Unit.DAY, Unit.NIGHT}:
        return turn.words.text(turn.locale, "line.pieces", pieces=count, what=what)
    return turn.words.text(turn.locale, "line.party", count, what=what)


def _when(turn: Turn, visit: Visit) -> str:
    unit = turn.catalog.service(visit.request.service_id).unit
    if unit == Unit.VISIT:
        return turn.day_and_clock(visit.starts)
    if turn.local(visit.starts).date() == turn.local(visit.ends).date():
        return f"{turn.day_and_clock(visit.starts)}-{turn.clock(visit.ends)}"
    return f"{turn.day_and_clock(visit.starts)} - {turn.day_and_clock(visit.ends)}"

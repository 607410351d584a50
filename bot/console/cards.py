"""What is told of a visit wherever the calendar draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from booking_core.blocks import Meeting, Visit, Whose
from booking_core.catalog import Catalog
from booking_core.models import Booking, Service
from booking_core.placed import request_of
from booking_core.rules.lifecycle import MOVES, Move

#: Services take turns in so many colours.
HUES = 8


@dataclass(frozen=True, slots=True)
class Card:
    """A booking in the words of one reader's language."""

    booking_id: UUID
    version: int
    reference: str
    state: str
    customer: str | None
    conversation_id: UUID | None
    service: str
    people: tuple[str, ...]
    starts: datetime
    ends: datetime
    party: int
    #: The customer said that they come.
    sure: bool
    #: Until when an unpaid time is kept, or a request waits.
    lapses: datetime | None
    hue: int
    #: It may be moved from here.
    movable: bool
    #: It has several parts, or several people do it.
    linked: bool
    #: Who does all of it, where that is one person.
    person: UUID | None


@dataclass(frozen=True, slots=True)
class ClassCard:
    """A class with its seats."""

    session_id: UUID
    service: str
    people: tuple[str, ...]
    starts: datetime
    ends: datetime
    taken: int
    capacity: int
    hue: int


def card_for(visit: Visit, catalog: Catalog, language: str) -> Card:
    """Return what is told of a visit."""
    booking = visit.booking
    staff = dict.fromkeys(_staff_ids(visit))
    return Card(
        booking_id=booking.id,
        version=booking.version,
        reference=booking.reference,
        state=booking.state,
        customer=visit.customer,
        conversation_id=booking.conversation_id,
        service=visit_name(catalog, booking, language),
        people=tuple(catalog.staff_member(one).name for one in staff),
        starts=booking.starts,
        ends=booking.ends,
        party=booking.party,
        sure=booking.attendance_confirmed_at is not None,
        lapses=booking.hold_expires_at,
        hue=hue_of(catalog, booking.service_id),
        movable=(booking.state, Move.RESCHEDULE) in MOVES and booking.session_id is None,
        linked=len({(block.part, block.owner.id) for block in visit.blocks if block.owner.whose is Whose.STAFF}) > 1,
        person=next(iter(staff)) if len(staff) == 1 else None,
    )


def class_card(meeting: Meeting, catalog: Catalog, language: str) -> ClassCard:
    """Return what is told of a class."""
    held = meeting.session
    return ClassCard(
        session_id=held.id,
        service=service_name(catalog.service(held.service_id), language),
        people=(catalog.staff_member(held.staff_id).name,) if held.staff_id else (),
        starts=held.starts,
        ends=held.ends,
        taken=meeting.taken,
        capacity=held.capacity,
        hue=hue_of(catalog, held.service_id),
    )


def service_name(service: Service, language: str) -> str:
    """Return what a service is called in a language."""
    return str(service.names.get(language) or service.name)


def visit_name(catalog: Catalog, booking: Booking, language: str) -> str:
    """Return what a booking's services are called together, in the order in which they were asked for."""
    return " + ".join(service_name(catalog.service(one), language) for one in request_of(catalog, booking).service_ids)


def hue_of(catalog: Catalog, service_id: UUID) -> int:
    """Return a service's colour: neighbours on the list differ."""
    return next((n % HUES for n, one in enumerate(catalog.services) if one.id == service_id), 0)


def _staff_ids(visit: Visit) -> Sequence[UUID]:
    booking = visit.booking
    found = [UUID(one) for part in booking.parts for one in part["staff"]]
    return found or ([booking.staff_id] if booking.staff_id else [])

"""Time off that hurts: every booking that it hits, what each is offered instead, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core import disruption
from booking_core.catalog import Catalog, load_catalog
from booking_core.kit.clock import current_time
from booking_core.models import Booking, Resource, Staff, TimeOff
from booking_core.refusals import BookingRefused
from booking_core.rules.availability import Slot
from bot.console import displaced
from bot.console.access import Area, Visitor, door
from bot.console.cards import visit_name
from bot.console.desk import Desk
from bot.console.displaced import Row, Standing
from bot.console.forms import read_text
from bot.console.pages import Pages
from bot.disruption import ask_to_call, find_places_for_all

#: So many other places are shown to choose from.
PLACES = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """Another place that staff can choose for a booking."""

    value: str
    starts: datetime
    person: str | None


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the page and its buttons."""
    guest = Depends(door(desk, Area.CALENDAR))

    @router.get("/timeoff/{time_off_id}/bookings")
    async def hit(request: Request, time_off_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog, time_off = await _load(session, visitor, time_off_id)
            rows = await displaced.load_rows(session, catalog, time_off, now=now)
            chosen = _chosen(rows, request.query_params.get("choose", ""))
            choices = await _choices(session, catalog, chosen, time_off, now) if chosen is not None else []
        return pages.page(
            request,
            "displaced.html",
            visitor=visitor,
            now=now,
            area=Area.CALENDAR,
            off=time_off,
            whose=_name(catalog, time_off),
            rows=rows,
            unsettled=sum(1 for row in rows if row.unsettled),
            asked=sum(1 for row in rows if row.standing is Standing.WAITING),
            tz=_zone(catalog, time_off),
            names=_Names(catalog, visitor.language),
            chosen=chosen,
            choices=choices,
            problem=request.query_params.get("problem", "") == "taken",
        )

    @router.post("/timeoff/{time_off_id}/propose")
    async def propose(time_off_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog, time_off = await _load(session, visitor, time_off_id)
            actor = f"staff:{visitor.user_id}"
            await find_places_for_all(session, catalog=catalog, time_off=time_off, now=now, actor=actor)
        return _back(time_off_id)

    @router.post("/timeoff/{time_off_id}/bookings/{booking_id}")
    async def propose_one(
        request: Request, time_off_id: UUID, booking_id: UUID, visitor: Annotated[Visitor, guest]
    ) -> Response:
        place = await read_text(request, "place", 100)
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog, time_off = await _load(session, visitor, time_off_id)
            held = await _propose(session, visitor, catalog, time_off, booking_id, place, now)
        return _back(time_off_id, "" if held else "?problem=taken")


async def _propose(
    session: AsyncSession,
    visitor: Visitor,
    catalog: Catalog,
    time_off: TimeOff,
    booking_id: UUID,
    place: str,
    now: datetime,
) -> bool:
    """Hold the place that was chosen, or the best one; False if the chosen one is gone."""
    actor = f"staff:{visitor.user_id}"
    try:
        booking = await bookings.load(session, visitor.business_id, booking_id, for_update=True)
    except BookingRefused:
        raise LookupError("no such booking") from None
    if not await disruption.is_still_hit(session, catalog, booking, time_off):
        return True  # settled meanwhile: the page shows how
    target = _read_place(place, catalog)
    if target is not None:
        starts, staff_id = target
        held = await disruption.propose_slot(
            session,
            catalog=catalog,
            booking=booking,
            starts=starts,
            staff_id=staff_id,
            time_off=time_off,
            now=now,
            actor=actor,
        )
        return held is not None
    result = await disruption.propose(
        session, catalog=catalog, booking_id=booking_id, time_off=time_off, now=now, actor=actor
    )
    if result.proposal is None:
        await ask_to_call(session, booking, time_off.id, kind="time_off_no_place", now=now)
    return True


async def _load(session: AsyncSession, visitor: Visitor, time_off_id: UUID) -> tuple[Catalog, TimeOff]:
    catalog = await load_catalog(session, visitor.business_id)
    try:
        return catalog, await disruption.load_time_off(session, visitor.business_id, time_off_id)
    except BookingRefused:
        raise LookupError("no such time off") from None


async def _choices(session: AsyncSession, catalog: Catalog, row: Row, time_off: TimeOff, now: datetime) -> list[Choice]:
    found = await disruption.other_places(session, catalog, row.booking, time_off, now=now, count=PLACES)
    return [
        Choice(
            value=f"{slot.starts.isoformat()} {slot.staff_id or ''}".strip(),
            starts=slot.starts,
            person=_person(catalog, slot),
        )
        for slot in sorted(found, key=lambda slot: slot.starts)
    ]


def _person(catalog: Catalog, slot: Slot) -> str | None:
    return catalog.staff_member(slot.staff_id).name if slot.staff_id else None


def _read_place(text: str, catalog: Catalog) -> tuple[datetime, UUID | None] | None:
    """Return the place that a form names; None where it names none, and the best one is meant."""
    starts, _, who = text.partition(" ")
    try:
        moment = datetime.fromisoformat(starts)
        staff_id = UUID(who) if who else None
        if staff_id is not None:
            catalog.staff_member(staff_id)
    except (ValueError, KeyError):
        return None
    return (moment, staff_id) if moment.tzinfo is not None else None


def _chosen(rows: Sequence[Row], asked: str) -> Row | None:
    return next((row for row in rows if str(row.booking.id) == asked and row.may_be_proposed), None)


def _name(catalog: Catalog, time_off: TimeOff) -> str:
    if time_off.staff_id is not None:
        return catalog.staff_member(time_off.staff_id).name
    return catalog.resource(time_off.resource_id).name if time_off.resource_id else ""


def _zone(catalog: Catalog, time_off: TimeOff) -> str:
    """Return by whose clock somebody is away."""
    whose: Staff | Resource | None = None
    if time_off.staff_id is not None:
        whose = catalog.staff_member(time_off.staff_id)
    elif time_off.resource_id is not None:
        whose = catalog.resource(time_off.resource_id)
    return catalog.location(whose.location_id).timezone if whose else catalog.business.timezone


@dataclass(frozen=True, slots=True)
class _Names:
    """What the page calls services, people and places."""

    catalog: Catalog
    language: str

    def visit(self, booking: Booking) -> str:
        return visit_name(self.catalog, booking, self.language)

    def person(self, staff_id: UUID | None) -> str:
        return self.catalog.staff_member(staff_id).name if staff_id else ""

    def zone(self, location_id: UUID) -> str:
        return self.catalog.location(location_id).timezone


def _back(time_off_id: UUID, query: str = "") -> RedirectResponse:
    return RedirectResponse(f"/console/timeoff/{time_off_id}/bookings{query}", 303)

"""The form with which staff book, and the customers it finds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from booking_core.catalog import Catalog, load_catalog
from booking_core.kit.clock import current_time
from booking_core.kit.ids import new_id
from booking_core.models import Customer, Service, Staff, Unit
from booking_core.refusals import BookingRefused
from bot.console.access import Area, Visitor, door
from bot.console.asked import read_id
from bot.console.calendar_routes import place_for
from bot.console.cards import hue_of, service_name
from bot.console.daygrid import STEP
from bot.console.desk import Desk
from bot.console.forms import read_form, read_key, read_text, wants_json
from bot.console.pages import Pages
from bot.console.walk_in import LONGEST_NAME, Draft, book, find_customers, parts_of, read_draft
from bot.console.wall import Wall
from bot.console.why import PASSABLE, why


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the form and its search."""
    guest = Depends(door(desk, Area.CALENDAR))

    @router.get("/calendar/new")
    async def form(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog = await load_catalog(session, visitor.business_id)
            draft = _draft(request, catalog, now)
            customer = (
                await session.get(Customer, (visitor.business_id, draft.customer_id)) if draft.customer_id else None
            )
        return _shown(request, pages, visitor, catalog, draft, now=now, customer=customer)

    @router.post("/calendar/new")
    async def booked(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        said = await read_form(request)
        key, anyway = await read_key(request), bool(await read_text(request, "anyway", 5))
        refused: BookingRefused | None = None
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog = await load_catalog(session, visitor.business_id)
            place = place_for(catalog, read_id(str(said.get("place", ""))))
            if place is None:
                raise LookupError("a business without a place")
            today = Wall(visitor.locale, place.timezone, now).local_date(now)
            draft = read_draft(said, catalog, place, today=today, sent=True)
            customer = (
                await session.get(Customer, (visitor.business_id, draft.customer_id)) if draft.customer_id else None
            )
        wall = Wall(visitor.locale, place.timezone, now)
        if draft.missing:
            problem = desk.words.text(visitor.language, f"console.walkin.missing.{draft.missing}")
            return _shown(request, pages, visitor, catalog, draft, now=now, customer=customer, problem=problem)
        try:
            async with desk.db.transaction(visitor.business_id) as session:
                made = await book(
                    session, desk, visitor, draft, catalog=catalog, key=f"console:{key}", anyway=anyway, now=now
                )
        except BookingRefused as error:
            refused = error
        if refused is not None:
            problem = why(desk.words, visitor.language, wall, refused)
            passable = refused.reason in PASSABLE and not anyway
            return _shown(
                request, pages, visitor, catalog, draft, now=now, customer=customer, problem=problem, anyway=passable
            )
        if wants_json(request):
            text = desk.words.text(visitor.language, "console.walkin.done", when=wall.full(made.starts))
            return JSONResponse({"said": text, "booking": str(made.id)})
        return RedirectResponse(f"/console/bookings/{made.id}", 303)

    @router.get("/calendar/customers")
    async def customers(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        text = request.query_params.get("q", "").replace("\x00", "").strip()[:LONGEST_NAME]
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            found = await find_customers(session, visitor.business_id, text)
        html = pages.render(request, "_customers.html", visitor=visitor, now=now, found=found)
        return JSONResponse({"html": html, "count": len(found)})


def _draft(request: Request, catalog: Catalog, now: datetime) -> Draft:
    place = place_for(catalog, read_id(request.query_params.get("place", "")))
    if place is None:
        raise LookupError("a business without a place")
    wall = Wall("en", place.timezone, now)
    draft = read_draft(request.query_params, catalog, place, today=wall.local_date(now), sent=False)
    # Whoever walks in wants to begin: at the next five minutes, unless another day or time is meant.
    if draft.minute is None and draft.day == wall.local_date(now):
        soon = -(-wall.minute_in(now, place.timezone) // STEP) * STEP
        draft = replace(draft, minute=min(soon, 24 * 60 - STEP))
    return draft


@dataclass(frozen=True, slots=True)
class Each:
    """A service, or a part of a package, for which a person can be chosen; `of`: the services that it is done in."""

    id: UUID
    name: str
    of: str
    people: Sequence[Staff]


def _each(catalog: Catalog, offered: Sequence[Service], draft: Draft, language: str) -> list[Each]:
    """Return what of all services here one of several people could do."""
    of: dict[UUID, list[UUID]] = {}
    for one in offered:
        if one.unit == Unit.VISIT and one.capacity == 1:
            for part_id in parts_of(catalog, one.id):
                of.setdefault(part_id, []).append(one.id)
    found: list[Each] = []
    for part_id, wholes in of.items():
        people = [catalog.staff_member(one) for one in catalog.staff_for(part_id)]
        here = [one for one in people if one.location_id == draft.place.id]
        if len(here) > 1:
            name = service_name(catalog.service(part_id), language)
            found.append(Each(part_id, name, " ".join(str(one) for one in wholes), here))
    return found


def _shown(
    request: Request,
    pages: Pages,
    visitor: Visitor,
    catalog: Catalog,
    draft: Draft,
    *,
    now: datetime,
    customer: Customer | None,
    problem: str = "",
    anyway: bool = False,
) -> Response:
    language = visitor.language
    offered = [one for one in catalog.services if catalog.offered_at(one.id, draft.place.id)]
    context: dict[str, Any] = {
        "draft": draft,
        "place": draft.place,
        "services": [
            (
                one,
                service_name(one, language),
                hue_of(catalog, one.id),
                catalog.duration(one.id, draft.staff_id),
                catalog.price(one.id, draft.staff_id, draft.place.id),
            )
            for one in offered
        ],
        "each": _each(catalog, offered, draft, language),
        "able": {one.id: " ".join(str(person) for person in catalog.staff_for(one.id)) for one in offered},
        "people": [one for one in catalog.staff if one.location_id == draft.place.id],
        "currency": catalog.currency(draft.place.id),
        "counted": any(one.unit != Unit.VISIT for one in offered if one.id in draft.services),
        "customer": customer,
        "problem": problem,
        "anyway": anyway,
        "key": new_id(),
    }
    status = 409 if problem else 200
    if wants_json(request):
        html = pages.render(request, "_walk_in.html", visitor=visitor, now=now, **context)
        return JSONResponse({"html": html, "problem": problem}, status)
    return pages.page(request, "walk_in.html", visitor=visitor, now=now, area=Area.CALENDAR, status=status, **context)

"""The list of time off, and the form for it: whoever saves sees first which bookings it hits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from booking_core.catalog import Catalog, load_catalog
from booking_core.kit.clock import current_time
from booking_core.models import Location, TimeOff
from bot.console import time_off
from bot.console.access import Area, Visitor, door
from bot.console.asked import read_id
from bot.console.calendar_routes import place_for
from bot.console.cards import visit_name
from bot.console.desk import Desk
from bot.console.forms import read_form, read_text, wants_json
from bot.console.pages import Pages
from bot.console.time_off import Draft, Hit
from bot.console.wall import Wall


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the list, the form, and deleting."""
    guest = Depends(door(desk, Area.CALENDAR))
    forms = _Forms(desk, pages)

    @router.get("/timeoff")
    async def listed(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog = await load_catalog(session, visitor.business_id)
            place = _place(catalog, request.query_params)
            found = await time_off.list_time_off(session, catalog, place, now=now)
        return pages.page(
            request, "time_off.html", visitor=visitor, now=now, area=Area.CALENDAR,
            place=place, places=catalog.locations, found=found, owners=time_off.owners(catalog, place),
        )  # fmt: skip

    @router.get("/timeoff/new")
    async def new(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog = await load_catalog(session, visitor.business_id)
            place = _place(catalog, request.query_params)
        today = Wall(visitor.locale, place.timezone, now).local_date(now)
        draft = time_off.read_draft(request.query_params, catalog, place, today=today)
        return forms.form(request, visitor, catalog, draft, now=now)

    @router.post("/timeoff")
    async def record(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        return await forms.save(request, visitor, None)

    @router.get("/timeoff/{time_off_id}")
    async def one(request: Request, time_off_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog = await load_catalog(session, visitor.business_id)
            off = await time_off.load(session, visitor.business_id, time_off_id)
            draft = time_off.draft_of(off, time_off.place_of(catalog, off))
            hit = await time_off.hits(session, catalog, draft)
        return forms.form(request, visitor, catalog, draft, now=now, off=off, hit=hit)

    @router.post("/timeoff/{time_off_id}")
    async def change(request: Request, time_off_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await forms.save(request, visitor, time_off_id)

    @router.post("/timeoff/{time_off_id}/delete")
    async def delete(request: Request, time_off_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            off = await time_off.load(session, visitor.business_id, time_off_id)
            place = time_off.place_of(await load_catalog(session, visitor.business_id), off)
            await time_off.remove(session, visitor.business_id, time_off_id)
        if wants_json(request):
            return JSONResponse({"said": desk.words.text(visitor.language, "console.timeoff.deleted")})
        return RedirectResponse(f"/console/timeoff?place={place.id}", 303)


@dataclass(frozen=True, slots=True)
class _Forms:
    desk: Desk
    pages: Pages

    async def save(self, request: Request, visitor: Visitor, time_off_id: UUID | None) -> Response:
        """Write the form down, unless something is wrong or it hits bookings and nobody has said `sure`."""
        said: Mapping[str, object] = dict(await read_form(request))
        sure = bool(await read_text(request, "sure", 5))
        async with self.desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog = await load_catalog(session, visitor.business_id)
            off = None
            if time_off_id is not None:
                off = await time_off.load(session, visitor.business_id, time_off_id, for_update=True)
            place = time_off.place_of(catalog, off) if off else _place(catalog, said)
            today = Wall(visitor.locale, place.timezone, now).local_date(now)
            draft = time_off.read_draft(said, catalog, place, today=today)
            if draft.wrong:
                problem = self.desk.words.text(visitor.language, f"console.timeoff.wrong.{draft.wrong}")
                return self.form(request, visitor, catalog, draft, now=now, off=off, problem=problem)
            hit = await time_off.hits(session, catalog, draft)
            if hit and not sure:
                return self.form(request, visitor, catalog, draft, now=now, off=off, hit=hit, ask=True)
            if off is None:
                off = await time_off.record(session, catalog, visitor, draft, now=now)
            else:
                await time_off.change(session, catalog, off, draft)
        # Whoever is hit must be moved: there is a page for that.
        follow = f"/console/timeoff/{off.id}/bookings" if hit else ""
        if wants_json(request):
            done = self.desk.words.text(visitor.language, "console.timeoff.saved")
            return JSONResponse({"said": done, "follow": follow})
        return RedirectResponse(follow or f"/console/timeoff?place={place.id}", 303)

    def form(
        self,
        request: Request,
        visitor: Visitor,
        catalog: Catalog,
        draft: Draft,
        *,
        now: datetime,
        off: TimeOff | None = None,
        hit: Sequence[Hit] = (),
        ask: bool = False,
        problem: str = "",
    ) -> Response:
        """Return the form, with the bookings that it hits."""
        context: dict[str, Any] = {
            "draft": draft,
            "off": off,
            "place": draft.place,
            "owners": time_off.owners(catalog, draft.place),
            "kinds": time_off.KINDS,
            "hit": [(one, visit_name(catalog, one.booking, visitor.language)) for one in hit],
            "ask": ask,
            "problem": problem,
            "flow": f"/console/timeoff/{off.id}/bookings" if off is not None else "",
        }
        status = 409 if problem or ask else 200
        if wants_json(request):
            html = self.pages.render(request, "_time_off_form.html", visitor=visitor, now=now, **context)
            return JSONResponse({"html": html, "problem": problem}, status)
        return self.pages.page(
            request, "time_off_form.html", visitor=visitor, now=now, area=Area.CALENDAR, status=status, **context
        )


def _place(catalog: Catalog, said: Mapping[str, object]) -> Location:
    place = place_for(catalog, read_id(str(said.get("place", ""))))
    if place is None:
        raise LookupError("a business without a place")
    return place

"""A class's drawer: who comes, and cancelling it with all its bookings."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from booking_core.agenda import load_meeting
from booking_core.catalog import load_catalog
from booking_core.kit.clock import current_time
from booking_core.kit.live import announce_calendar
from bot import cancellations
from bot.console.access import Area, Visitor, actor_of, door
from bot.console.cards import class_card
from bot.console.desk import Desk
from bot.console.forms import read_text, wants_json
from bot.console.pages import Pages


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add a class's drawer and its one button."""
    guest = Depends(door(desk, Area.CALENDAR))

    @router.get("/sessions/{session_id}")
    async def one(request: Request, session_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await _show(request, desk, pages, visitor, session_id)

    @router.post("/sessions/{session_id}/cancel")
    async def cancel(request: Request, session_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        tell = bool(await read_text(request, "tell", 5))
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            meeting = await load_meeting(session, await load_catalog(session, visitor.business_id), session_id, now=now)
            if meeting is None:
                raise LookupError("no such class")
            over = meeting.session.ends <= now
            if not over:
                await cancellations.cancel_class(
                    desk, session, visitor.business_id, session_id,
                    notify=tell, now=now, actor=actor_of(visitor), by=visitor.user_id,
                )  # fmt: skip
                announce_calendar(session, visitor.business_id)
        if over:
            return await _show(request, desk, pages, visitor, session_id, problem="session.over")
        if wants_json(request):
            return await _show(request, desk, pages, visitor, session_id, said="session.done")
        return RedirectResponse(f"/console/sessions/{session_id}", 303)


async def _show(
    request: Request,
    desk: Desk,
    pages: Pages,
    visitor: Visitor,
    session_id: UUID,
    *,
    problem: str = "",
    said: str = "",
) -> Response:
    async with desk.db.transaction(visitor.business_id) as session:
        now = await current_time(session)
        catalog = await load_catalog(session, visitor.business_id)
        meeting = await load_meeting(session, catalog, session_id, now=now)
    if meeting is None:
        raise LookupError("no such class")
    words, language = desk.words, visitor.language
    context: dict[str, Any] = {
        "card": class_card(meeting, catalog, language),
        "roster": meeting.roster,
        "service_id": meeting.session.service_id,
        "place": catalog.location(meeting.session.location_id),
        "cancelled": meeting.session.state == "cancelled",
        "over": meeting.session.ends <= now,
        "problem": words.text(language, f"console.{problem}") if problem else "",
    }
    status = 409 if problem else 200
    if wants_json(request):
        html = pages.render(request, "_session.html", visitor=visitor, now=now, **context)
        done = words.text(language, f"console.{said}") if said else ""
        return JSONResponse({"html": html, "problem": context["problem"], "said": done}, status)
    return pages.page(request, "session.html", visitor=visitor, now=now, area=Area.CALENDAR, status=status, **context)

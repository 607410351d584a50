"""The calendar's pages: a day, a week or a list, by person or by room."""

import json
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from booking_core.agenda import Agenda, load_agenda
from booking_core.catalog import Catalog, load_catalog
from booking_core.kit.clock import current_time
from booking_core.models import Location
from booking_core.rules.schedule import days_between
from bot.console.access import Area, Visitor, door
from bot.console.asked import Asked, View, read_asked
from bot.console.day import By, board_for
from bot.console.desk import Desk
from bot.console.forms import wants_json
from bot.console.pages import Pages
from bot.console.wall import Wall
from bot.console.week import listed, week_for

#: What our script says itself.
_SCRIPT_WORDS = (
    "free",
    "closed",
    "away",
    "updated",
    "lifted",
    "dropped",
    "back",
    "failed",
    "cannot",
    "room",
    "to",
    "nothing",
)


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the calendar."""
    guest = Depends(door(desk, Area.CALENDAR))

    @router.get("/calendar")
    async def calendar(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            catalog = await load_catalog(session, visitor.business_id)
            wall = Wall(visitor.locale, visitor.tz, now)
            asked = read_asked(request.query_params, today=wall.local_date(now), week_starts=wall.week_starts)
            place = place_for(catalog, asked.place)
            agenda = None
            if place is not None:
                agenda = await load_agenda(session, catalog, place.id, asked.first, asked.last, now=now)
        context = _context(desk, visitor, catalog, asked, place, agenda, now)
        if not wants_json(request):
            return pages.page(request, "calendar.html", visitor=visitor, now=now, area=Area.CALENDAR, **context)
        if agenda is None:
            return JSONResponse({"html": "", "count": ""})
        count = desk.words.text(visitor.language, "console.calendar.count", context["count"])
        html = pages.render(request, context["part"], visitor=visitor, now=now, **context)
        return JSONResponse({"html": html, "count": count})


def place_for(catalog: Catalog, place_id: UUID | None) -> Location | None:
    """Return the place that is asked for, else the first; None for a business without a place."""
    named = (one for one in catalog.locations if one.id == place_id)
    return next(named, next(iter(catalog.locations), None))


def _context(
    desk: Desk,
    visitor: Visitor,
    catalog: Catalog,
    asked: Asked,
    place: Location | None,
    agenda: Agenda | None,
    now: datetime,
) -> dict[str, Any]:
    wall = Wall(visitor.locale, place.timezone if place else visitor.tz, now)
    context: dict[str, Any] = {
        "asked": asked,
        "place": place,
        "places": catalog.locations,
        "rooms": agenda.resources if agenda else (),
        "today": wall.local_date(now),
        "heading": wall.long_date(asked.day) if asked.view is View.DAY else wall.dates(asked.first, asked.last),
        "count": _count(agenda) if agenda else 0,
        "board": None,
        "part": "_calendar_board.html",
        "script_words": json.dumps({word: _for_script(desk, visitor, word) for word in _SCRIPT_WORDS}),
    }
    if agenda is None:
        return context
    days: list[date] = days_between(asked.first, asked.last)
    if asked.view is View.LIST:
        names = {one.id: one.name for one in agenda.staff} | {one.id: one.name for one in agenda.resources}
        shown = {"list": listed(agenda, catalog, language=visitor.language), "owner_names": names}
        return context | shown | {"part": "_calendar_list.html"}
    if asked.view is View.WEEK and not _one_column(asked, agenda):
        return context | {
            "week": week_for(agenda, catalog, asked.by, language=visitor.language),
            "part": "_calendar_week.html",
        }
    who = asked.who if asked.view is View.WEEK else None
    board = board_for(agenda, catalog, days, asked.by, who=who, language=visitor.language, now=now)
    if who is not None:
        context["heading"] = f"{board.columns[0].name} · {context['heading']}"
        context["count"] = board.count
    return context | {"board": board}


def _for_script(desk: Desk, visitor: Visitor, word: str) -> str:
    """Return a sentence with its values still open: our script puts them in."""
    return desk.words.text(visitor.language, f"console.calendar.says.{word}", name="{name}", time="{time}")


def _one_column(asked: Asked, agenda: Agenda) -> bool:
    owners = agenda.staff if asked.by is By.STAFF else agenda.resources
    return any(one.id == asked.who for one in owners)


def _count(agenda: Agenda) -> int:
    return len(agenda.visits) + sum(len(meeting.roster) for meeting in agenda.meetings)

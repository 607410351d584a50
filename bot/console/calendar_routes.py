"""The calendar: one day, a column for each person."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from booking_core.kit.clock import current_time
from bot.console.access import Area, Visitor, door
from bot.console.day import load_day
from bot.console.desk import Desk
from bot.console.pages import Pages
from bot.console.wall import Wall


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the day view."""
    guest = Depends(door(desk, Area.CALENDAR))

    @router.get("/calendar")
    async def calendar(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction() as session:
            now = await current_time(session)
            today = Wall(visitor.locale, visitor.tz, now).local_date(now)
            day = _asked(request.query_params.get("day", "")) or today
            place = _named(request.query_params.get("place", ""))
            found = await load_day(session, visitor.business_id, place, day, now=now)
        return pages.page(
            request,
            "calendar.html",
            visitor=visitor,
            now=now,
            area=Area.CALENDAR,
            date=day,
            day=found,
            today=today,
            before=day - timedelta(days=1),
            after=day + timedelta(days=1),
        )


def _asked(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2200 else None


def _named(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

"""The inbox: who waits, who is being answered, what the bot is at."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from booking_core.kit.clock import current_time
from bot.console.access import Area, Visitor, door
from bot.console.desk import Desk
from bot.console.forms import wants_json
from bot.console.pages import Pages
from bot.console.threads import load_inbox


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the inbox."""
    guest = Depends(door(desk, Area.INBOX))

    @router.get("/inbox")
    async def inbox(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        search = searched(request)
        async with desk.db.transaction() as session:
            now = await current_time(session)
            found = await load_inbox(session, visitor.business_id, visitor.user_id, search=search, now=now)
        context: dict[str, Any] = {"inbox": found, "search": search, "open_id": None}
        if wants_json(request):
            # Our script asks for the list alone; which thread is open it knows itself.
            html = pages.render(request, "_threads.html", visitor=visitor, now=now, **context)
            return JSONResponse({"html": html, "waiting": len(found.waiting)})
        return pages.page(
            request, "inbox.html", visitor=visitor, now=now, area=Area.INBOX, waiting=len(found.waiting), **context
        )


def searched(request: Request) -> str:
    """Return what is searched for."""
    return request.query_params.get("q", "").replace("\x00", "").strip()[:100]

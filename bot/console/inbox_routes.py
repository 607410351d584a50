"""The inbox: who waits, who is being answered, what is put aside, what the bot is at."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from booking_core.kit.clock import current_time
from bot.console.access import Area, Visitor, door
from bot.console.desk import Desk
from bot.console.forms import wants_json
from bot.console.pages import Pages
from bot.console.threads import Show, load_inbox


@dataclass(frozen=True, slots=True)
class Listing:
    """What of the inbox is listed; it stands in the address of every page that shows the list."""

    show: Show = Show.ALL
    search: str = ""

    @staticmethod
    def read(request: Request) -> "Listing":
        """Read a request's query; what is unknown counts as not asked for."""
        show = request.query_params.get("show", "")
        search = request.query_params.get("q", "").replace("\x00", "").strip()[:100]
        return Listing(Show(show) if show in set(Show) else Show.ALL, search)

    def query(self, show: str | None = None) -> str:
        """Return this listing, or another part of it, as the query of an address: `?show=mine`, or nothing."""
        wanted = show or self.show
        values = {"show": "" if wanted == Show.ALL else str(wanted), "q": self.search}
        said = urlencode({key: value for key, value in values.items() if value})
        return f"?{said}" if said else ""


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the inbox."""
    guest = Depends(door(desk, Area.INBOX))

    @router.get("/inbox")
    async def inbox(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        listing = Listing.read(request)
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            found = await load_inbox(
                session, visitor.business_id, visitor.user_id, search=listing.search, show=listing.show, now=now
            )
        waiting = found.counts[Show.WAITING]
        context: dict[str, Any] = {"inbox": found, "listing": listing, "open_id": None}
        if wants_json(request):
            # Our script asks for the list alone; which thread is open it knows itself.
            html = pages.render(request, "_threads.html", visitor=visitor, now=now, **context)
            shows = pages.render(request, "_shows.html", visitor=visitor, now=now, **context)
            return JSONResponse({"html": html, "shows": shows, "waiting": waiting})
        return pages.page(request, "inbox.html", visitor=visitor, now=now, area=Area.INBOX, waiting=waiting, **context)

"""Messages that did not arrive: why, and one button to send them again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from booking_core.kit.clock import current_time
from bot.console.access import Area, Visitor, door
from bot.console.desk import Desk
from bot.console.pages import Pages
from channels.dead_letters import is_too_late, load_dead, send_again


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the list and its button."""
    guest = Depends(door(desk, Area.TASKS))

    @router.get("/undelivered")
    async def undelivered(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            dead = await load_dead(session, visitor.business_id, now=now)
        late = {one.message.id for one in dead if is_too_late(one.message, now)}
        return pages.page(request, "undelivered.html", visitor=visitor, now=now, area=Area.TASKS, dead=dead, late=late)

    @router.post("/undelivered/{message_id}/again")
    async def again(message_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            await send_again(session, visitor.business_id, message_id, now=await current_time(session))
        return RedirectResponse("/console/undelivered", 303)

"""Canned replies of a business: listed, added, changed, deleted by whoever looks after its words."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from booking_core.kit.clock import current_time
from bot import replies
from bot.console.access import Area, Visitor, door
from bot.console.desk import Desk
from bot.console.forms import read_text
from bot.console.pages import Pages
from bot.console.thread_steps import reply_refused
from bot.replies import LONGEST_TEXT, LONGEST_TITLE, ReplyRefused, Token


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the page and its forms."""
    guest = Depends(door(desk, Area.REPLIES))

    @router.get("/replies")
    async def listed(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        return await show(request, visitor)

    @router.post("/replies")
    async def add(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        return await save(request, visitor, None)

    @router.post("/replies/{reply_id}")
    async def change(request: Request, reply_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await save(request, visitor, reply_id)

    @router.post("/replies/{reply_id}/delete")
    async def delete(request: Request, reply_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            await replies.delete_reply(session, visitor.business_id, reply_id)
        return RedirectResponse("/console/replies", 303)

    async def save(request: Request, visitor: Visitor, reply_id: UUID | None) -> Response:
        title = " ".join((await read_text(request, "title", LONGEST_TITLE)).split())
        text = await read_text(request, "text", LONGEST_TEXT)
        try:
            async with desk.db.transaction(visitor.business_id) as session:
                now = await current_time(session)
                await replies.save_reply(
                    session, visitor.business_id, reply_id, title=title, text=text, by=visitor.user_id, now=now
                )
        except ReplyRefused as refused:
            return await show(request, visitor, refused, {"id": reply_id, "title": title, "text": text})
        return RedirectResponse("/console/replies", 303)

    async def show(
        request: Request,
        visitor: Visitor,
        refused: ReplyRefused | None = None,
        draft: dict[str, object] | None = None,
    ) -> Response:
        """Return the page; what was refused stands in its form as it was written."""
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            known = [
                {"id": one.id, "title": one.title, "text": one.text}
                for one in await replies.load_replies(session, visitor.business_id)
            ]
        changed = draft["id"] if draft else None
        return pages.page(
            request,
            "replies.html",
            visitor=visitor,
            now=now,
            status=400 if refused else 200,
            area=Area.REPLIES,
            replies=[draft if draft and one["id"] == changed else one for one in known],
            draft=draft if draft and changed is None else None,
            open_id=str(changed or ""),
            problem=reply_refused(desk, visitor, refused) if refused else "",
            tokens=tuple(Token),
            longest_title=LONGEST_TITLE,
            longest_text=LONGEST_TEXT,
        )

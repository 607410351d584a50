"""One thread: read it, take it, answer it, note, hand it back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.ids import new_id
from bot import handoff
from bot.console.access import Area, Visitor, door
from bot.console.desk import Desk
from bot.console.forms import read_key, read_number, read_text, wants_json
from bot.console.inbox_routes import searched
from bot.console.pages import Pages
from bot.console.thread import Thread, load_ahead, load_thread, mark_seen
from bot.console.threads import load_inbox
from bot.console.wall import Wall
from bot.models import User
from channels import conversations

Step = Callable[[AsyncSession, Visitor, UUID, Request], Awaitable[None]]


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add a thread's page and what can be done on it."""
    guest = Depends(door(desk, Area.INBOX))
    view = View(desk, pages)

    @router.get("/threads/{thread_id}")
    async def thread(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await view.show(request, visitor, thread_id)

    @router.post("/threads/{thread_id}/take")
    async def take(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await view.act(request, visitor, thread_id, _take)

    @router.post("/threads/{thread_id}/reply")
    async def reply(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await view.act(request, visitor, thread_id, _write)

    @router.post("/threads/{thread_id}/hand-back")
    async def hand_back(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await view.act(request, visitor, thread_id, view.give_back)

    @router.post("/threads/{thread_id}/seen")
    async def seen(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        seq = await read_number(request, "seq") or 0
        async with desk.db.transaction() as session:
            found = await conversations.load(session, visitor.business_id, thread_id)
            await mark_seen(session, visitor.business_id, visitor.user_id, thread_id, min(seq, found.last_seq))
        return JSONResponse({"ok": True})


@dataclass(frozen=True, slots=True)
class View:
    """Shows a thread, as a page or as news for our script, before and after a step."""

    desk: Desk
    pages: Pages

    async def act(self, request: Request, visitor: Visitor, thread_id: UUID, step: Step) -> Response:
        """Take a step in one transaction; a refusal shows the thread as it is now, and why."""
        try:
            async with self.desk.db.transaction() as session:
                await step(session, visitor, thread_id, request)
        except handoff.HandoffRefused as refused:
            return await self.show(request, visitor, thread_id, refused=refused)
        if wants_json(request):
            return await self.show(request, visitor, thread_id)
        return RedirectResponse(f"/console/threads/{thread_id}", 303)

    async def show(
        self, request: Request, visitor: Visitor, thread_id: UUID, *, refused: handoff.HandoffRefused | None = None
    ) -> Response:
        """Return the thread."""
        status = 409 if refused else 200
        before = read_before(request)
        search = searched(request)
        async with self.desk.db.transaction() as session:
            now = await current_time(session)
            found = await load_thread(session, visitor.business_id, thread_id, before=before)
            if found is None:
                raise LookupError("no such thread")
            context: dict[str, Any] = {
                "visitor": visitor,
                "now": now,
                "thread": found,
                "ahead": await load_ahead(session, visitor.business_id, found.customer_id, now),
                "key": new_id(),
                "problem": await self._worded(session, visitor, refused),
            }
            if wants_json(request):
                return JSONResponse(self._news(request, found, context), status)
            await mark_seen(session, visitor.business_id, visitor.user_id, thread_id, found.last_seq)
            inbox = await load_inbox(session, visitor.business_id, visitor.user_id, search=search, now=now)
        return self.pages.page(
            request,
            "thread.html",
            status=status,
            area=Area.INBOX,
            inbox=inbox,
            search=search,
            open_id=thread_id,
            waiting=len(inbox.waiting),
            before=before,
            **context,
        )

    async def give_back(self, session: AsyncSession, visitor: Visitor, thread_id: UUID, request: Request) -> None:
        """Hand a thread back to the bot, which goes on with a recap."""
        now = await current_time(session)
        version = await read_number(request, "version")
        dialogue = await handoff.hand_back(
            session, visitor.business_id, thread_id, visitor.user_id, version=version, now=now
        )
        if dialogue is not None and self.desk.handed_back is not None:
            await self.desk.handed_back(session, dialogue, now)

    async def _worded(self, session: AsyncSession, visitor: Visitor, refused: handoff.HandoffRefused | None) -> str:
        if refused is None:
            return ""
        person = await session.get(User, (visitor.business_id, refused.person_id)) if refused.person_id else None
        return self.desk.words.text(
            visitor.language, f"console.refused.{refused.reason}", name=person.name if person else ""
        )

    def _news(self, request: Request, thread: Thread, context: dict[str, Any]) -> dict[str, Any]:
        """Return entries by id, so that our script adds what is new and leaves the rest alone."""
        wall = Wall(context["visitor"].locale, context["visitor"].tz, context["now"])
        return {
            "entries": [
                {
                    "id": str(entry.id),
                    "html": self.pages.render(request, "_entry.html", entry=entry, day=day, deep=False, **context),
                }
                for entry, day in wall.dated(thread.entries)
            ],
            "head": self.pages.render(request, "_thread_head.html", **context),
            "hint": self.pages.render(request, "_composer_hint.html", **context),
            "seq": thread.last_seq,
            "key": str(context["key"]),
            "problem": context["problem"],
        }


def read_before(request: Request) -> int | None:
    """Return the seq to read on before, if the address names one."""
    text = request.query_params.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


async def _take(session: AsyncSession, visitor: Visitor, thread_id: UUID, request: Request) -> None:
    version = await read_number(request, "version")
    now = await current_time(session)
    await handoff.take_over(session, visitor.business_id, thread_id, visitor.user_id, version=version, now=now)


async def _write(session: AsyncSession, visitor: Visitor, thread_id: UUID, request: Request) -> None:
    """Send a reply, or leave a private note where the form says so; nothing typed, nothing done."""
    text = await read_text(request, "text")
    key = await read_key(request)
    whose = (visitor.business_id, thread_id, visitor.user_id)
    now = await current_time(session)
    if not text:
        return
    if await read_text(request, "mode", 10) == "note":
        await handoff.add_note(session, *whose, text, key=key, now=now)
        return
    await handoff.reply(session, *whose, text, key=key, now=now)

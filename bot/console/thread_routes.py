"""One thread: read it, take it, answer it, note, give it to a colleague, put it aside, be done, hand it back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.ids import new_id
from bot import replies
from bot.console import thread_steps
from bot.console.access import Area, Visitor, door
from bot.console.desk import Desk
from bot.console.forms import read_number, read_text, wants_json
from bot.console.inbox_routes import Listing
from bot.console.pages import Pages
from bot.console.snooze import Snooze
from bot.console.thread import Thread, load_ahead, load_thread, mark_seen
from bot.console.threads import Show, load_inbox
from bot.console.typing import who_types
from bot.console.wall import Wall
from bot.models import CannedReply, User
from channels import conversations

#: The last part of a step's address, and what it does.
STEPS: dict[str, thread_steps.Step] = {
    "take": thread_steps.take,
    "assign": thread_steps.assign,
    "snooze": thread_steps.snooze,
    "resolve": thread_steps.resolve,
    "hand-back": thread_steps.give_back,
    "reply": thread_steps.write,
}


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add a thread's page and what can be done on it."""
    guest = Depends(door(desk, Area.INBOX))
    view = View(desk, pages)

    @router.get("/threads/{thread_id}")
    async def thread(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await view.show(request, visitor, thread_id)

    @router.post("/threads/{thread_id}/seen")
    async def seen(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        seq = await read_number(request, "seq") or 0
        async with desk.db.transaction(visitor.business_id) as session:
            found = await conversations.load(session, visitor.business_id, thread_id)
            await mark_seen(session, visitor.business_id, visitor.user_id, thread_id, min(seq, found.last_seq))
        return JSONResponse({"ok": True})

    for name, step in STEPS.items():
        _add_step(router, guest, view, name, step)


def _add_step(router: APIRouter, guest: Any, view: "View", name: str, step: thread_steps.Step) -> None:
    @router.post(f"/threads/{{thread_id}}/{name}")
    async def stepped(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await view.act(request, visitor, thread_id, step)


@dataclass(frozen=True, slots=True)
class View:
    """Shows a thread, as a page or as news for our script, before and after a step."""

    desk: Desk
    pages: Pages

    async def act(self, request: Request, visitor: Visitor, thread_id: UUID, step: thread_steps.Step) -> Response:
        """Take a step in one transaction; a refusal shows the thread as it is now, and why."""
        try:
            async with self.desk.db.transaction(visitor.business_id) as session:
                await step(self.desk, session, visitor, thread_id, request)
        except thread_steps.REFUSALS as refused:
            return await self.show(request, visitor, thread_id, refused=refused)
        if wants_json(request):
            return await self.show(request, visitor, thread_id)
        return RedirectResponse(f"/console/threads/{thread_id}{Listing.read(request).query()}", 303)

    async def show(
        self, request: Request, visitor: Visitor, thread_id: UUID, *, refused: Exception | None = None
    ) -> Response:
        """Return the thread."""
        status = 409 if refused else 200
        before = read_before(request)
        listing = Listing.read(request)
        async with self.desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            found = await load_thread(session, visitor.business_id, thread_id, before=before)
            if found is None:
                raise LookupError("no such thread")
            context: dict[str, Any] = {
                "visitor": visitor,
                "now": now,
                "thread": found,
                "listing": listing,
                "ahead": await load_ahead(session, visitor.business_id, found.customer_id, now, visitor.language),
                "colleagues": await _load_colleagues(session, visitor),
                "snoozes": tuple(Snooze),
                "replies": await self._load_replies(session, visitor, thread_id, now),
                "key": new_id(),
                "problem": await thread_steps.worded(self.desk, session, visitor, refused),
            }
            context["typing"] = await who_types(self.desk.redis, visitor.business_id, thread_id, context["colleagues"])
            if wants_json(request):
                return JSONResponse(self._news(request, found, context), status)
            await mark_seen(session, visitor.business_id, visitor.user_id, thread_id, found.last_seq)
            inbox = await load_inbox(
                session, visitor.business_id, visitor.user_id, search=listing.search, show=listing.show, now=now
            )
        chosen = request.query_params.get("reply", "")
        draft = next((filled.text for reply, filled in context["replies"] if str(reply.id) == chosen), "")
        if refused:
            draft = await read_text(request, "text")  # what somebody wrote is not lost
        return self.pages.page(
            request,
            "thread.html",
            status=status,
            area=Area.INBOX,
            inbox=inbox,
            open_id=thread_id,
            waiting=inbox.counts[Show.WAITING],
            before=before,
            draft=draft,
            **context,
        )

    async def _load_replies(
        self, session: AsyncSession, visitor: Visitor, thread_id: UUID, now: datetime
    ) -> list[tuple[CannedReply, replies.Filled]]:
        """Return the business's canned replies, each as it reads in this thread."""
        known = await replies.load_replies(session, visitor.business_id)
        if not known:
            return []
        conversation = await conversations.load(session, visitor.business_id, thread_id)
        values = await replies.load_values(self.desk, session, conversation, now=now)
        return [(one, replies.fill(one.text, values)) for one in known]

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
            "replies": self.pages.render(request, "_replies.html", **context),
            "typing": context["typing"],
            "seq": thread.last_seq,
            "key": str(context["key"]),
            "problem": context["problem"],
        }


def read_before(request: Request) -> int | None:
    """Return the seq to read on before, if the address names one."""
    text = request.query_params.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


async def _load_colleagues(session: AsyncSession, visitor: Visitor) -> dict[UUID, str]:
    """Return everybody else of the business, name by id."""
    found = await session.execute(
        select(User.id, User.name)
        .where(User.business_id == visitor.business_id, User.id != visitor.user_id)
        .order_by(User.name, User.id)
    )
    return dict(found.tuples().all())

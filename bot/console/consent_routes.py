"""What a customer agreed to: shown from their thread, handed out as a file, and taken back by word of mouth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from babel import Locale
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.models import Business, Customer
from bot import consent, withdrawals
from bot.consent_export import Agreed, Record, as_yaml, load_record
from bot.console.access import Area, Visitor, door
from bot.console.desk import Desk
from bot.console.forms import read_text
from bot.console.pages import Pages
from channels import conversations
from channels.consents import Needed, Purpose, Standing, decide_standing, is_spoken
from channels.models import ConsentNote, Conversation

#: In the form: all threads of the customer, instead of one.
EVERYWHERE = "all"


@dataclass(frozen=True, slots=True)
class Stand:
    """A thread as the page shows it: how it stands now, and how it came to that (the latest first)."""

    thread: Conversation
    notes: list[ConsentNote]
    reminders: Standing
    needed: Needed
    #: Whose law asks for that much, in the reader's language; empty where nobody knows.
    country: str
    #: Since when another thread of theirs has ended what is unasked here, too.
    elsewhere: datetime | None
    #: What a person here wrote down that may have been a mistake.
    correctable: list[str]

    @property
    def may_be_written_to(self) -> bool:
        """Whether the person has not left."""
        return self.thread.opted_out_at is None


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the page, its file and its form."""
    guest = Depends(door(desk, Area.CONSENTS))

    @router.get("/threads/{thread_id}/consents")
    async def shown(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        return await show(request, visitor, thread_id)

    @router.get("/threads/{thread_id}/consents.yml")
    async def export(thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            _, record = await _load(session, visitor, thread_id)
            text = as_yaml(record)
        name = f"consents-{thread_id}.yml"
        return Response(
            text,
            media_type="application/yaml; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @router.post("/threads/{thread_id}/consents")
    async def withdraw(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        purpose = await read_text(request, "purpose", 20)
        where = await read_text(request, "where", 40)
        words = await read_text(request, "words", withdrawals.LONGEST_WORDS)
        async with desk.db.transaction(visitor.business_id) as session:
            _, record = await _load(session, visitor, thread_id)
            threads = [one.thread for one in record.threads if where in {EVERYWHERE, str(one.thread.id)}]
            if where and not threads:
                raise LookupError("no such thread")
            complete = words and threads and purpose in set(withdrawals.MOVES)
            if complete:
                now = await current_time(session)
                written = await withdrawals.record(
                    session, threads, Purpose(purpose), words=words, by=visitor.user_id, now=now
                )
        if not complete:
            return await show(request, visitor, thread_id, problem="incomplete", draft=(purpose, where, words))
        said = "recorded" if written else "known"
        return RedirectResponse(f"/console/threads/{thread_id}/consents?said={said}", 303)

    @router.post("/threads/{thread_id}/consents/corrected")
    async def correct(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        """Take back, in this one thread, what a person here had written down."""
        purpose = await read_text(request, "purpose", 20)
        words = await read_text(request, "words", withdrawals.LONGEST_WORDS)
        async with desk.db.transaction(visitor.business_id) as session:
            thread = await conversations.load(session, visitor.business_id, thread_id)
            complete = words and purpose in set(withdrawals.MOVES)
            if complete:
                now = await current_time(session)
                written = await withdrawals.correct(
                    session, thread, Purpose(purpose), words=words, by=visitor.user_id, now=now
                )
        if not complete:
            return await show(request, visitor, thread_id, problem="unexplained")
        said = "corrected" if written else "known"
        return RedirectResponse(f"/console/threads/{thread_id}/consents?said={said}", 303)

    async def show(
        request: Request,
        visitor: Visitor,
        thread_id: UUID,
        *,
        problem: str = "",
        draft: tuple[str, str, str] = (Purpose.ANY.value, EVERYWHERE, ""),
    ) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            thread, record = await _load(session, visitor, thread_id)
            key = (visitor.business_id, thread.customer_id)
            customer = await session.get(Customer, key) if thread.customer_id else None
        every = [one.thread for one in record.threads]
        stands = [_stand(one, every, record.business, visitor.language) for one in record.threads]
        return pages.page(
            request,
            "consents.html",
            visitor=visitor,
            now=now,
            status=400 if problem else 200,
            area=Area.CONSENTS,
            thread=thread,
            name=(customer.name if customer else None) or thread.display_name,
            stands=sorted(stands, key=lambda one: one.thread.id != thread_id),
            people=record.people,
            country_name=lambda country: country_name(country, visitor.language),
            said=request.query_params.get("said", ""),
            problem=problem,
            draft=draft,
            purposes=tuple(one.value for one in withdrawals.MOVES),
            everywhere=EVERYWHERE,
            longest=withdrawals.LONGEST_WORDS,
        )


async def _load(session: AsyncSession, visitor: Visitor, thread_id: UUID) -> tuple[Conversation, Record]:
    """Return a thread and the record of whoever it is with: the same that `threadbook export consents` writes."""
    thread = await conversations.load(session, visitor.business_id, thread_id)
    business = await session.get_one(Business, visitor.business_id)
    return thread, await load_record(session, business, thread.address.removeprefix("whatsapp:"))


def _stand(agreed: Agreed, every: Sequence[Conversation], business: Business, language: str) -> Stand:
    thread = agreed.thread
    country = consent.country_of(thread, business)
    needed = consent.needed_for(thread.channel, country, Purpose.REMINDERS, business)
    left = thread.opted_out_at is not None
    elsewhere = None if left else consent.left_since(thread, agreed.notes, every, business)
    standing = Standing.REFUSED if left or elsewhere else decide_standing(agreed.notes, Purpose.REMINDERS, needed)
    name = country_name(country, language)
    spoken = [one.value for one in withdrawals.MOVES if is_spoken(agreed.notes, one)]
    return Stand(thread, list(reversed(agreed.notes)), standing, needed, name, elsewhere, spoken)


def country_name(country: str | None, language: str) -> str:
    """Return what a country (ISO 3166-1) is called; its letters where that is not known."""
    return str(Locale.parse(language).territories.get(country or "", country or ""))

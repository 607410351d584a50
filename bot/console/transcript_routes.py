"""Transcripts, for managers: every thread, and what the bot understood at each turn."""

import csv
import io
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from booking_core.kit.clock import current_time
from bot import misunderstood
from bot.console.access import Area, Visitor, door
from bot.console.desk import Desk
from bot.console.forms import read_text
from bot.console.pages import Pages
from bot.console.thread import Entry, load_thread
from bot.console.thread_routes import read_before
from bot.console.threads import ThreadRow
from bot.console.transcripts import CHANNELS, MOST_EXPORTED, OUTCOMES, SEARCHED, Filters, load_page

#: Entries of one exported thread: what is older is read page by page in the console.
MOST_MESSAGES = 5000
#: Spreadsheets of some languages read the wide signs like the others: https://owasp.org/www-community/attacks/CSV_Injection.
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the list, its export, and one transcript."""
    guest = Depends(door(desk, Area.TRANSCRIPTS))

    @router.get("/transcripts")
    async def transcripts(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        filters = Filters.read(dict(request.query_params))
        cursor = request.query_params.get("after", "")
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            found = await load_page(session, visitor.business_id, filters, tz=visitor.tz, now=now, cursor=cursor)
        return pages.page(
            request,
            "transcripts.html",
            visitor=visitor,
            now=now,
            area=Area.TRANSCRIPTS,
            found=found,
            filters=filters,
            first_page=not cursor,
            channels=CHANNELS,
            outcomes=OUTCOMES,
            days=SEARCHED.days,
        )

    @router.get("/transcripts.csv")
    async def export(request: Request, visitor: Annotated[Visitor, guest]) -> Response:
        filters = Filters.read(dict(request.query_params))
        async with desk.db.transaction(visitor.business_id) as session:
            found = await load_page(
                session,
                visitor.business_id,
                filters,
                tz=visitor.tz,
                now=await current_time(session),
                size=MOST_EXPORTED,
            )
        return _file(to_csv(found.rows), "transcripts.csv")

    @router.get("/transcripts/{thread_id}")
    async def transcript(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            now = await current_time(session)
            found = await load_thread(
                session,
                visitor.business_id,
                thread_id,
                before=read_before(request),
            )
        if found is None:
            raise LookupError("no such thread")
        return pages.page(request, "transcript.html", visitor=visitor, now=now, area=Area.TRANSCRIPTS, thread=found)

    @router.get("/transcripts/{thread_id}/messages.csv")
    async def messages(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        entries: list[Entry] = []
        before: int | None = None
        async with desk.db.transaction(visitor.business_id) as session:
            while len(entries) < MOST_MESSAGES:
                found = await load_thread(session, visitor.business_id, thread_id, before=before)
                if found is None:
                    raise LookupError("no such thread")
                entries[:0] = found.entries
                before = found.earlier
                if before is None:
                    break
        return _file(messages_csv(entries), f"transcript-{thread_id}.csv")

    @router.post("/transcripts/{thread_id}/misunderstood")
    async def mark(request: Request, thread_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        said = await read_text(request, "message", 40)
        try:
            message_id = UUID(said)
        except ValueError as wrong:
            raise LookupError("no such message") from wrong
        async with desk.db.transaction(visitor.business_id) as session:
            known = await misunderstood.mark(
                session,
                visitor.business_id,
                message_id,
                misunderstood=await read_text(request, "marked", 1) == "1",
                by=visitor.user_id,
                now=await current_time(session),
            )
        if not known:
            raise LookupError("no such message")
        return RedirectResponse(f"/console/transcripts/{thread_id}#e-{message_id}", 303)


def to_csv(rows: Sequence[ThreadRow]) -> str:
    """Return threads as CSV in which no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("thread", "last_message", "channel", "address", "name", "outcome", "answered_by", "last_text"))
    for row in rows:
        writer.writerow(
            safe_cell(cell)
            for cell in (
                str(row.id),
                row.last_at.isoformat(timespec="seconds"),
                row.channel,
                row.address,
                row.name or "",
                row.outcome or "",
                row.person or row.answers.value,
                row.last_text,
            )
        )
    return out.getvalue()


def messages_csv(entries: Sequence[Entry]) -> str:
    """Return one thread as CSV; what customers never saw is marked: `private_note`, and who had the thread."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("at", "kind", "who", "text", "delivery"))
    for entry in entries:
        kind = {"note": "private_note", "event": f"event:{entry.move}"}.get(entry.kind, entry.kind)
        cells = (entry.at.isoformat(timespec="seconds"), kind, entry.who or "", entry.text, entry.status)
        writer.writerow(safe_cell(cell) for cell in cells)
    return out.getvalue()


def _file(text: str, name: str) -> Response:
    # The mark lets spreadsheets read the file as UTF-8.
    return Response(
        "\ufeff" + text,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def safe_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(_BEGINS_A_FORMULA) else text

"""Pages that letters lead to: confirm an address, end the letters. A GET changes nothing: mailboxes open links."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core import catalog as catalogs
from booking_core.kit.clock import current_time
from booking_core.kit.scope import narrow
from booking_core.models import Business
from bot import letters, mail_links
from bot.turn import open_turn
from bot.wiring import System
from channels import conversations, mail_threads
from channels.models import CustomerEmail

_HERE = Path(__file__).parent / "pages"
_PAGES = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
#: Bookings whose calendar files go out when an address is confirmed.
_MOST_BOOKINGS = 5
_NOTHING: Mapping[str, str] = MappingProxyType({})


def router_for(system: System) -> APIRouter:
    """Return /email/confirm/TOKEN and /email/stop/TOKEN."""
    router = APIRouter(prefix="/email", include_in_schema=False)

    def show(
        locale: str, name: str, values: Mapping[str, str] = _NOTHING, *, button: bool = False, status: int = 200
    ) -> HTMLResponse:
        words = {
            part: system.words.text(locale, f"mail.page.{name}_{part}", None, **values)
            for part in ("title", "body", *(["button"] if button else []))
        }
        page = _PAGES.get_template("mail.html").render(
            language=system.words.text(locale, "chat.language"),
            title=words["title"],
            body=words["body"],
            button=words.get("button"),
        )
        return HTMLResponse(page, status_code=status, headers=_HEADERS)

    @router.get("/mail.css")
    async def style() -> Response:
        """Return the pages' style."""
        return Response((_HERE / "mail.css").read_text(encoding="utf-8"), media_type="text/css")

    @router.get("/confirm/{token}")
    async def ask_to_confirm(token: str) -> HTMLResponse:
        """Ask for the tap that confirms an address."""
        async with system.db.transaction() as session:
            row = await mail_threads.find_proposal(session, token, now=await current_time(session))
            if row is None:
                return show("en", "gone", status=404)
            await narrow(session, row.business_id)
            locale, values = await _about(session, row)
        return show(locale, "confirm", values, button=True)

    @router.post("/confirm/{token}")
    async def confirm(token: str) -> HTMLResponse:
        """Believe the address, and send what is booked with its calendar file."""
        async with system.db.transaction() as session:
            now = await current_time(session)
            row = await mail_threads.find_proposal(session, token, now=now)
            if row is None:
                return show("en", "gone", status=404)
            await narrow(session, row.business_id)
            locale, values = await _about(session, row)
            wording = " ".join(
                system.words.text(locale, f"mail.page.confirm_{part}", None, **values) for part in ("title", "body")
            )
            if await mail_threads.confirm(session, token, now=now, wording=wording) is None:
                return show("en", "gone", status=404)
            await _send_booked(system, session, row)
        return show(locale, "confirmed", values)

    @router.get("/stop/{token}")
    async def ask_to_stop(token: str, lang: str = "en") -> HTMLResponse:
        """Ask for the tap that ends the letters."""
        if mail_links.read_stop(system.settings, token) is None:
            return show("en", "gone", status=404)
        return show(lang, "stop", button=True)

    @router.post("/stop/{token}")
    async def stop(token: str, lang: str = "en") -> HTMLResponse:
        """End the letters to an address, for a person's tap and for a mailbox's one click (RFC 8058) alike."""
        named = mail_links.read_stop(system.settings, token)
        if named is None:
            return show("en", "gone", status=404)
        async with system.db.transaction(named[0]) as session:
            thread = await conversations.load(session, *named, for_update=True)
            await conversations.opt_out(session, thread, await current_time(session), how="link")
        return show(lang, "stopped")

    return router


async def _about(session: AsyncSession, row: CustomerEmail) -> tuple[str, dict[str, str]]:
    thread = await conversations.load(session, row.business_id, row.conversation_id)
    business = await session.get_one(Business, row.business_id)
    return thread.locale or business.default_locale, {"address": thread.address, "business": business.name}


async def _send_booked(system: System, session: AsyncSession, row: CustomerEmail) -> None:
    """Send the calendar files of what lies ahead: whoever gives an address after booking wants them."""
    now = await current_time(session)
    catalog = await catalogs.load_catalog(session, row.business_id)
    thread = await conversations.load(session, row.business_id, row.conversation_id)
    turn = await open_turn(system, session, catalog, thread, last=None, key=f"email:{row.customer_id}", now=now)
    ahead = await bookings.upcoming(session, row.business_id, row.customer_id, now=now)
    for booking in [one for one in ahead if one.state == "confirmed"][:_MOST_BOOKINGS]:
        await letters.write(turn, thread, booking, "booked")

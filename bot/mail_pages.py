"""Pages that letters lead to: confirm an address, end the letters. A GET changes nothing: mailboxes open links."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core import catalog as catalogs
from booking_core.kit.clock import current_time
from booking_core.kit.scope import narrow
from booking_core.models import Business
from bot import letters, mail_links
from bot.console.languages import language_for
from bot.plain_pages import PlainPages
from bot.turn import open_turn
from bot.wiring import System
from channels import conversations, mail_threads
from channels.models import CustomerEmail

#: Bookings whose calendar files go out when an address is confirmed.
_MOST_BOOKINGS = 5


def router_for(system: System) -> APIRouter:
    """Return /email/confirm/TOKEN and /email/stop/TOKEN."""
    router = APIRouter(prefix="/email", include_in_schema=False)

    pages = PlainPages(system.words)

    def gone(request: Request) -> Response:
        """Say that a link is used up, to whoever holds it: in their browser's language, as it names nobody."""
        return pages.show(language_for(system.words, request), "mail.page.gone", status=404)

    @router.get("/confirm/{token}")
    async def ask_to_confirm(request: Request, token: str) -> Response:
        """Ask for the tap that confirms an address."""
        async with system.db.transaction() as session:
            row = await mail_threads.find_proposal(session, token, now=await current_time(session))
            if row is None:
                return gone(request)
            await narrow(session, row.business_id)
            locale, values = await _about(session, row)
        return pages.show(locale, "mail.page.confirm", values, button=True)

    @router.post("/confirm/{token}")
    async def confirm(request: Request, token: str) -> Response:
        """Believe the address, and send what is booked with its calendar file."""
        async with system.db.transaction() as session:
            now = await current_time(session)
            row = await mail_threads.find_proposal(session, token, now=now)
            if row is None:
                return gone(request)
            await narrow(session, row.business_id)
            locale, values = await _about(session, row)
            wording = " ".join(
                system.words.text(locale, f"mail.page.confirm_{part}", None, **values) for part in ("title", "body")
            )
            if await mail_threads.confirm(session, token, now=now, wording=wording) is None:
                return gone(request)
            await _send_booked(system, session, row)
        return pages.show(locale, "mail.page.confirmed", values)

    @router.get("/stop/{token}")
    async def ask_to_stop(request: Request, token: str, lang: str = "en") -> Response:
        """Ask for the tap that ends the letters."""
        if mail_links.read_stop(system.settings, token) is None:
            return gone(request)
        return pages.show(lang, "mail.page.stop", button=True)

    @router.post("/stop/{token}")
    async def stop(request: Request, token: str, lang: str = "en") -> Response:
        """End the letters to an address, for a person's tap and for a mailbox's one click (RFC 8058) alike."""
        named = mail_links.read_stop(system.settings, token)
        if named is None:
            return gone(request)
        async with system.db.transaction(named[0]) as session:
            thread = await conversations.load(session, *named, for_update=True)
            await conversations.opt_out(session, thread, await current_time(session), how="link")
        return pages.show(lang, "mail.page.stopped")

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

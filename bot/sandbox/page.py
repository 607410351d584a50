"""`GET /sandbox`: three phones side by side, and the clock; one template, one style, one script, kept by hand."""

from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.models import Business
from bot.sandbox.checkout import PAGES
from bot.sandbox.stage import Stage
from channels.models import ChannelAccount

_HERE = Path(__file__).parent / "pages"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_FILES = {
    "phones.css": "text/css",
    "checkout.css": "text/css",
    "mail.css": "text/css",
    "phones.js": "text/javascript",
    "render.js": "text/javascript",
    "checkout.js": "text/javascript",
}


def router_for(stage: Stage) -> APIRouter:
    """Return the page of the phones and the files of all the sandbox's pages."""
    router = APIRouter(prefix="/sandbox", include_in_schema=False)

    @router.get("")
    async def phones() -> HTMLResponse:
        """Show the phones."""
        async with stage.db.transaction() as session:
            business = await _reached(session, stage.twilio.sms_number)
        rendered = PAGES.get_template("phones.html").render(
            business=business,
            name=business.name if business else "Threadbook",
            zone=business.timezone if business else "UTC",
            numbers={"sms": stage.twilio.sms_number, "whatsapp": stage.twilio.whatsapp_number},
        )
        return HTMLResponse(rendered, headers=_HEADERS)

    @router.get("/static/{name}")
    async def file(name: str) -> Response:
        """Return a style or a script."""
        if name not in _FILES:
            return Response(status_code=404)
        text = (_HERE / name).read_text(encoding="utf-8")
        return Response(text, media_type=_FILES[name], headers={"Cache-Control": "no-cache"})

    return router


async def _reached(session: AsyncSession, number: str) -> Business | None:
    """Return the business that has the number, of several; without one, the first by name."""
    owners = select(ChannelAccount.business_id).where(ChannelAccount.address == number)
    found: Business | None = await session.scalar(
        select(Business).order_by(Business.id.not_in(owners), Business.name).limit(1)
    )
    return found

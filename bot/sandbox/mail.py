"""`GET /sandbox/mail`: the letters that the sandbox's mail server took, newest first."""

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from bot.sandbox.checkout import PAGES
from bot.sandbox.mail_server import CHANNEL
from bot.sandbox.models import SandboxMessage
from bot.sandbox.stage import Stage

_MOST = 50
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
#: A letter's own HTML is shown as a mailbox would: no script, no form, nothing fetched.
_LETTER = {
    **_HEADERS,
    "Content-Security-Policy": "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline';"
    " frame-ancestors 'self'",
}


def router_for(stage: Stage) -> APIRouter:
    """Return the list, the letters in it, and their calendar files."""
    router = APIRouter(prefix="/sandbox/mail", include_in_schema=False)

    async def find(n: int) -> SandboxMessage | None:
        async with stage.db.transaction() as session:
            found = await session.get(SandboxMessage, n)
        return found if found is not None and found.channel == CHANNEL else None

    @router.get("")
    async def letters() -> HTMLResponse:
        """Show what was sent."""
        query = select(SandboxMessage).where(SandboxMessage.channel == CHANNEL)
        async with stage.db.transaction() as session:
            found = (await session.scalars(query.order_by(SandboxMessage.n.desc()).limit(_MOST))).all()
        return HTMLResponse(PAGES.get_template("mail.html").render(letters=found), headers=_HEADERS)

    @router.get("/{n}/letter")
    async def letter(n: int) -> Response:
        """Return a letter's HTML."""
        found = await find(n)
        return Response(status_code=404) if found is None else HTMLResponse(found.vendor["html"], headers=_LETTER)

    @router.get("/{n}/calendar")
    async def calendar(n: int) -> Response:
        """Return a letter's calendar file."""
        found = await find(n)
        if found is None or not found.vendor["calendar"]:
            return Response(status_code=404)
        return Response(
            found.vendor["calendar"],
            media_type="text/calendar",
            headers={"Content-Disposition": 'attachment; filename="booking.ics"'},
        )

    return router

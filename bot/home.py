"""`GET /`: where everything is, for somebody who has just started the system."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape
from sqlalchemy import select

from booking_core.models import Business
from bot.wiring import System

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=select_autoescape())


def router_for(system: System) -> APIRouter:
    """Return the front page, which shows the first business's chat as a website would, and its stylesheet."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def home() -> HTMLResponse:
        """Link to the web chats, the console and, without credentials, the sandbox."""
        async with system.db.transaction() as session:
            businesses = (await session.scalars(select(Business).order_by(Business.name).limit(50))).all()
        page = _PAGES.get_template("home.html").render(businesses=businesses, sandbox=system.settings.sandbox)
        return HTMLResponse(page, headers=_HEADERS)

    @router.get("/home.css")
    async def style() -> HTMLResponse:
        """Return the front page's stylesheet."""
        return HTMLResponse((Path(__file__).parent / "pages" / "home.css").read_text(), media_type="text/css")

    return router

"""Where the customer lands after Stripe's page. These pages decide nothing: only the webhook does."""

from pathlib import Path
from typing import Final, Protocol

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HERE: Final = Path(__file__).resolve().parent / "pages"
#: Path -> the mark above the words.
_PAGES: Final = {"thanks": "done", "back": "open", "expired": "late"}
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Words(Protocol):
    """Where words come from."""

    def text(self, locale: str, key: str) -> str:
        """Return the sentence for a key in the locale's language."""
        ...


def router_for(words: Words) -> APIRouter:
    """Return GET /pay/thanks, /pay/back and /pay/expired."""
    router = APIRouter(include_in_schema=False)
    templates = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)
    page = templates.get_template("landing.html")
    style = (_HERE / "landing.css").read_text(encoding="utf-8")

    @router.get("/pay/landing.css")
    async def landing_style() -> Response:
        """Return the pages' style."""
        return Response(style, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})

    @router.get("/pay/{name}")
    async def landing_page(name: str, locale: str = "en") -> Response:
        """Return one of the pages in the customer's language."""
        if name not in _PAGES:
            raise HTTPException(404)
        text = {part: words.text(locale, f"chat.pay.{name}_{part}") for part in ("title", "body")}
        return HTMLResponse(
            page.render(
                language=words.text(locale, "chat.language"),
                mark=_PAGES[name],
                close=words.text(locale, "chat.pay.close"),
                **text,
            ),
            headers=_HEADERS,
        )

    return router

"""Pages of a heading and a sentence: what letters lead to, and what a person reads where there is nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.words import Words

_HERE: Final = Path(__file__).parent / "pages"
_PAGE: Final = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined).get_template(
    "plain.html"
)
_POLICY: Final = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action {form}; frame-ancestors 'none'"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PlainPages:
    """Makes the pages, in any language there are words in."""

    words: Words

    def show(
        self,
        locale: str,
        name: str,
        values: Mapping[str, str] = _NOTHING,
        *,
        button: bool = False,
        status: int = 200,
        headers: Mapping[str, str] = _NOTHING,
    ) -> HTMLResponse:
        """Return the page whose words are `NAME_title`, `NAME_body` and, with a button, `NAME_button`."""
        parts = ("title", "body", *(["button"] if button else []))
        said = {part: self.words.text(locale, f"{name}_{part}", None, **values) for part in parts}
        page = _PAGE.render(language=self.words.text(locale, "chat.language"), **({"button": None} | said))
        policy = _POLICY.format(form="'self'" if button else "'none'")
        return HTMLResponse(page, status, {**_HEADERS, "Content-Security-Policy": policy, **headers})


def router_for() -> APIRouter:
    """Return /plain.css, the pages' style: it needs no database."""
    router = APIRouter(include_in_schema=False)
    sheet = (_HERE / "plain.css").read_text(encoding="utf-8")

    @router.get("/plain.css")
    async def style() -> Response:
        """Return the pages' style."""
        return Response(sheet, media_type="text/css")

    return router

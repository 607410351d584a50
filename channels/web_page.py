"""The full-page chat of a business: one template, one style, one script, kept by hand."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from booking_core.kit.scope import narrow
from channels import web_assets
from channels.web_threads import LOCALE, find_account

_HERE: Final = Path(__file__).resolve().parent / "pages"
#: Scripts written from the right to the left; the page turns with them.
_FROM_THE_RIGHT: Final = frozenset({"ar", "fa", "he", "ur"})
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {socket}; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class Words(Protocol):
    """Where words come from (`bot.words.Words`)."""

    @property
    def languages(self) -> Sequence[str]:
        """The languages there are catalogs of."""
        ...

    def text(self, locale: str, key: str, count: int | None = None, **values: object) -> str:
        """Return the sentence for a key in the locale's language."""
        ...

    def keys(self, language: str) -> Mapping[str, Any]:
        """Return a language's whole catalog; raises KeyError for a language there is none of."""
        ...


@dataclass(frozen=True, slots=True)
class Shop:
    """What the page says of a business."""

    name: str
    locale: str


#: This room does not know businesses; its accounts belong to their table all the same.
_SHOP: Final = text("SELECT name, default_locale FROM business WHERE id = :id")


async def load_shop(session: AsyncSession, business_id: UUID) -> Shop:
    """Return what the page says of a business."""
    name, locale = (await session.execute(_SHOP, {"id": business_id})).one()
    return Shop(name, locale)


def add_pages(router: APIRouter, db: Database, words: Words, *, text_limit: int) -> None:
    """Add GET /chat/{slug} and what it loads."""
    template = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("chat.html")
    assets = page_assets()
    version = hashlib.sha256(b"".join(asset.content for asset in assets.values())).hexdigest()[:12]

    @router.get("/chat/assets/{name}", include_in_schema=False)
    async def asset(name: str, request: Request) -> Response:
        """Return the page's style or script; its address changes with its content."""
        if name not in assets:
            return Response(status_code=404)
        fresh = request.query_params.get("v") == version
        caching = "public, max-age=31536000, immutable" if fresh else "no-cache"
        return assets[name].response(request, **{"Cache-Control": caching})

    @router.get("/chat/{slug}", response_class=HTMLResponse)
    async def chat_page(slug: str, request: Request, lang: str | None = None) -> Response:
        """Return the chat page of a business."""
        async with db.transaction() as session:
            account = await find_account(session, slug)
            if account is None:
                raise HTTPException(404)
            await narrow(session, account.business_id)
            shop = await load_shop(session, account.business_id)
        language = choose_language(words, lang, request.headers.get("Accept-Language", ""), shop.locale)
        page = template.render(
            shop=shop,
            slug=slug,
            language=language,
            direction=direction_of(language),
            version=version,
            words=page_words(words, language, shop, text_limit),
            settings={
                "slug": slug,
                "name": shop.name,
                "limit": text_limit,
                "language": language,
                "locale": own_locale(lang, request, language),
            },
        )
        return HTMLResponse(page, headers=_headers(request))


def page_assets() -> dict[str, web_assets.Asset]:
    """Return the page's style and script."""
    css = f"{web_assets.style('thread')}@media (prefers-color-scheme:dark){{{web_assets.style('dark')}}}"
    return {
        "chat.css": web_assets.Asset.of(css + web_assets.style("page"), "text/css"),
        "chat.js": web_assets.Asset.of(web_assets.script("room", "calendar", "thread", "page"), "text/javascript"),
    }


def direction_of(language: str) -> str:
    """Return how a language is written: `ltr` or `rtl`."""
    return "rtl" if language in _FROM_THE_RIGHT else "ltr"


def page_words(words: Words, language: str, shop: Shop, text_limit: int) -> dict[str, str]:
    """Return the page's own words without their prefix; `{staff}` is left for the script to fill in."""
    return {
        key.removeprefix("chat."): words.text(language, key, business=shop.name, limit=text_limit, staff="{staff}")
        for key in words.keys("en")
        if key.startswith("chat.") and not key.startswith(("chat.pay.", "chat.widget."))
    }


def choose_language(words: Words, asked: str | None, accepted: str, own: str) -> str:
    """Return the first language that there are words in: asked for, the browser's, the business's, English."""
    wishes = [asked or "", *(part.split(";", 1)[0].strip() for part in accepted.split(",")), own]
    for wish in wishes:
        language = wish.replace("_", "-").split("-", 1)[0].lower()
        if language and _speaks(words, language):
            return language
    return "en"


def _speaks(words: Words, language: str) -> bool:
    try:
        return "chat.language" in words.keys(language)
    except KeyError:
        return False


def own_locale(asked: str | None, request: Request, language: str) -> str:
    """Return the browser's own tag of the page's language, such as `en-GB`: its dates are written so."""
    first = request.headers.get("Accept-Language", "").split(",", 1)[0].split(";", 1)[0].strip()
    tag = asked or first
    return tag if LOCALE.fullmatch(tag) and tag.split("-", 1)[0].lower() == language else language


def _headers(request: Request) -> dict[str, str]:
    # Older Safari does not count a socket of the same host as 'self'.
    socket = f"ws://{request.url.netloc} wss://{request.url.netloc}"
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": _POLICY.format(socket=socket),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }

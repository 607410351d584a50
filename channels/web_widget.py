"""The widget: a script for a business's own website, and the words and the style it asks for (docs/web-chat.md)."""

import json
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from booking_core.kit.db import Database
from channels import web_assets, web_origins
from channels.web_page import Shop, Words, choose_language, direction_of, load_shop, own_locale, page_words
from channels.web_threads import find_account

#: What the script itself knows: all else comes from the server.
_CARRIED: Final = ("open", "close", "unread", "away", "again")
_PREFIX: Final = "chat.widget."


def add_widget(router: APIRouter, db: Database, words: Words, *, text_limit: int, public_url: str) -> None:
    """Add GET /chat/widget.js and GET /chat/widget.json."""
    script = widget_script(words)
    dress = {
        "style": web_assets.in_pixels(web_assets.style("thread", "widget")),
        "dark": web_assets.style("dark"),
    }

    @router.get("/chat/widget.js", include_in_schema=False)
    async def widget(request: Request) -> Response:
        """Return the script; browsers ask each time whether it is still the same."""
        return script.response(
            request,
            **{
                "Cache-Control": "no-cache",
                "Access-Control-Allow-Origin": "*",
                "Cross-Origin-Resource-Policy": "cross-origin",
            },
        )

    @router.get("/chat/widget.json")
    async def setup(request: Request, business: str | None = None, lang: str | None = None) -> JSONResponse:
        """Return what the widget shows a business's chat with; 403 for a website that is not in its list."""
        async with db.transaction() as session:
            account = await find_account(session, business)
            shop = await load_shop(session, account.business_id) if account else None
            admitted = account is not None and await web_origins.is_admitted(
                session, request, account.business_id, public_url=public_url
            )
        language = choose_language(
            words, lang, request.headers.get("Accept-Language", ""), shop.locale if shop else "en"
        )
        if account is None or shop is None:
            return JSONResponse({"error": "unknown_business", "say": words.text(language, f"{_PREFIX}unknown")}, 404)
        page = f"{public_url or str(request.base_url).rstrip('/')}/chat/{account.address}"
        if not admitted:
            return JSONResponse(_refusal(words, language, shop, page), 403)
        told = dress | {
            "slug": account.address,
            "name": shop.name,
            "limit": text_limit,
            "language": language,
            "direction": direction_of(language),
            "locale": own_locale(lang, request, language),
            "words": page_words(words, language, shop, text_limit),
        }
        return JSONResponse(told, headers={"Cache-Control": "no-store"})


def widget_script(words: Words) -> web_assets.Asset:
    """Return the widget's script with what it says before it has reached us, in every language."""
    carried = {
        language: {name: words.text(language, _PREFIX + name) for name in _CARRIED}
        for language in words.languages
        if _PREFIX + "open" in words.keys(language)
    }
    before = f"const STYLE={_literal(web_assets.style('launcher'))};\nconst WORDS={_literal(carried)};\n"
    return web_assets.Asset.of(
        web_assets.script("room", "calendar", "thread", "widget", before=before), "text/javascript"
    )


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _refusal(words: Words, language: str, shop: Shop, page: str) -> dict[str, str]:
    return {
        "error": "origin_refused",
        "say": words.text(language, f"{_PREFIX}elsewhere", business=shop.name),
        "page": page,
        "link": words.text(language, f"{_PREFIX}page"),
    }

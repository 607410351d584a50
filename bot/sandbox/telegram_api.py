"""Telegram's HTTP: /bot<token>/<method>, answers in {ok, result}."""

import base64
import hmac

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from bot.sandbox.forms import Unreadable, read_fields
from bot.sandbox.stage import Stage, find
from bot.sandbox.telegram_methods import METHODS
from bot.sandbox.telegram_rules import TelegramRefused, bad


def router_for(stage: Stage) -> APIRouter:
    """Return the routes under /sandbox/telegram."""
    router = APIRouter(prefix="/sandbox/telegram", include_in_schema=False)

    @router.api_route("/bot{token}/{method}", methods=["GET", "POST"])
    async def call(token: str, method: str, request: Request) -> JSONResponse:
        try:
            if not hmac.compare_digest(token.encode(), stage.telegram.token.encode()):
                raise TelegramRefused(401, "Unauthorized")
            # Method names are read without regard to case.
            known = METHODS.get(method.lower())
            if known is None:
                raise TelegramRefused(404, "Not Found")
            fields = await read_fields(request)
            async with stage.db.transaction() as session:
                result = await known(stage, session, fields)
        except Unreadable:
            refused = bad("can't parse the request")
            return JSONResponse(refused.body(), refused.status)
        except TelegramRefused as refused:
            return JSONResponse(refused.body(), refused.status)
        return JSONResponse({"ok": True, "result": result})

    @router.get("/file/bot{token}/files/{name}")
    async def file(token: str, name: str) -> Response:
        if not hmac.compare_digest(token.encode(), stage.telegram.token.encode()):
            return JSONResponse(TelegramRefused(401, "Unauthorized").body(), 401)
        async with stage.db.transaction() as session:
            kept = await find(session, f"file:{name}", "media")
            if kept is None:
                return JSONResponse(TelegramRefused(404, "Not Found").body(), 404)
            return Response(base64.b64decode(kept.body["data"]), media_type="application/octet-stream")

    return router

"""Telegram's HTTP: /bot<token>/<method>, answers in {ok, result}."""

import hmac

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from bot.sandbox.forms import Unreadable, read_fields
from bot.sandbox.stage import Stage
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

    return router

"""The console's routes, put together; refusals become pages here and nowhere else."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute

from bot.console import (
    booking_routes,
    calendar_routes,
    class_routes,
    consent_routes,
    credential_routes,
    disruption_routes,
    inbox_routes,
    live,
    media_routes,
    reply_routes,
    sign_in,
    task_routes,
    team_routes,
    thread_routes,
    time_off_routes,
    transcript_routes,
    undelivered_routes,
    walk_in_routes,
    way_routes,
)
from bot.console.access import Forged, NotAllowed, NotSignedIn
from bot.console.desk import Desk
from bot.console.forms import TooLong, wants_json
from bot.console.languages import LANGUAGE_COOKIE, languages
from bot.console.pages import Pages, inside


def router_for(desk: Desk) -> APIRouter:
    """Return everything under `/console`."""
    pages = Pages(desk)
    router = APIRouter(prefix="/console", route_class=_route_class(pages), include_in_schema=False)
    _add_static(router, pages)
    for part in (
        sign_in,
        inbox_routes,
        thread_routes,
        transcript_routes,
        consent_routes,
        calendar_routes,
        walk_in_routes,
        booking_routes,
        class_routes,
        time_off_routes,
        disruption_routes,
        task_routes,
        media_routes,
        undelivered_routes,
        reply_routes,
        way_routes,
        team_routes,
        credential_routes,
    ):
        part.add_routes(router, desk, pages)
    live.add_routes(router, desk)
    _add_rest(router)
    return router


def _add_static(router: APIRouter, pages: Pages) -> None:
    @router.get("")
    @router.get("/")
    async def home() -> Response:
        return RedirectResponse("/console/inbox", 303)

    @router.get("/static/{name}")
    async def static(request: Request, name: str, v: str = "") -> Response:
        asset = pages.assets.get(name)
        if asset is None:
            return Response(status_code=404)
        # A script that another imports is asked for without its hash: the browser must ask whether it is new.
        keep = "public, max-age=31536000, immutable" if v == asset.version else "no-cache"
        headers = {"Cache-Control": keep, "ETag": f'"{asset.version}"'}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(asset.body, media_type=asset.type, headers=headers)

    @router.get("/language/{code}")
    async def language(code: str, to: str = "") -> Response:
        answer = RedirectResponse(inside(to), 303)
        if code in languages(pages.desk.words):
            answer.set_cookie(
                LANGUAGE_COOKIE,
                code,
                max_age=31536000,
                path="/console",
                samesite="lax",
                secure=pages.secure,
                httponly=True,
            )
        return answer


def _add_rest(router: APIRouter) -> None:
    @router.get("/{rest:path}")
    async def nothing(rest: str) -> Response:
        if rest.endswith("/"):
            return RedirectResponse(inside(f"/console/{rest.rstrip('/')}"), 307)
        raise LookupError(rest)


def _route_class(pages: Pages) -> type[APIRoute]:
    class ConsoleRoute(APIRoute):
        """Protects every answer by headers and turns refusals into pages, or into JSON for our script."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                try:
                    answer = await handle(request)
                except NotSignedIn:
                    answer = _to_login(request)
                except (NotAllowed, Forged, TooLong, LookupError, RequestValidationError) as refusal:
                    if isinstance(refusal, KeyError | IndexError):
                        raise  # a slip of ours, not something that is not there
                    answer = _refused(pages, request, refusal)
                return pages.protect(answer)

            return guarded

    return ConsoleRoute


def _to_login(request: Request) -> Response:
    if wants_json(request):
        return JSONResponse({"login": "/console/login"}, 401)
    query = f"?{request.url.query}" if request.url.query else ""
    back = request.url.path + query if request.method == "GET" else "/console/inbox"
    return RedirectResponse(f"/console/login?{urlencode({'next': back})}", 303)


def _refused(pages: Pages, request: Request, refusal: Exception) -> Response:
    status, reason = {
        NotAllowed: (403, "not_allowed"),
        Forged: (403, "forged"),
        TooLong: (413, "too_long"),
    }.get(type(refusal), (404, "not_here"))
    if wants_json(request):
        return JSONResponse({"reason": reason}, status)
    return pages.page(request, "error.html", status=status, reason=reason)

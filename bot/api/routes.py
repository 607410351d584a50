"""Everything under /api/v1, put together; its description is at /api/v1/openapi.json and /api/v1/docs."""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse

from bot.api import (
    answer_routes,
    availability_routes,
    booking_routes,
    catalog_routes,
    class_routes,
    customer_routes,
    docs_page,
    feed_routes,
    hours_routes,
    move_routes,
    schedule_routes,
    series_routes,
    waitlist_routes,
    webhook_routes,
)
from bot.api.errors import PREFIX, answer_as_problems
from bot.api.fields import SOMETHING
from bot.api.problems import KINDS, MEDIA_TYPE, REFUSALS, Problem, ProblemOut, body_of, kind_of
from bot.api.route import route_class
from bot.elsewhere import Elsewhere
from bot.wiring import System

#: In the order of the description.
PARTS = (
    catalog_routes,
    availability_routes,
    booking_routes,
    move_routes,
    answer_routes,
    customer_routes,
    class_routes,
    hours_routes,
    schedule_routes,
    series_routes,
    waitlist_routes,
    webhook_routes,
    feed_routes,
)
_ERRORS = {
    400: "The request cannot be read, or a key is missing.",
    401: "No valid token.",
    403: "The token lacks a scope; `data.scope` names it.",
    404: "There is no such thing in this business.",
    409: "Another time or another moment would do; `reason` says why.",
    412: "It is not as If-Match says any more.",
    415: "The body does not say that it is JSON.",
    422: "It can never be so: `errors` or `reason` say why.",
    429: "The token asks too often; Retry-After says how long to wait.",
}
#: What an error of each status may look like.
_EXAMPLES = {
    400: Problem("key_required"),
    401: Problem("unauthorized", detail="The token is expired."),
    403: Problem("forbidden", detail="The token lacks the scope bookings:write.", data={"scope": "bookings:write"}),
    404: Problem("unknown", data={"booking": SOMETHING}),
    409: Problem("staff_busy", alternatives=[{"starts": "2026-11-23T10:30:00Z", "ends": "2026-11-23T11:00:00Z"}]),
    412: Problem("changed", data={"version": 2}),
    415: Problem("not_json"),
    422: Problem("invalid", errors=[{"at": "body/starts", "type": "missing", "msg": "Field required"}]),
    429: Problem("too_many_requests"),
}
_TAGS = {
    "catalog": "What the business offers: places, services, people, rooms.",
    "availability": "Free times, and why there are none.",
    "bookings": "Bookings and every step of their life.",
    "series": "Visits that recur.",
    "waitlist": "Who waits for a time that is not free.",
    "customers": "Who books.",
    "schedule": "Opening hours, classes, time off, calendar feeds.",
    "webhooks": "Who is told of what happens, and what became of each delivery.",
    "events": "What has happened, for whoever asks instead of being told.",
}
_DESCRIPTION = """Bookings for other programs, by the rules that hold in every thread.

Send `Authorization: Bearer tbk_...`. Times are ISO 8601 with an offset; money is minor units. Whatever is made needs an
`Idempotency-Key`; errors are problems (RFC 9457) whose `reason` never changes its name."""


def install(app: FastAPI, system: System, **limits: Any) -> None:
    """Add the API to the application: its routes, its description, and its way of answering errors."""
    router = APIRouter(
        prefix=PREFIX,
        route_class=route_class(system, **limits),
        # Generated clients name their functions after these.
        generate_unique_id_function=lambda route: route.name,
        responses={status: {"description": words, "model": ProblemOut} for status, words in _ERRORS.items()},
    )
    for part in PARTS:
        part.add_routes(router)
    app.include_router(router)
    app.include_router(_about(router, system.settings.base_url))
    app.include_router(docs_page.router_for())
    answer_as_problems(app, router, base_url=system.settings.base_url, elsewhere=Elsewhere(system.words))
    whole = app.openapi
    base_url = system.settings.base_url
    app.openapi = lambda: _with_problems(whole(), base_url)  # type: ignore[method-assign]


def _about(api: APIRouter, base_url: str) -> APIRouter:
    """Return what anybody may read: the description, and what each kind of problem means."""
    router = APIRouter(prefix=PREFIX, include_in_schema=False)
    described: dict[str, Any] = {}

    @router.get("/openapi.json")
    async def openapi() -> JSONResponse:
        if not described:
            spec = get_openapi(
                title="Threadbook",
                version="1",
                description=_DESCRIPTION,
                routes=list(api.routes),
                tags=[{"name": name, "description": words} for name, words in _TAGS.items()],
                servers=[{"url": base_url}],
            )
            described.update(_with_problems(spec, base_url))
        return JSONResponse(described)

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        return docs_page.page_of(f"{PREFIX}/openapi.json", title="Threadbook API")

    @router.get("/problems/{name}")
    async def explain(name: str) -> JSONResponse:
        if name not in KINDS and name not in {reason.value for reason in REFUSALS}:
            raise Problem("not_found")
        kind = kind_of(name)
        return JSONResponse({"reason": name, "title": kind.title, "status": kind.status})

    return router


def _with_problems(spec: dict[str, Any], base_url: str) -> dict[str, Any]:
    """Say of every problem that it comes as one, which FastAPI cannot be told; a second time changes nothing."""
    for path, methods in spec["paths"].items():
        if not path.startswith(PREFIX):
            continue
        for method in methods.values():
            for status, response in method["responses"].items():
                if status.startswith("4") and "application/json" in response.get("content", {}):
                    content = response["content"].pop("application/json")
                    example = body_of(_EXAMPLES[int(status)], base_url=base_url)
                    response["content"][MEDIA_TYPE] = content | {"example": example}
    return spec

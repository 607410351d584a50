"""What every route of the API goes through: one transaction, a bearer, a limit, a key, a body that fits."""

from collections.abc import Callable, Coroutine, Iterator, Set
from datetime import timedelta
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import Message as ASGIMessage

from booking_core.kit.clock import current_time
from bot.api import idempotency
from bot.api.call import Call
from bot.api.problems import Problem, place_of
from bot.api.tokens import Bearer, TokenRefused, find_bearer
from bot.wiring import System
from channels.limits import Limit, Taken

#: What one token may ask of us in a minute: enough for a busy front end, too little to starve the others.
MOST, WINDOW = 600, timedelta(minutes=1)
LARGEST_BODY = 256 * 1024
_CHANGING = frozenset({"POST", "PATCH", "PUT", "DELETE"})

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def route_class(system: System, *, most: int = MOST, window: timedelta = WINDOW) -> type[APIRoute]:
    """Return the class of the API's routes."""
    limit = Limit(system.redis, "api", most=most, window=window)

    class ApiRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handler = super().get_route_handler()
            queries = frozenset(_queries(self.dependant))
            takes_body = self.body_field is not None

            async def in_one_transaction(request: Request) -> Response:
                request = await _with_body(request)
                async with system.db.transaction() as session:
                    now = await current_time(session)
                    bearer = await _bearer(session, request, now)
                    taken = await limit.take(str(bearer.token_id))
                    if not taken.allowed:
                        raise Problem("too_many_requests", headers=_limit_headers(limit, taken))
                    call = Call(system, request, session, bearer, now, idempotency.read_key(request))
                    request.state.call = call
                    _known_queries(request, queries)
                    if takes_body:
                        await _json_only(request)
                    if call.key is not None and request.method in _CHANGING:
                        response = await idempotency.once(call, request, handler)
                    else:
                        response = await handler(request)
                response.headers.setdefault("Cache-Control", "private, no-store")
                response.headers.update(_limit_headers(limit, taken))
                return _unchanged(request, response)

            return in_one_transaction

    return ApiRoute


async def _bearer(session: AsyncSession, request: Request, now: Any) -> Bearer:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Problem("unauthorized", headers={"WWW-Authenticate": 'Bearer realm="threadbook"'})
    try:
        return await find_bearer(session, secret.strip(), now=now)
    except TokenRefused as refused:
        challenge = f'Bearer realm="threadbook", error="invalid_token", error_description="{refused}"'
        raise Problem(
            "unauthorized", detail=f"The token is {refused}.", headers={"WWW-Authenticate": challenge}
        ) from None


def _limit_headers(limit: Limit, taken: Taken) -> dict[str, str]:
    """Return how much is left, as draft-ietf-httpapi-ratelimit-headers has it."""
    seconds = -(-taken.ends_in // timedelta(seconds=1))
    headers = {
        "RateLimit-Policy": f'"token";q={limit.most};w={int(limit.window.total_seconds())}',
        "RateLimit": f'"token";r={max(limit.most - taken.count, 0)};t={seconds}',
    }
    return headers if taken.allowed else headers | {"Retry-After": str(max(seconds, 1))}


def _unchanged(request: Request, response: Response) -> Response:
    """Return 304 without a body where the caller has this very answer already."""
    tag = response.headers.get("etag")
    known = {one.strip() for one in request.headers.get("if-none-match", "").split(",")}
    if request.method != "GET" or response.status_code != 200 or tag is None or known.isdisjoint({tag, f"W/{tag}"}):
        return response
    kept = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
    return Response(status_code=304, headers=kept)


def _queries(dependant: Dependant) -> Iterator[str]:
    yield from (one.alias for one in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _queries(inner)


def _known_queries(request: Request, known: Set[str]) -> None:
    """Refuse a query that names what is not there: a filter that is spelled wrong would return everything."""
    others = sorted(set(request.query_params) - known)
    if others:
        said = {"type": "extra_forbidden", "msg": "There is no such parameter here"}
        raise Problem("invalid", errors=[{"at": place_of(("query", name)), **said} for name in others[:20]])


async def _json_only(request: Request) -> None:
    """Refuse a body that does not say that it is JSON: `curl -d` alone sends a form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if await request.body() and kind != "application/json" and not kind.endswith("+json"):
        raise Problem("not_json", headers={"Accept": "application/json"})


async def _with_body(request: Request) -> Request:
    """Read the body up to the limit and return a request that gives it again."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise Problem("too_large", data={"most": LARGEST_BODY})

    async def again() -> ASGIMessage:
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return Request(request.scope, again)

"""The same key twice does a thing once: the answer is kept in the transaction of the change and given again.

The key's row is inserted before anything is done. Whoever comes with the same key at the same time waits
at that row until the first is done, and then finds its answer; or, if the first failed, does it itself.
What the booking core refused is remembered as well: a late copy of a request that was refused must not
succeed when its sender has long gone on. What was refused before the core was asked is not.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from fastapi import Request, Response
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.refusals import BookingRefused
from bot.api import problems
from bot.api.call import Call
from bot.api.models import ApiRequest
from bot.api.problems import Problem

#: So long a key is known.
KEPT_FOR = timedelta(hours=48)
#: Headers that belong to an answer, not to the moment in which it is given.
_KEPT_HEADERS = ("content-type", "etag", "location", "link")
REPLAYED = "Idempotency-Replayed"
_LONGEST = 255
_UNFINISHED = 0

Handler = Callable[[Request], Awaitable[Response]]


def read_key(request: Request) -> str | None:
    """Return the request's key, which may be a quoted string as the draft has it; raises Problem."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    key = given[1:-1] if len(given) > 2 and given.startswith('"') and given.endswith('"') else given
    if not 1 <= len(key) <= _LONGEST or not all("!" <= sign <= "~" or sign == " " for sign in key):
        raise Problem("key_malformed")
    return key


async def once(call: Call, request: Request, handler: Handler) -> Response:
    """Answer the request, or give the answer that the same key had before."""
    fingerprint = await _fingerprint(request)
    if not await _take(call, fingerprint):
        return await _again(call, fingerprint)
    try:
        async with call.session.begin_nested():
            response = await handler(request)
    except BookingRefused as refused:
        response = problems.answer(problems.problem_of(refused), base_url=call.base_url)
    except Problem as problem:
        if not problem.remembered:
            raise
        response = problems.answer(problem, base_url=call.base_url)
    await _keep(call, response)
    return response


async def forget_old(session: AsyncSession, *, now: datetime, limit: int = 1000) -> int:
    """Forget keys whose time is over; returns how many."""
    old = select(ApiRequest.business_id, ApiRequest.token_id, ApiRequest.key).where(ApiRequest.at < now - KEPT_FOR)
    rows = old.order_by(ApiRequest.at).limit(limit).with_for_update(skip_locked=True).subquery()
    done = await session.execute(
        delete(ApiRequest)
        .where(
            ApiRequest.business_id == rows.c.business_id,
            ApiRequest.token_id == rows.c.token_id,
            ApiRequest.key == rows.c.key,
        )
        .returning(ApiRequest.key)
        .execution_options(synchronize_session=False)
    )
    return len(done.all())


async def _take(call: Call, fingerprint: str) -> bool:
    """Whether this request is the first with its key; one that is under way is waited for."""
    taken = await call.session.execute(
        insert(ApiRequest)
        .values(
            business_id=call.business_id,
            token_id=call.bearer.token_id,
            key=call.key,
            fingerprint=fingerprint,
            status=_UNFINISHED,
            headers={},
            body="",
            at=call.now,
        )
        .on_conflict_do_nothing()
        .returning(ApiRequest.key)
    )
    return taken.first() is not None


async def _again(call: Call, fingerprint: str) -> Response:
    known = await call.session.get_one(ApiRequest, (call.business_id, call.bearer.token_id, call.key))
    if known.fingerprint != fingerprint:
        raise Problem("key_reused")
    return Response(
        known.body.encode(),
        status_code=known.status,
        headers={name: str(value) for name, value in known.headers.items()} | {REPLAYED: "true"},
    )


async def _keep(call: Call, response: Response) -> None:
    await call.session.execute(
        update(ApiRequest)
        .where(
            ApiRequest.business_id == call.business_id,
            ApiRequest.token_id == call.bearer.token_id,
            ApiRequest.key == call.key,
        )
        .values(
            status=response.status_code,
            headers={name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
            body=bytes(response.body).decode(),
        )
        .execution_options(synchronize_session=False)
    )


async def _fingerprint(request: Request) -> str:
    """Return what tells this request from another: JSON that means the same is the same."""
    body = await request.body()
    try:
        said = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        said = body
    about = f"{request.method} {request.url.path}?{request.url.query}\n".encode("utf-8", "surrogatepass")
    return hashlib.sha256(about + said).hexdigest()

"""Stripe's HTTP: what the official client calls, with its idempotency."""

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.forms import Unreadable, read_pairs, unbracketed
from bot.sandbox.models import SandboxObject
from bot.sandbox.stage import Stage, find, keep_once, letters_id
from bot.sandbox.stripe_errors import StripeRefused, unknown_object
from bot.sandbox.stripe_events import EVENT
from bot.sandbox.stripe_refunds import create_refund
from bot.sandbox.stripe_sessions import CHARGE, INTENT, SESSION, create_session, expire_session, load_session

REFUND = "stripe_refund"
IDEMPOTENCY = "stripe_idempotency"
Told = dict[str, Any]
Answer = Callable[[AsyncSession, Told, Request], Awaitable[Any]]


def router_for(stage: Stage) -> APIRouter:
    """Return the routes under /sandbox/stripe/v1."""
    router = APIRouter(prefix="/sandbox/stripe/v1", include_in_schema=False)

    async def session_made(session: AsyncSession, told: Told, request: Request) -> Any:
        return await create_session(stage, session, told)

    async def session_ended(session: AsyncSession, told: Told, request: Request) -> Any:
        return await expire_session(stage, session, request.path_params["name"])

    async def session_shown(session: AsyncSession, told: Told, request: Request) -> Any:
        return await load_session(stage, session, request.path_params["name"], for_update=True)

    async def items_shown(session: AsyncSession, told: Told, request: Request) -> Any:
        name = request.path_params["name"]
        await load_session(stage, session, name)
        asked = await find(session, f"asked:{name}")
        return _list([_item(one) for one in asked.body["items"]] if asked else [], request)

    async def refund_made(session: AsyncSession, told: Told, request: Request) -> Any:
        return await create_refund(stage, session, told, request.headers.get("idempotency-key"))

    posts: dict[str, Answer] = {
        "/checkout/sessions": session_made,
        "/checkout/sessions/{name}/expire": session_ended,
        "/refunds": refund_made,
    }
    gets: dict[str, Answer] = {
        "/checkout/sessions": _listed(SESSION),
        "/checkout/sessions/{name}": session_shown,
        "/checkout/sessions/{name}/line_items": items_shown,
        "/payment_intents": _listed(INTENT),
        "/payment_intents/{name}": _shown(INTENT, "payment_intent"),
        "/charges/{name}": _shown(CHARGE, "charge"),
        "/refunds": _listed(REFUND),
        "/refunds/{name}": _shown(REFUND, "refund"),
        "/events": _listed(EVENT),
        "/events/{name}": _shown(EVENT, "event"),
    }
    for path, answer in posts.items():
        router.add_api_route(path, _guarded(stage, answer, once=True), methods=["POST"], response_class=JSONResponse)
    for path, answer in gets.items():
        router.add_api_route(path, _guarded(stage, answer, once=False), methods=["GET"], response_class=JSONResponse)

    @router.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def unknown(path: str, request: Request) -> JSONResponse:
        return StripeRefused(f"Unrecognized request URL ({request.method}: /v1/{path}).", status=404).answer()

    return router


def _guarded(stage: Stage, answer: Answer, *, once: bool) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        headers = {"Request-Id": letters_id("req_", 14)}
        try:
            _authenticate(stage, request)
            told = unbracketed(await read_pairs(request)) if once else dict(request.query_params)
            async with stage.db.transaction() as session:
                if once:
                    body, replayed = await _once(session, told, request, answer)
                    headers |= {"Idempotent-Replayed": "true"} if replayed else {}
                else:
                    body = await answer(session, told, request)
        except StripeRefused as refused:
            return refused.answer()
        except Unreadable:
            return StripeRefused("Invalid request body").answer()
        return JSONResponse(body, headers=headers)

    return endpoint


async def _once(session: AsyncSession, told: Told, request: Request, answer: Answer) -> tuple[Any, bool]:
    """Answer once per Idempotency-Key; the key's row is kept in the same transaction as the effect."""
    told.pop("expand", None)
    key = request.headers.get("idempotency-key")
    if not key:
        return await answer(session, told, request), False
    if len(key) > 255:
        raise StripeRefused("Idempotency-Key must be at most 255 characters.", kind="idempotency_error")
    asked = hashlib.sha256(json.dumps([request.url.path, told], sort_keys=True).encode()).hexdigest()
    row, now = f"idempotency:{key}", await current_time(session)
    # A second request with the key waits here for the first one's end.
    if await keep_once(session, row, IDEMPOTENCY, {"asked": asked}, now):
        body = await answer(session, told, request)
        kept = await find(session, row)
        if kept is not None:
            kept.body = {"asked": asked, "answer": body}
        return body, False
    kept = await find(session, row)
    if kept is None or kept.body["asked"] != asked:
        raise StripeRefused(
            "Keys for idempotent requests can only be used with the same parameters they were first used with."
            f" Try using a key other than '{key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    return kept.body["answer"], True


def _authenticate(stage: Stage, request: Request) -> None:
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            told = base64.b64decode(told).decode().partition(":")[0]
        except ValueError:
            told = ""
    if not told:
        raise StripeRefused("You did not provide an API key.", status=401)
    if not hmac.compare_digest(told.encode(), stage.stripe.secret_key.encode()):
        raise StripeRefused(f"Invalid API Key provided: {told[:8]}{'*' * 8}", status=401)


def _shown(kind: str, name: str) -> Answer:
    async def shown(session: AsyncSession, told: Told, request: Request) -> Any:
        kept = await find(session, request.path_params["name"], kind)
        if kept is None:
            raise unknown_object(name, request.path_params["name"])
        return kept.body

    return shown


def _listed(kind: str) -> Answer:
    async def listed(session: AsyncSession, told: Told, request: Request) -> Any:
        query = select(SandboxObject).where(SandboxObject.kind == kind).order_by(SandboxObject.created_at.desc())
        for name in ("payment_intent", "charge", "status", "type"):
            if name in told:
                query = query.where(SandboxObject.body[name].astext == told[name])
        limit = int(told.get("limit", "10")) if told.get("limit", "10").isdecimal() else 10
        found = (await session.scalars(query.limit(min(limit, 100) + 1))).all()
        return _list([row.body for row in found[: min(limit, 100)]], request, more=len(found) > min(limit, 100))

    return listed


def _list(data: list[Any], request: Request, *, more: bool = False) -> dict[str, Any]:
    path = request.url.path.removeprefix("/sandbox/stripe")
    return {"object": "list", "data": data, "has_more": more, "url": path}


def _item(asked: dict[str, Any]) -> dict[str, Any]:
    price = asked["price_data"]
    quantity = int(asked.get("quantity", "1"))
    total = int(price["unit_amount"]) * quantity
    return {
        "id": letters_id("li_"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"].lower(),
        "description": price["product_data"]["name"],
        "metadata": {},
        "price": None,
        "quantity": quantity,
    }

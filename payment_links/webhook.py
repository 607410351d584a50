"""Stripe's door: verify, keep once, let a job settle it, answer at once."""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import stripe
from fastapi import APIRouter, HTTPException, Request

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from payment_links import events

log = logging.getLogger(__name__)
#: Stripe's events are a few kilobytes.
_BODY_LIMIT: Final = 512 * 1024


class Unauthentic(Exception):
    """The request does not prove that it comes from Stripe, now."""


class Malformed(Exception):
    """The request is signed but no event."""


@dataclass(frozen=True, slots=True)
class OwnTill:
    """The signing secret of a business's own account; empty where it cannot be read."""

    business_id: UUID
    webhook_secret: str = field(repr=False)


#: Finds a business's own till by its slug; `True` asks for what holds at this moment.
FindTill = Callable[[str, bool], Awaitable[OwnTill | None]]


@dataclass(frozen=True, slots=True)
class Till:
    """What the doors need; without a secret the system has no account, without `own` no business has one."""

    db: Database
    webhook_secret: str | None = field(repr=False)
    own: FindTill | None = None


def router_for(till: Till) -> APIRouter:
    """Return the routes `POST /webhooks/stripe` and, for accounts of businesses' own, `/webhooks/stripe/{business}`."""
    router = APIRouter(tags=["webhooks"])
    secret, own = till.webhook_secret, till.own
    if secret is not None:

        @router.post("/webhooks/stripe")
        async def stripe_webhook(request: Request) -> dict[str, bool]:
            """Take an event of Stripe: 200 once it is kept, and again for every copy of it."""
            await _keep(till, await _verified(request, await _body_of(request), secret))
            return {"received": True}

    if own is not None:

        @router.post("/webhooks/stripe/{business}")
        async def own_stripe_webhook(request: Request, business: str) -> dict[str, bool]:
            """Take an event of a business's own Stripe account, which says nothing of any other's payments."""
            body = await _body_of(request)
            found = await own(business, False)
            try:
                told = await _verified(request, body, _secret_of(found))
            except HTTPException:
                # The secret may have been changed this moment.
                fresh = await own(business, True)
                if fresh == found:
                    raise
                found, told = fresh, await _verified(request, body, _secret_of(fresh))
            await _keep(till, told, found.business_id if found is not None else None)
            return {"received": True}

    return router


def _secret_of(found: OwnTill | None) -> str:
    if found is None:
        raise HTTPException(404, "no business of this name has a Stripe account of its own")
    if not found.webhook_secret:
        log.error("a webhook of stripe cannot be verified: a business's own credentials cannot be read")
        raise HTTPException(503, "cannot be verified now")
    return found.webhook_secret


async def _verified(request: Request, body: bytes, secret: str) -> events.Told:
    try:
        return read_event(body, request.headers.get("Stripe-Signature"), secret)
    except Unauthentic:
        log.warning("webhook refused: not signed by Stripe")
        raise HTTPException(403, "not signed by Stripe") from None
    except Malformed as error:
        log.warning("webhook refused: %s", error)
        raise HTTPException(400, str(error)) from None


async def _keep(till: Till, told: events.Told, whose: UUID | None = None) -> None:
    if told.type in events.KNOWN:
        # Events are kept in a table that is no business's.
        async with till.db.transaction() as session:
            await events.keep(session, told, now=await current_time(session), whose=whose)


def read_event(body: bytes, signature: str | None, secret: str) -> events.Told:
    """Verify a webhook and return its event; raises Unauthentic or Malformed."""
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE)
    except (UnicodeDecodeError, stripe.SignatureVerificationError):
        # What is not UTF-8 cannot be verified, so it proves nothing. The error carries the body: it goes no further.
        raise Unauthentic from None
    try:
        event = json.loads(body)
        told = events.Told(event["id"], event["type"], event["data"]["object"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Malformed("the body is not an event") from None
    if not (isinstance(told.id, str) and told.id and isinstance(told.type, str) and isinstance(told.subject, dict)):
        raise Malformed("the body is not an event")
    if not _is_text(body, event):
        raise Malformed("the body has characters that no text has")
    return told


def _is_text(body: bytes, event: object) -> bool:
    """Whether all of an event can be kept: PostgreSQL has neither NUL nor half a surrogate pair."""
    try:
        json.dumps(event, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return b"\\u0000" not in body


async def _body_of(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _BODY_LIMIT:
            raise HTTPException(413, "the body is too large")
    return bytes(body)

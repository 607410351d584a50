"""Stripe's door: verify, keep once, let a job settle it, answer at once."""

import json
import logging
from dataclasses import dataclass, field
from typing import Final

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
class Till:
    """What the door needs."""

    db: Database
    webhook_secret: str = field(repr=False)


def router_for(till: Till) -> APIRouter:
    """Return the route `POST /webhooks/stripe`."""
    router = APIRouter(tags=["webhooks"])

    @router.post("/webhooks/stripe")
    async def stripe_webhook(request: Request) -> dict[str, bool]:
        """Take an event of Stripe: 200 once it is kept, and again for every copy of it."""
        body = await _body_of(request)
        try:
            told = read_event(body, request.headers.get("Stripe-Signature"), till.webhook_secret)
        except Unauthentic:
            log.warning("webhook refused: not signed by Stripe")
            raise HTTPException(403, "not signed by Stripe") from None
        except Malformed as error:
            log.warning("webhook refused: %s", error)
            raise HTTPException(400, str(error)) from None
        if told.type in events.KNOWN:
            async with till.db.transaction() as session:
                await events.keep(session, told, now=await current_time(session))
        return {"received": True}

    return router


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

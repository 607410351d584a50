"""Stripe's events: kept, and owed to our webhook in the order in which they came to be."""

from typing import Any

import stripe
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.owed import STRIPE, owe
from bot.sandbox.stage import Stage, letters_id, put

EVENT = "stripe_event"


async def keep(session: AsyncSession, body: dict[str, Any]) -> None:
    """Keep an object of Stripe's under its id, in place of what it was."""
    await put(session, body["id"], f"stripe_{body['object']}", body, await current_time(session))


async def tell(
    stage: Stage,
    session: AsyncSession,
    kind: str,
    subject: dict[str, Any],
    *,
    after: float = 0.0,
    key: str | None = None,
) -> None:
    """Record that something happened to an object and owe its webhook."""
    now = await current_time(session)
    event: dict[str, Any] = {
        "id": letters_id("evt_"),
        "object": "event",
        "api_version": stripe.api_version,
        "created": int(now.timestamp()),
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": letters_id("req_", 14) if key else None, "idempotency_key": key},
        "type": kind,
    }
    await put(session, event["id"], EVENT, event, now)
    url = f"{stage.settings.base_url}/webhooks/stripe"
    lane = subject.get("payment_intent") or subject["id"]
    await owe(stage, session, STRIPE, url, event, lane=f"stripe:{lane}", after=after)

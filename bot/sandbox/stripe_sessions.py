"""A Checkout Session's life: open, paid, declined, expired."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.models import SandboxObject
from bot.sandbox.stage import Stage, find, letters_id
from bot.sandbox.stripe_errors import StripeRefused, unknown_object
from bot.sandbox.stripe_events import keep, tell
from bot.sandbox.stripe_objects import new_charge, new_intent, new_session
from bot.sandbox.stripe_rules import check_session

SESSION, INTENT, CHARGE = "stripe_checkout.session", "stripe_payment_intent", "stripe_charge"
#: What a session was asked for, which its object does not show.
ASKED = "stripe_asked"
#: Stripe's test cards (docs.stripe.com/testing): what each of them does.
GOOD_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"
DECLINES = {
    DECLINED_CARD: ("card_declined", "generic_decline", "Your card was declined."),
    "4000000000009995": ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "4000000000000069": ("expired_card", "expired_card", "Your card has expired."),
    "4000000000000127": ("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
}
#: Paid, and the refund is slow, or fails after all.
SLOW_REFUND_CARD, FAILED_REFUND_CARD = "4000000000007726", "4000000000005126"
CARDS = (GOOD_CARD, SLOW_REFUND_CARD, FAILED_REFUND_CARD, *DECLINES)


async def create_session(stage: Stage, session: AsyncSession, told: dict[str, Any]) -> dict[str, Any]:
    """Make a session for a request; raises StripeRefused."""
    now = await current_time(session)
    check_session(told, now)
    made = new_session(told, stage.settings.base_url, now)
    await keep(session, made)
    asked = {
        "id": f"asked:{made['id']}",
        "object": "asked",
        "intent": told.get("payment_intent_data") or {},
        "items": told["line_items"],
    }
    await keep(session, asked)
    return made


async def load_session(stage: Stage, session: AsyncSession, name: str, *, for_update: bool = False) -> dict[str, Any]:
    """Return a session as it is by the clock; raises StripeRefused for an unknown one."""
    kept = await find(session, name, SESSION, for_update=for_update)
    if kept is None:
        raise unknown_object("checkout.session", name, "session")
    now = (await current_time(session)).timestamp()
    if for_update and kept.body["status"] == "open" and kept.body["expires_at"] <= now:
        return await _expire(stage, session, kept.body)
    return kept.body


async def expire_session(stage: Stage, session: AsyncSession, name: str) -> dict[str, Any]:
    """End a session before its time; refused unless it is open."""
    found = await load_session(stage, session, name, for_update=True)
    if found["status"] != "open":
        raise StripeRefused(
            'Only Checkout Sessions with a status in ["open"] can be expired.'
            f" This Checkout Session has a status of {found['status']}."
        )
    return await _expire(stage, session, found)


async def expire_due(stage: Stage, session: AsyncSession) -> None:
    """End every session whose time is over."""
    now = int((await current_time(session)).timestamp())
    over = await session.scalars(
        select(SandboxObject)
        .where(
            SandboxObject.kind == SESSION,
            SandboxObject.body["status"].astext == "open",
            SandboxObject.body["expires_at"].as_integer() <= now,
        )
        .with_for_update(skip_locked=True)
    )
    for row in over.all():
        await _expire(stage, session, row.body)


async def _expire(stage: Stage, session: AsyncSession, found: dict[str, Any]) -> dict[str, Any]:
    ended = {**found, "status": "expired", "url": None}
    await keep(session, ended)
    await tell(stage, session, "checkout.session.expired", ended)
    return ended


class PageClosed(Exception):
    """The session is complete or expired: nobody can pay it any more."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


async def pay(stage: Stage, session: AsyncSession, name: str, card: str = GOOD_CARD) -> dict[str, Any]:
    """Try to pay a session with a card; returns the session. Raises PageClosed."""
    found = await load_session(stage, session, name, for_update=True)
    if found["status"] != "open":
        raise PageClosed(found["status"])
    asked = await find(session, f"asked:{name}", ASKED)
    wish = asked.body["intent"] if asked else {}
    if card in DECLINES:
        return await _decline(stage, session, found, wish, card)
    now = await current_time(session)
    intent = new_intent(found, wish, "succeeded", now)
    charge = new_charge(intent, card, None, now)
    intent |= {"latest_charge": charge["id"], "payment_method": charge["payment_method"]}
    paid = {
        **found,
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": intent["id"],
        "url": None,
        "customer_details": dict.fromkeys(
            ("address", "business_name", "email", "individual_name", "name", "phone", "tax_exempt", "tax_ids")
        ),
    }
    for made in (intent, charge, paid):
        await keep(session, made)
    await tell(stage, session, "payment_intent.succeeded", intent)
    await tell(stage, session, "charge.succeeded", charge)
    await tell(stage, session, "checkout.session.completed", paid)
    return paid


async def _decline(
    stage: Stage, session: AsyncSession, found: dict[str, Any], wish: dict[str, Any], card: str
) -> dict[str, Any]:
    now = await current_time(session)
    code, decline, words = DECLINES[card]
    failure = {"code": code, "decline_code": decline, "message": words, "type": "card_error"}
    intent = new_intent(found, wish, "requires_payment_method", now)
    charge = new_charge(intent, card, failure, now)
    intent |= {
        "latest_charge": charge["id"],
        "last_payment_error": {
            **failure,
            "charge": charge["id"],
            "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
            "request_log_url": f"https://dashboard.stripe.com/test/logs/{letters_id('req_', 14)}",
        },
    }
    await keep(session, intent)
    await keep(session, charge)
    await tell(stage, session, "charge.failed", charge)
    await tell(stage, session, "payment_intent.payment_failed", intent)
    return found

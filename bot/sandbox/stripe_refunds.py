"""Refunds: never more than was paid; some cards' refunds are slow, some fail."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.stage import Stage, find
from bot.sandbox.stripe_errors import StripeRefused, unknown_object
from bot.sandbox.stripe_events import keep, tell
from bot.sandbox.stripe_objects import new_refund
from bot.sandbox.stripe_rules import check_refund
from bot.sandbox.stripe_sessions import CHARGE, FAILED_REFUND_CARD, INTENT, SLOW_REFUND_CARD

#: Seconds until a slow refund's end is told.
SLOWLY = 1.0


async def create_refund(stage: Stage, session: AsyncSession, told: dict[str, Any], key: str | None) -> dict[str, Any]:
    """Give money back; raises StripeRefused."""
    check_refund(told)
    charge = await _charge(session, told)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise StripeRefused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = int(told.get("amount", left))
    if amount > left:
        raise StripeRefused(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount"
        )
    now = await current_time(session)
    last4 = charge["payment_method_details"]["card"]["last4"]
    slow, fails = last4 == SLOW_REFUND_CARD[-4:], last4 == FAILED_REFUND_CARD[-4:]
    refund = new_refund(charge, told, amount, "pending" if slow else "succeeded", now)
    refunded = charge["amount_refunded"] + amount
    after = {**charge, "amount_refunded": refunded, "refunded": refunded == charge["amount_captured"]}
    await keep(session, after)
    await keep(session, refund)
    await tell(stage, session, "refund.created", refund, key=key)
    await tell(stage, session, "charge.refunded", after, key=key)
    if slow:
        await _end(stage, session, {**refund, "status": "succeeded", "pending_reason": None}, "refund.updated")
    elif fails:
        await keep(session, charge)
        failed = {**refund, "status": "failed", "failure_reason": "unknown"}
        await _end(stage, session, failed, "refund.failed")
    else:
        await tell(stage, session, "refund.updated", refund)
    return refund


async def _end(stage: Stage, session: AsyncSession, refund: dict[str, Any], kind: str) -> None:
    # The row already says how it ends; the answer and the first event say how it begins.
    await keep(session, refund)
    await tell(stage, session, kind, refund, after=SLOWLY)


async def _charge(session: AsyncSession, told: dict[str, Any]) -> dict[str, Any]:
    name = told.get("charge")
    if name is None:
        intent = await find(session, told["payment_intent"], INTENT)
        if intent is None:
            raise unknown_object("payment_intent", told["payment_intent"], "payment_intent")
        name = intent.body["latest_charge"]
        if intent.body["status"] != "succeeded":
            raise StripeRefused(
                f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.", param="payment_intent"
            )
    kept = await find(session, name, CHARGE, for_update=True)
    if kept is None:
        raise unknown_object("charge", str(name), "charge")
    return kept.body

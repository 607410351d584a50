"""Giving money back: promised in the booking's own transaction, done by a job, once."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from booking_core.kit.jobs import Job, defer
from payment_links.gateway import GatewayError, PaymentGateway, RefundMade, RefundStatus, RefundWanted
from payment_links.lifecycle import OWED, Move, after, allows
from payment_links.models import Payment, PaymentState

#: What the bot adds to a change, in the change's own transaction.
Told = Callable[[AsyncSession, Payment], Awaitable[None]]


async def refund(session: AsyncSession, payment: Payment, amount: int, now: datetime) -> Payment:
    """Promise part or all of a payment back. Asking twice promises once."""
    if not 0 < amount <= payment.amount:
        raise ValueError("a refund lies between nothing and what was paid")
    await session.refresh(payment, with_for_update=True)
    if payment.state in OWED or payment.state == PaymentState.REFUNDED:
        return payment
    payment.state = after(payment.state, Move.ASK_REFUND)
    await promise(session, payment, amount)
    return payment


async def promise(session: AsyncSession, payment: Payment, amount: int) -> None:
    """Write down what goes back and defer doing it; the payment's state says already that we owe it."""
    payment.refund = amount
    await session.flush()
    await defer(session, Job.REFUND_PAYMENT, business_id=str(payment.business_id), payment_id=str(payment.id))


async def make_refund(
    db: Database,
    gateway: PaymentGateway,
    business_id: UUID,
    payment_id: UUID,
    *,
    on_refunded: Told | None = None,
    on_failed: Told | None = None,
) -> Payment | None:
    """Have the promised money given back. Returns the payment when this call has seen it given back.

    A refusal for good leaves it owed and runs `on_failed`: a person must settle it. Raises GatewayError
    where a retry may help.
    """
    wanted = await _wanted_refund(db, business_id, payment_id)
    if wanted is None:
        return None
    try:
        made = await gateway.refund(wanted) if wanted.intent_id else RefundMade(None, RefundStatus.FAILED)
    except GatewayError as error:
        if error.retryable:
            raise
        made = RefundMade(None, RefundStatus.FAILED)
    async with db.transaction(business_id) as session:
        payment = await session.get_one(Payment, (business_id, payment_id), with_for_update=True)
        payment.refund_id = payment.refund_id or made.refund_id
        if payment.state not in OWED:
            return None
        match made.status:
            case RefundStatus.PENDING:
                return None
            case RefundStatus.FAILED:
                await _tell(session, payment, on_failed)
                return None
            case RefundStatus.DONE:
                payment.state = after(payment.state, Move.REFUND)
                await _tell(session, payment, on_refunded)
                return payment


async def give_up(db: Database, business_id: UUID, payment_id: UUID, *, on_failed: Told) -> None:
    """Call a person, by `on_failed`, for a refund that could not be made however often it was tried.

    It stays owed, and making it later is still safe.
    """
    async with db.transaction(business_id) as session:
        payment = await session.get_one(Payment, (business_id, payment_id), with_for_update=True)
        if payment.state in OWED:
            await on_failed(session, payment)


def given_back(payment: Payment, amount: int) -> bool:
    """Record that the provider has given `amount` back in all; False if we knew."""
    if not allows(payment.state, Move.REFUND):
        return False
    payment.refund = min(max(payment.refund, amount), payment.amount)
    payment.state = after(payment.state, Move.REFUND)
    return True


async def _wanted_refund(db: Database, business_id: UUID, payment_id: UUID) -> RefundWanted | None:
    async with db.transaction(business_id) as session:
        payment = await session.get_one(Payment, (business_id, payment_id))
        if payment.state not in OWED or payment.refund_id:
            return None
        return RefundWanted(
            key=str(payment.id),
            intent_id=payment.intent_id or "",
            # No amount means all that is left, whatever came: right too where another amount came than asked.
            amount=None if payment.refund == payment.amount else payment.refund,
            currency=payment.currency,
            metadata={
                "business_id": str(business_id),
                "booking_id": str(payment.booking_id),
                "payment_id": str(payment.id),
            },
        )


async def _tell(session: AsyncSession, payment: Payment, told: Told | None) -> None:
    await session.flush()
    if told:
        await told(session, payment)

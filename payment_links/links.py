"""Asking for money: record it first, make the page in a job, close it when it is no longer wanted.

No provider is called in a transaction. Refunds are in `refunds.py`; callers reach both through here.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from booking_core.kit.jobs import Job, defer
from booking_core.models import Booking, State
from payment_links import events
from payment_links.gateway import GatewayError, LinkWanted, PaymentGateway
from payment_links.ledger import current_link, last_payment, lock_booking, lock_payments, paid_amount
from payment_links.lifecycle import LIVE, OWED, Move, after
from payment_links.models import Payment, PaymentState
from payment_links.refunds import Told, make_refund, refund

__all__ = [
    "Told",
    "close_payment",
    "current_link",
    "expire_link",
    "last_payment",
    "make_link",
    "make_refund",
    "paid_amount",
    "refund",
    "refund_for_cancellation",
    "request_payment",
]

#: Stripe's own end of a page must lie 30 minutes to 24 hours ahead (docs.stripe.com, Checkout `expires_at`).
#: Ours is the hold's end, kept by CLOSE_PAYMENT_LINK; Stripe's is only the net beneath it. It is reckoned
#: from stored times alone, because a retry with the same idempotency key must send the same request.
_NET = timedelta(minutes=60)
_LONGEST = timedelta(hours=23)


async def request_payment(
    session: AsyncSession, booking: Booking, *, title: str, locale: str, now: datetime
) -> Payment:
    """Ask for what the booking has due: recorded now, its page made by a job.

    Asking again while a page is open, or once it is paid, returns what there is.
    """
    if booking.due <= 0:
        raise ValueError("nothing is due for this booking")
    until = booking.hold_expires_at or booking.starts
    for payment in await lock_payments(session, booking.business_id, booking.id):
        if payment.state == PaymentState.PAID:
            return payment
        if payment.state in LIVE:
            if payment.state == PaymentState.OPEN:  # a page that is being made keeps its request as it is
                payment.expires_at = until
                await session.flush()
            return payment
    payment = Payment(
        business_id=booking.business_id,
        booking_id=booking.id,
        booking_version=booking.version,
        amount=booking.due,
        currency=booking.currency,
        state=PaymentState.REQUESTED.value,
        title=title,
        locale=locale,
        refund=0,
        expires_at=until,
        created_at=now,
    )
    session.add(payment)
    await session.flush()
    await _defer(session, Job.MAKE_PAYMENT_LINK, payment)
    return payment


async def make_link(
    db: Database,
    gateway: PaymentGateway,
    business_id: UUID,
    payment_id: UUID,
    *,
    on_open: Told,
    on_failed: Told | None = None,
) -> Payment | None:
    """Have the page made. Returns the payment when this call has opened it; `on_open` then runs in the
    same transaction. None if that was done before or nobody wants it any more.

    A refusal for good marks it failed and runs `on_failed`; raises GatewayError where a retry may help.
    """
    wanted = await _wanted_link(db, business_id, payment_id)
    if wanted is None:
        return None
    try:
        opened = await gateway.open_link(wanted)
    except GatewayError as error:
        if error.retryable:
            raise
        await give_up(db, business_id, payment_id, on_failed=on_failed)
        return None
    async with db.transaction(business_id) as session:
        payment = await _lock_with_booking(session, business_id, payment_id)
        payment.session_id = payment.session_id or opened.session_id
        payment.url = payment.url or opened.url
        if payment.state == PaymentState.CLOSED:  # while the page was being made
            await _defer(session, Job.CLOSE_PAYMENT_LINK, payment)
        if payment.state != PaymentState.REQUESTED:
            return None
        payment.state = after(payment.state, Move.OPEN)
        await session.flush()
        await on_open(session, payment)
        return payment


async def close_payment(session: AsyncSession, business_id: UUID, booking_id: UUID, now: datetime) -> list[Payment]:
    """Stop asking for money for a booking: its live pages are closed, by a job where they exist."""
    closed = []
    for payment in await lock_payments(session, business_id, booking_id):
        if payment.state in LIVE:
            payment.state = after(payment.state, Move.CLOSE)
            payment.expires_at = min(payment.expires_at, now)
            closed.append(payment)
            if payment.session_id:
                await _defer(session, Job.CLOSE_PAYMENT_LINK, payment)
    await session.flush()
    return closed


async def refund_for_cancellation(session: AsyncSession, booking: Booking, amount: int, now: datetime) -> int:
    """Stop asking for money for a cancelled booking and promise `amount` back; returns what is promised.

    Less than asked for if less was paid; nothing more when called again.
    """
    await close_payment(session, booking.business_id, booking.id, now)
    promised = 0
    for payment in await lock_payments(session, booking.business_id, booking.id):
        if payment.state in OWED or payment.state == PaymentState.REFUNDED:
            promised += payment.refund
        elif payment.state == PaymentState.PAID and promised < amount:
            part = min(payment.amount, amount - promised)
            await refund(session, payment, part, now)
            promised += part
    return promised


async def expire_link(db: Database, gateway: PaymentGateway, business_id: UUID, payment_id: UUID) -> None:
    """Make a closed payment's page unpayable.

    If the provider says that it was paid before that, and its webhook has not told us, this is how we
    learn it: kept and settled like any other event.
    """
    async with db.transaction(business_id) as session:
        payment = await session.get(Payment, (business_id, payment_id))
        if payment is None or payment.state != PaymentState.CLOSED or not payment.session_id:
            return
        session_id = payment.session_id
    paid = await gateway.close_link(session_id)
    if paid is None:
        return
    # Events are kept in a table that is no business's.
    async with db.transaction() as session:
        event = events.seen_paid(session_id, paid)
        await events.keep(session, event, now=await current_time(session), whose=business_id)


async def _wanted_link(db: Database, business_id: UUID, payment_id: UUID) -> LinkWanted | None:
    async with db.transaction(business_id) as session:
        payment = await _lock_with_booking(session, business_id, payment_id)
        if payment.state != PaymentState.REQUESTED:
            return None
        booking = await session.get_one(Booking, (business_id, payment.booking_id))
        ends = booking.hold_expires_at
        if booking.state != State.HELD or ends is None or ends <= await current_time(session):
            payment.state = after(payment.state, Move.CLOSE)
            return None
        return LinkWanted(
            key=str(payment.id),
            reference=booking.reference,
            title=payment.title,
            amount=payment.amount,
            currency=payment.currency,
            locale=payment.locale,
            expires_at=min(payment.expires_at + _NET, payment.created_at + _LONGEST),
            metadata={
                "business_id": str(business_id),
                "booking_id": str(booking.id),
                "booking_version": str(payment.booking_version),
                "payment_id": str(payment.id),
            },
        )


async def give_up(db: Database, business_id: UUID, payment_id: UUID, *, on_failed: Told | None = None) -> None:
    """Mark a payment failed whose page could not be made however often it was tried; runs `on_failed` once."""
    async with db.transaction(business_id) as session:
        payment = await _lock_with_booking(session, business_id, payment_id)
        if payment.state != PaymentState.REQUESTED:
            return
        payment.state = after(payment.state, Move.FAIL)
        await session.flush()
        if on_failed:
            await on_failed(session, payment)


async def _lock_with_booking(session: AsyncSession, business_id: UUID, payment_id: UUID) -> Payment:
    payment = await session.get_one(Payment, (business_id, payment_id))
    await lock_booking(session, business_id, payment.booking_id)
    return await session.get_one(Payment, (business_id, payment_id), with_for_update=True, populate_existing=True)


async def _defer(session: AsyncSession, job: Job, payment: Payment) -> None:
    await defer(session, job, business_id=str(payment.business_id), payment_id=str(payment.id))

"""From an event to its consequence: never a booking without money, never money without a slot.

An event is matched by the payment's id, which we put into the metadata before the page existed, so it
does not matter whether our own record of the page is committed yet.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core.kit.scope import narrow
from booking_core.models import Booking, State
from booking_core.refusals import BookingRefused
from payment_links import events
from payment_links.gateway import RefundStatus
from payment_links.ledger import lock_booking, lock_payments
from payment_links.lifecycle import MONEY_CAME, OWED, Move, after
from payment_links.links import close_payment
from payment_links.models import Payment, PaymentEvent, PaymentState
from payment_links.refunds import given_back, promise
from payment_links.stripe_amounts import our_amount
from payment_links.stripe_gateway import refund_status

_ACTOR = "system"


@dataclass(frozen=True, slots=True)
class Paid:
    """Paid in time: the booking is confirmed."""

    booking: Booking
    payment: Payment


@dataclass(frozen=True, slots=True)
class PaidAfterExpiryRetaken:
    """Paid after the hold ran out, and the time was still free: the booking is confirmed."""

    booking: Booking
    payment: Payment


@dataclass(frozen=True, slots=True)
class PaidButGone:
    """Paid for a time that is somebody else's, past, or cancelled by now: the money goes back."""

    booking: Booking
    payment: Payment


@dataclass(frozen=True, slots=True)
class PaidTwice:
    """Paid again for a booking that is paid: `payment`, the second, goes back."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class PaidWrongAmount:
    """Another amount or currency came than was asked for: all of it goes back, the booking stays as it is.

    It cannot happen by the customer's doing, only by a change at the provider, so a person should look.
    """

    booking: Booking
    payment: Payment
    #: What came, in the event's own currency; None if the event does not say.
    received: int | None


@dataclass(frozen=True, slots=True)
class LinkExpired:
    """The provider ended a page that was still wanted."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class Refunded:
    """The money is on its way back to the customer."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """The bank would not take the money back: a person must settle it."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing to do: told before, or not ours."""


Outcome = (
    Paid
    | PaidAfterExpiryRetaken
    | PaidButGone
    | PaidTwice
    | PaidWrongAmount
    | LinkExpired
    | Refunded
    | RefundFailed
    | Nothing
)


async def settle_event(session: AsyncSession, event_id: str, *, now: datetime) -> Outcome:
    """Do what a kept event demands, once, and return what became of it."""
    event = await session.get(PaymentEvent, event_id, with_for_update=True, populate_existing=True)
    if event is None or event.handled_at is not None:
        return Nothing()
    event.handled_at = now
    if whose := event.payload.get("business_id"):
        # The database itself lets the event of one business's account find no other's payment.
        await narrow(session, UUID(whose))
    outcome = await _settle(session, event.type, event.payload["object"], now)
    await session.flush()
    return outcome


async def _settle(session: AsyncSession, kind: str, subject: dict[str, Any], now: datetime) -> Outcome:
    if kind in events.MONEY_CAME and subject.get("payment_status") != "paid":
        return Nothing()  # the page is filled in, the money is not there: another event tells when it is
    found = await _find_payment(session, subject)
    if found is None:
        return Nothing()
    await narrow(session, found.business_id)
    booking = await lock_booking(session, found.business_id, found.booking_id)
    payments = await lock_payments(session, found.business_id, found.booking_id)
    if kind in events.MONEY_CAME:
        return await _settle_money(session, booking, found, payments, subject, now)
    if kind in events.LINK_ENDED:
        return _settle_ended_link(found, subject)
    return _settle_refund(found, subject)


async def _settle_money(
    session: AsyncSession,
    booking: Booking,
    payment: Payment,
    payments: list[Payment],
    subject: dict[str, Any],
    now: datetime,
) -> Outcome:
    session_id = subject.get("id")
    # A page takes money once: the same page, told by another event, is the same money.
    if any(known.session_id == session_id for known in payments if known.state in MONEY_CAME):
        return Nothing()
    if payment.state in MONEY_CAME:
        payment = await _add_second(session, payment, now)
    payment.intent_id = subject.get("payment_intent")
    payment.session_id = session_id
    payment.paid_at = now
    received = _received(subject, payment.currency)
    if received != payment.amount:
        await _give_back(session, payment)
        return PaidWrongAmount(booking, payment, subject.get("amount_total"))
    if any(other.state == PaymentState.PAID for other in payments if other is not payment):
        await _give_back(session, payment)
        return PaidTwice(payment)
    return await _settle_by_booking(session, booking, payment, now)


async def _settle_by_booking(session: AsyncSession, booking: Booking, payment: Payment, now: datetime) -> Outcome:
    match State(booking.state):
        case State.HELD:
            # A hold counts by the clock, whether or not it has been tidied away yet.
            lapsed = booking.hold_expires_at is not None and booking.hold_expires_at <= now
            firm = await _confirm(session, booking, now)
            outcome: Outcome = PaidAfterExpiryRetaken(firm, payment) if lapsed else Paid(firm, payment)
        case State.CONFIRMED | State.COMPLETED | State.NO_SHOW:  # confirmed by hand before the money came
            outcome = Paid(booking, payment)
        case State.EXPIRED:
            try:
                retaken = await bookings.retake(session, booking.business_id, booking.id, now=now)
            except BookingRefused:
                await _give_back(session, payment)
                return PaidButGone(booking, payment)
            outcome = PaidAfterExpiryRetaken(retaken, payment)
        case State.CANCELLED_BY_CUSTOMER | State.CANCELLED_BY_BUSINESS:
            await _give_back(session, payment)
            return PaidButGone(booking, payment)
    payment.state = after(payment.state, Move.PAY)
    await close_payment(session, booking.business_id, booking.id, now)  # other pages of this booking
    return outcome


async def _confirm(session: AsyncSession, booking: Booking, now: datetime) -> Booking:
    return await bookings.confirm(session, booking.business_id, booking.id, now=now, actor=_ACTOR)


def _settle_ended_link(payment: Payment, subject: dict[str, Any]) -> Outcome:
    """An older page's end says nothing of the newer one."""
    if payment.state != PaymentState.OPEN or payment.session_id != subject.get("id"):
        return Nothing()
    payment.state = after(payment.state, Move.CLOSE)
    return LinkExpired(payment)


def _settle_refund(payment: Payment, subject: dict[str, Any]) -> Outcome:
    if subject.get("object") == "charge":
        amount = our_amount(int(subject.get("amount_refunded") or 0), payment.currency)
        return Refunded(payment) if amount and given_back(payment, amount) else Nothing()
    amount = our_amount(int(subject.get("amount") or 0), payment.currency)
    match refund_status(subject.get("status")):
        case RefundStatus.DONE:
            return Refunded(payment) if given_back(payment, amount) else Nothing()
        case RefundStatus.FAILED:
            # A refund can fail days after it "succeeded": the bank sends it back.
            ours = payment.state in OWED or payment.state == PaymentState.REFUNDED
            return RefundFailed(payment) if ours else Nothing()
        case RefundStatus.PENDING:
            return Nothing()


async def _give_back(session: AsyncSession, payment: Payment) -> None:
    payment.state = after(payment.state, Move.PAY_LATE)
    await promise(session, payment, payment.amount)


async def _add_second(session: AsyncSession, first: Payment, now: datetime) -> Payment:
    """Add a row for money that came a second time by the same request, to owe it and give it back."""
    second = Payment(
        business_id=first.business_id,
        booking_id=first.booking_id,
        booking_version=first.booking_version,
        amount=first.amount,
        currency=first.currency,
        state=PaymentState.CLOSED.value,
        title=first.title,
        locale=first.locale,
        refund=0,
        expires_at=now,
        created_at=now,
    )
    session.add(second)
    await session.flush()
    return second


async def _find_payment(session: AsyncSession, subject: dict[str, Any]) -> Payment | None:
    metadata = subject.get("metadata") or {}
    try:
        key = (UUID(metadata["business_id"]), UUID(metadata["payment_id"]))
    except (KeyError, ValueError, TypeError, AttributeError):
        return await _find_by_intent(session, subject)
    return await session.get(Payment, key)


async def _find_by_intent(session: AsyncSession, subject: dict[str, Any]) -> Payment | None:
    """Find the payment of a refund that somebody made in the provider's dashboard, without our metadata."""
    intent = subject.get("payment_intent")
    if not isinstance(intent, str) or subject.get("object") == "checkout.session":
        return None
    return (await session.scalars(select(Payment).where(Payment.intent_id == intent).limit(1))).one_or_none()


def _received(subject: dict[str, Any], currency: str) -> int | None:
    total, came_in = subject.get("amount_total"), subject.get("currency")
    if not isinstance(total, int) or not isinstance(came_in, str) or came_in.upper() != currency:
        return None
    return our_amount(total, currency)

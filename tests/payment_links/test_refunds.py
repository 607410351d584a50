"""Giving money back: promised once, given once."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from booking_core.models import Booking
from payment_links import links, refunds
from payment_links.gateway import GatewayError, RefundStatus
from payment_links.models import Payment
from tests.payment_links.builders import NOW, PaperGateway, asked, deferred, reload


async def paid(database: Database) -> Payment:
    _, payment = await asked(database)
    async with database.transaction() as session:
        mine = await session.get_one(Payment, (payment.business_id, payment.id))
        mine.state, mine.intent_id, mine.session_id, mine.paid_at = "paid", "pi_1", "cs_1", NOW
    return mine


async def promised(database: Database, amount: int) -> Payment:
    payment = await paid(database)
    async with database.transaction() as session:
        mine = await session.get_one(Payment, (payment.business_id, payment.id))
        await links.refund(session, mine, amount, NOW)
    return payment


async def test_a_refund_is_promised_once_and_given_once(database: Database) -> None:
    payment = await promised(database, 700)
    async with database.transaction() as session:
        mine = await session.get_one(Payment, (payment.business_id, payment.id))
        await links.refund(session, mine, 200, NOW)  # a second wish changes nothing
    assert await deferred(database, "refund_payment") == 1
    gateway = PaperGateway()
    told: list[int] = []

    async def on_refunded(_: AsyncSession, payment: Payment) -> None:
        told.append(payment.refund)

    await asyncio.gather(
        *(
            links.make_refund(database, gateway, payment.business_id, payment.id, on_refunded=on_refunded)
            for _ in range(4)
        )
    )
    assert told == [700]
    [wanted] = gateway.refunds.values()
    assert (wanted.amount, wanted.intent_id, wanted.currency) == (700, "pi_1", "EUR")
    after = await reload(database, payment)
    assert (after.state, after.refund, after.refund_id) == ("refunded", 700, f"re_{payment.id}")


async def test_a_crash_between_the_refund_and_its_record_gives_back_once(database: Database) -> None:
    payment = await promised(database, 700)
    gateway = PaperGateway()

    async def killed(*_: object) -> None:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        await links.make_refund(database, gateway, payment.business_id, payment.id, on_refunded=killed)
    assert (await reload(database, payment)).state == "refund_pending"
    await links.make_refund(database, gateway, payment.business_id, payment.id)
    assert len(gateway.refunds) == 1
    assert (await reload(database, payment)).state == "refunded"


async def test_a_provider_that_is_away_is_asked_again(database: Database) -> None:
    payment = await promised(database, 700)
    gateway = PaperGateway()
    gateway.trouble = [GatewayError("rate_limit", retryable=True)]
    with pytest.raises(GatewayError):
        await links.make_refund(database, gateway, payment.business_id, payment.id)
    assert await links.make_refund(database, gateway, payment.business_id, payment.id) is not None


async def test_a_refund_that_is_given_up_stays_owed_and_can_be_made_later(database: Database) -> None:
    payment = await promised(database, 700)
    called: list[str] = []

    async def on_failed(_: AsyncSession, payment: Payment) -> None:
        called.append(payment.state)

    await refunds.give_up(database, payment.business_id, payment.id, on_failed=on_failed)
    assert await links.make_refund(database, PaperGateway(), payment.business_id, payment.id) is not None
    await refunds.give_up(database, payment.business_id, payment.id, on_failed=on_failed)
    assert called == ["refund_pending"]


@pytest.mark.parametrize("how", ["refused", "failed", "unknown intent"])
async def test_a_refund_that_cannot_be_made_goes_to_a_person_and_stays_owed(database: Database, how: str) -> None:
    payment = await promised(database, 700)
    gateway = PaperGateway()
    if how == "refused":
        gateway.trouble = [GatewayError("charge_disputed", retryable=False)]
    elif how == "failed":
        gateway.refund_status = RefundStatus.FAILED
    else:
        async with database.transaction() as session:
            (await session.get_one(Payment, (payment.business_id, payment.id))).intent_id = None
    failed: list[str] = []

    async def on_failed(_: AsyncSession, payment: Payment) -> None:
        failed.append(payment.state)

    await links.make_refund(database, gateway, payment.business_id, payment.id, on_failed=on_failed)
    assert failed == ["refund_pending"]


async def test_a_refund_that_takes_its_time_stays_owed(database: Database) -> None:
    payment = await promised(database, 1000)
    gateway = PaperGateway()
    gateway.refund_status = RefundStatus.PENDING
    assert await links.make_refund(database, gateway, payment.business_id, payment.id) is None
    assert (await reload(database, payment)).state == "refund_pending"
    assert await links.make_refund(database, gateway, payment.business_id, payment.id) is None
    assert len(gateway.refunds) == 1


@pytest.mark.parametrize("amount", [0, -1, 1001])
async def test_nobody_gets_back_more_than_was_paid(database: Database, amount: int) -> None:
    payment = await paid(database)
    async with database.transaction() as session:
        mine = await session.get_one(Payment, (payment.business_id, payment.id))
        with pytest.raises(ValueError, match="a refund lies between"):
            await links.refund(session, mine, amount, NOW)


@pytest.mark.parametrize(("due", "given"), [(0, 0), (400, 400), (1000, 1000), (5000, 1000)])
async def test_a_cancellation_gives_back_what_is_due_of_what_was_paid(database: Database, due: int, given: int) -> None:
    payment = await paid(database)
    async with database.transaction() as session:
        booking = await session.get_one(Booking, (payment.business_id, payment.booking_id))
        assert await links.refund_for_cancellation(session, booking, due, NOW) == given
        assert await links.refund_for_cancellation(session, booking, due, NOW) == given
        assert await links.paid_amount(session, booking.business_id, booking.id) == 1000 - given
    assert await deferred(database, "refund_payment") == (1 if given else 0)


async def test_a_cancellation_of_an_unpaid_booking_closes_its_link(database: Database) -> None:
    booking, payment = await asked(database)
    async with database.transaction() as session:
        assert await links.refund_for_cancellation(session, booking, 1000, NOW) == 0
    assert (await reload(database, payment)).state == "closed"

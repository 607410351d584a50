"""The whole way of money through Stripe's client and the sandbox's Stripe: page, payment, webhook, refund."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from booking_core.kit.clock import advance_clock, current_time
from booking_core.kit.db import Database
from payment_links import events, links, settle
from payment_links.models import Payment
from payment_links.stripe_gateway import StripeGateway
from payment_links.webhook import read_event
from tests.bot.sandbox.theatre import Theatre, open_theatre, settings_for
from tests.payment_links.builders import STARTS, a_hold, asked, deferred, kept, reload, reload_booking


@pytest.fixture
async def theatre(database: Database, database_url: str) -> AsyncIterator[Theatre]:
    async with open_theatre(database, settings_for(database_url)) as theatre:
        yield theatre


@pytest.fixture
async def gateway(theatre: Theatre) -> AsyncIterator[StripeGateway]:
    gateway = StripeGateway(theatre.stage.stripe)
    yield gateway
    await gateway.close()


async def silent(*_: object) -> None:
    """Tell nobody."""


async def open_page(database: Database, gateway: StripeGateway, payment: Payment) -> Payment:
    made = await links.make_link(database, gateway, payment.business_id, payment.id, on_open=silent)
    assert made is not None
    assert made.session_id is not None
    return made


async def hear(database: Database, theatre: Theatre, part: str) -> settle.Outcome:
    """Take the webhook with a part through our own door's check, keep it, settle it."""
    knock = await theatre.knock(part)
    told = read_event(knock.body, knock.headers["stripe-signature"], theatre.stage.stripe.webhook_secret)
    async with database.transaction() as session:
        now = await current_time(session)
        await events.keep(session, told, now=now)
    async with database.transaction() as session:
        return await settle.settle_event(session, told.id, now=now)


async def act(theatre: Theatre, payment: Payment, what: str) -> Any:
    return await theatre.http.post(f"/sandbox/stripe/checkout/{payment.session_id}/{what}")


async def test_paid_confirmed_cancelled_refunded(database: Database, theatre: Theatre, gateway: StripeGateway) -> None:
    booking, payment = await asked(database)
    payment = await open_page(database, gateway, payment)
    assert (await theatre.http.get(str(payment.url))).status_code == 200
    assert (await act(theatre, payment, "pay")).is_success
    outcome = await hear(database, theatre, "checkout.session.completed")
    assert isinstance(outcome, settle.Paid)
    assert (await reload_booking(database, booking)).state == "confirmed"
    async with database.transaction() as session:
        now = await current_time(session)
        assert await links.refund_for_cancellation(session, booking, 600, now) == 600
    refunded = await links.make_refund(database, gateway, payment.business_id, payment.id)
    assert refunded is not None
    assert (refunded.state, refunded.refund) == ("refunded", 600)
    assert isinstance(await hear(database, theatre, "charge.refunded"), settle.Nothing)  # we did it ourselves


async def test_a_page_that_was_made_before_a_crash_is_found_again(
    database: Database, theatre: Theatre, gateway: StripeGateway
) -> None:
    _, payment = await asked(database)

    async def killed(*_: object) -> None:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        await links.make_link(database, gateway, payment.business_id, payment.id, on_open=killed)
    async with database.transaction() as session:
        await advance_clock(session, timedelta(minutes=5))  # the same request, however late
    again = await open_page(database, gateway, payment)
    assert again.state == "open"


async def test_the_page_ends_with_the_hold(database: Database, theatre: Theatre, gateway: StripeGateway) -> None:
    booking, payment = await asked(database)
    payment = await open_page(database, gateway, payment)
    async with database.transaction() as session:
        await links.close_payment(session, booking.business_id, booking.id, await current_time(session))
    for _ in range(2):
        await links.expire_link(database, gateway, payment.business_id, payment.id)
    assert not (await act(theatre, payment, "pay")).is_success
    assert isinstance(await hear(database, theatre, "checkout.session.expired"), settle.Nothing)
    assert (await reload(database, payment)).state == "closed"


async def test_money_whose_webhook_was_lost_is_found(
    database: Database, theatre: Theatre, gateway: StripeGateway
) -> None:
    booking, payment = await asked(database)
    payment = await open_page(database, gateway, payment)
    assert (await act(theatre, payment, "pay")).is_success
    async with database.transaction() as session:
        now = await current_time(session)
        await links.close_payment(session, booking.business_id, booking.id, now)
    await links.expire_link(database, gateway, payment.business_id, payment.id)
    [event] = await kept(database)
    assert await deferred(database, "settle_payment_event") == 1
    async with database.transaction() as session:
        assert isinstance(await settle.settle_event(session, event.id, now=now), settle.Paid)
    assert (await reload_booking(database, booking)).state == "confirmed"
    # The webhook comes after all: the same money.
    assert isinstance(await hear(database, theatre, "checkout.session.completed"), settle.Nothing)


async def test_a_page_can_be_made_however_far_the_clock_was_moved(
    database: Database, theatre: Theatre, gateway: StripeGateway
) -> None:
    async with database.transaction() as session:
        now = await advance_clock(session, timedelta(days=40))
    async with database.transaction() as session:
        booking = await a_hold(session, starts=STARTS + timedelta(days=40), minutes=40 * 24 * 60 + 15)
        payment = await links.request_payment(session, booking, title="Haircut", locale="es", now=now)
    assert (await open_page(database, gateway, payment)).state == "open"

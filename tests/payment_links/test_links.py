"""Asking for money: recorded, opened once, closed, found paid."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import advance_clock
from booking_core.kit.db import Database
from payment_links import links
from payment_links.gateway import GatewayError, LinkOpened, LinkWanted
from payment_links.models import Payment
from tests.payment_links.builders import (
    NOW,
    PaperGateway,
    a_hold,
    asked,
    deferred,
    expire,
    kept,
    opened,
    payments_of,
    reload,
    session_event,
    session_of,
)


async def test_asking_twice_asks_once(database: Database) -> None:
    booking, payment = await asked(database)
    async with database.transaction() as session:
        again = await links.request_payment(session, booking, title="Haircut", locale="en", now=NOW)
    assert again.id == payment.id
    assert (payment.amount, payment.currency, payment.state) == (1000, "EUR", "requested")
    assert payment.expires_at == booking.hold_expires_at
    assert await deferred(database, "make_payment_link") == 1


async def test_nothing_due_is_not_asked_for(database: Database) -> None:
    async with database.transaction() as session:
        booking = await a_hold(session, due=0)
        with pytest.raises(ValueError, match="nothing is due"):
            await links.request_payment(session, booking, title="Haircut", locale="en", now=NOW)


async def test_a_link_is_told_once_however_often_it_is_made(database: Database) -> None:
    _, payment = await asked(database)
    gateway = PaperGateway()
    told = await asyncio.gather(*(opened(database, gateway, payment) for _ in range(5)))
    assert [link for each in told for link in each] == [f"https://pay.example/{payment.id}"]
    after = await reload(database, payment)
    assert (after.state, after.session_id) == ("open", session_of(payment.id))
    assert len(gateway.links) == 1


async def test_stripes_own_end_lies_where_stripe_allows_it(database: Database) -> None:
    _, payment = await asked(database, minutes=5)
    gateway = PaperGateway()
    await opened(database, gateway, payment)
    [wanted] = gateway.links.values()
    assert timedelta(minutes=45) < wanted.expires_at - NOW < timedelta(hours=24)
    assert wanted.metadata["payment_id"] == str(payment.id)
    assert wanted.metadata["booking_version"] == "1"


async def test_a_very_long_hold_still_gets_a_page(database: Database) -> None:
    _, payment = await asked(database, minutes=3 * 24 * 60)
    gateway = PaperGateway()
    await opened(database, gateway, payment)
    [wanted] = gateway.links.values()
    assert wanted.expires_at - NOW <= timedelta(hours=23)


async def test_nobody_is_sent_a_link_for_a_hold_that_ended(database: Database) -> None:
    booking, payment = await asked(database)
    gateway = PaperGateway()
    await expire(database, booking)
    assert await opened(database, gateway, payment) == []
    assert not gateway.links
    assert (await reload(database, payment)).state == "closed"


async def test_a_hold_that_ran_out_unswept_counts_as_ended(database: Database) -> None:
    _, payment = await asked(database)
    async with database.transaction() as session:
        await advance_clock(session, timedelta(hours=1))
    assert await opened(database, PaperGateway(), payment) == []


async def test_a_provider_that_is_away_is_asked_again(database: Database) -> None:
    _, payment = await asked(database)
    gateway = PaperGateway()
    gateway.trouble = [GatewayError("api_connection_error", retryable=True)]
    with pytest.raises(GatewayError):
        await opened(database, gateway, payment)
    assert (await reload(database, payment)).state == "requested"
    assert len(await opened(database, gateway, payment)) == 1


async def test_a_provider_that_refuses_is_told_to_a_person_once(database: Database) -> None:
    _, payment = await asked(database)
    gateway = PaperGateway()
    failed: list[str] = []

    async def on_open(*_: object) -> None:
        raise AssertionError("there is no link")

    async def on_failed(_: AsyncSession, payment: Payment) -> None:
        failed.append(payment.state)

    for _ in range(2):
        gateway.trouble = [GatewayError("amount_too_small", retryable=False)]
        await links.make_link(database, gateway, payment.business_id, payment.id, on_open=on_open, on_failed=on_failed)
    assert failed == ["failed"]


async def test_a_telling_that_fails_leaves_the_link_to_be_told(database: Database) -> None:
    _, payment = await asked(database)
    gateway = PaperGateway()

    async def on_open(*_: object) -> None:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        await links.make_link(database, gateway, payment.business_id, payment.id, on_open=on_open)
    assert (await reload(database, payment)).state == "requested"
    assert len(await opened(database, gateway, payment)) == 1


async def test_closing_an_open_link_closes_its_page(database: Database) -> None:
    booking, payment = await asked(database)
    gateway = PaperGateway()
    await opened(database, gateway, payment)
    for _ in range(2):
        async with database.transaction() as session:
            await links.close_payment(session, booking.business_id, booking.id, NOW)
    assert await deferred(database, "close_payment_link") == 1
    for _ in range(2):
        await links.expire_link(database, gateway, payment.business_id, payment.id)
    assert set(gateway.closed) == {session_of(payment.id)}
    assert (await reload(database, payment)).state == "closed"
    async with database.transaction() as session:
        assert await links.current_link(session, booking.business_id, booking.id) is None


async def test_a_page_made_while_it_was_closed_is_closed_too(database: Database) -> None:
    booking, payment = await asked(database)

    class Slow(PaperGateway):
        async def open_link(self, wanted: LinkWanted) -> LinkOpened:
            async with database.transaction() as session:
                await links.close_payment(session, booking.business_id, booking.id, NOW)
            return await super().open_link(wanted)

    gateway = Slow()
    assert await opened(database, gateway, payment) == []
    assert await deferred(database, "close_payment_link") == 1
    await links.expire_link(database, gateway, payment.business_id, payment.id)
    assert gateway.closed == [session_of(payment.id)]


async def test_money_whose_webhook_never_came_is_found_when_the_page_is_closed(database: Database) -> None:
    booking, payment = await asked(database)
    gateway = PaperGateway()
    await opened(database, gateway, payment)
    async with database.transaction() as session:
        await links.close_payment(session, booking.business_id, booking.id, NOW)
    gateway.paid[session_of(payment.id)] = session_event(payment).subject
    for _ in range(2):
        await links.expire_link(database, gateway, payment.business_id, payment.id)
    [event] = await kept(database)
    assert event.type == "checkout.session.completed"
    assert await deferred(database, "settle_payment_event") == 1


async def test_after_a_closed_link_there_can_be_another(database: Database) -> None:
    booking, first = await asked(database)
    async with database.transaction() as session:
        await links.close_payment(session, booking.business_id, booking.id, NOW)
        second = await links.request_payment(session, booking, title="Haircut", locale="en", now=NOW)
        assert await links.current_link(session, booking.business_id, booking.id) is second
    assert second.id != first.id
    assert [payment.state for payment in await payments_of(database, booking.id)] == ["closed", "requested"]


async def test_two_asking_at_once_ask_once(database: Database) -> None:
    async with database.transaction() as session:
        booking = await a_hold(session)

    async def ask() -> Any:
        async with database.transaction() as session:
            mine = await session.get_one(type(booking), (booking.business_id, booking.id), with_for_update=True)
            return (await links.request_payment(session, mine, title="Haircut", locale="en", now=NOW)).id

    assert len(set(await asyncio.gather(ask(), ask(), ask()))) == 1

"""From an event to its consequence: never a booking without money, never money without a slot."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from booking_core import booking as bookings
from booking_core.kit.db import Database
from payment_links import events, links, settle
from payment_links.models import PaymentEvent
from payment_links.settle import (
    LinkExpired,
    Nothing,
    Outcome,
    Paid,
    PaidAfterExpiryRetaken,
    PaidButGone,
    PaidTwice,
    PaidWrongAmount,
    Refunded,
    RefundFailed,
)
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
    reload_booking,
    session_event,
    session_of,
)


async def settled(database: Database, told: events.Told, *, now: datetime = NOW) -> Outcome:
    """Keep an event as the webhook does, and settle it as the job does."""
    async with database.transaction() as session:
        await events.keep(session, told, now=now)
    async with database.transaction() as session:
        return await settle.settle_event(session, told.id, now=now)


async def refunded_now(database: Database, payment: Any) -> PaperGateway:
    gateway = PaperGateway()
    await links.make_refund(database, gateway, payment.business_id, payment.id)
    return gateway


async def test_paid_in_time_is_confirmed(database: Database) -> None:
    booking, payment = await asked(database)
    await opened(database, PaperGateway(), payment)
    outcome = await settled(database, session_event(payment))
    assert isinstance(outcome, Paid)
    assert outcome.booking.state == "confirmed"
    assert (await reload_booking(database, booking)).state == "confirmed"
    after = await reload(database, payment)
    assert (after.state, after.intent_id, after.paid_at) == ("paid", f"pi_{payment.id}", NOW)
    async with database.transaction() as session:
        assert await links.paid_amount(session, booking.business_id, booking.id) == 1000
    assert await deferred(database, "refund_payment") == 0


async def test_an_event_is_settled_once(database: Database) -> None:
    _, payment = await asked(database)
    told = session_event(payment)
    outcomes = [await settled(database, told) for _ in range(3)]
    assert [type(outcome) for outcome in outcomes] == [Paid, Nothing, Nothing]
    [event] = await kept(database)
    assert event.handled_at == NOW


async def test_two_workers_settle_an_event_once(database: Database) -> None:
    _, payment = await asked(database)
    told = session_event(payment)
    async with database.transaction() as session:
        await events.keep(session, told, now=NOW)

    async def work() -> Outcome:
        async with database.transaction() as session:
            return await settle.settle_event(session, told.id, now=NOW)

    outcomes = await asyncio.gather(*(work() for _ in range(4)))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Nothing"] * 3 + ["Paid"]


async def test_the_same_money_told_by_two_events_is_the_same_money(database: Database) -> None:
    booking, payment = await asked(database)
    assert isinstance(await settled(database, session_event(payment)), Paid)
    again = session_event(payment, "checkout.session.async_payment_succeeded")
    assert isinstance(await settled(database, again), Nothing)
    assert len(await payments_of(database, booking.id)) == 1


async def test_money_may_come_before_our_record_of_the_page(database: Database) -> None:
    booking, payment = await asked(database)
    assert isinstance(await settled(database, session_event(payment)), Paid)
    assert await opened(database, PaperGateway(), payment) == []  # nobody is asked to pay again
    after = await reload(database, payment)
    assert (after.state, after.session_id) == ("paid", session_of(payment.id))
    assert (await reload_booking(database, booking)).state == "confirmed"


async def test_a_page_that_is_filled_in_but_unpaid_confirms_nothing(database: Database) -> None:
    booking, payment = await asked(database)
    for status in ("unpaid", "no_payment_required", None):
        assert isinstance(await settled(database, session_event(payment, payment_status=status)), Nothing)
    assert (await reload_booking(database, booking)).state == "held"
    assert (await reload(database, payment)).state == "requested"


async def test_paid_after_the_hold_and_still_free_is_taken_back(database: Database) -> None:
    booking, payment = await asked(database)
    await opened(database, PaperGateway(), payment)
    await expire(database, booking)
    async with database.transaction() as session:
        await links.close_payment(session, booking.business_id, booking.id, NOW)
    outcome = await settled(database, session_event(payment))
    assert isinstance(outcome, PaidAfterExpiryRetaken)
    assert (await reload_booking(database, booking)).state == "confirmed"
    assert (await reload(database, payment)).state == "paid"


async def test_paid_after_the_hold_and_taken_goes_back(database: Database) -> None:
    booking, payment = await asked(database)
    await opened(database, PaperGateway(), payment)
    await expire(database, booking)
    async with database.transaction() as session:
        other = await a_hold(session)
    outcome = await settled(database, session_event(payment))
    assert isinstance(outcome, PaidButGone)
    assert (await reload_booking(database, booking)).state == "expired"
    assert (await reload_booking(database, other)).state == "held"
    after = await reload(database, payment)
    assert (after.state, after.refund) == ("paid_late", 1000)
    assert await deferred(database, "refund_payment") == 1
    gateway = await refunded_now(database, payment)
    [wanted] = gateway.refunds.values()
    assert (wanted.intent_id, wanted.amount) == (f"pi_{payment.id}", None)
    assert (await reload(database, payment)).state == "refunded"
    async with database.transaction() as session:
        assert await links.paid_amount(session, booking.business_id, booking.id) == 0


async def test_paid_for_a_time_that_is_past_goes_back(database: Database) -> None:
    booking, payment = await asked(database)
    await expire(database, booking)
    outcome = await settled(database, session_event(payment), now=booking.ends + timedelta(hours=1))
    assert isinstance(outcome, PaidButGone)
    assert (await reload(database, payment)).state == "paid_late"


async def test_paid_for_a_cancelled_booking_goes_back(database: Database) -> None:
    booking, payment = await asked(database)
    async with database.transaction() as session:
        await bookings.cancel(
            session, booking.business_id, booking.id, by="customer", version=None, now=NOW, actor="customer"
        )
    assert isinstance(await settled(database, session_event(payment)), PaidButGone)
    assert (await reload(database, payment)).state == "paid_late"


async def test_paid_for_a_booking_that_staff_confirmed_by_hand_is_kept(database: Database) -> None:
    booking, payment = await asked(database)
    async with database.transaction() as session:
        await bookings.confirm(session, booking.business_id, booking.id, now=NOW, actor="staff:1")
    assert isinstance(await settled(database, session_event(payment)), Paid)
    assert (await reload(database, payment)).state == "paid"


async def test_a_hold_that_the_business_made_longer_is_paid_in_time(database: Database) -> None:
    booking, payment = await asked(database, minutes=10)
    async with database.transaction() as session:
        mine = await session.get_one(type(booking), (booking.business_id, booking.id))
        mine.hold_expires_at = NOW + timedelta(hours=3)
    outcome = await settled(database, session_event(payment), now=NOW + timedelta(hours=2))
    assert isinstance(outcome, Paid)


async def test_a_hold_that_is_over_but_not_swept_yet_is_never_lost(database: Database) -> None:
    booking, payment = await asked(database, minutes=10)
    outcome = await settled(database, session_event(payment), now=NOW + timedelta(minutes=11))
    assert isinstance(outcome, Paid | PaidAfterExpiryRetaken)
    assert (await reload_booking(database, booking)).state == "confirmed"


async def test_the_second_of_two_pages_goes_back(database: Database) -> None:
    booking, first = await asked(database)
    gateway = PaperGateway()
    await opened(database, gateway, first)
    async with database.transaction() as session:
        await links.close_payment(session, booking.business_id, booking.id, NOW)
        second = await links.request_payment(session, booking, title="Haircut", locale="en", now=NOW)
    await opened(database, gateway, second)
    assert isinstance(await settled(database, session_event(first)), Paid)
    assert (await reload(database, second)).state == "closed"  # nobody should pay it any more
    outcome = await settled(database, session_event(second))
    assert isinstance(outcome, PaidTwice)
    assert outcome.payment.id == second.id
    assert [payment.state for payment in await payments_of(database, booking.id)] == ["paid", "paid_late"]
    async with database.transaction() as session:
        assert await links.paid_amount(session, booking.business_id, booking.id) == 1000


async def test_a_second_page_of_the_same_request_goes_back(database: Database) -> None:
    booking, payment = await asked(database)
    assert isinstance(await settled(database, session_event(payment)), Paid)
    stray = session_event(payment, id="cs_stray", payment_intent="pi_stray")
    outcome = await settled(database, stray)
    assert isinstance(outcome, PaidTwice)
    assert outcome.payment.intent_id == "pi_stray"
    assert [each.state for each in await payments_of(database, booking.id)] == ["paid", "paid_late"]
    copy = session_event(payment, id="cs_stray", payment_intent="pi_stray")
    assert isinstance(await settled(database, copy), Nothing)


async def test_two_pages_paid_at_once_keep_one(database: Database) -> None:
    booking, first = await asked(database)
    async with database.transaction() as session:
        await links.close_payment(session, booking.business_id, booking.id, NOW)
        second = await links.request_payment(session, booking, title="Haircut", locale="en", now=NOW)
    outcomes = await asyncio.gather(settled(database, session_event(first)), settled(database, session_event(second)))
    assert {type(outcome) for outcome in outcomes} == {Paid, PaidTwice}
    assert sorted(payment.state for payment in await payments_of(database, booking.id)) == ["paid", "paid_late"]


@pytest.mark.parametrize(
    "change", [{"amount_total": 999}, {"amount_total": 1001}, {"currency": "usd"}, {"amount_total": None}]
)
async def test_another_amount_than_asked_for_confirms_nothing_and_goes_back(
    database: Database, change: dict[str, Any]
) -> None:
    booking, payment = await asked(database)
    outcome = await settled(database, session_event(payment, **change))
    assert isinstance(outcome, PaidWrongAmount)
    assert (await reload_booking(database, booking)).state == "held"
    assert (await reload(database, payment)).state == "paid_late"
    [wanted] = (await refunded_now(database, payment)).refunds.values()
    assert wanted.amount is None  # all that came, whatever it was


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {}},
        {"metadata": None},
        {"metadata": {"business_id": "x", "payment_id": "y"}},
        {"metadata": {"business_id": "0" * 32, "payment_id": "0" * 32}},
    ],
)
async def test_what_is_not_ours_is_kept_and_left_alone(database: Database, change: dict[str, Any]) -> None:
    booking, payment = await asked(database)
    assert isinstance(await settled(database, session_event(payment, **change)), Nothing)
    assert (await reload_booking(database, booking)).state == "held"
    [event] = await kept(database)
    assert event.handled_at is not None


async def _told_by(database: Database, whose: UUID, told: events.Told) -> Outcome:
    """Keep an event that came from an account of a business's own, and settle it."""
    async with database.transaction() as session:
        await events.keep(session, told, now=NOW, whose=whose)
    async with database.transaction() as session:
        return await settle.settle_event(session, f"{whose}:{told.id}", now=NOW)


async def test_an_account_of_ones_own_tells_of_ones_own_payments_only(database: Database) -> None:
    """Whoever owns the account can write any metadata into it, and sign what they like."""
    booking, payment = await asked(database)
    await opened(database, PaperGateway(), payment)
    stranger = uuid4()
    assert isinstance(await _told_by(database, stranger, session_event(payment)), Nothing)
    refund = refund_event(payment, "succeeded", metadata={})
    assert isinstance(await _told_by(database, stranger, refund), Nothing)
    assert (await reload_booking(database, booking)).state == "held"
    assert (await reload(database, payment)).state == "open"
    assert all(event.handled_at is not None for event in await kept(database))
    assert isinstance(await _told_by(database, payment.business_id, session_event(payment)), Paid)
    assert (await reload_booking(database, booking)).state == "confirmed"


async def test_an_event_nobody_kept_is_nothing(database: Database) -> None:
    async with database.transaction() as session:
        assert isinstance(await settle.settle_event(session, "evt_unheard", now=NOW), Nothing)


async def test_a_page_that_the_provider_ended_is_told(database: Database) -> None:
    _, payment = await asked(database)
    await opened(database, PaperGateway(), payment)
    ended = "checkout.session.expired"
    assert isinstance(await settled(database, session_event(payment, ended)), LinkExpired)
    assert isinstance(await settled(database, session_event(payment, ended)), Nothing)
    assert (await reload(database, payment)).state == "closed"


async def test_an_older_pages_end_says_nothing_of_the_newer(database: Database) -> None:
    booking, first = await asked(database)
    gateway = PaperGateway()
    await opened(database, gateway, first)
    async with database.transaction() as session:
        await links.close_payment(session, booking.business_id, booking.id, NOW)
        second = await links.request_payment(session, booking, title="Haircut", locale="en", now=NOW)
    await opened(database, gateway, second)
    assert isinstance(await settled(database, session_event(first, "checkout.session.expired")), Nothing)
    assert (await reload(database, second)).state == "open"


async def test_a_late_end_of_a_paid_page_changes_nothing(database: Database) -> None:
    booking, payment = await asked(database)
    await settled(database, session_event(payment))
    assert isinstance(await settled(database, session_event(payment, "checkout.session.expired")), Nothing)
    assert (await reload_booking(database, booking)).state == "confirmed"


def refund_event(payment: Any, status: str, **change: Any) -> events.Told:
    subject = {
        "id": "re_1",
        "object": "refund",
        "status": status,
        "amount": 1000,
        "payment_intent": f"pi_{payment.id}",
        "metadata": {"business_id": str(payment.business_id), "payment_id": str(payment.id)},
    }
    return events.Told(f"evt_refund_{status}", "refund.updated", subject | change)


async def test_a_refund_that_takes_its_time_ends_when_the_provider_says_so(database: Database) -> None:
    booking, payment = await asked(database)
    await settled(database, session_event(payment))
    async with database.transaction() as session:
        assert await links.refund_for_cancellation(session, booking, 1000, NOW) == 1000
    assert isinstance(await settled(database, refund_event(payment, "pending")), Nothing)
    assert isinstance(await settled(database, refund_event(payment, "succeeded")), Refunded)
    assert (await reload(database, payment)).state == "refunded"


async def test_a_refund_that_the_bank_sends_back_goes_to_a_person(database: Database) -> None:
    booking, payment = await asked(database)
    await settled(database, session_event(payment))
    async with database.transaction() as session:
        await links.refund_for_cancellation(session, booking, 500, NOW)
    assert isinstance(await settled(database, refund_event(payment, "failed")), RefundFailed)


async def test_a_refund_made_in_stripes_dashboard_is_noticed(database: Database) -> None:
    booking, payment = await asked(database)
    await settled(database, session_event(payment))
    charge = {"id": "ch_1", "object": "charge", "amount_refunded": 400, "payment_intent": f"pi_{payment.id}"}
    outcome = await settled(database, events.Told("evt_charge", "charge.refunded", charge))
    assert isinstance(outcome, Refunded)
    async with database.transaction() as session:
        assert await links.paid_amount(session, booking.business_id, booking.id) == 600


async def test_what_is_kept_names_nobody(database: Database) -> None:
    _, payment = await asked(database)
    details = {"email": "eva@example.org", "name": "Eva"}
    await settled(database, session_event(payment, customer_details=details, customer_email="eva@example.org"))
    async with database.transaction() as session:
        [event] = [await session.get_one(PaymentEvent, each.id) for each in await kept(database)]
    assert "eva" not in str(event.payload).lower()

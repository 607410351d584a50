"""Holding a time: who gets it, who is told what, and what gives way."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from booking_core import booking
from booking_core.models import Allocation, BookingAudit, Reminder, State
from booking_core.refusals import BookingRefused, Reason
from tests.booking_core.shop import MONDAY, NOW, Shop, at, open_shop


async def refused(awaitable, reason: Reason) -> BookingRefused:
    with pytest.raises(BookingRefused) as caught:
        await awaitable
    assert caught.value.reason == reason
    return caught.value


async def test_a_hold_takes_the_time_until_it_runs_out(shop: Shop) -> None:
    held = await shop.hold("10:00")
    assert held.state == State.HELD
    assert held.hold_expires_at == NOW + timedelta(minutes=15)
    assert (held.due, held.price, held.version) == (1000, 2800, 1)
    assert await shop.clocks() == ["09:00", "11:00", "12:00"]
    assert await shop.clocks(now=NOW + timedelta(minutes=15)) == ["09:00", "10:00", "11:00", "12:00"]


async def test_without_payment_it_is_booked_at_once(shop: Shop) -> None:
    booked = await shop.hold("10:00", service="trim", staff="Ana", now=NOW)
    assert booked.state == State.CONFIRMED
    assert booked.hold_expires_at is None
    kinds = await shop.session.scalars(select(Reminder.kind))
    assert list(kinds) == ["2h"]  # a day before is past already


async def test_the_buffer_is_taken_too(shop: Shop) -> None:
    held = await shop.hold("10:00", service="colour")
    assert held.ends == at("11:00")
    during = await shop.session.scalar(select(Allocation.during))
    assert (during.lower, during.upper) == (at("10:00"), at("11:15"))


async def test_the_other_one_hears_why(shop: Shop) -> None:  # 54
    held = await shop.hold("10:00")
    await refused(shop.hold("10:00"), Reason.HELD)
    await refused(shop.hold("10:30"), Reason.HELD)
    await refused(shop.hold("10:20", service="trim"), Reason.HELD)
    await booking.confirm(shop.session, shop.business_id, held.id, now=NOW, actor="system")
    await refused(shop.hold("10:00"), Reason.STAFF_BUSY)
    assert (await shop.hold("11:00")).starts == at("11:00")  # touching is not overlapping
    assert await shop.allocations() == 2


async def test_own_hold_gives_way_and_is_written_down(shop: Shop) -> None:  # 54
    me = await shop.customer()
    first = await shop.hold("10:00", customer=me)
    assert "10:00" in await shop.clocks(customer_id=me)
    second = await shop.hold("10:00", service="colour", customer=me)
    assert first.state == State.CANCELLED_BY_CUSTOMER
    assert second.state == State.HELD
    assert await shop.allocations() == 1
    record = await shop.session.scalar(select(BookingAudit).where(BookingAudit.booking_id == second.id))
    assert record.data == {"given_up": [str(first.id)]}


async def test_own_paid_booking_does_not_give_way(shop: Shop) -> None:
    me = await shop.customer()
    first = await shop.hold("10:00", customer=me)
    await booking.confirm(shop.session, shop.business_id, first.id, now=NOW, actor="system")
    await refused(shop.hold("10:00", customer=me), Reason.STAFF_BUSY)


async def test_a_lapsed_hold_gives_way_before_the_sweep(shop: Shop) -> None:
    old = await shop.hold("10:00")
    late = NOW + timedelta(minutes=15)
    new = await shop.hold("10:00", now=late)
    assert (old.state, new.state) == (State.EXPIRED, State.HELD)
    assert await booking.expire_due(shop.session, now=late) == []
    assert await shop.allocations() == 1


async def test_expiry_takes_only_what_ran_out(shop: Shop) -> None:  # 54
    old = await shop.hold("10:00")
    young = await shop.hold("11:00", now=NOW + timedelta(minutes=1))
    gone = await booking.expire_due(shop.session, now=NOW + timedelta(minutes=15))
    assert gone == [old]
    assert (old.state, old.hold_expires_at, young.state) == (State.EXPIRED, None, State.HELD)
    assert await booking.expire_due(shop.session, now=NOW + timedelta(minutes=15)) == []


async def test_the_same_key_is_the_same_booking(shop: Shop) -> None:
    maria = await shop.customer()
    one = await shop.hold("10:00", key="turn-1", customer=maria)
    again = await shop.hold("10:00", key="turn-1", customer=maria)
    assert again is one
    assert await shop.allocations() == 1


async def test_anyone_is_whoever_has_least_to_do(shop: Shop) -> None:
    assert (await shop.hold("09:00", staff=None)).staff_id == shop.staff["Ana"]
    assert (await shop.hold("10:00", staff=None)).staff_id == shop.staff["Bruno"]
    assert (await shop.hold("10:00", staff=None)).staff_id == shop.staff["Ana"]
    await refused(shop.hold("10:00", staff=None), Reason.HELD)


async def test_refusals_name_their_reason(session) -> None:
    shop = await open_shop(session, policy={"lead_time": 120, "booking_window": 2})
    soon = await refused(shop.hold(at("09:00")), Reason.TOO_SOON)
    assert soon.data["earliest"] == at("09:30")
    await refused(shop.hold(at("07:00")), Reason.PAST)
    far = await refused(shop.hold(at("10:00", MONDAY + timedelta(days=3))), Reason.TOO_FAR)
    assert far.data["latest"] == at("00:00", MONDAY + timedelta(days=3))
    await refused(shop.hold(at("12:30")), Reason.OUTSIDE_HOURS)
    await refused(shop.hold(at("10:00").replace(second=5)), Reason.OFF_GRID)
    shop.services["cut"] = shop.business_id
    await refused(shop.hold(at("10:00")), Reason.UNKNOWN)


async def test_lead_time_is_inclusive(session) -> None:
    shop = await open_shop(session, policy={"lead_time": 90})
    assert (await shop.hold("09:00")).starts == at("09:00")
    await refused(shop.hold("09:00", now=NOW + timedelta(seconds=1)), Reason.TOO_SOON)


async def test_a_refusal_leaves_the_transaction_usable(shop: Shop) -> None:
    held = await shop.hold("10:00")
    await refused(shop.hold("10:00"), Reason.HELD)
    assert held.starts == at("10:00")
    assert (await shop.hold("11:00")).state == State.HELD

"""Holding a time: who gets it, who is told what, and what gives way."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking
from booking_core.calendar import find_places
from booking_core.kit.db import savepoint
from booking_core.kit.ids import new_id
from booking_core.making import Making, _insert
from booking_core.models import Allocation, BookingAudit, Business, Reminder, State
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
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


async def test_whoever_is_too_late_writes_nothing(shop: Shop) -> None:
    """Not even what is taken back: a crowd after one time would leave the tables full of dead rows."""
    await shop.hold("10:00")
    before = await written(shop)
    assert before == {"allocation": 1, "booking": 1, "booking_audit": 1}
    await refused(shop.hold("10:00"), Reason.HELD)
    assert await written(shop) == before


async def written(shop: Shop) -> dict[str, int]:
    """Return how many rows this transaction has put into each table of bookings, were they taken back or not."""
    rows = await shop.session.execute(
        text(
            "SELECT relname, n_tup_ins FROM pg_stat_xact_user_tables "
            "WHERE relname IN ('allocation', 'booking', 'booking_audit')"
        )
    )
    return dict(rows.tuples().all())


async def test_of_several_times_none_is_kept_where_one_is_taken_meanwhile(session: AsyncSession) -> None:
    """Two come at once; between our look and our try somebody takes one of the two people."""
    shop = await open_shop(session, services={"cut": {"duration": 60, "slot_interval": 60, "price": 1, "max_party": 2}})
    both = Making(
        await shop.catalog(),
        VisitRequest(service_ids=(shop.services["cut"],), party=2),
        await shop.customer(),
        None,
        key="both",
        actor="customer",
    )
    [place, *_] = await find_places(shop.session, both.catalog, wanted=both.request, starts=at("10:00"), now=NOW)
    await shop.hold("10:00", staff="Bruno")
    assert await _insert(shop.session, both, place, now=NOW) is None
    assert await shop.allocations() == 1
    assert (await shop.hold("10:00", staff="Ana")).staff_id == shop.staff["Ana"]


async def test_whose_time_it_is_is_known_by_the_end_of_the_transaction(shop: Shop) -> None:
    nobodys = (
        "INSERT INTO allocation (business_id, id, booking_id, calendar_no, during) "
        "VALUES (:business, :id, :id, -1, '[2027-01-01,2027-01-02)')"
    )
    with pytest.raises(DBAPIError, match="fk_allocation_business_id_booking_id_booking"):
        await takes_for_nobody(shop, nobodys)


async def takes_for_nobody(shop: Shop, statement: str) -> None:
    async with savepoint(shop.session):
        await shop.session.execute(text(statement), {"business": shop.business_id, "id": new_id()})
        await shop.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


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


async def test_subscribers_are_looked_for_only_where_there_are_some(shop: Shop) -> None:
    asked = text("SELECT told FROM booking_audit WHERE booking_id = :id")
    before = await shop.hold("10:00")
    business = await shop.session.get_one(Business, shop.business_id)
    business.has_subscribers = True
    await shop.session.flush()
    after = await shop.hold("11:00")
    assert [await shop.session.scalar(asked, {"id": one.id}) for one in (before, after)] == [False, True]
    await shop.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    events = await shop.session.execute(text("SELECT booking_id, move FROM booking_event"))
    assert events.tuples().all() == [(after.id, "hold")]


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

"""Cases that other programs of this kind learned the hard way, on the database; each with its number in our list."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking, offering, series, waitlist
from booking_core.kit.db import Database
from booking_core.models import BookingAudit, State
from booking_core.refusals import BookingRefused, Reason
from booking_core.series import OnConflict
from tests.booking_core.house import MONDAY, NOW, House, at, open_house

HOUSE = """
business: {slug: cases, name: Cases, timezone: Europe/Madrid, currency: EUR, locale: en-GB, policy: {lead_time: 0}}
locations: [{name: Here, address: Street 1}]
services:
  - {name: Cut, duration: 30, slot_interval: 30, price: "30.00"}
  - {name: Paid, duration: 30, slot_interval: 30, price: "30.00", payment: full}
  - {name: Pair, duration: 60, staff: [main, assistant], price: "60.00"}
  - {name: Team, duration: 60, staff: everyone, price: "60.00"}
  - {name: Talk, duration: 25, slot_interval: 30, slot_offset: 5, price: "0.00"}
  - {name: Asked, duration: 30, slot_interval: 30, approval: true, price: "0.00"}
  - {name: Class, duration: 60, slot_interval: 60, capacity: 5, price: "10.00", payment: full}
staff:
  - {name: Ana, hours: {mon-sun: "9:00-12:00"},
     services: {Cut: , Paid: , Pair: , Team: , Asked: , Class: }}
  - {name: Bruno, hours: {mon-sun: "9:00-12:00"}, services: {Cut: , Pair: {role: assistant}, Team: , Talk: }}
"""


@pytest.fixture
async def house(session: AsyncSession, tmp_path: Path) -> House:
    return await open_house(session, tmp_path, HOUSE)


async def refused(awaitable: Awaitable[Any], reason: Reason) -> BookingRefused:
    with pytest.raises(BookingRefused) as caught:
        await awaitable
    assert caught.value.reason == reason
    return caught.value


async def test_a_service_begins_so_many_minutes_after_round_times(house: House) -> None:  # 7
    assert await house.clocks("Talk") == ["09:05", "09:35", "10:05", "10:35", "11:05", "11:35"]
    one = await house.book("09:35", "Talk")
    assert one.ends == at("10:00")
    assert await house.clocks("Talk") == ["09:05", "10:05", "10:35", "11:05", "11:35"]


async def test_a_window_counts_business_days_and_offers_the_weekend(
    session: AsyncSession, tmp_path: Path
) -> None:  # 19
    file = HOUSE.replace("lead_time: 0", "lead_time: 0, booking_window: 2, booking_window_days: business")
    friday = date(2026, 11, 27)
    house = await open_house(session, tmp_path, file, now=at("07:00", friday))
    found = await house.free("Cut", staff="Ana", day=friday, days=7, now=at("07:00", friday), limit=100)
    days = {slot.starts.astimezone(ZoneInfo("Europe/Madrid")).date() for slot in found.slots}
    assert days == {friday + timedelta(days=n) for n in range(5)}
    late = house.book("09:00", "Cut", day=friday + timedelta(days=5), now=at("07:00", friday))
    await refused(late, Reason.TOO_FAR)


@pytest.mark.parametrize("together", ["Pair", "Team"])
async def test_who_only_takes_part_is_busy(house: House, together: str) -> None:  # 42
    one = await house.book("10:00", together)
    assert one.staff_id == house.person("Ana")
    assert await house.clocks("Cut", staff="Bruno") == ["09:00", "09:30", "11:00", "11:30"]
    await refused(house.book("10:30", "Cut", staff="Bruno"), Reason.STAFF_BUSY)
    await house.cancel(one)
    own = await house.book("10:30", "Cut", staff="Bruno")
    await refused(house.book("10:00", together), Reason.STAFF_BUSY)
    await house.cancel(own)
    assert "10:00" in await house.clocks(together)


async def test_what_goes_in_the_same_change_is_not_in_the_way(house: House) -> None:  # 43
    first = await house.book("09:00", "Cut", staff="Ana")
    second = await house.book("09:30", "Cut", staff="Ana")
    third = await house.book("10:00", "Cut", staff="Ana")
    await refused(house.move(first, "09:30", staff="Ana"), Reason.STAFF_BUSY)
    await house.cancel(second)
    await house.move(first, "09:30", staff="Ana")
    await house.move(third, "09:00", staff="Ana")
    await refused(house.move(third, "09:30", staff="Ana"), Reason.STAFF_BUSY)
    assert "10:00" in await house.clocks("Cut", staff="Ana")


async def test_a_hold_hides_its_time_in_every_list_but_its_own(house: House) -> None:  # 54
    maria, other = await house.customer(), await house.customer("Otto")
    one = await house.book("10:00", "Paid", staff="Ana", customer=maria)
    assert one.state == State.HELD
    for service in ("Paid", "Cut", "Asked"):
        assert "10:00" not in await house.clocks(service, staff="Ana", customer=other)
        assert "10:00" in await house.clocks(service, staff="Ana", customer=maria)
    expired = one.hold_expires_at
    assert expired is not None
    assert "10:00" not in await house.clocks("Cut", staff="Ana", now=expired - timedelta(minutes=1))
    assert "10:00" in await house.clocks("Cut", staff="Ana", now=expired)  # nobody has tidied up yet


async def test_a_held_seat_is_one_of_five(house: House) -> None:  # 54
    await house.book("10:00", "Class", customer=await house.customer())
    found = await house.free("Class", customer=await house.customer("Otto"))
    assert {at("10:00"): 4} == {slot.starts: slot.seats_left for slot in found.slots if slot.session_id is not None}


async def test_two_requests_for_one_time_are_agreed_to_at_once(database: Database, tmp_path: Path) -> None:  # 58
    async with database.transaction() as session:
        house = await open_house(session, tmp_path, HOUSE.replace("lead_time: 0", "lead_time: 0, approval_hours: 1"))
        first = await house.book("10:00", "Asked")
        late = first.hold_expires_at
        assert late == NOW + timedelta(hours=1)
        # As long as the first one waits for its answer nobody else can ask for the same time.
        await refused(house.book("10:00", "Asked", now=late - timedelta(minutes=1)), Reason.HELD)
        second = await house.book("10:00", "Asked", now=late)
        known, ids = house.business_id, [first.id, second.id]

    async def agree(booking_id: UUID) -> str:
        try:
            async with database.transaction() as session:
                one = await booking.approve(session, known, booking_id, version=None, now=late, actor="staff:x")
                return str(one.state)
        except BookingRefused as error:
            return error.reason.value

    said = await asyncio.gather(*(agree(one) for one in ids * 4))
    assert Counter(said) == {"confirmed": 4, "not_now": 4}
    async with database.transaction() as session:
        states = [(await booking.load(session, known, one)).state for one in ids]
        moves = await session.scalars(select(BookingAudit.move).where(BookingAudit.booking_id == ids[1]))
        assert sorted(moves) == ["approve", "request"]
    assert states == [State.EXPIRED, State.CONFIRMED]


async def two_first(database: Database, house: House, key: str) -> str:
    async with database.transaction() as session:
        mine = House(session, house.business_id, house.known)
        one = await mine.book("11:00", "Class", key=key)
        return str(one.session_id)


async def test_two_first_bookers_of_an_empty_class(database: Database, tmp_path: Path) -> None:  # 58
    async with database.transaction() as session:
        house = await open_house(session, tmp_path, HOUSE)
    began = await asyncio.gather(*(two_first(database, house, f"k{n}") for n in range(2)))
    assert len(set(began)) == 1
    async with database.transaction() as session:
        found = await House(session, house.business_id, house.known).free("Class")
    assert {at("11:00"): 3} == {slot.starts: slot.seats_left for slot in found.slots if slot.session_id is not None}


async def a_series(house: House, count: int, on_conflict: OnConflict) -> series.Series:
    return await series.hold_series(
        house.session, catalog=house.known, wanted=house.wanted("Cut", staff="Ana"), starts=at("09:00"),
        rule=f"FREQ=WEEKLY;COUNT={count}", on_conflict=on_conflict, customer_id=await house.customer(),
        conversation_id=None, key=f"series-{count}", now=NOW,
    )  # fmt: skip


async def test_one_of_two_dates_in_conflict(house: House) -> None:  # 61
    await house.book("09:00", "Cut", staff="Ana", day=MONDAY + timedelta(days=7))
    error = await refused(a_series(house, 2, OnConflict.REFUSE), Reason.STAFF_BUSY)
    assert [one["number"] for one in error.data["conflicts"]] == [2]  # so that leaving it out can be offered
    made = await a_series(house, 2, OnConflict.SKIP)
    assert len(await series.load_series(house.session, house.business_id, made.id)) == 1


async def test_a_single_date_in_conflict_can_be_waited_for(house: House) -> None:  # 61
    taken = await house.book("09:00", "Cut", staff="Ana")
    for way in (OnConflict.REFUSE, OnConflict.SKIP):  # leaving out the only one would leave nothing
        await refused(a_series(house, 1, way), Reason.STAFF_BUSY)
    entry = await waitlist.join(
        house.session, catalog=house.known, wanted=house.wanted("Cut", staff="Ana"),
        windows=[(at("09:00"), at("09:01"))], customer_id=await house.customer("Otto"), conversation_id=None,
        key="wait", now=NOW,
    )  # fmt: skip
    await house.cancel(taken)
    looked = await offering.offer_freed(house.session, house.business_id, now=NOW)
    assert [(one.entry.id, one.booking.starts) for one in looked.offers] == [(entry.id, at("09:00"))]


async def test_the_third_of_three_moves(house: House) -> None:  # 61
    made = await a_series(house, 3, OnConflict.REFUSE)
    third = made.occurrences[2].booking
    assert third is not None
    await house.move(third, "10:00", day=third.starts.date())
    members = await series.load_series(house.session, house.business_id, made.id)
    assert [(one.series_no, f"{one.starts.astimezone(ZoneInfo('Europe/Madrid')):%d %H}") for one in members] == [
        (1, "23 09"), (2, "30 09"), (3, "07 10"),
    ]  # fmt: skip
    assert await house.taken() == 3

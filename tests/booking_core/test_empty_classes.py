"""A class that began with a booking ends with its last one; a class of the timetable takes place all the same."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking, sessions
from booking_core.kit.db import Database
from booking_core.models import Booking, ClassSession
from tests.booking_core.checker import findings
from tests.booking_core.house import NOW, House, at, open_house
from tests.booking_core.tables import load_tables


@pytest.fixture
async def house(session: AsyncSession, tmp_path: Path) -> House:
    return await open_house(session, tmp_path)


async def states(house: House, service: str) -> list[str]:
    query = select(ClassSession.state).where(
        ClassSession.service_id == house.service(service), ClassSession.starts < at("00:00") + timedelta(days=1)
    )
    return list(await house.session.scalars(query.order_by(ClassSession.starts)))


async def test_its_teacher_is_free_again(house: House) -> None:
    first = await house.book("09:00", "Workshop")
    second = await house.book("09:00", "Workshop")
    await house.cancel(first)
    assert "09:00" not in await house.clocks("Cut", staff="Ana")
    await house.cancel(second)
    assert await states(house, "Workshop") == ["ended"]
    assert "09:00" in await house.clocks("Cut", staff="Ana")
    assert "09:00" in await house.clocks("Workshop")


async def test_it_begins_anew(house: House) -> None:
    first = await house.book("09:00", "Workshop")
    await house.cancel(first)
    again = await house.book("09:00", "Workshop", party=4)
    assert (again.session_id, await states(house, "Workshop")) == (first.session_id, ["open"])
    assert "09:00" not in await house.clocks("Cut", staff="Ana")
    assert findings(await load_tables(house.session, house.business_id)) == []


async def test_a_class_that_the_business_cancelled_begins_anew(house: House) -> None:
    first = await house.book("09:00", "Workshop")
    await sessions.cancel_class(house.session, house.business_id, first.session_id, now=NOW, actor="staff:x")
    assert "09:00" in await house.clocks("Workshop")
    assert (await house.book("09:00", "Workshop")).session_id == first.session_id


async def test_whoever_moves_ends_the_class_that_they_leave(house: House) -> None:
    one = await house.book("09:00", "Workshop")
    was = one.session_id
    moved = await house.move(one, "11:00")
    assert moved.session_id != was
    assert await states(house, "Workshop") == ["ended", "open"]
    same = await house.move(moved, "11:00")
    assert (same.session_id, await states(house, "Workshop")) == (moved.session_id, ["ended", "open"])
    assert findings(await load_tables(house.session, house.business_id)) == []


async def test_a_hold_that_runs_out_ends_it(house: House) -> None:
    one = await house.book("09:00", "Workshop")
    one.state, one.hold_expires_at = "held", NOW
    await house.session.flush()
    await booking.expire_due(house.session, now=NOW)
    assert await states(house, "Workshop") == ["ended"]


async def test_who_takes_the_seat_of_a_hold_that_ran_out_goes_on_in_its_class(house: House) -> None:
    lapsed = await house.book("09:00", "Workshop", party=4)
    lapsed.state, lapsed.hold_expires_at = "held", NOW
    await house.session.flush()
    taken = await house.book("09:00", "Workshop", party=4)
    assert (taken.session_id, await states(house, "Workshop")) == (lapsed.session_id, ["open"])
    assert "09:00" not in await house.clocks("Cut", staff="Ana")


async def test_a_class_of_the_timetable_takes_place_without_guests(house: House) -> None:
    one = await house.book("12:00", "Yoga")
    await house.cancel(one)
    assert await states(house, "Yoga") == ["open"]
    assert "12:00" in await house.clocks("Yoga")


async def test_whoever_comes_as_a_class_begins_has_a_seat_in_it(database: Database, tmp_path: Path) -> None:
    """It was not there at the first look, and at the second its teacher was taken: by it."""
    async with database.transaction() as session:
        house = await open_house(session, tmp_path)

    async def book(session: AsyncSession) -> Booking:
        customer = await replace(house, session=session).customer()
        return await replace(house, session=session).book("09:00", "Workshop", key=f"w-{customer}", customer=customer)

    async def gate() -> None:
        async with database.transaction() as session:
            await session.execute(text("LOCK TABLE allocation IN ACCESS EXCLUSIVE MODE"))

    async def other() -> Booking:
        async with database.transaction() as session:
            return await book(session)

    async with database.transaction() as session:
        first = await book(session)
        closed = asyncio.create_task(gate())
        await _until_so_many_wait(session, 1)
        second = asyncio.create_task(other())
        await _until_so_many_wait(session, 2)  # it has seen no class, and asks who is taken
    await closed
    assert (await second).session_id == first.session_id


async def _until_so_many_wait(session: AsyncSession, count: int) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_locks WHERE relation = 'allocation'::regclass AND NOT granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    while await session.scalar(waiting) < count:
        await asyncio.sleep(0.01)

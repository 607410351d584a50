"""Many at once for one time: the constraint lets one have it, and without it the test sees the harm."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from booking_core import booking, calendar, catalog, customers
from booking_core.kit.db import Database
from booking_core.models import Booking, State
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from tests.booking_core.shop import NOW, Shop, at, open_shop

CONNECTIONS = 16
ATTEMPTS = 200

_DOUBLE = text(
    "SELECT count(*) FROM allocation a JOIN allocation b "
    "ON a.calendar_no = b.calendar_no AND a.during && b.during AND a.id < b.id"
)


@pytest.fixture
async def crowd(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=CONNECTIONS // 2)
    yield database
    await database.close()


async def a_shop(db: Database, **more: Any) -> Shop:
    async with db.transaction() as session:
        return await open_shop(session, **more)


async def attempt(
    db: Database,
    shop: Shop,
    number: int,
    *,
    clock: str = "10:00",
    service: str = "cut",
    staff: str | None = "Ana",
    key: str | None = None,
    now=NOW,
    together: asyncio.Barrier | None = None,
) -> Booking | tuple[Reason, list[calendar.Slot]]:
    """Try to hold, as a customer's turn does: the booking, or the reason and what else is free."""
    async with db.transaction() as session:
        known = await catalog.load_catalog(session, shop.business_id)
        someone = await customers.load_or_create(session, shop.business_id, None, name="x", locale=None, now=now)
        wanted = VisitRequest.one(shop.services[service], shop.staff[staff] if staff else None)
        try:
            made = await booking.hold(
                session,
                catalog=known,
                wanted=wanted,
                starts=at(clock),
                customer_id=someone.id,
                conversation_id=None,
                key=key or f"attempt-{number}",
                now=now,
            )
        except BookingRefused as refused:
            windows = [(at("00:00"), at("00:00") + timedelta(days=1))]
            free = await calendar.free_slots(session, known, wanted=wanted, windows=windows, now=now)
            return refused.reason, free.slots
        async with together or nullcontext():
            return made


async def double_bookings(db: Database) -> int:
    async with db.transaction() as session:
        return await session.scalar(_DOUBLE)


def sorted_out(results: list[Any]) -> tuple[list[Booking], list[tuple[Reason, list[calendar.Slot]]]]:
    won = [one for one in results if isinstance(one, Booking)]
    return won, [one for one in results if not isinstance(one, Booking)]


async def test_two_hundred_want_one_time(crowd: Database) -> None:  # 55
    shop = await a_shop(crowd)
    won, lost = sorted_out(await asyncio.gather(*(attempt(crowd, shop, n) for n in range(ATTEMPTS))))
    assert (len(won), len(lost)) == (1, ATTEMPTS - 1)
    assert {reason for reason, _ in lost} == {Reason.HELD}
    for _, others in lost:
        assert [slot.starts for slot in others] == [at("09:00"), at("11:00"), at("12:00")]
    assert await double_bookings(crowd) == 0


async def test_without_the_constraint_the_same_crowd_books_twice(crowd: Database) -> None:
    """The negative control: what guards is the constraint, and this test would notice its absence."""
    shop = await a_shop(crowd)
    async with crowd.transaction() as session:
        await session.execute(text("ALTER TABLE allocation DROP CONSTRAINT ex_allocation_calendar_during"))
    # The first ones all look before any of them has committed, as the unlucky ones of a real crowd do.
    together = asyncio.Barrier(CONNECTIONS)
    results = await asyncio.gather(
        *(attempt(crowd, shop, n, together=together if n < CONNECTIONS else None) for n in range(ATTEMPTS))
    )
    won, _ = sorted_out(results)
    assert len(won) >= CONNECTIONS
    assert await double_bookings(crowd) > 1


async def test_overlapping_starts_and_services(crowd: Database) -> None:  # 55
    shop = await a_shop(crowd)
    wishes = [("10:00", "cut"), ("10:15", "cut"), ("10:20", "trim"), ("09:30", "colour"), ("10:30", "colour")] * 12
    tries = (attempt(crowd, shop, n, clock=clock, service=service) for n, (clock, service) in enumerate(wishes))
    won, lost = sorted_out(await asyncio.gather(*tries))
    assert 1 <= len(won) <= 2
    assert {reason for reason, _ in lost} <= {Reason.HELD, Reason.STAFF_BUSY}
    assert await double_bookings(crowd) == 0


async def test_anyone_means_as_many_as_there_are_people(crowd: Database) -> None:
    shop = await a_shop(crowd, people=("Ana", "Bruno", "Carla"))
    won, lost = sorted_out(await asyncio.gather(*(attempt(crowd, shop, n, staff=None) for n in range(60))))
    assert {one.staff_id for one in won} == set(shop.staff.values())
    assert (len(won), len(lost)) == (3, 57)
    assert await double_bookings(crowd) == 0


async def test_one_command_many_times(crowd: Database) -> None:
    shop = await a_shop(crowd)
    won, lost = sorted_out(await asyncio.gather(*(attempt(crowd, shop, n, key="same") for n in range(40))))
    # The key is the first customer's: whoever else comes with it is refused, and never gets their booking.
    assert len(won) == 1
    assert {reason for reason, _ in lost} <= {Reason.HELD, Reason.KEY_REUSED}
    assert await double_bookings(crowd) == 0


async def test_a_lapsed_hold_gives_way_to_one(crowd: Database) -> None:
    shop = await a_shop(crowd)
    old = await attempt(crowd, shop, 1000)
    late = NOW + timedelta(minutes=15)

    async def sweep() -> None:
        async with crowd.transaction() as session:
            await booking.expire_due(session, now=late)

    results = await asyncio.gather(
        *(attempt(crowd, shop, n, now=late) for n in range(50)), *(sweep() for _ in range(5))
    )
    won, _ = sorted_out([one for one in results if one is not None])
    assert len(won) == 1
    async with crowd.transaction() as session:
        assert (await booking.load(session, shop.business_id, old.id)).state == State.EXPIRED
        told = await session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name='tell_hold_expired'"))
    assert told == 1
    assert await double_bookings(crowd) == 0


async def test_paying_against_expiring(crowd: Database) -> None:
    shop = await a_shop(crowd)
    late = NOW + timedelta(minutes=15)
    for n, clock in enumerate(("09:00", "10:00", "11:00", "12:00")):
        held = await attempt(crowd, shop, n, clock=clock)

        async def pay(held: Booking = held) -> str:
            async with crowd.transaction() as session:
                try:
                    await booking.confirm(session, shop.business_id, held.id, now=late, actor="system")
                except BookingRefused:
                    await booking.retake(session, shop.business_id, held.id, now=late)
            return "paid"

        async def expire() -> None:
            async with crowd.transaction() as session:
                await booking.expire_due(session, now=late)

        await asyncio.gather(expire(), pay(), pay(), expire())
        async with crowd.transaction() as session:
            assert (await booking.load(session, shop.business_id, held.id)).state == State.CONFIRMED
    async with crowd.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM allocation")) == 4
        assert await session.scalar(text("SELECT count(*) FROM reminder")) == 3  # two hours before nine is past


async def test_two_bookings_that_want_each_others_place(crowd: Database) -> None:
    shop = await a_shop(crowd)
    first, second = [await attempt(crowd, shop, n, clock=clock) for n, clock in enumerate(("09:00", "10:00"))]

    async def move(one: Booking, clock: str) -> Reason | None:
        async with crowd.transaction() as session:
            try:
                await booking.reschedule(
                    session,
                    shop.business_id,
                    one.id,
                    catalog=await catalog.load_catalog(session, shop.business_id),
                    starts=at(clock),
                    staff_id=shop.staff["Ana"],
                    version=1,
                    now=NOW,
                    actor="customer",
                    key=f"{one.id}-to-{clock}",
                )
            except BookingRefused as refused:
                return refused.reason
        return None

    reasons = await asyncio.gather(
        move(first, "09:30"), move(second, "09:30"), move(first, "10:00"), move(second, "09:00"), move(first, "11:00")
    )
    assert set(reasons) <= {None, Reason.HELD, Reason.STAFF_BUSY, Reason.CHANGED}
    assert await double_bookings(crowd) == 0
    async with crowd.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM allocation")) == 2


async def test_own_hold_paid_at_the_same_moment_is_not_given_up(crowd: Database) -> None:
    shop = await a_shop(crowd)
    held = await attempt(crowd, shop, 0)
    paid = asyncio.Event()

    async def pay() -> None:
        async with crowd.transaction() as session:
            await booking.confirm(session, shop.business_id, held.id, now=NOW, actor="system")
            paid.set()
            await asyncio.sleep(0.2)  # the other one looks and waits meanwhile

    async def hold_again() -> Reason:
        await paid.wait()
        async with crowd.transaction() as session:
            with pytest.raises(BookingRefused) as caught:
                await booking.hold(
                    session,
                    catalog=await catalog.load_catalog(session, shop.business_id),
                    wanted=VisitRequest.one(shop.services["colour"], shop.staff["Ana"]),
                    starts=at("10:00"),
                    customer_id=held.customer_id,
                    conversation_id=None,
                    key="again",
                    now=NOW,
                )
        return caught.value.reason

    _, reason = await asyncio.gather(pay(), hold_again())
    assert reason == Reason.STAFF_BUSY
    assert await double_bookings(crowd) == 0
    counted = Counter()
    async with crowd.transaction() as session:
        counted.update(await session.scalars(text("SELECT state FROM booking")))
    assert counted == {"confirmed": 1}


async def test_whoever_is_made_one_with_another_meanwhile_is_unknown(crowd: Database) -> None:
    shop = await a_shop(crowd)
    async with crowd.transaction() as session:
        kept, other = [
            await customers.load_or_create(session, shop.business_id, None, name=name, locale=None, now=NOW)
            for name in ("Tom", "T.")
        ]
    async with crowd.transaction() as deciding:
        await customers.merge(
            deciding, shop.business_id, kept.id, other.id, now=NOW, actor="staff", evidence="said so at the desk"
        )

        async def hold() -> Booking:
            async with crowd.transaction() as session:
                return await booking.hold(
                    session,
                    catalog=await catalog.load_catalog(session, shop.business_id),
                    wanted=VisitRequest.one(shop.services["cut"], shop.staff["Ana"]),
                    starts=at("10:00"),
                    customer_id=other.id,
                    conversation_id=None,
                    key="late",
                    now=NOW,
                )

        holding = asyncio.create_task(hold())
        await asyncio.sleep(0.3)
        assert not holding.done()  # it waits for what becomes of the customer
    with pytest.raises(BookingRefused) as refused:
        await holding
    assert refused.value.reason is Reason.UNKNOWN

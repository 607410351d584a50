"""Whoever has waited longest for a connection gets the next one, and nobody loses one by giving up."""

import asyncio

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from booking_core.kit.db import Database
from booking_core.kit.fair_pool import FairQueue
from booking_core.kit.statements import run


async def waiting(queue: FairQueue, names: str, got: list[str]) -> list["asyncio.Task[None]"]:
    async def get(name: str) -> None:
        item = await queue.get()
        got.append(f"{name}{item}")

    tasks = [asyncio.create_task(get(name)) for name in names]
    await asyncio.sleep(0)
    return tasks


async def test_who_comes_later_takes_it_from_nobody() -> None:
    queue, got = FairQueue(), list[str]()
    tasks = await waiting(queue, "abc", got)
    for item in (1, 2):
        queue.put_nowait(item)
    with pytest.raises(asyncio.QueueEmpty):
        queue.get_nowait()  # they have not run yet; it is theirs
    tasks += await waiting(queue, "d", got)
    for item in (3, 4):
        queue.put_nowait(item)
    await asyncio.gather(*tasks)
    assert got == ["a1", "b2", "c3", "d4"]


async def test_the_one_used_last_comes_first_where_nobody_waits() -> None:
    queue = FairQueue()
    for item in (1, 2, 3):
        queue.put_nowait(item)
    assert [await queue.get() for _ in range(3)] == [3, 2, 1]


async def test_who_gives_up_is_passed_over() -> None:
    queue, got = FairQueue(), list[str]()
    first, second = await waiting(queue, "ab", got)
    first.cancel()
    queue.put_nowait(1)
    await second
    assert got == ["b1"]
    assert first.cancelled()


async def test_who_gives_up_when_it_is_handed_to_them_passes_it_on() -> None:
    queue, got = FairQueue(), list[str]()
    first, second = await waiting(queue, "ab", got)
    queue.put_nowait(1)
    first.cancel()
    await second
    assert got == ["b1"]
    third, *_ = await waiting(queue, "c", got)
    queue.put_nowait(2)
    third.cancel()
    await asyncio.gather(third, return_exceptions=True)
    assert queue.get_nowait() == 2


async def test_transactions_beyond_the_pool_take_turns(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    order: list[int] = []

    async def ask(number: int) -> None:
        async with database.transaction() as session:
            await run(session, "SELECT pg_sleep(0.01)", {})
            order.append(number)

    try:
        # Two connections there are; each comes back to whoever waits, though the next one asks again at once.
        await asyncio.gather(*(ask(number) for number in range(12)))
        assert all(abs(at - number) <= 1 for at, number in enumerate(order)), order
        await asyncio.gather(*(ask(number) for number in range(12)))
        assert len(order) == 24
    finally:
        await database.close()


async def test_who_waits_too_long_is_told(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    pool = database.engine.pool
    pool._timeout = 0.2  # type: ignore[attr-defined]
    enough = asyncio.Event()

    async def keep() -> None:
        async with database.transaction() as session:
            await run(session, "SELECT 1", {})
            await enough.wait()

    keeping = [asyncio.create_task(keep()) for _ in range(2)]
    await asyncio.sleep(0.2)
    try:
        with pytest.raises(PoolTimeout):
            async with database.transaction() as session:
                await run(session, "SELECT 1", {})
        enough.set()
        await asyncio.gather(*keeping)
        async with database.transaction() as session:
            assert await run(session, "SELECT 1", {}) == [(1,)]
    finally:
        enough.set()
        await database.close()

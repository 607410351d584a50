"""The same question and the same hold with few bookings and with many, in turns on one server."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

from booking_core.booking import hold
from booking_core.calendar import free_slots
from booking_core.catalog import load_catalog
from booking_core.kit.db import Database
from booking_core.requests import VisitRequest
from bot.bench_core.fill import book, copies, starts_of_days
from bot.bench_core.report import Figure, median
from bot.bench_core.server import fresh_database, tidy
from bot.bench_core.shop import A_DAY, FIRST_DAY, NOW, Shop, Town, build_town
from bot.bench_core.sizes import Size

_PEOPLE = 10
#: What lies ahead is the same in both; what was before, and other businesses, is not.
_AHEAD = 30
#: An offer looks at the days around those that were asked for, too: they are the same, empty, in both.
_AROUND = 3
#: Bookings of one business, at most.
_OF_ONE = 20_000
_WEEK = (FIRST_DAY, FIRST_DAY + timedelta(days=7))


def measure_growth(server: str, size: Size) -> list[Figure]:
    """Measure an offer and a hold with few and with many bookings."""
    with fresh_database(server) as small, fresh_database(server) as large:
        towns = [build_town(url, shops=1, staff=_PEOPLE, days=10 * _AHEAD) for url in (small, large)]
        for url, town in zip((small, large), towns, strict=True):
            book(
                url, town.shops[0].business_id, starts_of_days(0, _AHEAD), count=size.few, tenths=size.few // 540 + 1,
                name="ahead",
            )  # fmt: skip
        total = size.few + _grow(large, towns[1].shops[0], size.many - size.few)
        for url in (small, large):
            tidy(url, "booking", "allocation", "booking_audit")
        return asyncio.run(_measure([small, large], towns, size, total))


def _grow(url: str, shop: Shop, count: int) -> int:
    """Book the past of this business and of as many others as it takes."""
    made = 0
    others = copies(url, shop, max(0, -(-count // _OF_ONE) - 1))
    for business_id in (shop.business_id, *others):
        wanted = min(_OF_ONE, count - made)
        days = -(-wanted // (_PEOPLE * A_DAY))
        made += book(url, business_id, starts_of_days(-days - _AROUND, -_AROUND), count=wanted, name="before")
    return made


async def _measure(urls: list[str], towns: list[Town], size: Size, total: int) -> list[Figure]:
    databases = [Database(url) for url in urls]
    offers: list[list[float]] = [[], []]
    holds: list[list[float]] = [[], []]
    try:
        for number in range(-10, size.pairs):
            # Whoever comes second finds the machine a little warmer: they take turns.
            for which in (0, 1) if number % 2 else (1, 0):
                asked = await _timed(_offer, databases[which], towns[which], number)
                held = await _timed(_hold, databases[which], towns[which], number)
                if number >= 0:
                    offers[which].append(asked)
                    holds[which].append(held)
    finally:
        for database in databases:
            await database.close()
    rows = []
    for name, times in (("an offer of a week", offers), ("a hold", holds)):
        few, many = median(times[0]), median(times[1])
        rows += [
            Figure("growth", f"{name}, {size.few:,} bookings, p50", few, "ms"),
            Figure("growth", f"{name}, {total:,} bookings, p50", many, "ms"),
            Figure("growth", "  ratio", many / few, at_most=1.2),
        ]
    return rows


async def _timed(
    work: Callable[[Database, Town, int], Awaitable[None]], database: Database, town: Town, n: int
) -> float:
    began = time.perf_counter()
    await work(database, town, n)
    return 1000 * (time.perf_counter() - began)


async def _offer(database: Database, town: Town, number: int) -> None:
    shop = town.shops[0]
    async with database.transaction() as session:
        free = await free_slots(
            session,
            await load_catalog(session, shop.business_id),
            wanted=VisitRequest.one(shop.services[0], None),
            windows=[_WEEK],
            now=NOW,
            limit=20,
        )
    if not free.slots:
        raise RuntimeError("nothing is free")


async def _hold(database: Database, town: Town, number: int) -> None:
    # The starts after those that are booked already.
    shop = town.shops[0]
    staff_id = shop.staff[number % _PEOPLE]
    slot = number + 10
    starts = FIRST_DAY + timedelta(days=_AHEAD + slot // A_DAY, hours=9, minutes=30 * (slot % A_DAY))
    async with database.transaction() as session:
        await hold(
            session,
            catalog=await load_catalog(session, shop.business_id),
            wanted=VisitRequest.one(shop.services[0], staff_id),
            starts=starts,
            customer_id=shop.customers[number % len(shop.customers)],
            conversation_id=None,
            key=f"bench-{uuid4().hex}",
            now=NOW,
        )

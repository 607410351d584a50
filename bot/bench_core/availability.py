"""Free times of a large house: the rules alone beside a plain loop, and the whole question from the database."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import psycopg

from booking_core.calendar import free_slots
from booking_core.catalog import Catalog, load_catalog
from booking_core.kit.db import Database
from booking_core.planning import places_for, plans_for
from booking_core.requests import VisitRequest
from booking_core.rules.availability import Search
from booking_core.rules.feasible import numbers_of
from booking_core.rules.plan import Plan, Times
from booking_core.rules.spans import Span
from booking_core.rules.wallclock import minute_of
from booking_core.taken import Asker, load_taken
from bot.bench_core.fill import book, starts_of_days
from bot.bench_core.report import Figure, median
from bot.bench_core.server import fresh_database, tidy
from bot.bench_core.shop import FIRST_DAY, NOW, STEP, Shop, build_town
from bot.bench_core.sizes import Size

_DAYS = 30
_WINDOW = (FIRST_DAY, FIRST_DAY + timedelta(days=_DAYS))
#: What cal.com tells of its own, for 30-minute slots of a month: https://github.com/calcom/cal.diy/pull/22637
PEER = (34.0, 90.0)


def measure_availability(server: str, size: Size) -> list[Figure]:
    """Measure free half hours of thirty days, with six tenths of everybody's time taken."""
    with fresh_database(server) as url:
        [shop] = build_town(url, shops=1, staff=size.people, days=_DAYS).shops
        taken = book(url, shop.business_id, starts_of_days(0, _DAYS), count=10**9, tenths=6, name="b")
        tidy(url, "booking", "allocation")
        return asyncio.run(_measure(url, shop, size, taken))


async def _measure(url: str, shop: Shop, size: Size, taken: int) -> list[Figure]:
    database = Database(url)
    try:
        wanted = VisitRequest.one(shop.services[0], None)
        plan, times, horizon = await _known(database, shop, wanted)
        pairs: list[tuple[float, float]] = []
        within = [(minute_of(_WINDOW[0]), minute_of(_WINDOW[1]))]
        for _ in range(size.askings):
            plain, expected = _timed(lambda: plain_starts(plan, times, within))
            ours, found = _timed(lambda: Search(plan, times, horizon).starts(within))
            if found != expected:
                raise RuntimeError("the plain loop finds other starts than the rules")
            pairs.append((plain, ours))

        async def ask() -> None:
            async with database.transaction() as session:
                catalog = await load_catalog(session, shop.business_id)
                free = await free_slots(session, catalog, wanted=wanted, windows=[_WINDOW], now=NOW, limit=10_000)
            if [minute_of(slot.starts) for slot in free.slots] != found:
                raise RuntimeError("the whole question finds other starts than the rules")

        cached, cold = [], []
        for _ in range(size.askings):
            await ask()
            cached.append(await _awaited(ask))
            _change(url, shop)
            cold.append(await _awaited(ask))
    finally:
        await database.close()
    house = f"{size.people} people, {_DAYS} days, {taken:,} bookings"
    return [
        Figure("availability", f"plain loop, {house}", median([plain for plain, _ in pairs]), "ms"),
        Figure("availability", "the rules alone (Search.starts)", median([ours for _, ours in pairs]), "ms"),
        Figure("availability", "  so many times faster", median([a / b for a, b in pairs]), at_least=5),
        Figure("availability", "whole question, catalog cached, p50", median(cached), "ms"),
        Figure("availability", "whole question, right after a change of the catalog, p50", median(cold), "ms"),
        Figure("availability", "cal.com, by its own word: from", PEER[0], "ms"),
        Figure("availability", "cal.com, by its own word: to", PEER[1], "ms"),
    ]


def plain_starts(plan: Plan, times: Times, within: Sequence[Span]) -> list[int]:
    """Return free starts as one would at first write it: each start of each person beside each of their bookings."""
    starts: set[int] = set()
    [role] = plan.parts[0].roles
    for candidate in role:
        number, length = candidate.person.number, candidate.duration
        taken = [*times.booked.get(number, ()), *times.held.get(number, ())]
        for opens, closes in candidate.person.working:
            for start in range(opens, closes - length + 1, plan.interval):
                end = start + length
                inside = any(first <= start < last for first, last in within)
                if inside and not any(first < end and start < last for first, last in taken):
                    starts.add(start)
    return sorted(starts)


async def _known(database: Database, shop: Shop, wanted: VisitRequest) -> tuple[Plan, Times, Span]:
    async with database.transaction() as session:
        catalog: Catalog = await load_catalog(session, shop.business_id)
        days = (_WINDOW[0].date() - timedelta(days=1), _WINDOW[1].date() + timedelta(days=1))
        [plan] = plans_for(catalog, wanted, days)
        tz = places_for(catalog, wanted)[0].timezone
        if tz != "UTC" or plan.interval != STEP:
            raise RuntimeError("the plain loop is written for half hours in UTC")
        horizon = (minute_of(_WINDOW[0]) - 1440, minute_of(_WINDOW[1]) + 2 * 1440)
        asked = [(number, width, span) for number, (width, span) in numbers_of(plan, horizon).items()]
        return plan, (await load_taken(session, shop.business_id, asked, Asker(NOW))).times, horizon


def _change(url: str, shop: Shop) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE service SET price = price + 1 WHERE business_id = %s AND id = %s",
            (shop.business_id, shop.services[-1]),
        )


def _timed(work: Callable[[], list[int]]) -> tuple[float, list[int]]:
    began = time.perf_counter()
    found = work()
    return 1000 * (time.perf_counter() - began), found


async def _awaited(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return 1000 * (time.perf_counter() - began)

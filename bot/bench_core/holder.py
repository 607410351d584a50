"""One process of those that hold: `python -m bot.bench_core.holder`, spoken to by lines of JSON.

The first line says where and what; then each line is a round: so many seconds with so many connections.
"""

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from booking_core.booking import hold
from booking_core.calendar import only_place
from booking_core.catalog import load_catalog
from booking_core.kit.db import Database
from booking_core.refusals import BookingRefused
from booking_core.requests import VisitRequest
from bot.bench_core.shop import FIRST_DAY, NOW, Shop, Town

#: The result of who got the time; the others are reasons.
TAKEN = "taken"


class Holder:
    """Holds starts that no other process takes, or all of them one and the same."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.town = Town([Shop.of_text(one) for one in task["shops"]], task["days"])
        self.database = Database(task["url"], pool_size=task["connections"])
        # Processes share the starts out among themselves.
        self._numbers = itertools.count(task["process"], task["processes"])
        # They have the hot start already: to them it would be given anew.
        self._winners: set[UUID] = set()

    async def know_them(self) -> None:
        """Learn what a process at work knows of its businesses: who does what, and everybody's days.

        That is once for each change of a catalog, not for each hold, and no round is long enough to hide it.
        """
        for shop in self.town.shops:
            async with self.database.transaction(shop.business_id) as session:
                catalog = await load_catalog(session, shop.business_id)
            for staff_id in shop.staff:
                for service_id in shop.services:
                    only_place(catalog, VisitRequest.one(service_id, staff_id), FIRST_DAY, now=NOW)
                catalog.hours.working(staff_id, *(NOW.date() + timedelta(days=one) for one in (0, self.town.days + 1)))

    async def round(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Hold for some seconds; returns how many were held and refused, and each one's milliseconds."""
        results: Counter[str] = Counter()
        taken: list[float] = []
        began = time.perf_counter()
        until = began + wanted["seconds"]
        await asyncio.gather(
            *(self._lane(wanted, until, results, taken) for _ in range(wanted["connections"])),
        )
        return {"seconds": time.perf_counter() - began, "results": results, "ms": taken}

    async def _lane(self, wanted: dict[str, Any], until: float, results: Counter[str], taken: list[float]) -> None:
        while (began := time.perf_counter()) < until:
            number = next(self._numbers)
            shop, staff_id, starts = self.town.start(wanted["hot"] if wanted["hot"] is not None else number)
            customer_id = shop.customers[number % len(shop.customers)]
            if wanted["hot"] is not None and customer_id in self._winners:
                continue
            request = VisitRequest.one(shop.services[number % len(shop.services)], staff_id)
            try:
                async with self.database.transaction(shop.business_id) as session:
                    await hold(
                        session,
                        catalog=await load_catalog(session, shop.business_id),
                        wanted=request,
                        starts=starts,
                        customer_id=customer_id,
                        conversation_id=None,
                        key=f"bench-{uuid4().hex}",
                        now=NOW,
                    )
                results[TAKEN] += 1
                if wanted["hot"] is not None:
                    self._winners.add(customer_id)
            except BookingRefused as refused:
                results[refused.reason.value] += 1
            taken.append(1000 * (time.perf_counter() - began))


async def _serve() -> None:
    holder = Holder(json.loads(sys.stdin.readline()))
    try:
        await holder.know_them()
        await holder.round({"seconds": 0.5, "connections": 1, "hot": None})
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for line in sys.stdin:
            sys.stdout.write(json.dumps(await holder.round(json.loads(line))) + "\n")
            sys.stdout.flush()
    finally:
        await holder.database.close()


def main() -> None:
    """Serve on the loop that the web server and the worker run on, where it is installed."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve())
    else:
        uvloop.run(_serve())


if __name__ == "__main__":
    main()

"""What remembered catalogs weigh: `python -m bot.bench_core.memory URL ID...` loads some and tells its size."""

import asyncio
import gc
import json
import resource
import subprocess
import sys
import weakref
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from booking_core.calendar import free_slots
from booking_core.catalog import Catalog, load_catalog
from booking_core.kit.db import Database
from booking_core.requests import VisitRequest
from bot.bench_core.fill import copies
from bot.bench_core.report import Figure
from bot.bench_core.server import fresh_database
from bot.bench_core.shop import FIRST_DAY, NOW, build_town
from bot.bench_core.sizes import Size

_PEOPLE = 8
_MONTH = (FIRST_DAY, FIRST_DAY + timedelta(days=30))


def measure_memory(server: str, size: Size) -> list[Figure]:
    """Measure a fresh process after so many businesses have been asked for a month of free times."""
    with fresh_database(server) as url:
        [shop] = build_town(url, shops=1, staff=_PEOPLE, days=30).shops
        ids = [shop.business_id, *copies(url, shop, max(size.catalogs) - 1)]
        task = json.dumps({"url": url, "ids": [str(one) for one in ids], "stops": size.catalogs})
        done = subprocess.run(
            [sys.executable, "-m", "bot.bench_core.memory"], input=task, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    rows: list[Figure] = []
    for stop, (size_mb, kept) in zip(size.catalogs, json.loads(done.stdout), strict=True):
        held = "" if kept == stop else f" ({kept} are kept)"
        rows.append(Figure("memory", f"{stop:,} businesses asked{held}", size_mb, "MB"))
    return rows


async def _load(task: dict[str, list[str]], url: str, stops: list[int]) -> list[tuple[float, int]]:
    database = Database(url)
    told: list[tuple[float, int]] = []
    loaded: list[weakref.ref[Catalog]] = []
    try:
        for number, one in enumerate(task["ids"], 1):
            async with database.transaction() as session:
                catalog = await load_catalog(session, UUID(one))
                await free_slots(
                    session,
                    catalog,
                    wanted=VisitRequest.one(catalog.services[0].id, None),
                    windows=[_MONTH],
                    now=NOW,
                    limit=5,
                )
            loaded.append(weakref.ref(catalog))
            del catalog
            if number in stops:
                gc.collect()
                told.append((_megabytes(), sum(one() is not None for one in loaded)))
    finally:
        await database.close()
    return told


def _megabytes() -> float:
    """Return what this process has in memory now; where the system does not tell, the most that it had."""
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    told = json.loads(sys.stdin.read())
    sys.stdout.write(json.dumps(asyncio.run(_load(told, told["url"], told["stops"]))))

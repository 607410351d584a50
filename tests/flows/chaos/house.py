"""Everything that can be killed: PostgreSQL, Redis, web and worker; and the hand that kills it."""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx

from booking_core.kit.db import Database
from bot.embedded import EmbeddedPostgres, EmbeddedRedis, free_port
from bot.migrate import migrate
from bot.sample import seed_business
from bot.settings import Settings
from tests.flows.births import Nursery, nursery
from tests.flows.chaos.front import front
from tests.flows.world import set_clock, settings_for

#: What is killed how often, in a hundred.
VICTIMS = {"worker": 45, "web": 40, "redis": 8, "postgres": 7}
#: Seconds between two kills, on average.
PAUSE = 8.0
#: Chances of each trouble at the vendors' (`bot/sandbox/faults.py`).
FAULTS = {
    "slow": 0.1, "slowest": 2, "busy": 0.04, "broken": 0.02, "cut": 0.005, "lost": 0.002, "twice": 0.1, "shuffled": 0.2,
}  # fmt: skip
NOW = "2027-03-02T09:00"


@dataclass
class House:
    """A running system."""

    settings: Settings
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    born: Nursery
    #: The web process with the vendors' stand-ins, past the front.
    vendors: str
    web: str
    #: What web and worker have logged.
    log: Path
    killed: Counter[str] = field(default_factory=Counter)
    #: Web or worker ended by themselves, and were started again.
    fell: Counter[str] = field(default_factory=Counter)

    async def kill_for(self, seconds: float, most: float, enough: asyncio.Event, dice: Random) -> None:
        """Kill something every now and then: so many seconds, and until it is enough, but no longer than `most`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (left := (seconds if enough.is_set() else most) - (loop.time() - began)) > 0:
            await asyncio.sleep(min(left, dice.uniform(0.2, 2 * PAUSE)))
            victim = dice.choices(list(VICTIMS), weights=list(VICTIMS.values()))[0]
            self.killed[victim] += 1
            if victim in ("postgres", "redis"):
                await asyncio.to_thread(self._restart, victim, dice.random() < 0.5)
            else:
                name = self.web if victim == "web" else victim
                self.born.kill(name)
                await asyncio.sleep(dice.random())
                self.born.birth(name)

    def _restart(self, what: str, cruelly: bool) -> None:
        server = self.postgres if what == "postgres" else self.redis
        assert server.child is not None and server.child.process is not None  # noqa: PT018
        if cruelly:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.child.process.pid, signal.SIGKILL)
            server.child.process.wait()
        before = self.settings.database_url if what == "postgres" else self.settings.redis_url
        server.stop()
        after = server.start()
        assert after.split("?")[-1] == before.split("?")[-1], "it came back at another address"

    async def watch_over(self) -> None:
        """Start again what ended by itself, as every process manager does."""
        while True:
            await asyncio.sleep(0.5)
            for name in list(self.born.pids):
                pid = self.born.pids[name]
                await asyncio.sleep(0.05)
                # Not what has just been killed: that is started by whoever killed it.
                if not self.born.lives(name) and self.born.pids[name] == pid:
                    await asyncio.sleep(1.5)
                    if self.born.pids[name] == pid:
                        self.fell[name.split()[0]] += 1
                        self.born.birth(name)


@contextlib.asynccontextmanager
async def open_house(folder: Path, model: Path) -> AsyncIterator[House]:
    """Start everything in a folder with a short path."""
    postgres, redis = EmbeddedPostgres(folder / "p", durable=False), EmbeddedRedis(folder / "r")
    try:
        url, redis_url = postgres.start(), redis.start()
        await asyncio.to_thread(migrate, url)
        settings = settings_for(url, redis_url)
        web, vendors = free_port(), free_port()
        await set_clock(url, NOW)
        database = Database(url)
        await seed_business(database, settings)
        await database.close()
        first = (f"web {vendors}", f"web {web}", "worker")
        more = {"PUBLIC_URL": settings.base_url, "TWILIO_SMS_PER_SECOND": "1000", "HOST": "127.0.0.1"}
        # One worker does here what several do for so many people, and mostly waits for vendors.
        more["WORKER_CONCURRENCY"] = "24"
        async with (
            front(settings.port, web=web, vendors=vendors),
            nursery(settings, model, first=first, log=folder / "log", **more) as born,
        ):
            house = House(settings, postgres, redis, born, f"http://127.0.0.1:{vendors}", f"web {web}", folder / "log")
            await _serves(house)
            watching = asyncio.create_task(house.watch_over())
            try:
                yield house
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
    finally:
        redis.stop()
        postgres.stop()


async def _serves(house: House) -> None:
    async with httpx.AsyncClient(timeout=10) as http:
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(f"{house.vendors}/health")).status_code == 200:
                    return
            await asyncio.sleep(0.2)
    raise AssertionError("it never became well")

"""A whole running system for one conversation: web on a port of its own, a worker, a database of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx
import psycopg
import uvicorn
import yaml

from booking_core.kit.db import libpq_url
from bot import due
from bot.app import create_app
from bot.embedded import free_port
from bot.jobs import build_jobs
from bot.sample import SAMPLE, seed_business
from bot.sandbox.twilio_approvals import APPROVAL
from bot.sandbox.twilio_contents import CONTENT
from bot.settings import Settings
from bot.wiring import System, open_system
from bot.worker import run_jobs
from nlu.engine import Engine
from tests.flows.furnished import Furniture

ZONE = ZoneInfo("Europe/Madrid")


@dataclass(slots=True)
class World:
    """What a conversation's player can reach."""

    settings: Settings
    system: System
    http: httpx.AsyncClient
    users: list
    engine: Engine
    #: The clock that scripts are written by.
    zone: ZoneInfo = ZONE
    _worker: contextlib.AsyncExitStack | None = None

    async def start_worker(self) -> None:
        self._worker = contextlib.AsyncExitStack()
        await self._worker.enter_async_context(running_worker(self.system, self.engine))

    async def stop_worker(self) -> None:
        if self._worker is not None:
            await self._worker.aclose()
            self._worker = None

    async def wait_for(self, sql: str, *values: object, seconds: float = 15) -> list[tuple]:
        for _ in range(int(seconds * 20)):
            if rows := await self.rows(sql, *values):
                return rows
            await asyncio.sleep(0.05)
        raise AssertionError(f"never came true: {sql}")

    async def rows(self, sql: str, *values: object) -> list[tuple]:
        async with await psycopg.AsyncConnection.connect(libpq_url(self.settings.database_url)) as connection:
            cursor = await connection.execute(sql, values)
            return await cursor.fetchall()


def settings_for(database_url: str, redis_url: str, *, port: int | None = None, **more: object) -> Settings:
    return Settings(
        _env_file=None,
        database_url=database_url,
        redis_url=redis_url,
        port=port or free_port(),
        secret_key="tests" * 10,
        burst_seconds=0.15,
        **more,
    )


async def set_clock(database_url: str, local: str, zone: ZoneInfo = ZONE) -> None:
    """Move the system's clock to a wall-clock time of the business."""
    target = datetime.fromisoformat(local).replace(tzinfo=zone)
    shift = target - datetime.now(UTC)
    async with await psycopg.AsyncConnection.connect(libpq_url(database_url)) as connection:
        await connection.execute(
            "INSERT INTO clock_shift (one, shift) VALUES (1, %s)"
            " ON CONFLICT (one) DO UPDATE SET shift = excluded.shift",
            (shift,),
        )


@contextlib.asynccontextmanager
async def running_web(settings: Settings) -> AsyncIterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            host=settings.host,
            port=settings.port,
            ws="wsproto",
            log_config=None,
            access_log=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
    )
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        if task.done():
            task.result()
    try:
        yield
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def running_worker(system: System, engine: Engine) -> AsyncIterator[None]:
    jobs = build_jobs(system, engine)
    async with jobs.open_async():
        tasks = [
            asyncio.create_task(run_jobs(jobs, system.settings, poll=0.1)),
            asyncio.create_task(_ticking(system, jobs)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _ticking(system: System, jobs: object) -> None:
    while True:
        await due.look(system, jobs)
        await due.beat(system, "tests", "tests")
        await asyncio.sleep(0.4)


@dataclass(slots=True)
class House:
    """Web and connections, standing; conversations move in one after the other."""

    settings: Settings
    system: System
    http: httpx.AsyncClient
    engine: Engine
    furniture: Furniture

    @contextlib.asynccontextmanager
    async def world(
        self, *, now: str = "2027-03-02T10:00", business: str = "marigold", alone: bool = False
    ) -> AsyncIterator[World]:
        """Begin with an empty business; `now` is a local time of it (2 March 2027 is a Tuesday), a file in data/seeds.

        What is left of the world before is swept out, but for what WhatsApp has approved. `alone`: no other follows.
        """
        seed = SAMPLE.with_name(f"{business}.yml")
        zone = ZoneInfo(yaml.safe_load(seed.read_text())["business"]["timezone"])
        await self.furniture.sweep()
        await self.system.redis.flushdb()
        await set_clock(self.settings.database_url, now, zone)
        name = f"{business} at {now}"
        users = await self.furniture.put_back(name)
        if users is None:
            users = await seed_business(self.system.db, self.settings, seed)
            if not alone:
                await self.furniture.keep(name, users)
        world = World(self.settings, self.system, self.http, users, self.engine, zone)
        await world.start_worker()
        try:
            yield world
        finally:
            await world.stop_worker()


@contextlib.asynccontextmanager
async def open_house(engine: Engine, database_url: str, redis_url: str, **more: object) -> AsyncIterator[House]:
    """Start web on a port of its own."""
    settings = settings_for(database_url, redis_url, **more)
    async with (
        open_system(settings) as system,
        running_web(settings),
        httpx.AsyncClient(base_url=settings.base_url, timeout=30) as http,
    ):
        yield House(settings, system, http, engine, Furniture(database_url, (CONTENT, APPROVAL)))


@contextlib.asynccontextmanager
async def running(
    engine: Engine,
    database_url: str,
    redis_url: str,
    *,
    now: str = "2027-03-02T10:00",
    business: str = "marigold",
    **more: object,
) -> AsyncIterator[World]:
    """Run everything for one world alone."""
    async with (
        open_house(engine, database_url, redis_url, **more) as house,
        house.world(now=now, business=business, alone=True) as world,
    ):
        yield world

"""The worker's queues, while the database comes and goes."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import procrastinate
import pytest
from procrastinate.exceptions import ConnectorException

from booking_core.kit.db import libpq_url
from bot.embedded import EmbeddedPostgres
from bot.migrate import migrate
from bot.worker import keep_working

pytestmark = pytest.mark.slow


async def test_jobs_go_on_when_the_database_was_restarted() -> None:
    with tempfile.TemporaryDirectory(prefix="tb-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "pg", durable=False)
        url = postgres.start()
        try:
            await asyncio.to_thread(migrate, url)
            jobs = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=libpq_url(url), timeout=0.5))
            done: asyncio.Queue[int] = asyncio.Queue()

            @jobs.task(name="count", queue="count")
            async def count(number: int) -> None:
                await done.put(number)

            async with jobs.open_async():
                working = asyncio.create_task(keep_working(jobs, ["count"], 2, poll=0.1))
                await count.defer_async(number=1)
                assert await asyncio.wait_for(done.get(), 20) == 1
                await asyncio.to_thread(postgres.stop)
                await asyncio.sleep(3)  # longer than a connection is waited for
                assert not working.done()
                assert await asyncio.to_thread(postgres.start) == url
                await _defer_at_last(count, 2)
                assert await asyncio.wait_for(done.get(), 40) == 2
                working.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asyncio.wait_for(working, 20)
        finally:
            await asyncio.to_thread(postgres.stop)


async def _defer_at_last(task: Any, number: int) -> None:
    for _ in range(40):
        try:
            await task.defer_async(number=number)
        except ConnectorException:
            await asyncio.sleep(0.5)
        else:
            return
    raise AssertionError("the database did not come back")

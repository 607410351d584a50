"""The worker's queues, while the database comes and goes."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import procrastinate
import pytest
from procrastinate.exceptions import ConnectorException

from booking_core.kit.db import libpq_url
from booking_core.kit.jobs import Job
from bot.embedded import EmbeddedPostgres
from bot.migrate import migrate
from bot.queue import queue_for
from bot.worker import DELIVERIES_AT_ONCE, keep_working, lanes, run_jobs
from tests.flows.world import settings_for

#: What waits for a vendor of messages, or for another program.
ELSEWHERE = {
    Job.DELIVER_MESSAGE, Job.ACKNOWLEDGE_TAP, Job.FETCH_MEDIA, Job.LEAVE_GROUP, Job.TELL_BOT, Job.DELIVER_WEBHOOK,
}  # fmt: skip


def test_every_job_has_one_lane(database_url: str, redis_url: str) -> None:
    found = [job for shared, _ in lanes(settings_for(database_url, redis_url)) for job in shared]
    assert sorted(found) == sorted(Job)


async def test_slow_vendors_hold_up_neither_payments_nor_reminders_nor_turns(database_url: str, redis_url: str) -> None:
    jobs = queue_for(database_url, most=10)
    begun: list[Job] = []
    waiting, done = asyncio.Event(), asyncio.Event()
    others = set(Job) - ELSEWHERE

    def task_for(job: Job) -> None:
        @jobs.task(name=job.value, queue=job.value)
        async def work() -> None:
            begun.append(job)
            if begun.count(Job.DELIVER_MESSAGE) == DELIVERIES_AT_ONCE:
                waiting.set()
            if others <= set(begun):
                done.set()
            if job in ELSEWHERE:
                await asyncio.Event().wait()

    for job in Job:
        task_for(job)
    async with jobs.open_async():
        for job in ELSEWHERE:
            many = jobs.configure_task(job.value, queue=job.value)
            await many.batch_defer_async(*({} for _ in range(2 * DELIVERIES_AT_ONCE)))
        running = asyncio.create_task(run_jobs(jobs, settings_for(database_url, redis_url), poll=0.1))
        async with asyncio.timeout(30):
            await waiting.wait()
            for job in others:
                await jobs.configure_task(job.value, queue=job.value).defer_async()
            await done.wait()
        assert begun.count(Job.DELIVER_MESSAGE) == DELIVERIES_AT_ONCE
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


@pytest.mark.slow
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

"""How workers reach the queue: its connections say no more to the database than they must.

A turn waits for its job to be fetched. As Procrastinate opens its connections, that takes five messages: is it still
there, begin, fetch, commit, and a flush to the disk. Each of its statements is a transaction by itself, a connection
that its server has left shows, and what a power cut takes from the queue is only that a job had begun or ended: the
worker that knew better has lost its connection, and whoever takes the job up again finds it done.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import procrastinate
from procrastinate import sql
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.psycopg_connector import wrap_exceptions
from psycopg import AsyncConnection, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from booking_core.kit.db import libpq_url, options_of
from booking_core.kit.pool import is_quiet
from booking_core.kit.watched import WatchedConnection

Connection = AsyncConnection[Any]
#: Seconds for which a job that was fetched has the processor to itself, if it is not done before, until the next one
#: is fetched: what a turn takes that waits for nobody.
_START = 0.006


class Manager(JobManager):
    """Procrastinate's manager, which lets a job begin before it looks whether there is another."""

    def __init__(self, connector: procrastinate.PsycopgConnector) -> None:
        super().__init__(connector)
        self._jobs = connector
        self._busy: set[int] = set()
        self._done = asyncio.Event()

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Return a job to do, which is marked as being done; None if there is none."""
        if worker_id in self._busy:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_START):
                    await self._done.wait()
        job = await super().fetch_job(queues, worker_id)
        self._done.clear()
        (self._busy.discard if job is None else self._busy.add)(worker_id)
        return job

    @wrap_exceptions()  # type: ignore[untyped-decorator]
    async def retry_job_by_id_async(
        self,
        job_id: int,
        retry_at: datetime,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Have a job tried again; this alone is flushed: a worker that lives on would not know of it."""
        self._done.set()
        values = {"job_id": job_id, "retry_at": retry_at, "new_priority": priority}
        async with self._jobs.pool.connection() as connection, connection.transaction():
            await connection.execute("SET LOCAL synchronous_commit = on")
            await connection.execute(sql.queries["retry_job"], values | {"new_queue_name": queue, "new_lock": lock})

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Record that a job is over."""
        self._done.set()
        await super().finish_job(job, status, delete_job)


def queue_for(url: str, *, most: int) -> procrastinate.App:
    """Return the queue, with at most so many connections."""
    connector = connector_for(url, most=most)
    app = procrastinate.App(connector=connector)
    app.job_manager = Manager(connector)
    return app


def connector_for(url: str, *, most: int) -> procrastinate.PsycopgConnector:
    """Return a connector with at most so many connections."""
    options = f"{options_of(url)} -c synchronous_commit=off"
    return procrastinate.PsycopgConnector(
        pool_factory=_pool,
        conninfo=make_conninfo(libpq_url(url), options=options),
        min_size=1,
        max_size=most,
        configure=_configure,
    )


async def _configure(connection: Connection) -> None:
    await connection.set_autocommit(True)


def _pool(**arguments: Any) -> "AsyncConnectionPool[Connection]":
    return AsyncConnectionPool(**arguments | {"check": _look, "connection_class": WatchedConnection})


async def _look(connection: Connection) -> None:
    if not is_quiet(connection):
        await connection.close()  # else the pool takes it back
        raise OperationalError("the server has left")

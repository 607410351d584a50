"""How workers reach the queue: its connections say no more to the database than they must.

A turn waits for its job to be fetched. As Procrastinate opens its connections, that takes five messages: is it still
there, begin, fetch, commit, and a flush to the disk. Each of its statements is a transaction by itself, a connection
that its server has left shows, and what a power cut takes from the queue is only that a job had begun or ended: the
worker that knew better has lost its connection, and whoever takes the job up again finds it done.
"""

from typing import Any

import procrastinate
from psycopg import AsyncConnection, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from booking_core.kit.db import libpq_url, options_of
from booking_core.kit.pool import is_quiet

Connection = AsyncConnection[Any]


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
    return AsyncConnectionPool(**arguments | {"check": _look})


async def _look(connection: Connection) -> None:
    if not is_quiet(connection):
        await connection.close()  # else the pool takes it back
        raise OperationalError("the server has left")

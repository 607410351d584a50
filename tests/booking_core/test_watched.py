"""A connection whose socket stays watched waits as the driver's own does, whatever happens meanwhile."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import uvloop
from psycopg import OperationalError

from booking_core.kit.db import Database, libpq_url
from booking_core.kit.pool import is_quiet
from booking_core.kit.watched import WatchedConnection

Connection = WatchedConnection[Any]
_SLEEP = "SELECT pg_sleep(30)"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    connection = await WatchedConnection.connect(libpq_url(database_url), autocommit=True)
    yield connection
    await connection.close()


async def ask(connection: Connection) -> int:
    cursor = await connection.execute("SELECT 1 + 1")
    [(answer,)] = await cursor.fetchall()
    return int(answer)


def end(url: str, pid: int) -> None:
    with psycopg.connect(libpq_url(url), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


async def test_the_database_uses_it(database: Database) -> None:
    async with database.connection() as own:
        assert own.sync_connection is not None
        assert isinstance(own.sync_connection.connection.driver_connection, WatchedConnection)


async def test_one_statement_after_the_other(connection: Connection) -> None:
    assert [await ask(connection) for _ in range(5)] == [2] * 5
    assert connection._watching is not None


async def test_what_is_larger_than_the_socket_takes_at_once_goes_there_and_back(connection: Connection) -> None:
    words = os.urandom(4_000_000).hex()
    for _ in range(2):
        cursor = await connection.execute("SELECT %s::text", [words])
        assert await cursor.fetchall() == [(words,)]
        assert await ask(connection) == 2


async def test_a_statement_that_is_cancelled_is_called_back(connection: Connection) -> None:
    assert await ask(connection) == 2
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await connection.execute(_SLEEP)
        assert await ask(connection) == 2
    assert time.monotonic() - began < 20


async def test_a_server_that_leaves_while_nobody_asks_is_seen(connection: Connection, database_url: str) -> None:
    assert await ask(connection) == 2
    await asyncio.to_thread(end, database_url, connection.info.backend_pid)
    await asyncio.sleep(0.1)
    # The loop does not go on telling of a socket that nobody reads.
    assert connection._watching is None
    assert not is_quiet(connection)
    with pytest.raises(OperationalError):
        await ask(connection)


async def test_a_server_that_leaves_while_it_is_asked_ends_the_statement(
    connection: Connection, database_url: str
) -> None:
    assert await ask(connection) == 2
    asking = asyncio.create_task(connection.execute(_SLEEP))
    await asyncio.sleep(0.1)
    await asyncio.to_thread(end, database_url, connection.info.backend_pid)
    with pytest.raises(OperationalError):
        await asyncio.wait_for(asking, 10)
    assert connection._watching is None


async def test_closing_ends_whoever_waits(connection: Connection) -> None:
    asking = asyncio.create_task(connection.execute(_SLEEP))
    await asyncio.sleep(0.1)
    await connection.close()
    with pytest.raises(OperationalError):
        await asyncio.wait_for(asking, 10)


async def test_news_come_to_a_connection_that_listens(connection: Connection, database_url: str) -> None:
    assert await ask(connection) == 2
    await connection.execute("LISTEN watched")
    async with await psycopg.AsyncConnection.connect(libpq_url(database_url), autocommit=True) as other:
        await other.execute("NOTIFY watched, 'one'")
    await asyncio.sleep(0.1)
    heard = [news.payload async for news in connection.notifies(timeout=10, stop_after=1)]
    assert heard == ["one"]
    assert await ask(connection) == 2


@pytest.mark.parametrize("policy", [asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy])
def test_sockets_that_come_and_go(database_url: str, policy: type[asyncio.AbstractEventLoopPolicy]) -> None:
    """A new connection has the number of one that was closed, forgotten, or left by its server."""

    async def use() -> None:
        kept: list[Connection] = []
        for number in range(24):
            one = await WatchedConnection.connect(libpq_url(database_url), autocommit=True)
            assert await ask(one) == 2
            match number % 3:
                case 0:
                    await one.close()
                case 1:
                    end(database_url, one.info.backend_pid)
                    await asyncio.sleep(0)
                    with pytest.raises(OperationalError):
                        await ask(one)
                case 2:
                    kept.append(one)
        assert [await ask(one) for one in kept] == [2] * 8
        for one in kept:
            await one.close()

    async def use_in_another(one: Connection) -> None:
        assert await ask(one) == 2

    loop = policy().new_event_loop()
    loop.run_until_complete(use())
    one = loop.run_until_complete(WatchedConnection.connect(libpq_url(database_url), autocommit=True))
    loop.run_until_complete(use_in_another(one))
    loop.close()
    other = policy().new_event_loop()
    other.run_until_complete(use_in_another(one))
    other.run_until_complete(one.close())
    other.close()

"""Locks of this process: one connection for all of them, whatever becomes of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.exc import DBAPIError

from booking_core.kit.db import Database, libpq_url
from booking_core.kit.locks import Locks

HELD = (
    "SELECT objid::bigint, pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
    "WHERE locktype = 'advisory' AND datname = current_database() AND granted ORDER BY 1"
)


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    """Another process, as far as the server knows."""
    database = Database(database_url, pool_size=2)
    yield database
    await database.close()


def held(url: str) -> list[tuple[int, int]]:
    """Which numbers are locked, and by which connection."""
    with closing(psycopg.connect(libpq_url(url))) as connection:
        return connection.execute(HELD).fetchall()


def end(url: str, pid: int) -> None:
    with closing(psycopg.connect(libpq_url(url), autocommit=True)) as connection:
        assert connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,)).fetchone() == (True,)


async def test_one_of_many_has_it_and_the_next_one_after_them(database: Database, other: Database) -> None:
    async with database.locks.hold(7) as first:
        async with database.locks.hold(7) as again, other.locks.hold(7) as elsewhere:
            assert (first, again, elsewhere) == (True, False, False)
        async with other.locks.hold(7) as elsewhere:
            assert not elsewhere  # leaving without it has not let it go
    for process in (other, database):
        async with process.locks.hold(7) as mine:
            assert mine


async def test_any_number_of_locks_costs_one_connection(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    database.engine.pool._max_overflow = 1  # type: ignore[attr-defined]
    async with AsyncExitStack() as stack:
        for number in range(50):
            assert await stack.enter_async_context(database.locks.hold(number))
        assert [number for number, _ in held(database_url)] == list(range(50))
        assert len({pid for _, pid in held(database_url)}) == 1
        async with asyncio.timeout(5), database.transaction():
            pass
    assert held(database_url) == []
    assert database.engine.pool.checkedout() <= 1  # type: ignore[attr-defined]
    await database.close()


async def test_of_all_at_once_each_number_has_one_holder(database: Database, other: Database) -> None:
    at_it: dict[int, int] = {}
    most, times = 0, 0

    async def work(process: Database, number: int) -> None:
        nonlocal most, times
        async with process.locks.hold(number) as mine:
            if mine:
                times += 1
                at_it[number] = at_it.get(number, 0) + 1
                most = max(most, at_it[number])
                await asyncio.sleep(0.002)
                at_it[number] -= 1

    await asyncio.gather(
        *(work(process, number) for _ in range(20) for number in range(8) for process in (database, other))
    )
    assert most == 1
    assert times >= 8


async def test_a_lost_connection_ends_nobodys_work_and_the_next_one_to_ask_gets_all_back(
    database: Database, other: Database, database_url: str
) -> None:
    async with database.locks.hold(1), database.locks.hold(2):
        ((_, pid), *_) = held(database_url)
        end(database_url, pid)
        assert held(database_url) == []
        async with database.locks.hold(1) as twice:
            assert not twice  # in this process it is known who is at it
        async with database.locks.hold(3) as mine:
            assert mine
            assert [number for number, _ in held(database_url)] == [1, 2, 3]
            async with other.locks.hold(2) as elsewhere:
                assert not elsewhere
    assert held(database_url) == []


async def test_what_others_took_meanwhile_is_theirs(database: Database, other: Database, database_url: str) -> None:
    async with AsyncExitStack() as stack:
        async with database.locks.hold(1), database.locks.hold(2):
            end(database_url, held(database_url)[0][1])
            assert await stack.enter_async_context(other.locks.hold(1))
            async with database.locks.hold(3):
                pass
            assert [number for number, _ in held(database_url)] == [1, 2]
        # Who had lost it lets nothing go.
        assert [number for number, _ in held(database_url)] == [1]
        async with database.locks.hold(1) as mine:
            assert not mine


async def test_a_connection_that_is_lost_at_the_end_is_no_error(database: Database, database_url: str) -> None:
    async with database.locks.hold(1), database.locks.hold(2):
        end(database_url, held(database_url)[0][1])
    async with database.locks.hold(1) as mine:
        assert mine


async def test_who_is_cancelled_leaves_no_lock(database: Database, other: Database, database_url: str) -> None:
    async def work() -> None:
        async with database.locks.hold(1):
            await asyncio.sleep(30)

    for steps in range(12):  # somewhere between the first step and the sleep
        task = asyncio.create_task(work())
        for _ in range(steps):
            await asyncio.sleep(0)
        if steps == 11:
            await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await database.locks.close()
        assert held(database_url) == []
        async with other.locks.hold(1) as mine:
            assert mine


class Line:
    """A network between us and the server, which can fall silent."""

    def __init__(self, url: str) -> None:
        self.info = conninfo_to_dict(libpq_url(url))
        self.silent: set[asyncio.Task[None]] = set()
        self.lines: set[asyncio.Task[None]] = set()
        self.ends: list[asyncio.StreamWriter] = []

    def url(self, port: int) -> str:
        more = {"host": "127.0.0.1", "port": port, "user": self.info.get("user", "postgres"), "sslmode": "disable"}
        if password := self.info.get("password"):
            more["password"] = password
        return f"postgresql:///{self.info['dbname']}?{urlencode(more)}"

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = str(self.info["host"]), str(self.info.get("port", 5432))
        if host.startswith("/"):
            theirs, ours = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            theirs, ours = await asyncio.open_connection(host, int(port))
        self.ends += (writer, ours)
        self.lines |= {asyncio.create_task(self._pass(*ends)) for ends in ((reader, ours), (theirs, writer))}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        while (heard := await reader.read(65536)) and me not in self.silent:
            writer.write(heard)
        if me not in self.silent:
            writer.close()

    def fall_silent(self) -> None:
        self.silent |= self.lines

    async def end(self) -> None:
        for line in self.lines:
            line.cancel()
        await asyncio.gather(*self.lines, return_exceptions=True)
        for writer in self.ends:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self.ends), return_exceptions=True)


@asynccontextmanager
async def a_line(url: str) -> AsyncIterator[tuple[Line, str]]:
    line = Line(url)
    server = await asyncio.start_server(line.take, "127.0.0.1", 0)
    yield line, line.url(server.sockets[0].getsockname()[1])
    await line.end()
    server.close()
    await server.wait_closed()


async def test_a_line_that_falls_silent_holds_nobody_up_for_long(database_url: str) -> None:
    async with a_line(database_url) as (line, url):
        database = Database(url, pool_size=2)
        locks = Locks(database.connection, patience=0.3)
        async with locks.hold(1), asyncio.timeout(10):
            line.fall_silent()
            async with locks.hold(2) as mine:
                assert mine
            # The server has heard nothing of it: the old line still holds the first one, and nobody else can.
            assert [number for number, _ in held(database_url)] == [1]
        await database.close()


async def test_a_database_that_is_away_is_said_to_be(database_url: str) -> None:
    database = Database(database_url.replace("/t_", "/u_"), pool_size=2)
    for _ in range(2):
        with pytest.raises(DBAPIError):
            async with database.locks.hold(1):
                raise AssertionError("nobody has said that it is ours")
    await database.close()

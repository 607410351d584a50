"""What only one of all processes may be doing: advisory locks, all of this process's on one connection.

A lock dies with its connection, and so with its process: whoever gets one knows that nobody else is at it. To
PostgreSQL whatever goes by one connection is one and the same, so what this process holds it also counts itself.
"""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from psycopg import Error
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_core.kit.statements import Driver, as_sessions, driver_of

log = logging.getLogger(__name__)

_TAKE, _LET_GO = "SELECT pg_try_advisory_lock(%s)", "SELECT pg_advisory_unlock(%s)"
#: Seconds that an answer may take. None of these questions waits for anybody: the line is dead then, without a word.
PATIENCE = 10.0

Connects = Callable[[], AbstractAsyncContextManager[AsyncConnection]]


class Locks:
    """The locks of this process; their connection is out of the pool while there are any.

    A connection that is lost takes all of its locks with it. Whoever holds one goes on, as with a connection of
    their own; the next one to ask opens another, and takes back what nobody else has got hold of meanwhile.
    """

    def __init__(self, connect: Connects, *, patience: float = PATIENCE) -> None:
        self._connect = connect
        self._patience = patience
        #: What is being taken, held or let go: nobody else here may.
        self._ours: set[int] = set()
        #: What somebody is at, and what of that the connection that is open holds.
        self._held: set[int] = set()
        self._kept: set[int] = set()
        self._one_at_a_time = asyncio.Lock()
        self._closing: AsyncExitStack | None = None
        self._connection: AsyncConnection | None = None
        self._under_way: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def hold(self, number: int) -> AsyncIterator[bool]:
        """Hold a lock within; false where somebody else has it, in this process or in another."""
        if number in self._ours:
            yield False
            return
        self._ours.add(number)
        # Neither is broken off in the middle: nobody would know then whether the server has done it.
        taking = self._begin(self._take(number))
        try:
            yield await asyncio.shield(taking)
        finally:
            await asyncio.shield(self._begin(self._end(number, taking)))

    def _begin(self, doing: Any) -> "asyncio.Task[Any]":
        task = asyncio.create_task(doing)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def close(self) -> None:
        """Let what is being taken or let go come to its end."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _take(self, number: int) -> bool:
        async with self._one_at_a_time:
            try:
                mine = await self._ask(_TAKE, number)
            except DBAPIError:
                # The line was dead: once more, on another.
                mine = await self._ask(_TAKE, number)
            if mine:
                self._held.add(number)
                self._kept.add(number)
            return mine

    async def _end(self, number: int, taking: "asyncio.Task[Any]") -> None:
        try:
            await asyncio.gather(taking, return_exceptions=True)
            async with self._one_at_a_time:
                self._held.discard(number)
                if number in self._kept:
                    # Where that fails the connection is closed, and the lock goes with it.
                    with suppress(DBAPIError):
                        await self._ask(_LET_GO, number)
                        self._kept.discard(number)
                if not self._held:
                    await self._close()
        finally:
            self._ours.discard(number)

    async def _ask(self, statement: str, number: int) -> bool:
        driver = await self._driver()
        try:
            return await self._answer(driver, statement, number)
        except BaseException as error:
            await self._close(broken=True)
            if isinstance(error, Error):
                raise as_sessions(error, statement) from error
            raise

    async def _driver(self) -> Driver:
        """Return the connection that holds the locks; after a lost one, another that has got back what is free."""
        if self._connection is not None:
            return driver_of(self._connection)
        async with AsyncExitStack() as stack:
            connection = await stack.enter_async_context(self._connect())
            driver = driver_of(connection)
            regained = set()
            try:
                for number in self._held:
                    if await self._answer(driver, _TAKE, number):
                        regained.add(number)
            except BaseException as error:
                await connection.invalidate()
                if isinstance(error, Error):
                    raise as_sessions(error, _TAKE) from error
                raise
            self._closing, self._connection, self._kept = stack.pop_all(), connection, regained
        if self._held:
            log.warning("of %d locks whose connection was lost %d are held again", len(self._held), len(regained))
        return driver

    async def _close(self, *, broken: bool = False) -> None:
        """Give the connection back, or away where it is broken or still holds something."""
        closing, connection = self._closing, self._connection
        gone = broken or bool(self._kept)
        self._closing, self._connection, self._kept = None, None, set()
        if closing is None or connection is None:
            return
        if gone:
            await connection.invalidate()
        await closing.aclose()

    async def _answer(self, driver: Driver, statement: str, number: int) -> bool:
        asking = asyncio.create_task(_say(driver, statement, number))
        await asyncio.wait({asking}, timeout=self._patience)
        if not asking.done():
            _cut(driver)
        return await asking


async def _say(driver: Driver, statement: str, number: int) -> bool:
    cursor = await driver.execute(statement, (number,))
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


def _cut(driver: Driver) -> None:
    """Close a line on which nothing comes any more: whoever waits there is told."""
    with suppress(OSError), socket.socket(fileno=os.dup(driver.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)

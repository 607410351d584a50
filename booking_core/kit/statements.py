"""The few statements of which everything that books is made, straight on the driver.

They run in the session's own transaction and fail with the errors that it knows. What SQLAlchemy adds to a
statement of constant text costs more than the database takes to carry it out. A transaction that needs no
more than them never wakes its session; one that does goes on with it on the same connection.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, Error
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

#: The connection itself, as psycopg has it.
Driver = AsyncConnection[tuple[Any, ...]]
#: Where a session keeps its connection, if a statement has opened it;
OWN = "own connection"
#: and the driver's connection and SQLAlchemy's around it;
LINE = "line"
#: and what its transactions are opened with.
BEGINS = "begins with"


async def run(session: AsyncSession, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement with `%(name)s` for its values and return its rows; what is pending is written first."""
    await settle(session)
    driver, connection = session.info.get(LINE) or await _connect(session)
    told = connection.dispatch
    if told.before_cursor_execute:
        told.before_cursor_execute(connection, None, statement, values, None, False)
    with driver_errors(statement):
        cursor = await driver.execute(statement, values)
        rows = await cursor.fetchall()
    if told.after_cursor_execute:
        told.after_cursor_execute(connection, cursor, statement, values, None, False)
    return rows


def array(values: Iterable[int | UUID]) -> str:
    """Return numbers or ids as PostgreSQL writes an array: cast it to its type in the statement."""
    return "{" + ",".join(map(str, values)) + "}"


async def settle(session: AsyncSession) -> None:
    """Write what the session has pending, if there is anything."""
    if session.new or session.dirty or session.deleted:
        await session.flush()


@contextmanager
def driver_errors(statement: str) -> Iterator[None]:
    """Let the driver's errors be those that the session's own statements end with."""
    try:
        yield
    except Error as error:
        raise DBAPIError.instance(statement, None, error, Error) from error


async def _connect(session: AsyncSession) -> tuple[Driver, Connection]:
    """Return the session's connection; a session that has none yet goes on with this one, should it need any."""
    if session.in_transaction() or not isinstance(session.bind, AsyncEngine):
        own = await session.connection()
    else:
        own = await session.bind.connect()
        session.info[OWN] = own
        session.bind, session.sync_session.bind = own, own.sync_connection
    connection = own.sync_connection
    assert connection is not None  # noqa: S101 - it has just been opened
    driver: Any = connection.connection.driver_connection
    session.info[LINE] = (driver, connection)
    if OWN in session.info and driver.info.transaction_status is TransactionStatus.IDLE:
        begins = session.info[BEGINS]
        with driver_errors(begins):
            await driver.execute(begins, prepare=False)
    return driver, connection

"""The few statements of which everything that books is made, straight on the driver.

They run in the session's own transaction and fail with the errors that it knows. What SQLAlchemy adds to a
statement of constant text costs more than the database takes to carry it out. A transaction that needs no
more than them never wakes its session; one that does goes on with it on the same connection.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor, Error
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection as SessionsConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

#: The connection itself, as psycopg has it.
Driver = AsyncConnection[tuple[Any, ...]]
Cursor = AsyncCursor[tuple[Any, ...]]
#: Where a session keeps its connection, if a statement has opened it;
OWN = "own connection"
#: and the driver's connection and SQLAlchemy's around it;
LINE = "line"
#: and what its transactions are opened with.
BEGINS = "begins with"
_CURSOR = "cursor of what is run"
_FIRST = "rows of what was sent with it"


async def run(session: AsyncSession, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement with `%(name)s` for its values and return its rows; what is pending is written first."""
    await settle(session)
    _, connection, cursor = session.info.get(LINE) or await _connect(session)
    _tell(connection.dispatch.before_cursor_execute, connection, statement, values)
    try:
        await cursor.execute(statement, values)
        rows = await cursor.fetchall()
    except Error as error:
        raise as_sessions(error, statement) from error
    _tell(connection.dispatch.after_cursor_execute, connection, statement, values)
    return rows


async def begin_with(session: AsyncSession, statement: str, ids: Mapping[str, UUID]) -> list[tuple[Any, ...]]:
    """Run a statement whose values are ids and return its rows: in one message with what opens the transaction."""
    if LINE not in session.info:
        await settle(session)
        # Inlined: several statements in one message take no values. An id holds only digits, letters and hyphens.
        await _connect(session, statement % {name: f"'{UUID(int=one.int)}'" for name, one in ids.items()})
    rows: list[tuple[Any, ...]] | None = session.info.pop(_FIRST, None)
    return await run(session, statement, ids) if rows is None else rows


def array(values: Iterable[int | UUID]) -> str:
    """Return numbers or ids as PostgreSQL writes an array: cast it to its type in the statement."""
    return "{" + ",".join(map(str, values)) + "}"


async def settle(session: AsyncSession) -> None:
    """Write what the session has pending, if there is anything."""
    # What the session's own flush asks first: its lists of what is new and dirty are made anew for whoever asks.
    if not session.sync_session._is_clean():  # noqa: SLF001
        await session.flush()


def as_sessions(error: Error, statement: str) -> StatementError:
    """Return a driver's error as the session's own statements end with it."""
    return DBAPIError.instance(statement, None, error, Error)


def _tell(listeners: Any, connection: Connection, statement: str, values: Mapping[str, Any] | None = None) -> None:
    """Let whoever listens to a connection's statements hear of this one."""
    if listeners and statement:
        listeners(connection, None, statement, values, None, False)


def bind_to(session: AsyncSession, own: SessionsConnection) -> None:
    """Let a session use this connection, whether it is the first to need one or a statement is."""
    session.info[OWN] = own
    session.bind, session.sync_session.bind = own, own.sync_connection


def driver_of(own: SessionsConnection) -> Driver:
    """Return the driver's connection beneath a session's."""
    assert own.sync_connection is not None  # noqa: S101 - it is open
    driver: Driver = own.sync_connection.connection.driver_connection  # type: ignore[assignment]
    return driver


async def _connect(session: AsyncSession, first: str = "") -> tuple[Driver, Connection, Cursor]:
    """Return the session's connection and its cursor; a session that has none yet goes on with it, should it need any.

    The rows of a `first` statement, which is sent with what opens the transaction, are left in the session.
    """
    info = session.info
    own: SessionsConnection | None = info.get(OWN)
    if own is None and isinstance(session.bind, AsyncEngine) and not session.in_transaction():
        own = await session.bind.connect()
        bind_to(session, own)
    elif own is None or own.in_transaction():
        own = await session.connection()
    connection, driver = own.sync_connection, driver_of(own)
    assert connection is not None  # noqa: S101 - it has just been opened
    # One after the other they all go by one: to make a cursor takes half as long as what it does.
    cursor: Cursor = own.info.get(_CURSOR) or own.info.setdefault(_CURSOR, driver.cursor())
    line = info[LINE] = (driver, connection, cursor)
    if OWN in info and driver.info.transaction_status is TransactionStatus.IDLE:
        begins = "; ".join(filter(None, (info[BEGINS], first)))
        if not begins:
            return line
        _tell(connection.dispatch.before_cursor_execute, connection, first)
        try:
            await cursor.execute(begins, prepare=False)
            if first:
                while cursor.nextset():
                    pass
                info[_FIRST] = await cursor.fetchall()
        except Error as error:
            raise as_sessions(error, begins) from error
        _tell(connection.dispatch.after_cursor_execute, connection, first)
    return line

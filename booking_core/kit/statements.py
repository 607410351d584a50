"""The few statements of which everything that books is made, straight on the driver.

They run in the session's own transaction and fail with the errors that it knows. What SQLAlchemy adds to a
statement of constant text costs more than the database takes to carry it out. A transaction that needs no
more than them never wakes its session; one that does goes on with it on the same connection.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor, Error
from psycopg.errors import InvalidSqlStatementName
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
#: and the driver's connection, SQLAlchemy's around it and the driver's cursors;
LINE = "line"
#: and what its transactions are opened with.
BEGINS = "begins with"
_CURSORS = "cursors of what is run"
_FIRST = "rows of what was sent with it"
_PREPARED = "statements that are sent with what opens a transaction, prepared"
#: What opens transactions differs with each business: it has one cursor.
_BEGINNING = "BEGIN"
_numbers = itertools.count()
#: So many statements of a connection have cursors of their own.
_MOST_CURSORS = 100
_MANY_ROWS = 100


class Cursors:
    """The cursors of a connection: one for each statement, which remembers how that one's values are sent and read."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._of: dict[str, Cursor] = {}

    def of(self, statement: str) -> Cursor:
        """Return the cursor of a statement."""
        known = self._of.get(statement)
        if known is None:
            if len(self._of) >= _MOST_CURSORS:
                self._of.clear()
            known = self._of[statement] = self._driver.cursor()
        return known

    def leave(self, statement: str, rows: int) -> None:
        """Let go of a cursor that has found much: it would keep all of it until it is used again."""
        if rows > _MANY_ROWS:
            del self._of[statement]


async def run(session: AsyncSession, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement with `%(name)s` for its values and return its rows; what is pending is written first."""
    await settle(session)
    _, connection, cursors = session.info.get(LINE) or await _connect(session)
    cursor = cursors.of(statement)
    _tell(connection.dispatch.before_cursor_execute, connection, statement, values)
    try:
        await cursor.execute(statement, values)
        rows = await cursor.fetchall()
    except Error as error:
        raise as_sessions(error, statement) from error
    cursors.leave(statement, len(rows))
    _tell(connection.dispatch.after_cursor_execute, connection, statement, values)
    return rows


async def begin_with(session: AsyncSession, statement: str, ids: Mapping[str, UUID]) -> list[tuple[Any, ...]]:
    """Run a statement whose values are ids and return its rows: in one message with what opens the transaction."""
    [rows] = await begin_with_all(session, (statement,), ids)
    return rows


async def begin_with_all(
    session: AsyncSession, statements: tuple[str, ...], ids: Mapping[str, UUID]
) -> list[list[tuple[Any, ...]]]:
    """Run statements that take the same ids, each of them all, and return the rows of each: in one message likewise.

    Each sees what was committed while the one before it waited, as if it had been sent by itself.
    """
    if LINE not in session.info:
        await settle(session)
        await _connect(session, First(statements, ids))
    found: list[list[tuple[Any, ...]]] | None = session.info.pop(_FIRST, None)
    return [await run(session, one, ids) for one in statements] if found is None else found


@dataclass(frozen=True, slots=True)
class First:
    """Statements that go with what opens a transaction."""

    statements: tuple[str, ...]
    ids: Mapping[str, UUID]


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


async def _connect(session: AsyncSession, first: First | None = None) -> tuple[Driver, Connection, Cursors]:
    """Return the session's connection and its cursors; a session that has none yet goes on with it, should it need any.

    The rows of the `first` statements, which are sent with what opens the transaction, are left in the session.
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
    cursors: Cursors = own.info.get(_CURSORS) or own.info.setdefault(_CURSORS, Cursors(driver))
    line = info[LINE] = (driver, connection, cursors)
    if OWN in info and driver.info.transaction_status is TransactionStatus.IDLE:
        said = "; ".join(first.statements) if first is not None else ""
        if not said and not info[BEGINS]:
            return line
        _tell(connection.dispatch.before_cursor_execute, connection, said)
        try:
            if first is None:
                await cursors.of(_BEGINNING).execute(info[BEGINS], prepare=False)
            else:
                info[_FIRST] = await _begin(
                    driver, cursors.of(_BEGINNING), own.info.setdefault(_PREPARED, {}), info[BEGINS], first
                )
        except Error as error:
            raise as_sessions(error, said or info[BEGINS]) from error
        _tell(connection.dispatch.after_cursor_execute, connection, said)
    return line


async def _begin(
    driver: Driver, cursor: Cursor, prepared: dict[str, str], begins: str, first: First
) -> list[list[tuple[Any, ...]]]:
    """Open a transaction and run its first statements in one message; return the rows of each.

    Several statements in one message take no values, and what is sent so is planned each time, which takes longer than
    carrying it out. So they are prepared, by name and once for a connection, and the ids stand in their calls.
    """
    if prepared.keys() & set(first.statements):
        try:
            return await _call(cursor, prepared, begins, first)
        except InvalidSqlStatementName:
            # All have been deallocated: the driver does so, with its own, after a rollback to a savepoint.
            prepared.clear()
            await driver.rollback()
    return await _call(cursor, prepared, begins, first)


async def _call(cursor: Cursor, prepared: dict[str, str], begins: str, first: First) -> list[list[tuple[Any, ...]]]:
    # A name of its own: what was prepared in a message that failed later on is still there.
    new = {one: f"threadbook_{next(_numbers)}" for one in first.statements if one not in prepared}
    # An id holds only digits, letters and hyphens.
    ids = ", ".join(f"'{UUID(int=one.int)}'" for one in first.ids.values())
    names = prepared | new if new else prepared
    message = [begins] if begins else []
    if new:
        numbers = {one: f"${number}" for number, one in enumerate(first.ids, 1)}
        types = ", ".join(["uuid"] * len(numbers))
        message += [f"PREPARE {name} ({types}) AS {one % numbers}" for one, name in new.items()]
    message += [f"EXECUTE {names[one]} ({ids})" for one in first.statements]
    await cursor.execute("; ".join(message), prepare=False)
    prepared |= new
    found: list[list[tuple[Any, ...]]] = []
    # What they return comes last.
    for which in range(-len(first.statements), 0):
        await cursor.set_result(which)
        found.append(await cursor.fetchall())
    return found

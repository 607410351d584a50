"""The database: one base, one engine, one place that commits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Error
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from redis.asyncio import Redis
from sqlalchemy import DateTime, Dialect, MetaData, TypeDecorator, inspect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from booking_core.kit.fair_pool import FairPool
from booking_core.kit.live import is_news, publish_pending
from booking_core.kit.locks import Locks
from booking_core.kit.pool import watch
from booking_core.kit.ready import Ready
from booking_core.kit.scope import ScopedSession, beginning
from booking_core.kit.statements import BEGINS, LINE, OWN, as_sessions, bind_to, driver_of, settle
from booking_core.kit.watched import WatchedConnection

#: The database cannot be reached, or has no connection left for us, just now.
UNAVAILABLE = (OperationalError, PoolTimeout)


class UTCDateTime(TypeDecorator[datetime]):
    """A timestamptz that refuses naive datetimes and always comes back in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive datetimes."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC."""
        return None if value is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every table: `business_id` leads its key, so that tables can be distributed by tenant."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UTCDateTime(),
        dict[str, Any]: JSONB(),
        list[dict[str, Any]]: JSONB(),
        list[str]: JSONB(),
    }


class Database:
    """An engine and its sessions; `transaction` is the only place that commits."""

    def __init__(self, url: str, *, redis: "Redis | None" = None, pool_size: int = 10) -> None:
        # The driver begins nothing by itself: what begins a transaction also says whose it is.
        self.engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url),
            poolclass=FairPool,
            pool_size=pool_size,
            max_overflow=pool_size,
            # The connection that was used last: its server process has plans and pages at hand.
            pool_use_lifo=True,
            isolation_level="AUTOCOMMIT",
            # What a statement was sent with may be what a customer wrote: an error does not repeat it.
            hide_parameters=True,
            connect_args={"options": options_of(url), "async_creator_fn": WatchedConnection.connect},
        )
        watch(self.engine.sync_engine)
        self.redis = redis
        #: What only one of all processes may be doing.
        self.locks = Locks(self.connection)
        self._telling: set[asyncio.Task[None]] = set()
        # Those beyond are left to who asks the pool itself.
        self._ready = Ready(pool_size, self.engine.sync_engine.pool)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, sync_session_class=ScopedSession)

    def transaction(self, business_id: UUID | None = None) -> AbstractAsyncContextManager[AsyncSession]:
        """Open one transaction; leaving it commits, raising rolls back; then live news go out.

        One of a business sees and changes nothing of any other's: the database refuses. One of nobody is for what
        has yet to find out whose business it is, and for what is done for all at once.
        """
        return self._session(beginning(business_id))

    @asynccontextmanager
    async def _session(self, begins: str) -> AsyncIterator[AsyncSession]:
        session = self._sessions(info={BEGINS: begins})
        own = await self._ready.take()
        if own is not None:
            bind_to(session, own)
        try:
            yield session
            await _finish(session)
        except BaseException:
            # Also whoever is cancelled meanwhile leaves no transaction open.
            await asyncio.shield(self._abandon(session))
            raise
        await self._give_back(session)
        if self.redis is not None and is_news(session.info):
            # Nobody who waits for this transaction waits for who looks on.
            telling = asyncio.create_task(publish_pending(session.info, self.redis))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    def alone(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open nothing: the one statement that is run here is a transaction by itself, and nobody's."""
        return self._session("")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection beside all transactions: each of its statements is one by itself."""
        own = await self._ready.take() or await self.engine.connect()
        try:
            yield own
        except BaseException:
            await asyncio.shield(own.close())
            raise
        if own.in_transaction():
            await own.rollback()  # none of the server's
        await self._hand_in(own)

    async def _abandon(self, session: AsyncSession) -> None:
        try:
            await session.close()
        finally:
            await self._give_back(session)

    async def _give_back(self, session: AsyncSession) -> None:
        session.sync_session.close()
        own: AsyncConnection | None = session.info.pop(OWN, None)
        if own is None:
            return
        await self._hand_in(own)

    async def _hand_in(self, own: AsyncConnection) -> None:
        gone = own.invalidated or own.in_transaction()
        if not gone and driver_of(own).info.transaction_status is TransactionStatus.IDLE:
            await self._ready.put(own)
        else:
            await own.close()

    async def close(self) -> None:
        """Close all connections; what is being told is told first."""
        await asyncio.gather(*self._telling, return_exceptions=True)
        await self.locks.close()
        await self._ready.close()
        await self.engine.dispose()


@asynccontextmanager
async def savepoint(session: AsyncSession) -> AsyncIterator[None]:
    """Open a savepoint; raising rolls back to it, and what the session knew is read anew: it can be used on."""
    try:
        async with session.begin_nested():
            # The session sends SAVEPOINT when it first needs its connection: `run` would write before it.
            await session.connection()
            yield
    except Exception:
        # Where the server has gone nothing can be read: what is told is that, not that it cannot.
        with suppress(PendingRollbackError):
            for known in list(session.sync_session.identity_map.values()):
                if inspect(known).expired:
                    await session.refresh(known)
        raise


async def _finish(session: AsyncSession) -> None:
    await settle(session)
    own: AsyncConnection | None = session.info.get(OWN)
    if own is None or own.in_transaction():
        await session.commit()
    elif LINE in session.info:
        # Statements have gone to the driver only: the session has nothing to say to the end of it.
        driver, connection, _ = session.info[LINE]
        if connection.dispatch.commit:
            connection.dispatch.commit(connection)
        try:
            await driver.commit()
        except Error as error:
            raise as_sessions(error, "COMMIT") from error


def options_of(url: str) -> str:
    """Return the server's options of a URL, and that it is to plan as if every table were large already.

    A prepared statement keeps the plan of its first days: made when a table had ten rows it reads the whole table,
    and goes on doing so while it grows, until statistics are gathered. Whatever a turn asks has an index.
    """
    return f"{conninfo_to_dict(libpq_url(url)).get('options') or ''} -c enable_seqscan=off".lstrip()


def sqlalchemy_url(url: str) -> str:
    """Return a libpq URL as SQLAlchemy wants it for psycopg 3."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    raise ValueError("the database URL must begin with postgresql://")


def libpq_url(url: str) -> str:
    """Return the URL as psycopg itself wants it."""
    return "postgresql://" + sqlalchemy_url(url).removeprefix("postgresql+psycopg://")

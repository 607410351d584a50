"""The one place that commits: sessions and statements on the driver in one transaction, and servers that go away."""

import asyncio

import psycopg
import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database, libpq_url, savepoint
from booking_core.kit.ids import new_id
from booking_core.kit.statements import array, run
from booking_core.models import Business

RENAME = "UPDATE business SET name = %(name)s WHERE name = %(old)s RETURNING id"
COUNT = "SELECT count(*) FROM business WHERE name = %(name)s"
OTHERS = "pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"


def a_business(name: str) -> Business:
    return Business(
        id=new_id(), slug=new_id().hex, name=name, default_locale="en", timezone="UTC", currency="EUR", policy={},
        settings={},
    )  # fmt: skip


async def count(database: Database, name: str) -> int:
    async with database.transaction() as session:
        return (await run(session, COUNT, {"name": name}))[0][0]


async def test_what_the_session_has_pending_is_there_for_the_statement(database: Database) -> None:
    async with database.transaction() as session:
        session.add(a_business("one"))
        assert await run(session, COUNT, {"name": "one"}) == [(1,)]
    assert await count(database, "one") == 1


@pytest.mark.parametrize("session_first", [True, False])
async def test_both_are_one_transaction_whoever_is_first(database: Database, session_first: bool) -> None:
    async with database.transaction() as session:
        session.add(a_business("before"))

    async def both(session: AsyncSession) -> None:
        if session_first:
            await session.execute(text("SELECT 1"))
        await run(session, RENAME, {"name": "after", "old": "before"})
        session.add(a_business("more"))
        await session.flush()
        async with session.begin_nested():
            await run(session, RENAME, {"name": "most", "old": "more"})

    async def both_in_vain() -> None:
        async with database.transaction() as session:
            await both(session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await both_in_vain()
    assert [await count(database, name) for name in ("before", "after", "most")] == [1, 0, 0]
    async with database.transaction() as session:
        await both(session)
    assert [await count(database, name) for name in ("before", "after", "most")] == [0, 1, 1]


async def test_what_is_pending_in_the_end_is_written_with_the_rest(database: Database) -> None:
    async with database.transaction() as session:
        await run(session, COUNT, {"name": "late"})
        session.add(a_business("late"))
    assert await count(database, "late") == 1


@pytest.mark.parametrize("broken", ["SELECT 1 / 0", "SELECT no_such_thing"])
async def test_a_savepoint_takes_a_statement_back(database: Database, broken: str) -> None:
    async def in_vain(session: AsyncSession) -> None:
        async with session.begin_nested():
            await run(session, RENAME, {"name": "gone", "old": "kept"})
            await run(session, broken, {})

    async with database.transaction() as session:
        session.add(a_business("kept"))
        with pytest.raises(DBAPIError):
            await in_vain(session)
    assert await count(database, "kept") == 1


async def test_a_savepoint_is_one_for_statements_that_the_session_knows_nothing_of(database: Database) -> None:
    async def in_vain(session: AsyncSession) -> None:
        async with savepoint(session):
            await run(session, RENAME, {"name": "gone", "old": "kept"})
            await run(session, "SELECT 1 / 0", {})

    async with database.transaction() as session:
        session.add(a_business("kept"))
    async with database.transaction() as session:
        await run(session, COUNT, {"name": "kept"})
        with pytest.raises(DBAPIError):
            await in_vain(session)
        assert await run(session, COUNT, {"name": "kept"}) == [(1,)]


async def test_a_savepoint_tells_that_the_server_has_gone(database: Database) -> None:
    async def in_vain(session: AsyncSession) -> None:
        async with savepoint(session):
            known = (await session.scalars(select(Business))).one()
            known.name = "gone"
            await session.flush()
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    async def turn() -> None:
        async with database.transaction() as session:
            await in_vain(session)

    async with database.transaction() as session:
        session.add(a_business("kept"))
    with pytest.raises(OperationalError):
        await turn()
    assert await count(database, "kept") == 1


async def test_errors_are_those_of_sessions(database: Database) -> None:
    async with database.transaction() as session:
        session.add(a_business("one"))
    statement = "INSERT INTO business SELECT * FROM business RETURNING id"
    with pytest.raises(IntegrityError) as refused:
        async with database.transaction() as session:
            await run(session, statement, {})
    assert isinstance(refused.value.orig, psycopg.errors.UniqueViolation)
    assert await count(database, "one") == 1


async def test_an_error_at_the_commit_is_one_of_sessions(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
    with pytest.raises(IntegrityError):
        async with database.transaction() as session:
            await run(session, "INSERT INTO late VALUES (1), (1) RETURNING n", {})
    async with database.transaction() as session:
        assert await run(session, "SELECT n FROM late", {}) == []


async def test_connections_come_back_whatever_happens(database: Database) -> None:
    for _ in range(3):
        with pytest.raises(DBAPIError):
            async with database.transaction() as session:
                await run(session, "SELECT 1 / 0", {})
        async with database.transaction() as session:
            await run(session, "SELECT 1", {})
        async with asyncio.timeout(0.2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05), database.transaction() as session:
                    await run(session, "SELECT pg_sleep(1)", {})
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


PID = "SELECT pg_backend_pid()"


async def test_the_connection_that_was_used_last_is_used_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(and_session: bool = False) -> int:
        async with database.transaction() as session:
            found: int = (await run(session, PID, {}))[0][0]
            if and_session:
                assert await session.scalar(text(PID)) == found
            return found

    asked: list[int] = []
    event.listen(database.engine.sync_engine, "checkout", lambda *_: asked.append(1))
    first = await ask()
    assert [await ask(), await ask(and_session=True), await ask()] == [first, first, first]
    assert len(asked) == 1
    # What has waited for long is asked by the pool whether its server is still there.
    monkeypatch.setattr("booking_core.kit.pool._UNASKED", 0.0)
    assert await ask() == first
    assert len(asked) == 2


async def test_no_more_are_kept_than_the_pool_is_large(database_url: str) -> None:
    database = Database(database_url, pool_size=2)

    async def ask() -> None:
        async with database.transaction() as session:
            await run(session, "SELECT pg_sleep(0.05)", {})

    async def by_session() -> None:
        async with database.transaction() as session:
            await session.scalar(select(1))

    await asyncio.gather(*(ask() for _ in range(4)))
    assert database.engine.pool.checkedout() == 2  # type: ignore[attr-defined]
    async with asyncio.timeout(5):
        await asyncio.gather(*(by_session() for _ in range(4)))
    await database.close()


async def test_whoever_waits_for_a_connection_has_the_next_one_that_is_free(database_url: str) -> None:
    """Those that wait beside the pool for the next transaction are none where somebody waits for the pool."""
    database = Database(database_url, pool_size=2)
    gate = asyncio.Event()

    async def by_two() -> None:
        async with database.connection():
            await asyncio.sleep(0.1)
            async with database.transaction() as session:
                await run(session, "SELECT 1", {})

    async def turn() -> None:
        async with database.transaction() as session:
            await run(session, "SELECT 1", {})
            await gate.wait()

    async def by_itself() -> None:
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    doing = [asyncio.create_task(one) for one in (by_two(), by_two(), turn(), turn())]
    await asyncio.sleep(0.2)
    doing.append(asyncio.create_task(by_itself()))
    await asyncio.sleep(0.1)
    gate.set()
    async with asyncio.timeout(10):
        await asyncio.gather(*doing)
    await database.close()


async def test_a_connection_beside_all_transactions_keeps_nothing_of_who_had_it(database: Database) -> None:
    async with database.connection() as connection:
        first = await connection.scalar(text(PID))
        await connection.execute(text("CREATE TABLE beside (n int)"))
    async with database.transaction() as session:
        assert [row[0] for row in await run(session, PID, {})] == [first]
        assert await run(session, "SELECT count(*) FROM beside", {}) == [(0,)]
    with pytest.raises(DBAPIError):
        async with database.connection() as connection:
            await connection.execute(text("SELECT 1 / 0"))
    assert await count(database, "nobody") == 0


@pytest.mark.parametrize("session_only", [True, False])
async def test_a_server_that_threw_everybody_out_is_no_error(database: Database, session_only: bool) -> None:
    """As after its restart: connections that waited are new ones, without anybody's first try failing."""

    async def ask() -> None:
        async with database.transaction() as session:
            if session_only:
                await session.scalar(select(1))
            else:
                await run(session, "SELECT 1", {})

    await asyncio.gather(*(ask() for _ in range(3)))
    with psycopg.connect(libpq_url(database.engine.url.render_as_string(hide_password=False))) as other:
        ended = other.execute(f"SELECT pid, pg_terminate_backend(pid, 5000) FROM {OTHERS}").fetchall()
    assert len(ended) == 3
    await asyncio.gather(*(ask() for _ in range(3)))


async def test_whoever_listens_to_statements_hears_of_these(database: Database) -> None:
    heard: list[str] = []
    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *told: heard.append(told[2]))
    event.listen(engine, "commit", lambda *_: heard.append("COMMIT"))
    assert await count(database, "nobody") == 0
    assert heard == [COUNT, "COMMIT"]


def test_arrays_are_written_as_the_server_reads_them() -> None:
    assert array([1, -2]) == "{1,-2}"
    assert array([]) == "{}"

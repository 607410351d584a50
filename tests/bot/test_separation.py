"""Walls between businesses: every table is tried to be crossed, in every way that a statement can."""

import ast
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.range import TimestamptzRange
from sqlalchemy import Table, text
from sqlalchemy.dialects.postgresql import dialect
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

import bot.api.models
import bot.models
import bot.sandbox.models  # noqa: F401
import channels.models  # noqa: F401
import payment_links.models  # noqa: F401 - every table is to be known
from booking_core.kit.db import Base, Database
from booking_core.kit.scope import NOBODY, narrow
from booking_core.kit.statements import run
from booking_core.taken import _TAKEN
from bot.migrate import migrate
from bot.separation import CLOSED, SHARED, NoRole
from tests.conftest import TEMPLATE
from tests.databases import cloned

OURS, THEIRS = uuid4(), uuid4()
TABLES = {table.name: table for table in Base.metadata.sorted_tables}
OWNED = {name: table for name, table in TABLES.items() if "business_id" in table.c or name == "business"}
DIALECT = dialect()
_numbers = iter(range(1, 1_000_000))


def owner(table: Table) -> str:
    return "id" if table.name == "business" else "business_id"


def a_row(table: Table, business: UUID) -> dict[str, Any]:
    """Values of the right kinds; nothing that they point to is there."""
    return {
        column.name: business if column.name == owner(table) else _value(column.type)
        for column in table.columns
        if column.computed is None and column.identity is None
    }


_DAY = datetime(2030, 1, 1, tzinfo=UTC)
_VALUES: dict[str, Callable[[], Any]] = {
    "UUID": uuid4,
    "TEXT": lambda: uuid4().hex,
    "BIGINT": lambda: next(_numbers),
    "INTEGER": lambda: next(_numbers),
    "SMALLINT": lambda: next(_numbers),
    "BOOLEAN": lambda: False,
    "BYTEA": lambda: b"x",
    "JSONB": lambda: "{}",
    "DATE": _DAY.date,
    "TIMESTAMP WITH TIME ZONE": lambda: _DAY,
    "INTERVAL": lambda: timedelta(0),
    "TSTZRANGE": lambda: TimestamptzRange(_DAY, _DAY + timedelta(days=1)),
}


def _value(kind: Any) -> Any:
    return _VALUES[kind.compile(dialect=DIALECT)]()


def _insert(connection: psycopg.Connection[Any], table: Table, row: dict[str, Any]) -> None:
    marks = ", ".join(f"%({name})s" for name in row)
    connection.execute(f"INSERT INTO {table.name} ({', '.join(row)}) VALUES ({marks})", row)


@pytest.fixture(scope="module")
def crowded(postgres_url: str) -> Iterator[str]:
    """A database with a row of two businesses in every table; what a row must say is of no account here."""
    with cloned(postgres_url, TEMPLATE) as url:
        with psycopg.connect(url) as connection:
            checks = connection.execute(
                "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype IN ('c', 'f') AND conrelid <> 0"
            )
            for table, name in checks.fetchall():
                if not str(table).startswith("procrastinate"):
                    connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name} CASCADE")
            for table in OWNED.values():
                for business in (OURS, THEIRS):
                    _insert(connection, table, a_row(table, business))
        yield url


@pytest.fixture
async def crowd(crowded: str) -> Any:
    database = Database(crowded, pool_size=2)
    yield database
    await database.close()


def test_every_table_is_a_businesss_or_said_to_be_none() -> None:
    assert set(TABLES) - set(OWNED) == {*CLOSED, *SHARED} - {"alembic_version"}


@pytest.mark.parametrize("name", OWNED)
async def test_another_businesss_rows_are_out_of_reach(crowd: Database, crowded: str, name: str) -> None:
    table, column = OWNED[name], owner(OWNED[name])
    theirs = {"them": THEIRS}
    kept = f"SELECT to_jsonb(t) FROM {name} t WHERE {column} = %s"
    with psycopg.connect(crowded, autocommit=True) as outside:
        before = outside.execute(kept, (THEIRS,)).fetchall()
        assert len(before) == 1
        async with crowd.transaction(OURS) as session:
            assert await _all(session, f"SELECT {column} FROM {name}") == [OURS]
            assert await _all(session, f"SELECT {column} FROM {name} WHERE {column} = :them", theirs) == []
            for statement in (f"UPDATE {name} SET {column} = {column}", f"DELETE FROM {name}"):
                reached = await session.execute(text(f"{statement} WHERE {column} = :them RETURNING 1"), theirs)
                assert reached.all() == []
            # Nor by saying nothing of whose it is.
            changed = await session.execute(text(f"UPDATE {name} SET {column} = {column} RETURNING {column}"))
            assert changed.scalars().all() == [OURS]
        await _refused(crowd, f"UPDATE {name} SET {column} = :them", theirs)
        smuggled = a_row(table, THEIRS) | ({"id": uuid4()} if name == "business" else {})
        with psycopg.connect(crowded) as inside:
            inside.execute(f"SET LOCAL ROLE threadbook_app; SET LOCAL threadbook.business = '{OURS}'")
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                _insert(inside, table, smuggled)
        assert outside.execute(kept, (THEIRS,)).fetchall() == before
        assert outside.execute(f"SELECT count(*) FROM {name}").fetchone() == (2,)


async def _all(session: AsyncSession, statement: str, values: dict[str, Any] | None = None) -> list[Any]:
    return list((await session.execute(text(statement), values or {})).scalars())


async def _refused(database: Database, statement: str, values: dict[str, Any]) -> None:
    with pytest.raises(ProgrammingError) as refused:
        async with database.transaction(OURS) as session:
            await session.execute(text(statement), values)
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize("name", CLOSED)
async def test_what_is_nobodys_is_closed_to_everybody(crowd: Database, name: str) -> None:
    await _refused(crowd, f"SELECT 1 FROM {name}", {})


async def test_whose_time_is_taken_is_told_of_ones_own_business_and_not_written(crowd: Database) -> None:
    async with crowd.transaction(OURS) as session:
        assert await _all(session, "SELECT business_id FROM taken_time") == [OURS]
    for statement in ("DELETE FROM taken_time", "UPDATE taken_time SET proposed = true"):
        await _refused(crowd, statement, {})
    async with crowd.transaction() as session:
        assert len(await _all(session, "SELECT business_id FROM taken_time")) == 2


async def test_without_a_business_there_is_nothing(crowd: Database) -> None:
    async with crowd.transaction(NOBODY) as session:
        assert await _all(session, "SELECT id FROM customer") == []
    async with crowd.engine.connect() as connection:
        rows = await connection.execute(text("SELECT set_config('role', 'threadbook_app', false)"))
        assert rows.scalar_one() == "threadbook_app"
        for table in ("customer", "taken_time", "business"):
            assert (await connection.execute(text(f"SELECT * FROM {table}"))).all() == []
        await connection.invalidate()


@pytest.mark.parametrize("driver_first", [True, False])
async def test_a_connection_forgets_whose_it_was(crowded: str, driver_first: bool) -> None:
    database = Database(crowded, pool_size=1)
    database.engine.pool._max_overflow = 0  # type: ignore[attr-defined]
    try:
        for business in (OURS, THEIRS, None, OURS, None):
            async with database.transaction(business) as session:
                if driver_first:
                    rows = await run(session, "SELECT business_id FROM customer", {})
                    assert {row[0] for row in rows} == ({OURS, THEIRS} if business is None else {business})
                async with session.begin_nested():
                    found = set(await _all(session, "SELECT business_id FROM customer"))
                assert found == ({OURS, THEIRS} if business is None else {business})
            with pytest.raises(DBAPIError):
                async with database.transaction(business) as session:
                    await session.execute(text("SELECT 1 / 0"))
    finally:
        await database.close()


async def test_a_transaction_that_finds_out_whose_it_is_is_theirs_from_there_on(crowd: Database) -> None:
    async with crowd.transaction() as session:
        assert len(await _all(session, "SELECT 1 FROM customer")) == 2
        await narrow(session, OURS)
        assert await _all(session, "SELECT business_id FROM customer") == [OURS]
        assert [row[0] for row in await run(session, "SELECT business_id FROM customer", {})] == [OURS]


async def test_the_index_of_times_still_serves(crowd: Database) -> None:
    """Behind a policy it would not: operators of ranges are not LEAKPROOF."""
    values = {"business_id": OURS, "numbers": "{1}", "froms": "{1}", "untils": "{2}", "now": datetime.now(UTC)}
    async with crowd.transaction(OURS) as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        await session.execute(text("SET LOCAL enable_bitmapscan = off"))
        plan = "\n".join(row[0] for row in await run(session, f"EXPLAIN {_TAKEN}", values | {"ignoring": None}))
    condition = next(line for line in plan.splitlines() if "Index Cond" in line and "during" in line)
    assert "ex_allocation_calendar_during" in plan
    assert "int8range" in condition


#: Who opens transactions that are nobody's: by a secret that names no business, for all at once, or from a terminal.
ACROSS = {
    "bot/api/command.py", "bot/api/route.py", "bot/api/upkeep.py", "bot/calendar_feed.py",
    "bot/calendar_file.py", "bot/chores.py", "bot/console/access.py", "bot/console/sign_in.py",
    "bot/credentials_command.py", "bot/due.py", "bot/exports.py", "bot/health.py", "bot/home.py", "bot/jobs.py",
    "bot/mail_pages.py", "bot/own_lines.py", "bot/pay_link.py", "bot/polling.py", "bot/queue.py",
    "bot/sample.py", "bot/templates.py", "bot/templates_command.py", "channels/inbound.py",
    "channels/receive.py", "channels/webhooks.py", "channels/web_page.py", "channels/web_routes.py",
    "channels/web_widget.py", "payment_links/links.py", "payment_links/webhook.py",
}  # fmt: skip


def test_who_works_for_all_businesses_is_a_short_list() -> None:
    """A transaction says whose it is; one that does not must stand in the list above."""
    found = {
        str(file)
        for room in ("booking_core", "bot", "channels", "payment_links")
        for file in Path(room).rglob("*.py")
        if not {"sandbox", "bench_channels", "bench_core", "bench_turn"} & set(file.parts)
        and file.name != "separation.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"transaction", "alone"}
        and not node.args
    }
    assert found == ACROSS


@pytest.fixture
def plain(postgres_url: str) -> Iterator[SimpleNamespace]:
    """An ordinary user with an empty database of its own, as many a host gives."""
    user, name = f"u_{uuid4().hex[:12]}", f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'plain' NOSUPERUSER NOCREATEROLE")
        admin.execute(f"CREATE DATABASE {name} OWNER {user}")
        info = admin.info
        url = f"postgresql://{user}:plain@/{name}?host={info.host}&port={info.port}"
        yield SimpleNamespace(user=user, url=url, admin=admin)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.execute(f"DROP ROLE {user}")


def test_who_may_not_make_the_role_is_told_what_to_ask_for(plain: SimpleNamespace) -> None:
    with pytest.raises(NoRole, match=f'CREATE ROLE threadbook_app NOLOGIN; GRANT threadbook_app TO "{plain.user}"'):
        migrate(plain.url)


async def test_an_ordinary_owner_is_kept_apart_as_well(plain: SimpleNamespace) -> None:
    plain.admin.execute(f'GRANT threadbook_app TO "{plain.user}"')
    migrate(plain.url)
    migrate(plain.url)
    database = Database(plain.url, pool_size=1)
    insert = text(
        "INSERT INTO business (id, slug, name, default_locale, timezone, currency, policy, settings) "
        "VALUES (:id, :slug, 'x', 'en', 'UTC', 'EUR', '{}', '{}')"
    )
    try:
        async with database.transaction() as session:
            for business in (OURS, THEIRS):
                await session.execute(insert, {"id": business, "slug": business.hex})
        async with database.transaction(OURS) as session:
            assert await _all(session, "SELECT id FROM business") == [OURS]
        async with database.transaction() as session:
            assert len(await _all(session, "SELECT id FROM business")) == 2
    finally:
        await database.close()

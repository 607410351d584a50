"""How statements are planned, and what goes in one message with what opens a transaction."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from booking_core.catalog import load_catalog
from booking_core.kit.db import Database, libpq_url, options_of, savepoint
from booking_core.kit.statements import begin_with, run
from booking_core.refusals import BookingRefused, Reason
from bot.first_statistics import tell_first_statistics
from tests.booking_core.house import open_house

pytestmark = pytest.mark.new_database

_WHO = "SELECT id, catalog_version FROM business WHERE id = %(id)s"
#: How often what stands for `_WHO` has been run on this connection.
_RUNS = "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE starts_with(name, 'threadbook')"


async def test_options_of_the_url_are_kept(database_url: str) -> None:
    mark = "&" if "?" in database_url else "?"
    database = Database(f"{database_url}{mark}options=-c%20work_mem%3D7MB%20-c%20geqo%3Doff")
    asked = [f"SELECT current_setting('{name}')" for name in ("work_mem", "geqo", "enable_seqscan")]
    try:
        async with database.transaction() as session:
            assert [(await run(session, one, {}))[0][0] for one in asked] == ["7MB", "off", "off"]
    finally:
        await database.close()


async def test_what_was_prepared_on_an_empty_table_finds_rows_by_their_index(database_url: str) -> None:
    """The plan that a statement keeps does not depend on how few rows there were when it was made."""
    database = Database(database_url)
    ask = "SELECT id FROM booking WHERE business_id = %(b)s AND id = %(b)s"
    try:
        async with database.transaction() as session:
            for _ in range(12):
                await run(session, ask, {"b": UUID(int=1)})
            kept = await run(
                session, "SELECT name FROM pg_prepared_statements WHERE statement LIKE '%%FROM booking%%'", {}
            )
            name = psycopg.sql.Identifier(kept[0][0]).as_string(None)
            plan = await run(session, f"EXPLAIN EXECUTE {name} ('{UUID(int=1)}')", {})
    finally:
        await database.close()
    assert any("Index" in line for (line,) in plan)
    assert not [line for (line,) in plan if "Seq Scan" in line]


@pytest.mark.parametrize("table", ["booking", "message", "customer", "conversation", "staff"])
async def test_on_a_young_database_a_row_is_found_by_its_key(database_url: str, table: str) -> None:
    """So do the checks of foreign keys, whose plans nobody sees: else each would read all rows of the business."""
    with psycopg.connect(libpq_url(database_url), autocommit=True, options=options_of(database_url)) as connection:
        is_told = connection.info.server_version >= 180_000
        connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.execute(
            f"PREPARE check_of_key (uuid, uuid) AS SELECT 1 FROM ONLY {table} x"
            " WHERE business_id = $1 AND id = $2 FOR KEY SHARE OF x"
        )
        plan = connection.execute(f"EXPLAIN EXECUTE check_of_key ('{UUID(int=1)}', '{UUID(int=2)}')").fetchall()
    told = " ".join(line for (line,) in plan)
    # A server before 18 is told nothing: by an index it goes there, too.
    assert "Seq Scan" not in told, told
    assert not is_told or f"using pk_{table} " in told, told
    assert not is_told or "Filter" not in told, told


async def test_statistics_that_the_server_has_found_are_left_alone(database_url: str) -> None:
    asked = "SELECT n_distinct FROM pg_stats WHERE tablename = 'customer' AND attname = 'business_id'"
    with psycopg.connect(libpq_url(database_url), autocommit=True) as connection:
        is_told = connection.info.server_version >= 180_000
        assert connection.execute(asked).fetchall() == [(1,)] * is_told, "a table that nobody has analyzed"
        for number in (1, 2):
            connection.execute(
                "INSERT INTO business (id, slug, name, default_locale, timezone, currency, policy, settings)"
                " VALUES (%s, %s, 'One', 'en', 'UTC', 'EUR', '{}', '{}')",
                [UUID(int=number), f"shop-{number}"],
            )
            connection.execute(
                "INSERT INTO customer (business_id, id, created_at) VALUES (%s, %s, now())",
                [UUID(int=number), UUID(int=7)],
            )
        connection.execute("ANALYZE customer")
        found = connection.execute(asked).fetchall()
        assert found == [(-1,)], "another business in each row"
        tell_first_statistics(connection)
        assert connection.execute(asked).fetchall() == found


async def test_a_hold_looks_no_cheaper_with_one_array_than_with_another(database: Database, tmp_path: Path) -> None:
    """Else, once there are statistics, each hold is planned anew, which takes as long as to carry it out."""
    said: list[tuple[str, dict[str, object]]] = []
    async with database.transaction() as session:
        house = await open_house(session, tmp_path)
        event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *told: said.append(told[2:4]))
        await house.book("10:00", "Colour", staff="Ana")
        [(statement, values)] = [one for one in said if "INSERT INTO booking (" in one[0]]
        [(plan,)] = await run(session, f"EXPLAIN (FORMAT JSON) {statement}", values)
    guessed = [node["Plan Rows"] for node in _nodes(plan[0]["Plan"]) if node["Node Type"] == "Function Scan"]
    # What the planner takes any array for that it cannot see.
    assert guessed == [10]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


async def test_a_first_statement_goes_with_the_beginning(database: Database, tmp_path: Path) -> None:
    messages: list[str] = []
    async with database.transaction() as session:
        house = await open_house(session, tmp_path)
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *told: messages.append(told[2]))
    async with database.transaction(house.business_id) as session:
        [(found, version)] = await begin_with(session, _WHO, {"id": house.business_id})
        assert found == house.business_id
        assert await begin_with(session, _WHO, {"id": house.business_id}) == [(found, version)]
        # It is this business's transaction from then on, and nobody else's.
        assert (await session.execute(text("SELECT current_user"))).scalar_one() == "threadbook_app"
        assert (await load_catalog(session, house.business_id)).version == version
    assert sum("FROM business" in one for one in messages) == 3


async def test_a_first_statement_is_planned_once_for_a_connection(database: Database, tmp_path: Path) -> None:
    async with database.transaction() as session:
        house = await open_house(session, tmp_path)

    async def ask() -> list[tuple[Any, ...]]:
        async with database.transaction(house.business_id) as session:
            [(found, _)] = await begin_with(session, _WHO, {"id": house.business_id})
            assert found == house.business_id
            return await run(session, _RUNS, {})

    assert await ask() == [(1,)]
    assert await ask() == [(2,)]
    # Under no business the same statement is planned anew: the plan is its role's.
    async with database.transaction() as session:
        assert len(await begin_with(session, _WHO, {"id": house.business_id})) == 1
    assert await ask() == [(4,)]


async def test_a_first_statement_whose_plan_is_gone_is_planned_again(database: Database, tmp_path: Path) -> None:
    async with database.transaction() as session:
        house = await open_house(session, tmp_path)
    for _ in range(2):
        for _ in range(2):
            async with database.transaction(house.business_id) as session:
                assert len(await begin_with(session, _WHO, {"id": house.business_id})) == 1
                assert (await session.execute(text("SELECT current_user"))).scalar_one() == "threadbook_app"
        async with database.transaction() as session:
            await session.execute(text("DEALLOCATE ALL"))
    # What the driver does by itself after a rollback to a savepoint.
    async with database.transaction(house.business_id) as session:
        assert len(await begin_with(session, _WHO, {"id": house.business_id})) == 1
        with pytest.raises(DBAPIError):
            async with savepoint(session):
                await run(session, "SELECT 1 / 0", {})
    async with database.transaction(house.business_id) as session:
        assert len(await begin_with(session, _WHO, {"id": house.business_id})) == 1


async def test_an_unknown_business_has_no_catalog(database: Database) -> None:
    async with database.transaction(UUID(int=5)) as session:
        with pytest.raises(BookingRefused) as refused:
            await load_catalog(session, UUID(int=5))
        assert refused.value.reason is Reason.UNKNOWN


async def test_a_first_statement_that_fails_ends_as_any_other(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.transaction(UUID(int=5)) as session:
            await begin_with(session, "SELECT 1 / 0 WHERE %(id)s IS NOT NULL", {"id": UUID(int=5)})
    async with database.transaction() as session:
        assert await run(session, "SELECT 1", {}) == [(1,)]
    with pytest.raises(DBAPIError):
        async with database.transaction(UUID(int=5)) as session:
            await begin_with(session, "SELECT 1 / 0 WHERE %(id)s IS NOT NULL", {"id": UUID(int=5)})

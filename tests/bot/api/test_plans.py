"""What lists and days cost in the database: by an index, and no more with years of bookings behind them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import event

from booking_core.agenda import load_agenda
from booking_core.catalog import load_catalog
from booking_core.kit.db import Database
from bot.bench_core.fill import book, starts_of_days
from bot.bench_core.shop import FIRST_DAY
from tests.bot.api.conftest import Api, iso

#: Days of two people behind the day that is asked for, and ahead of it.
FEW, MANY, AHEAD = 30, 500, 20


_PARTS = """
UPDATE booking SET parts = jsonb_build_array(jsonb_build_object(
    'service', service_id, 'staff', jsonb_build_array(staff_id), 'resources', '[]'::jsonb, 'person', 0,
    'starts', to_char(starts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS+00:00'),
    'ends', to_char(ends AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS+00:00')))
WHERE parts = '[]'
"""


@contextmanager
def asked(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """Note every statement about bookings, with its values."""
    noted: list[tuple[str, Any]] = []

    def note(connection, cursor, statement, values, *rest) -> None:
        if "FROM booking" in statement and statement.lstrip().startswith(("SELECT", "WITH")):
            noted.append((statement, values))

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    yield noted
    event.remove(db.engine.sync_engine, "before_cursor_execute", note)


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from steps(inner)


async def touched(api: Api, statements: list[tuple[str, Any]]) -> tuple[int, set[str]]:
    """Run them again; return how many rows of bookings were looked at, and by which indexes."""
    rows, indexes = 0, set()
    async with api.db.transaction() as session:
        connection = await session.connection()
        for statement, values in statements:
            found = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
            for step in steps(found.scalar_one()[0]["Plan"]):
                assert (step["Node Type"], step.get("Relation Name")) != ("Seq Scan", "booking"), statement
                if step.get("Relation Name") in {"booking", "allocation"}:
                    removed = step.get("Rows Removed by Filter", 0) + step.get("Rows Removed by Index Recheck", 0)
                    rows += round((step["Actual Rows"] + removed) * step["Actual Loops"])
                indexes |= {step["Index Name"]} if "Index Name" in step else set()
    return rows, indexes


async def fill(api: Api, first: int, last: int) -> None:
    days = starts_of_days(first, last)
    book(api.settings.database_url, api.shop.business_id, days, count=10**6, name=f"d{first}-")
    with psycopg.connect(api.settings.database_url, autocommit=True) as connection:
        connection.execute(_PARTS)
        connection.execute("VACUUM ANALYZE booking, allocation")


async def the_list(api: Api) -> None:
    answer = await api.get("/bookings", params={"from": FIRST_DAY.isoformat(), "limit": 50})
    assert answer.status_code == 200
    assert len(answer.json()["items"]) == 50


async def the_day(api: Api) -> None:
    async with api.app.state.system.db.transaction() as session:
        known = await load_catalog(session, api.shop.business_id)
        day = FIRST_DAY.date()
        agenda = await load_agenda(session, known, api.shop.location_id, day, day, now=FIRST_DAY)
    assert len(agenda.visits) > 20


async def the_feed(api: Api) -> None:
    await api.set_clock(FIRST_DAY)
    made = await api.post(f"/staff/{api.shop.staff['Ana']}/calendar-feed")
    assert made.status_code in {200, 201}, made.text
    answer = await api.http.get(made.json()["url"].removeprefix("http://api.test"))
    assert answer.status_code == 200
    assert "BEGIN:VEVENT" in answer.text


@pytest.mark.slow
async def test_years_of_bookings_cost_nothing(api: Api) -> None:
    """The API's list, the console's day and a person's feed look at as many rows as before."""
    looked: dict[str, list[int]] = {"the_list": [], "the_day": [], "the_feed": []}
    for first, last in ((-FEW, AHEAD), (-MANY, -FEW)):
        await fill(api, first, last)
        for ask in (the_list, the_day, the_feed):
            with asked(api.app.state.system.db) as statements:
                await ask(api)
            assert statements
            rows, indexes = await touched(api, statements)
            assert "ix_booking_starts" in indexes
            looked[ask.__name__].append(rows)
    assert all(many <= few * 1.2 + 20 for few, many in looked.values()), looked


async def test_what_began_long_before_and_is_not_over_is_listed(api: Api) -> None:
    made = [await api.booked(clock) for clock in ("09:00", "10:00", "11:00")]
    for one, began in zip(made, ("20 days", "1 day", "1 hour"), strict=True):
        await api.run(
            "UPDATE booking SET starts = starts - CAST(:began AS text)::interval WHERE id = :id",
            began=began, id=UUID(one["id"]),
        )  # fmt: skip
    listed = await api.get("/bookings", params={"from": iso("10:10")})
    assert [one["id"] for one in listed.json()["items"]] == [one["id"] for one in made[1:]]
    listed = await api.get("/bookings", params={"from": iso("09:10")})
    assert [one["id"] for one in listed.json()["items"]] == [one["id"] for one in made]

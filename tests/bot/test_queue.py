"""The queue's own connections: what they say to the database, and what of it may be lost."""

import asyncio

import procrastinate
import psycopg
from sqlalchemy import text

from booking_core.kit.db import Database, libpq_url
from bot.queue import connector_for, queue_for


async def test_a_statement_is_one_message_and_waits_for_no_disk(database_url: str) -> None:
    connector = connector_for(database_url, most=2)
    async with procrastinate.App(connector=connector).open_async():
        asked = "SELECT current_setting('synchronous_commit') AS flush, now() = statement_timestamp() AS alone"
        async with connector.pool.connection() as connection:
            assert connection.autocommit
        assert await connector.execute_query_one_async(asked) == {"flush": "off", "alone": True}


async def test_that_a_job_is_tried_again_is_flushed(database_url: str) -> None:
    app = queue_for(database_url, most=2)
    how: list[str] = []

    @app.task(name="fail", queue="fail", retry=1)
    async def fail() -> None:
        raise ZeroDivisionError

    async with app.open_async():
        with psycopg.connect(libpq_url(database_url), autocommit=True) as other:
            other.execute("CREATE TABLE told (how text)")
            other.execute("""
                CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN
                    INSERT INTO told VALUES (NEW.status || ' ' || current_setting('synchronous_commit'));
                    RETURN NEW;
                END $$
            """)
            other.execute("CREATE TRIGGER tell AFTER UPDATE ON procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION tell()")
            await fail.defer_async()
            await app.run_worker_async(queues=["fail"], install_signal_handlers=False, wait=False)
            how = [row[0] for row in other.execute("SELECT how FROM told")]
    assert how[:2] == ["doing off", "todo on"]


async def test_connections_that_the_server_ended_are_replaced_unnoticed(database_url: str, database: Database) -> None:
    connector = connector_for(database_url, most=2)
    async with procrastinate.App(connector=connector).open_async():
        before = (await connector.execute_query_one_async("SELECT pg_backend_pid() AS pid"))["pid"]
        with psycopg.connect(libpq_url(database_url)) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [before])
        await asyncio.sleep(0.05)
        assert (await connector.execute_query_one_async("SELECT pg_backend_pid() AS pid"))["pid"] != before
    async with database.transaction() as session:
        # What customers are told is flushed all the same.
        assert await session.scalar(text("SHOW synchronous_commit")) == "on"


async def test_jobs_are_fetched_one_by_one_and_none_waits_for_the_end_of_another(database_url: str) -> None:
    app = queue_for(database_url, most=4)
    began: list[int] = []
    go_on = asyncio.Event()

    @app.task(name="count", queue="count")
    async def count(number: int) -> None:
        began.append(number)
        await go_on.wait()

    async with app.open_async():
        for number in range(20):
            await count.defer_async(number=number)
        working = asyncio.create_task(
            app.run_worker_async(queues=["count"], concurrency=20, install_signal_handlers=False, wait=False)
        )
        async with asyncio.timeout(20):
            while len(began) < 20:
                await asyncio.sleep(0.01)
        go_on.set()
        await working
    assert began == list(range(20))

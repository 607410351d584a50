"""A database that is lent again is as a new one is; one that can not be made so is not lent again."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from booking_core.kit.db import libpq_url
from tests import databases as module
from tests.conftest import TEMPLATE
from tests.databases import Databases, Look

_BUSINESSES = """
INSERT INTO business (id, slug, name, default_locale, timezone, currency, policy, settings)
SELECT gen_random_uuid(), 'shop-' || n, 'One', 'en', 'UTC', 'EUR', '{}', '{}' FROM generate_series(1, 3) n
"""
_CUSTOMER = "INSERT INTO customer (business_id, id, created_at) VALUES (%s, gen_random_uuid(), now())"
#: What a test may do to its database besides writing rows, each alone.
CHANGES = {
    "a constraint is gone": "ALTER TABLE allocation DROP CONSTRAINT ex_allocation_calendar_during",
    "a constraint is there": "ALTER TABLE booking ADD CONSTRAINT hurried CHECK (true) NOT VALID",
    "a column is renamed": "ALTER TABLE customer RENAME COLUMN locale TO gone",
    "a column is renamed and back": "ALTER TABLE customer RENAME COLUMN locale TO gone; "
    "ALTER TABLE customer RENAME COLUMN gone TO locale",
    "a column has a default": "ALTER TABLE customer ALTER locale SET DEFAULT 'xx'",
    "triggers are off": "ALTER TABLE service DISABLE TRIGGER USER",
    "a trigger is there": "CREATE TRIGGER odd BEFORE UPDATE ON customer FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "a policy is other": "ALTER POLICY one_business ON customer USING (true)",
    "policies are off": "ALTER TABLE customer DISABLE ROW LEVEL SECURITY",
    "a right is given": "GRANT SELECT ON payment_event TO threadbook_app",
    "a right to a column is given": "GRANT SELECT (id) ON payment_event TO threadbook_app",
    "rights to come are given": "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO threadbook_app",
    "an index is there": "CREATE INDEX ON customer (created_at)",
    "an index is gone": "DROP INDEX ix_booking_event_new",
    "a view is other": "CREATE OR REPLACE VIEW taken_time AS "
    "SELECT business_id, booking_id, session_id, calendar_no, during, proposed FROM allocation",
    "a function is there": "CREATE FUNCTION odd() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a function is other": "ALTER FUNCTION procrastinate_notify_queue_job_inserted_v1() COST 7",
    "a table is there": "CREATE TABLE late (n int)",
    "a schema is there": "CREATE SCHEMA late",
    "a cast is there": "CREATE CAST (uuid AS json) WITH INOUT",
    "a value is there": "ALTER TYPE procrastinate_job_status ADD VALUE 'odd'",
    "a sequence counts otherwise": "ALTER SEQUENCE calendar_number INCREMENT BY 7",
    "a file is there": "SELECT lo_create(0)",
    "the template's row is other": "UPDATE alembic_version SET version_num = 'none'",
    "the template's row is gone": "DELETE FROM alembic_version",
}
#: What can not be undone to look at the next.
FOR_GOOD = {
    "triggers are off": "ALTER TABLE service DISABLE TRIGGER USER",
    "statistics are found": "ANALYZE customer",
    "a vacuum has been": "VACUUM customer",
    "the template's row is gone": "DELETE FROM alembic_version",
    "there were many rows": _BUSINESSES,
}
SETTINGS = {
    "a setting is there": "ALTER DATABASE {} SET work_mem TO '7MB'",
    "a role's setting is there": "ALTER ROLE threadbook_app IN DATABASE {} SET work_mem TO '7MB'",
    "few may connect": "ALTER DATABASE {} CONNECTION LIMIT 3",
    "nobody may connect": "ALTER DATABASE {} ALLOW_CONNECTIONS false",
    "somebody may connect": "GRANT CONNECT ON DATABASE {} TO threadbook_app",
}


@pytest.fixture
def lent(postgres_url: str) -> Iterator[Databases]:
    databases = Databases(postgres_url, TEMPLATE)
    yield databases
    databases.close()


@pytest.fixture(scope="module")
def look(postgres_url: str) -> Look:
    return Look(postgres_url, TEMPLATE)


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(libpq_url(url), autocommit=True)


def state(url: str) -> dict[str, object]:
    """Every table's rows, and where every sequence is."""
    with connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = {name: connection.execute(f"SELECT t::text FROM {name} t ORDER BY 1").fetchall() for (name,) in tables}
        names = connection.execute("SELECT relname FROM pg_class WHERE relkind = 'S'").fetchall()
        places = {name: connection.execute(f"SELECT last_value, is_called FROM {name}").fetchone() for (name,) in names}
    return rows | places


def test_what_was_left_is_gone(lent: Databases) -> None:
    with lent.lend() as url:
        before = state(url)
        with connect(url) as connection:
            connection.execute(_BUSINESSES)
            for (business,) in connection.execute("SELECT id FROM business").fetchall():
                connection.execute(_CUSTOMER, (business,))
            connection.execute("INSERT INTO clock_shift (one, shift) VALUES (1, '1 hour')")
            for name in ("calendar_number", "booking_event_sequence", "catalog_version", "procrastinate_jobs_id_seq"):
                connection.execute(f"SELECT nextval('{name}')")
        after = state(url)
        assert len(after["customer"]) == 3
        assert len([one for one in after if after[one] != before[one]]) == 7
    with lent.lend() as again:
        found = state(again)
    assert lent.made == 1
    # Processes remember catalogs by their version: it is never another's.
    assert found.pop("catalog_version") == after["catalog_version"] != before.pop("catalog_version")
    assert found == before


def test_keys_and_triggers_are_asked_again(lent: Databases) -> None:
    for _ in range(2):
        with lent.lend() as url, connect(url) as connection:
            connection.execute(_BUSINESSES)
            business, version = connection.execute("SELECT id, catalog_version FROM business").fetchone()
            connection.execute("UPDATE business SET name = 'Other' WHERE id = %s", (business,))
            seen = connection.execute("SELECT catalog_version FROM business WHERE id = %s", (business,)).fetchone()
            assert seen > (version,)
            with pytest.raises(psycopg.errors.ForeignKeyViolation):
                connection.execute(_CUSTOMER, (uuid4(),))
    assert lent.made == 1


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_changed_is_seen(look: Look, database_url: str, change: str) -> None:
    with psycopg.connect(libpq_url(database_url)) as connection:
        first = look.begin(connection)
        connection.commit()
        assert look.is_as_it_was(connection, first)
        for statement in CHANGES[change].split("; "):
            connection.execute(statement)
        assert not look.is_as_it_was(connection, first)
        connection.rollback()
        assert look.is_as_it_was(connection, first)


@pytest.mark.parametrize("change", FOR_GOOD)
def test_what_is_not_as_it_was_is_not_lent_again(lent: Databases, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    with lent.lend() as url, connect(url) as connection:
        connection.execute(FOR_GOOD[change])
    with lent.lend() as url:
        pass
    assert lent.made == 2


@pytest.mark.parametrize("change", SETTINGS)
def test_what_is_set_is_not_lent_again(lent: Databases, change: str, postgres_url: str) -> None:
    with lent.lend() as url, connect(postgres_url) as connection:
        connection.execute(SETTINGS[change].format(url.split("/")[3].split("?")[0]))
    with lent.lend():
        pass
    assert lent.made == 2


def test_one_that_many_have_had_is_not_lent_again(lent: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_USES", 2)
    for _ in range(4):
        with lent.lend():
            pass
    assert lent.made == 2


def test_two_at_once_have_not_the_same(lent: Databases) -> None:
    with lent.lend() as one, lent.lend() as other:
        assert one != other
    with lent.lend() as again:
        assert again not in {one, other}
    assert lent.made == 2


def test_who_was_left_running_finds_it_gone(lent: Databases) -> None:
    with lent.lend() as url:
        left = connect(url), psycopg.connect(libpq_url(url))
        left[0].execute("SELECT pg_advisory_lock(7)")
        left[1].execute("LOCK TABLE booking")
    with lent.lend() as again, connect(again) as connection:
        assert connection.execute("SELECT pg_try_advisory_lock(7)").fetchone() == (True,)
        for one in left:
            with pytest.raises(psycopg.OperationalError):
                one.execute("SELECT 1")
            one.close()
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            connect(url)
    assert lent.made == 1


@pytest.mark.new_database
def test_a_test_may_ask_for_one_that_nobody_has_had(database_url: str, postgres_url: str) -> None:
    oid = "SELECT oid FROM pg_database WHERE datname = current_database()"
    with connect(database_url) as connection:
        ours = connection.execute(oid).fetchone()
    with connect(postgres_url) as connection:
        newest = connection.execute("SELECT max(oid) FROM pg_database WHERE datname LIKE 't\\_%'").fetchone()
    assert ours == newest

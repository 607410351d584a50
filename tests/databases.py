"""Databases for the tests: what a test leaves is emptied and lent again, since making one takes longer than most tests.

What is lent again has what a new one has: the template's schema to the last row of the server's catalogs, the
planner's statistics of the template, its rows and nothing else. A database of which that is not so is thrown away.
Each time it goes by another name: what an earlier test has left running finds its database gone.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, LiteralString
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.errors import ObjectInUse

from booking_core.kit.db import libpq_url

#: After so many tests, or rows of one test, what is dead in the tables may be felt; a new database is cheaper.
MOST_USES = 100
MOST_ROWS = 5_000
#: Never set back: processes remember catalogs by their version.
GOES_ON = "catalog_version"
#: Whatever is made on top of what is ours adds to pg_depend; what is altered, to one of the others.
_CATALOGS: tuple[LiteralString, ...] = (
    "pg_attrdef", "pg_attribute", "pg_cast", "pg_class", "pg_constraint", "pg_default_acl", "pg_depend", "pg_enum",
    "pg_event_trigger", "pg_extension", "pg_index", "pg_inherits", "pg_largeobject_metadata", "pg_namespace",
    "pg_policy", "pg_proc", "pg_publication", "pg_rewrite", "pg_sequence", "pg_statistic", "pg_statistic_ext",
    "pg_trigger", "pg_type",
)  # fmt: skip
#: A row's xmin tells who wrote it last; the server's own notes of how large a table is leave it as it is.
_ROWS: LiteralString = (
    "(SELECT count(*) || ' ' || count(*) FILTER (WHERE age(xmin) < age(%(since)s::xid)) FROM pg_catalog.{})"
)
_SIZES: LiteralString = (
    "(SELECT md5(string_agg(concat_ws(' ', oid, reltuples, relpages, relallvisible), ',' ORDER BY oid)) FROM pg_class)"
)
_SEQUENCE: LiteralString = "(SELECT last_value || ' ' || is_called FROM {})"
_LEFT: LiteralString = "CASE WHEN EXISTS (SELECT FROM {}) THEN {} END"
_SEQUENCES = """
SELECT c.relname FROM pg_class c WHERE c.relkind = 'S' AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname
"""
_SETTINGS = """
SELECT d.datallowconn, d.datconnlimit, d.datacl::text, d.datdba, d.dattablespace,
    (SELECT count(*) FROM pg_db_role_setting s WHERE s.setdatabase = d.oid)
FROM pg_database d WHERE d.datname = %s
"""
_END = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"


def named(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path="/" + database))


@contextlib.contextmanager
def cloned(server: str, template: str) -> Iterator[str]:
    """A database of its own, as the template is, for as long as it is needed."""
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield named(server, name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Databases:
    """Databases that are as the template is, lent to one test at a time."""

    def __init__(self, server: str, template: str) -> None:
        self._server = server
        self._template = template
        self._look = Look(server, template)
        self._free: list[_Made] = []
        self._connection: psycopg.Connection[Any] | None = None
        #: How many were made.
        self.made = 0

    @contextlib.contextmanager
    def lend(self) -> Iterator[str]:
        """Lend a database; nobody is connected to it any more when it comes back."""
        one = self._free.pop() if self._free else self._make()
        yield named(self._server, one.name)
        if self._is_as_new(one):
            self._free.append(one)
        else:
            self._drop(one)

    def close(self) -> None:
        """Drop what is left."""
        while self._free:
            self._drop(self._free.pop())
        if self._connection is not None:
            self._connection.close()

    def _admin(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(libpq_url(self._server), autocommit=True)
        return self._connection

    def _make(self) -> "_Made":
        self.made += 1
        name = _new_name()
        self._admin().execute(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        with psycopg.connect(libpq_url(named(self._server, name)), autocommit=True) as connection:
            return _Made(name, self._look.begin(connection))

    def _drop(self, one: "_Made") -> None:
        self._admin().execute(f"DROP DATABASE {one.name} WITH (FORCE)")

    def _is_as_new(self, one: "_Made") -> bool:
        """End whoever is connected, give it a name that nobody knows, and make it as it was; False: drop it instead."""
        one.uses += 1
        settings = [self._admin().execute(_SETTINGS, (name,)).fetchone() for name in (self._template, one.name)]
        if settings[0] != settings[1] or one.uses >= MOST_USES:
            return False
        name = _new_name()
        _rename_alone(self._admin(), one.name, name)
        one.name = name
        return self._look.empty(named(self._server, name), one.first)


@dataclass
class _Made:
    """A database, how it looked at first, and how many tests have had it."""

    name: str
    first: "Seen"
    uses: int = 0


@dataclass(frozen=True)
class Seen:
    """What does not change while rows come and go, counted from a transaction on; where the sequences are."""

    since: int
    fixed: list[str]
    counted: list[str]


class Look:
    """How databases of a template look, and how one is made to look as it did."""

    def __init__(self, server: str, template: str) -> None:
        with psycopg.connect(libpq_url(named(server, template)), autocommit=True) as connection:
            tables = [
                sql.Identifier(*one)
                for one in connection.execute(
                    "SELECT schemaname, tablename FROM pg_tables"
                    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
                )
            ]
            kept = [one for one in tables if connection.execute(_asked("SELECT FROM {} LIMIT 1", one)).rowcount]
            self._sequences = [str(one) for (one,) in connection.execute(_SEQUENCES) if one != GOES_ON]
            fixed = [_asked(_ROWS, sql.Identifier(one)) for one in _CATALOGS]
            fixed += [_asked("(SELECT string_agg(t::text, '' ORDER BY t::text) FROM {} t)", one) for one in kept]
            self._query = _asked(
                "SELECT ARRAY[{}], ARRAY[{}]::text[], array_remove(ARRAY[{}]::text[], NULL)",
                sql.SQL(", ").join([*fixed, sql.SQL(_SIZES)]),
                sql.SQL(", ").join(_asked(_SEQUENCE, sql.Identifier(one)) for one in self._sequences),
                sql.SQL(", ").join(
                    _asked(_LEFT, one, sql.Literal(one.as_string(connection))) for one in tables if one not in kept
                ),
            )

    def begin(self, connection: psycopg.Connection[Any]) -> Seen:
        """Look at a new database."""
        row = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
        assert row
        fixed, counted, left = self._ask(connection, row[0])
        assert not left
        return Seen(row[0], fixed, counted)

    def is_as_it_was(self, connection: psycopg.Connection[Any], first: Seen) -> bool:
        """Whether everything but rows and sequences is as it was at first."""
        return self._ask(connection, first.since)[0] == first.fixed

    def empty(self, url: str, first: Seen) -> bool:
        """Empty a database; False: it is not as it was, and can not be made so, or not as soon as a new one.

        Rows go without their keys and triggers being asked.
        """
        with psycopg.connect(libpq_url(url), options="-c session_replication_role=replica") as connection:
            fixed, counted, left = self._ask(connection, first.since)
            if fixed != first.fixed:
                return False
            moved = [at for at, (one, then) in enumerate(zip(counted, first.counted, strict=True)) if one != then]
            todo = [self._back(at, first.counted[at]) for at in moved]
            todo += [sql.SQL("DELETE FROM {}").format(sql.SQL(one)) for one in left]
            if not todo:
                return True
            cursor = connection.execute(sql.SQL("; ").join(todo))
            rows = cursor.rowcount
            while cursor.nextset():
                rows += cursor.rowcount
            return rows <= MOST_ROWS

    def _ask(self, connection: psycopg.Connection[Any], since: int) -> tuple[list[str], list[str], list[str]]:
        """Return what must be as it was, where the sequences are, and the tables with rows."""
        row = connection.execute(self._query, {"since": str(since)}).fetchone()
        assert row
        return row

    def _back(self, at: int, counted: str) -> sql.Composed:
        last, called = counted.split()
        name = sql.Identifier(self._sequences[at]).as_string(None)
        return _asked(
            "SELECT setval({}, {}, {})", sql.Literal(name), sql.Literal(int(last)), sql.Literal(called == "true")
        )


def _asked(statement: LiteralString, *parts: sql.Composable) -> sql.Composed:
    return sql.SQL(statement).format(*parts)


def _new_name() -> str:
    return f"t_{uuid4().hex[:12]}"


def _rename_alone(connection: psycopg.Connection[Any], name: str, new: str) -> None:
    """End all connections to a database, and rename it as soon as there is none."""
    deadline = time.monotonic() + 20
    while True:
        row = connection.execute(_END, (name,)).fetchone()
        if row == (0,):
            # Somebody may be on the way in.
            with contextlib.suppress(ObjectInUse):
                connection.execute(f"ALTER DATABASE {name} RENAME TO {new}")
                return
        assert time.monotonic() < deadline, f"somebody stays connected to {name}"
        time.sleep(0.002)

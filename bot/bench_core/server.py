"""A PostgreSQL server to measure on, and a fresh database in it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg

from booking_core.kit.db import libpq_url
from bot.embedded import EmbeddedPostgres
from bot.migrate import migrate


@contextmanager
def server(url: str | None = None) -> Iterator[str]:
    """Give the URL of a server: the named one, else a durable embedded one that ends with the measurement."""
    url = url or os.environ.get("DATABASE_URL")
    if url:
        yield libpq_url(url)
        return
    with tempfile.TemporaryDirectory(prefix="threadbook-bench-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        try:
            yield postgres.start()
        finally:
            postgres.stop()


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """Give the URL of a new database with the newest schema; it is dropped in the end."""
    name = f"threadbook_bench_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    try:
        migrate(url)
        yield url
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def tidy(url: str, *tables: str) -> None:
    """Vacuum and analyze, so that what was measured before costs nobody anything, and write all of it out."""
    with psycopg.connect(url, autocommit=True) as connection:
        for table in tables:
            connection.execute(f"VACUUM (ANALYZE) {table}")
        connection.execute("CHECKPOINT")

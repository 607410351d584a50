"""Bring a database to the present schema: Alembic for our tables, procrastinate for its own; policies, statistics."""

from pathlib import Path

import procrastinate
import psycopg
from alembic import command
from alembic.config import Config

from booking_core.kit.db import libpq_url, sqlalchemy_url
from bot.first_statistics import tell_first_statistics
from bot.separation import separate

MIGRATIONS = Path(__file__).parent / "migrations"
#: One migration at a time, also when several containers start together.
_LOCK = 7_244_100_811


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration for a database, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = sqlalchemy_url(url)
    return config


def migrate(url: str) -> None:
    """Upgrade the database to the newest schema; safe to run again and from several machines at once."""
    with psycopg.connect(libpq_url(url), autocommit=True) as lock:
        lock.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        command.upgrade(alembic_config(url), "head")
        known = lock.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
        if known is None or known[0] is None:
            connector = procrastinate.SyncPsycopgConnector(conninfo=libpq_url(url))
            with procrastinate.App(connector=connector).open() as app:
                app.schema_manager.apply_schema()
        separate(lock)
        tell_first_statistics(lock)

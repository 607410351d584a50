"""Real servers for the tests: embedded ones, or those that the environment names."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.embedded import EmbeddedPostgres, EmbeddedRedis
from bot.processes import running_pid


@contextmanager
def start_postgres(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL that need not survive a power cut, unless TEST_DATABASE_URL names a server."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    forget_killed_runs(folder.parent)
    server = EmbeddedPostgres(folder, durable=False)
    try:
        yield server.start()
    finally:
        server.stop()


@contextmanager
def start_redis(folder: Path) -> Iterator[str]:
    """Start a Redis, unless TEST_REDIS_URL names a server."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    server = EmbeddedRedis(folder)
    try:
        yield server.start()
    finally:
        server.stop()


def forget_killed_runs(ours: Path) -> None:
    """Remove the folders of test runs that were killed: about 60 MB each."""
    for other in ours.parent.glob("threadbook-tests-*"):
        record = other / "postgres" / "server.json"
        if other != ours and record.exists() and running_pid(record) is None:
            shutil.rmtree(other, ignore_errors=True)

"""Real servers for the tests: embedded ones, or those that the environment names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.embedded import EmbeddedPostgres, EmbeddedRedis


@contextmanager
def start_postgres(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL that need not survive a power cut, unless TEST_DATABASE_URL names a server."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
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

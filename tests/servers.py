"""Real servers for the tests: embedded ones, or those that the environment names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.embedded import EmbeddedPostgres, EmbeddedRedis


@contextmanager
def start_postgres(folder: Path) -> Iterator[str]:
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    server = EmbeddedPostgres(folder)
    yield server.start()
    server.stop()


@contextmanager
def start_redis(folder: Path) -> Iterator[str]:
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    server = EmbeddedRedis(folder)
    yield server.start()
    server.stop()

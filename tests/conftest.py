"""Fixtures of every test: a real PostgreSQL and Redis, a database of its own for each test that wants one."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from argon2 import PasswordHasher, profiles
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from bot.console import passwords
from tests.databases import Databases, cloned, named
from tests.servers import start_postgres, start_redis, write_to_memory

if TYPE_CHECKING:
    from nlu.engine import Engine

#: Each process of a parallel run has one of its own, should they share a server.
TEMPLATE = f"threadbook_template_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"

write_to_memory()

# Every test has users of its own; making their passwords hard to guess would cost more than most tests do.
passwords._hasher = PasswordHasher.from_parameters(profiles.CHEAPEST)


@pytest.fixture(scope="session")
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    """Python's own loop for every test: Sanic, which Rasa imports, installs uvloop's for everybody."""
    return asyncio.DefaultEventLoopPolicy()


@pytest.fixture(scope="session")
def server_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="threadbook-tests-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(server_dir: Path) -> Iterator[str]:
    """A PostgreSQL server with a migrated template database; TEST_DATABASE_URL names a real one."""
    with start_postgres(server_dir / "postgres") as url:
        from bot.migrate import migrate

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(named(url, TEMPLATE))
        yield url


@pytest.fixture(scope="session")
def redis_url(server_dir: Path) -> Iterator[str]:
    with start_redis(server_dir / "redis") as url:
        yield url


@pytest.fixture(scope="session")
def model() -> Path:
    """The model of the present data, trained here unless an earlier run has it (cached by content)."""
    from nlu.train import train

    folder = Path(os.environ.get("TEST_MODEL_DIR") or Path.cwd() / ".threadbook" / "models")
    return train(folder, lambda _line: None)


@pytest.fixture(scope="session")
def engine(model: Path) -> "Engine":
    """An engine with every action of the bot."""
    from bot.actions import all_actions
    from bot.serving import settle_down
    from nlu.engine import Engine

    loaded = Engine.load(model, all_actions())
    settle_down()
    return loaded


@pytest.fixture(scope="session")
def databases(postgres_url: str) -> Iterator[Databases]:
    """Databases as the migrated template is; what one test has left is gone before the next one has it."""
    databases = Databases(postgres_url, TEMPLATE)
    yield databases
    databases.close()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, postgres_url: str, databases: Databases) -> Iterator[str]:
    """A database of this test's own, as the migrated template is; with `new_database` one that nobody has had."""
    new = request.node.get_closest_marker("new_database") is not None
    with cloned(postgres_url, TEMPLATE) if new else databases.lend() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    """An open transaction that commits when the test ends without an error."""
    async with database.transaction() as session:
        yield session

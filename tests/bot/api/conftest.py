"""The real application over a real database and Redis, with a shop in it and a program that has a token."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from booking_core import customers
from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from bot.api import routes
from bot.api.tokens import Scope, make_token
from bot.api.upkeep import look
from bot.app import create_app
from bot.settings import Settings
from bot.wiring import System, build_system, close_system
from channels.conversations import open_conversation
from channels.models import ChannelAccount
from tests.booking_core.shop import NOW, Shop, at, open_shop
from tests.bot.api.conforming import Description, description_of
from tests.conftest import TEMPLATE
from tests.databases import named

ALL = tuple(Scope)
SERVICES = {
    "cut": {"duration": 60, "slot_interval": 60, "price": 2800, "deposit": 1000, "payment": "deposit"},
    "trim": {"duration": 20, "slot_interval": 20, "price": 1500},
    "yoga": {"duration": 60, "slot_interval": 60, "price": 1000, "capacity": 3, "max_party": 3},
}


def iso(clock: str | datetime) -> str:
    return (at(clock) if isinstance(clock, str) else clock).isoformat()


@dataclass
class Api:
    """A running API, and a program that calls it."""

    app: object
    settings: Settings
    db: Database
    http: httpx.AsyncClient
    shop: Shop
    customer: UUID
    token: str
    #: What every answer is held against; None: nothing.
    description: Description | None

    async def get(self, path: str, **more: object) -> httpx.Response:
        return await self.call("GET", path, **more)

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        key: str | None = None,
        **more: object,
    ) -> httpx.Response:
        sent = {"Authorization": f"Bearer {token or self.token}", **(headers or {})}
        if key is not None:
            sent["Idempotency-Key"] = key
        address = path if path.startswith("/api/") else f"/api/v1{path}"
        answer = await self.http.request(method, address, headers=sent, **more)
        if self.description is not None:
            self.description.check(answer)
        return answer

    async def post(self, path: str, json: object = None, *, key: str | None = None, **more: object) -> httpx.Response:
        return await self.call("POST", path, json=json, key=key or str(uuid4()), **more)

    async def book(self, clock: str | datetime, *, service: str = "trim", staff: str | None = "Ana", **more: object):
        """Book and return the answer."""
        wanted = {
            "service_ids": [str(self.shop.services[service])],
            "starts": iso(clock),
            "customer_id": str(self.customer),
        }
        if staff:
            wanted["staff_id"] = str(self.shop.staff[staff])
        headers = more.pop("headers", None)
        return await self.post("/bookings", wanted | more, headers=headers)

    async def booked(self, clock: str | datetime, **more: object) -> dict:
        made = await self.book(clock, **more)
        assert made.status_code == 201, made.text
        return made.json()

    async def other_token(self, scopes: Sequence[Scope] = ALL, *, business_id: UUID | None = None, **more) -> str:
        async with self.db.transaction() as session:
            made = await make_token(
                session,
                business_id or self.shop.business_id,
                name="other",
                scopes=scopes,
                lasts=more.get("lasts"),
                now=more.get("now", NOW),
            )
        return made.secret

    async def thread(self, *bookings: dict) -> UUID:
        """Put bookings into a thread of their own, as if its customer had made them there."""
        async with self.db.transaction() as session:
            account = ChannelAccount(
                business_id=self.shop.business_id, id=new_id(), channel="web", address=str(new_id())
            )
            session.add(account)
            await session.flush()
            thread = await open_conversation(session, account, f"guest-{new_id()}", now=NOW)
            thread.customer_id, thread.locale = self.customer, "en-GB"
        ids = [UUID(one["id"]) for one in bookings]
        await self.run("UPDATE booking SET conversation_id = :thread WHERE id = ANY(:ids)", thread=thread.id, ids=ids)
        return thread.id

    async def said(self, thread: UUID) -> list[str]:
        """Return what was said in a thread."""
        found = await self.rows("SELECT text FROM message WHERE conversation_id = :thread ORDER BY seq", thread=thread)
        return [row.text for row in found]

    async def rows(self, sql: str, **values: object) -> list:
        async with self.db.transaction() as session:
            return list((await session.execute(text(sql), values)).all())

    async def run(self, sql: str, **values: object) -> None:
        async with self.db.transaction() as session:
            await session.execute(text(sql), values)

    async def set_clock(self, moment: datetime) -> None:
        await self.run(
            "INSERT INTO clock_shift (one, shift) VALUES (1, CAST(:to AS timestamptz) - clock_timestamp()) "
            "ON CONFLICT (one) DO UPDATE SET shift = CAST(:to AS timestamptz) - clock_timestamp()",
            to=moment.astimezone(UTC),
        )

    async def advance(self, by: timedelta) -> None:
        await self.run("UPDATE clock_shift SET shift = shift + :by", by=by)

    async def look(self) -> None:
        """Let time bring what is due."""
        await look(self.db)


@pytest.fixture(scope="session")
def settings(postgres_url: str, redis_url: str) -> Settings:
    return Settings(
        _env_file=None,
        database_url=named(postgres_url, f"api_{os.getpid()}"),
        redis_url=redis_url,
        secret_key="x" * 40,
        public_url="http://api.test",
    )


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[FastAPI]:
    """The application, built once: it takes longer than most tests. Each test gives it an empty database."""
    app = create_app(settings)
    yield app
    asyncio.run(close_system(app.state.system))


@pytest.fixture(scope="session")
def wide_app(settings: Settings) -> Iterator[FastAPI]:
    """The API alone, without a limit."""
    system = build_system(settings)
    app = FastAPI()
    app.state.system = system
    routes.install(app, system, most=1_000_000)
    yield app
    asyncio.run(close_system(system))


@pytest.fixture(scope="session")
def tables(postgres_url: str, settings: Settings) -> Iterator[list[str]]:
    """Every table of one database for all these tests; what is in a new one stays."""
    name = urlsplit(settings.database_url).path[1:]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    with psycopg.connect(settings.database_url) as connection:
        found = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        empty = [one for one in found if connection.execute(f"SELECT FROM {one} LIMIT 1").fetchone() is None]
    yield empty
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(settings: Settings, tables: list[str]) -> str:
    """An empty database. Rows go without their keys and triggers being asked: a new database takes much longer."""
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("SET session_replication_role = replica")
        for table in tables:
            connection.execute(f"DELETE FROM {table}")
    return settings.database_url


@pytest.fixture
async def api(app: FastAPI, settings: Settings, database: Database) -> AsyncIterator[Api]:
    system = app.state.system
    await system.redis.flushall()
    async with database.transaction() as session:
        shop = await open_shop(session, services=SERVICES)
        maria = await customers.load_or_create(session, shop.business_id, None, name="Maria Ruiz", locale="en", now=NOW)
        token = await make_token(session, shop.business_id, name="till", scopes=ALL, lasts=None, now=NOW)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as http:
        description = description_of((await http.get("/api/v1/openapi.json")).text)
        api = Api(app, settings, database, http, shop, maria.id, token.secret, description)
        await api.set_clock(NOW)
        yield api
    await rest(system)


@pytest.fixture
async def wide(api: Api, wide_app: FastAPI) -> AsyncIterator[Api]:
    """The same API without a limit, for tests that ask thousands of times."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(wide_app), base_url="http://api.test") as http:
        api.http, narrow = http, api.http
        api.description = None  # it would take longer than the asking
        yield api
        api.http = narrow
    await rest(wide_app.state.system)


async def rest(system: System) -> None:
    """Close the connections, which belong to this test's loop; the next test opens new ones."""
    await system.db.close()
    await system.redis.aclose()

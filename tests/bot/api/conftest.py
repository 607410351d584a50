"""The real application over a real database and Redis, with a shop in it and a program that has a token."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import text

from booking_core import customers
from booking_core.kit.db import Database
from bot.api import routes
from bot.api.tokens import Scope, make_token
from bot.api.upkeep import look
from bot.app import create_app
from bot.settings import Settings
from bot.wiring import build_system, close_system
from tests.booking_core.shop import NOW, Shop, at, open_shop

ALL = tuple(Scope)
SERVICES = {
    "cut": {"duration": 60, "slot_interval": 60, "price": 2800, "deposit": 1000, "payment": "deposit"},
    "trim": {"duration": 20, "slot_interval": 20, "price": 1500},
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
    keys: list[str] = field(default_factory=list)

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
        return await self.http.request(method, address, headers=sent, **more)

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


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return Settings(
        _env_file=None,
        database_url=database_url,
        redis_url=redis_url,
        secret_key="x" * 40,
        public_url="http://api.test",
    )


@pytest.fixture
async def api(settings: Settings, database: Database, redis_url: str) -> AsyncIterator[Api]:
    redis = Redis.from_url(redis_url)
    await redis.flushall()
    await redis.aclose()
    async with database.transaction() as session:
        shop = await open_shop(session, services=SERVICES)
        maria = await customers.load_or_create(session, shop.business_id, None, name="Maria Ruiz", locale="en", now=NOW)
        token = await make_token(session, shop.business_id, name="till", scopes=ALL, lasts=None, now=NOW)
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as http:
        api = Api(app, settings, database, http, shop, maria.id, token.secret)
        await api.set_clock(NOW)
        yield api
    await close_system(app.state.system)


@pytest.fixture
async def wide(api: Api) -> AsyncIterator[Api]:
    """The same API without a limit, for tests that ask thousands of times."""
    system = build_system(api.settings)
    app = FastAPI()
    routes.install(app, system, most=1_000_000)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as http:
        api.http, narrow = http, api.http
        yield api
        api.http = narrow
    await close_system(system)

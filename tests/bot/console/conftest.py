"""A console over a real database and Redis, and browsers that are signed in to it."""

import asyncio
import re
import socket as sockets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser as Chromium
from playwright.async_api import async_playwright, expect
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from bot.console import Desk, router_for
from bot.models import Dialogue
from bot.settings import Settings
from bot.words import Words
from tests.bot.console.salon import DAY, Salon, open_salon
from tests.bot.console.scene import PASSWORD, Scene, open_business
from tests.browser import launch_options

BASE = "http://console.test"
SignIn = Callable[[str], Awaitable["Browser"]]


class Browser(httpx.AsyncClient):
    """A signed-in browser: knows its session's token and sends it with every form."""

    csrf: str = ""

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        page = await self.get("/console/login")
        return await self.post(
            "/console/login", data={"csrf": hidden(page.text, "csrf"), "email": email, "password": password}
        )

    async def submit(self, path: str, **fields: object) -> httpx.Response:
        return await self.post(path, data={"csrf": self.csrf, **{key: str(value) for key, value in fields.items()}})


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"no hidden field {name}"
    return found[1]


@pytest.fixture(scope="session")
def words() -> Words:
    return Words()


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return Settings(
        _env_file=None,
        database_url=database_url,
        redis_url=redis_url,
        secret_key="x" * 40,
        public_url=BASE,
    )


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    redis = Redis.from_url(redis_url)
    await redis.flushall()
    yield redis
    await redis.aclose()


@pytest.fixture
async def desk(database: Database, redis: Redis, words: Words, settings: Settings) -> Desk:
    database.redis = redis

    async def handed_back(session: AsyncSession, dialogue: Dialogue, now: datetime) -> None:
        dialogue.memory = {**dialogue.memory, "recaps": dialogue.memory.get("recaps", 0) + 1}

    return Desk(database, redis, words, settings, handed_back)


@pytest.fixture
def app(desk: Desk) -> FastAPI:
    app = FastAPI()
    app.include_router(router_for(desk))
    return app


@pytest.fixture
async def scene(database: Database) -> Scene:
    async with database.transaction() as session:
        return await open_business(session)


@pytest.fixture
async def salon(database: Database, scene: Scene) -> Salon:
    async with database.transaction() as session:
        return await open_salon(session, scene, DAY)


@pytest.fixture
async def anyone(app: FastAPI) -> AsyncIterator[Browser]:
    """A browser that is not signed in."""
    async with new_browser(app) as browser:
        yield browser


@pytest.fixture
async def signed_in(app: FastAPI, scene: Scene) -> AsyncIterator[SignIn]:
    """Return a browser that is signed in with an e-mail address, or as a role."""
    opened: list[Browser] = []

    async def sign_in(who: str) -> Browser:
        browser = new_browser(app)
        opened.append(browser)
        answer = await browser.sign_in(who if "@" in who else scene.users[who].email)
        assert answer.status_code == 303, answer.text
        browser.csrf = hidden((await browser.get("/console/inbox")).text, "csrf")
        return browser

    yield sign_in
    for browser in opened:
        await browser.aclose()


def new_browser(app: FastAPI) -> Browser:
    return Browser(transport=httpx.ASGITransport(app=app), base_url=BASE, headers={"origin": BASE})


@pytest.fixture
async def address(desk: Desk) -> AsyncIterator[str]:
    """Where a real server answers."""
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    app = FastAPI()
    settings = desk.settings.model_copy(update={"public_url": base})
    app.include_router(router_for(Desk(desk.db, desk.redis, desk.words, settings, desk.handed_back)))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", ws="wsproto"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield base
    server.should_exit = True
    await serving


@pytest.fixture
async def chromium() -> AsyncIterator[Chromium]:
    expect.set_options(timeout=15_000)  # a busy machine is slow, not wrong
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options())
        yield browser
        await browser.close()

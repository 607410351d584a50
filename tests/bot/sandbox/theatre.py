"""A sandbox on a real port, with doors that write down what knocks instead of the system's own."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response

from booking_core.kit.db import Database
from bot.embedded import free_port
from bot.sandbox.routes import BadDay, router_for, run_webhooks
from bot.sandbox.stage import Stage
from bot.settings import Settings
from bot.vendors import vendors_for
from bot.words import Words


@dataclass
class Knock:
    """A webhook as it came."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Theatre:
    """A running sandbox and what it sent."""

    stage: Stage
    http: httpx.AsyncClient
    knocks: list[Knock] = field(default_factory=list)
    #: What the doors answer: the first so many times, then 200.
    answers: list[int] = field(default_factory=list)
    #: Part of a body -> opens the door to it.
    opens: dict[bytes, asyncio.Event] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return self.stage.settings.base_url

    async def knock(self, part: str, *, nth: int = 0) -> Knock:
        """Return the nth webhook whose address or body has a part, when it has come."""
        for _ in range(400):
            found = [one for one in self.knocks if part in one.url or part.encode() in one.body]
            if len(found) > nth:
                return found[nth]
            await asyncio.sleep(0.02)
        raise AssertionError(f"no webhook with {part!r}: {[(one.url, one.body[:80]) for one in self.knocks]}")

    async def say(self, channel: str, address: str, text: str, **headers: str) -> httpx.Response:
        return await self.http.post(
            f"/sandbox/phones/{channel}/{address}/say", json={"text": text}, headers=dict(headers)
        )

    async def screen(self, channel: str, address: str, after: int = 0) -> list[dict]:
        answer = await self.http.get(f"/sandbox/phones/{channel}/{address}/messages", params={"after": after})
        return answer.json()["messages"]


@functools.cache
def words() -> Words:
    return Words()


def settings_for(database_url: str, port: int | None = None) -> Settings:
    return Settings(
        _env_file=None,
        database_url=database_url,
        redis_url="redis://127.0.0.1:1/0",
        port=port or free_port(),
        secret_key="tests" * 10,
    )


@contextlib.asynccontextmanager
async def open_theatre(database: Database, settings: Settings) -> AsyncIterator[Theatre]:
    stage = Stage(database, settings, vendors_for(settings), words())
    app = FastAPI()
    app.include_router(router_for(stage))
    app.add_middleware(BadDay, stage=stage)
    async with httpx.AsyncClient(base_url=settings.base_url, timeout=10) as http:
        theatre = Theatre(stage, http)

        @app.post("/webhooks/{path:path}")
        async def door(request: Request) -> Response:
            body = await request.body()
            theatre.knocks.append(Knock(str(request.url), dict(request.headers), body))
            for part, opened in theatre.opens.items():
                if part in body:
                    await opened.wait()
            return Response(status_code=theatre.answers.pop(0) if theatre.answers else 200)

        server = uvicorn.Server(
            uvicorn.Config(
                app, port=settings.port, ws="wsproto", log_config=None, access_log=False, timeout_graceful_shutdown=1
            )
        )
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
            assert not serving.done(), serving
        sending = asyncio.create_task(run_webhooks(stage))
        try:
            yield theatre
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
            server.should_exit = True
            await serving

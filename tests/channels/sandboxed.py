"""Our adapters and doors with the sandbox over real HTTP, for tests on both sides of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import select

from booking_core.kit.db import Database
from bot.embedded import free_port
from bot.own_lines import OwnLines
from bot.sandbox.routes import router_for as sandbox_router
from bot.sandbox.routes import run_webhooks
from bot.sandbox.stage import Stage
from bot.settings import Settings
from bot.vault import make_key
from bot.vendors import Vendors, vendors_for
from channels import messages, registry
from channels.contract import Channel
from channels.deliver import Outcome, deliver
from channels.limits import sender_limits
from channels.models import Conversation, Message
from channels.receive import OnFailed
from channels.webhooks import Doors, router_for
from tests.channels.builders import NOW, a_business, allowed, load

ADDRESSES = {"sms": "+34600111222", "whatsapp": "+34600111222", "telegram": "700100200"}
Choices = list[str]


@dataclass
class World:
    db: Database
    http: httpx.AsyncClient
    channels: dict[str, Channel]
    vendors: Vendors
    settings: Settings
    redis: Redis
    own: OwnLines

    async def say(self, channel: str, text: str, to: str | None = None) -> Message:
        address = ADDRESSES[channel]
        answer = await self.http.post(f"/sandbox/phones/{channel}/{address}/say", json={"text": text, "to": to})
        assert answer.status_code == 202, answer.text
        return await self.heard(channel, lambda row: row.text == text)

    async def tap(self, channel: str, n: int, choice: str) -> Message:
        path = f"/sandbox/phones/{channel}/{ADDRESSES[channel]}/tap"
        answer = await self.http.post(path, json={"message": n, "choice": choice})
        assert answer.status_code == 202, answer.text
        return await self.heard(channel, lambda row: row.choice == choice)

    async def screen(self, channel: str) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/sandbox/phones/{channel}/{ADDRESSES[channel]}/messages")
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    async def heard(self, channel: str, wanted: Callable[[Message], bool]) -> Message:
        found: list[Message] = []

        async def came() -> bool:
            async with self.db.transaction() as session:
                rows = await session.scalars(select(Message).where(Message.channel == channel))
                found[:] = [row for row in rows if row.sender == "customer" and wanted(row)]
            return bool(found)

        await until(came)
        return found[0]

    async def answer(self, channel: str, text: str, labels: Choices, **more: Any) -> tuple[Message, Outcome]:
        async with self.db.transaction() as session:
            thread = (await session.scalars(select(Conversation).where(Conversation.channel == channel))).one()
            drafts = [messages.ChoiceDraft(label, "choose", {"label": label}) for label in labels]
            message = await messages.queue_message(
                session, thread, sender="bot", text=text, choices=drafts, locale="es", now=NOW
            )
        run = await deliver(self.db, self.channels, message.business_id, message.id, may_send=allowed, **more)
        return await load(self.db, message.business_id, message.id), run


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while not await condition():
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def open_world(
    database: Database, database_url: str, redis_url: str, on_failed: OnFailed | None = None
) -> AsyncIterator[World]:
    settings = Settings(
        _env_file=None,
        database_url=database_url,
        redis_url=redis_url,
        port=free_port(),
        secret_key="tests" * 10,
        vault_keys=make_key(),
    )
    vendors = vendors_for(settings)
    channels = dict(registry.build(twilio=vendors.twilio, telegram=vendors.telegram, list_button=lambda _: "Elegir"))
    async with database.transaction() as session:
        await a_business(session, accounts=dict(registry.addresses(vendors.twilio, vendors.telegram)))
    redis = Redis.from_url(redis_url)
    await redis.flushdb()
    stage = Stage(database, settings, vendors)
    app = FastAPI()
    app.include_router(sandbox_router(stage))
    own = OwnLines(database, settings, lambda _: "Elegir")
    app.include_router(router_for(Doors(database, channels, sender_limits(redis), on_failed, own)))
    config = uvicorn.Config(app, port=settings.port, log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    sending = asyncio.create_task(run_webhooks(stage))
    async with httpx.AsyncClient(base_url=settings.base_url, timeout=10) as http:
        yield World(database, http, channels, vendors, settings, redis, own)
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sending
    await registry.close(channels)
    await own.close()
    server.should_exit = True
    await serving
    await redis.aclose()

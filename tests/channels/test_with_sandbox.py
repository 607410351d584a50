"""Our adapters and doors with the sandbox's stand-ins over real HTTP: a phone on one side, rows on the other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import select, update

from booking_core.kit.db import Database
from bot.embedded import free_port
from bot.sandbox.routes import router_for as sandbox_router
from bot.sandbox.routes import run_webhooks
from bot.sandbox.stage import Stage
from bot.settings import Settings
from bot.vendors import Vendors, vendors_for
from channels import messages, registry
from channels.contract import Channel
from channels.deliver import Outcome, acknowledge_tap, deliver
from channels.limits import sender_limits
from channels.models import Conversation, Message
from channels.webhooks import Doors, router_for
from tests.channels.builders import NOW, a_business, allowed, load

ADDRESSES = {"sms": "+34600111222", "whatsapp": "+34600111222", "telegram": "700100200"}
FEW = ["Sí", "No"]
MANY = [f"mié. 25 nov · 14:{n:02}" for n in range(9)]
Choices = list[str]


@dataclass
class World:
    db: Database
    http: httpx.AsyncClient
    channels: dict[str, Channel]
    vendors: Vendors

    async def say(self, channel: str, text: str) -> Message:
        address = ADDRESSES[channel]
        answer = await self.http.post(f"/sandbox/phones/{channel}/{address}/say", json={"text": text})
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

    async def answer(self, channel: str, text: str, labels: Choices) -> tuple[Message, Outcome]:
        async with self.db.transaction() as session:
            thread = (await session.scalars(select(Conversation).where(Conversation.channel == channel))).one()
            drafts = [messages.ChoiceDraft(label, "choose", {"label": label}) for label in labels]
            message = await messages.queue_message(
                session, thread, sender="bot", text=text, choices=drafts, locale="es", now=NOW
            )
        run = await deliver(self.db, self.channels, message.business_id, message.id, may_send=allowed)
        return await load(self.db, message.business_id, message.id), run


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while not await condition():
            await asyncio.sleep(0.02)


@pytest.fixture
async def world(database: Database, database_url: str, redis_url: str) -> AsyncIterator[World]:
    settings = Settings(
        _env_file=None, database_url=database_url, redis_url=redis_url, port=free_port(), secret_key="tests" * 10
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
    app.include_router(router_for(Doors(database, channels, sender_limits(redis))))
    config = uvicorn.Config(app, port=settings.port, log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    sending = asyncio.create_task(run_webhooks(stage))
    async with httpx.AsyncClient(base_url=settings.base_url, timeout=10) as http:
        yield World(database, http, channels, vendors)
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sending
    await registry.close(channels)
    server.should_exit = True
    await serving
    await redis.aclose()


@pytest.mark.parametrize(
    ("channel", "labels", "shown"),
    [
        ("sms", FEW, ("¿Seguro?\n1 Sí\n2 No", [])),
        ("sms", [], ("¿Seguro?", [])),
        ("whatsapp", FEW, ("¿Seguro?", FEW)),
        ("whatsapp", MANY, ("¿Seguro?", MANY)),
        ("telegram", FEW, ("¿Seguro?", FEW)),
        ("telegram", MANY, ("¿Seguro?", MANY)),
    ],
)
async def test_a_message_and_its_choices_reach_the_phone(
    world: World, channel: str, labels: Choices, shown: tuple[str, Choices]
) -> None:
    await world.say(channel, "hola, ¿mañana? 💇")
    sent, outcome = await world.answer(channel, "¿Seguro?", labels)
    assert (outcome, sent.status in ("sent", "delivered")) == (Outcome.SENT, True)
    last = (await world.screen(channel))[-1]
    assert (last["text"], [choice["label"] for choice in last["choices"]]) == shown
    if channel != "telegram":

        async def delivered() -> bool:
            return (await load(world.db, sent.business_id, sent.id)).status == "delivered"

        await until(delivered)


@pytest.mark.parametrize(("channel", "labels"), [("whatsapp", FEW), ("whatsapp", MANY), ("telegram", FEW)])
async def test_a_tap_comes_back_as_its_choice(world: World, channel: str, labels: Choices) -> None:
    await world.say(channel, "hola")
    sent, _ = await world.answer(channel, "¿Seguro?", labels)
    last = (await world.screen(channel))[-1]
    row = await world.tap(channel, last["n"], last["choices"][1]["id"])
    assert row.text == labels[1]
    async with world.db.transaction() as session:
        thread = (await session.scalars(select(Conversation).where(Conversation.channel == channel))).one()
        choice = await messages.find_choice(session, thread, row.choice or "")
        assert choice is not None
        assert (choice.meaning, choice.message_id) == ({"do": "choose", "args": {"label": labels[1]}}, sent.id)
        asked = await messages.find_replied_to(session, row)
        assert asked is not None
        assert asked.id == sent.id
    if channel == "telegram":
        await acknowledge_tap(world.db, world.channels, row.business_id, row.id)
        await acknowledge_tap(world.db, world.channels, row.business_id, row.id)
        assert (await world.screen(channel))[-1]["choices"] == []


@pytest.mark.parametrize(("channel", "labels"), [("sms", FEW), ("whatsapp", FEW), ("whatsapp", [])])
async def test_what_a_crash_left_is_found_in_the_stand_ins_list(world: World, channel: str, labels: Choices) -> None:
    await world.say(channel, "hola")
    first, _ = await world.answer(channel, "¿Seguro?", labels)
    second, _ = await world.answer(channel, "¿Seguro?", labels)
    before = len(await world.screen(channel))
    async with world.db.transaction() as session:
        await session.execute(update(Message).where(Message.id == second.id).values(status="sending", provider_id=None))
    outcome = await deliver(world.db, world.channels, second.business_id, second.id, may_send=allowed)
    found = await load(world.db, second.business_id, second.id)
    assert (outcome, found.provider_id) == (Outcome.RECONCILED, second.provider_id)
    assert found.provider_id != first.provider_id
    assert len(await world.screen(channel)) == before


async def test_stop_on_sms_is_twilios_to_answer_and_then_nothing_goes(world: World) -> None:
    await world.say("sms", "hello")
    stop = await world.say("sms", "STOP")
    assert messages.platform_opt(stop) == "stop"
    message, outcome = await world.answer("sms", "are you there?", [])
    assert (outcome, message.error) == (Outcome.FAILED, "twilio_21610")
    start = await world.say("sms", "START")
    assert messages.platform_opt(start) == "start"
    assert (await world.answer("sms", "welcome back", []))[1] is Outcome.SENT


async def test_who_blocks_the_bot_has_opted_out(world: World) -> None:
    await world.say("telegram", "/start")
    path = f"/sandbox/phones/telegram/{ADDRESSES['telegram']}"

    async def out(expected: bool) -> None:
        async def is_so() -> bool:
            async with world.db.transaction() as session:
                found = (await session.scalars(select(Conversation.opted_out_at))).one()
            return (found is not None) is expected

        await until(is_so)

    assert (await world.http.post(f"{path}/block", json={"blocked": True})).is_success
    await out(True)
    message, outcome = await world.answer("telegram", "are you there?", [])
    assert (outcome, message.error) == (Outcome.FAILED, "telegram_forbidden")
    assert (await world.http.post(f"{path}/block", json={"blocked": False})).is_success
    await out(False)


async def test_telegrams_door_can_be_registered(world: World) -> None:
    bot = world.channels["telegram"]
    assert world.vendors.twilio is not None
    base = world.vendors.twilio.webhook_base
    await bot.register(base)  # type: ignore[attr-defined]
    assert await bot.registered() == f"{base}/webhooks/telegram"  # type: ignore[attr-defined]
    await world.say("telegram", "still here")

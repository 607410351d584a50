"""The doors: what is forged, replayed, malformed, too large or too much, on every channel."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from booking_core.kit.db import Database
from channels import registry
from channels.access import TelegramAccess, TwilioAccess
from channels.limits import Limit, SenderLimits, sender_limits
from channels.models import Conversation, DeliveryReport, Message
from channels.webhooks import LARGEST_BODY, Doors, router_for
from tests.channels.builders import ACCOUNTS, CUSTOMER, a_business, a_thread, job_names, jobs, queued

BASE, TOKEN, SECRET = "https://chat.example.com", "twilio-token", "telegram-secret"
TWILIO = TwilioAccess("AC" + "1" * 32, TOKEN, ACCOUNTS["sms"], ACCOUNTS["whatsapp"], None, BASE)
TELEGRAM = TelegramAccess(f"{ACCOUNTS['telegram']}:token", SECRET, None)
SMS = {"MessageSid": "SM1", "From": CUSTOMER, "To": ACCOUNTS["sms"], "Body": "my secret wish", "NumMedia": "0"}
UPDATE = {
    "update_id": 1,
    "message": {
        "message_id": 7,
        "date": 1_790_000_000,
        "text": "my secret wish",
        "from": {"id": 42, "is_bot": False, "first_name": "Ada"},
        "chat": {"id": 42, "type": "private"},
    },
}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator["Redis"]:
    redis = Redis.from_url(redis_url)
    await redis.flushdb()
    yield redis
    await redis.aclose()


def client_for(database: Database, limits: SenderLimits) -> httpx.AsyncClient:
    app = FastAPI()
    channels = registry.build(twilio=TWILIO, telegram=TELEGRAM)
    app.include_router(router_for(Doors(database, channels, limits)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.7:8000")


@pytest.fixture
async def world(database: Database, redis: "Redis") -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(database, sender_limits(redis)) as client:
        yield client


async def twilio(world: httpx.AsyncClient, path: str, form: dict[str, str]) -> httpx.Response:
    signature = RequestValidator(TOKEN).compute_signature(BASE + path, form)
    return await world.post(
        path, content=urlencode(form), headers={"content-type": FORM, "x-twilio-signature": signature}
    )


async def telegram(world: httpx.AsyncClient, update: object) -> httpx.Response:
    return await world.post("/webhooks/telegram", json=update, headers={"x-telegram-bot-api-secret-token": SECRET})


async def count(database: Database, table: type) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_sms_whatsapp_and_telegram_come_in(world: httpx.AsyncClient, database: Database) -> None:
    async with database.transaction() as session:
        await a_business(session)
    answer = await twilio(world, "/webhooks/sms", SMS)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert "<Response/>" in answer.text
    whatsapp = {**SMS, "MessageSid": "SM2", "From": "whatsapp:+34", "To": ACCOUNTS["whatsapp"]}
    assert (await twilio(world, "/webhooks/whatsapp", whatsapp)).status_code == 200
    assert (await telegram(world, UPDATE)).status_code == 200
    async with database.transaction() as session:
        found = await session.execute(
            select(Message.channel, Message.provider_id, Conversation.address)
            .join(Conversation, Message.conversation_id == Conversation.id)
            .order_by(Message.channel)
        )
    assert [tuple(row) for row in found] == [
        ("sms", "SM1", CUSTOMER),
        ("telegram", "42:7", "42"),
        ("whatsapp", "SM2", "whatsapp:+34"),
    ]


async def test_a_replayed_webhook_is_answered_well_and_does_nothing(
    world: httpx.AsyncClient, database: Database, database_url: str
) -> None:
    async with database.transaction() as session:
        await a_business(session)
    answers = await asyncio.gather(*(twilio(world, "/webhooks/sms", SMS) for _ in range(8)))
    answers += await asyncio.gather(*(telegram(world, UPDATE) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert await count(database, Message) == 2
    assert job_names(database_url) == ["answer_conversation"] * 2


async def test_forged_webhooks_are_refused_and_nothing_is_written_or_logged(
    world: httpx.AsyncClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with database.transaction() as session:
        await a_business(session)
    caplog.set_level(logging.DEBUG)
    form = urlencode(SMS)
    for headers in ({}, {"x-twilio-signature": "x"}, {"x-twilio-signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}):
        for path in ("/webhooks/sms", "/webhooks/whatsapp", "/webhooks/sms/status"):
            answer = await world.post(path, content=form, headers={"content-type": FORM, **headers})
            assert (answer.status_code, answer.content) == (403, b"")
    for headers in ({}, {"x-telegram-bot-api-secret-token": "wrong"}):
        assert (await world.post("/webhooks/telegram", json=UPDATE, headers=headers)).status_code == 403
    # Signed for another door.
    signature = RequestValidator(TOKEN).compute_signature(BASE + "/webhooks/whatsapp", SMS)
    answer = await world.post(
        "/webhooks/sms", content=form, headers={"content-type": FORM, "x-twilio-signature": signature}
    )
    assert answer.status_code == 403
    assert await count(database, Message) == 0
    assert "secret wish" not in caplog.text
    assert CUSTOMER not in caplog.text


async def test_malformed_webhooks(
    world: httpx.AsyncClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    form = {key: value for key, value in SMS.items() if key != "MessageSid"}
    assert (await twilio(world, "/webhooks/sms", form)).status_code == 400
    for update in ([], {}, "x", None, {"update_id": 1, "message": "my secret wish"}):
        assert (await telegram(world, update)).status_code == 400
    assert (await world.post("/webhooks/pigeon", content=b"coo")).status_code == 404
    assert (await world.post("/webhooks/web", content=b"{}")).status_code == 404
    assert (await world.get("/webhooks/sms")).status_code == 405
    assert await count(database, Message) == 0
    assert "secret wish" not in caplog.text


@pytest.mark.parametrize("path", ["/webhooks/sms", "/webhooks/telegram"])
async def test_a_body_without_end_is_cut_off(world: httpx.AsyncClient, path: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * LARGEST_BODY:
            sent += 65536
            yield b"a" * 65536

    headers = {"content-type": FORM, "x-telegram-bot-api-secret-token": SECRET}
    assert (await world.post(path, content=endless(), headers=headers)).status_code == 413


async def test_an_unknown_number_is_answered_well_and_nothing_is_written(
    world: httpx.AsyncClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await twilio(world, "/webhooks/sms", SMS)).status_code == 200
    assert (await telegram(world, UPDATE)).status_code == 200
    assert await count(database, Message) == 0
    assert "an account that no business has" in caplog.text
    assert CUSTOMER not in caplog.text


@pytest.mark.parametrize("body", ["", "x" * 5000, "NUL\x00inside", "💇‍♀️" * 300, "\ufffd", " \n "])
async def test_whatever_is_in_a_message(world: httpx.AsyncClient, database: Database, body: str) -> None:
    async with database.transaction() as session:
        await a_business(session)
    assert (await twilio(world, "/webhooks/sms", {**SMS, "Body": body})).status_code == 200
    half = {**UPDATE, "message": {**UPDATE["message"], "text": body + "\ud83d"}}  # type: ignore[dict-item]
    answer = await world.post(
        "/webhooks/telegram",
        content=json.dumps(half),
        headers={"x-telegram-bot-api-secret-token": SECRET, "content-type": "application/json"},
    )
    assert answer.status_code == 200
    async with database.transaction() as session:
        texts = (await session.scalars(select(Message.text).order_by(Message.channel))).all()
    assert texts == [body.replace("\x00", ""), body.replace("\x00", "") + "?"]


async def test_status_callbacks_reach_their_message(world: httpx.AsyncClient, database: Database) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        (id_,) = await queued(session, thread, "hi")
        message = await session.get_one(Message, (thread.business_id, id_))
        message.status, message.provider_id = "sent", "SM7"
    form = {"MessageSid": "SM7", "MessageStatus": "delivered", "From": ACCOUNTS["sms"], "To": CUSTOMER}
    for _ in range(2):
        assert (await twilio(world, "/webhooks/sms/status?key=x", form)).status_code == 200
    assert (await twilio(world, "/webhooks/sms/status?key=x", {**form, "MessageStatus": "sent"})).status_code == 200
    async with database.transaction() as session:
        assert (await session.get_one(Message, (thread.business_id, id_))).status == "delivered"
    assert await count(database, DeliveryReport) == 2


async def test_too_many_messages_are_written_and_answered_together_later(
    database: Database, database_url: str, redis: "Redis"
) -> None:
    async with database.transaction() as session:
        await a_business(session)
    minute = timedelta(minutes=1)
    limits = SenderLimits(
        Limit(redis, "answered", most=2, window=minute), Limit(redis, "written", most=4, window=minute)
    )
    async with client_for(database, limits) as world:
        for number in range(6):
            answer = await twilio(world, "/webhooks/sms", {**SMS, "MessageSid": f"SM{number}"})
            assert answer.status_code == 200
        other = {**SMS, "MessageSid": "SM9", "From": "+34600999888"}
        assert (await twilio(world, "/webhooks/sms", other)).status_code == 200
    assert await count(database, Message) == 5
    later = [job["scheduled_at"] is not None for job in jobs(database_url)]
    assert later == [False, False, True, True, False]


async def test_without_redis_nobody_is_limited(database: Database) -> None:
    async with database.transaction() as session:
        await a_business(session)
    nowhere = Redis.from_url("redis://127.0.0.1:9/0")
    async with client_for(database, sender_limits(nowhere)) as world:
        assert (await twilio(world, "/webhooks/sms", SMS)).status_code == 200
    assert await count(database, Message) == 1
    await nowhere.aclose()


async def test_a_limit_ends_with_its_window(redis: "Redis") -> None:
    limit = Limit(redis, "test", most=2, window=timedelta(milliseconds=300))
    taken = [await limit.take("Ada") for _ in range(3)]
    assert [(one.count, one.allowed) for one in taken] == [(1, True), (2, True), (3, False)]
    assert timedelta(0) < taken[2].ends_in <= timedelta(milliseconds=300)
    assert (await limit.take("Bea")).allowed
    await asyncio.sleep(0.35)
    assert (await limit.take("Ada")).count == 1
    assert not [key async for key in redis.scan_iter("*Ada*")]


async def test_a_limit_counts_each_of_many_at_once(redis: "Redis") -> None:
    limit = Limit(redis, "test", most=10, window=timedelta(minutes=1))
    taken = await asyncio.gather(*(limit.take("Ada") for _ in range(50)))
    assert sum(one.allowed for one in taken) == 10


def test_the_installations_own_addresses() -> None:
    assert registry.addresses(TWILIO, TELEGRAM) == ACCOUNTS
    assert registry.addresses(None, None) == {}
    assert set(registry.build(twilio=None, telegram=None)) == {"web"}
    assert set(registry.build(twilio=TWILIO, telegram=TELEGRAM)) == {"web", "sms", "whatsapp", "telegram"}


async def test_channels_are_closed() -> None:
    channels = registry.build(twilio=TWILIO, telegram=TELEGRAM)
    await registry.close(channels)
    await registry.close(channels)

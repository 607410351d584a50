"""The web chat's socket on a real server, as a browser meets it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
import websockets
from redis.asyncio import Redis
from sqlalchemy import update

from booking_core.kit.db import Database
from channels.models import Message
from tests.channels.webshop import chat_app, only_thread, open_shop, say


@asynccontextmanager
async def serve(app: Any) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="wsproto", lifespan="off"))
    running = asyncio.create_task(server.serve([listener]))
    while not (server.started or running.done()):
        await asyncio.sleep(0.01)
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


@pytest.fixture
async def shop(database_url: str, redis_url: str) -> AsyncIterator[tuple[str, Database]]:
    redis = Redis.from_url(redis_url)
    database = Database(database_url, redis=redis)
    await open_shop(database)
    async with serve(chat_app(database, redis)) as address:
        yield address, database
    await database.close()
    await redis.aclose()


async def begin(address: str) -> str:
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        token: str = (await client.post("/chat/session")).json()["token"]
        return token


async def write(address: str, token: str, text: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await client.post("/chat/messages", json={"client_id": text, "text": text}, headers=headers)
        assert answer.status_code == 202


@asynccontextmanager
async def page(address: str, token: str, after: int = 0) -> AsyncIterator[Any]:
    async with websockets.connect(f"ws://{address}/chat/socket") as connection:  # type: ignore[attr-defined]
        await connection.send(json.dumps({"token": token, "after": after}))
        yield connection


async def texts(connection: Any, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        news = json.loads(await asyncio.wait_for(connection.recv(), 5))
        found += [message["text"] for message in news["messages"]]
    return found


async def test_news_are_pushed_to_every_tab(shop: tuple[str, Database]) -> None:
    address, database = shop
    token = await begin(address)
    async with page(address, token) as one, page(address, token) as two:
        await write(address, token, "hello")
        assert await texts(one, 1) == await texts(two, 1) == ["hello"]
        await say(database, await only_thread(database), "Hi! What would you like?")
        assert await texts(one, 1) == await texts(two, 1) == ["Hi! What would you like?"]


async def test_a_page_that_was_away_gets_what_it_missed_and_no_more(shop: tuple[str, Database]) -> None:
    address, database = shop
    token = await begin(address)
    async with page(address, token) as connection:
        await write(address, token, "one")
        assert await texts(connection, 1) == ["one"]
    await say(database, await only_thread(database), "two")
    await write(address, token, "three")
    async with page(address, token, after=1) as connection:
        assert await texts(connection, 2) == ["two", "three"]


async def test_whether_the_bot_is_at_work_is_pushed_too(shop: tuple[str, Database]) -> None:
    address, database = shop
    token = await begin(address)
    async with page(address, token) as connection:
        assert json.loads(await connection.recv()) == {"messages": [], "typing": False}
        await write(address, token, "hello")
        assert json.loads(await connection.recv())["typing"] is True
        await say(database, await only_thread(database), "Hi!")
        assert json.loads(await connection.recv())["typing"] is False


async def test_a_long_history_comes_whole_and_in_order(shop: tuple[str, Database]) -> None:
    address, database = shop
    token = await begin(address)
    thread = await only_thread(database)
    for n in range(205):
        await say(database, thread, f"m{n}", send=False)
    async with database.transaction() as session:  # as if each had had its delivery
        await session.execute(update(Message).values(status="sent"))
    await say(database, thread, "last")
    async with page(address, token) as connection:
        assert await texts(connection, 206) == [*(f"m{n}" for n in range(205)), "last"]


async def test_a_token_may_come_as_a_subprotocol(shop: tuple[str, Database]) -> None:
    address, _ = shop
    token = await begin(address)
    await write(address, token, "hello")
    url = f"ws://{address}/chat/socket?after=0"
    async with websockets.connect(url, subprotocols=["threadbook", token]) as connection:  # type: ignore[attr-defined]
        assert connection.subprotocol == "threadbook"
        assert await texts(connection, 1) == ["hello"]


@pytest.mark.parametrize("first", ['{"token": "nonsense"}', "{}", "[]", "5", "not json", '{"token": null}'])
async def test_an_unknown_token_is_shown_the_door(shop: tuple[str, Database], first: str) -> None:
    address, _ = shop
    async with websockets.connect(f"ws://{address}/chat/socket") as connection:  # type: ignore[attr-defined]
        await connection.send(first)
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            await asyncio.wait_for(connection.recv(), 5)
        assert connection.close_code == 4401

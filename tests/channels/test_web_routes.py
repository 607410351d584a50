"""The web chat's doors over HTTP, on a real database."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from booking_core.kit.db import Database
from channels.models import ChoiceToken, Conversation, Message
from tests.channels.webshop import FACTS, chat_app, hand_over, only_thread, open_shop, say


@pytest.fixture
async def browser(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    await open_shop(database)
    transport = httpx.ASGITransport(chat_app(database))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        yield client


async def begin(browser: httpx.AsyncClient, **wanted: str) -> str:
    answer = await browser.post("/chat/session", json=wanted)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["token"]
    browser.headers["Authorization"] = f"Bearer {token}"
    return token


async def write(browser: httpx.AsyncClient, client_id: str = "c1", **body: Any) -> httpx.Response:
    return await browser.post("/chat/messages", json={"client_id": client_id, **body})


async def read(browser: httpx.AsyncClient, after: int = 0, wait: float = 0) -> list[dict[str, Any]]:
    answer = await browser.get("/chat/messages", params={"after": after, "wait": wait})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["messages"]
    return found


async def test_a_token_is_kept_only_as_a_hash(browser: httpx.AsyncClient, database: Database) -> None:
    token = await begin(browser, locale="es-ES")
    thread = await only_thread(database)
    assert thread.address == hashlib.sha256(token.encode()).hexdigest()
    assert thread.locale == "es-ES"
    assert token not in str(vars(thread))


async def test_a_thread_is_with_the_business_that_was_named(database: Database) -> None:
    await open_shop(database, "first", "second")
    transport = httpx.ASGITransport(chat_app(database))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as browser:
        await begin(browser, business="second")
        second = await only_thread(database)
        await begin(browser)
        async with database.transaction() as session:
            threads = (await session.scalars(select(Conversation).order_by(Conversation.id))).all()
        assert [thread.business_id == second.business_id for thread in threads] == [True, False]
        assert (await browser.post("/chat/session", json={"business": "third"})).status_code == 404


@pytest.mark.parametrize("locale", ["", "no locale", "x" * 30, "en\x00"])
async def test_a_strange_locale_is_no_locale(browser: httpx.AsyncClient, database: Database, locale: str) -> None:
    await begin(browser, locale=locale)
    assert (await only_thread(database)).locale is None


async def test_a_message_is_written_once_and_comes_back(browser: httpx.AsyncClient, database: Database) -> None:
    await begin(browser)
    first, second = await asyncio.gather(
        write(browser, text=" Hi, a haircut? "), write(browser, text=" Hi, a haircut? ")
    )
    assert {first.status_code, second.status_code} == {202}
    assert sorted([first.json()["duplicate"], second.json()["duplicate"]]) == [False, True]
    [message] = await read(browser)
    moment = message.pop("at")
    assert datetime.fromisoformat(moment).utcoffset() is not None
    assert message == {
        "seq": 1,
        "from": "customer",
        "text": "Hi, a haircut?",
        "choices": [],
        "act": None,
        "facts": None,
    }


async def test_an_answer_shows_once_it_is_sent_and_counts_as_delivered(
    browser: httpx.AsyncClient, database: Database
) -> None:
    await begin(browser)
    await write(browser, text="hello")
    thread = await only_thread(database)
    waiting = await browser.get("/chat/messages")
    assert waiting.json()["typing"] is True
    message_id = await say(
        database, thread, "Shall I book it?", choices=["Yes", "No"], act="confirm", facts=FACTS, send=False
    )
    assert [message["from"] for message in await read(browser)] == ["customer"]
    await hand_over(database, thread.business_id, message_id)
    [answer] = await read(browser, after=1)
    assert answer["from"] == "bot"
    assert answer["act"] == "confirm"
    assert [choice["label"] for choice in answer["choices"]] == ["Yes", "No"]
    assert set(answer["choices"][0]) == {"id", "label"}
    assert answer["facts"]["service"] == "Haircut"
    assert answer["facts"]["calendar_url"] == "/calendar/secret-token.ics"
    assert "booking" not in answer["facts"]
    assert (await browser.get("/chat/messages")).json()["typing"] is False
    async with database.transaction() as session:
        assert (await session.get_one(Message, (thread.business_id, message_id))).status == "delivered"


async def test_nothing_is_passed_over_that_is_still_on_its_way(browser: httpx.AsyncClient, database: Database) -> None:
    await begin(browser)
    await write(browser, "c1", text="one")
    thread = await only_thread(database)
    late = await say(database, thread, "two", send=False)
    await write(browser, "c3", text="three")
    assert [message["text"] for message in await read(browser)] == ["one"]
    await hand_over(database, thread.business_id, late)
    assert [message["text"] for message in await read(browser, after=1)] == ["two", "three"]


async def test_what_was_suppressed_never_shows(browser: httpx.AsyncClient, database: Database) -> None:
    await begin(browser)
    await write(browser, text="a person, please")
    thread = await only_thread(database)
    silenced = await say(database, thread, "I can help!", send=False)
    await hand_over(database, thread.business_id, silenced, allowed=False)
    await say(database, thread, "Ana here", sender="staff")
    assert [(message["from"], message["text"]) for message in await read(browser, after=1)] == [("staff", "Ana here")]


async def test_a_tap_says_the_choices_words(browser: httpx.AsyncClient, database: Database) -> None:
    await begin(browser)
    await write(browser, text="hello")
    await say(database, await only_thread(database), "Shall I?", choices=["Yes", "No"])
    choice = (await read(browser, after=1))[0]["choices"][0]
    assert (await write(browser, "c2", choice=choice["id"])).status_code == 202
    async with database.transaction() as session:
        tapped = (await session.scalars(select(Message).order_by(Message.seq.desc()).limit(1))).one()
        spoken = (await session.scalars(select(Message).where(Message.sender == "bot"))).one()
    assert (tapped.text, tapped.choice) == ("Yes", choice["id"])
    assert tapped.in_reply_to == spoken.provider_id


async def test_another_threads_choice_is_refused(browser: httpx.AsyncClient, database: Database) -> None:
    await begin(browser)
    await write(browser, text="hello")
    await say(database, await only_thread(database), "Shall I?", choices=["Yes"])
    async with database.transaction() as session:
        choice = (await session.scalars(select(ChoiceToken.token))).one()
    await begin(browser)
    answer = await write(browser, choice=choice)
    assert (answer.status_code, answer.json()["error"]) == (422, "unknown_choice")


@pytest.mark.parametrize("token", ["", "nonsense", "0" * 32 + ".x", "\x00"])
async def test_an_unknown_token_opens_nothing(browser: httpx.AsyncClient, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    for answer in (
        await browser.post("/chat/messages", json={"client_id": "c", "text": "hi"}, headers=headers),
        await browser.get("/chat/messages", headers=headers),
        await browser.get("/chat/messages"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "unknown_token")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"client_id": "c", "text": "x" * 2001}, 422, "too_long"),
        ({"client_id": "c", "text": "   \n"}, 422, "empty"),
        ({"client_id": "c"}, 422, "malformed"),
        ({"client_id": "c", "text": "a", "choice": "b"}, 422, "malformed"),
        ({"client_id": "c d", "text": "a"}, 422, "malformed"),
        ({"client_id": "c" * 65, "text": "a"}, 422, "malformed"),
        ({"text": "a"}, 422, "malformed"),
        ({"client_id": "c", "text": 5}, 422, "malformed"),
        ({"client_id": "c", "text": "x" * 40_000}, 413, "too_large"),
    ],
)
async def test_what_cannot_be_taken_is_refused_clearly(
    browser: httpx.AsyncClient, body: dict[str, Any], status: int, error: str
) -> None:
    await begin(browser)
    answer = await browser.post("/chat/messages", json=body)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert await read(browser) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"client_id":"c","text":"\\ud800"}'])
async def test_what_is_no_json_is_refused(browser: httpx.AsyncClient, body: bytes) -> None:
    await begin(browser)
    assert (await browser.post("/chat/messages", content=body)).status_code == 422


async def test_two_thousand_characters_of_any_script_are_taken(browser: httpx.AsyncClient) -> None:
    await begin(browser)
    text = "💇" * 1999 + "é"
    assert (await write(browser, text=text)).status_code == 202
    assert [message["text"] for message in await read(browser)] == [text]


async def test_a_nul_is_dropped(browser: httpx.AsyncClient) -> None:
    await begin(browser)
    await write(browser, text="a\x00b")
    assert [message["text"] for message in await read(browser)] == ["ab"]


async def test_waiting_ends_with_the_news_even_without_redis(browser: httpx.AsyncClient, database: Database) -> None:
    await begin(browser)
    await write(browser, text="hello")
    thread = await only_thread(database)
    reading = asyncio.create_task(read(browser, after=1, wait=10))
    await asyncio.sleep(0.2)
    started = time.monotonic()
    await say(database, thread, "there you are")
    assert [message["text"] for message in await reading] == ["there you are"]
    assert time.monotonic() - started < 1.5


async def test_waiting_ends_by_itself(browser: httpx.AsyncClient) -> None:
    await begin(browser)
    started = time.monotonic()
    assert await read(browser, wait=0.3) == []
    assert 0.25 < time.monotonic() - started < 2


async def test_redis_wakes_the_reader_and_limits_the_writer(database_url: str, redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    database = Database(database_url, redis=redis)
    await open_shop(database)
    transport = httpx.ASGITransport(chat_app(database, redis))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as browser:
        await begin(browser)
        answers = [await write(browser, f"c{n}", text=f"message {n}") for n in range(12)]
        assert [answer.status_code for answer in answers] == [202] * 10 + [429] * 2
        assert answers[-1].json()["error"] == "slow_down"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 10
        assert len(await read(browser)) == 10
        thread = await only_thread(database)
        reading = asyncio.create_task(read(browser, after=10, wait=10))
        await asyncio.sleep(0.15)
        started = time.monotonic()
        await say(database, thread, "woken")
        assert [message["text"] for message in await reading] == ["woken"]
        assert time.monotonic() - started < 0.8
    await database.close()
    await redis.aclose()


async def test_a_redis_that_is_away_changes_nothing(database: Database) -> None:
    await open_shop(database)
    redis = Redis.from_url("redis://127.0.0.1:1/0")
    transport = httpx.ASGITransport(chat_app(database, redis))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as browser:
        await begin(browser)
        assert (await write(browser, text="hello")).status_code == 202
        assert await read(browser, after=1, wait=0.2) == []
    await redis.aclose()


async def test_times_are_of_the_systems_clock(browser: httpx.AsyncClient) -> None:
    await begin(browser)
    await write(browser, text="hello")
    [message] = await read(browser)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(message["at"])).total_seconds()) < 60

"""The widget's doors: its weight, its words, and which websites may show a business's chat."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
import websockets
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from booking_core.kit.db import Database
from bot.words import Words
from channels.models import Conversation
from channels.web_origins import may_embed, read_origin
from channels.web_routes import WebDoors, router_for
from channels.web_widget import widget_script
from tests.channels.test_web_socket import begin, serve
from tests.channels.webshop import WORDS, allow, chat_app, count, only_thread, open_shop, say

SITE = "https://www.marigold.example"


@pytest.fixture
async def browser(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    await open_shop(database, origins=[SITE])
    transport = httpx.ASGITransport(chat_app(database))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        yield client


def at(origin: str, token: str = "") -> dict[str, str]:
    return {"Origin": origin} | ({"Authorization": f"Bearer {token}"} if token else {})


async def token_of(browser: httpx.AsyncClient) -> str:
    return str((await browser.post("/chat/session", json={})).json()["token"])


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://www.example.com", "https://www.example.com"),
        (" HTTPS://WWW.Example.com/ ", "https://www.example.com"),
        ("https://www.example.com:443/shop?x=1", "https://www.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://localhost:80", "http://localhost"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("null", None),
        ("*", None),
        ("", None),
        ("www.example.com", None),
        ("file:///home", None),
        ("https://", None),
        ("https://user@example.com", None),
        ("https://example.com:99999", None),
        (None, None),
        (5, None),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(written: object, origin: str | None) -> None:
    assert read_origin(written) == origin


@given(
    st.one_of(
        st.none(), st.text(), st.lists(st.one_of(st.text(), st.integers())), st.dictionaries(st.text(), st.text())
    )
)
def test_no_list_whatever_it_is_lets_a_stranger_in(listed: object) -> None:
    assert not may_embed("https://stranger.example", listed)


@pytest.mark.parametrize(
    "stranger",
    [
        "https://www.marigold.example.evil.example",
        "https://evil-www.marigold.example",
        "https://marigold.example",
        "http://www.marigold.example",
        "https://www.marigold.example:8443",
        "null",
        "",
    ],
)
def test_what_only_resembles_a_listed_website_is_not_it(stranger: str) -> None:
    assert may_embed("https://www.marigold.example", [SITE + "/"])
    assert not may_embed(stranger, [SITE])


async def test_the_script_is_one_light_file_that_any_page_may_load(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/chat/widget.js", headers={"Accept-Encoding": "identity"})
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert len(answer.content) < 30_000
    packed = await browser.get("/chat/widget.js", headers={"Accept-Encoding": "gzip"})
    assert int(packed.headers["Content-Length"]) < 11_500
    assert packed.content == answer.content
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    again = await browser.get("/chat/widget.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_script_needs_nothing_that_a_strict_policy_forbids() -> None:
    script = widget_script(Words()).content.decode()
    for forbidden in ("innerHTML", "eval(", "new Function", 'setAttribute("style', 'createElement("style', "import("):
        assert forbidden not in script
    assert script.startswith('"use strict";(()=>{')


def test_the_script_speaks_every_language_before_it_has_reached_us() -> None:
    script = widget_script(Words()).content.decode()
    carried = json.loads(script.split("const WORDS=", 1)[1].split(";\n", 1)[0])
    assert set(carried) == set(Words().languages)
    assert all(
        set(one) == {"open", "close", "unread", "away", "again"} and all(one.values()) for one in carried.values()
    )


async def test_a_listed_website_may_do_everything(browser: httpx.AsyncClient, database: Database) -> None:
    setup = await browser.get("/chat/widget.json?business=marigold", headers=at(SITE))
    assert setup.status_code == 200
    assert setup.headers["Access-Control-Allow-Origin"] == SITE
    assert "Origin" in setup.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in setup.headers
    assert {"slug", "name", "words", "style", "dark", "locale", "direction", "limit"} <= set(setup.json())
    begun = await browser.post("/chat/session", json={"business": "marigold"}, headers=at(SITE))
    assert begun.status_code == 200
    token = begun.json()["token"]
    written = await browser.post("/chat/messages", json={"client_id": "c", "text": "hi"}, headers=at(SITE, token))
    assert written.status_code == 202
    read = await browser.get("/chat/messages", headers=at(SITE, token))
    assert [message["text"] for message in read.json()["messages"]] == ["hi"]
    assert {answer.headers["Access-Control-Allow-Origin"] for answer in (begun, written, read)} == {SITE}


@pytest.mark.parametrize("stranger", ["https://evil.example", "null", "http://shop.evil.example"])
async def test_a_website_that_is_not_listed_may_do_nothing_and_can_read_why(
    browser: httpx.AsyncClient, database: Database, stranger: str
) -> None:
    token = await token_of(browser)
    answers = [
        await browser.get("/chat/widget.json?business=marigold", headers=at(stranger)),
        await browser.post("/chat/session", json={"business": "marigold"}, headers=at(stranger)),
        await browser.post("/chat/messages", json={"client_id": "c", "text": "hi"}, headers=at(stranger, token)),
        await browser.get("/chat/messages", headers=at(stranger, token)),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]) == (403, "origin_refused")
        assert answer.headers["Access-Control-Allow-Origin"] == stranger
    assert answers[0].json()["page"] == "http://shop/chat/marigold"
    assert await count(database, Conversation) == 1
    assert (await browser.get("/chat/messages", headers=at("http://shop", token))).json()["messages"] == []


async def test_without_a_list_only_our_own_pages_may(browser: httpx.AsyncClient, database: Database) -> None:
    await allow(database)
    assert (await browser.post("/chat/session", json={}, headers=at(SITE))).status_code == 403
    assert (await browser.post("/chat/session", json={}, headers=at("http://shop"))).status_code == 200
    # Behind a proxy that speaks TLS, and for what is no browser.
    assert (await browser.post("/chat/session", json={}, headers=at("https://shop"))).status_code == 200
    assert (await browser.post("/chat/session", json={})).status_code == 200


async def test_behind_a_proxy_of_another_name_the_public_address_is_ours(database: Database) -> None:
    await open_shop(database)
    app = FastAPI()
    app.include_router(router_for(WebDoors(database, None, WORDS, public_url="https://chat.example.com/")))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.7:8000") as browser:
        ours = at("https://chat.example.com")
        assert (await browser.post("/chat/session", json={}, headers=ours)).status_code == 200
        assert (await browser.post("/chat/session", json={}, headers=at(SITE))).status_code == 403


async def test_each_business_has_its_own_list(database: Database) -> None:
    await open_shop(database, "first", origins=[SITE])
    await open_shop(database, "second", origins=["https://second.example"])
    transport = httpx.ASGITransport(chat_app(database))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as browser:
        asked = [
            (await browser.post("/chat/session", json={"business": slug}, headers=at(origin))).status_code
            for slug in ("first", "second")
            for origin in (SITE, "https://second.example")
        ]
    assert asked == [200, 403, 403, 200]


@pytest.mark.parametrize("path", ["/chat/session", "/chat/messages"])
async def test_a_browser_may_ask_beforehand(browser: httpx.AsyncClient, path: str) -> None:
    headers = at(SITE) | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = await browser.options(path, headers=headers)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("language", Words().languages)
async def test_a_business_that_is_not_there_is_said_so_in_the_readers_language(
    browser: httpx.AsyncClient, language: str
) -> None:
    answer = await browser.get("/chat/widget.json?business=nobody", headers=at(SITE) | {"Accept-Language": language})
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_business")
    assert answer.json()["say"] == Words().text(language, "chat.widget.unknown")
    assert answer.headers["Access-Control-Allow-Origin"] == SITE


async def test_the_sizes_do_not_follow_the_page_around_it(browser: httpx.AsyncClient) -> None:
    setup = (await browser.get("/chat/widget.json")).json()
    assert setup["slug"] == "marigold"
    assert "rem" not in setup["style"].replace("remove", "")
    assert "44px" in setup["style"]


async def test_a_free_time_says_when_it_is(browser: httpx.AsyncClient, database: Database) -> None:
    token = await token_of(browser)
    await browser.post(
        "/chat/messages", json={"client_id": "c", "text": "hi"}, headers={"Authorization": f"Bearer {token}"}
    )
    starts = "2026-11-24T15:00:00+01:00"
    await say(database, await only_thread(database), "When?", choices=[("Tue 15:00", starts), "Other times"])
    read = await browser.get("/chat/messages?after=1", headers={"Authorization": f"Bearer {token}"})
    time, other = read.json()["messages"][0]["choices"]
    assert (time["label"], time["starts"]) == ("Tue 15:00", starts)
    assert set(other) == {"id", "label"}


@pytest.mark.parametrize(("origin", "code"), [(SITE, None), ("https://evil.example", 4403), (None, None)])
async def test_a_socket_looks_at_the_page_it_comes_from(
    database_url: str, redis_url: str, origin: str | None, code: int | None
) -> None:
    redis = Redis.from_url(redis_url)
    database = Database(database_url, redis=redis)
    await open_shop(database, origins=[SITE])
    async with serve(chat_app(database, redis)) as address:
        token = await begin(address)
        async with websockets.connect(f"ws://{address}/chat/socket", origin=origin) as page:  # type: ignore[attr-defined]
            await page.send(json.dumps({"token": token}))
            if code is None:
                assert json.loads(await asyncio.wait_for(page.recv(), 5)) == {"messages": [], "typing": False}
            else:
                with pytest.raises(websockets.exceptions.ConnectionClosed):
                    await asyncio.wait_for(page.recv(), 5)
                assert page.close_code == code
    await database.close()
    await redis.aclose()

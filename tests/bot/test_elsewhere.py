"""Errors outside the API: kindly, in the reader's language, and in one line of the log."""

import logging
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from booking_core.kit.db import Database
from bot.app import create_app
from bot.wiring import close_system
from tests.channels.test_web_socket import serve
from tests.flows.world import settings_for

#: Nobody listens there.
NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"


@pytest.fixture
async def app(redis_url: str) -> AsyncIterator[FastAPI]:
    app = create_app(settings_for(NOWHERE, redis_url))
    yield app
    await close_system(app.state.system)


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "We will be right back"), ("de-AT,en;q=0.5", "Wir sind gleich wieder da"), ("xx", "We will be right back")],
)
async def test_a_person_sees_a_page(app: FastAPI, language: str, title: str) -> None:
    async with serve(app) as address, httpx.AsyncClient(base_url=f"http://{address}") as http:
        for path in ("/pay/to/some-token", "/console/login", "/c/some-token.ics"):
            headers = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": language}
            answer = await http.get(path, headers=headers)
            if answer.status_code in (200, 404):
                continue  # it needs no database
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2"), path
            assert title in answer.text
            assert 'lang="' in answer.text


async def test_programs_get_a_plain_word_and_the_api_a_problem(
    app: FastAPI, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.WARNING):
        async with serve(app) as address, httpx.AsyncClient(base_url=f"http://{address}") as http:
            monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
            plain = await http.get("/pay/to/some-token")
            problem = await http.get("/api/v1/services", headers={"Authorization": "Bearer tbk_x"})
            vendor = await http.post("/sandbox/telegram/bot1/getMe")
    assert (plain.status_code, plain.text) == (503, "Service Unavailable")
    assert (problem.status_code, problem.headers["content-type"]) == (503, "application/problem+json")
    assert (vendor.status_code, vendor.json()["description"]) == (503, "Service Unavailable")
    ours = [one for one in caplog.records if one.name == "bot.elsewhere"]
    assert [one.getMessage() for one in ours] == [
        "a page or a webhook could not use the database: psycopg.OperationalError"
    ]
    assert not any(one.exc_info for one in caplog.records), "nobody reads a hundred lines for each request"


@pytest.fixture
async def serving(database_url: str, redis_url: str) -> AsyncIterator[FastAPI]:
    app = create_app(settings_for(database_url, redis_url))
    app.add_api_route("/broken", broken)
    yield app
    await close_system(app.state.system)


async def broken() -> None:
    raise RuntimeError("what a customer wrote")


#: Addresses that people have: a link that lost a letter, one that is used up, one of a shop that is no more.
DEAD = ("/nothing", "/pay/nothing", "/pay/to/some-token", "/c/some-token.ics", "/chat/no-such-shop", "/email/confirm/x")


@pytest.mark.parametrize("path", DEAD)
@pytest.mark.parametrize(("language", "tag"), [("de-AT,en;q=0.5", "de"), ("xx", "en")])
async def test_whoever_follows_a_dead_link_reads_a_page(
    serving: FastAPI, database: Database, path: str, language: str, tag: str
) -> None:
    async with serve(serving) as address, httpx.AsyncClient(base_url=f"http://{address}") as http:
        answer = await http.get(path, headers={"Accept": "text/html,*/*;q=0.8", "Accept-Language": language})
        assert answer.status_code == 404
        assert f'<html lang="{tag}"' in answer.text
        assert "<h1>" in answer.text
        assert "form-action 'none'" in answer.headers["Content-Security-Policy"]
        style = re.findall(r'href="([^"]+[.]css)"', answer.text)
        assert [(await http.get(one)).headers["content-type"] for one in style] == ["text/css; charset=utf-8"]
        program = await http.get(path, headers={"Accept": "application/json"})
        assert program.status_code == 404


async def test_a_fault_of_ours_says_nothing_of_what_it_was_about(serving: FastAPI, database: Database) -> None:
    transport = httpx.ASGITransport(serving, raise_app_exceptions=False)
    async with httpx.AsyncClient(base_url="http://test", transport=transport) as http:
        page = await http.get("/broken", headers={"Accept": "text/html", "Accept-Language": "pt"})
        plain = await http.get("/broken")
    assert (page.status_code, plain.status_code, plain.text) == (500, 500, "Internal Server Error")
    assert "Algo correu mal do nosso lado" in page.text
    assert "wrote" not in page.text

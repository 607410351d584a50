"""While the database is away everybody is told so, kindly, in their language, and in one line of the log."""

import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

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
    ours = [one for one in caplog.records if one.name == "bot.away"]
    assert [one.getMessage() for one in ours] == [
        "a page or a webhook could not use the database: psycopg.OperationalError"
    ]
    assert not any(one.exc_info for one in caplog.records), "nobody reads a hundred lines for each request"

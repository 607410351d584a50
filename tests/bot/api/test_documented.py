"""docs/api.md: its tables are fresh, its commands work, its snippet verifies."""

import asyncio
import json
import os
import re
import shutil
import sys
from uuid import UUID

import pytest
import uvicorn
from fastapi import FastAPI

from bot.api.deliveries import Postman
from bot.api.tokens import Scope
from bot.embedded import free_port
from tests.bot.api.conftest import Api
from tests.bot.api.documented import PAGE, ROOT, fresh
from tests.bot.api.receiver import receiving

TEXT = PAGE.read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_tables_are_fresh() -> None:
    assert fresh(TEXT) == TEXT, "run: .venv/bin/python -m tests.bot.api.documented"


def test_every_scope_is_explained() -> None:
    assert re.findall(r"^\| `(\w+:\w+)` \|", TEXT, re.MULTILINE) == [scope.value for scope in Scope]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="curl and jq are not installed")
async def test_the_commands_work(api: Api, app: FastAPI) -> None:
    """A reader's shell, against a server on a port, at the real time."""
    await api.run("DELETE FROM clock_shift")
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off", ws="none"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    script = "\n".join(blocks("sh")[1:])
    for written, ours in (
        ("http://localhost:8000", f"http://127.0.0.1:{port}"),
        (".venv/bin/threadbook", f"{sys.executable} -m bot.cli"),
    ):
        assert written in script
        script = script.replace(written, ours)
    settings = {"DATABASE_URL": api.settings.database_url, "REDIS_URL": api.settings.redis_url, "SECRET_KEY": "x" * 40}
    shell = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", script,
        cwd=ROOT, env={**os.environ, **settings}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = (said.decode() for said in await shell.communicate())
    server.should_exit = True
    await serving
    assert shell.returncode == 0, err
    for expected in (
        r"60 min  cut",
        r"20\d\d-\d\d-\d\d: \d+ times",
        r'"state": "held"',
        r"^confirmed$",
        r'"state": "cancelled_by_customer"',
        r'"refund": \{',
        r"^whsec_",
        r"^pending$",
        r'^\{"state":"pending","tries":\[\]\}$',
    ):
        assert re.search(expected, out, re.MULTILINE), (expected, out)


async def test_the_snippet_verifies(api: Api) -> None:
    (snippet,) = blocks("python")
    names: dict = {}
    exec(snippet, names)
    async with receiving() as there:
        hook = (await api.post("/webhook-endpoints", {"url": there.url})).json()
        secret = (await api.get(f"/webhook-endpoints/{hook['id']}/secret")).json()["secret"]
        sent = (await api.post(f"/webhook-endpoints/{hook['id']}/test")).json()
        await Postman(api.db, api.settings).deliver(api.shop.business_id, UUID(sent["id"]), 1)
    (got,) = there.got
    assert names["is_ours"](secret, got.headers, got.body)
    assert not names["is_ours"](secret, got.headers, got.body + b" ")
    assert not names["is_ours"]("whsec_" + "A" * 44, got.headers, got.body)
    late = got.headers | {"webhook-timestamp": str(int(got.headers["webhook-timestamp"]) - 301)}
    assert not names["is_ours"](secret, late, got.body)


def test_the_examples_are_events_and_problems() -> None:
    problem, event = (json.loads(block) for block in blocks("json"))
    assert problem["reason"] in problem["type"]
    assert event["type"] in TEXT

"""Whoever goes away in the middle of a request has not broken anything."""

import asyncio
import logging

import pytest

from bot.app import create_app
from bot.wiring import close_system
from tests.channels.test_web_socket import serve
from tests.flows.world import settings_for


@pytest.mark.parametrize("path", ["/webhooks/sms", "/sandbox/telegram/bot1/sendMessage", "/console/login"])
async def test_half_a_request_is_no_error_of_ours(
    database_url: str, redis_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    app = create_app(settings_for(database_url, redis_url))
    with caplog.at_level(logging.WARNING):
        async with serve(app) as address:
            # The server's own log is set up when it starts.
            monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
            host, port = address.split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n".encode())
            writer.write(b"Content-Type: application/x-www-form-urlencoded\r\n\r\nFrom=%2B34")
            await writer.drain()
            await asyncio.sleep(0.3)  # it has begun to read
            writer.close()
            await asyncio.sleep(0.3)
            # The next one is answered as ever.
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()
    await close_system(app.state.system)
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []

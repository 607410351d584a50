"""Requests as vendors describe them or as they were captured (tests/fixtures), read by our adapters with its proof."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
import yaml
from fastapi import Request
from twilio.request_validator import RequestValidator

from booking_core.kit.db import Database
from channels import contract
from channels.access import TelegramAccess
from channels.contract import Event
from channels.telegram import Telegram
from tests.bot.sandbox.theatre import open_theatre, settings_for
from tests.channels.test_telegram import SECRET, TOKEN
from tests.channels.test_twilio_read import BASE, SMS, WHATSAPP
from tests.channels.test_twilio_read import TOKEN as AUTH_TOKEN
from tests.channels.test_twilio_signature import a_request

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
PAYLOADS = sorted(path for vendor in ("twilio", "telegram") for path in (FIXTURES / vendor).glob("*.yml"))
LOADED: dict[str, dict[str, Any]] = {
    f"{path.parent.name}/{path.stem}": yaml.safe_load(path.read_text(encoding="utf-8")) for path in PAYLOADS
}


async def by_twilio(payload: dict[str, Any]) -> list[Event]:
    url = f"{BASE}/webhooks/{payload['channel']}"
    signature = RequestValidator(AUTH_TOKEN).compute_signature(url, payload["fields"])
    adapter = {"sms": SMS, "whatsapp": WHATSAPP}[payload["channel"]]
    return await adapter.read(a_request(url, urlencode(payload["fields"]), signature))


async def by_telegram(payload: dict[str, Any]) -> list[Event]:
    bot = Telegram(TelegramAccess(TOKEN, SECRET, None), quiet=timedelta(0))

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": json.dumps(payload["update"]).encode(), "more_body": False}

    scope = {"type": "http", "headers": [(b"x-telegram-bot-api-secret-token", SECRET.encode())]}
    return await bot.read(Request(scope, receive))


@pytest.mark.parametrize("name", LOADED)
async def test_a_published_payload_is_read_as_what_it_says(name: str) -> None:
    payload = LOADED[name]
    (event,) = await (by_twilio if "fields" in payload else by_telegram)(payload)
    expected = dict(payload["read"])
    assert type(event) is getattr(contract, expected.pop("kind"))
    read = {field: getattr(event, field) for field in expected}
    assert {field: list(value) if isinstance(value, tuple) else value for field, value in read.items()} == expected


@pytest.mark.parametrize("name", LOADED)
def test_each_says_where_its_shape_is_from(name: str) -> None:
    payload = LOADED[name]
    assert payload["source"].startswith("https://")
    assert payload["shape"] in {"documented", "captured"}
    assert len(payload["read"]) > 1


def test_there_is_one_of_every_kind() -> None:
    kinds = {payload["read"]["kind"] for payload in LOADED.values()}
    assert {getattr(contract, kind) for kind in kinds} == set(Event.__args__) - {contract.Ignored}  # type: ignore[attr-defined]


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
async def test_the_stand_in_says_nothing_that_twilio_does_not(
    channel: str, database: Database, database_url: str
) -> None:
    known = {field for payload in LOADED.values() if payload.get("channel") == channel for field in payload["fields"]}
    async with open_theatre(database, settings_for(database_url)) as theatre:
        await theatre.say(channel, "+14155550101", "hello")
        said = set(parse_qs((await theatre.knock("hello")).body.decode(), keep_blank_values=True))
    assert {"MessageSid", "From", "To", "Body", "NumMedia"} <= said <= known

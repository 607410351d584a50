"""Stripe's door: who is let in, what is kept."""

import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import stripe
from fastapi import FastAPI

from booking_core.kit.db import Database
from payment_links.webhook import Till, router_for
from tests.payment_links.builders import deferred, kept

SECRET = "whsec_test"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "checkout.session.completed",
    "data": {"object": {"id": "cs_1", "object": "checkout.session", "customer_email": "eva@example.org"}},
}


@pytest.fixture
async def door(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(router_for(Till(database, SECRET)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        yield client


def signed(body: str, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    moment = int(time.time() if at is None else at)
    return {"Stripe-Signature": stripe.WebhookSignature.generate_signature_header(body, secret, moment)}


async def send(door: httpx.AsyncClient, event: Any, headers: dict[str, str] | None = None) -> int:
    body = event if isinstance(event, str) else json.dumps(event)
    answer = await door.post("/webhooks/stripe", content=body, headers=signed(body) if headers is None else headers)
    return answer.status_code


async def test_an_event_is_kept_once_and_always_acknowledged(door: httpx.AsyncClient, database: Database) -> None:
    assert [await send(door, EVENT) for _ in range(3)] == [200, 200, 200]
    [event] = await kept(database)
    assert (event.id, event.type, event.handled_at) == ("evt_1", "checkout.session.completed", None)
    assert event.payload == {"object": {"id": "cs_1", "object": "checkout.session"}}
    assert await deferred(database, "settle_payment_event") == 1


async def test_events_of_no_interest_are_acknowledged_and_forgotten(
    door: httpx.AsyncClient, database: Database
) -> None:
    assert await send(door, EVENT | {"type": "customer.created"}) == 200
    assert await kept(database) == []


BODY = json.dumps(EVENT)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Stripe-Signature": ""},
        {"Stripe-Signature": "t=,v1="},
        {"Stripe-Signature": "v1=0"},
        {"Stripe-Signature": f"t={int(time.time())},v1=" + "0" * 64},
        signed(BODY, "whsec_other"),
        signed(BODY + " "),
        signed(BODY, at=time.time() - 3600),
    ],
    ids=["none", "empty", "hollow", "no time", "forged", "other secret", "other body", "replayed an hour later"],
)
async def test_what_stripe_did_not_sign_now_is_refused(
    door: httpx.AsyncClient, database: Database, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert await send(door, BODY, headers) == 403
    assert await kept(database) == []
    assert "eva@example.org" not in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "[]",
        "null",
        "5",
        "{}",
        json.dumps(EVENT | {"id": None}),
        json.dumps(EVENT | {"data": None}),
        json.dumps(EVENT | {"data": {"object": []}}),
        json.dumps({"type": EVENT["type"], "data": EVENT["data"]}),
        json.dumps(EVENT | {"id": "evt_\x00"}),
        "[" * 100_000,
    ],
    ids=range(12),
)
async def test_what_is_signed_but_no_event_is_refused(door: httpx.AsyncClient, database: Database, body: str) -> None:
    assert await send(door, body) == 400
    assert await kept(database) == []


async def test_bytes_that_are_no_text_prove_nothing(door: httpx.AsyncClient) -> None:
    answer = await door.post("/webhooks/stripe", content=b"\xff\xfe", headers=signed("x"))
    assert answer.status_code == 403


async def test_a_flood_is_not_read(door: httpx.AsyncClient) -> None:
    assert await send(door, json.dumps(EVENT | {"pad": "x" * 600_000})) == 413


def test_the_secret_does_not_show() -> None:
    assert SECRET not in repr(Till(None, SECRET))  # type: ignore[arg-type]

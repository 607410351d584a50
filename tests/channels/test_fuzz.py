"""Webhooks with something wrong in them, by the thousand: never our fault, never written when forged, never logged.

`THREADBOOK_FUZZ=100000` sends so many; a usual run sends fewer.
"""

import hashlib
import hmac
import json
import logging
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from booking_core.kit.db import Database
from channels import registry
from channels.limits import SenderLimits, sender_limits
from channels.models import Message
from channels.webhooks import Doors, router_for
from payment_links import webhook as payment_webhook
from tests.channels.builders import ACCOUNTS, CUSTOMER, a_business
from tests.channels.test_webhooks import BASE, SECRET, SMS, TELEGRAM, TOKEN, TWILIO, UPDATE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

#: How many webhooks; the release check sends 100,000.
WEBHOOKS = int(os.environ.get("THREADBOOK_FUZZ", "3000"))
SEED = int(os.environ.get("THREADBOOK_SEED", "20261129"))
STRIPE_SECRET = "whsec_fuzz"
WORDS = "my secret wish"
FORGED = "FORGED"

STATUS = {"MessageSid": "SM1", "MessageStatus": "delivered", "From": ACCOUNTS["sms"], "To": CUSTOMER}
FORMS = [
    ("/webhooks/sms", SMS),
    ("/webhooks/sms", {**SMS, "Body": "STOP", "OptOutType": "STOP"}),
    ("/webhooks/sms", {
        **SMS, "NumMedia": "1", "MediaUrl0": "https://api.twilio.com/x", "MediaContentType0": "image/png",
    }),
    ("/webhooks/whatsapp", {
        **SMS, "From": f"whatsapp:{CUSTOMER}", "To": ACCOUNTS["whatsapp"], "ProfileName": WORDS, "WaId": "34600",
        "ButtonPayload": "b1:x", "ButtonText": WORDS, "OriginalRepliedMessageSid": "SM0",
    }),
    ("/webhooks/sms/status", STATUS),
    ("/webhooks/sms/status", {**STATUS, "MessageStatus": "undelivered", "ErrorCode": "30003"}),
    ("/webhooks/whatsapp/status", {**STATUS, "MessageStatus": "read"}),
]  # fmt: skip
_ME, _CHAT = UPDATE["message"]["from"], UPDATE["message"]["chat"]
UPDATES: list[dict[str, Any]] = [
    UPDATE,
    {"update_id": 2, "edited_message": {**UPDATE["message"], "edit_date": 1_790_000_009}},
    {"update_id": 3, "callback_query": {
        "id": "1", "from": _ME, "chat_instance": "1", "data": "b1:x", "message": UPDATE["message"],
    }},
    {"update_id": 4, "my_chat_member": {
        "chat": _CHAT, "from": _ME, "date": 1_790_000_009,
        "old_chat_member": {"user": _ME, "status": "member"},
        "new_chat_member": {"user": _ME, "status": "kicked", "until_date": 0},
    }},
    {"update_id": 5, "message": {**UPDATE["message"], "photo": [
        {"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1, "file_size": 10},
    ], "caption": WORDS}},
]  # fmt: skip
EVENT: dict[str, Any] = {
    "id": "evt_1", "object": "event", "type": "checkout.session.completed", "created": 1_790_000_000, "livemode": False,
    "api_version": "2024-06-20", "pending_webhooks": 1, "request": None,
    "data": {"object": {
        "id": "cs_1", "object": "checkout.session", "payment_status": "paid", "amount_total": 1000, "currency": "eur",
        "client_reference_id": None, "metadata": {"booking_id": "x"}, "payment_intent": "pi_1", "status": "complete",
    }},
}  # fmt: skip
NASTY: list[Any] = [
    None, True, [], {}, "", " ", "\x00", "a\x00b", "\u202e", "x" * 20_000, -1, 0, 2**31, 2**63, 10**40, 1.5, [[[]]],
    {"$ne": None}, "\ud800", "💇", "'; DROP TABLE message", "SM" + "9" * 400, "whatsapp:", "+", "nan", "1e999",
]  # fmt: skip


class Fuzz:
    """Makes a webhook, breaks it, signs it or forges the signature."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.n = 0

    def next(self) -> tuple[str, bytes, dict[str, str], bool]:
        """Return a path, a body and headers, and whether it is forged."""
        self.n += 1
        make = self.dice.choices([self._form, self._update, self._event], weights=[5, 4, 1])[0]
        forged = self.dice.random() < 0.15
        return *make(forged=forged), forged

    def _form(self, *, forged: bool) -> tuple[str, bytes, dict[str, str]]:
        path, form = self.dice.choice(FORMS)
        form = {**form, "MessageSid": f"{FORGED if forged else 'SM'}{self.n}"}
        for _ in range(self.dice.choice([0, 1, 1, 2, 4])):
            self._break(form, keep=("MessageSid",) if forged else ())
        sent = {key: str(value) for key, value in form.items() if key.isprintable()}
        body = urlencode(sent, errors="surrogatepass").encode()
        signature = RequestValidator(TOKEN).compute_signature(BASE + path, _decoded(body))
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
        if forged:
            headers["x-twilio-signature"] = self.dice.choice(["", "x", signature[::-1], "é".encode().decode("latin-1")])
        return path, self._cut(body), headers

    def _update(self, *, forged: bool) -> tuple[str, bytes, dict[str, str]]:
        update = deepcopy(self.dice.choice(UPDATES))
        update["update_id"] = self.n
        if "message" in update:
            update["message"]["message_id"] = self.n
        for _ in range(self.dice.choice([0, 1, 1, 2, 4])):
            self._break(self._somewhere(update))
        body = json.dumps(update).encode("utf-8", "surrogatepass")
        token = self.dice.choice(["", "wrong", SECRET + "x"]) if forged else SECRET
        headers = {"content-type": "application/json", "x-telegram-bot-api-secret-token": token}
        return "/webhooks/telegram", self._cut(body), headers

    def _event(self, *, forged: bool) -> tuple[str, bytes, dict[str, str]]:
        event = deepcopy(EVENT)
        event["id"] = f"{FORGED if forged else 'evt_'}{self.n}"
        for _ in range(self.dice.choice([0, 1, 1, 2])):
            self._break(self._somewhere(event), keep=("id",) if forged else ())
        body = self._cut(json.dumps(event).encode("utf-8", "surrogatepass"))
        now = int(time.time())
        signed = hmac.new(STRIPE_SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        return "/webhooks/stripe", body, {"Stripe-Signature": f"t={now},v1={signed[::-1] if forged else signed}"}

    def _break(self, thing: dict[str, Any], keep: tuple[str, ...] = ()) -> None:
        keys = [key for key in thing if key not in keep]
        if not keys:
            return
        key = self.dice.choice(keys)
        how: Callable[[], object] = self.dice.choice([
            lambda: thing.pop(key),
            lambda: thing.update({key: self.dice.choice(NASTY)}),
            lambda: thing.update({key: self.dice.choice(NASTY)}),
            lambda: thing.update({key + "x": thing.pop(key)}),
            lambda: thing.update({key: f"{thing[key]}{WORDS}"}),
        ])  # fmt: skip
        how()

    def _somewhere(self, thing: dict[str, Any]) -> dict[str, Any]:
        inner = [value for value in thing.values() if isinstance(value, dict)]
        if inner and self.dice.random() < 0.7:
            return self._somewhere(self.dice.choice(inner))
        return thing

    def _cut(self, body: bytes) -> bytes:
        match self.dice.random():
            case chance if chance < 0.03:
                return body[: self.dice.randrange(len(body) + 1)]
            case chance if chance < 0.05:
                return body + b"x" * 300_000
            case chance if chance < 0.08:
                place = self.dice.randrange(len(body))
                return body[:place] + bytes([self.dice.randrange(256)]) + body[place + 1 :]
        return body


def _decoded(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="replace"))


async def test_broken_webhooks(database: Database, redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    redis = Redis.from_url(redis_url)
    await redis.flushdb()
    async with database.transaction() as session:
        await a_business(session)
    app = FastAPI()
    channels = registry.build(twilio=TWILIO, telegram=TELEGRAM)
    app.include_router(router_for(Doors(database, channels, _without_end(sender_limits(redis)))))
    app.include_router(payment_webhook.router_for(payment_webhook.Till(database, STRIPE_SECRET)))
    fuzz, told = Fuzz(SEED), Counter[int]()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.7:8000") as client:
        for _ in range(WEBHOOKS):
            path, body, headers, forged = fuzz.next()
            answer = await client.post(
                path, content=body, headers={name: value.encode("latin-1") for name, value in headers.items()}
            )
            allowed = {403, 413} if forged else {200, 400, 403, 413}
            assert answer.status_code in allowed, (fuzz.n, path, answer.status_code)
            told[answer.status_code] += 1
    assert told[200] > WEBHOOKS / 4, told
    assert min(told[400], told[403]) > WEBHOOKS / 100, told
    async with database.transaction() as session:
        kept = await session.scalar(
            select(func.count()).select_from(Message).where(Message.provider_id.like(f"%{FORGED}%"))
        )
    assert kept == 0
    assert WORDS not in caplog.text
    assert CUSTOMER not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    await redis.aclose()


def _without_end(limits: SenderLimits) -> SenderLimits:
    """Nobody floods here: every one of them is to reach the parser."""
    for limit in (limits.answered, limits.written):
        limit.most = 10**9
    return limits

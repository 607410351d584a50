"""The official client against a small Stripe on loopback: what goes over the wire, and how refusals are read."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from payment_links.access import StripeAccess
from payment_links.gateway import GatewayError, LinkWanted, RefundStatus, RefundWanted
from payment_links.stripe_gateway import StripeGateway

METADATA = {"business_id": "b", "payment_id": "p"}
LINK = LinkWanted("p", "K7QX4M", "Haircut", 1000, "EUR", "es-ES", datetime(2026, 11, 24, 12, tzinfo=UTC), METADATA)
REFUND = RefundWanted("p", "pi_1", 400, "EUR", METADATA)


class SmallStripe:
    """Answers what it is told to, in order, then what Stripe answers when all is well."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, dict[str, str], str | None]] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []

    async def answer(self, path: str, request: Request) -> JSONResponse:
        form = dict(parse_qsl((await request.body()).decode()))
        self.heard.append((request.method, path, form, request.headers.get("Idempotency-Key")))
        if self.answers:
            status, body = self.answers.pop(0)
            return JSONResponse(body, status)
        if path.startswith("refunds"):
            return JSONResponse({"id": "re_1", "object": "refund", "status": "succeeded"})
        url = "https://checkout.example/cs_1"
        return JSONResponse({"id": "cs_1", "object": "checkout.session", "url": url, "payment_status": "unpaid"})


@asynccontextmanager
async def serving(small: SmallStripe) -> AsyncIterator[str]:
    app = FastAPI()
    app.add_api_route("/prefix/v1/{path:path}", small.answer, methods=["GET", "POST"])
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    running = asyncio.create_task(server.serve([listener]))
    while not (server.started or running.done()):
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/prefix"
    server.should_exit = True
    await running


@pytest.fixture
async def desk() -> AsyncIterator[tuple[StripeGateway, SmallStripe]]:
    small = SmallStripe()
    async with serving(small) as address:
        gateway = StripeGateway(StripeAccess("sk_test_x", "whsec_x", address, "https://shop.example"))
        yield gateway, small
        await gateway.close()


def error(kind: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "message": "no"}}


async def test_a_page_is_asked_for_with_its_key(desk: tuple[StripeGateway, SmallStripe]) -> None:
    gateway, small = desk
    made = await gateway.open_link(LINK)
    assert (made.session_id, made.url) == ("cs_1", "https://checkout.example/cs_1")
    [(method, path, form, key)] = small.heard
    assert (method, path, key) == ("POST", "checkout/sessions", "link:p")
    assert form["line_items[0][price_data][unit_amount]"] == "1000"
    assert form["allowed_payment_method_types[0]"] == "card"
    assert form["metadata[payment_id]"] == form["payment_intent_data[metadata][payment_id]"] == "p"


async def test_a_refund_is_asked_for_with_its_key(desk: tuple[StripeGateway, SmallStripe]) -> None:
    gateway, small = desk
    made = await gateway.refund(REFUND)
    assert (made.refund_id, made.status) == ("re_1", RefundStatus.DONE)
    [(method, path, form, key)] = small.heard
    assert (method, path, key) == ("POST", "refunds", "refund:p")
    assert (form["amount"], form["payment_intent"], form["metadata[payment_id]"]) == ("400", "pi_1", "p")


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, "invalid_request_error", False),
        (400, "idempotency_error", False),
        (401, "invalid_request_error", False),
        (402, "card_error", False),
        (403, "invalid_request_error", False),
        (429, "invalid_request_error", True),
    ],
)
async def test_refusals_say_whether_another_try_helps(
    desk: tuple[StripeGateway, SmallStripe], status: int, kind: str, retryable: bool
) -> None:
    gateway, small = desk
    small.answers = [(status, error(kind, "a_code"))] * 3
    with pytest.raises(GatewayError) as refused:
        await gateway.open_link(LINK)
    assert refused.value.retryable is retryable


@pytest.mark.parametrize("status", [409, 500, 503])
async def test_what_passes_by_itself_is_tried_again_with_the_same_key(
    desk: tuple[StripeGateway, SmallStripe], status: int
) -> None:
    gateway, small = desk
    small.answers = [(status, error("api_error"))]
    assert (await gateway.open_link(LINK)).session_id == "cs_1"
    assert [key for *_, key in small.heard] == ["link:p", "link:p"]
    small.answers = [(status, error("api_error"))] * 3
    with pytest.raises(GatewayError) as refused:
        await gateway.open_link(LINK)
    assert refused.value.retryable


async def test_nobody_there_is_worth_another_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    gateway = StripeGateway(StripeAccess("sk_test_x", "whsec_x", f"http://127.0.0.1:{port}", "https://shop.example"))
    with pytest.raises(GatewayError) as refused:
        await gateway.close_link("cs_1")
    assert refused.value.retryable
    await gateway.close()


async def test_a_page_that_was_paid_before_it_was_closed_is_shown(desk: tuple[StripeGateway, SmallStripe]) -> None:
    gateway, small = desk
    assert await gateway.close_link("cs_1") is None
    paid = {"id": "cs_1", "object": "checkout.session", "payment_status": "paid", "metadata": METADATA}
    small.answers = [(400, error("invalid_request_error")), (200, paid)]
    assert await gateway.close_link("cs_1") == paid
    small.answers = [(400, error("invalid_request_error")), (200, paid | {"payment_status": "unpaid"})]
    assert await gateway.close_link("cs_1") is None


async def test_money_that_was_given_back_by_hand_counts(desk: tuple[StripeGateway, SmallStripe]) -> None:
    gateway, small = desk
    small.answers = [(400, error("invalid_request_error", "charge_already_refunded"))]
    made = await gateway.refund(REFUND)
    assert (made.refund_id, made.status) == (None, RefundStatus.DONE)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("pending", "pending"), ("requires_action", "pending"), ("failed", "failed"), ("canceled", "failed")],
)
async def test_a_refunds_status_is_read(desk: tuple[StripeGateway, SmallStripe], said: str, meant: str) -> None:
    gateway, small = desk
    small.answers = [(200, {"id": "re_2", "object": "refund", "status": said})]
    assert (await gateway.refund(REFUND)).status == meant


async def test_the_clients_words_of_an_error_carry_no_secret(desk: tuple[StripeGateway, SmallStripe]) -> None:
    gateway, small = desk
    small.answers = [(401, error("invalid_request_error"))]
    with pytest.raises(GatewayError) as refused:
        await gateway.refund(REFUND)
    assert "sk_test_x" not in str(refused.value)

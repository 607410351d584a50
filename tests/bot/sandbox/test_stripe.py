"""Stripe's official client against the stand-in; events by its own verifier, objects by its own types."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Union, get_args, get_origin

import pytest
import stripe

from payment_links.gateway import LinkWanted
from payment_links.stripe_gateway import checkout_request
from tests.bot.sandbox.theatre import Knock, Theatre

SHOP = {"business_id": "0190e7a2-0000-7000-8000-000000000000", "payment_id": "p-1"}


@pytest.fixture
async def client(theatre: Theatre) -> AsyncIterator[stripe.StripeClient]:
    access = theatre.stage.stripe
    http = stripe.HTTPXClient(timeout=10)
    yield stripe.StripeClient(
        access.secret_key, base_addresses={"api": access.api_url}, max_network_retries=0, http_client=http
    )
    await http.close_async()


def wanted(**more: Any) -> dict[str, Any]:
    item = {
        "quantity": 1,
        "price_data": {"currency": "eur", "unit_amount": 1000, "product_data": {"name": "Haircut: deposit"}},
    }
    return {
        "mode": "payment",
        "line_items": [item],
        "metadata": SHOP,
        "client_reference_id": "K7QX4M",
        "payment_intent_data": {"metadata": SHOP, "description": "Haircut"},
        "success_url": "http://127.0.0.1/pay/thanks?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1/pay/back",
        "expires_at": int(time.time()) + 1805,
        **more,
    }


async def make(client: stripe.StripeClient, key: str | None = None, **more: Any) -> stripe.checkout.Session:
    options = {"idempotency_key": key} if key else {}
    return await client.v1.checkout.sessions.create_async(wanted(**more), options)


def event_of(theatre: Theatre, knock: Knock) -> stripe.Event:
    secret = theatre.stage.stripe.webhook_secret
    event = stripe.Webhook.construct_event(knock.body, knock.headers["stripe-signature"], secret)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(knock.body + b" ", knock.headers["stripe-signature"], secret)
    assert event.id.startswith("evt_")
    judge(event, stripe.Event)
    return event


async def pay(theatre: Theatre, name: str, how: str = "pay", **form: str) -> Any:
    return await theatre.http.post(f"/sandbox/stripe/checkout/{name}/{how}", data=form or None)


def judge(found: Any, kind: type) -> None:
    """Every field that the typed class promises is there and of a promised type; there is no other."""
    promised = {name: hint for name, hint in kind.__annotations__.items() if name != "OBJECT_NAME"}
    values = found.to_dict()
    assert set(values) <= set(promised), set(values) - set(promised)
    for name, hint in promised.items():
        parts = _parts(hint)
        value = values.get(name)
        if value is None:
            assert type(None) in parts, f"{kind.__name__}.{name} is missing"
            continue
        if all(part in (int, str, bool, type(None)) for part in parts):
            assert type(value) in parts, f"{kind.__name__}.{name} is {value!r}"
        closed = [choice for part in parts if get_origin(part) is Literal for choice in get_args(part)]
        if closed:
            assert value in closed, f"{kind.__name__}.{name} is {value!r}"


def _parts(hint: Any) -> list[Any]:
    if get_origin(hint) is Union:
        return [part for one in get_args(hint) for part in _parts(one)]
    return [hint]


async def test_paid_the_way_a_customer_pays(theatre: Theatre, client: stripe.StripeClient) -> None:
    made = await make(client)
    judge(made, stripe.checkout.Session)
    assert (made.status, made.payment_status, made.amount_total, made.currency) == ("open", "unpaid", 1000, "eur")
    assert made.url == f"{theatre.base}/sandbox/stripe/checkout/{made.id}"
    page = await theatre.http.get(made.url)
    assert page.status_code == 200
    paid = await pay(theatre, made.id)
    assert paid.json()["next"].endswith(f"/pay/thanks?s={made.id}")
    events = [event_of(theatre, await theatre.knock("webhooks/stripe", nth=nth)) for nth in range(3)]
    assert [event.type for event in events] == [
        "payment_intent.succeeded",
        "charge.succeeded",
        "checkout.session.completed",
    ]
    assert all(event.api_version == stripe.api_version for event in events)
    told = events[2].data.object
    assert (told.id, told.payment_status, told.client_reference_id) == (made.id, "paid", "K7QX4M")
    assert told.metadata.to_dict() == SHOP
    judge(told, stripe.checkout.Session)
    intent = await client.v1.payment_intents.retrieve_async(told.payment_intent)
    judge(intent, stripe.PaymentIntent)
    judge(await client.v1.charges.retrieve_async(intent.latest_charge), stripe.Charge)
    assert (intent.status, intent.amount_received, intent.metadata.to_dict()) == ("succeeded", 1000, SHOP)
    assert (await client.v1.events.retrieve_async(events[0].id)).type == events[0].type
    items = await client.v1.checkout.sessions.line_items.list_async(made.id)
    assert [(one.description, one.amount_total) for one in items.data] == [("Haircut: deposit", 1000)]
    assert (await pay(theatre, made.id)).status_code == 409
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.checkout.sessions.expire_async(made.id)


async def test_a_declined_card_leaves_the_page_open(theatre: Theatre, client: stripe.StripeClient) -> None:
    made = await make(client)
    assert (await pay(theatre, made.id, "decline")).json()["payment_status"] == "unpaid"
    await theatre.knock("charge.failed")
    event = event_of(theatre, await theatre.knock("payment_intent.payment_failed"))
    assert event.data.object.last_payment_error.decline_code == "generic_decline"
    assert (await client.v1.checkout.sessions.retrieve_async(made.id)).status == "open"
    assert (await pay(theatre, made.id)).json()["payment_status"] == "paid"


async def test_pages_expire_by_hand_and_by_the_clock(theatre: Theatre, client: stripe.StripeClient) -> None:
    one, other = await make(client), await make(client)
    ended = await client.v1.checkout.sessions.expire_async(one.id)
    assert (ended.status, ended.url) == ("expired", None)
    await theatre.http.post("/sandbox/clock", json={"advance": "PT31M"})
    for made in (one, other):
        assert event_of(theatre, await theatre.knock(made.id)).type == "checkout.session.expired"
        assert (await client.v1.checkout.sessions.retrieve_async(made.id)).status == "expired"
        assert (await pay(theatre, made.id)).status_code == 409
        assert (await theatre.http.get(f"/sandbox/stripe/checkout/{made.id}")).status_code == 410


async def test_the_same_key_answers_the_same(theatre: Theatre, client: stripe.StripeClient) -> None:
    end = int(time.time()) + 3600
    first, second = await asyncio.gather(*(make(client, "k-1", expires_at=end) for _ in range(2)))
    assert first.id == second.id
    with pytest.raises(stripe.IdempotencyError):
        await make(client, "k-1", expires_at=end + 1)
    # A refused request leaves its key free.
    with pytest.raises(stripe.InvalidRequestError):
        await make(client, "k-2", success_url="nonsense")
    assert (await make(client, "k-2")).id != first.id


def item(**price: Any) -> list[dict[str, Any]]:
    return [
        {"quantity": 1, "price_data": {"currency": "eur", "unit_amount": 1000, "product_data": {"name": "x"}, **price}}
    ]


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"expires_at": 5}, "expires_at"),
        ({"expires_at": int(time.time()) + 25 * 3600}, "expires_at"),
        ({"line_items": item(unit_amount=49)}, None),
        ({"line_items": item(currency="euro")}, "line_items[0][price_data][currency]"),
        ({"line_items": item(product_data={})}, "line_items[0][price_data][product_data][name]"),
        ({"line_items": item(colour="red")}, "line_items[0][price_data][colour]"),
        ({"line_items": item(unit_amount="ten")}, "line_items[0][price_data][unit_amount]"),
        ({"line_items": []}, "line_items"),
        ({"success_url": "nonsense"}, "success_url"),
        ({"mode": "gift"}, "mode"),
        ({"colour": "red"}, "colour"),
        ({"metadata": {"x": "y" * 501}}, "metadata"),
    ],
)
async def test_sessions_that_stripe_refuses(
    theatre: Theatre, client: stripe.StripeClient, more: dict[str, Any], param: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await make(client, **more)
    assert refused.value.http_status == 400
    assert refused.value.param == param


async def test_our_own_request_is_taken(theatre: Theatre, client: stripe.StripeClient) -> None:
    asked = checkout_request(
        LinkWanted(
            key="p-1",
            title="Haircut",
            amount=1000,
            currency="EUR",
            locale="es",
            reference="K7QX4M",
            metadata=SHOP,
            expires_at=datetime.now(UTC) + timedelta(minutes=45),
        ),
        theatre.base,
    )
    made = await client.v1.checkout.sessions.create_async(asked)
    assert (made.locale, made.payment_method_types) == ("es", ["card"])


async def test_refunds_never_exceed_what_was_paid(theatre: Theatre, client: stripe.StripeClient) -> None:
    made = await make(client)
    await pay(theatre, made.id)
    intent = (await client.v1.checkout.sessions.retrieve_async(made.id)).payment_intent
    first = await client.v1.refunds.create_async(
        {"payment_intent": intent, "amount": 400, "reason": "requested_by_customer", "metadata": SHOP},
        {"idempotency_key": "r-1"},
    )
    judge(first, stripe.Refund)
    assert (first.status, first.amount) == ("succeeded", 400)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        await client.v1.refunds.create_async({"payment_intent": intent, "amount": 601})
    rest = await client.v1.refunds.create_async({"payment_intent": intent})
    assert rest.amount == 600
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async({"payment_intent": intent})
    assert refused.value.code == "charge_already_refunded"
    event = event_of(theatre, await theatre.knock("charge.refunded", nth=1))
    judge(event.data.object, stripe.Charge)
    assert (event.data.object.amount_refunded, event.data.object.refunded) == (1000, True)
    assert {event_of(theatre, await theatre.knock(kind)).type for kind in ("refund.created", "refund.updated")} == {
        "refund.created",
        "refund.updated",
    }
    listed = await client.v1.refunds.list_async({"payment_intent": intent})
    assert {one.id for one in listed.data} == {first.id, rest.id}


async def test_slow_and_failed_refunds(theatre: Theatre, client: stripe.StripeClient) -> None:
    slow, failing = await make(client), await make(client)
    await pay(theatre, slow.id, card="4000 0000 0000 7726")
    await pay(theatre, failing.id, card="4000 0000 0000 5126")
    statuses = []
    for made in (slow, failing):
        intent = (await client.v1.checkout.sessions.retrieve_async(made.id)).payment_intent
        statuses.append((await client.v1.refunds.create_async({"payment_intent": intent})).status)
    assert statuses == ["pending", "succeeded"]
    assert event_of(theatre, await theatre.knock("refund.updated")).data.object.status == "succeeded"
    assert event_of(theatre, await theatre.knock("refund.failed")).data.object.status == "failed"


async def test_unknown_things_and_keys(theatre: Theatre, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.checkout.sessions.retrieve_async("cs_test_nothing")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.refunds.create_async({"payment_intent": "pi_nothing"})
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.customers.create_async({"name": "x"})
    stranger = stripe.StripeClient("sk_test_wrong", base_addresses={"api": theatre.stage.stripe.api_url})
    with pytest.raises(stripe.AuthenticationError):
        await asyncio.to_thread(stranger.v1.checkout.sessions.retrieve, "cs_test_nothing")
    assert (await pay(theatre, "cs_test_nothing")).status_code == 404
    assert (await theatre.http.get("/sandbox/stripe/checkout/cs_test_nothing")).status_code == 404

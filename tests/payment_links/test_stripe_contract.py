"""What we ask of Stripe is what Stripe's own description allows."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from stripe.params import RefundCreateParams
from stripe.params.checkout import SessionCreateParams

from payment_links.gateway import LinkWanted, RefundWanted
from payment_links.stripe_amounts import our_amount, stripe_amount
from payment_links.stripe_gateway import checkout_request, page_locale, refund_request
from tests.payment_links.contract import contract

METADATA = {"business_id": "b", "booking_id": "k", "booking_version": "1", "payment_id": "p"}


def wanted(**change: Any) -> LinkWanted:
    facts: dict[str, Any] = {
        "key": "p",
        "reference": "K7QX4M",
        "title": "Haircut with Ana",
        "amount": 1000,
        "currency": "EUR",
        "locale": "es-ES",
        "expires_at": datetime(2026, 11, 24, 12, tzinfo=UTC),
        "metadata": METADATA,
    }
    return LinkWanted(**facts | change)


@pytest.mark.parametrize("locale", ["en", "en-GB", "es-MX", "pt_BR", "fr", "de-AT", "eo", "ar"])
@pytest.mark.parametrize("currency", ["EUR", "JPY", "ISK"])
def test_a_checkout_session_is_asked_for_as_described(locale: str, currency: str) -> None:
    request = checkout_request(wanted(locale=locale, currency=currency), "https://shop.example")
    assert [error.message for error in contract(SessionCreateParams).iter_errors(request)] == []


def test_a_checkout_session_says_whose_it_is_everywhere() -> None:
    request = checkout_request(wanted(), "https://shop.example")
    assert request["metadata"] == request["payment_intent_data"]["metadata"] == METADATA
    assert request["client_reference_id"] == "K7QX4M"
    assert request["expires_at"] == 1795521600
    assert request["success_url"] == "https://shop.example/pay/thanks?locale=es-ES"
    assert request["cancel_url"] == "https://shop.example/pay/back?locale=es-ES"


@pytest.mark.parametrize("amount", [None, 700])
def test_a_refund_is_asked_for_as_described(amount: int | None) -> None:
    request = refund_request(RefundWanted("p", "pi_1", amount, "EUR", METADATA))
    assert [error.message for error in contract(RefundCreateParams).iter_errors(request)] == []
    assert request.get("amount") == amount


@pytest.mark.parametrize(
    "spoil",
    [
        lambda request: request.update(mode="pay"),
        lambda request: request.update(payment_method_types=["card"]),
        lambda request: request["line_items"][0].update(quantity="one"),
        lambda request: request["line_items"][0]["price_data"].update(amount=5),
        lambda request: request["line_items"][0]["price_data"]["product_data"].pop("name"),
        lambda request: request.update(locale="xx"),
    ],
)
def test_the_judge_is_awake(spoil: Callable[[Any], Any]) -> None:
    request: Any = checkout_request(wanted(), "https://shop.example")
    spoil(request)
    assert list(contract(SessionCreateParams).iter_errors(request))


@pytest.mark.parametrize(
    ("locale", "page"),
    [("en-GB", "en-GB"), ("en-US", "en"), ("es-MX", "es"), ("pt_BR", "pt-BR"), ("ar", "auto"), ("", "auto")],
)
def test_the_page_speaks_the_customers_language_where_it_can(locale: str, page: str) -> None:
    assert page_locale(locale) == page


@pytest.mark.parametrize(("currency", "theirs"), [("EUR", 1000), ("JPY", 1000), ("KWD", 1000), ("ISK", 100_000)])
def test_amounts_go_and_come_back(currency: str, theirs: int) -> None:
    assert stripe_amount(1000, currency) == theirs
    assert our_amount(theirs, currency) == 1000

"""What Stripe demands of a Checkout Session and of a refund, checked before anything is made."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import stripe.params
import stripe.params.checkout

from bot.sandbox.stripe_errors import StripeRefused, missing

#: Seconds; Stripe counts from when the session is made.
EARLIEST_END, LATEST_END = 30 * 60, 24 * 3600
LONGEST_TITLE, LONGEST_METADATA, MOST_METADATA = 250, 500, 50
LARGEST_AMOUNT = 99_999_999
#: docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
SMALLEST = {
    **dict.fromkeys(["usd", "eur", "chf", "aud", "brl", "cad", "inr", "nzd", "sgd"], 50),
    "gbp": 30,
    "dkk": 250,
    "nok": 300,
    "sek": 300,
    "czk": 1500,
    "pln": 200,
    "mxn": 1000,
    "jpy": 50,
    "huf": 17500,
}
#: Parameters of a session that are plain text.
_TEXTS = ("mode", "ui_mode", "success_url", "cancel_url", "client_reference_id", "locale", "customer_email")
REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_CURRENCY = re.compile(r"[a-zA-Z]{3}")
#: Every parameter's name comes from the official client's own types.
_OPTIONS = frozenset(stripe.RequestOptions.__annotations__)


def names_of(typed: type) -> frozenset[str]:
    """Return the parameters that Stripe knows of a request or a part of one."""
    return frozenset(typed.__annotations__) - _OPTIONS


_SESSION = names_of(stripe.params.checkout.SessionCreateParams)
_ITEM = names_of(stripe.params.checkout.SessionCreateParamsLineItem)
_PRICE = names_of(stripe.params.checkout.SessionCreateParamsLineItemPriceData)
_PRODUCT = names_of(stripe.params.checkout.SessionCreateParamsLineItemPriceDataProductData)
_REFUND = names_of(stripe.params.RefundCreateParams)


def check_names(told: Mapping[str, Any], known: frozenset[str], prefix: str = "") -> None:
    """Refuse a parameter that Stripe does not know."""
    for name in told:
        if name not in known:
            full = f"{prefix}[{name}]" if prefix else name
            raise StripeRefused(f"Received unknown parameter: {full}", code="parameter_unknown", param=full)


def whole(value: Any, param: str) -> int:
    """Return an integer parameter."""
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,18}", value):
        raise StripeRefused(f"Invalid integer: {value}", code="parameter_invalid_integer", param=param)
    return int(value)


def check_metadata(told: Any, param: str = "metadata") -> dict[str, str]:
    """Return metadata; refuses more than Stripe keeps."""
    if told in (None, ""):
        return {}
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise StripeRefused("Invalid object", param=param)
    if len(told) > MOST_METADATA or any(len(name) > 40 or len(text) > LONGEST_METADATA for name, text in told.items()):
        raise StripeRefused(f"Metadata holds {MOST_METADATA} keys of 40 and values of 500 characters.", param=param)
    return told


def check_session(told: Mapping[str, Any], now: datetime) -> None:
    """Refuse a request for a session that Stripe would refuse."""
    check_names(told, _SESSION)
    _check_kinds(told, _TEXTS, str)
    _check_kinds(told, ("payment_intent_data", "metadata"), dict)
    if told.get("mode") != "payment":
        raise (
            missing("mode")
            if "mode" not in told
            else StripeRefused("Invalid mode: must be one of payment", param="mode")
        )
    if told.get("ui_mode", "hosted_page") in ("hosted", "hosted_page"):
        _check_address(told, "success_url", required=True)
        _check_address(told, "cancel_url", required=False)
    if "expires_at" in told:
        ahead = whole(told["expires_at"], "expires_at") - now.timestamp()
        # A request takes a moment on its way.
        if not EARLIEST_END - 60 <= ahead <= LATEST_END + 60:
            raise StripeRefused(
                "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
                param="expires_at",
            )
    if len(told.get("client_reference_id", "")) > 200:
        raise StripeRefused("Invalid string: at most 200 characters", param="client_reference_id")
    check_metadata(told.get("metadata"))
    intent = told.get("payment_intent_data", {})
    check_metadata(intent.get("metadata"), "payment_intent_data[metadata]")
    if intent.get("capture_method", "automatic") not in ("automatic", "automatic_async", "manual"):
        raise StripeRefused("Invalid capture_method", param="payment_intent_data[capture_method]")
    _check_items(told)


def _check_kinds(told: Mapping[str, Any], names: Iterable[str], kind: type, where: str = "") -> None:
    for name in names:
        if name in told and not isinstance(told[name], kind):
            full = f"{where}[{name}]" if where else name
            raise StripeRefused("Invalid object" if kind is dict else "Invalid string", param=full)


def _check_address(told: Mapping[str, Any], name: str, *, required: bool) -> None:
    if name not in told:
        if required:
            raise missing(name)
        return
    parts = urlsplit(told[name])
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise StripeRefused("Not a valid URL", code="url_invalid", param=name)


def _check_items(told: Mapping[str, Any]) -> None:
    items = told.get("line_items")
    if not isinstance(items, list) or not items:
        raise missing("line_items")
    currencies = set()
    for place, item in enumerate(items):
        where = f"line_items[{place}]"
        if not isinstance(item, dict):
            raise StripeRefused("Invalid object", param=where)
        check_names(item, _ITEM, where)
        price = item.get("price_data")
        if not isinstance(price, dict):
            raise missing(f"{where}[price_data]")
        check_names(price, _PRICE, f"{where}[price_data]")
        _check_kinds(price, ("currency",), str, f"{where}[price_data]")
        currency = price.get("currency", "")
        if not _CURRENCY.fullmatch(currency):
            raise StripeRefused(f"Invalid currency: {currency}", param=f"{where}[price_data][currency]")
        currencies.add(currency.lower())
        product = price.get("product_data")
        if not isinstance(product, dict) or not product.get("name"):
            raise missing(f"{where}[price_data][product_data][name]")
        check_names(product, _PRODUCT, f"{where}[price_data][product_data]")
        _check_kinds(product, ("name",), str, f"{where}[price_data][product_data]")
        if "unit_amount" not in price:
            raise missing(f"{where}[price_data][unit_amount]")
        if whole(price["unit_amount"], f"{where}[price_data][unit_amount]") < 0:
            raise StripeRefused("Invalid non-negative integer", param=f"{where}[price_data][unit_amount]")
        if whole(item.get("quantity", "1"), f"{where}[quantity]") < 1:
            raise StripeRefused("Invalid positive integer", param=f"{where}[quantity]")
    if len(currencies) > 1:
        raise StripeRefused("All prices on a Checkout Session must have the same currency.", param="line_items")
    _check_total(total_of(items), currencies.pop())


def _check_total(total: int, currency: str) -> None:
    if total < SMALLEST.get(currency, 1):
        raise StripeRefused(
            f"The Checkout Session's total amount due must add up to at least {SMALLEST.get(currency, 1)} {currency}"
            " in its smallest unit",
            code="amount_too_small",
        )
    if total > LARGEST_AMOUNT:
        raise StripeRefused("The total amount is too large", code="amount_too_large")


def total_of(items: list[dict[str, Any]]) -> int:
    """Return what all items cost together."""
    return sum(int(item["price_data"]["unit_amount"]) * int(item.get("quantity", "1")) for item in items)


def check_refund(told: Mapping[str, Any]) -> None:
    """Refuse a request for a refund that Stripe would refuse whatever was paid."""
    check_names(told, _REFUND)
    if "payment_intent" not in told and "charge" not in told:
        raise StripeRefused(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    _check_kinds(told, ("payment_intent", "charge", "reason"), str)
    if told.get("reason") not in (None, *REASONS):
        raise StripeRefused(f"Invalid reason: must be one of {', '.join(REASONS)}", param="reason")
    if "amount" in told and whole(told["amount"], "amount") < 1:
        raise StripeRefused("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    check_metadata(told.get("metadata"))

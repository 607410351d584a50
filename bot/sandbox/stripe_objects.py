"""Stripe's objects as the client's typed classes have them (docs.stripe.com/api)."""

from datetime import datetime
from typing import Any

from bot.sandbox.stage import letters_id
from bot.sandbox.stripe_rules import total_of


def new_session(told: dict[str, Any], base: str, now: datetime) -> dict[str, Any]:
    """Return a Checkout Session for a checked request."""
    name = letters_id("cs_test_", 58)
    created = int(now.timestamp())
    total = total_of(told["line_items"])
    currency = told["line_items"][0]["price_data"]["currency"].lower()
    methods = told.get("allowed_payment_method_types") or ["card"]
    return {
        "id": name,
        "object": "checkout.session",
        "adaptive_pricing": None,
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": told.get("cancel_url"),
        "client_reference_id": told.get("client_reference_id"),
        "client_secret": None,
        "consent": None,
        "consent_collection": None,
        "created": created,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_creation": "if_required",
        "customer_details": None,
        "customer_email": told.get("customer_email"),
        "discounts": [],
        "expires_at": int(told.get("expires_at", created + 24 * 3600)),
        "invoice": None,
        "invoice_creation": {"enabled": False, "invoice_data": {"metadata": {}}},
        "livemode": False,
        "locale": told.get("locale"),
        "metadata": told.get("metadata") or {},
        "mode": "payment",
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": methods,
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "redirect_on_completion": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": told.get("submit_type"),
        "subscription": None,
        "success_url": told.get("success_url"),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{base}/sandbox/stripe/checkout/{name}",
        "wallet_options": None,
    }


def new_intent(session: dict[str, Any], asked: dict[str, Any], status: str, now: datetime) -> dict[str, Any]:
    """Return the PaymentIntent of a session that somebody tries to pay."""
    name = letters_id("pi_")
    paid = status == "succeeded"
    return {
        "id": name,
        "object": "payment_intent",
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": session["amount_total"] if paid else 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{name}_secret_{letters_id('', 25)}",
        "confirmation_method": "automatic",
        "created": int(now.timestamp()),
        "currency": session["currency"],
        "customer": None,
        "description": asked.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": asked.get("metadata") or {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": session["payment_method_types"],
        "payment_record": None,
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": asked.get("statement_descriptor"),
        "statement_descriptor_suffix": None,
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }


def new_charge(intent: dict[str, Any], card: str, failure: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    """Return the charge of an attempt to pay."""
    paid = failure is None
    return {
        "id": letters_id("ch_"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": letters_id("txn_") if paid else None,
        "billing_details": {
            "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": None,
        "captured": paid,
        "created": int(now.timestamp()),
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None if failure is None else failure["code"],
        "failure_message": None if failure is None else failure["message"],
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": {
            "network_status": "approved_by_network" if paid else "declined_by_network",
            "reason": None if failure is None else failure["decline_code"],
            "risk_level": "normal",
            "seller_message": "Payment complete." if paid else "The bank did not return any further details.",
            "type": "authorized" if paid else "issuer_declined",
        },
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": letters_id("pm_"),
        "payment_method_details": {
            "type": "card",
            "card": {"brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "last4": card[-4:]},
        },
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded" if paid else "failed",
        "transfer": None,
        "transfer_data": None,
        "transfer_group": None,
    }


def new_refund(charge: dict[str, Any], told: dict[str, Any], amount: int, status: str, now: datetime) -> dict[str, Any]:
    """Return a refund of a charge."""
    return {
        "id": letters_id("re_"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": letters_id("txn_") if status == "succeeded" else None,
        "charge": charge["id"],
        "created": int(now.timestamp()),
        "currency": charge["currency"],
        "customer": None,
        "destination_details": {"card": {"reference_status": "pending", "type": "refund"}, "type": "card"},
        "failure_balance_transaction": None,
        "metadata": told.get("metadata") or {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": "processing" if status == "pending" else None,
        "reason": told.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }

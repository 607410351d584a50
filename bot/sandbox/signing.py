"""How each vendor signs what it sends, by the vendors' own code where they publish it."""

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from bot.sandbox.owed import STRIPE, TELEGRAM, TWILIO
from bot.sandbox.stage import Stage


def signed(stage: Stage, vendor: str, url: str, content: Any, secret: str | None = None) -> tuple[dict[str, str], str]:
    """Return the headers and the body of a webhook, signed at this moment; `secret` is the account's, if not ours."""
    match vendor:
        case "twilio":
            signature = RequestValidator(secret or stage.twilio.auth_token).compute_signature(url, content)
            return (
                {
                    "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
                    "User-Agent": "TwilioProxy/1.1",
                    "X-Twilio-Signature": signature,
                },
                urlencode(content),
            )
        case "telegram":
            headers = {"Content-Type": "application/json"}
            if secret:
                headers["X-Telegram-Bot-Api-Secret-Token"] = secret
            return headers, json.dumps(content)
        case "stripe":
            body = json.dumps(content, indent=2)
            return (
                {
                    "Content-Type": "application/json; charset=utf-8",
                    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                    "Stripe-Signature": stripe_signature(body, stage.stripe.webhook_secret),
                },
                body,
            )
    raise ValueError(f"no vendor {vendor!r} among {(TWILIO, TELEGRAM, STRIPE)}")


def stripe_signature(body: str, secret: str) -> str:
    """Return the Stripe-Signature of a body (docs.stripe.com/webhooks/signature); its time is the real one."""
    moment = int(time.time())
    digest = hmac.new(secret.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"

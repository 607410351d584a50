"""How the payment provider is reached."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StripeAccess:
    """An account. `api_url` replaces https://api.stripe.com where set."""

    secret_key: str
    webhook_secret: str
    api_url: str | None
    return_url: str

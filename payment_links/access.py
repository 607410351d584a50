"""How the payment provider is reached."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StripeAccess:
    """An account. `api_url` replaces https://api.stripe.com where set."""

    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    api_url: str | None
    return_url: str

"""How our webhooks prove that they are ours: Standard Webhooks, with secrets that are stored nowhere.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from datetime import datetime
from uuid import UUID

from bot.api.models import WebhookEndpoint
from bot.settings import Settings

_MARK = "whsec_"


def message_id(event_id: UUID) -> str:
    """Return how an event is called towards the outside: the same with every attempt."""
    return f"evt_{event_id.hex}"


def secret_for(settings: Settings, endpoint: WebhookEndpoint, number: int | None = None) -> str:
    """Return an endpoint's secret (or one of an earlier number): whoever steals the tables can sign nothing."""
    about = f"webhook:{endpoint.business_id}:{endpoint.id}:{number or endpoint.secret_no}"
    return _MARK + b64encode(bytes.fromhex(settings.derived(about))).decode()


def secrets_of(settings: Settings, endpoint: WebhookEndpoint, *, now: datetime) -> list[str]:
    """Return what signs now: the present secret and, for a while after a rotation, the one before."""
    secrets = [secret_for(settings, endpoint)]
    if endpoint.secret_no > 1 and endpoint.old_secret_until is not None and endpoint.old_secret_until > now:
        secrets.append(secret_for(settings, endpoint, endpoint.secret_no - 1))
    return secrets


def headers_for(message: str, body: bytes, secrets: list[str], *, sent_at: datetime) -> dict[str, str]:
    """Return the headers of one attempt: a signature for each secret."""
    stamp = int(sent_at.timestamp())
    return {
        "webhook-id": message,
        "webhook-timestamp": str(stamp),
        "webhook-signature": " ".join(signature(secret, message, stamp, body) for secret in secrets),
    }


def signature(secret: str, message: str, stamp: int, body: bytes) -> str:
    """Return one signature: HMAC-SHA256 over id, timestamp and body."""
    key = hmac_key(secret)
    said = f"{message}.{stamp}.".encode() + body
    return "v1," + b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()


def hmac_key(secret: str) -> bytes:
    """Return the bytes that a written secret stands for."""
    return b64decode(secret.removeprefix(_MARK))

"""Addresses in letters: the one that confirms an address, and the one that ends the letters."""

import hashlib
import hmac
from uuid import UUID

from bot.settings import Settings
from channels.models import Conversation

_STOP = "stop letters"


def confirm_url(base_url: str, token: str) -> str:
    """Return where an address is confirmed."""
    return f"{base_url}/email/confirm/{token}"


def stop_url(settings: Settings, thread: Conversation, locale: str) -> str:
    """Return where the letters to an address end: signed, and good for ever, since old letters are kept."""
    name = f"{thread.business_id.hex}.{thread.id.hex}"
    return f"{settings.base_url}/email/stop/{name}.{_signature(settings, name)}?lang={locale}"


def read_stop(settings: Settings, token: str) -> tuple[UUID, UUID] | None:
    """Return the business and the thread that a token of `stop_url` names; None where the signature is not ours."""
    name, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(settings, name).encode(), signature.encode("utf-8", "replace")):
        return None
    business, _, thread = name.partition(".")
    return UUID(hex=business), UUID(hex=thread)


def _signature(settings: Settings, name: str) -> str:
    key = settings.derived(_STOP).encode()
    return hmac.new(key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:40]

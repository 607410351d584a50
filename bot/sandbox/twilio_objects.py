"""Twilio's message resource, made from the row of a message."""

from datetime import datetime
from email.utils import format_datetime
from typing import Any

from bot.sandbox.models import SandboxMessage
from channels.segments import sms_size

API = "2010-04-01"


def rfc_2822(moment: str | None) -> str | None:
    """Return a stored ISO time as Twilio writes times."""
    return None if moment is None else format_datetime(datetime.fromisoformat(moment))


def segments(text: str) -> str:
    """Return how many segments a text takes, as Twilio writes it."""
    return str(sms_size(text).segments) if text else "0"


def message_resource(message: SandboxMessage, account_sid: str) -> dict[str, Any]:
    """Return a message as the Messages API shows it."""
    kept = message.vendor
    uri = f"/{API}/Accounts/{account_sid}/Messages/{message.vendor_id}"
    return {
        "account_sid": account_sid,
        "api_version": API,
        "body": message.text,
        "date_created": rfc_2822(message.at.isoformat()),
        "date_sent": rfc_2822(kept.get("sent_at")),
        "date_updated": rfc_2822(kept.get("updated_at") or message.at.isoformat()),
        "direction": "inbound" if message.direction == "in" else "outbound-api",
        "error_code": kept.get("error_code"),
        "error_message": kept.get("error_message"),
        "from": kept["from"],
        "messaging_service_sid": kept.get("messaging_service_sid"),
        "num_media": str(len(kept.get("media", []))),
        "num_segments": segments(message.text) if message.channel == "sms" else "1",
        "price": None,
        "price_unit": "USD",
        "sid": message.vendor_id,
        "status": kept["status"],
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": kept["to"],
        "uri": f"{uri}.json",
    }


def status_form(message: SandboxMessage, account_sid: str, status: str, error: int | None) -> dict[str, str]:
    """Return the form of a status callback."""
    sid = message.vendor_id
    form = {
        "AccountSid": account_sid,
        "ApiVersion": API,
        "From": message.vendor["from"],
        "MessageSid": sid,
        "MessageStatus": status,
        "SmsSid": sid,
        "SmsStatus": status,
        "To": message.vendor["to"],
    }
    if message.channel == "whatsapp":
        form |= {"ChannelPrefix": "whatsapp", "ChannelInstallSid": "XE" + sid[2:]}
    if error is not None:
        form |= {"ErrorCode": str(error)}
    return form

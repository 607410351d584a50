"""A customer writes or taps on an SMS or WhatsApp phone: Twilio calls our webhook."""

import hashlib
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.models import SandboxMessage
from bot.sandbox.owed import TWILIO, owe
from bot.sandbox.stage import Stage, hex_id
from bot.sandbox.twilio_contents import LIST_PICKER
from bot.sandbox.twilio_objects import API, segments
from bot.sandbox.twilio_opt_out import answer_opt_out, opt_out_type
from bot.sandbox.twilio_sending import WHATSAPP


async def say(stage: Stage, session: AsyncSession, channel: str, phone: str, text: str, name: str) -> SandboxMessage:
    """Send words from a phone."""
    more: dict[str, str] = {}
    if channel == "whatsapp":
        more["MessageType"] = "text"
        kind = None
    else:
        kind = await opt_out_type(stage, session, phone, text)
        if kind:
            more["OptOutType"] = kind
    message = await arrive(stage, session, channel, phone, text, name, more)
    if kind:
        await answer_opt_out(stage, session, phone, kind)
    return message


async def tap(
    stage: Stage, session: AsyncSession, message: SandboxMessage, choice: dict[str, Any], name: str
) -> SandboxMessage:
    """Tap a quick reply or pick from a list on WhatsApp."""
    if message.vendor.get("kind") == LIST_PICKER:
        more = {"ListId": choice["id"], "ListTitle": choice["label"]}
    else:
        more = {"ButtonPayload": choice["id"], "ButtonText": choice["label"]}
    more |= {
        "MessageType": "interactive",
        "OriginalRepliedMessageSid": message.vendor_id,
        "OriginalRepliedMessageSender": message.vendor["from"],
    }
    return await arrive(stage, session, "whatsapp", message.phone, choice["label"], name, more)


def scoped_id(phone: str) -> str:
    """Return WhatsApp's business-scoped id of a phone: always the same, and no number."""
    return phone if not phone.startswith("+") else f"XX.{hashlib.sha256(phone.encode()).hexdigest()[:24]}"


async def arrive(
    stage: Stage,
    session: AsyncSession,
    channel: str,
    phone: str,
    text: str,
    name: str,
    more: dict[str, str],
    *,
    sid: str | None = None,
) -> SandboxMessage:
    """Keep what somebody sent and owe its webhook; `more` are fields of its own."""
    now = await current_time(session)
    access = stage.twilio
    prefix = WHATSAPP if channel == "whatsapp" else ""
    sender = prefix + phone
    to = prefix + (access.whatsapp_number if channel == "whatsapp" else access.sms_number)
    sid = sid or hex_id("SM")
    message = SandboxMessage(
        channel=channel,
        phone=phone,
        account=to,
        direction="in",
        vendor_id=sid,
        text=text,
        choices=[],
        vendor={"status": "received", "from": sender, "to": to, "reply_to": more.get("OriginalRepliedMessageSid")},
        at=now,
    )
    session.add(message)
    await session.flush()
    form = {
        "AccountSid": access.account_sid,
        "ApiVersion": API,
        "Body": text,
        "From": sender,
        "MessageSid": sid,
        "NumMedia": "0",
        "NumSegments": segments(text) if channel == "sms" else "1",
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "To": to,
        **more,
    }
    if channel == "whatsapp":
        form |= {"ProfileName": name, "WaId": phone.removeprefix("+"), "ExternalUserId": WHATSAPP + scoped_id(phone)}
        form |= {} if phone.startswith("+") else {"WaId": ""}
    else:
        # What Twilio does not know of a number, it sends empty.
        form |= {end + part: "" for end in ("From", "To") for part in ("City", "State", "Zip", "Country")}
    url = f"{stage.settings.base_url}/webhooks/{channel}"
    await owe(stage, session, TWILIO, url, form, lane=f"{channel}:{phone}")
    return message

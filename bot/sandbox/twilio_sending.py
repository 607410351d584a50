"""Creating a message: what Twilio takes, what it refuses, what it takes and fails later."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.models import SandboxMessage
from bot.sandbox.stage import Stage, find, hex_id
from bot.sandbox.twilio_approvals import is_approved
from bot.sandbox.twilio_contents import CONTENT, Rendered, rendered
from bot.sandbox.twilio_errors import TwilioRefused
from bot.sandbox.twilio_opt_out import opted_out
from bot.sandbox.twilio_status import DELIVERED_AFTER, SENT_AFTER, owe_status

WHATSAPP = "whatsapp:"
E164 = re.compile(r"\+[1-9]\d{6,14}")
#: WhatsApp's business-scoped id of somebody who shows no number: a country, a dot, letters and digits.
SCOPED_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
WEB_ADDRESS = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)
LONGEST = 1600
WINDOW = timedelta(hours=24)
#: Twilio's own test numbers (https://www.twilio.com/docs/iam/test-credentials).
TEST_NUMBERS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request to send, with every refusable thing checked."""

    channel: str
    sender: str
    to: str
    text: str
    callback: str
    service: str | None
    media: Sequence[str] = ()
    choices: Sequence[dict[str, Any]] = ()
    content_sid: str | None = None
    #: Taken, and failed later with this code.
    fails: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def phone(self) -> str:
        """The customer's number."""
        return self.to.removeprefix(WHATSAPP)


async def create_message(stage: Stage, session: AsyncSession, pairs: Sequence[tuple[str, str]]) -> SandboxMessage:
    """Take a message and owe its status callbacks; raises TwilioRefused."""
    now = await current_time(session)
    wanted = await checked(stage, session, pairs, now)
    message = SandboxMessage(
        channel=wanted.channel,
        phone=wanted.phone,
        account=wanted.sender,
        direction="out",
        vendor_id=hex_id("MM" if wanted.media or wanted.channel == "whatsapp" else "SM"),
        text=wanted.text,
        choices=list(wanted.choices),
        vendor={
            "status": "queued",
            "from": wanted.sender,
            "to": wanted.to,
            "callback": wanted.callback,
            "messaging_service_sid": wanted.service,
            "media": list(wanted.media),
            "content_sid": wanted.content_sid,
            "updated_at": now.isoformat(),
            **wanted.extra,
        },
        at=now,
    )
    session.add(message)
    await session.flush()
    if wanted.fails is not None:
        # Known at once here, so that no phone shows it; the sender learns it by callback, as from Twilio.
        message.vendor = {**message.vendor, "hidden": True}
        await owe_status(stage, session, message, "failed", after=SENT_AFTER, error=wanted.fails)
        return message
    await owe_status(stage, session, message, "sent", after=SENT_AFTER)
    await owe_status(stage, session, message, "delivered", after=DELIVERED_AFTER)
    return message


async def checked(stage: Stage, session: AsyncSession, pairs: Sequence[tuple[str, str]], now: datetime) -> Wanted:
    """Return a request as it was checked; raises TwilioRefused."""
    fields = dict(pairs)
    media = [value for name, value in pairs if name == "MediaUrl"]
    to = _receiver(fields.get("To", ""))
    channel = "whatsapp" if to.startswith(WHATSAPP) else "sms"
    sender, service = _sender(stage, fields, channel)
    callback = fields.get("StatusCallback", "")
    if callback and not WEB_ADDRESS.fullmatch(callback):
        raise TwilioRefused(21609, callback)
    validity = fields.get("ValidityPeriod")
    if validity is not None and not (validity.isdecimal() and 1 <= int(validity) <= 36_000):
        raise TwilioRefused(20001, "ValidityPeriod")
    content = await _content(stage, session, fields, channel)
    text = content.text if content else fields.get("Body", "")
    if not content and not text.strip() and not media:
        raise TwilioRefused(21602)
    if len(text) > LONGEST:
        raise TwilioRefused(21617)
    if channel == "sms" and await opted_out(stage, session, to):
        raise TwilioRefused(21610)
    fails = (content.fails if content else None) or await trouble_of(session, to)
    if fails is None and channel == "whatsapp" and not await _window_open(stage, session, to, now):
        approved = content is not None and await is_approved(session, fields["ContentSid"])
        fails = None if approved else 63016
    return Wanted(
        channel,
        sender,
        to,
        text,
        callback,
        service,
        media,
        content.choices if content else (),
        fields.get("ContentSid"),
        fails,
        {"kind": content.kind, "button": content.button} if content else {},
    )


def _receiver(to: str) -> str:
    if not to:
        raise TwilioRefused(21604)
    number = to.removeprefix(WHATSAPP)
    scoped = to.startswith(WHATSAPP) and SCOPED_ID.fullmatch(number)
    if not scoped and not E164.fullmatch(number):
        raise TwilioRefused(21211, to)
    if number in TEST_NUMBERS:
        raise TwilioRefused(TEST_NUMBERS[number], to)
    return to


def _sender(stage: Stage, fields: dict[str, str], channel: str) -> tuple[str, str | None]:
    access = stage.twilio
    ours = {"sms": access.sms_number, "whatsapp": WHATSAPP + access.whatsapp_number}
    service, sender = fields.get("MessagingServiceSid"), fields.get("From", "")
    if service:
        if service != service_sid(stage):
            raise TwilioRefused(21701, service)
        return sender or ours[channel], service
    if not sender:
        raise TwilioRefused(21603)
    if sender.startswith(WHATSAPP) != (channel == "whatsapp"):
        raise TwilioRefused(21910)
    if sender != ours[channel]:
        raise TwilioRefused(63007 if channel == "whatsapp" else 21659 if E164.fullmatch(sender) else 21606, sender)
    return sender, None


def service_sid(stage: Stage) -> str:
    """Return the sid of the account's one messaging service."""
    return stage.twilio.messaging_service_sid


async def _content(stage: Stage, session: AsyncSession, fields: dict[str, str], channel: str) -> Rendered | None:
    sid = fields.get("ContentSid")
    if not sid:
        return None
    kept = await find(session, sid, CONTENT)
    if kept is None or kept.body["account_sid"] != stage.twilio.account_sid:
        raise TwilioRefused(21655, sid)
    try:
        variables = json.loads(fields.get("ContentVariables") or "{}")
    except ValueError:
        raise TwilioRefused(21656) from None
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise TwilioRefused(21656)
    return rendered(kept.body, variables, channel)


async def trouble_of(session: AsyncSession, to: str) -> int | None:
    """Return the code that messages to a number fail with on the way, as long as somebody has set one."""
    kept = await find(session, f"trouble:{to}", for_update=True)
    if kept is None or not kept.body["times"]:
        return None
    kept.body = {**kept.body, "times": kept.body["times"] - 1}
    return int(kept.body["code"])


async def _window_open(stage: Stage, session: AsyncSession, to: str, now: datetime) -> bool:
    heard = await session.scalar(
        select(SandboxMessage.at)
        .where(
            SandboxMessage.channel == "whatsapp",
            SandboxMessage.account == WHATSAPP + stage.twilio.whatsapp_number,
            SandboxMessage.phone == to.removeprefix(WHATSAPP),
            SandboxMessage.direction == "in",
        )
        .order_by(SandboxMessage.n.desc())
        .limit(1)
    )
    return heard is not None and now - heard < WINDOW

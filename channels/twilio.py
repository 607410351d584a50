"""SMS and WhatsApp through Twilio: one adapter, two address forms (`+...` and `whatsapp:+...`)."""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Self
from urllib.parse import quote

import httpx
from fastapi import Request
from twilio.base.exceptions import TwilioException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from channels.access import TwilioAccess
from channels.contract import (
    DeliveryReported,
    Event,
    Ignored,
    IncomingMessage,
    Malformed,
    OutgoingMessage,
    ProviderId,
    SendError,
    Unauthentic,
)
from channels.media import MediaRefused
from channels.models import Delivery
from channels.parts import LONGEST, numbered
from channels.segments import gsm_friendly
from channels.twilio_answers import as_send_error
from channels.twilio_content import Contents, content_for
from channels.twilio_errors import PERMANENT, meaning_of
from channels.twilio_form import Form, read_form
from channels.twilio_templates import Templates
from channels.twilio_wire import Wire

log = logging.getLogger(__name__)

#: Where media of messages lie: nothing else is ever asked for with our key.
MEDIA_FROM = "https://api.twilio.com/"
SIGNATURE = "x-twilio-signature"
WHATSAPP = "whatsapp:"
LONGEST_ADDRESS = 255

DELIVERY: Mapping[str, Delivery] = {
    "accepted": Delivery.SENT,
    "scheduled": Delivery.SENT,
    "queued": Delivery.SENT,
    "sending": Delivery.SENT,
    "sent": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "partially_delivered": Delivery.DELIVERED,
    "read": Delivery.READ,
    "undelivered": Delivery.FAILED,
    "failed": Delivery.FAILED,
    "canceled": Delivery.FAILED,
}
#: Twilio answers these itself and blocks us, whether or not the number has Advanced Opt-Out.
#: https://help.twilio.com/articles/223134027
STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
OPT_WORDS = {
    "stop": STOP_WORDS,
    "start": frozenset({"start", "yes", "unstop"}),
    "help": frozenset({"help", "info"}),
}
#: How much of the list of incoming messages is read.
MOST_LISTED, PAGE_LISTED = 2000, 200
#: What a trial account puts before every text.
TRIAL_PREFIX = "Sent from your Twilio trial account - "
#: How far back the list is searched for a message that may have been sent.
LOOK_BACK = 50

#: Twilio's error codes: https://www.twilio.com/docs/api/errors
_CODE = re.compile(r"[0-9]{1,6}")


class Twilio:
    """One of the two; `Twilio.sms` and `Twilio.whatsapp` make them."""

    def __init__(
        self, name: str, access: TwilioAccess, *, quiet: timedelta, list_button: Callable[[str], str] | None
    ) -> None:
        self.name = name
        self.quiet = quiet
        self._access = access
        self._list_button = list_button
        self._validator = RequestValidator(access.auth_token)
        self._wire = Wire(access.api_url)
        self._client = Client(access.account_sid, access.auth_token, http_client=self._wire)
        self._contents = Contents(self._client)
        #: What WhatsApp must approve before it is sent.
        self.templates = Templates(self._client)

    @classmethod
    def sms(cls, access: TwilioAccess, *, quiet: timedelta) -> Self:
        """Return the SMS channel of an account."""
        return cls("sms", access, quiet=quiet, list_button=None)

    @classmethod
    def whatsapp(cls, access: TwilioAccess, *, quiet: timedelta, list_button: Callable[[str], str]) -> Self:
        """Return the WhatsApp channel of an account; `list_button` words the button that opens a list."""
        return cls("whatsapp", access, quiet=quiet, list_button=list_button)

    async def read(self, request: Request) -> list[Event]:
        """Verify the signature over the public address and parse: a status callback, or a message."""
        form = await self._verified(request)
        if status := form.get("MessageStatus"):
            return [self._report(form, status, request.query_params.get("key"))]
        return [self._message(form)]

    async def _verified(self, request: Request) -> Form:
        form = await read_form(request)
        # The public address, not what a proxy made of it.
        url = self._access.webhook_base.rstrip("/") + request.url.path
        if request.url.query:
            url += "?" + request.url.query
        signature = request.headers.get(SIGNATURE)
        if not signature or not self._validator.validate(url, form, signature):
            raise Unauthentic
        return form

    def _report(self, form: Form, status: str, key: str | None) -> Event:
        known = DELIVERY.get(status)
        if known is None:
            return Ignored("a status that says nothing of our message")
        code = form.get("ErrorCode") or None
        if code and not _CODE.fullmatch(code):
            code = "unknown"
        meaning = meaning_of(int(code)) if code and code != "unknown" else PERMANENT
        return DeliveryReported(
            ProviderId(_needed(form, "MessageSid")),
            known.value,
            error=f"twilio_{code}" if code else None,
            account=form.get("From"),
            key=key,
            opted_out=meaning.opted_out,
            retryable=meaning.retryable,
            retry_after=meaning.wait,
            needs_template=meaning.needs_template,
        )

    def _message(self, form: Form) -> Event:
        text = form.get("Body") or ""
        tapped = form.get("ButtonPayload") or form.get("ListId") or None
        replied_to = form.get("OriginalRepliedMessageSid")
        return IncomingMessage(
            account=_needed(form, "To"),
            address=_needed(form, "From"),
            provider_id=ProviderId(_needed(form, "MessageSid")),
            text=text or form.get("ButtonText") or form.get("ListTitle") or "",
            choice=tapped,
            in_reply_to=ProviderId(replied_to) if replied_to else None,
            display_name=form.get("ProfileName") or None,
            attachments=_attachments(form),
            platform_opt=self._platform_opt(form, text),
            acknowledge=self.name == "whatsapp" and self._access.typing,
            also=_other_addresses(form) if self.name == "whatsapp" else (),
        )

    def _platform_opt(self, form: Form, text: str) -> str | None:
        told = (form.get("OptOutType") or "").lower()
        if told in ("stop", "start", "help"):
            return told
        return "stop" if self._opt_word(text) == "stop" else None

    def _opt_word(self, text: str) -> str | None:
        """Return what Twilio does about a text by itself; only SMS has such words."""
        if self.name != "sms":
            return None
        word = text.strip().lower()
        return next((kind for kind, words in OPT_WORDS.items() if word in words), None)

    async def send(self, message: OutgoingMessage) -> ProviderId:
        """Hand a message to Twilio, with WhatsApp's own choices where they fit, else numbered."""
        try:
            created = await self._client.messages.create_async(
                from_=message.account,
                to=message.address,
                status_callback=self._status_callback(message.key),
                **self._delivery(message),
                **await self._said(message),
            )
        except TwilioException as error:
            raise as_send_error(error) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise SendError("twilio_unreachable", retryable=True) from None
        except (httpx.HTTPError, ValueError):
            # Asked, and no (readable) answer: it may have been sent.
            raise SendError("twilio_no_answer", retryable=True, unsure=True) from None
        return ProviderId(str(created.sid))

    def _delivery(self, message: OutgoingMessage) -> Mapping[str, Any]:
        """How an SMS goes: by the messaging service, where there is one, and not after it is of use."""
        if self.name != "sms":
            return {}
        service = self._access.messaging_service_sid
        wanted: dict[str, Any] = {"messaging_service_sid": service} if service else {}
        if message.useful_for is not None:
            wanted["validity_period"] = ceil(message.useful_for.total_seconds())
        return wanted

    async def _said(self, message: OutgoingMessage) -> Mapping[str, Any]:
        if message.template is not None:
            return {
                "content_sid": message.template.sid,
                "content_variables": json.dumps(dict(message.template.variables), ensure_ascii=False),
            }
        content = content_for(message, self._list_button) if self._list_button else None
        if content is not None:
            try:
                return {"content_sid": await self._contents.sid_of(content, message.locale)}
            except TwilioException as error:
                refused = as_send_error(error)
                if refused.retryable:
                    raise SendError(refused.code, retryable=True, retry_after=refused.retry_after) from None
                # Twilio does not like this content; the same words with numbers always go.
            except httpx.HTTPError:
                raise SendError("twilio_unreachable", retryable=True) from None
        return {"body": self._plain(message)}

    def _plain(self, message: OutgoingMessage) -> str:
        """Return the text with its choices by number; typographers' signs that would double an SMS are made plain."""
        text = numbered(message.text, [choice.label for choice in message.choices])
        plain = gsm_friendly(text) if self.name == "sms" else text
        # One sign may become three, and what is longer than Twilio takes would not go at all.
        return plain if len(plain) <= LONGEST["sms"] else text

    async def fetch_media(self, fact: Mapping[str, Any], *, most: int) -> bytes:
        """Fetch a file from Twilio, and from nowhere else; raises MediaRefused or SendError."""
        url = str(fact.get("url") or "")
        if not url.startswith(MEDIA_FROM):
            raise MediaRefused("gone")
        auth = (self._access.account_sid, self._access.auth_token)
        try:
            status, data = await self._wire.download(url, auth=auth, most=most)
        except httpx.HTTPError:
            raise SendError("twilio_no_answer", retryable=True) from None
        if status in (404, 410):
            raise MediaRefused("gone")
        if status != 200:
            raise SendError(f"twilio_{status}", retryable=True)
        if len(data) > most:
            raise MediaRefused("size")
        return data

    async def show_typing(self, provider_id: ProviderId) -> None:
        """Show on WhatsApp that an answer is being written, which also marks the message as read."""
        if self.name != "whatsapp":
            return
        try:
            await self._client.messaging.v2.typing_indicator.create_async(
                channel="whatsapp", message_id=str(provider_id)
            )
        except (TwilioException, httpx.HTTPError, ValueError) as error:
            log.info("typing not shown: %s", type(error).__name__)

    async def find_sent(self, message: OutgoingMessage) -> ProviderId | None:
        """Look for a message in Twilio's list, by its words.

        Twilio keeps no key of ours with a message, so two with the same words are told apart only by the
        ids that are already known; the status callback, whose address holds the key, is the better witness.
        """
        try:
            listed = await self._client.messages.list_async(
                to=message.address, from_=message.account, limit=LOOK_BACK, page_size=LOOK_BACK
            )
        except TwilioException as error:
            refused = as_send_error(error)
            raise SendError(refused.code, retryable=refused.retryable, unsure=True) from None
        except (httpx.HTTPError, ValueError):
            raise SendError("twilio_no_answer", retryable=True, unsure=True) from None
        words = {message.text.strip(), self._plain(message).strip()}
        if message.template is not None:
            words = {message.template.text.strip()}
        for one in listed:
            if one.sid not in message.others and (one.body or "").removeprefix(TRIAL_PREFIX).strip() in words:
                return ProviderId(str(one.sid))
        return None

    async def list_incoming(self, since: datetime) -> Sequence[IncomingMessage]:
        """Return what Twilio has of messages to our number; what a tap meant is not in its list, only its words."""
        ours = self._access.sms_number
        if self.name == "whatsapp":
            ours = WHATSAPP + self._access.whatsapp_number.removeprefix(WHATSAPP)
        if not ours.removeprefix(WHATSAPP):
            return []
        try:
            listed = await self._client.messages.list_async(
                to=ours, date_sent_after=since, limit=MOST_LISTED, page_size=PAGE_LISTED
            )
            return [
                IncomingMessage(
                    account=one.to,
                    address=one.from_,
                    provider_id=ProviderId(str(one.sid)),
                    text=one.body or "",
                    attachments=await self._listed_media(one),
                    platform_opt=self._opt_word(one.body or ""),
                )
                for one in reversed(listed)
                if one.direction == "inbound"
            ]
        except TwilioException as error:
            raise as_send_error(error) from None
        except (httpx.HTTPError, ValueError):
            raise SendError("twilio_no_answer", retryable=True) from None

    async def _listed_media(self, message: MessageInstance) -> list[Mapping[str, str]]:
        if not (message.num_media or "0").strip("0"):
            return []
        base = f"https://api.twilio.com/2010-04-01/Accounts/{self._access.account_sid}/Messages/{message.sid}/Media"
        return [
            {"type": one.content_type or "application/octet-stream", "url": f"{base}/{one.sid}"}
            for one in await message.media.list_async(limit=10)
        ]

    def _status_callback(self, key: str) -> str:
        return f"{self._access.webhook_base.rstrip('/')}/webhooks/{self.name}/status?key={quote(key, safe='.')}"

    async def close(self) -> None:
        """Close the connections to Twilio."""
        await self._wire.close()


def _needed(form: Form, field: str) -> str:
    value = form.get(field) or ""
    if not value or len(value) > LONGEST_ADDRESS:
        raise Malformed(f"no usable {field}")
    return value


def _other_addresses(form: Form) -> list[str]:
    """Return the other names that WhatsApp has for who writes: the business-scoped id, the number."""
    told = [form.get("ExternalUserId") or "", f"{WHATSAPP}+{form['WaId']}" if form.get("WaId", "").isdecimal() else ""]
    sender = form.get("From")
    return [one for one in told if one.startswith(WHATSAPP) and one != sender and len(one) <= LONGEST_ADDRESS]


def _attachments(form: Form) -> list[Mapping[str, str]]:
    count = form.get("NumMedia") or "0"
    found: list[Mapping[str, str]] = [
        {"type": form.get(f"MediaContentType{place}") or "application/octet-stream", "url": url}
        for place in range(min(int(count), 10) if count.isdecimal() else 0)
        if (url := form.get(f"MediaUrl{place}"))
    ]
    if form.get("Latitude") and form.get("Longitude"):
        place_name = form.get("Label") or form.get("Address") or ""
        found.append(
            {
                "type": "location",
                "latitude": form["Latitude"],
                "longitude": form["Longitude"],
                "label": place_name,
            }
        )
    return found

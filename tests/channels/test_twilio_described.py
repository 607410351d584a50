"""What we ask of Twilio keeps to what Twilio describes: its client's parameters, and the limits of its pages."""

import inspect
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from twilio.rest.api.v2010.account.message import MessageList

from bot.templates import declared
from channels import terms
from channels.access import TwilioAccess
from channels.contract import Choice, OutgoingMessage
from channels.keys import make_key
from channels.parts import parts_for
from channels.twilio import Twilio
from tests.channels.peer import Asked, Peer, open_peer

ACCOUNT, SERVICE = "AC" + "1" * 32, "MG" + "5" * 32


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.strip("_").split("_"))


#: The client is made from the description at https://www.twilio.com/docs/messaging/api/message-resource.
NAMES = {camel(name) for name in inspect.signature(MessageList.create_async).parameters if name != "self"}
#: The same page, and https://www.twilio.com/docs/api/errors/21617 (1600), .../21656 (ContentVariables).
FORMS = {
    "From": r"(whatsapp:)?\+[1-9]\d{6,14}",
    "To": r"(whatsapp:)?\+[1-9]\d{6,14}|whatsapp:[A-Z]{2}\.[A-Za-z0-9]{1,128}",
    "Body": r"(?s).{1,1600}",
    "MessagingServiceSid": r"MG[0-9a-fA-F]{32}",
    "ContentSid": r"HX[0-9a-fA-F]{32}",
    "ValidityPeriod": r"[1-9]\d{0,4}",
    "StatusCallback": r"https?://[^\s_/]+(/\S*)?",
}
KEY = make_key(UUID(int=1), UUID(int=2**128 - 1))
TEXTS = [
    "Sí",
    "See you at 10:30 – ¡gracias! 👋",
    "When?\n\n" + "Lorem ipsum dolor. " * 200,
    "x" * 5000,
    "{{1}} is no value",
    "🙂" * 900,
    "… " * 799,
]
LABELS: list[list[str]] = [
    [],
    ["Yes", "No"],
    ["mié. 25 nov · 14:30", "jue. 26 nov · 09:00", "Más horas"],
    [f"Wed {day} Nov · 14:30" for day in range(1, 10)] + ["More times"],
    ["Colour and a cut for somebody with long hair", "Cut"],
    [f"{number}" for number in range(25)],
    ["Same", "Same"],
]


def faults(asked: Asked) -> list[str]:
    """What a request has that is not as described."""
    if asked.path.endswith("/Messages.json"):
        return message_faults(asked.form)
    if asked.path.endswith("/v1/Content"):
        return content_faults(json.loads(asked.body))
    return [f"another address: {asked.path}"]


def message_faults(form: dict[str, str]) -> list[str]:
    found = [f"no parameter {name}" for name in set(form) - NAMES]
    found += [
        f"{name}={form[name]!r}" for name in FORMS.keys() & form.keys() if not re.fullmatch(FORMS[name], form[name])
    ]
    if ("Body" in form) == ("ContentSid" in form):
        found.append("either words or a content")
    if "ContentVariables" in form:
        values = json.loads(form["ContentVariables"])
        if not all(key.isdecimal() and isinstance(value, str) and value for key, value in values.items()):
            found.append(f"variables {values}")
    if int(form.get("ValidityPeriod", "1")) > 36_000:
        found.append("tried for longer than ten hours")
    if "_" in (urlsplit(form["StatusCallback"]).hostname or "_"):
        found.append("a callback without a host")
    return found


#: https://www.twilio.com/docs/content/twilio-quick-reply and https://www.twilio.com/docs/content/twiliolist-picker:
#: what may be sent in an open session without approval.
def content_faults(content: dict[str, Any]) -> list[str]:
    found = [f"no field {name}" for name in set(content) - {"friendly_name", "language", "types", "variables"}]
    if not re.fullmatch(r"[a-z]{2}(_[A-Z]{2})?", content["language"]):
        found.append(f"language {content['language']}")
    ((kind, one),) = content["types"].items()
    if not 0 < len(one["body"]) <= 1024:
        found.append("body")
    match kind:
        case "twilio/quick-reply":
            sizes = [(len(one["actions"]), 3)] + [(len(action["title"]), 20) for action in one["actions"]]
            sizes += [(len(action["id"]), 200) for action in one["actions"]]
            found += [] if {action["type"] for action in one["actions"]} == {"QUICK_REPLY"} else ["type"]
        case "twilio/list-picker":
            sizes = [(len(one["items"]), 10), (len(one["button"]), 20)]
            for item in one["items"]:
                sizes += [(len(item["item"]), 24), (len(item["description"]), 72), (len(item["id"]), 200)]
        case _:
            return [f"another kind: {kind}"]
    return found + [f"{size} of {most}" for size, most in sizes if not 0 < size <= most]


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with open_peer() as peer:
        peer.answers = {
            "/Messages.json": [(201, {"sid": "SM" + "d" * 32, "status": "queued"})],
            "/v1/Content": [(201, {"sid": "HX" + "e" * 32})],
        }
        yield peer


async def send_all(channel: Twilio, message: OutgoingMessage) -> None:
    """Send a text as it is queued: in parts that fit the channel, the choices under the last."""
    parts = parts_for(channel.name, message.text, [choice.label for choice in message.choices])
    for number, part in enumerate(parts, start=1):
        await channel.send(replace(message, text=part, choices=message.choices if number == len(parts) else ()))


@pytest.mark.parametrize("labels", LABELS, ids=len)
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:8])
async def test_what_we_ask_of_twilio_is_as_it_describes(peer: Peer, text: str, labels: list[str]) -> None:
    choices = tuple(Choice("b1:" + "x" * 57, label) for label in labels)
    access = TwilioAccess(ACCOUNT, "t", "+15005550006", "+15005550007", peer.url, "https://chat.example.com", SERVICE)
    sms = Twilio.sms(access, quiet=timedelta(0))
    whatsapp = Twilio.whatsapp(access, quiet=timedelta(0), list_button=lambda _: "Choose one of all of these")
    message = OutgoingMessage(KEY, "+15005550006", "+34600111222", text, choices, "pt_BR")
    for useful_for in (None, terms.SHORTEST, terms.LONGEST):
        await send_all(sms, replace(message, useful_for=useful_for))
    for address in ("whatsapp:+34600111222", "whatsapp:US.AbC123"):
        await send_all(whatsapp, replace(message, account="whatsapp:+15005550007", address=address))
    for channel in (sms, whatsapp):
        await channel.close()
    assert len(peer.asked) >= 5
    assert [fault for asked in peer.asked for fault in faults(asked)] == []


async def test_templates_are_asked_for_as_described(peer: Peer) -> None:
    access = TwilioAccess(ACCOUNT, "t", "+15005550006", "+15005550007", peer.url, "https://chat.example.com")
    whatsapp = Twilio.whatsapp(access, quiet=timedelta(0), list_button=lambda _: "Choose")
    used = [
        one.use(
            "HX" + "e" * 32,
            dict.fromkeys(one.values, "Fri 10:00\n\nwith Ana {{1}}     or so"),
            [f"b1:{n}" for n, _ in enumerate(one.buttons)],
        )
        for one in declared().values()
    ]
    assert len(used) > 5
    for template in used:
        message = OutgoingMessage(KEY, "whatsapp:+15005550007", "whatsapp:+34600111222", "words", template=template)
        await whatsapp.send(message)
    await whatsapp.close()
    assert [fault for asked in peer.asked for fault in faults(asked)] == []


@pytest.mark.parametrize(
    "spoilt",
    [
        {"Body": ""},
        {"Body": "x" * 1601},
        {"Words": "no such parameter"},
        {"ContentSid": "HX" + "e" * 32},
        {"To": "34600111222"},
        {"ValidityPeriod": "36001"},
        {"StatusCallback": "https:///webhooks"},
        {"MessagingServiceSid": "MG1"},
    ],
    ids=str,
)
def test_the_judge_is_awake(spoilt: dict[str, str]) -> None:
    right = {
        "From": "+15005550006",
        "To": "+34600111222",
        "Body": "Hello",
        "StatusCallback": "https://chat.example.com/x",
    }
    assert message_faults(right) == []
    assert message_faults(right | spoilt)

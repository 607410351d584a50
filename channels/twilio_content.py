"""WhatsApp's own choices, through Twilio's Content API: quick replies, a list picker, or none.

https://www.twilio.com/docs/content/twilio-quick-reply, .../twiliolist-picker
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList

from channels.contract import OutgoingMessage

BODY = 1024
#: Without approval, so many buttons may be sent inside the 24 hours.
BUTTONS, BUTTON_TITLE = 3, 20
ITEMS, ITEM = 10, 24
#: How many contents are remembered: enough for every retry.
REMEMBERED = 500


def content_for(message: OutgoingMessage, list_button: Callable[[str], str]) -> dict[str, Any] | None:
    """Return the content type that carries the choices; None where only numbered text can."""
    labels = [choice.label for choice in message.choices]
    if not labels or not message.text.strip() or len(message.text) > BODY or len(set(labels)) < len(labels):
        return None
    if any("{{" in text for text in (message.text, *labels)):
        return None  # Twilio would take it for a variable
    if len(labels) <= BUTTONS and all(0 < len(label) <= BUTTON_TITLE for label in labels):
        actions = [{"type": "QUICK_REPLY", "title": choice.label, "id": choice.id} for choice in message.choices]
        return {"twilio/quick-reply": {"body": message.text, "actions": actions}}
    if len(labels) <= ITEMS and all(0 < len(label) <= ITEM for label in labels):
        items = [
            # The description is required; the number is what may be typed instead.
            {"item": choice.label, "id": choice.id, "description": str(number)}
            for number, choice in enumerate(message.choices, start=1)
        ]
        return {
            "twilio/list-picker": {
                "body": message.text,
                "button": list_button(message.locale)[:BUTTON_TITLE],
                "items": items,
            }
        }
    return None


class Contents:
    """Creates contents and remembers their sids, so that a retry makes no second one."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sids: OrderedDict[str, str] = OrderedDict()

    async def sid_of(self, types: dict[str, Any], locale: str) -> str:
        """Return the sid of a content, created if it is new; raises what the client raises."""
        written = json.dumps(types, sort_keys=True)
        digest = hashlib.sha256(written.encode()).hexdigest()
        if digest not in self._sids:
            request = ContentList.ContentCreateRequest(
                {
                    "friendly_name": f"threadbook-{digest[:24]}",
                    "language": locale.replace("_", "-").partition("-")[0] or "en",
                    "types": types,
                }
            )
            content = await self._client.content.v1.contents.create_async(request)
            self._sids[digest] = str(content.sid)
            while len(self._sids) > REMEMBERED:
                self._sids.popitem(last=False)
        return self._sids[digest]

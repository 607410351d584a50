"""Twilio's Content API: text, quick replies and list pickers, with WhatsApp's limits.

https://www.twilio.com/docs/content
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.models import SandboxObject
from bot.sandbox.stage import Stage, hex_id, put
from bot.sandbox.twilio_errors import TwilioRefused

CONTENT = "twilio_content"
TEXT, QUICK_REPLY, LIST_PICKER = "twilio/text", "twilio/quick-reply", "twilio/list-picker"
BODY, BUTTON_TITLE, BUTTONS, BUTTONS_IN_SESSION = 1024, 20, 10, 3
ITEMS, ITEM, DESCRIPTION, ITEM_ID = 10, 24, 72, 200
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A content with its variables filled in."""

    kind: str
    text: str
    choices: Sequence[dict[str, Any]]
    button: str | None
    #: Taken, and failed later with this code.
    fails: int | None


async def create_content(stage: Stage, session: AsyncSession, asked: dict[str, Any]) -> dict[str, Any]:
    """Keep a content; raises TwilioRefused."""
    types = asked.get("types")
    if not isinstance(types, dict) or not types:
        raise TwilioRefused(20001, "types")
    if not isinstance(asked.get("language"), str) or not asked["language"]:
        raise TwilioRefused(20001, "language")
    for kind, body in types.items():
        fault = _fault(kind, body)
        if fault:
            raise TwilioRefused(63021, fault)
    now = await current_time(session)
    sid = hex_id("HX")
    content = {
        "sid": sid,
        "account_sid": stage.twilio.account_sid,
        "friendly_name": asked.get("friendly_name"),
        "language": asked["language"],
        "variables": asked.get("variables") or {},
        "types": types,
        "date_created": _iso(now),
        "date_updated": _iso(now),
        "url": f"https://content.twilio.com/v1/Content/{sid}",
        "links": {
            "approval_create": f"https://content.twilio.com/v1/Content/{sid}/ApprovalRequests/whatsapp",
            "approval_fetch": f"https://content.twilio.com/v1/Content/{sid}/ApprovalRequests",
        },
    }
    await put(session, sid, CONTENT, content, now)
    return content


def content_page(contents: Sequence[SandboxObject], page: int, size: int) -> dict[str, Any]:
    """Return a page of contents as Twilio lists them."""
    url = f"https://content.twilio.com/v1/Content?PageSize={size}&Page="
    more = len(contents) > size
    return {
        "contents": [content.body for content in contents[:size]],
        "meta": {
            "page": page,
            "page_size": size,
            "first_page_url": f"{url}0",
            "previous_page_url": f"{url}{page - 1}" if page else None,
            "url": f"{url}{page}",
            "next_page_url": f"{url}{page + 1}" if more else None,
            "key": "contents",
        },
    }


def rendered(content: dict[str, Any], variables: dict[str, str], channel: str) -> Rendered:
    """Return a content as a phone shows it, and whether it fails on the way."""
    types = content["types"]
    kind = next((kind for kind in (QUICK_REPLY, LIST_PICKER) if kind in types and channel == "whatsapp"), TEXT)
    body = types.get(kind)
    if body is None:
        return Rendered(kind, "", (), None, fails=63021)
    wanted = set(_VARIABLE.findall(str(body)))
    filled = {**content["variables"], **variables}
    fails = 63028 if wanted - set(filled) or set(variables) - wanted else None
    text = _filled(body["body"], filled)
    choices = [
        {
            "id": _filled(one["id"], filled),
            "label": _filled(one.get("title") or one.get("item", ""), filled),
            "description": _filled(one.get("description", ""), filled),
        }
        for one in body.get("actions") or body.get("items") or ()
    ]
    if len(text) > BODY and kind != TEXT:
        fails = fails or 63021
    return Rendered(kind, text, choices, body.get("button"), fails)


def _filled(text: str, variables: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), text)


def _fault(kind: str, body: Any) -> str | None:
    if kind not in (TEXT, QUICK_REPLY, LIST_PICKER):
        return f"this stand-in knows no {kind}"
    if not isinstance(body, dict) or not isinstance(body.get("body"), str) or not body["body"].strip():
        return "body is required"
    if kind == TEXT:
        return None
    if len(body["body"]) > BODY:
        return f"body exceeds {BODY} characters"
    return _quick_reply_fault(body) if kind == QUICK_REPLY else _list_fault(body)


def _quick_reply_fault(body: dict[str, Any]) -> str | None:
    actions = body.get("actions")
    if not isinstance(actions, list) or not 1 <= len(actions) <= BUTTONS:
        return f"between 1 and {BUTTONS} actions are allowed"
    # Nobody has approved it yet, so WhatsApp takes only as many as in a session.
    if len(actions) > BUTTONS_IN_SESSION:
        return f"more than {BUTTONS_IN_SESSION} buttons need approval"
    titles = [action.get("title") for action in actions if isinstance(action, dict)]
    if len(titles) != len(actions) or not all(_within(title, BUTTON_TITLE) for title in titles):
        return f"a title has 1 to {BUTTON_TITLE} characters"
    if len(set(titles)) != len(titles):
        return "titles must differ"
    return _ids_fault(actions)


def _list_fault(body: dict[str, Any]) -> str | None:
    items = body.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= ITEMS:
        return f"between 1 and {ITEMS} items are allowed"
    if not _within(body.get("button"), BUTTON_TITLE):
        return f"button has 1 to {BUTTON_TITLE} characters"
    for item in items:
        if not isinstance(item, dict) or not _within(item.get("item"), ITEM):
            return f"an item has 1 to {ITEM} characters"
        if not _within(item.get("description"), DESCRIPTION):
            return f"a description has 1 to {DESCRIPTION} characters"
    return _ids_fault(items)


def _ids_fault(choices: list[dict[str, Any]]) -> str | None:
    ids = [choice.get("id") for choice in choices]
    if not all(_within(one, ITEM_ID) for one in ids):
        return f"an id has 1 to {ITEM_ID} characters"
    return "ids must differ" if len(set(ids)) != len(ids) else None


def _within(text: Any, most: int) -> bool:
    return isinstance(text, str) and 1 <= len(text) <= most


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

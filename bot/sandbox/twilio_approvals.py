"""Meta's approval of WhatsApp templates, decided by those of its rules that can be written down.

https://www.twilio.com/docs/content/content-api-resources
"""

import re
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.stage import Stage, find, put
from bot.sandbox.twilio_contents import LIST_PICKER, QUICK_REPLY
from bot.sandbox.twilio_errors import TwilioRefused

APPROVAL = "twilio_approval"
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_CATEGORIES = frozenset({"UTILITY", "MARKETING", "AUTHENTICATION"})
_VALUE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_AT_AN_END = re.compile(r"^\s*\{\{\s*\w+\s*\}\}|\{\{\s*\w+\s*\}\}\s*$")
#: Of these Meta has only languages of a country, such as pt_BR.
_NEED_COUNTRY = frozenset({"ky", "pt", "rw", "zh"})
_SIDE_BY_SIDE = re.compile(r"\}\}\s*\{\{")


async def submit(session: AsyncSession, content: dict[str, Any], asked: Any) -> dict[str, Any]:
    """Take a content for approval; raises TwilioRefused."""
    if not isinstance(asked, dict) or not _NAME.fullmatch(str(asked.get("name") or "")):
        raise TwilioRefused(20001, "name")
    if asked.get("category") not in _CATEGORIES:
        raise TwilioRefused(20001, "category")
    approval = {
        "name": asked["name"],
        "category": asked["category"],
        "content_type": next(iter(content["types"])),
        "status": "received",
        "rejection_reason": "",
        "allow_category_change": True,
    }
    await put(session, f"approval:{content['sid']}", APPROVAL, approval, await current_time(session))
    return approval


async def standing(stage: Stage, session: AsyncSession, content: dict[str, Any]) -> dict[str, Any]:
    """Return how a content stands; whoever asks after a submitted one learns what was decided."""
    sid = content["sid"]
    kept = await find(session, f"approval:{sid}", APPROVAL, for_update=True)
    approval = kept.body if kept else {"status": "unsubmitted", "rejection_reason": ""}
    if kept is not None and approval["status"] == "received":
        fault = _fault(content)
        approval = {**approval, "status": "rejected" if fault else "approved", "rejection_reason": fault or ""}
        kept.body = approval
    return {
        "sid": sid,
        "account_sid": stage.twilio.account_sid,
        "whatsapp": approval,
        "url": f"https://content.twilio.com/v1/Content/{sid}/ApprovalRequests",
    }


async def is_approved(session: AsyncSession, sid: str) -> bool:
    """Whether a content may begin a conversation."""
    kept = await find(session, f"approval:{sid}", APPROVAL)
    return kept is not None and kept.body["status"] == "approved"


def _fault(content: dict[str, Any]) -> str | None:
    """Return why Meta refuses a template."""
    if content["language"] in _NEED_COUNTRY:
        return "Meta has no such language without its country"
    for kind, body in content["types"].items():
        if kind == LIST_PICKER:
            return "list pickers cannot be approved"
        text = body["body"]
        if _AT_AN_END.search(text):
            return "Variables can't be at the start or end of the template."
        if _SIDE_BY_SIDE.search(text):
            return "This template has variables next to each other."
        named = set(_VALUE.findall(text)) | set(_VALUE.findall(str(body.get("actions", ""))))
        if named - set(content["variables"]):
            return "a sample is missing for a variable"
        if kind == QUICK_REPLY and any(_VALUE.search(one["title"]) for one in body["actions"]):
            return "a button's title cannot have a variable"
    return None

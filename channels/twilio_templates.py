"""Templates that WhatsApp must approve: created by Twilio's Content API, submitted, and asked after.

https://www.twilio.com/docs/content/content-api-resources
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from twilio.base.exceptions import TwilioException
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from channels.contract import SendError, TemplateUse
from channels.twilio_answers import as_send_error

APPROVED = "approved"
#: What may still become of a template.
OPEN = frozenset({"unsubmitted", "received", "pending"})
LONGEST_BODY = 1024
_VALUE = re.compile(r"\{\{(\d+)\}\}")
#: Meta has no Portuguese without a country: the words are Brazil's.
_CODES = {"pt": "pt_BR"}
#: Meta takes neither line breaks nor more than four spaces in a value.
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class DeclaredTemplate:
    """One template in one language, as `data/templates` has it."""

    name: str
    language: str
    category: str
    body: str
    values: Sequence[str]
    buttons: Sequence[str] = ()

    @property
    def digest(self) -> str:
        """Changes with everything that is shown to Meta."""
        told = json.dumps([self.category, self.body, list(self.values), list(self.buttons)], ensure_ascii=False)
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def types(self) -> dict[str, Any]:
        """The content as the API takes it; a button's id is a value of its own, after the others."""
        if not self.buttons:
            return {"twilio/text": {"body": self.body}}
        first = len(self.values) + 1
        actions = [
            {"type": "QUICK_REPLY", "title": title, "id": f"{{{{{number}}}}}"}
            for number, title in enumerate(self.buttons, start=first)
        ]
        return {"twilio/quick-reply": {"body": self.body, "actions": actions}}

    @property
    def samples(self) -> dict[str, str]:
        """A value for each place, as whoever approves wants to see one."""
        told = {"business": "Marigold", "line": "Haircut, Tue 24 Nov, 15:00", "place": "12 Main Street"}
        values = [told.get(value, "Your appointment is now on Tue 24 Nov, 15:00.") for value in self.values]
        ids = [f"b1:sample{number}" for number, _ in enumerate(self.buttons)]
        return {str(number): value for number, value in enumerate([*values, *ids], start=1)}

    def use(self, sid: str, values: Mapping[str, str], choices: Sequence[str]) -> TemplateUse:
        """Return the template filled in; `choices` are the ids behind its buttons."""
        room = (LONGEST_BODY - len(self.body)) // max(len(self.values), 1)
        filled = [flat(values[value], room) for value in self.values]
        variables = {str(number): value for number, value in enumerate([*filled, *choices], start=1)}
        text = _VALUE.sub(lambda found: variables[found[1]], self.body)
        return TemplateUse(self.name, sid, variables, text)


def flat(text: str, longest: int) -> str:
    """Return a text as Meta takes it for a value: one line, none of our brackets, never empty, not too long."""
    line = _SPACE.sub(" ", text.replace("{", "(").replace("}", ")")).strip() or "-"
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Standing:
    """What Meta says of a template."""

    status: str
    reason: str | None = None


class Templates:
    """The Content API's part for templates, by the official client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def push(self, template: DeclaredTemplate) -> tuple[str, Standing]:
        """Create a template and submit it; returns its sid and how it stands. Raises SendError."""
        request = ContentList.ContentCreateRequest(
            {
                "friendly_name": f"threadbook_{template.name}_{template.language}_{template.digest[:8]}",
                "language": _CODES.get(template.language, template.language),
                "variables": template.samples,
                "types": template.types,
            }
        )
        try:
            content = await self._client.content.v1.contents.create_async(request)
            asked = ApprovalCreateList.ContentApprovalRequest(
                # Meta keeps the names of refused and deleted templates for a month: each version has its own.
                {"name": f"threadbook_{template.name}_{template.digest[:8]}", "category": template.category}
            )
            approvals = self._client.content.v1.contents(str(content.sid)).approval_create
            answer = await approvals.create_async(asked)
        except (TwilioException, httpx.HTTPError, ValueError) as error:
            raise _refused(error) from None
        return str(content.sid), Standing(str(answer.status or "received"), answer.rejection_reason or None)

    async def standing(self, sid: str) -> Standing:
        """Return how a template stands with Meta; raises SendError."""
        try:
            answer = await self._client.content.v1.contents(sid).approval_fetch().fetch_async()
        except (TwilioException, httpx.HTTPError, ValueError) as error:
            raise _refused(error) from None
        told = answer.whatsapp or {}
        return Standing(str(told.get("status") or "unsubmitted"), told.get("rejection_reason") or None)


def _refused(error: Exception) -> SendError:
    if isinstance(error, TwilioException):
        return as_send_error(error)
    return SendError("twilio_no_answer", retryable=True)

"""Messages that a manager marks as misunderstood: candidates for the training data, without what is personal.

The mark lies in the message's own record of what was understood. What leaves the house is a sentence
with placeholders; whoever adds it to data/nlu/ decides what it should have meant.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import yaml
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from booking_core import catalog as catalogs
from booking_core.models import Business, Customer
from booking_core.refusals import BookingRefused, Reason
from bot.phrasing import names_month, names_weekday
from bot.words import language_of
from channels.models import Conversation, Message, Sender
from nlu.pipeline.texts import words_of

_MARK = "misunderstood"
#: Newest first, and no more than somebody can read.
_MOST = 2000
#: Entities whose words name somebody.
_PERSONAL = {"name"}
_CAPITAL = r"[A-ZÀ-Ý][\w’'-]+"
_PARTICLE = r"(?:de la|del|des|de|du|da|do|von)"
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("link", re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)),
    ("email", re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")),
    ("phone", re.compile(r"(?<!\w)\+?\d[\d\s().\-]{6,}\d(?!\w)")),
    ("reference", re.compile(r"\b(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{6}\b")),
    ("address", re.compile(rf"\b\d{{1,4}}[a-z]?,?\s+(?:{_CAPITAL}\s*){{1,4}}")),
    ("address", re.compile(rf"(?:\b{_CAPITAL}\s+(?:{_PARTICLE}\s+)?){{1,4}},?\s*\d{{1,4}}\b(?![:.h])")),
    ("number", re.compile(r"\b\d{5,}\b")),
)  # fmt: skip
_PLACEHOLDER = re.compile(r"\{[a-z]+\}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence for the training data, and what it was taken for."""

    text: str
    language: str
    taken_for: str


async def mark(
    session: AsyncSession, business_id: UUID, message_id: UUID, *, misunderstood: bool, by: UUID, now: datetime
) -> bool:
    """Mark what a customer said as misunderstood, or take the mark back; False if there is no such message."""
    message = await session.get(Message, (business_id, message_id), with_for_update=True)
    if message is None or message.sender != Sender.CUSTOMER.value:
        return False
    understood = dict(message.understood or {})
    understood.pop(_MARK, None)
    if misunderstood:
        understood[_MARK] = {"by": str(by), "at": now.isoformat()}
    message.understood = understood
    flag_modified(message, "understood")
    return True


def is_marked(understood: Mapping[str, Any]) -> bool:
    """Whether a record of what was understood bears the mark."""
    return bool(understood.get(_MARK))


async def candidates(session: AsyncSession, slug: str) -> list[Candidate]:
    """Return a business's marked messages without personal data, newest first; raises BookingRefused."""
    business = await session.scalar(select(Business).where(Business.slug == slug))
    if business is None:
        raise BookingRefused(Reason.UNKNOWN)
    catalog = await catalogs.load_catalog(session, business.id)
    names = [one.name for one in catalog.staff]
    names += [name for one in catalog.services for name in (one.name, *one.names.values())]
    ours = {word.text for name in names for word in words_of(name)}
    same_house = Conversation.business_id == Message.business_id
    rows = await session.execute(
        select(Message, Conversation, Customer.name)
        .join(Conversation, same_house & (Conversation.id == Message.conversation_id))
        .outerjoin(Customer, (Customer.business_id == Message.business_id) & (Customer.id == Conversation.customer_id))
        .where(
            Message.business_id == business.id,
            Message.sender == Sender.CUSTOMER.value,
            Message.understood[_MARK].is_not(None),
        )
        .order_by(Message.created_at.desc())
        .limit(_MOST)
    )
    found = []
    for message, conversation, name in rows:
        understood = message.understood or {}
        if not is_marked(understood):
            continue
        spans = [
            (int(one["start"]), int(one["end"]))
            for one in understood.get("entities") or ()
            if one["entity"] in _PERSONAL
        ]
        called = [one for one in (name, conversation.display_name) if one]
        found.append(
            Candidate(
                text=without_personal_data(message.text, spans=spans, names=called, ours=ours),
                language=language_of(understood.get("language") or message.locale or business.default_locale),
                taken_for=str(understood.get("intent") or ""),
            )
        )
    return found


def without_personal_data(
    text: str,
    *,
    spans: Sequence[tuple[int, int]] = (),
    names: Sequence[str] = (),
    ours: set[str] | frozenset[str] = frozenset(),
) -> str:
    """Return a text with placeholders for names, numbers, addresses, links and references; pure.

    `spans`: where the reader found a name; `names`: what the customer is called; `ours`: folded words that the
    business itself puts on its door, such as its staff's names. A capital in the middle of a sentence is taken
    for a name: better one placeholder too many.
    """  # fmt: skip
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]}{{name}}{text[end:]}"
    for name in names:
        for part in sorted(name.split(), key=len, reverse=True):
            if len(part) > 1:
                text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", "{name}", text, flags=re.IGNORECASE)
    for placeholder, pattern in _PATTERNS:
        text = pattern.sub(partial(_in_place, placeholder), text)
    return _merged(_without_capitals(text, ours))


def _in_place(placeholder: str, found: re.Match[str]) -> str:
    words = found.group()
    return f"{{{placeholder}}}" + words[len(words.rstrip()) :]


def _without_capitals(text: str, ours: set[str] | frozenset[str]) -> str:
    if text.isupper():
        return text
    for word in reversed(words_of(_PLACEHOLDER.sub(lambda found: "_" * len(found.group()), text))):
        before = text[: word.start].rstrip(" ¿¡\"'(")
        starts = not before or before[-1] in ".!?\n"
        if word.capital and not starts and len(word.text) > 1 and word.text not in ours and not _is_calendar(word.text):
            text = f"{text[: word.start]}{{name}}{text[word.end :]}"
    return text


def _is_calendar(word: str) -> bool:
    return names_weekday(word) or names_month(word)


def _merged(text: str) -> str:
    """Put a name of several words into one placeholder."""
    return re.sub(r"\{name\}(?:[ ’'-]+\{name\})+", "{name}", text)


def as_yaml(found: Sequence[Candidate]) -> str:
    """Return candidates as YAML that a person sorts into data/nlu/."""
    rows = [
        {"text": one.text, "language": one.language, "taken_for": one.taken_for}
        for one in {(each.text, each.language): each for each in found}.values()
    ]
    head = "# What was misunderstood, without personal data. Sort it into data/nlu/<language>/ by what it means.\n"
    body = yaml.safe_dump(rows, allow_unicode=True, sort_keys=False, width=120) if rows else "[]\n"
    return head + body

"""WhatsApp's templates: what `data/templates` declares, pushed to Meta, and used when free text may not go."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from booking_core.models import Business
from bot.words import SOURCE_LANGUAGE, language_of
from channels import conversations
from channels.contract import TemplateUse
from channels.models import Message, MessageTemplate
from channels.parts import numbered
from channels.terms import written
from channels.twilio_templates import APPROVED, OPEN, DeclaredTemplate, Templates

DECLARED = Path(__file__).resolve().parent.parent / "data" / "templates" / "whatsapp.yml"
#: Carries whatever has no template of its own.
GENERAL = "news"


@cache
def declared(path: Path = DECLARED) -> Mapping[tuple[str, str], DeclaredTemplate]:
    """Return every template by name and language."""
    found = {}
    for name, one in yaml.safe_load(path.read_text()).items():
        for language, words in one["words"].items():
            found[name, language] = DeclaredTemplate(
                name, language, one["category"], words["body"], tuple(one["values"]), tuple(words.get("buttons", ()))
            )
    return found


@cache
def _by_act(path: Path = DECLARED) -> Mapping[str, str]:
    return {act: name for name, one in yaml.safe_load(path.read_text()).items() for act in one.get("acts", ())}


async def template_for(session: AsyncSession, message: Message) -> TemplateUse | None:
    """Return a message as an approved template in the best language for it; None where none is approved."""
    if message.channel != "whatsapp":
        return None
    business = await session.get_one(Business, message.business_id)
    conversation = await conversations.load(session, message.business_id, message.conversation_id)
    values = _values(business, message)
    wanted = [language_of(tag) for tag in (message.locale, conversation.locale, business.default_locale) if tag]
    for name in dict.fromkeys([_by_act().get(message.act or "", GENERAL), GENERAL]):
        for language in dict.fromkeys([*wanted, SOURCE_LANGUAGE]):
            template = declared().get((name, language))
            if template is None or not _fits(template, message, values):
                continue
            pushed = await session.get(MessageTemplate, (name, language))
            if pushed is not None and pushed.status == APPROVED:
                return template.use(pushed.sid, values, [one["id"] for one in message.choices if template.buttons])
    return None


def _values(business: Business, message: Message) -> dict[str, str]:
    facts: Mapping[str, Any] = message.facts or {}
    text = numbered(written(message), [one["label"] for one in message.choices])
    values = {"business": business.name, "text": text, "line": facts.get("line"), "place": facts.get("place")}
    return {name: str(value) for name, value in values.items() if value}


def _fits(template: DeclaredTemplate, message: Message, values: Mapping[str, str]) -> bool:
    buttons_fit = not template.buttons or len(template.buttons) == len(message.choices)
    return buttons_fit and all(value in values for value in template.values)


async def push(db: Database, templates: Templates, *, only_new: bool = False) -> Sequence[MessageTemplate]:
    """Create and submit what Meta does not have as it is declared; returns what was pushed. Raises SendError.

    Each is recorded as soon as it is there, so that a push that broke off goes on where it stood.
    """
    pushed = []
    for (name, language), template in declared().items():
        async with db.transaction() as session:
            known = await session.get(MessageTemplate, (name, language))
        if known is not None and (only_new or known.digest == template.digest):
            continue
        sid, standing = await templates.push(template)
        async with db.transaction() as session:
            row = MessageTemplate(
                name=name,
                language=language,
                sid=sid,
                digest=template.digest,
                status=standing.status,
                reason=standing.reason,
                checked_at=await current_time(session),
            )
            pushed.append(await session.merge(row))
    return pushed


async def refresh(db: Database, templates: Templates, *, every: bool = False) -> Sequence[MessageTemplate]:
    """Ask Meta how the templates stand, those that are not decided or all; returns all. Raises SendError."""
    async with db.transaction() as session:
        known = list(await session.scalars(select(MessageTemplate).order_by(MessageTemplate.name)))
    for row in known:
        if not every and row.status not in OPEN:
            continue
        standing = await templates.standing(row.sid)
        async with db.transaction() as session:
            fresh = await session.get_one(MessageTemplate, (row.name, row.language), with_for_update=True)
            if fresh.sid == row.sid:
                fresh.status, fresh.reason = standing.status, standing.reason
                fresh.checked_at = await current_time(session)
    async with db.transaction() as session:
        return list(await session.scalars(select(MessageTemplate).order_by(MessageTemplate.name)))

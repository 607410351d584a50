"""WhatsApp's templates: what `data/templates` declares, pushed to Meta, and used when free text may not go."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from booking_core.models import Business
from bot.wiring import System
from bot.words import SOURCE_LANGUAGE, language_of
from channels import conversations
from channels.contract import TemplateUse
from channels.lines import Line, OwnLines, Unreadable, account_of
from channels.models import Message, MessageTemplate, OwnTemplate
from channels.parts import numbered
from channels.terms import written
from channels.twilio import Twilio
from channels.twilio_templates import APPROVED, OPEN, DeclaredTemplate, Templates

DECLARED = Path(__file__).resolve().parent.parent / "data" / "templates" / "whatsapp.yml"
#: Carries whatever has no template of its own.
GENERAL = "news"


Row = MessageTemplate | OwnTemplate


@dataclass(frozen=True, slots=True)
class Owner:
    """A business and its own account, whose templates they are; without an account: in whichever it is."""

    business_id: UUID
    account: str | None


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


async def template_for(session: AsyncSession, message: Message, owner: Owner | None = None) -> TemplateUse | None:
    """Return a message as an approved template in the best language for it; None where none is approved.

    Approved for the account that it goes by: the system's, or the `owner`'s.
    """
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
            pushed = await _find(session, owner, name, language)
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


async def _find(
    session: AsyncSession, owner: Owner | None, name: str, language: str, *, for_update: bool = False
) -> Row | None:
    if owner is None:
        return await session.get(MessageTemplate, (name, language), with_for_update=for_update or None)
    found = await session.get(OwnTemplate, (owner.business_id, name, language), with_for_update=for_update or None)
    return found if found is not None and owner.account in (None, found.account) else None


async def _all(session: AsyncSession, owner: Owner | None) -> list[Row]:
    if owner is None:
        return list(await session.scalars(select(MessageTemplate).order_by(MessageTemplate.name)))
    mine = select(OwnTemplate).where(OwnTemplate.business_id == owner.business_id, OwnTemplate.account == owner.account)
    return list(await session.scalars(mine.order_by(OwnTemplate.name)))


def _row(owner: Owner | None, **values: Any) -> Row:
    if owner is None:
        return MessageTemplate(**values)
    return OwnTemplate(business_id=owner.business_id, account=owner.account, **values)


def _transaction(db: Database, owner: Owner | None) -> AbstractAsyncContextManager[AsyncSession]:
    return db.transaction() if owner is None else db.transaction(owner.business_id)


async def push(
    db: Database, templates: Templates, *, only_new: bool = False, owner: Owner | None = None
) -> Sequence[Row]:
    """Create and submit what Meta does not have as it is declared; returns what was pushed. Raises SendError.

    Each is recorded as soon as it is there, so that a push that broke off goes on where it stood.
    """
    pushed = []
    for (name, language), template in declared().items():
        async with _transaction(db, owner) as session:
            known = await _find(session, owner, name, language)
        if known is not None and (only_new or known.digest == template.digest):
            continue
        sid, standing = await templates.push(template)
        async with _transaction(db, owner) as session:
            row = _row(
                owner,
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


async def refresh(
    db: Database, templates: Templates, *, every: bool = False, owner: Owner | None = None
) -> Sequence[Row]:
    """Ask Meta how the templates stand, those that are not decided or all; returns all. Raises SendError."""
    async with _transaction(db, owner) as session:
        known = await _all(session, owner)
    for row in known:
        if not every and row.status not in OPEN:
            continue
        standing = await templates.standing(row.sid)
        async with _transaction(db, owner) as session:
            fresh = await _find(session, owner, row.name, row.language, for_update=True)
            if fresh is not None and fresh.sid == row.sid:
                fresh.status, fresh.reason = standing.status, standing.reason
                fresh.checked_at = await current_time(session)
    async with _transaction(db, owner) as session:
        return await _all(session, owner)


async def accounts_of(system: System) -> list[tuple[Templates, Owner | None]]:
    """Return every account that has WhatsApp templates: the system's, and those of businesses' own."""
    await system.own.look()
    lines = [Line(system.channels["whatsapp"])] if "whatsapp" in system.channels else []
    return [
        (line.channel.templates, Owner(line.business_id, line.owner) if line.business_id is not None else None)
        for line in [*lines, *system.own.on("whatsapp")]
        if isinstance(line.channel, Twilio)
    ]


async def owner_of(session: AsyncSession, own: OwnLines, message: Message) -> Owner | None:
    """Return whose account a message goes by, if it is a business's own."""
    account = await account_of(session, own, message)
    try:
        line = own.at(message.channel, account) if account is not None else None
    except Unreadable:  # Nothing goes out by it before somebody has mended it.
        return Owner(message.business_id, None)
    return Owner(message.business_id, line.owner) if line is not None else None

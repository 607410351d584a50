"""`threadbook templates`: push what is declared to Meta, and see how it stands."""

import argparse
import asyncio
import sys

from sqlalchemy import select

from booking_core.models import Business
from bot import templates
from bot.settings import Settings
from bot.templates import Owner
from bot.wiring import System, open_system
from channels.contract import SendError
from channels.twilio_templates import Templates


def run_templates(settings: Settings, args: argparse.Namespace) -> int:
    """Run `push` or `status`; returns the exit code."""
    return asyncio.run(_run(settings, args.what))


async def _run(settings: Settings, what: str) -> int:
    async with open_system(settings) as system:
        accounts = await templates.accounts_of(system)
        if not accounts:
            sys.stderr.write("WhatsApp is not set up: TWILIO_ACCOUNT_SID is empty, and no business has its own.\n")
            return 1
        async with system.db.transaction() as session:
            slugs = {one.id: one.slug for one in await session.scalars(select(Business))}
        codes = [
            await _account(system, what, api, owner, f"{slugs[owner.business_id]}: " if owner is not None else "")
            for api, owner in accounts
        ]
    return max(codes)


async def _account(system: System, what: str, api: Templates, owner: Owner | None, whose: str) -> int:
    """Push or show the templates of one account; `whose` stands before each line."""
    try:
        if what == "push":
            pushed = await templates.push(system.db, api, owner=owner)
            sys.stdout.write(f"{whose}{len(pushed)} submitted, {len(templates.declared())} declared.\n")
        standing = await templates.refresh(system.db, api, every=True, owner=owner)
    except SendError as error:
        sys.stderr.write(f"{whose}Twilio refused: {error.code}\n")
        return 1
    known = {(row.name, row.language): row for row in standing}
    for (name, language), template in templates.declared().items():
        row = known.get((name, language))
        state = "not pushed" if row is None else row.status + (f" ({row.reason})" if row.reason else "")
        stale = row is not None and row.digest != template.digest
        sys.stdout.write(f"{whose}{name} {language}: {state}{', changed since: push again' if stale else ''}\n")
    return 0

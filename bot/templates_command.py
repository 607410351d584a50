"""`threadbook templates`: push what is declared to Meta, and see how it stands."""

import argparse
import asyncio
import sys

from bot import templates
from bot.settings import Settings
from bot.wiring import open_system
from channels.contract import SendError
from channels.twilio import Twilio


def run_templates(settings: Settings, args: argparse.Namespace) -> int:
    """Run `push` or `status`; returns the exit code."""
    return asyncio.run(_run(settings, args.what))


async def _run(settings: Settings, what: str) -> int:
    async with open_system(settings) as system:
        whatsapp = system.channels.get("whatsapp")
        if not isinstance(whatsapp, Twilio):
            sys.stderr.write("WhatsApp is not set up: TWILIO_ACCOUNT_SID is empty.\n")
            return 1
        try:
            if what == "push":
                pushed = await templates.push(system.db, whatsapp.templates)
                sys.stdout.write(f"{len(pushed)} submitted, {len(templates.declared())} declared.\n")
            standing = await templates.refresh(system.db, whatsapp.templates, every=True)
        except SendError as error:
            sys.stderr.write(f"Twilio refused: {error.code}\n")
            return 1
    known = {(row.name, row.language): row for row in standing}
    for (name, language), template in templates.declared().items():
        row = known.get((name, language))
        state = "not pushed" if row is None else row.status + (f" ({row.reason})" if row.reason else "")
        stale = row is not None and row.digest != template.digest
        sys.stdout.write(f"{name} {language}: {state}{', changed since: push again' if stale else ''}\n")
    return 0

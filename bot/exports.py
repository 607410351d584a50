"""What can be written into files for use elsewhere."""

import asyncio
from pathlib import Path

from booking_core.export import export_business
from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from booking_core.seed_file import read_seed
from bot.consent_export import consents_of
from bot.misunderstood import Candidate, as_yaml, candidates
from bot.settings import Settings


def write_business(settings: Settings, slug: str, out: Path | None) -> str:
    """Return a business as the text of its file, written to `out` if that is named.

    Raises BookingRefused if there is no such business, and SeedError if what was written would not load.
    """
    text = asyncio.run(_business(settings, slug))
    if out is not None:
        out.write_text(text, encoding="utf-8")
        read_seed(out)
    return text


def write_misunderstandings(settings: Settings, slug: str, out: Path | None) -> str:
    """Return what managers marked as misunderstood, as YAML without personal data, written to `out` if named.

    Raises BookingRefused if there is no such business.
    """
    text = as_yaml(asyncio.run(_misunderstandings(settings, slug)))
    if out is not None:
        out.write_text(text, encoding="utf-8")
    return text


def write_consents(settings: Settings, slug: str, who: str, out: Path | None) -> str:
    """Return what a customer agreed to and refused, as YAML, written to `out` if named.

    Raises BookingRefused if there is no such business or customer.
    """
    text = asyncio.run(_consents(settings, slug, who))
    if out is not None:
        out.write_text(text, encoding="utf-8")
    return text


async def _consents(settings: Settings, slug: str, who: str) -> str:
    db = Database(settings.database_url, pool_size=1)
    try:
        async with db.transaction() as session:
            return await consents_of(session, slug, who)
    finally:
        await db.close()


async def _misunderstandings(settings: Settings, slug: str) -> list[Candidate]:
    db = Database(settings.database_url, pool_size=1)
    try:
        async with db.transaction() as session:
            return await candidates(session, slug)
    finally:
        await db.close()


async def _business(settings: Settings, slug: str) -> str:
    db = Database(settings.database_url, pool_size=1)
    try:
        async with db.transaction() as session:
            return await export_business(session, slug, await current_time(session))
    finally:
        await db.close()

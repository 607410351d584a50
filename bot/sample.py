"""The sample business and its people, for a first look."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from booking_core.models import Business
from booking_core.seed import load_seed
from bot.console.users import seed_users
from bot.replies import seed_replies
from bot.settings import Settings
from bot.vendors import vendors_for
from bot.words import Words
from channels import registry
from channels.accounts import AccountTaken, open_account


class SampleUser(NamedTuple):
    """Somebody to sign in as, for a look around."""

    email: str
    role: str
    password: str

    def __str__(self) -> str:
        return f"{self.email}  {self.password}  ({self.role})"


class Loaded(NamedTuple):
    """A business that was loaded: its chat, the sample users newly made, and channels that another one has."""

    name: str
    chat: str
    users: list[SampleUser]
    taken: list[str]


SAMPLE = Path(__file__).resolve().parent.parent / "data" / "seeds" / "marigold.yml"


def seed_sample(settings: Settings, file: Path = SAMPLE) -> list[SampleUser]:
    """Load a business from its file, with its addresses; return the sample users that were newly made."""
    return seed_from(settings, file).users


def seed_from(settings: Settings, file: Path) -> Loaded:
    """Load a business from its file, with its addresses; raises SeedError."""
    return asyncio.run(_seed(settings, file))


async def _seed(settings: Settings, file: Path) -> Loaded:
    db = Database(settings.database_url, pool_size=1)
    try:
        return await _load(db, settings, file)
    finally:
        await db.close()


async def seed_business(db: Database, settings: Settings, file: Path = SAMPLE) -> list[SampleUser]:
    """Load a business, its addresses and, without credentials, its sample users."""
    return (await _load(db, settings, file)).users


async def _load(db: Database, settings: Settings, file: Path) -> Loaded:
    async with db.transaction() as session:
        now = await current_time(session)
        business = await load_seed(session, file, now)
        taken = await open_accounts(session, settings, business)
        made = await seed_users(session, business, now) if settings.sandbox else []
        if settings.sandbox:
            await seed_replies(session, Words(), business, now)
        chat = f"{settings.base_url}/chat/{business.slug}"
        return Loaded(business.name, chat, [SampleUser(*one) for one in made], taken)


async def open_accounts(session: AsyncSession, settings: Settings, business: Business) -> list[str]:
    """Give the business its web chat and the addresses that the settings name; return those that another one has."""
    vendors = vendors_for(settings)
    await open_account(session, business.id, "web", business.slug)
    taken: list[str] = []
    for channel, address in registry.addresses(vendors.twilio, vendors.telegram).items():
        try:
            await open_account(session, business.id, channel, address)
        except AccountTaken:
            taken.append(channel)
    return taken

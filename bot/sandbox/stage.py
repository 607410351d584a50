"""What the stand-ins stand on: the database that keeps their state, and the credentials they check."""

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from bot.sandbox.models import SandboxObject
from bot.settings import Settings
from bot.vendors import Vendors
from bot.words import Words
from channels.access import TelegramAccess, TwilioAccess
from payment_links.access import StripeAccess

_Access = TypeVar("_Access")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Stage:
    """What every stand-in needs; `wake` rings when a webhook is owed."""

    db: Database
    settings: Settings
    vendors: Vendors
    words: Words = field(default_factory=Words)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def twilio(self) -> TwilioAccess:
        """The account that the Twilio stand-in knows."""
        return _present(self.vendors.twilio)

    @property
    def telegram(self) -> TelegramAccess:
        """The bot that the Telegram stand-in knows."""
        return _present(self.vendors.telegram)

    @property
    def stripe(self) -> StripeAccess:
        """The account that the Stripe stand-in knows."""
        return _present(self.vendors.stripe)


def _present(access: _Access | None) -> _Access:
    if access is None:
        raise LookupError("the sandbox has access to every vendor")
    return access


def hex_id(prefix: str) -> str:
    """Return an id as Twilio makes them: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


def letters_id(prefix: str, size: int = 24) -> str:
    """Return an id as Stripe makes them: a prefix and letters and digits."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(size))


async def keep_once(session: AsyncSession, key: str, kind: str, body: dict[str, Any], now: datetime) -> bool:
    """Keep an object under a key; False if the key is there already, and then nothing changes."""
    statement = (
        insert(SandboxObject)
        .values(id=key, kind=kind, body=body, created_at=now)
        .on_conflict_do_nothing()
        .returning(SandboxObject.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def put(session: AsyncSession, key: str, kind: str, body: dict[str, Any], now: datetime) -> None:
    """Keep an object under a key, in place of what was there."""
    statement = insert(SandboxObject).values(id=key, kind=kind, body=body, created_at=now)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"body": statement.excluded.body})
    )


async def find(
    session: AsyncSession, key: str, kind: str | None = None, *, for_update: bool = False
) -> SandboxObject | None:
    """Return the object under a key, of a kind if one is given; `for_update` waits for who changes it."""
    found = await session.get(SandboxObject, key, with_for_update=for_update or None, populate_existing=True)
    return found if found is not None and kind in (None, found.kind) else None


async def next_number(session: AsyncSession, name: str, start: int, now: datetime) -> int:
    """Return the next number of a count that begins after `start`."""
    statement = insert(SandboxObject).values(id=f"count:{name}", kind="count", body={"at": start + 1}, created_at=now)
    later = func.jsonb_build_object("at", SandboxObject.body["at"].as_integer() + 1)
    counted = await session.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"body": later}).returning(SandboxObject.body)
    )
    return int(counted.scalar_one()["at"])


async def real_time(session: AsyncSession) -> datetime:
    """Return the database's own time, which moving the system's clock does not touch."""
    moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return moment

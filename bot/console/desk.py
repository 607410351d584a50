"""What the console is given by the composing room."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from bot.models import Dialogue
from bot.settings import Settings
from bot.words import Words

#: Called in the transaction that gave a thread back to the bot, so that it can go on with a recap.
HandedBack = Callable[[AsyncSession, Dialogue, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Desk:
    """A database, Redis (for live news and login limits; None works without both), words, settings."""

    db: Database
    redis: Redis | None
    words: Words
    settings: Settings
    handed_back: HandedBack | None = None

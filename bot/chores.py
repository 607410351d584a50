"""What a worker does every now and then: looks for missed messages, asks how templates stand
and what bots are called.

Every chore is safe to do twice; Redis only spares the providers, so that one of many workers asks.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from booking_core.kit.clock import current_time
from booking_core.kit.db import UNAVAILABLE
from bot import templates
from bot.wiring import System
from channels import accounts, inbound, media
from channels.contract import SendError
from channels.telegram import Telegram

log = logging.getLogger(__name__)

#: Seconds between looks at what is to be done.
PAUSE = 15.0


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do about so often."""

    name: str
    every: timedelta
    do: Callable[[System], Awaitable[object]]


async def fetch_missed(system: System) -> None:
    """Receive what came in while our doors were shut."""
    await inbound.fetch_missed(system.db, system.channels, own=system.own)


async def look_after_templates(system: System) -> None:
    """Ask how templates stand that are not decided; the sandbox's, which cost nobody's time, are pushed first."""
    for api, owner in await templates.accounts_of(system):
        try:
            if system.settings.sandbox:
                await templates.push(system.db, api, owner=owner)
            await templates.refresh(system.db, api, owner=owner)
        except SendError as error:
            # One account's wrong token is no reason to leave the others alone.
            log.warning("templates could not be asked for: %s", error.code)


async def ask_what_bots_are_called(system: System) -> None:
    """Ask Telegram for the username of every bot, which links name it by: its owner may change it."""
    shared = system.channels.get("telegram")
    for bot in [*([shared] if isinstance(shared, Telegram) else ()), *await system.own.bots()]:
        try:
            bot_id, username = await bot.name_in_links()
        except SendError as error:  # one business's token that is no good takes nobody else's name away
            log.warning("a bot's name is not known: %s", error.code)
            continue
        if username:
            async with system.db.transaction() as session:
                await accounts.remember_handle(session, bot.name, bot_id, username)


async def forget_old_media(system: System) -> None:
    """Throw away pictures and files that were kept long enough."""
    async with system.db.transaction() as session:
        await media.forget_old(session, now=await current_time(session))


CHORES: Sequence[Chore] = (
    Chore("missed", timedelta(minutes=5), fetch_missed),
    Chore("templates", timedelta(minutes=10), look_after_templates),
    Chore("bots", timedelta(minutes=10), ask_what_bots_are_called),
    Chore("media", timedelta(hours=1), forget_old_media),
)


async def keep_house(system: System) -> None:
    """Do the chores, for ever; what fails is done again next time."""
    while True:
        for chore in CHORES:
            await do_once(system, chore)
        await asyncio.sleep(PAUSE)


async def do_once(system: System, chore: Chore) -> bool:
    """Do a chore unless somebody did it of late; true if it was done."""
    try:
        if not await system.redis.set(f"chore:{chore.name}", "1", nx=True, px=chore.every):
            return False
    except (RedisError, OSError):
        log.warning("chores wait: Redis is not reachable")
        return False
    try:
        await chore.do(system)
    except (SendError, DBAPIError, *UNAVAILABLE, OSError) as error:
        log.warning("chore %s failed: %s", chore.name, error.code if isinstance(error, SendError) else type(error))
        return False
    return True

"""Telegram without a public address: updates are fetched instead of delivered, each bot's by one worker at a time."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID, uuid5

from sqlalchemy.exc import DBAPIError

from booking_core.kit.clock import current_time
from booking_core.kit.db import UNAVAILABLE
from bot import notices
from bot.wiring import System
from channels.claims import to_myself
from channels.contract import Malformed, SendError
from channels.receive import receive
from channels.telegram import Telegram

log = logging.getLogger(__name__)

#: Names the locks, one for each bot.
_LOCKS = UUID("7e1e96a3-0000-4000-8000-000000000001")
#: How long one question waits for news, and how long after a failure.
WAIT, AFTER_FAILURE = timedelta(seconds=25), 5.0
#: How often it is looked whether there are other bots, and whether the worker that fetches is gone.
STAND_BY = 10.0


async def poll_all(system: System, *, wait: timedelta = WAIT, stand_by: float = STAND_BY) -> None:
    """Fetch for ever what comes to the system's bot and to businesses' own, as soon as there are any."""
    fetching: dict[Telegram, asyncio.Task[None]] = {}
    bots: Mapping[Telegram, UUID | None] = {}
    try:
        while True:
            try:
                bots = await _bots(system)
            except (DBAPIError, *UNAVAILABLE, OSError) as error:
                log.warning("it is not known which bots there are: %s", type(error).__name__)
            for bot in [bot for bot, task in fetching.items() if bot not in bots or task.done()]:
                await _end(fetching.pop(bot))
            for bot, whose in bots.items():
                if bot not in fetching:
                    fetching[bot] = asyncio.create_task(poll(system, bot, whose, wait=wait, stand_by=stand_by))
            await asyncio.sleep(stand_by)
    finally:
        for task in fetching.values():
            await _end(task)


async def _bots(system: System) -> Mapping[Telegram, UUID | None]:
    """Return every bot that we have, and whose it is; the sandbox's Telegram knows only the system's."""
    shared = system.channels.get("telegram")
    found: dict[Telegram, UUID | None] = {shared: None} if isinstance(shared, Telegram) else {}
    if not system.settings.sandbox:
        await system.own.look()
        lines = system.own.on("telegram")
        found |= {line.channel: line.business_id for line in lines if isinstance(line.channel, Telegram)}
    return found


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    (ended,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(ended, Exception):
        log.error("fetching from Telegram ended: %s", type(ended).__name__)


async def poll(
    system: System,
    telegram: Telegram,
    whose: UUID | None = None,
    *,
    wait: timedelta = WAIT,
    stand_by: float = STAND_BY,
) -> None:
    """Fetch updates for ever; each is received before the next question confirms it, so that none is lost."""
    while True:
        try:
            async with to_myself(system.db, uuid5(_LOCKS, telegram.bot_id)) as mine:
                if mine:
                    await telegram.stop_webhook()
                    await _fetch_all(system, telegram, whose, wait)
            await asyncio.sleep(stand_by)
        except (SendError, DBAPIError, *UNAVAILABLE, OSError) as error:
            log.warning("Telegram was not asked: %s", error.code if isinstance(error, SendError) else type(error))
            await asyncio.sleep(AFTER_FAILURE)


async def _fetch_all(system: System, telegram: Telegram, whose: UUID | None, wait: timedelta) -> None:
    last: int | None = None
    while True:
        updates = await telegram.fetch(last, wait=wait)
        for update in updates:
            try:
                events = telegram.read_update(dict(update))
            except Malformed:
                log.warning("an update of Telegram was malformed")
            else:
                # What comes to a business's own bot is its own from the first statement on.
                async with system.db.transaction() if whose is None else system.db.transaction(whose) as session:
                    await receive(
                        session,
                        telegram.name,
                        events,
                        now=await current_time(session),
                        on_failed=notices.delivery_failed,
                        narrows=whose is None,
                        whose=whose,
                    )
            last = int(update["update_id"])
        if not updates:
            await asyncio.sleep(0.5)  # who answers at once with nothing is not asked in a hurry

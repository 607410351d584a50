"""Telegram without a public address: updates are fetched instead of delivered, by one worker at a time."""

import asyncio
import logging
from datetime import timedelta
from uuid import UUID

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

#: Names the lock of the one worker that fetches.
_LOCK = UUID("7e1e96a3-0000-4000-8000-000000000001")
#: How long one question waits for news, and how long after a failure.
WAIT, AFTER_FAILURE = timedelta(seconds=25), 5.0
#: What several workers wait before they look whether the one that fetches is gone.
STAND_BY = 10.0


async def poll(system: System, telegram: Telegram, *, wait: timedelta = WAIT) -> None:
    """Fetch updates for ever; each is received before the next question confirms it, so that none is lost."""
    while True:
        try:
            async with to_myself(system.db, _LOCK) as mine:
                if mine:
                    await telegram.stop_webhook()
                    await _fetch_all(system, telegram, wait)
            await asyncio.sleep(STAND_BY)
        except (SendError, DBAPIError, *UNAVAILABLE, OSError) as error:
            log.warning("Telegram was not asked: %s", error.code if isinstance(error, SendError) else type(error))
            await asyncio.sleep(AFTER_FAILURE)


async def _fetch_all(system: System, telegram: Telegram, wait: timedelta) -> None:
    last: int | None = None
    while True:
        updates = await telegram.fetch(last, wait=wait)
        for update in updates:
            try:
                events = telegram.read_update(dict(update))
            except Malformed:
                log.warning("an update of Telegram was malformed")
            else:
                async with system.db.transaction() as session:
                    now = await current_time(session)
                    await receive(
                        session, telegram.name, events, now=now, on_failed=notices.delivery_failed, narrows=True
                    )
            last = int(update["update_id"])
        if not updates:
            await asyncio.sleep(0.5)  # who answers at once with nothing is not asked in a hurry

"""Waiting for news of a thread: woken by Redis, and by the clock at the latest.

News may be lost, and Redis may be away: so a reader asks the database again at least every second.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
#: Seconds after which a reader looks again, news or none.
LOOK_AGAIN: Final = 1.0

#: Return when something may be new, after so many seconds at the latest.
Wait = Callable[[float], Awaitable[None]]


@asynccontextmanager
async def watch(redis: "Redis | None", topic: str) -> AsyncIterator[Wait]:
    """Listen to a topic; what is published from here on ends a wait early."""
    if redis is None:
        yield _pause
        return
    listener = redis.pubsub()
    reachable = True

    async def wait(seconds: float) -> None:
        nonlocal reachable
        seconds = min(seconds, LOOK_AGAIN)
        if reachable:
            try:
                await listener.get_message(ignore_subscribe_messages=True, timeout=seconds)
            except (RedisError, OSError):
                reachable = False
                log.warning("live news not heard: Redis is not reachable")
            else:
                return
        await asyncio.sleep(seconds)

    try:
        try:
            await listener.subscribe(topic)
            # The confirmation: from here on nothing published is missed.
            await listener.get_message(timeout=LOOK_AGAIN)
        except (RedisError, OSError):
            reachable = False
        yield wait
    finally:
        try:
            await listener.aclose()  # type: ignore[no-untyped-call]
        except (RedisError, OSError):
            log.debug("a listener was closed by Redis first")


async def _pause(seconds: float) -> None:
    await asyncio.sleep(min(seconds, LOOK_AGAIN))

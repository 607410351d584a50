"""How much one sender may ask of us: counted in Redis, in fixed windows.

Counts may be lost with Redis, and while it is away nobody is limited: a limit protects, it decides nothing.
"""

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

#: Counting and setting the window's end are one step, or a crash between them would count for ever.
_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """One use of a limit: how many were used in this window, and when it ends."""

    count: int
    allowed: bool
    ends_in: timedelta


class Limit:
    """At most `most` uses by one somebody in each window."""

    def __init__(self, redis: "Redis", name: str, *, most: int, window: timedelta) -> None:
        self.redis = redis
        self.name = name
        self.most = most
        self.window = window

    async def take(self, who: str) -> Taken:
        """Count one use; `who` is kept only as a hash."""
        key = f"limit:{self.name}:{hashlib.sha256(who.encode('utf-8', 'replace')).hexdigest()[:32]}"
        millis = int(self.window.total_seconds() * 1000)
        try:
            count, left = await self.redis.eval(_COUNT, 1, key, str(millis))
        except (RedisError, OSError):
            log.warning("limit %s not counted: Redis is not reachable", self.name)
            return Taken(0, allowed=True, ends_in=timedelta(0))
        return Taken(int(count), int(count) <= self.most, timedelta(milliseconds=max(int(left), 0)))


@dataclass(frozen=True, slots=True)
class SenderLimits:
    """What one customer's address may send us.

    Beyond `answered` messages are written down and answered together when the window ends; beyond
    `written` they are dropped, so that no flood fills the tables.
    """

    answered: Limit
    written: Limit


def sender_limits(redis: "Redis") -> SenderLimits:
    """Return the limits of the webhooks: 30 messages a minute are answered at once, 300 are written."""
    minute = timedelta(minutes=1)
    return SenderLimits(
        Limit(redis, "answered", most=30, window=minute), Limit(redis, "written", most=300, window=minute)
    )

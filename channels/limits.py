"""How much one sender may ask of us: counted in Redis, in fixed windows.

Counts may be lost with Redis, and while it is away nobody is limited: a limit protects, it decides nothing.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

#: Counting and setting the window's end are one step, or a crash between them would count for ever.
_COUNT = """
local told = {}
for at, key in ipairs(KEYS) do
  local count = redis.call('INCR', key)
  if count == 1 then redis.call('PEXPIRE', key, ARGV[at]) end
  told[2 * at - 1], told[2 * at] = count, redis.call('PTTL', key)
end
return told
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
        (taken,) = await take_all([self], who)
        return taken


async def take_all(limits: Sequence[Limit], who: str) -> list[Taken]:
    """Count one use of each of several limits in one round trip."""
    name = hashlib.sha256(who.encode("utf-8", "replace")).hexdigest()[:32]
    keys = [f"limit:{limit.name}:{name}" for limit in limits]
    millis = [str(int(limit.window.total_seconds() * 1000)) for limit in limits]
    try:
        told = await limits[0].redis.eval(_COUNT, len(keys), *keys, *millis)
    except (RedisError, OSError):
        log.warning("limit %s not counted: Redis is not reachable", limits[0].name)
        return [Taken(0, allowed=True, ends_in=timedelta(0)) for _ in limits]
    return [
        Taken(int(count), int(count) <= limit.most, timedelta(milliseconds=max(int(left), 0)))
        for limit, count, left in zip(limits, told[::2], told[1::2], strict=True)
    ]


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

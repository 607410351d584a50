"""How fast we may speak: per number of ours, and to one customer. What nobody has asked for waits for answers.

Counted in Redis by the generic cell rate algorithm. While Redis is away nothing waits: the providers' own refusals
(429, queue full) are heeded in any case, so a lost count costs a retry and no message.
"""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

#: Takes a place in a queue: KEYS[1], what it costs (ms), how much may go at once (ms). Returns how long it is (ms).
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + ARGV[1]
redis.call('SET', KEYS[1], due, 'PX', math.ceil(due - now) + 1000)
return math.max(math.ceil(due - now - ARGV[2]), 0)
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second, and so many at once."""

    per_second: float
    at_once: int

    @property
    def each(self) -> int:
        """What one costs, in milliseconds."""
        return max(round(1000 / self.per_second), 1)


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of a channel: of a number of ours, and to one customer."""

    number: Rate
    customer: Rate


#: Twilio's long codes send one segment a second; WhatsApp takes 80 messages a second, one to a person every 6 seconds
#: in the long run; Telegram about 30 a second, one to a chat.
RATES: Mapping[str, Rates] = {
    "sms": Rates(Rate(1, 10), Rate(1 / 6, 10)),
    "whatsapp": Rates(Rate(20, 40), Rate(1 / 6, 10)),
    "telegram": Rates(Rate(25, 25), Rate(1, 3)),
}


def rates_for(*, sms_per_second: float) -> Mapping[str, Rates]:
    """Return the rates with those of our SMS number: a long code's, a short code's, a pool's."""
    return {**RATES, "sms": Rates(Rate(sms_per_second, max(10, round(sms_per_second))), RATES["sms"].customer)}


class Pace:
    """What was said of late, shared by all workers."""

    def __init__(self, redis: "Redis", rates: Mapping[str, Rates] = RATES) -> None:
        self._redis = redis
        self._rates = rates

    async def take(self, channel: str, account: str, address: str, *, units: int) -> timedelta:
        """Count a message of so many units, and return when its place in the queue comes.

        Who answers may pass the queue: what was counted moves the places of all that come later.
        """
        rates = self._rates.get(channel)
        if rates is None:
            return timedelta(0)
        number = await self._take(f"{channel} {account}", rates.number, units)
        return max(number, await self._take(f"{channel} {account} {address}", rates.customer, 1))

    async def _take(self, who: str, rate: Rate, units: int) -> timedelta:
        key = f"pace:{hashlib.sha256(who.encode('utf-8', 'replace')).hexdigest()[:32]}"
        # What is larger than the bucket goes when the bucket is full.
        cost = rate.each * min(units, rate.at_once)
        try:
            wait = await self._redis.eval(_TAKE, 1, key, str(cost), str(rate.each * rate.at_once))
        except (RedisError, OSError):
            log.warning("pace not counted: Redis is not reachable")
            return timedelta(0)
        return timedelta(milliseconds=int(wait))

"""Limits on login attempts, counted in Redis by address and e-mail, and by address alone.

Counted before the password is looked at, so that parallel guesses gain nothing. Without Redis nobody
is limited and a warning is logged: staff must be able to work, and argon2 still slows a guesser down.
"""

import hashlib
import logging

from redis.asyncio import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

WINDOW_SECONDS = 15 * 60
PER_PERSON = 5
PER_ADDRESS = 40


async def wait_before_login(redis: Redis | None, address: str, email: str) -> int:
    """Count one attempt; return 0 if it may go on, else the seconds until the next is allowed."""
    if redis is None:
        return 0
    waits = [0]
    try:
        for key, limit in ((_person(address, email), PER_PERSON), (f"login:{address}", PER_ADDRESS)):
            async with redis.pipeline(transaction=True) as pipe:
                pipe.set(key, 0, ex=WINDOW_SECONDS, nx=True)
                pipe.incr(key)
                pipe.ttl(key)
                _, count, left = await pipe.execute()
            if count > limit:
                waits.append(max(int(left), 1))
    except (RedisError, OSError):
        log.warning("login attempts are not limited: Redis is not reachable")
    return max(waits)


async def forget_attempts(redis: Redis | None, address: str, email: str) -> None:
    """Forget a person's attempts once they are in."""
    if redis is None:
        return
    try:
        await redis.delete(_person(address, email))
    except (RedisError, OSError):
        log.warning("login attempts not forgotten: Redis is not reachable")


def _person(address: str, email: str) -> str:
    return f"login:{address}:{hashlib.sha256(email.encode()).hexdigest()[:32]}"

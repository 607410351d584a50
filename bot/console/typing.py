"""Who is writing in a thread just now: a key in Redis that runs out by itself, and nothing anywhere else."""

import json
from collections.abc import Mapping
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from booking_core.kit.live import inbox_topic
from bot.console.access import Visitor

#: Seconds for which somebody counts as writing after their last sign of it; browsers give one every three.
SHOWN = 6


async def say_typing(redis: "Redis", visitor: Visitor, thread_id: UUID) -> None:
    """Tell colleagues that somebody is writing."""
    await redis.set(_key(visitor.business_id, thread_id, visitor.user_id), "1", ex=SHOWN)
    await _publish(redis, visitor, thread_id, "typing")


async def say_quiet(redis: "Redis", visitor: Visitor, thread_id: UUID) -> None:
    """Tell colleagues that somebody has stopped, or sent what they wrote."""
    await redis.delete(_key(visitor.business_id, thread_id, visitor.user_id))
    await _publish(redis, visitor, thread_id, "quiet")


async def who_types(
    redis: "Redis | None", business_id: UUID, thread_id: UUID, colleagues: Mapping[UUID, str]
) -> dict[str, str]:
    """Return those of the colleagues who are writing now, name by id; nobody where Redis is not there."""
    if redis is None or not colleagues:
        return {}
    try:
        found = await redis.mget([_key(business_id, thread_id, one) for one in colleagues])
    except (RedisError, OSError):
        return {}
    return {str(one): name for (one, name), typing in zip(colleagues.items(), found, strict=True) if typing}


async def _publish(redis: "Redis", visitor: Visitor, thread_id: UUID, kind: str) -> None:
    news = {
        "kind": kind,
        "conversation": str(thread_id),
        "who": str(visitor.user_id),
        "name": visitor.name,
        "seconds": SHOWN,
    }
    await redis.publish(inbox_topic(visitor.business_id), json.dumps(news))


def _key(business_id: UUID, thread_id: UUID, user_id: UUID) -> str:
    return f"typing:{business_id}:{thread_id}:{user_id}"

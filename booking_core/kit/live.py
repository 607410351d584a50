"""Live news for open browsers: collected in a transaction, published by Redis after it commits.

News may be lost (Redis is not durable): every reader also asks the database again.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

log = logging.getLogger(__name__)
_PENDING = "live_pending"


def conversation_topic(business_id: UUID, conversation_id: UUID) -> str:
    """Return the topic on which one thread's news are published."""
    return f"live:{business_id}:thread:{conversation_id}"


def inbox_topic(business_id: UUID) -> str:
    """Return the topic on which every thread's news of a business are published."""
    return f"live:{business_id}:inbox"


def calendar_topic(business_id: UUID) -> str:
    """Return the topic on which every change of a business's calendar is published."""
    return f"live:{business_id}:calendar"


def announce_calendar(session: AsyncSession, business_id: UUID, booking_id: UUID | None = None) -> None:
    """Tell open calendars, once this transaction commits, that they show something old."""
    news = {"kind": "calendar", "booking": str(booking_id or "")}
    pending = session.info.setdefault(_PENDING, [])
    if (calendar_topic(business_id), news) not in pending:
        pending.append((calendar_topic(business_id), news))


def announce(session: AsyncSession, business_id: UUID, conversation_id: UUID, kind: str) -> None:
    """Tell open browsers, once this transaction commits, that something in a thread is new."""
    news = {"kind": kind, "conversation": str(conversation_id)}
    pending = session.info.setdefault(_PENDING, [])
    for topic in (conversation_topic(business_id, conversation_id), inbox_topic(business_id)):
        if (topic, news) not in pending:
            pending.append((topic, news))


def is_news(info: Mapping[Any, Any]) -> bool:
    """Whether a transaction announced anything."""
    return bool(info.get(_PENDING))


async def publish_pending(info: dict[Any, Any], redis: "Redis | None") -> None:
    """Publish what the committed transaction announced; without Redis readers poll."""
    pending: list[tuple[str, dict[str, str]]] = info.pop(_PENDING, [])
    if redis is None or not pending:
        return
    try:
        async with redis.pipeline(transaction=False) as together:
            for topic, news in pending:
                together.publish(topic, json.dumps(news))
            await together.execute()
    except (RedisError, OSError):
        log.warning("live news not published: Redis is not reachable")

"""Live news for an open console: a WebSocket that says which thread or booking has changed, never how.

The page then asks for it as it always does; without this socket it asks every few seconds. The page says by it
that somebody is writing, and hears who is: that passes through Redis and is kept nowhere.
"""

import asyncio
import contextlib
import json
import logging
from uuid import UUID

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from booking_core.kit.live import calendar_topic, inbox_topic
from bot.console.access import Area, Visitor, find_visitor, same_origin
from bot.console.desk import Desk
from bot.console.typing import say_quiet, say_typing
from channels.models import Conversation

log = logging.getLogger(__name__)

#: How often a quiet socket shows that it lives and its session is looked at again.
BEAT_SECONDS = 25.0
#: Close codes that our script understands: sign in again; no live news now, ask instead.
SIGN_IN, ASK_INSTEAD = 4401, 4503
#: What may be told of news.
FIELDS = ("kind", "conversation", "booking", "who", "name", "seconds")
#: Characters of the longest thing that a page of ours says, and how often it may say something.
LONGEST_SAID = 200
SAID_EVERY_SECONDS = 0.25


def add_routes(router: APIRouter, desk: Desk) -> None:
    """Add the socket."""

    @router.websocket("/live")
    async def live(socket: WebSocket) -> None:
        # A WebSocket carries cookies wherever it is opened from: only our own pages may.
        visitor = await find_visitor(desk, socket) if same_origin(desk, socket) else None
        await socket.accept()
        if visitor is None or not visitor.may(Area.INBOX):
            await socket.close(SIGN_IN)
            return
        if desk.redis is None:
            await socket.close(ASK_INSTEAD)
            return
        pubsub = desk.redis.pubsub()
        try:
            await pubsub.subscribe(inbox_topic(visitor.business_id), calendar_topic(visitor.business_id))
            await socket.send_json({"kind": "ready"})
            await _until_closed(desk, socket, pubsub, visitor)
        except (RedisError, OSError):
            log.warning("live news stopped: Redis is not reachable")
            with contextlib.suppress(RuntimeError):
                await socket.close(ASK_INSTEAD)
        except WebSocketDisconnect:
            pass
        finally:
            with contextlib.suppress(RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]


async def _until_closed(desk: Desk, socket: WebSocket, pubsub: PubSub, visitor: Visitor) -> None:
    gone = asyncio.create_task(_listen(desk, socket, visitor))
    loop = asyncio.get_running_loop()
    beat_at = loop.time() + BEAT_SECONDS
    try:
        while not gone.done():
            news = await pubsub.get_message(ignore_subscribe_messages=True, timeout=1.0)
            if news is not None:
                told = json.loads(news["data"])
                await socket.send_json({key: told[key] for key in FIELDS if key in told})
            elif loop.time() >= beat_at:
                beat_at = loop.time() + BEAT_SECONDS
                again = await find_visitor(desk, socket)
                if again is None or again.user_id != visitor.user_id:
                    await socket.close(SIGN_IN)
                    return
                await socket.send_json({"kind": "beat"})
        await gone  # Redis may have gone while somebody was writing
    finally:
        gone.cancel()


async def _listen(desk: Desk, socket: WebSocket, visitor: Visitor) -> None:
    """Hear who is writing, until the browser leaves; whatever else it says is passed over."""
    ours: UUID | None = None  # the thread that was last found to be this business's
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            said = _read(await socket.receive_text())
            if said is None or desk.redis is None:
                continue
            kind, thread_id = said
            if thread_id != ours:
                async with desk.db.transaction(visitor.business_id) as session:
                    if await session.get(Conversation, (visitor.business_id, thread_id)) is None:
                        continue
                ours = thread_id
            await (say_typing if kind == "typing" else say_quiet)(desk.redis, visitor, thread_id)
            await asyncio.sleep(SAID_EVERY_SECONDS)


def _read(text: str) -> tuple[str, UUID] | None:
    """Return what a page said: ("typing" or "quiet", the thread); None for anything else."""
    try:
        said = json.loads(text) if len(text) <= LONGEST_SAID else {}
        kind = next((kind for kind in ("typing", "quiet") if kind in said), None)
        return (kind, UUID(said[kind])) if kind else None
    except (ValueError, TypeError, AttributeError):
        return None

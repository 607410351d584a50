"""Live news for an open console: a WebSocket that says which thread or booking has changed, never how.

The page then asks for it as it always does; without this socket it asks every few seconds.
"""

import asyncio
import contextlib
import json
import logging

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from booking_core.kit.live import calendar_topic, inbox_topic
from bot.console.access import Area, Visitor, find_visitor, same_origin
from bot.console.desk import Desk

log = logging.getLogger(__name__)

#: How often a quiet socket shows that it lives and its session is looked at again.
BEAT_SECONDS = 25.0
#: Close codes that our script understands: sign in again; no live news now, ask instead.
SIGN_IN, ASK_INSTEAD = 4401, 4503


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
    gone = asyncio.create_task(_wait_for_close(socket))
    loop = asyncio.get_running_loop()
    beat_at = loop.time() + BEAT_SECONDS
    try:
        while not gone.done():
            news = await pubsub.get_message(ignore_subscribe_messages=True, timeout=1.0)
            if news is not None:
                told = json.loads(news["data"])
                await socket.send_json({key: told[key] for key in ("kind", "conversation", "booking") if key in told})
            elif loop.time() >= beat_at:
                beat_at = loop.time() + BEAT_SECONDS
                again = await find_visitor(desk, socket)
                if again is None or again.user_id != visitor.user_id:
                    await socket.close(SIGN_IN)
                    return
                await socket.send_json({"kind": "beat"})
    finally:
        gone.cancel()


async def _wait_for_close(socket: WebSocket) -> None:
    """Return when the browser leaves; what it says is not listened to."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.receive_text()

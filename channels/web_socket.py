"""The web chat's socket: pushes what `GET /chat/messages` returns, from where the page left off."""

import asyncio
import json
from typing import Any, Final

from fastapi import WebSocket, WebSocketDisconnect
from redis.asyncio import Redis

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from booking_core.kit.live import conversation_topic
from channels.models import Conversation
from channels.web_origins import is_admitted
from channels.web_threads import PAGE, business_of, find_thread, load_news
from channels.web_watch import LOOK_AGAIN, watch

#: Offered by browsers that send the token as a second subprotocol.
PROTOCOL: Final = "threadbook"
UNKNOWN_TOKEN: Final = 4401
ORIGIN_REFUSED: Final = 4403
_FIRST_WORD_WITHIN: Final = 10.0


async def serve_socket(db: Database, redis: "Redis | None", socket: WebSocket, *, public_url: str = "") -> None:
    """Push a thread's news until the page goes away; a website that may not show it is turned away."""
    token, after = await _greet(socket)
    if token is None:
        return
    async with db.transaction(business_of(token)) as session:
        conversation = await find_thread(session, token)
        admitted = conversation is not None and await is_admitted(
            session, socket, conversation.business_id, public_url=public_url
        )
    if conversation is None:
        await socket.close(UNKNOWN_TOKEN, "unknown_token")
        return
    if not admitted:
        await socket.close(ORIGIN_REFUSED, "origin_refused")
        return
    # Reading notices that the page has gone; what it says is not asked for here.
    gone = asyncio.create_task(_until_gone(socket))
    pushing = asyncio.create_task(_push(db, redis, socket, conversation, after))
    try:
        await asyncio.wait({gone, pushing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (gone, pushing):
            task.cancel()
        ended = await asyncio.gather(gone, pushing, return_exceptions=True)
    for end in ended:
        if isinstance(end, Exception) and not isinstance(end, WebSocketDisconnect | RuntimeError):
            raise end


async def _greet(socket: WebSocket) -> tuple[str | None, int]:
    """Accept the socket and learn whose it is, by subprotocol or by its first message."""
    offered = socket.scope.get("subprotocols") or []
    if len(offered) == 2 and offered[0] == PROTOCOL:
        await socket.accept(subprotocol=PROTOCOL)
        return str(offered[1]), _number(socket.query_params.get("after"))
    await socket.accept()
    try:
        said = json.loads(await asyncio.wait_for(socket.receive_text(), _FIRST_WORD_WITHIN))
        return str(said["token"]), _number(said.get("after"))
    except WebSocketDisconnect:
        return None, 0
    except (ValueError, KeyError, TypeError, AttributeError, TimeoutError):
        await socket.close(UNKNOWN_TOKEN, "unknown_token")
        return None, 0


def _number(value: Any) -> int:
    try:
        return min(max(int(value), 0), 2**62)
    except (TypeError, ValueError, OverflowError):
        return 0


async def _until_gone(socket: WebSocket) -> None:
    while True:
        if (await socket.receive())["type"] == "websocket.disconnect":
            return


async def _push(db: Database, redis: "Redis | None", socket: WebSocket, conversation: Conversation, after: int) -> None:
    typing: bool | None = None
    async with watch(redis, conversation_topic(conversation.business_id, conversation.id)) as wait:
        while True:
            async with db.transaction(conversation.business_id) as session:
                news = await load_news(session, conversation, after, now=await current_time(session))
            if news.messages or news.typing != typing:
                await socket.send_json(news.as_json())
                typing = news.typing
            if news.messages:
                after = news.messages[-1]["seq"]
            if len(news.messages) < PAGE:
                await wait(LOOK_AGAIN)

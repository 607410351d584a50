"""The webhook routes: the same for every channel; adding one adds no code here. What they read, `receive` writes."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from starlette.types import Message as ASGIMessage

from booking_core.kit.db import Database
from channels.contract import Channel, Event, IncomingMessage, Malformed, Unauthentic
from channels.limits import SenderLimits, take_all
from channels.receive import OnFailed, receive

log = logging.getLogger(__name__)

#: Providers' webhooks are a few kilobytes.
LARGEST_BODY = 256 * 1024
#: The web chat has doors of its own, where browsers come in.
WITHOUT_WEBHOOK = frozenset({"web"})
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


@dataclass(frozen=True, slots=True)
class Doors:
    """What the routes need."""

    db: Database
    channels: Mapping[str, Channel]
    limits: SenderLimits
    on_failed: OnFailed | None = None


class TooLarge(Exception):
    """The body is larger than any provider's."""


def router_for(doors: Doors) -> APIRouter:
    """Return POST /webhooks/{channel} and /webhooks/{channel}/status for every channel that has webhooks."""
    router = APIRouter(tags=["webhooks"])
    for name, channel in doors.channels.items():
        if name in WITHOUT_WEBHOOK:
            continue
        for path in (f"/webhooks/{name}", f"/webhooks/{name}/status"):
            router.add_api_route(path, _endpoint(doors, channel), methods=["POST"], name=path, response_class=Response)
    return router


def _endpoint(doors: Doors, channel: Channel) -> Callable[[Request], Awaitable[Response]]:
    async def webhook(request: Request) -> Response:
        try:
            events = await channel.read(await _with_body(request))
        except TooLarge:
            return Response(status_code=413)
        except Unauthentic:
            log.warning("a webhook of %s was not authentic", channel.name)
            return Response(status_code=403)
        except Malformed as malformed:
            log.warning("a webhook of %s was malformed: %s", channel.name, malformed)
            return Response(status_code=400)
        await _record(doors, channel.name, events)
        return Response(EMPTY_TWIML, media_type="text/xml")

    return webhook


async def _with_body(request: Request) -> Request:
    """Read the body up to the limit and return a request that gives it again."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise TooLarge

    async def again() -> ASGIMessage:
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return Request(request.scope, again)


async def _record(doors: Doors, channel: str, events: Sequence[Event]) -> None:
    answer_after: timedelta | None = None
    for event in events:
        if not isinstance(event, IncomingMessage):
            continue
        who = f"{channel} {event.account} {event.address}"
        written, taken = await take_all([doors.limits.written, doors.limits.answered], who)
        if not written.allowed:
            log.warning("a sender on %s floods us: dropped", channel)
            return
        if not taken.allowed:
            answer_after = taken.ends_in
    async with doors.db.transaction() as session:
        await receive(
            session,
            channel,
            events,
            answer_after=answer_after,
            on_failed=doors.on_failed,
            narrows=True,
        )

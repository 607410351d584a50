"""The webhook routes: the same for every channel; adding one adds no code here. What they read, `receive` writes."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message as ASGIMessage

from booking_core.kit.db import Database
from channels.contract import Channel, Event, IncomingMessage, Malformed, Unauthentic
from channels.limits import SenderLimits, take_all
from channels.lines import Line, OwnLines, Unreadable, line_for
from channels.receive import OnFailed, receive, receive_plain
from channels.registry import ADDRESSED, BY_DOOR

log = logging.getLogger(__name__)

#: Providers' webhooks are a few kilobytes.
LARGEST_BODY = 256 * 1024
#: The web chat has doors of its own, where browsers come in.
WITHOUT_WEBHOOK = frozenset({"web"})
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


class Known:
    """The last so many of whom we know, by a hash; whoever is forgotten is only known anew."""

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._some: OrderedDict[int, None] = OrderedDict()

    def __contains__(self, who: str) -> bool:
        """Whether somebody is known."""
        return hash(who) in self._some

    def add(self, who: str) -> None:
        """Know somebody."""
        self._some[hash(who)] = None
        if len(self._some) > self._most:
            self._some.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Doors:
    """What the routes need."""

    db: Database
    channels: Mapping[str, Channel]
    limits: SenderLimits
    on_failed: OnFailed | None = None
    own: OwnLines | None = None
    #: Threads that have been written to from here: what comes next in them is mostly plain.
    known: Known = field(default_factory=Known)


class TooLarge(Exception):
    """The body is larger than any provider's."""


class NoLine(Exception):
    """Nothing here could verify this: no credentials of the system's, and no business's own."""


def router_for(doors: Doors) -> APIRouter:
    """Return POST /webhooks/{channel} and /webhooks/{channel}/status for every channel that has webhooks.

    Where businesses have bots of their own, there is a door for each: /webhooks/telegram/{bot}.
    """
    router = APIRouter(tags=["webhooks"])
    for name, path, endpoint in _endpoints(doors):
        router.add_api_route(path, endpoint, methods=["POST"], name=_said(path), response_class=Response)
        if doors.own is not None and name in BY_DOOR and path == f"/webhooks/{name}":
            door = f"{path}/{{account}}"
            told = f"{_said(path)} of a business's own"
            router.add_api_route(door, _own_door(endpoint), methods=["POST"], name=told, response_class=Response)
    return router


def _said(path: str) -> str:
    """Return what the API's description calls a door: `Webhook sms status`."""
    return "webhook " + path.removeprefix("/webhooks/").replace("/", " ")


def short_ways(doors: Doors) -> Iterator[BaseRoute]:
    """Yield the same doors as routes to be put before all others.

    A webhook waits for no more than it must: to find an API's route among all, and to prepare what none of these asks
    for, took a sixth of one. The API's own routes say in its description what is there.
    """
    for _, path, endpoint in _endpoints(doors):
        yield Route(path, endpoint, methods=["POST"], include_in_schema=False)


def _endpoints(doors: Doors) -> Iterator[tuple[str, str, Callable[[Request], Awaitable[Response]]]]:
    names = [*doors.channels, *(ADDRESSED if doors.own is not None else ())]
    for name in dict.fromkeys(name for name in names if name not in WITHOUT_WEBHOOK):
        endpoint = _endpoint(doors, name)
        for path in (f"/webhooks/{name}", f"/webhooks/{name}/status"):
            yield name, path, endpoint


def _own_door(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request, str], Awaitable[Response]]:
    async def webhook(request: Request, account: str) -> Response:
        """Take what comes to an account of a business's own; the request itself says which."""
        return await endpoint(request)

    return webhook


def _endpoint(doors: Doors, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def webhook(request: Request) -> Response:
        try:
            whose, events = await _read(doors, name, await _with_body(request))
        except TooLarge:
            return Response(status_code=413)
        except NoLine:
            return Response(status_code=404)
        except Unreadable:
            log.error("a webhook of %s cannot be verified: a business's own credentials cannot be read", name)
            return Response(status_code=503)
        except Unauthentic:
            log.warning("a webhook of %s was not authentic", name)
            return Response(status_code=403)
        except Malformed as malformed:
            log.warning("a webhook of %s was malformed: %s", name, malformed)
            return Response(status_code=400)
        await _record(doors, name, whose, events)
        return Response(EMPTY_TWIML, media_type="text/xml")

    return webhook


async def _read(doors: Doors, name: str, request: Request) -> tuple[UUID | None, Sequence[Event]]:
    """Return what a webhook says, verified, and the business whose line it came by, if it is one's own."""
    if doors.own is None or name not in ADDRESSED:
        return None, await (await _line(doors, name, request)).channel.read(request)
    await doors.own.look()
    try:
        line = await _line(doors, name, request)
        return line.business_id, await line.channel.read(request)
    except (NoLine, Unauthentic):
        # It may be of this moment what it is verified by.
        if not await doors.own.look(again=True):
            raise
        line = await _line(doors, name, request)
        return line.business_id, await line.channel.read(request)


async def _line(doors: Doors, name: str, request: Request) -> Line:
    """Return what a webhook must be verified by; the system's never stands in for a business's own."""
    if doors.own is not None and doors.own.any_on(name):
        own = line_for(doors.own, await ADDRESSED[name](request), name)
        if own is not None:
            return own
    if name not in doors.channels or "account" in request.path_params:
        raise NoLine
    return Line(doors.channels[name])


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


async def _record(doors: Doors, channel: str, whose: UUID | None, events: Sequence[Event]) -> None:
    answer_after: timedelta | None = None
    who = ""
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
    if (
        whose is None
        and who in doors.known
        and await receive_plain(doors.db, channel, events, answer_after=answer_after) is not None
    ):
        return
    # What came by a business's own line is its own from the first statement on, whatever it says.
    async with doors.db.transaction() if whose is None else doors.db.transaction(whose) as session:
        await receive(
            session,
            channel,
            events,
            answer_after=answer_after,
            on_failed=doors.on_failed,
            narrows=whose is None,
            whose=whose,
        )
    if who:
        doors.known.add(who)

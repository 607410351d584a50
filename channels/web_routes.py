"""The web chat's doors: begin a thread, write into it, read it (design.md, HTTP). Pages are in `web_page.py`."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request, WebSocket
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError, model_validator
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from booking_core.kit.live import conversation_topic
from booking_core.kit.scope import NOBODY, narrow
from channels import messages
from channels.contract import IncomingMessage, ProviderId
from channels.keys import make_key
from channels.limits import Limit
from channels.models import Conversation
from channels.receive import receive
from channels.web import NAME
from channels.web_origins import FromElsewhere, is_admitted, preflight
from channels.web_page import Words, add_pages
from channels.web_socket import serve_socket
from channels.web_threads import Writer, business_of, find_account, find_thread, find_writer, load_news, open_thread
from channels.web_watch import watch
from channels.web_widget import add_widget

Body = TypeVar("Body", bound=BaseModel)
TEXT_LIMIT: Final = 2000
_BODY_LIMIT: Final = 32 * 1024
_LONGEST_WAIT: Final = 25.0


@dataclass(frozen=True, slots=True)
class WebDoors:
    """What the doors need. Without Redis nobody is limited and readers look every second."""

    db: Database
    redis: "Redis | None"
    words: Words
    #: New threads that one address may begin in a minute.
    sessions_a_minute: int = 120
    #: How the world reaches us, if that is not the host that browsers ask for.
    public_url: str = ""


class SessionWanted(BaseModel):
    """Who asks for a thread: all of it optional."""

    locale: str | None = Field(None, max_length=35)
    business: str | None = Field(None, max_length=100)


class Written(BaseModel):
    """What a browser sends: a text, or the choice that was tapped. `client_id` makes sending again harmless."""

    client_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    text: str | None = None
    choice: str | None = Field(None, max_length=60)

    @model_validator(mode="after")
    def _one_of_both(self) -> "Written":
        if (self.text is None) == (self.choice is None):
            raise ValueError("send a text or a choice")
        return self


class Refused(Exception):
    """A request that is answered with an error; `error` is a key, never words."""

    def __init__(self, status: int, error: str, **data: Any) -> None:
        super().__init__(error)
        self.status = status
        self.content = {"error": error, **data}

    def response(self) -> JSONResponse:
        """Return the answer."""
        headers = {}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if "retry_after" in self.content:
            headers["Retry-After"] = str(self.content["retry_after"])
        return JSONResponse(self.content, status_code=self.status, headers=headers)


def router_for(doors: WebDoors) -> APIRouter:
    """Return /chat/session, /chat/messages, /chat/socket, and the page of every business's chat."""
    router = APIRouter(tags=["web chat"], route_class=FromElsewhere)
    sessions = _limit(doors, "web_session", doors.sessions_a_minute, timedelta(minutes=1))
    written = _limit(doors, "web_message", 10, timedelta(seconds=10))

    @router.post("/chat/session", openapi_extra=_body_schema(SessionWanted))
    async def begin(request: Request) -> JSONResponse:
        """Begin a thread with a business (the first one if none is named): `{token}`."""
        try:
            await _take(sessions, request.client.host if request.client else "")
            wanted = await _read(request, SessionWanted)
            async with doors.db.transaction() as session:
                account = await find_account(session, wanted.business)
                if account is None:
                    raise Refused(404, "unknown_business")
                await narrow(session, account.business_id)
                await _admit(doors, session, request, account.business_id)
                token = await open_thread(session, account, wanted.locale, now=await current_time(session))
        except Refused as refused:
            return refused.response()
        return JSONResponse({"token": token}, headers={"Cache-Control": "no-store"})

    @router.post("/chat/messages", status_code=202, openapi_extra=_body_schema(Written))
    async def write(request: Request) -> JSONResponse:
        """Write a message or tap a choice; the same `client_id` again changes nothing."""
        token = _bearer(request)
        try:
            if business_of(token) == NOBODY:
                raise Refused(401, "unknown_token")
            # Nobody holds a connection to the database while a browser sends or Redis counts.
            body = await _read(request, Written)
            await _take(written, token)
            async with doors.db.transaction(business_of(token)) as session:
                thread = await find_writer(session, token)
                if thread is None:
                    raise Refused(401, "unknown_token")
                await _admit(doors, session, request, thread.business_id)
                receipt = await receive(session, NAME, [await _event(session, thread, body)])
        except Refused as refused:
            return refused.response()
        return JSONResponse({"accepted": True, "duplicate": receipt.duplicates > 0}, status_code=202)

    @router.get("/chat/messages")
    async def read(
        request: Request,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        wait: Annotated[float, Query(ge=0, le=3600)] = 0.0,
    ) -> JSONResponse:
        """Return the messages after a number; with `wait`, as soon as there is one (25 seconds at most)."""
        try:
            answer = await _read_news(doors, request, after, min(wait, _LONGEST_WAIT))
        except Refused as refused:
            return refused.response()
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    @router.websocket("/chat/socket")
    async def socket(websocket: WebSocket) -> None:
        """Push what `GET /chat/messages` returns; the first message says `{token, after}`."""
        await serve_socket(doors.db, doors.redis, websocket, public_url=doors.public_url)

    for path in ("/chat/session", "/chat/messages"):
        router.add_api_route(path, preflight, methods=["OPTIONS"], include_in_schema=False)
    add_widget(router, doors.db, doors.words, text_limit=TEXT_LIMIT, public_url=doors.public_url)
    pages = APIRouter(tags=["web chat"])
    add_pages(pages, doors.db, doors.words, text_limit=TEXT_LIMIT)
    router.include_router(pages)
    return router


async def _read_news(doors: WebDoors, request: Request, after: int, wait: float) -> dict[str, Any]:
    token = _bearer(request)
    async with doors.db.transaction(business_of(token)) as session:
        conversation = await _admitted(doors, session, request, token)
        news = await load_news(session, conversation, after, now=await current_time(session))
    if news.messages or wait <= 0:
        return news.as_json()
    clock = asyncio.get_running_loop()
    until = clock.time() + wait
    topic = conversation_topic(conversation.business_id, conversation.id)
    async with watch(doors.redis, topic) as rest:
        while True:
            async with doors.db.transaction(conversation.business_id) as session:
                news = await load_news(session, conversation, after, now=await current_time(session))
            left = until - clock.time()
            if news.messages or left <= 0 or await request.is_disconnected():
                return news.as_json()
            await rest(left)


async def _event(session: AsyncSession, thread: Writer, body: Written) -> IncomingMessage:
    text = (body.text or "").strip()
    replied_to = None
    if body.choice is not None:
        choice = await messages.find_choice(session, thread, body.choice)
        if choice is None:
            raise Refused(422, "unknown_choice")
        text = choice.label
        replied_to = ProviderId(make_key(choice.business_id, choice.message_id))
    if not text:
        raise Refused(422, "empty")
    if len(text) > TEXT_LIMIT:
        raise Refused(422, "too_long", limit=TEXT_LIMIT)
    return IncomingMessage(
        account=thread.account,
        address=thread.address,
        provider_id=ProviderId(f"{thread.id.hex}:{body.client_id}"),
        text=text,
        choice=body.choice,
        in_reply_to=replied_to,
        locale=thread.locale,
    )


async def _thread(session: AsyncSession, token: str) -> Conversation:
    conversation = await find_thread(session, token) if token else None
    if conversation is None:
        raise Refused(401, "unknown_token")
    return conversation


async def _admitted(doors: WebDoors, session: AsyncSession, request: Request, token: str) -> Conversation:
    """Return the thread, for a page that may show it."""
    conversation = await _thread(session, token)
    await _admit(doors, session, request, conversation.business_id)
    return conversation


async def _admit(doors: WebDoors, session: AsyncSession, request: Request, business_id: UUID) -> None:
    if not await is_admitted(session, request, business_id, public_url=doors.public_url):
        raise Refused(403, "origin_refused")


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def _read(request: Request, form: type[Body]) -> Body:
    """Read a small JSON body; read by hand, because a framework would take any size."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _BODY_LIMIT:
            raise Refused(413, "too_large", limit=_BODY_LIMIT)
    try:
        return form.model_validate_json(bytes(body) or b"{}")
    except ValidationError as error:
        # Where and why, never what: the input is the customer's.
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise Refused(422, "malformed", detail=found) from None


def _limit(doors: WebDoors, name: str, most: int, window: timedelta) -> Limit | None:
    return Limit(doors.redis, name, most=most, window=window) if doors.redis is not None else None


async def _take(limit: Limit | None, who: str) -> None:
    if limit is None:
        return
    taken = await limit.take(who)
    if not taken.allowed:
        raise Refused(429, "slow_down", retry_after=max(1, round(taken.ends_in.total_seconds())))


def _body_schema(form: type[BaseModel]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": form.model_json_schema()}}}}

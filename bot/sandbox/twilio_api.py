"""Twilio's HTTP: Messages and Content, as the official client calls them."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.sandbox.files import listed_media, media_of
from bot.sandbox.forms import Unreadable, read_pairs
from bot.sandbox.models import SandboxMessage, SandboxObject
from bot.sandbox.stage import Stage, find
from bot.sandbox.twilio_accounts import as_account, known
from bot.sandbox.twilio_approvals import standing, submit
from bot.sandbox.twilio_contents import CONTENT, content_page, create_content
from bot.sandbox.twilio_errors import TwilioRefused
from bot.sandbox.twilio_objects import API, message_resource
from bot.sandbox.twilio_sending import WHATSAPP, create_message
from channels.access import TwilioAccess

LARGEST_PAGE = 1000
#: Answers a request of the account that is on the stage.
Answer = Callable[[Stage, AsyncSession, Request], Awaitable[Response]]


def router_for(stage: Stage) -> APIRouter:
    """Return the routes under /sandbox/twilio."""
    router = APIRouter(prefix="/sandbox/twilio", include_in_schema=False)
    for path, method, answer in (*_messages(), *_contents(), *_indicators()):
        router.add_api_route(path, _guarded(stage, answer), methods=[method], response_class=Response)
    return router


def _messages() -> Sequence[tuple[str, str, Answer]]:
    account = f"/{API}/Accounts/{{account}}"

    async def create(stage: Stage, session: AsyncSession, request: Request) -> Response:
        message = await create_message(stage, session, await read_pairs(request))
        return JSONResponse(message_resource(message, stage.twilio.account_sid), 201)

    async def listed(stage: Stage, session: AsyncSession, request: Request) -> Response:
        return JSONResponse(await _message_page(stage, session, request))

    async def fetched(stage: Stage, session: AsyncSession, request: Request) -> Response:
        sid = request.path_params["sid"]
        message = await session.scalar(_twilio_messages(stage).where(SandboxMessage.vendor_id == sid))
        if message is None:
            raise TwilioRefused(20404, request.url.path.removeprefix("/sandbox/twilio"))
        return JSONResponse(message_resource(message, stage.twilio.account_sid))

    async def files(stage: Stage, session: AsyncSession, request: Request) -> Response:
        return JSONResponse(await listed_media(session, stage.twilio.account_sid, request.path_params["sid"]))

    async def file(stage: Stage, session: AsyncSession, request: Request) -> Response:
        found = await media_of(session, request.path_params["media"], request.path_params["sid"])
        if found is None:
            raise TwilioRefused(20404, request.url.path.removeprefix("/sandbox/twilio"))
        return found

    return (
        (f"{account}/Messages.json", "POST", create),
        (f"{account}/Messages.json", "GET", listed),
        (f"{account}/Messages/{{sid}}.json", "GET", fetched),
        (f"{account}/Messages/{{sid}}/Media.json", "GET", files),
        (f"{account}/Messages/{{sid}}/Media/{{media}}", "GET", file),
    )


def _contents() -> Sequence[tuple[str, str, Answer]]:
    async def created(stage: Stage, session: AsyncSession, request: Request) -> Response:
        try:
            asked = json.loads(await request.body())
        except ValueError:
            raise TwilioRefused(20001, "the body is not JSON") from None
        if not isinstance(asked, dict):
            raise TwilioRefused(20001, "the body is not an object")
        return JSONResponse(await create_content(stage, session, asked), 201)

    async def listed(stage: Stage, session: AsyncSession, request: Request) -> Response:
        page, size = _paging(request)
        mine = SandboxObject.body["account_sid"].astext == stage.twilio.account_sid
        query = (
            select(SandboxObject).where(SandboxObject.kind == CONTENT, mine).order_by(SandboxObject.created_at.desc())
        )
        found = await session.scalars(query.offset(page * size).limit(size + 1))
        return JSONResponse(content_page(found.all(), page, size))

    async def fetched(stage: Stage, session: AsyncSession, request: Request) -> Response:
        return JSONResponse((await _content(stage, session, request)).body)

    async def deleted(stage: Stage, session: AsyncSession, request: Request) -> Response:
        await session.delete(await _content(stage, session, request))
        return Response(status_code=204)

    async def submitted(stage: Stage, session: AsyncSession, request: Request) -> Response:
        content = await _content(stage, session, request)
        try:
            asked = json.loads(await request.body())
        except ValueError:
            raise TwilioRefused(20001, "the body is not JSON") from None
        return JSONResponse(await submit(session, content.body, asked), 201)

    async def approval(stage: Stage, session: AsyncSession, request: Request) -> Response:
        content = await _content(stage, session, request)
        return JSONResponse(await standing(stage, session, content.body))

    return (
        ("/v1/Content/{sid}/ApprovalRequests/whatsapp", "POST", submitted),
        ("/v1/Content/{sid}/ApprovalRequests", "GET", approval),
        ("/v1/Content", "POST", created),
        ("/v1/Content", "GET", listed),
        ("/v1/Content/{sid}", "GET", fetched),
        ("/v1/Content/{sid}", "DELETE", deleted),
    )


def _indicators() -> Sequence[tuple[str, str, Answer]]:
    async def typing(stage: Stage, session: AsyncSession, request: Request) -> Response:
        form = dict(await read_pairs(request))
        heard = await session.scalar(
            _twilio_messages(stage).where(
                SandboxMessage.vendor_id == form.get("messageId"),
                SandboxMessage.channel == form.get("channel"),
                SandboxMessage.channel == "whatsapp",
                SandboxMessage.direction == "in",
            )
        )
        if heard is None:
            raise TwilioRefused(20001, "messageId")
        heard.vendor = {**heard.vendor, "seen": True}
        return JSONResponse({"success": True})

    return (("/v2/Indicators/Typing.json", "POST", typing),)


async def _content(stage: Stage, session: AsyncSession, request: Request) -> SandboxObject:
    content = await find(session, request.path_params["sid"], CONTENT)
    if content is None or content.body["account_sid"] != stage.twilio.account_sid:
        raise TwilioRefused(20404, request.url.path.removeprefix("/sandbox/twilio"))
    return content


def _guarded(stage: Stage, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            async with stage.db.transaction() as session:
                access = await _authenticated(stage, session, request)
                return await answer(as_account(stage, access), session, request)
        except TwilioRefused as refused:
            return refused.answer()
        except Unreadable:
            return TwilioRefused(20001, "the body").answer()

    return endpoint


async def _authenticated(stage: Stage, session: AsyncSession, request: Request) -> TwilioAccess:
    """Return the account whose SID and token a request brings; raises TwilioRefused."""
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    try:
        name, _, secret = base64.b64decode(told, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise TwilioRefused(20003) from None
    access = await known(stage, session, name, secret)
    if scheme.lower() != "basic" or access is None:
        raise TwilioRefused(20003)
    if request.path_params.get("account", name) != name:
        raise TwilioRefused(20404, request.url.path.removeprefix("/sandbox/twilio"))
    return access


def _paging(request: Request) -> tuple[int, int]:
    page, size = request.query_params.get("Page", "0"), request.query_params.get("PageSize", "50")
    if not page.isdecimal() or not size.isdecimal():
        raise TwilioRefused(20001, "Page")
    return int(page), min(max(int(size), 1), LARGEST_PAGE)


def _twilio_messages(stage: Stage) -> Select[SandboxMessage]:
    """An account has the messages of its own numbers."""
    ours = (stage.twilio.sms_number, WHATSAPP + stage.twilio.whatsapp_number)
    return select(SandboxMessage).where(
        SandboxMessage.channel.in_(("sms", "whatsapp")), SandboxMessage.account.in_(ours)
    )


async def _message_page(stage: Stage, session: AsyncSession, request: Request) -> dict[str, Any]:
    page, size = _paging(request)
    query = _filtered(_twilio_messages(stage), request).order_by(SandboxMessage.n.desc())
    found = (await session.scalars(query.offset(page * size).limit(size + 1))).all()
    sid = stage.twilio.account_sid
    asked = {name: value for name, value in request.query_params.items() if name not in {"Page", "PageSize"}}

    def uri(number: int) -> str:
        words = urlencode({**asked, "PageSize": size, "Page": number})
        return f"/{API}/Accounts/{sid}/Messages.json?{words}"

    shown = found[:size]
    return {
        "messages": [message_resource(message, sid) for message in shown],
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(len(shown) - 1, 0),
        "first_page_uri": uri(0),
        "previous_page_uri": uri(page - 1) if page else None,
        "next_page_uri": uri(page + 1) if len(found) > size else None,
        "uri": uri(page),
    }


def _filtered(query: Select[SandboxMessage], request: Request) -> Select[SandboxMessage]:
    params = request.query_params
    if to := params.get("To"):
        query = query.where(SandboxMessage.vendor["to"].astext == to)
    if sender := params.get("From"):
        query = query.where(SandboxMessage.vendor["from"].astext == sender)
    for name in ("DateSent", "DateSent<", "DateSent>"):
        if name in params:
            day = _moment(params[name])
            if not name.endswith("<"):
                query = query.where(SandboxMessage.at >= day)
            if not name.endswith(">"):
                query = query.where(SandboxMessage.at < day + timedelta(days=1))
    return query


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise TwilioRefused(20001, "DateSent") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

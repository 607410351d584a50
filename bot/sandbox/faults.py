"""A bad day at the vendors', by a seeded plan: slow answers, 429, 500, cut connections, answers that get lost.

The n-th request after a plan was made meets the same fate in every run with its seed. What the vendors tell us may
come twice and out of order, too. The plan is a row, so that it outlives whatever is killed meanwhile.
"""

import asyncio
import json
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from random import Random
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from booking_core.kit.clock import current_time
from booking_core.kit.db import UNAVAILABLE
from bot.sandbox.stage import Stage, find, next_number, put

PLAN = "faults"
#: What the vendors' clients call.
VENDORS = ("/sandbox/twilio/", "/sandbox/telegram/", "/sandbox/stripe/")
_Chance = Field(0.0, ge=0, le=1)


class Plan(BaseModel):
    """How likely each trouble is, of 1. Without any the vendors have a good day."""

    seed: int = 0
    #: Of each request: answered late by up to `slowest` seconds.
    slow: float = _Chance
    slowest: float = Field(2.0, ge=0, le=60)
    #: Refused with 429, refused with 500, cut off: nothing was done.
    busy: float = _Chance
    broken: float = _Chance
    cut: float = _Chance
    #: Done, and then answered with 500 (Telegram: a gateway's 504) or cut off.
    lost: float = _Chance
    #: Of each webhook and report: told once more though it was heard.
    twice: float = _Chance
    #: Of each report: told late, and after those that follow it.
    shuffled: float = _Chance


class Fate(StrEnum):
    """What befalls a request."""

    NOTHING = "nothing"
    BUSY = "busy"
    BROKEN = "broken"
    CUT = "cut"
    LOST = "lost"
    LOST_AND_CUT = "lost and cut"


@dataclass(frozen=True, slots=True)
class Doom:
    """A request's fate, and seconds before it."""

    fate: Fate
    wait: float


def doom_of(plan: Plan, number: int) -> Doom:
    """Return what befalls the n-th request."""
    dice = _dice(plan, f"{number}")
    wait = dice.random() * plan.slowest if dice.random() < plan.slow else 0.0
    cut = dice.random() < 0.5
    at = dice.random()
    for fate, chance in (
        (Fate.BUSY, plan.busy),
        (Fate.BROKEN, plan.broken),
        (Fate.CUT, plan.cut),
        (Fate.LOST_AND_CUT if cut else Fate.LOST, plan.lost),
    ):
        if at < chance:
            return Doom(fate, wait)
        at -= chance
    return Doom(Fate.NOTHING, wait)


def _dice(plan: Plan, what: str) -> Random:
    return Random(f"{plan.seed}:{what}")  # noqa: S311 - dice that must fall alike again; they keep no secret


async def plan_in(session: AsyncSession) -> Plan | None:
    """Return the plan that was made, if there is one."""
    kept = await find(session, PLAN)
    return Plan.model_validate(kept.body) if kept is not None else None


def comes_twice(plan: Plan | None, what: str) -> bool:
    """Whether something is told once more; `what` names it."""
    return plan is not None and _dice(plan, f"twice:{what}").random() < plan.twice


def is_late(plan: Plan | None, what: str) -> float:
    """Return the seconds by which a report is late and out of its turn; 0: it is not."""
    if plan is None:
        return 0.0
    dice = _dice(plan, f"late:{what}")
    return 0.2 + dice.random() * 3 if dice.random() < plan.shuffled else 0.0


def router_for(stage: Stage) -> APIRouter:
    """Return `PUT /sandbox/faults`."""
    router = APIRouter(tags=["sandbox"])

    @router.put("/sandbox/faults")
    async def plan(wanted: Plan) -> dict[str, Any]:
        """Give the vendors a bad day, or with `{}` a good one again."""
        async with stage.db.transaction() as session:
            await put(session, PLAN, PLAN, wanted.model_dump(), await current_time(session))
        return wanted.model_dump()

    return router


class BadDay:
    """Stands before the vendors' routes and lets each request meet its fate."""

    def __init__(self, app: ASGIApp, stage: Stage) -> None:
        self._app, self._stage = app, stage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of a vendor's client, or not."""
        if scope["type"] != "http" or not scope["path"].startswith(VENDORS):
            await self._app(scope, receive, send)
            return
        try:
            doom = await self._next()
        except (*UNAVAILABLE, OSError):
            await _refuse(send, scope["path"], 503)
            return
        await asyncio.sleep(doom.wait)
        match doom.fate:
            case Fate.NOTHING:
                await self._app(scope, receive, send)
            case Fate.BUSY:
                await _refuse(send, scope["path"], 429)
            case Fate.BROKEN:
                await _refuse(send, scope["path"], 500)
            case Fate.CUT:
                await _cut_off(send)
            case Fate.LOST:
                await self._app(scope, receive, _nobody)
                await _lose(send, scope["path"])
            case Fate.LOST_AND_CUT:
                await self._app(scope, receive, _nobody)
                await _cut_off(send)

    async def _next(self) -> Doom:
        async with self._stage.db.transaction() as session:
            plan = await plan_in(session)
            if plan is None or plan == Plan(seed=plan.seed):
                return Doom(Fate.NOTHING, 0.0)
            number = await next_number(session, f"{PLAN}:{plan.seed}", 0, await current_time(session))
        return doom_of(plan, number)


async def _nobody(_: Message) -> None:
    """Hear an answer that never arrives."""


async def _refuse(send: Send, path: str, status: int) -> None:
    body = json.dumps(_words(path, status)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(b"retry-after", b"1")] if status == 429 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lose(send: Send, path: str) -> None:
    """Answer what was done as if it was not; Telegram's own 500 says that it was not, so a gateway speaks there."""
    if not path.startswith("/sandbox/telegram/"):
        await _refuse(send, path, 500)
        return
    page = b"<html><body><h1>504 Gateway Time-out</h1></body></html>"
    headers = [(b"content-type", b"text/html"), (b"content-length", str(len(page)).encode())]
    await send({"type": "http.response.start", "status": 504, "headers": headers})
    await send({"type": "http.response.body", "body": page})


async def _cut_off(send: Send) -> None:
    """Begin an answer and leave it there: the server closes the connection."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})


def _words(path: str, status: int) -> dict[str, Any]:
    words = HTTPStatus(status).phrase
    if path.startswith("/sandbox/twilio/"):
        code = 20000 + status
        return {
            "code": code,
            "message": words,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }
    if path.startswith("/sandbox/telegram/"):
        more = {"parameters": {"retry_after": 1}} if status == 429 else {}
        return {"ok": False, "error_code": status, "description": words + (": retry after 1" if more else ""), **more}
    return {"error": {"type": "rate_limit_error" if status == 429 else "api_error", "message": words}}

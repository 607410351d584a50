"""Twilio's accounts: the system's own, and as many more as somebody opens, each with a token and numbers of its own."""

import hmac
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox.models import SandboxObject
from bot.sandbox.stage import Stage, find, hex_id, put
from channels.access import TwilioAccess

_KIND = "twilio_account"
_NUMBER = r"^(\+[1-9]\d{6,14})?$"


class Wanted(BaseModel):
    """The numbers of a new account."""

    sms_number: str = Field("", pattern=_NUMBER)
    whatsapp_number: str = Field("", pattern=_NUMBER)


class Renewed(BaseModel):
    """A new token for an account, as by a click in Twilio's console."""

    auth_token: str = Field(pattern=r"^[0-9a-f]{32}$")


def router_for(stage: Stage) -> APIRouter:
    """Return the routes that open an account and change its token: what one does in Twilio's console."""
    router = APIRouter(prefix="/sandbox/accounts/twilio", tags=["sandbox"])

    @router.post("", status_code=201)
    async def open_account(wanted: Wanted) -> dict[str, Any]:
        """Open an account with numbers; refuses a number that another account has."""
        async with stage.db.transaction() as session:
            for number in filter(None, (wanted.sms_number, wanted.whatsapp_number)):
                if (await _by_number(stage, session, number)) is not None:
                    raise HTTPException(409, "another account has this number")
            made = {
                "account_sid": hex_id("AC"),
                "auth_token": hex_id(""),
                "messaging_service_sid": hex_id("MG"),
                **wanted.model_dump(),
            }
            await put(session, _key(made["account_sid"]), _KIND, made, await current_time(session))
            return made

    @router.put("/{sid}", status_code=204)
    async def renew(sid: str, renewed: Renewed) -> None:
        """Give an account another token; the old one opens nothing from now on."""
        async with stage.db.transaction() as session:
            kept = await find(session, _key(sid), _KIND, for_update=True)
            if kept is None:
                raise HTTPException(404, "no such account")
            kept.body = {**kept.body, "auth_token": renewed.auth_token}

    return router


def _key(sid: str) -> str:
    return f"twilio:account:{sid}"


async def account_of(stage: Stage, session: AsyncSession, sid: str) -> TwilioAccess | None:
    """Return the account with a SID."""
    if sid == stage.twilio.account_sid:
        return stage.twilio
    kept = await find(session, _key(sid), _KIND)
    return None if kept is None else _access(stage, kept.body)


async def known(stage: Stage, session: AsyncSession, sid: str, token: str) -> TwilioAccess | None:
    """Return the account that a SID and its token open."""
    found = await account_of(stage, session, sid)
    return found if found is not None and hmac.compare_digest(token.encode(), found.auth_token.encode()) else None


async def seen_by(stage: Stage, session: AsyncSession, number: str | None) -> Stage:
    """Return the stage as the account with a number of ours sees it; the system's account where none has it."""
    found = await _by_number(stage, session, number) if number else None
    return stage if found is None else as_account(stage, found)


def as_account(stage: Stage, access: TwilioAccess) -> Stage:
    """Return the stage with another Twilio account on it."""
    return replace(stage, vendors=replace(stage.vendors, twilio=access))


async def _by_number(stage: Stage, session: AsyncSession, number: str) -> TwilioAccess | None:
    number = number.removeprefix("whatsapp:")
    if number in (stage.twilio.sms_number, stage.twilio.whatsapp_number):
        return stage.twilio
    accounts = await session.scalars(
        select(SandboxObject).where(
            SandboxObject.kind == _KIND,
            (SandboxObject.body["sms_number"].astext == number)
            | (SandboxObject.body["whatsapp_number"].astext == number),
        )
    )
    kept = accounts.first()
    return None if kept is None else _access(stage, kept.body)


def _access(stage: Stage, body: dict[str, str]) -> TwilioAccess:
    ours = stage.twilio
    return replace(
        ours,
        account_sid=body["account_sid"],
        auth_token=body["auth_token"],
        sms_number=body["sms_number"],
        whatsapp_number=body["whatsapp_number"],
        messaging_service_sid=body["messaging_service_sid"],
    )

"""What keeps messages from a phone: a landline, a phone that is off, a carrier in trouble."""

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from booking_core.kit.clock import current_time
from bot.sandbox import telegram_phone
from bot.sandbox.phone import ThisPhone
from bot.sandbox.stage import Stage, put
from bot.sandbox.twilio_sending import WHATSAPP


class Trouble(BaseModel):
    """How the next messages to a phone fail on their way: Twilio's code, and how many of them."""

    code: int = Field(ge=10000, le=99999)
    times: int = Field(1, ge=0, le=1_000_000)


class Group(BaseModel):
    """A Telegram group, by its (negative) id."""

    id: int = Field(lt=0)


def add_hardships(router: APIRouter, stage: Stage) -> None:
    """Add what can befall a phone."""

    @router.post("/trouble", status_code=202)
    async def trouble(phone: ThisPhone, what: Trouble) -> dict[str, Any]:
        """Let the next messages to this phone fail, such as with 30006: a landline."""
        if phone.channel == "telegram":
            raise HTTPException(404, "Telegram's messages do not fail on the way")
        to = (WHATSAPP if phone.channel == "whatsapp" else "") + phone.address
        async with stage.db.transaction() as session:
            await put(session, f"trouble:{to}", "trouble", what.model_dump(), await current_time(session))
        return {"ok": True}

    @router.post("/group", status_code=202)
    async def group(phone: ThisPhone, what: Group) -> dict[str, Any]:
        """Put the bot into a group, which it is to leave (Telegram)."""
        if phone.channel != "telegram":
            raise HTTPException(404, "only Telegram has groups")
        async with stage.db.transaction() as session:
            await telegram_phone.add_to_group(stage, session, phone.address, what.id, "Sam")
        return {"ok": True}

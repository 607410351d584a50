"""`/sandbox/phones`: what a customer does with a phone, and what the phone shows."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Query
from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox import telegram_phone, twilio_phone
from bot.sandbox.files import add_files
from bot.sandbox.models import SandboxMessage
from bot.sandbox.phone import Phone, ThisPhone
from bot.sandbox.phone_hardships import add_hardships
from bot.sandbox.stage import Stage, keep_once
from bot.sandbox.telegram_objects import person
from bot.sandbox.twilio_accounts import seen_by
from bot.sandbox.twilio_status import read_up_to

#: What the platforms say a customer is called, unless told otherwise.
SOMEBODY = "Sam"
MOST_SHOWN = 500

Text = Annotated[str, AfterValidator(lambda text: text.replace("\0", ""))]


class Said(BaseModel):
    """What somebody writes; `name` and `locale` are what the platform tells of the person."""

    text: Text = Field(min_length=1, max_length=4096)
    name: str = Field(SOMEBODY, min_length=1, max_length=60)
    locale: str | None = Field(None, max_length=20)
    #: Which of our numbers it is for, where accounts have several; the system's own, unless told.
    to: str | None = Field(None, max_length=60)


class Tapped(BaseModel):
    """A tapped choice of a message, by the message's `n`."""

    message: int = Field(ge=0, lt=2**63)
    choice: str
    name: str = Field(SOMEBODY, min_length=1, max_length=60)


class Seen(BaseModel):
    """The last message on the screen."""

    n: int = Field(ge=0, lt=2**63)


class Blocked(BaseModel):
    """Whether the customer blocks the bot (Telegram)."""

    blocked: bool
    name: str = Field(SOMEBODY, min_length=1, max_length=60)


def router_for(stage: Stage) -> APIRouter:
    """Return the phones' routes."""
    router = APIRouter(prefix="/sandbox/phones/{channel}/{address}", tags=["sandbox"])

    @router.post("/say", status_code=202)
    async def say(
        phone: ThisPhone, said: Said, idempotency_key: Annotated[str | None, Header(max_length=200)] = None
    ) -> dict[str, Any]:
        """Write to the business; the same Idempotency-Key writes once."""
        async with stage.db.transaction() as session:
            if not await _first_time(session, phone, idempotency_key):
                return {"n": None, "repeated": True}
            message = await _say(stage, session, phone, said)
            return {"n": message.n}

    @router.post("/tap", status_code=202)
    async def tap(
        phone: ThisPhone, tapped: Tapped, idempotency_key: Annotated[str | None, Header(max_length=200)] = None
    ) -> dict[str, Any]:
        """Tap a choice under a message; taps may be repeated, as on a phone; the same Idempotency-Key taps once."""
        async with stage.db.transaction() as session:
            if not await _first_time(session, phone, idempotency_key):
                return {"ok": True, "repeated": True}
            message = await session.get(SandboxMessage, tapped.message)
            if message is None or (message.channel, message.phone) != (phone.channel, phone.address):
                raise HTTPException(404, "no such message on this phone")
            choice = next((one for one in message.choices if one["id"] == tapped.choice), None)
            if choice is None:
                raise HTTPException(404, "no such choice under this message")
            if phone.channel == "telegram":
                await telegram_phone.tap(stage, session, message, choice)
            else:
                theirs = await seen_by(stage, session, message.account)
                await twilio_phone.tap(theirs, session, message, choice, tapped.name)
        return {"ok": True}

    @router.get("/messages")
    async def messages(phone: ThisPhone, after: Annotated[int, Query(ge=0, lt=2**63)] = 0) -> dict[str, Any]:
        """Return what the phone shows, after a message's `n`."""
        async with stage.db.transaction() as session:
            found = await session.scalars(
                select(SandboxMessage)
                .where(
                    SandboxMessage.channel == phone.channel,
                    SandboxMessage.phone == phone.address,
                    SandboxMessage.n > after,
                    SandboxMessage.vendor["hidden"].is_(None),
                )
                .order_by(SandboxMessage.n)
                .limit(MOST_SHOWN)
            )
            return {"messages": [shown(message) for message in found.all()]}

    @router.post("/seen", status_code=202)
    async def seen(phone: ThisPhone, what: Seen) -> dict[str, Any]:
        """The messages up to `n` are on the screen: WhatsApp marks them as read."""
        async with stage.db.transaction() as session:
            await read_up_to(stage, session, phone.channel, phone.address, what.n)
        return {"ok": True}

    @router.post("/block", status_code=202)
    async def block(phone: ThisPhone, wish: Blocked) -> dict[str, Any]:
        """Block the bot on Telegram, or unblock it."""
        if phone.channel != "telegram":
            raise HTTPException(404, "only Telegram tells who blocks it")
        async with stage.db.transaction() as session:
            user = person(phone.address, wish.name, None)
            await telegram_phone.block(stage, session, phone.address, user, blocked=wish.blocked)
        return {"ok": True}

    add_hardships(router, stage)
    add_files(router, stage)
    return router


async def _first_time(session: AsyncSession, phone: Phone, key: str | None) -> bool:
    """Whether a request with this key is new; without one it always is."""
    if key is None:
        return True
    named = f"said:{phone.channel}:{phone.address}:{key}"
    return await keep_once(session, named, "said", {}, await current_time(session))


async def _say(stage: Stage, session: AsyncSession, phone: Phone, said: Said) -> SandboxMessage:
    if phone.channel == "telegram":
        return await telegram_phone.say(stage, session, phone.address, said.text, said.name, said.locale)
    theirs = await seen_by(stage, session, said.to)
    return await twilio_phone.say(theirs, session, phone.channel, phone.address, said.text, said.name)


def shown(message: SandboxMessage) -> dict[str, Any]:
    """Return a message as its phone shows it."""
    return {
        "n": message.n,
        "from": "customer" if message.direction == "in" else "business",
        "text": message.text,
        "choices": [{"id": one["id"], "label": one["label"]} for one in message.choices],
        "at": _told(message.at),
        "kind": message.vendor.get("kind"),
        "button": message.vendor.get("button"),
        "rows": [one.get("row", 0) for one in message.choices],
        "descriptions": [one.get("description", "") for one in message.choices],
        "seen": bool(message.vendor.get("seen")),
        "edited": "edited" in message.vendor and not message.vendor.get("keyboard"),
    }


def _told(moment: datetime) -> str:
    return moment.isoformat()

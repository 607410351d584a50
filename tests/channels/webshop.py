"""A web chat without a bot: an application of our doors only, and a desk that answers by hand."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import func, select, update

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from booking_core.models import Business
from bot.words import Words
from channels.deliver import deliver
from channels.messages import ChoiceDraft, queue_message
from channels.models import Conversation, Message
from channels.web import WebChat
from channels.web_routes import WebDoors, router_for
from tests.channels.builders import a_business

WORDS = Words()
FACTS = {
    "service": "Haircut",
    "staff": "Ana",
    "start": "2026-11-24T15:00:00+01:00",
    "end": "2026-11-24T15:30:00+01:00",
    "location": "Marigold Studio, Calle Mayor 5, Madrid",
    "reference": "K7QX4M",
    "price": "€28.00",
    "payment_url": "https://pay.example/c/cs_1",
    "ics_token": "secret-token",
    "booking": "internal",
}


def chat_app(database: Database, redis: "Redis | None" = None) -> FastAPI:
    app = FastAPI()
    app.include_router(router_for(WebDoors(database, redis, WORDS)))
    return app


async def open_shop(database: Database, *slugs: str, origins: Sequence[str] = ()) -> None:
    for slug in slugs or ("marigold",):
        async with database.transaction() as session:
            business = await a_business(session, slug, {"web": slug})
            business.settings = {"chat_origins": list(origins)}


async def allow(database: Database, *origins: str) -> None:
    async with database.transaction() as session:
        await session.execute(update(Business).values(settings={"chat_origins": list(origins)}))


async def count(database: Database, table: type) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def only_thread(database: Database) -> Conversation:
    async with database.transaction() as session:
        return (await session.scalars(select(Conversation))).one()


async def say(
    database: Database,
    conversation: Conversation,
    text: str,
    *,
    choices: Sequence[str | tuple[str, ...]] = (),
    act: str | None = None,
    facts: Mapping[str, Any] | None = None,
    sender: str = "bot",
    send: bool = True,
) -> UUID:
    """Queue a message to the customer as the bot does, and deliver it as the worker does.

    A choice that stands for a moment is (its label, the moment with its offset), perhaps with who takes part.
    """
    async with database.transaction() as session:
        now = await current_time(session)
        await session.execute(update(Message).where(Message.status == "received").values(status="answered"))
        thread = await session.get_one(Conversation, (conversation.business_id, conversation.id))
        drafts = [
            ChoiceDraft(one, "pick")
            if isinstance(one, str)
            else ChoiceDraft(one[0], "pick", dict(zip(("starts", "people"), one[1:], strict=False)))
            for one in choices
        ]
        message = await queue_message(
            session, thread, sender=sender, text=text, choices=drafts, act=act, facts=facts, locale="en", now=now
        )
    if send:
        await hand_over(database, message.business_id, message.id)
    return message.id


async def hand_over(database: Database, business_id: UUID, message_id: UUID, *, allowed: bool = True) -> None:
    async def may_send(*_: object) -> bool:
        return allowed

    await deliver(database, {"web": WebChat()}, business_id, message_id, may_send=may_send)

"""A business with accounts, and a channel that remembers what it was asked to send."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from fastapi import Request
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database, libpq_url
from booking_core.models import Business
from channels.accounts import open_account
from channels.contract import Event, IncomingMessage, OutgoingMessage, ProviderId, SendError
from channels.conversations import open_conversation
from channels.messages import queue_message
from channels.models import Conversation, Message

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ACCOUNTS = {"sms": "+15005550006", "whatsapp": "whatsapp:+15005550007", "telegram": "700"}
CUSTOMER = "+34600111222"


async def a_business(session: AsyncSession, slug: str = "marigold", accounts: dict[str, str] = ACCOUNTS) -> Business:
    business = Business(
        slug=slug,
        name="Marigold",
        default_locale="en",
        timezone="Europe/Madrid",
        currency="EUR",
        policy={},
        settings={},
    )
    session.add(business)
    await session.flush()
    for channel, address in accounts.items():
        await open_account(session, business.id, channel, address)
    return business


async def a_thread(session: AsyncSession, channel: str = "sms", address: str = CUSTOMER) -> Conversation:
    business = await a_business(session)
    account = await open_account(session, business.id, channel, ACCOUNTS[channel])
    return await open_conversation(session, account, address, now=NOW)


async def queued(session: AsyncSession, conversation: Conversation, *texts: str) -> list[UUID]:
    return [
        (await queue_message(session, conversation, sender="bot", text=text, locale="en", now=NOW)).id for text in texts
    ]


def a_message(provider_id: str = "SM1", text: str = "hello", **more: object) -> IncomingMessage:
    return IncomingMessage(
        account=ACCOUNTS["sms"],
        address=CUSTOMER,
        provider_id=ProviderId(provider_id),
        text=text,
        **more,  # type: ignore[arg-type]
    )


async def allowed(session: AsyncSession, message: Message) -> bool:
    return True


Answer = Callable[[OutgoingMessage], str]


class Wire:
    """A channel whose provider is a list: `answers` decides each attempt in turn, then everything goes."""

    name = "sms"
    quiet = timedelta(0)

    def __init__(self, *answers: SendError | str, delay: float = 0.0) -> None:
        self.answers = list(answers)
        self.delay = delay
        self.accepted: list[OutgoingMessage] = []
        self.ids: dict[str, str] = {}
        self.at_once = 0
        self.most_at_once = 0
        self.cannot_tell: SendError | None = None

    async def read(self, request: Request) -> list[Event]:
        return []

    async def send(self, message: OutgoingMessage) -> ProviderId:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.delay)
            answer = self.answers.pop(0) if self.answers else "yes"
            if isinstance(answer, SendError):
                if answer.code == "taken, but nobody heard":
                    self._accept(message)
                raise answer
            return self._accept(message)
        finally:
            self.at_once -= 1

    def _accept(self, message: OutgoingMessage) -> ProviderId:
        self.accepted.append(message)
        self.ids[message.key] = f"SM{len(self.accepted):03}"
        return ProviderId(self.ids[message.key])

    async def find_sent(self, message: OutgoingMessage) -> ProviderId | None:
        if self.cannot_tell is not None:
            raise self.cannot_tell
        found = self.ids.get(message.key)
        return ProviderId(found) if found else None

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.accepted]


def jobs(database_url: str) -> list[dict[str, object]]:
    """Return what was deferred, in order."""
    with psycopg.connect(libpq_url(database_url), row_factory=dict_row) as connection:
        return connection.execute(
            "SELECT task_name, args, scheduled_at, status::text FROM procrastinate_jobs ORDER BY id"
        ).fetchall()


def job_names(database_url: str) -> list[object]:
    return [job["task_name"] for job in jobs(database_url)]


async def load(database: Database, business_id: UUID, message_id: UUID) -> Message:
    async with database.transaction() as session:
        return await session.get_one(Message, (business_id, message_id))

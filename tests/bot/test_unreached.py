"""A landline, a number that is gone, a set-up that is wrong: the customer hears it another way, or staff call."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from bot.models import StaffTask
from bot.notices import delivery_failed
from channels.accounts import open_account
from channels.conversations import open_conversation
from channels.messages import ChoiceDraft, find_choice, queue_message
from channels.models import Conversation, Message
from tests.channels.builders import ACCOUNTS, NOW, a_business
from tests.channels.sandboxed import ADDRESSES, World, open_world, until


@pytest.fixture
async def world(database: Database, database_url: str, redis_url: str) -> AsyncIterator[World]:
    async with open_world(database, database_url, redis_url, delivery_failed) as world:
        yield world


async def threads(session: AsyncSession, *channels: str) -> list[Conversation]:
    """Threads of one customer."""
    business = await a_business(session)
    customer = new_id()
    found = []
    for channel in channels:
        account = await open_account(session, business.id, channel, ACCOUNTS[channel])
        thread = await open_conversation(session, account, f"{channel}-address", now=NOW)
        thread.customer_id, thread.last_heard_at = customer, NOW
        found.append(thread)
    return found


async def failed(session: AsyncSession, thread: Conversation, error: str) -> Message:
    message = await queue_message(
        session,
        thread,
        sender="bot",
        text="Tomorrow at three.",
        choices=[ChoiceDraft("I'll come", "confirm_attendance", {"booking": "1"})],
        act="reminder",
        facts={"line": "a haircut"},
        locale="en",
        now=NOW,
    )
    message.status, message.error = "failed", error
    await delivery_failed(session, message)
    return message


async def tasks(session: AsyncSession) -> list[tuple[str, str | None]]:
    return [(one.kind, one.data.get("error")) for one in await session.scalars(select(StaffTask))]


async def said_in(session: AsyncSession, thread: Conversation) -> list[Message]:
    return list(await session.scalars(select(Message).where(Message.conversation_id == thread.id)))


@pytest.mark.parametrize("code", [30006, 30005, 30003, 21211, 21614, 21612])
async def test_a_landline_hears_it_on_another_channel(session: AsyncSession, code: int) -> None:
    sms, telegram = await threads(session, "sms", "telegram")
    message = await failed(session, sms, f"twilio_{code}")
    (said,) = await said_in(session, telegram)
    assert (said.text, said.act, said.facts, said.status) == (message.text, "reminder", {"line": "a haircut"}, "queued")
    assert message.terms["instead"] == str(said.id)
    token = await find_choice(session, telegram, said.choices[0]["id"])
    assert token is not None
    assert token.meaning == {"do": "confirm_attendance", "args": {"booking": "1"}}
    assert await tasks(session) == [("unreachable_elsewhere", f"twilio_{code}")]


async def test_who_is_nowhere_else_is_called(session: AsyncSession) -> None:
    (sms,) = await threads(session, "sms")
    await failed(session, sms, "twilio_30006")
    assert await tasks(session) == [("unreachable", "twilio_30006")]


async def test_a_browser_that_may_be_closed_is_no_other_way(session: AsyncSession) -> None:
    sms, _ = await threads(session, "sms", "telegram")
    other = (await session.scalars(select(Conversation).where(Conversation.channel == "telegram"))).one()
    other.channel = "web"
    await failed(session, sms, "twilio_30006")
    assert await tasks(session) == [("unreachable", "twilio_30006")]


async def test_who_has_left_the_other_channel_is_not_written_to_there(session: AsyncSession) -> None:
    sms, telegram = await threads(session, "sms", "telegram")
    telegram.opted_out_at = NOW
    await failed(session, sms, "twilio_30006")
    assert await said_in(session, telegram) == []
    assert await tasks(session) == [("unreachable", "twilio_30006")]


async def test_it_does_not_go_round_in_circles(session: AsyncSession) -> None:
    sms, telegram = await threads(session, "sms", "telegram")
    await failed(session, sms, "twilio_30006")
    (said,) = await said_in(session, telegram)
    said.status, said.error = "failed", "twilio_30006"
    await delivery_failed(session, said)
    assert len(await said_in(session, sms)) == 1
    assert [kind for kind, _ in await tasks(session)] == ["unreachable_elsewhere", "unreachable"]


@pytest.mark.parametrize("code", [30004, 30007, 30008, 21610, 30036])
async def test_whoever_blocked_us_is_not_followed_to_another_channel(session: AsyncSession, code: int) -> None:
    sms, telegram = await threads(session, "sms", "telegram")
    await failed(session, sms, f"twilio_{code}")
    assert await said_in(session, telegram) == []
    assert await tasks(session) == [("message_failed", f"twilio_{code}")]


async def test_what_is_wrong_for_everybody_is_one_task(session: AsyncSession) -> None:
    sms, telegram = await threads(session, "sms", "telegram")
    for _ in range(3):
        await failed(session, sms, "twilio_30034")
    assert await said_in(session, telegram) == []
    assert await tasks(session) == [("channel_setup", "twilio_30034")]


async def test_a_landline_reported_by_twilio_hears_it_on_telegram(world: World) -> None:
    await world.say("telegram", "hello")
    await world.say("sms", "hello")
    customer = new_id()
    async with world.db.transaction() as session:
        for thread in await session.scalars(select(Conversation)):
            thread.customer_id = customer
    path = f"/sandbox/phones/sms/{ADDRESSES['sms']}/trouble"
    assert (await world.http.post(path, json={"code": 30006})).status_code == 202
    sent, _ = await world.answer("sms", "Tomorrow at three.", [])
    found: list[UUID] = []

    async def elsewhere() -> bool:
        async with world.db.transaction() as session:
            rows = await session.scalars(select(Message).where(Message.channel == "telegram", Message.sender == "bot"))
            found[:] = [row.id for row in rows]
            return bool(found)

    await until(elsewhere)
    async with world.db.transaction() as session:
        row = await session.get_one(Message, (sent.business_id, sent.id))
        assert (row.status, row.terms["instead"]) == ("failed", str(found[0]))

"""Messages of a customer while a person is waited for, has the thread, or has put it aside; no model is needed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from uuid import UUID, uuid4

import procrastinate
import pytest
from sqlalchemy import select

from booking_core.kit.clock import current_time
from booking_core.kit.db import libpq_url
from bot import due, handoff, notices
from bot.models import Dialogue, HandoffNote, User
from bot.sample import seed_business
from bot.turn import answer_conversation
from bot.wiring import System, open_system
from channels import conversations, messages
from channels.contract import IncomingMessage
from channels.models import Conversation, Message
from channels.receive import receive
from tests.flows.world import settings_for

if TYPE_CHECKING:
    from nlu.engine import Engine


class NobodyAsks:
    """Where an engine would be: a person's thread must never reach it."""

    async def turn(self, *_: object) -> None:
        raise AssertionError("the bot was asked while a person is in charge")


@pytest.fixture
async def system(database_url: str, redis_url: str) -> AsyncIterator[System]:
    async with open_system(settings_for(database_url, redis_url)) as system:
        await seed_business(system.db, system.settings)
        yield system


@pytest.fixture
async def thread(system: System) -> Conversation:
    """A thread whose customer has asked for a person."""
    async with system.db.transaction() as session:
        now = await current_time(session)
        await receive(
            session, "web", [IncomingMessage("marigold", "somebody", uuid4().hex, "a person, please")], now=now
        )
        conversation = (await session.scalars(select(Conversation))).one()
        await handoff.ask_for_person(session, conversation, now)
        for row in await session.scalars(select(Message)):
            row.status = "answered"
        return conversation


async def says(system: System, thread: Conversation, words: str) -> None:
    async with system.db.transaction() as session:
        now = await current_time(session)
        await receive(session, "web", [IncomingMessage("marigold", "somebody", uuid4().hex, words)], now=now)
    await answer_conversation(system, cast("Engine", NobodyAsks()), thread.business_id, thread.id)


async def said_by_bot(system: System) -> list[tuple[str | None, str]]:
    async with system.db.transaction() as session:
        rows = await session.execute(
            select(Message.act, Message.text).where(Message.sender == "bot").order_by(Message.seq)
        )
        return [(act, text) for act, text in rows.tuples()]


async def person(system: System) -> UUID:
    async with system.db.transaction() as session:
        return (await session.scalars(select(User.id).where(User.role == "staff").limit(1))).one()


async def moves(system: System) -> list[str]:
    async with system.db.transaction() as session:
        return list(await session.scalars(select(HandoffNote.move).order_by(HandoffNote.at, HandoffNote.id)))


async def test_who_waits_is_told_once_in_a_wait_when_a_person_answers(system: System, thread: Conversation) -> None:
    await says(system, thread, "hello?")
    await says(system, thread, "anybody there?")
    (first,) = await said_by_bot(system)
    assert first[0] == "handoff"
    async with system.db.transaction() as session:
        message = (await session.scalars(select(Message).where(Message.sender == "bot"))).one()
        assert await handoff.may_send(session, message), "it goes out while somebody waits"
        unanswered = select(Message).where(Message.sender == "customer", Message.status != "answered")
        assert (await session.scalars(unanswered)).all() == []
    assert await moves(system) == ["ask", "estimate"]

    ana = await person(system)
    async with system.db.transaction() as session:
        now = await current_time(session)
        await handoff.hand_back(session, thread.business_id, thread.id, ana, version=1, now=now)
        await handoff.ask_for_person(session, await conversations.load(session, thread.business_id, thread.id), now)
    await says(system, thread, "and now?")
    assert len(await said_by_bot(system)) == 2, "another wait, another answer"


async def test_a_person_in_charge_silences_the_bot_by_a_reply_alone(system: System, thread: Conversation) -> None:
    ana = await person(system)
    async with system.db.transaction() as session:
        now = await current_time(session)
        await handoff.reply(session, thread.business_id, thread.id, ana, "Hello, Ana here", key=uuid4(), now=now)
    await says(system, thread, "great, a haircut tomorrow please")
    assert await said_by_bot(system) == []


async def test_a_message_wakes_a_snoozed_thread_and_the_bot_stays_silent(system: System, thread: Conversation) -> None:
    ana = await person(system)
    async with system.db.transaction() as session:
        now = await current_time(session)
        await handoff.snooze(session, thread.business_id, thread.id, ana, now + timedelta(days=1), version=1, now=now)
    await says(system, thread, "one more thing")
    async with system.db.transaction() as session:
        dialogue = (await session.scalars(select(Dialogue))).one()
        assert (dialogue.answers, dialogue.person_id, dialogue.snoozed_until) == ("person", ana, None)
        assert dialogue.woken_at is not None
    assert await said_by_bot(system) == []
    assert await moves(system) == ["ask", "snooze", "heard"]


async def test_the_recap_tells_what_was_kept_silent_since_a_person_was_asked_for_and_once(
    system: System, thread: Conversation
) -> None:
    ana = await person(system)
    where = (thread.business_id, thread.id, ana)

    async def handed_back(*, silent: str = "") -> str:
        async with system.db.transaction() as session:
            conversation = await conversations.load(session, thread.business_id, thread.id)
            now = await current_time(session)
            await handoff.ask_for_person(session, conversation, now)
            if silent:
                said = await messages.queue_message(
                    session, conversation, sender="bot", text=silent, act="booked", locale="en", now=now
                )
                said.status = "suppressed"
        async with system.db.transaction() as session:
            now = await current_time(session)
            await handoff.take_over(session, *where, version=None, now=now)
        async with system.db.transaction() as session:
            now = await current_time(session)
            dialogue = await handoff.hand_back(session, *where, version=None, now=now)
            assert dialogue is not None
            await notices.recap(system, session, dialogue, now)
        return (await said_by_bot(system))[-1][1]

    first = await handed_back(silent="Booked: a haircut.")
    assert first.startswith("Booked: a haircut.\n"), "said though it came before anybody took the thread"
    assert "Booked" not in await handed_back()


async def test_the_clockwork_wakes_a_snoozed_thread(system: System, thread: Conversation) -> None:
    ana = await person(system)
    async with system.db.transaction() as session:
        now = await current_time(session)
        await handoff.snooze(
            session, thread.business_id, thread.id, ana, now - timedelta(seconds=1), version=1, now=now
        )
    jobs = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=libpq_url(system.settings.database_url)))
    async with jobs.open_async():
        await due.look(system, jobs)
    async with system.db.transaction() as session:
        dialogue = (await session.scalars(select(Dialogue))).one()
        assert (dialogue.answers, dialogue.person_id) == ("person", ana)
    assert await moves(system) == ["ask", "snooze", "wake"]

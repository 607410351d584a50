"""Inbox, outbox and transcript: queueing, choices, and who may use them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from booking_core.kit.db import Database
from channels import conversations, messages
from channels.accounts import AccountTaken, open_account
from channels.acknowledge import acknowledge
from channels.contract import Tap
from channels.messages import ChoiceDraft, queue_message
from channels.models import ChoiceToken, Conversation, Message
from channels.receive import receive
from tests.channels.builders import ACCOUNTS, NOW, Wire, a_business, a_message, a_thread, job_names, jobs, queued

OFFERS = [ChoiceDraft("Wed 10:00", "choose_slot", {"slot": 1}), ChoiceDraft("Other times", "more")]


async def test_a_message_is_queued_with_its_choices(database: Database, database_url: str) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        message = await queue_message(
            session,
            thread,
            sender="bot",
            text="Which?",
            choices=OFFERS,
            act="offer_slots",
            facts={"service": "Haircut"},
            locale="en",
            now=NOW,
        )
        assert (message.seq, message.status, message.act, message.facts) == (
            1,
            "queued",
            "offer_slots",
            {"service": "Haircut"},
        )
        assert [choice["label"] for choice in message.choices] == ["Wed 10:00", "Other times"]
        token = message.choices[0]["id"]
        assert token.startswith("b1:")
        assert len(token.encode()) <= 60
        found = await messages.find_choice(session, thread, token)
        assert found is not None
        assert (found.meaning, found.number) == ({"do": "choose_slot", "args": {"slot": 1}}, 1)
        assert found.expires_at == NOW + timedelta(days=60)
        second = await messages.choice_by_number(session, message.id, 2)
        assert second is not None
        assert second.meaning == {"do": "more", "args": {}}
        assert await messages.choice_by_number(session, message.id, 3) is None
        assert (thread.last_seq, thread.last_message_at) == (1, NOW)
    (job,) = jobs(database_url)
    assert job["task_name"] == "deliver_message"
    assert job["args"] == {"business_id": str(thread.business_id), "message_id": str(message.id)}


async def test_a_choice_is_used_once(database: Database) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        message = await queue_message(session, thread, sender="bot", text="?", choices=OFFERS, locale="en", now=NOW)
        choice = await messages.find_choice(session, thread, message.choices[0]["id"])
        assert choice is not None
        assert await messages.use_choice(session, choice, NOW)
        assert not await messages.use_choice(session, choice, NOW)


async def test_a_token_of_another_thread_means_nothing(database: Database) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        message = await queue_message(session, thread, sender="bot", text="?", choices=OFFERS, locale="en", now=NOW)
        account = await open_account(session, thread.business_id, "sms", ACCOUNTS["sms"])
        other = await conversations.open_conversation(session, account, "+34999", now=NOW)
        token = message.choices[0]["id"]
        assert await messages.find_choice(session, other, token) is None
        assert await messages.find_choice(session, thread, token.upper()) is None
        assert await messages.find_choice(session, thread, "b1:" + "x" * 500) is None


async def test_tokens_are_never_the_same(database: Database) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        for _ in range(20):
            await queue_message(session, thread, sender="bot", text="?", choices=OFFERS * 4, locale="en", now=NOW)
        tokens = (await session.scalars(select(ChoiceToken.token))).all()
    assert len(set(tokens)) == 160


async def test_a_text_too_long_for_sms_becomes_several_messages_in_order(database: Database, database_url: str) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        text = "Please read this sentence. " * 120
        last = await queue_message(
            session, thread, sender="staff", text=text, choices=OFFERS, act="info", locale="en", now=NOW
        )
        rows = (await session.scalars(select(Message).order_by(Message.seq))).all()
    assert [row.seq for row in rows] == [1, 2, 3]
    assert rows[-1].id == last.id
    assert [bool(row.choices) for row in rows] == [False, False, True]
    assert [row.act for row in rows] == [None, None, "info"]
    assert " ".join(row.text for row in rows) == text.strip()
    assert job_names(database_url) == ["deliver_message"] * 3


async def test_what_waits_and_what_was_said_last(database: Database) -> None:
    async with database.transaction() as session:
        await a_business(session)
        await receive(session, "sms", [a_message("SM1", "one"), a_message("SM2", "two")], now=NOW)
        thread = (await session.scalars(select(Conversation))).one()
        assert await messages.last_spoken(session, thread) is None
        waiting = await messages.load_unanswered(session, thread)
        assert [row.text for row in waiting] == ["one", "two"]
        _, hidden = await queued(session, thread, "answer", "never sent")
        (await session.get_one(Message, (thread.business_id, hidden))).status = "suppressed"
        await messages.mark_answered(session, waiting, NOW)
        assert await messages.load_unanswered(session, thread) == []
        last = await messages.last_spoken(session, thread)
        assert last is not None
        assert last.text == "answer"


async def test_the_open_question_survives_what_is_said_after_it(database: Database) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        assert await messages.last_question(session, thread) is None
        first = await queue_message(
            session, thread, sender="bot", text="Which?", choices=OFFERS, act="offer_slots", locale="en", now=NOW
        )
        await queue_message(
            session, thread, sender="bot", text="A person answers.", act="handoff", locale="en", now=NOW
        )
        await queue_message(session, thread, sender="staff", text="Which one, then?", locale="en", now=NOW)
        found = await messages.last_question(session, thread)
        assert found is not None
        assert found.id == first.id
        labels = [choice.label for choice in await messages.choices_of(session, first)]
        assert labels == ["Wed 10:00", "Other times"]


async def test_what_a_reply_answers_is_found_in_its_own_thread_only(database: Database) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        (id_,) = await queued(session, thread, "reminder")
        (await session.get_one(Message, (thread.business_id, id_))).provider_id = "SM-out"
        await receive(session, "sms", [a_message("SM1", "1", in_reply_to="SM-out")], now=NOW)
        stranger = replace(a_message("SM2", "1", in_reply_to="SM-out"), address="+34999")
        await receive(session, "sms", [stranger], now=NOW)
        (mine,) = await messages.load_unanswered(session, thread)
        found = await messages.find_replied_to(session, mine)
        assert found is not None
        assert found.id == id_
        theirs = (await session.scalars(select(Message).where(Message.provider_id == "SM2"))).one()
        assert await messages.find_replied_to(session, theirs) is None


async def test_an_account_has_one_owner(database: Database) -> None:
    async with database.transaction() as session:
        business = await a_business(session)
        again = await open_account(session, business.id, "sms", ACCOUNTS["sms"])
        assert again.business_id == business.id
        other = await a_business(session, "other", {})
        with pytest.raises(AccountTaken):
            await open_account(session, other.id, "sms", ACCOUNTS["sms"])


async def test_threads_are_found(database: Database) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        thread.customer_id = thread.id  # any id will do
        await session.flush()
        assert await conversations.load(session, thread.business_id, thread.id, for_update=True) is thread
        assert await conversations.find_by_address(session, thread.business_id, "sms", thread.address) is thread
        assert await conversations.find_by_address(session, thread.business_id, "whatsapp", thread.address) is None
        assert await conversations.find_for_customer(session, thread.business_id, thread.id) == [thread]
        with pytest.raises(LookupError):
            await conversations.load(session, thread.id, thread.id)


async def test_whatsapps_window(database: Database) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session, "whatsapp", "whatsapp:+34")
        assert not conversations.within_service_window(thread, NOW)
        thread.last_heard_at = NOW
        assert conversations.within_service_window(thread, NOW + timedelta(hours=23, minutes=59))
        assert not conversations.within_service_window(thread, NOW + timedelta(hours=24))
        thread.channel = "sms"
        assert conversations.within_service_window(thread, NOW + timedelta(days=9))
        thread.channel = "whatsapp"


async def test_a_tap_is_acknowledged_to_its_channel(database: Database) -> None:
    class Tapping(Wire):
        def __init__(self) -> None:
            super().__init__()
            self.taps: list[Tap] = []

        async def acknowledge(self, tap: Tap) -> None:
            self.taps.append(tap)

    wire = Tapping()
    async with database.transaction() as session:
        await a_business(session)
        await receive(session, "sms", [a_message("tap:1", choice="b1:x", in_reply_to="42:8")], now=NOW)
        row = (await session.scalars(select(Message))).one()
    await acknowledge(database, {"sms": wire}, row.business_id, row.id)
    await acknowledge(database, {"sms": Wire()}, row.business_id, row.id)
    await acknowledge(database, {}, row.business_id, row.id)
    await acknowledge(database, {"sms": wire}, row.business_id, row.business_id)
    assert [(tap.address, tap.provider_id, tap.in_reply_to) for tap in wire.taps] == [("+34600111222", "tap:1", "42:8")]

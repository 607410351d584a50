"""The one writer: once, in order, whatever arrives twice."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from booking_core.kit.db import Database
from channels import messages
from channels.contract import ChannelLeft, ChannelReturned, DeliveryReported, Ignored, ProviderId
from channels.keys import make_key
from channels.models import Conversation, Delivery, DeliveryReport, Message
from channels.receive import Receipt, receive
from tests.channels.builders import ACCOUNTS, CUSTOMER, NOW, a_business, a_message, a_thread, job_names, jobs, queued


async def test_a_message_is_written_and_an_answer_deferred(database: Database, database_url: str) -> None:
    async with database.transaction() as session:
        business = await a_business(session)
        receipt = await receive(session, "sms", [a_message(display_name="Ada", in_reply_to="SM0")], now=NOW)
    assert receipt == Receipt(written=1)
    async with database.transaction() as session:
        row = (await session.scalars(select(Message))).one()
        thread = (await session.scalars(select(Conversation))).one()
    assert (row.seq, row.sender, row.text, row.status, row.in_reply_to) == (1, "customer", "hello", "received", "SM0")
    assert (thread.address, thread.display_name, thread.last_heard_at) == (CUSTOMER, "Ada", NOW)
    (job,) = jobs(database_url)
    assert job["task_name"] == "answer_conversation"
    assert job["args"] == {"business_id": str(business.id), "conversation_id": str(thread.id)}
    assert job["scheduled_at"] is None


async def test_a_duplicate_writes_and_defers_nothing(database: Database, database_url: str) -> None:
    async with database.transaction() as session:
        await a_business(session)
        await receive(session, "sms", [a_message()], now=NOW)
    async with database.transaction() as session:
        again = await receive(session, "sms", [a_message(platform_opt="stop")], now=NOW + timedelta(hours=1))
    assert again == Receipt(duplicates=1)
    async with database.transaction() as session:
        thread = (await session.scalars(select(Conversation))).one()
        assert len((await session.scalars(select(Message))).all()) == 1
    assert (thread.last_seq, thread.last_heard_at, thread.opted_out_at) == (1, NOW, None)
    assert job_names(database_url) == ["answer_conversation"]


async def test_the_same_delivery_many_times_at_once_counts_once(database: Database, database_url: str) -> None:
    async with database.transaction() as session:
        await a_business(session)

    async def once() -> Receipt:
        async with database.transaction() as session:
            return await receive(session, "sms", [a_message()], now=NOW)

    receipts = await asyncio.gather(*(once() for _ in range(12)))
    assert sum(receipts, Receipt()) == Receipt(written=1, duplicates=11)
    assert job_names(database_url) == ["answer_conversation"]


async def test_seq_has_no_gap_and_no_double_under_parallel_writers(database: Database) -> None:
    async with database.transaction() as session:
        await a_business(session)

    async def once(number: int) -> None:
        async with database.transaction() as session:
            await receive(session, "sms", [a_message(f"SM{number}")], now=NOW)
            thread = (await session.scalars(select(Conversation))).one()
            await queued(session, thread, f"answer {number}")

    await asyncio.gather(*(once(number) for number in range(10)))
    async with database.transaction() as session:
        rows = (await session.scalars(select(Message).order_by(Message.seq))).all()
        thread = (await session.scalars(select(Conversation))).one()
    assert [row.seq for row in rows] == list(range(1, 21))
    assert thread.last_seq == 20


async def test_a_rolled_back_delivery_leaves_nothing(database: Database, database_url: str) -> None:
    async with database.transaction() as session:
        await a_business(session)

    async def interrupted() -> None:
        async with database.transaction() as session:
            await receive(session, "sms", [a_message()], now=NOW)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        await interrupted()
    async with database.transaction() as session:
        assert (await session.scalars(select(Message))).all() == []
        receipt = await receive(session, "sms", [a_message()], now=NOW)
    assert receipt.written == 1
    assert job_names(database_url) == ["answer_conversation"]


async def test_an_unknown_account_writes_nothing_and_names_nobody(
    database: Database, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with database.transaction() as session:
        receipt = await receive(session, "sms", [a_message(text="my secret")], now=NOW)
    assert receipt == Receipt(ignored=1)
    assert "an account that no business has" in caplog.text
    assert CUSTOMER not in caplog.text
    assert ACCOUNTS["sms"] not in caplog.text
    assert "secret" not in caplog.text
    assert jobs(database_url) == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("", ""),
        ("a\x00b", "ab"),
        ("half \ud83d of a pair", "half ? of a pair"),
        ("x" * 5000, "x" * 5000),
        ("💇‍♀️ ¿mañana? صباح", "💇‍♀️ ¿mañana? صباح"),
        ("'; DROP TABLE message; --", "'; DROP TABLE message; --"),
    ],
)
async def test_whatever_is_said_is_kept(database: Database, said: str, kept: str) -> None:
    async with database.transaction() as session:
        await a_business(session)
        facts = [{"type": "note", "url": said}]
        await receive(session, "sms", [a_message(text=said, display_name=said, attachments=facts)], now=NOW)
    async with database.transaction() as session:
        row = (await session.scalars(select(Message))).one()
    assert row.text == kept
    assert row.attachments == [{"type": "note", "url": kept}]


async def test_one_address_at_two_businesses_is_two_threads(database: Database) -> None:
    async with database.transaction() as session:
        await a_business(session)
        await a_business(session, "other", {"sms": "+15005550099"})
        await receive(session, "sms", [a_message()], now=NOW)
        await receive(session, "sms", [replace(a_message(), account="+15005550099")], now=NOW)
    async with database.transaction() as session:
        threads = (await session.scalars(select(Conversation))).all()
        rows = (await session.scalars(select(Message))).all()
    assert len({thread.business_id for thread in threads}) == 2
    assert len({row.business_id for row in rows}) == 2


async def test_an_answer_put_off_is_deferred_for_later(database: Database, database_url: str) -> None:
    async with database.transaction() as session:
        await a_business(session)
        await receive(session, "sms", [a_message()], now=NOW, answer_after=timedelta(seconds=40))
    (job,) = jobs(database_url)
    assert job["scheduled_at"] is not None


async def test_a_tap_is_acknowledged_by_a_job(database: Database, database_url: str) -> None:
    async with database.transaction() as session:
        await a_business(session)
        await receive(session, "sms", [a_message(choice="b1:x", acknowledge=True)], now=NOW)
    assert sorted(job_names(database_url)) == ["acknowledge_tap", "answer_conversation"]


async def test_a_correction_takes_the_place_of_what_still_waits(database: Database) -> None:
    async with database.transaction() as session:
        await a_business(session)
        await receive(session, "sms", [a_message("1:1", "tomorow at 3")], now=NOW)
        corrected = a_message("1:1:edit:9", "tomorrow at 4", corrects=ProviderId("1:1"))
        await receive(session, "sms", [corrected], now=NOW)
        again = await receive(session, "sms", [corrected], now=NOW)
        thread = (await session.scalars(select(Conversation))).one()
        waiting = await messages.load_unanswered(session, thread)
    assert [row.text for row in waiting] == ["tomorrow at 4"]
    assert again == Receipt(duplicates=1)


async def test_a_correction_of_what_was_answered_is_a_new_message(database: Database) -> None:
    async with database.transaction() as session:
        await a_business(session)
        await receive(session, "sms", [a_message("1:1", "at 3")], now=NOW)
        thread = (await session.scalars(select(Conversation))).one()
        await messages.mark_answered(session, await messages.load_unanswered(session, thread), NOW)
        await receive(session, "sms", [a_message("1:1:edit:9", "at 4", corrects=ProviderId("1:1"))], now=NOW)
        waiting = await messages.load_unanswered(session, thread)
    assert [row.text for row in waiting] == ["at 4"]


async def test_a_correction_never_waits_for_a_turn(database: Database) -> None:
    """The turn holds the message's row; the webhook must not stand in line with it."""
    async with database.transaction() as session:
        await a_business(session)
        await receive(session, "sms", [a_message("1:1", "at 3")], now=NOW)
    async with database.transaction() as turn:
        await turn.execute(select(Message).with_for_update())
        async with asyncio.timeout(5), database.transaction() as session:
            await receive(session, "sms", [a_message("1:1:edit:9", "at 4", corrects=ProviderId("1:1"))], now=NOW)


async def test_stop_opts_out_and_start_opts_in(database: Database) -> None:
    async with database.transaction() as session:
        await a_business(session)
        await receive(session, "sms", [a_message("SM1", "STOP", platform_opt="stop")], now=NOW)
        thread = (await session.scalars(select(Conversation))).one()
        assert thread.opted_out_at == NOW
        await receive(session, "sms", [a_message("SM2", "YES", platform_opt="start")], now=NOW)
        assert thread.opted_out_at is None
        await receive(session, "sms", [a_message("SM3", "YES", platform_opt="start")], now=NOW)
        rows = await messages.load_unanswered(session, thread)
    # The last one is an answer: they had never left.
    assert [messages.platform_opt(row) for row in rows] == ["stop", "start", None]
    assert [messages.media(row) for row in rows] == [[], [], []]


async def test_blocking_the_bot_opts_out_until_they_return(database: Database) -> None:
    async with database.transaction() as session:
        await a_business(session)
        assert await receive(session, "sms", [ChannelLeft(ACCOUNTS["sms"], "nobody")], now=NOW) == Receipt(ignored=1)
        await receive(session, "sms", [a_message()], now=NOW)
        thread = (await session.scalars(select(Conversation))).one()
        await receive(session, "sms", [ChannelLeft(ACCOUNTS["sms"], CUSTOMER)], now=NOW)
        assert thread.opted_out_at == NOW
        await receive(session, "sms", [ChannelReturned(ACCOUNTS["sms"], CUSTOMER)], now=NOW)
        assert thread.opted_out_at is None


async def test_what_is_of_no_interest_is_counted(database: Database) -> None:
    async with database.transaction() as session:
        assert await receive(session, "telegram", [Ignored("a group")], now=NOW) == Receipt(ignored=1)


def report(status: Delivery, key: str | None = None, **more: object) -> DeliveryReported:
    return DeliveryReported(
        ProviderId("SM7"),
        status.value,
        account=ACCOUNTS["sms"],
        key=key,
        **more,  # type: ignore[arg-type]
    )


async def test_reports_in_any_order_only_move_forward(database: Database) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        (id_,) = await queued(session, thread, "hi")
        message = await session.get_one(Message, (thread.business_id, id_))
        message.status, message.provider_id = "sent", "SM7"
        for status, now_is in [
            (Delivery.DELIVERED, "delivered"),
            (Delivery.SENT, "delivered"),
            (Delivery.FAILED, "delivered"),
            (Delivery.READ, "read"),
        ]:
            assert await receive(session, "sms", [report(status)], now=NOW) == Receipt(written=1)
            assert message.status == now_is
            assert await receive(session, "sms", [report(status)], now=NOW) == Receipt(duplicates=1)
        assert len((await session.scalars(select(DeliveryReport))).all()) == 4


async def test_a_report_that_overtakes_our_record_settles_the_message(database: Database) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        (id_,) = await queued(session, thread, "hi")
        message = await session.get_one(Message, (thread.business_id, id_))
        message.status = "sending"
        await receive(session, "sms", [report(Delivery.DELIVERED, make_key(thread.business_id, id_))], now=NOW)
        assert (message.status, message.provider_id) == ("delivered", "SM7")


async def test_a_failure_reported_later_is_told_in_the_same_transaction(database: Database) -> None:
    told = []

    async def on_failed(_session: object, message: Message) -> None:
        told.append((message.id, message.error))

    async with database.transaction() as session:
        thread = await a_thread(session)
        (id_,) = await queued(session, thread, "hi")
        message = await session.get_one(Message, (thread.business_id, id_))
        message.status, message.provider_id = "sent", "SM7"
        failed = report(Delivery.FAILED, error="twilio_21610", opted_out=True)
        await receive(session, "sms", [failed], now=NOW, on_failed=on_failed)
        await receive(session, "sms", [failed], now=NOW, on_failed=on_failed)
        assert thread.opted_out_at == NOW
    assert told == [(id_, "twilio_21610")]


@pytest.mark.parametrize("key", [None, "nonsense", "00.00", "é" * 40])
async def test_a_report_on_nothing_of_ours_is_kept_and_harmless(database: Database, key: str | None) -> None:
    async with database.transaction() as session:
        assert await receive(session, "sms", [report(Delivery.SENT, key)], now=NOW) == Receipt(written=1)


async def test_a_report_cannot_touch_another_messages_record(database: Database) -> None:
    """The key travels in a URL: it only opens a message that has no provider id, or this one."""
    async with database.transaction() as session:
        thread = await a_thread(session)
        (id_,) = await queued(session, thread, "hi")
        message = await session.get_one(Message, (thread.business_id, id_))
        message.status, message.provider_id = "sent", "SM1"
        await receive(session, "sms", [report(Delivery.FAILED, make_key(thread.business_id, id_))], now=NOW)
        assert message.status == "sent"

"""A message that is nothing but words, in a thread that is known: one statement, and the same as by two."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, inspect, select

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from channels import messages
from channels.contract import Event, ProviderId
from channels.models import ConsentNote, Conversation, ConversationAlias, Message
from channels.receive import Receipt, receive, receive_plain
from channels.webhooks import Known
from tests.channels.builders import CUSTOMER, NOW, a_business, a_message, job_names, jobs, queued

MORE: list[dict[str, Any]] = [
    {"attachments": [{"type": "image", "url": "https://example.com/a"}]},
    {"platform_opt": "stop"},
    {"corrects": ProviderId("SM1")},
    {"also": ["whatsapp:+34600000009"]},
    {"introduces": "token"},
    {"acknowledge": True},
]


async def _known(database: Database) -> None:
    async with database.transaction() as session:
        await a_business(session)
        await receive(session, "sms", [a_message("SM1")], now=NOW)


async def _rows(database: Database) -> list[Message]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Message).order_by(Message.seq)))


async def _thread(database: Database) -> Conversation:
    async with database.transaction() as session:
        return (await session.scalars(select(Conversation))).one()


def _values(row: object) -> Mapping[str, Any]:
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}


async def test_it_is_one_statement_and_writes_what_two_write(database: Database, database_url: str) -> None:
    await _known(database)
    plain = a_message("SM2", text="and \x00then", display_name="Ada", in_reply_to="SM0", choice="b1:x", locale="es")
    said: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    assert await receive_plain(database, "sms", [plain]) == Receipt(written=1)
    assert len(said) == 1
    async with database.transaction() as session:
        await receive(session, "sms", [replace(plain, provider_id=ProviderId("SM3"))])
    _, one, two = map(_values, await _rows(database))
    own = {"id", "seq", "provider_id", "created_at", "status_at"}
    assert {key: one[key] for key in one.keys() - own} == {key: two[key] for key in two.keys() - own}
    assert (one["seq"], two["seq"], one["text"]) == (2, 3, "and then")
    assert one["created_at"] == one["status_at"] < two["created_at"]
    thread = await _thread(database)
    assert (thread.last_seq, thread.display_name) == (3, "Ada")
    assert thread.last_message_at == thread.last_heard_at == two["created_at"]
    first, second, third = jobs(database_url)
    assert first["args"] == second["args"] == third["args"]
    assert job_names(database_url) == ["answer_conversation"] * 3


async def test_one_that_is_there_already_changes_nothing(database: Database, database_url: str) -> None:
    await _known(database)
    assert await receive_plain(database, "sms", [a_message("SM1", display_name="Eve")]) == Receipt(duplicates=1)
    thread = await _thread(database)
    assert (thread.last_seq, thread.last_heard_at, thread.display_name) == (1, NOW, None)
    assert len(jobs(database_url)) == 1


async def test_many_at_once_are_numbered_without_a_gap_and_counted_once(database: Database, database_url: str) -> None:
    await _known(database)

    async def speak() -> None:
        async with database.transaction() as session:
            await queued(session, (await session.scalars(select(Conversation))).one(), "from us")

    async def by_two(number: int) -> None:
        async with database.transaction() as session:
            await receive(session, "sms", [a_message(f"SM{number}")])

    wanted = [f"SM{number}" for number in range(2, 10) for _ in range(3)]
    plain = [receive_plain(database, "sms", [a_message(one)]) for one in wanted]
    told, _ = await asyncio.gather(
        asyncio.gather(*plain), asyncio.gather(*(speak() for _ in range(5)), *(by_two(n) for n in range(8, 12)))
    )
    rows = await _rows(database)
    assert {row.provider_id for row in rows if row.sender == "customer"} == {f"SM{n}" for n in range(1, 12)}
    assert [row.seq for row in rows] == list(range(1, 17))
    assert (await _thread(database)).last_seq == 16
    assert all(one in (Receipt(written=1), Receipt(duplicates=1)) for one in told)
    assert job_names(database_url).count("answer_conversation") == 11


@pytest.mark.parametrize("more", MORE, ids=lambda more: next(iter(more)))
async def test_what_brings_more_than_words_is_left_to_receive(database: Database, more: dict[str, Any]) -> None:
    await _known(database)
    assert await receive_plain(database, "sms", [a_message("SM2", **more)]) is None
    assert len(await _rows(database)) == 1


async def test_a_first_word_and_one_from_another_address_are_left_to_receive(database: Database) -> None:
    async with database.transaction() as session:
        business = await a_business(session)
    assert await receive_plain(database, "sms", [a_message("SM1")]) is None
    assert await receive_plain(database, "sms", [replace(a_message("SM1"), account="+10000000000")]) is None
    two: list[Event] = [a_message("SM1"), a_message("SM2")]
    assert await receive_plain(database, "sms", two) is None
    assert await receive_plain(database, "sms", []) is None
    assert await _rows(database) == []
    async with database.transaction() as session:
        await receive(session, "sms", two[:1], now=NOW)
    thread = await _thread(database)
    async with database.transaction() as session:
        session.add(
            ConversationAlias(business_id=business.id, conversation_id=thread.id, channel="sms", address=CUSTOMER)
        )
    assert await receive_plain(database, "sms", two[1:]) is None


async def test_who_was_only_written_to_has_agreed_by_the_first_word(database: Database) -> None:
    """Who wrote first, and that it was them, is noted; only `receive` does that."""
    await _known(database)
    async with database.transaction() as session:
        thread = (await session.scalars(select(Conversation))).one()
        thread.last_heard_at = None
    assert await receive_plain(database, "sms", [a_message("SM2")]) is None
    async with database.transaction() as session:
        await receive(session, "sms", [a_message("SM2")], now=NOW)
        notes = (await session.scalars(select(ConsentNote).order_by(ConsentNote.at))).all()
    assert [note.how for note in notes] == ["wrote", "wrote"]


async def test_an_answer_can_be_put_off(database: Database, database_url: str) -> None:
    await _known(database)
    later = timedelta(minutes=5)
    assert await receive_plain(database, "sms", [a_message("SM2")], answer_after=later) == Receipt(written=1)
    _, job = jobs(database_url)
    assert job["scheduled_at"] is not None


async def test_a_session_without_a_transaction_is_none(database: Database) -> None:
    async with database.alone() as session:
        with pytest.raises(RuntimeError, match="needs a transaction"):
            await messages.find(session, new_id(), new_id())


def test_so_many_are_known_and_no_more() -> None:
    known = Known(most=2)
    assert "one" not in known
    for who in ("one", "two", "one", "three"):
        known.add(who)
    assert [who in known for who in ("one", "two", "three")] == [False, True, True]

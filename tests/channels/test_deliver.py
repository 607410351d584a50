"""Delivery: each message once, in order, through crashes and refusals."""

import asyncio
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, select, text, update

from booking_core.kit.db import Database, libpq_url
from channels import deliver as delivery
from channels.accounts import load_account, open_account
from channels.backoff import MAX_ATTEMPTS
from channels.contract import OutgoingMessage, ProviderId, SendError
from channels.conversations import open_conversation
from channels.deliver import Outcome, deliver
from channels.models import Conversation, Delivery, DeliveryReport, Message
from channels.places import Places
from channels.receive import receive
from tests.channels.builders import ACCOUNTS, NOW, Wire, a_message, a_thread, allowed, jobs, load, queued

RETRY = SendError("busy", retryable=True)
GONE = SendError("no such number", retryable=False)
NOT_HEARD = SendError("taken, but nobody heard", retryable=True, unsure=True)


async def prepared(database: Database, *texts: str) -> tuple[UUID, list[UUID]]:
    async with database.transaction() as session:
        thread = await a_thread(session)
        return thread.business_id, await queued(session, thread, *texts)


async def go(database: Database, wire: Wire, business: UUID, message: UUID, **more: object) -> Outcome:
    return await deliver(database, {"sms": wire}, business, message, may_send=allowed, **more)  # type: ignore[arg-type]


async def real_now(database: Database) -> datetime:
    async with database.transaction() as session:
        return await session.scalar(select(func.now()))  # type: ignore[return-value]


async def set_row(database: Database, message: UUID, **values: object) -> None:
    async with database.transaction() as session:
        await session.execute(update(Message).where(Message.id == message).values(**values))


async def test_a_message_goes_out_and_is_recorded(database: Database) -> None:
    wire = Wire()
    business, (one,) = await prepared(database, "hello")
    assert await go(database, wire, business, one) is Outcome.SENT
    row = await load(database, business, one)
    assert (row.status, row.provider_id, row.attempts) == ("sent", "SM001", 1)
    assert await go(database, wire, business, one) is Outcome.NOTHING
    assert wire.texts == ["hello"]


async def test_two_workers_send_it_once(database: Database) -> None:
    wire = Wire(delay=0.1)
    business, (one,) = await prepared(database, "hello")
    await asyncio.gather(*(go(database, wire, business, one) for _ in range(4)))
    assert wire.texts == ["hello"]


async def test_a_thread_is_in_order_however_the_jobs_run(database: Database) -> None:
    wire = Wire(delay=0.01)
    texts = [f"part {number}" for number in range(6)]
    business, ids = await prepared(database, *texts)
    await asyncio.gather(*(go(database, wire, business, one) for one in reversed(ids)))
    assert wire.texts == texts
    assert wire.most_at_once == 1


async def test_two_threads_do_not_wait_for_each_other(database: Database) -> None:
    wire = Wire(delay=0.2)
    business, (one,) = await prepared(database, "to Ada")
    async with database.transaction() as session:
        first = (await session.scalars(select(Conversation))).one()
        account = await load_account(session, business, first.account_id)
        second = await open_conversation(session, account, "+34600999888", now=NOW)
        (two,) = await queued(session, second, "to Bea")
    await asyncio.gather(go(database, wire, business, one), go(database, wire, business, two))
    assert wire.most_at_once == 2


async def test_a_slow_channel_takes_no_place_of_the_others(database: Database, database_url: str) -> None:
    slow, quick, places = Wire(delay=1.0), Wire(), Places({"sms": 2})
    async with database.transaction() as session:
        first = await a_thread(session)
        account = await load_account(session, first.business_id, first.account_id)
        threads = [first, *[await open_conversation(session, account, f"+3460099988{n}", now=NOW) for n in range(3)]]
        ids = [(await queued(session, thread, "hello"))[0] for thread in threads]
        elsewhere = await open_account(session, first.business_id, "telegram", ACCOUNTS["telegram"])
        (other,) = await queued(session, await open_conversation(session, elsewhere, "42", now=NOW), "hello")

    async def send(message: UUID) -> Outcome:
        channels = {"sms": slow, "telegram": quick}
        return await deliver(database, channels, first.business_id, message, may_send=allowed, places=places)

    under_way = [asyncio.create_task(send(one)) for one in ids[:2]]
    await asyncio.sleep(0.5)
    assert [await send(one) for one in ids[2:]] == [Outcome.WAITING] * 2
    # Nothing of it has begun: it comes back, and is not looked up.
    waiting = await load(database, first.business_id, ids[2])
    assert (waiting.status, waiting.attempts, jobs(database_url)[-1]["args"]) == (
        "queued", 0, {"business_id": str(first.business_id), "message_id": str(ids[3])},
    )  # fmt: skip
    assert await send(other) is Outcome.SENT
    assert await asyncio.gather(*under_way) == [Outcome.SENT] * 2
    slow.delay = 0
    assert [await send(one) for one in ids[2:]] == [Outcome.SENT] * 2
    assert slow.most_at_once == 2


async def test_a_refusal_that_passes_is_tried_again_later(database: Database, database_url: str) -> None:
    wire = Wire(SendError("flood", retryable=True, retry_after=timedelta(seconds=90)))
    business, (one, two) = await prepared(database, "first", "second")
    assert await go(database, wire, business, one) is Outcome.RETRYING
    row = await load(database, business, one)
    assert (row.status, row.error, row.attempts) == ("queued", "flood", 1)
    again = jobs(database_url)[-1]
    assert again["args"] == {"business_id": str(business), "message_id": str(one)}
    wait = again["scheduled_at"] - await real_now(database)
    assert timedelta(seconds=80) < wait <= timedelta(seconds=91)  # type: ignore[operator]

    assert (await go(database, wire, business, one)) is Outcome.SENT
    assert (await load(database, business, one)).error is None
    # Whoever waited behind repeated attempts is called at once.
    assert jobs(database_url)[-1]["args"] == {"business_id": str(business), "message_id": str(two)}
    assert await go(database, wire, business, two) is Outcome.SENT
    assert wire.texts == ["first", "second"]


async def test_the_next_does_not_overtake_and_comes_back_later(database: Database, database_url: str) -> None:
    wire = Wire()
    business, (one, two) = await prepared(database, "first", "second")
    await set_row(database, one, attempts=3)
    for minutes, (least, most) in {0: (1, 3), 10: (29, 31)}.items():
        await set_row(database, two, status_at=await real_now(database) - timedelta(minutes=minutes))
        assert await go(database, wire, business, two) is Outcome.WAITING
        again = jobs(database_url)[-1]
        assert again["args"] == {"business_id": str(business), "message_id": str(two)}
        wait = again["scheduled_at"] - await real_now(database)  # type: ignore[operator]
        assert timedelta(seconds=least) < wait < timedelta(seconds=most)
    assert wire.texts == []


async def test_it_is_given_up_after_so_many_attempts(database: Database) -> None:
    wire = Wire(RETRY)
    business, (one,) = await prepared(database, "hello")
    await set_row(database, one, attempts=MAX_ATTEMPTS - 1)
    assert await go(database, wire, business, one) is Outcome.FAILED
    assert (await load(database, business, one)).status == "failed"


async def test_a_permanent_refusal_fails_at_once_and_staff_are_told_with_it(database: Database) -> None:
    told = []

    async def on_failed(_session: object, message: Message) -> None:
        told.append((message.id, message.status, message.error))

    wire = Wire(GONE)
    business, (one, two) = await prepared(database, "hello", "more")
    assert await go(database, wire, business, one, on_failed=on_failed) is Outcome.FAILED
    assert await go(database, wire, business, two, on_failed=on_failed) is Outcome.SENT
    assert told == [(one, "failed", "no such number")]
    assert wire.texts == ["more"]
    assert (await load(database, business, two)).status == "sent"


async def test_a_failure_that_staff_cannot_be_told_of_is_not_recorded(database: Database) -> None:
    async def on_failed(_session: object, _message: Message) -> None:
        raise RuntimeError("no tasks today")

    business, (one,) = await prepared(database, "hello")
    with pytest.raises(RuntimeError, match="no tasks today"):
        await go(database, Wire(GONE), business, one, on_failed=on_failed)
    assert (await load(database, business, one)).status == "sending"


async def test_an_opt_out_is_remembered(database: Database) -> None:
    business, (one,) = await prepared(database, "hello")
    await go(database, Wire(SendError("blocked", retryable=False, opted_out=True)), business, one)
    async with database.transaction() as session:
        assert (await session.scalars(select(Conversation))).one().opted_out_at is not None


async def test_what_may_not_be_sent_is_suppressed(database: Database) -> None:
    async def only_staff(_session: object, message: Message) -> bool:
        return message.text != "bot"

    wire = Wire()
    business, (one, two) = await prepared(database, "bot", "person")
    assert await deliver(database, {"sms": wire}, business, one, may_send=only_staff) is Outcome.SUPPRESSED
    assert await deliver(database, {"sms": wire}, business, two, may_send=only_staff) is Outcome.SENT
    assert wire.texts == ["person"]
    assert (await load(database, business, one)).status == "suppressed"


async def test_a_crash_after_sending_is_found_out_and_nothing_is_sent_twice(database: Database) -> None:
    wire = Wire()
    business, (one,) = await prepared(database, "hello")
    await go(database, wire, business, one)
    # The worker died before it could record what the provider had accepted.
    await set_row(database, one, status="sending", provider_id=None)
    assert await go(database, wire, business, one) is Outcome.RECONCILED
    assert wire.texts == ["hello"]
    row = await load(database, business, one)
    assert (row.status, row.provider_id) == ("sent", "SM001")


async def test_a_crash_before_sending_is_found_out_and_it_is_sent(database: Database) -> None:
    wire = Wire()
    business, (one,) = await prepared(database, "hello")
    await set_row(database, one, status="sending", attempts=1)
    await go(database, wire, business, one)
    assert wire.texts == ["hello"]
    row = await load(database, business, one)
    assert (row.status, row.attempts) == ("sent", 2)


async def test_no_answer_is_looked_up_before_anything_is_sent_again(database: Database, database_url: str) -> None:
    wire = Wire(NOT_HEARD)
    business, (one,) = await prepared(database, "hello")
    assert await go(database, wire, business, one) is Outcome.RETRYING
    assert (await load(database, business, one)).status == "sending"
    assert jobs(database_url)[-1]["scheduled_at"] is not None
    assert await go(database, wire, business, one) is Outcome.RECONCILED
    assert wire.texts == ["hello"]


async def test_where_nobody_can_tell_the_message_is_unsure_and_staff_know(database: Database) -> None:
    told = []

    async def on_failed(_session: object, message: Message) -> None:
        told.append(message.status)

    wire = Wire()
    wire.cannot_tell = SendError("no list", retryable=False, unsure=True)
    business, (one,) = await prepared(database, "hello")
    await set_row(database, one, status="sending", attempts=1)
    assert await go(database, wire, business, one, on_failed=on_failed) is Outcome.UNSURE
    assert (told, wire.texts) == (["unsure"], [])


async def test_a_list_that_is_away_is_asked_again_but_not_for_ever(database: Database) -> None:
    wire = Wire()
    wire.cannot_tell = SendError("away", retryable=True, unsure=True)
    business, (one,) = await prepared(database, "hello")
    await set_row(database, one, status="sending", attempts=1)
    for _ in range(MAX_ATTEMPTS):
        await go(database, wire, business, one)
    assert (await load(database, business, one)).status == "unsure"
    assert wire.texts == []


async def test_a_report_that_came_first_is_counted_when_recorded(database: Database) -> None:
    wire = Wire()
    business, (one,) = await prepared(database, "hello")
    async with database.transaction() as session:
        session.add(DeliveryReport(channel="sms", provider_id="SM001", status=Delivery.DELIVERED.value, at=NOW))
    await go(database, wire, business, one)
    assert (await load(database, business, one)).status == "delivered"


async def test_without_the_channel_it_fails_with_a_reason(database: Database) -> None:
    business, (one,) = await prepared(database, "hello")
    await deliver(database, {}, business, one, may_send=allowed)
    row = await load(database, business, one)
    assert (row.status, row.error) == ("failed", "channel_not_configured")


async def test_a_job_that_waits_too_long_comes_back(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "PATIENCE", timedelta(milliseconds=100))
    wire = Wire(delay=1.0)
    business, (one, two) = await prepared(database, "first", "second")
    first = asyncio.create_task(go(database, wire, business, one))
    await asyncio.sleep(0.3)
    # Not its turn; and this one has somebody else.
    for message in (two, one):
        assert await go(database, wire, business, message) is Outcome.WAITING
        assert jobs(database_url)[-1]["args"]["message_id"] == str(message)  # type: ignore[index]
    await first
    assert await go(database, wire, business, two) is Outcome.SENT
    assert wire.texts == ["first", "second"]


class DatabaseGoes(Wire):
    """Takes the message, and before it says so the database goes away for more than a second."""

    def __init__(self, url: str, answer: SendError | None) -> None:
        super().__init__()
        self.url, self.answer, self.coming = url, answer, None

    async def send(self, message: OutgoingMessage) -> ProviderId:
        taken = None if self.answer else await super().send(message)
        await asyncio.to_thread(self._connections, False)
        self.coming = asyncio.create_task(self._come_back())
        if self.answer:
            raise self.answer
        return taken

    def _connections(self, allowed: bool) -> None:
        parts = urlsplit(libpq_url(self.url))
        name = parts.path.removeprefix("/")
        with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}")
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    async def _come_back(self) -> None:
        await asyncio.sleep(1.2)
        await asyncio.to_thread(self._connections, True)


@pytest.mark.parametrize(
    ("answer", "status"), [(None, "sent"), (SendError("busy", retryable=True), "queued")], ids=["sent", "refused"]
)
async def test_what_a_provider_said_outlives_a_restart_of_the_database(
    database: Database, database_url: str, answer: SendError | None, status: str
) -> None:
    async with database.transaction() as session:
        thread = await a_thread(session)
        (id_,) = await queued(session, thread, "Hello")
    wire = DatabaseGoes(database_url, answer)
    # Its lock was lost with the server; what was said is recorded nevertheless.
    await deliver(database, {"sms": wire}, thread.business_id, id_, may_send=allowed)
    await wire.coming
    assert (await load(database, thread.business_id, id_)).status == status
    assert len(wire.accepted) == (answer is None)


async def test_a_cancelled_delivery_frees_the_thread(database: Database) -> None:
    wire = Wire(delay=30)
    business, (one,) = await prepared(database, "hello")
    task = asyncio.create_task(go(database, wire, business, one))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    wire.delay = 0
    assert await go(database, wire, business, one) is Outcome.SENT
    assert wire.texts == ["hello"]


async def test_no_transaction_is_open_while_the_provider_is_asked(database: Database) -> None:
    seen: list[int] = []

    class Asking(Wire):
        async def send(self, message):  # type: ignore[no-untyped-def]
            async with database.transaction() as session:
                found = await session.scalar(
                    text(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                        "AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
                    )
                )
            seen.append(found)
            return await super().send(message)

    business, (one,) = await prepared(database, "hello")
    await go(database, Asking(), business, one)
    assert seen == [0]


async def test_lost_jobs_are_deferred_again(database: Database, database_url: str) -> None:
    business, (one,) = await prepared(database, "hello")
    async with database.transaction() as session:
        await receive(session, "sms", [a_message()], now=NOW)
        assert await delivery.requeue_stuck(session, now=NOW + timedelta(minutes=5)) == 0
        assert await delivery.requeue_stuck(session, now=NOW + timedelta(minutes=20)) == 1
        assert await delivery.requeue_stuck(session, now=NOW + timedelta(minutes=21)) == 0
    assert jobs(database_url)[-1]["args"] == {"business_id": str(business), "message_id": str(one)}

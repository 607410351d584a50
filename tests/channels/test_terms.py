"""Whether a message may go, judged when it is about to: its time, who has left, WhatsApp's 24 hours, the pace."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from channels import terms
from channels.contract import DeliveryReported, ProviderId, SendError, TemplateUse
from channels.deliver import Outcome, deliver, requeue_stuck
from channels.keys import make_key
from channels.models import Conversation, Delivery, Message
from channels.pace import Pace, Rate, Rates
from channels.receive import receive
from channels.terms import Later, Never, decide_sending, hold_back
from tests.channels.builders import ACCOUNTS, NOW, Wire, a_thread, allowed, job_names, load, queued

HOUR = timedelta(hours=1)
TEMPLATE = TemplateUse("news", "HX1", {"1": "Marigold"}, "Here is Marigold about your appointment.")


async def prepared(
    database: Database, *texts: str, channel: str = "sms", address: str = "+34600111222"
) -> tuple[UUID, list[UUID]]:
    async with database.transaction() as session:
        thread = await a_thread(session, channel, address)
        thread.last_heard_at = await session.scalar(select(func.now()))
        return thread.business_id, await queued(session, thread, *texts)


async def go(database: Database, wire: Wire, business: UUID, message: UUID, **more: object) -> Outcome:
    channels: Mapping[str, Wire] = {"sms": wire, "whatsapp": wire, "telegram": wire}
    return await deliver(database, channels, business, message, may_send=allowed, **more)  # type: ignore[arg-type]


async def real_now(session: AsyncSession) -> datetime:
    found: datetime = (await session.execute(select(func.now()))).scalar_one()
    return found


async def a_template(session: AsyncSession, message: Message) -> TemplateUse | None:
    return TEMPLATE


async def leave(database: Database) -> None:
    async with database.transaction() as session:
        (await session.scalars(select(Conversation))).one().opted_out_at = NOW


@pytest.mark.parametrize(
    ("unasked", "left", "before", "after", "decided"),
    [
        (False, False, None, None, None),
        (True, False, None, None, None),
        (True, True, None, None, Never("opted_out")),
        (False, True, None, None, None),
        (True, False, NOW + HOUR, None, Later(NOW + HOUR)),
        (True, False, NOW, None, None),
        (True, False, NOW - HOUR, NOW + HOUR, None),
        (True, False, None, NOW, Never("too_late")),
        (True, False, NOW + HOUR, NOW + 2 * HOUR, Later(NOW + HOUR)),
        (True, False, NOW + 2 * HOUR, NOW + HOUR, Never("too_late")),
        (True, False, NOW + HOUR, NOW + HOUR, Never("too_late")),
    ],
)
def test_when_a_message_may_go(
    unasked: bool, left: bool, before: datetime | None, after: datetime | None, decided: object
) -> None:
    message = Message(terms={"unasked": unasked}, not_before=before, not_after=after)
    conversation = Conversation(channel="sms", opted_out_at=NOW if left else None)
    assert decide_sending(message, conversation, NOW) == decided


async def test_who_opted_out_gets_no_reminder_but_an_answer(database: Database) -> None:
    wire = Wire()
    business, (reminder, answer) = await prepared(database, "reminder", "answer")
    async with database.transaction() as session:
        hold_back(await session.get_one(Message, (business, reminder)))
    await leave(database)
    assert await go(database, wire, business, reminder) is Outcome.SUPPRESSED
    assert (await load(database, business, reminder)).error == "opted_out"
    assert await go(database, wire, business, answer) is Outcome.SENT
    assert wire.texts == ["answer"]


async def test_what_waits_for_the_morning_holds_up_no_answer(database: Database, database_url: str) -> None:
    wire = Wire()
    business, (reminder, answer) = await prepared(database, "reminder", "answer")
    async with database.transaction() as session:
        hold_back(await session.get_one(Message, (business, reminder)), until=await real_now(session) + HOUR)
    assert await go(database, wire, business, reminder) is Outcome.HELD_BACK
    assert await go(database, wire, business, answer) is Outcome.SENT
    before = len(job_names(database_url))
    async with database.transaction() as session:
        now = await real_now(session)
        assert await terms.wake_due(session, now=now) == 0
        assert await requeue_stuck(session, now=now + HOUR / 2) == 0
        assert await terms.wake_due(session, now=now + 2 * HOUR) == 1
    assert len(job_names(database_url)) == before + 1
    assert await go(database, wire, business, reminder) is Outcome.SENT
    assert wire.texts == ["answer", "reminder"]


async def test_a_reminder_that_is_too_late_is_not_sent(database: Database) -> None:
    wire = Wire()
    business, (one,) = await prepared(database, "reminder")
    async with database.transaction() as session:
        now = await real_now(session)
        hold_back(await session.get_one(Message, (business, one)), useful_until=now - HOUR)
    assert await go(database, wire, business, one) is Outcome.SUPPRESSED
    assert ((await load(database, business, one)).error, wire.texts) == ("too_late", [])


@pytest.mark.parametrize(("left", "shown"), [(HOUR / 2, HOUR / 2), (48 * HOUR, 10 * HOUR)])
async def test_the_provider_is_told_for_how_long_a_reminder_is_of_use(
    database: Database, left: timedelta, shown: timedelta
) -> None:
    wire = Wire()
    business, (one,) = await prepared(database, "reminder")
    async with database.transaction() as session:
        now = await real_now(session)
        hold_back(await session.get_one(Message, (business, one)), useful_until=now + left)
    await go(database, wire, business, one)
    told = wire.accepted[0].useful_for
    assert told is not None
    assert shown - timedelta(minutes=1) < told <= shown


async def day_later(database: Database) -> None:
    async with database.transaction() as session:
        thread = (await session.scalars(select(Conversation))).one()
        thread.last_heard_at = await real_now(session) - timedelta(hours=24)


async def test_the_24_hours_are_looked_at_when_it_is_sent_and_a_template_goes_instead(database: Database) -> None:
    wire = Wire()
    business, (one, two) = await prepared(database, "one", "two", channel="whatsapp")
    assert await go(database, wire, business, one, template_for=a_template) is Outcome.SENT
    await day_later(database)
    assert await go(database, wire, business, two, template_for=a_template) is Outcome.SENT
    assert [message.template for message in wire.accepted] == [None, TEMPLATE]
    assert (await load(database, business, two)).terms["template"] == "news"


async def test_without_a_template_it_fails_and_staff_are_told(database: Database) -> None:
    told: list[str | None] = []

    async def on_failed(_session: AsyncSession, message: Message) -> None:
        told.append(message.error)

    wire = Wire()
    business, (one,) = await prepared(database, "one", channel="whatsapp")
    await day_later(database)
    assert await go(database, wire, business, one, on_failed=on_failed) is Outcome.FAILED
    assert (told, wire.texts) == (["window_closed"], [])


async def test_no_other_channel_counts_the_hours(database: Database) -> None:
    wire = Wire()
    business, (one,) = await prepared(database, "one")
    await day_later(database)
    assert await go(database, wire, business, one) is Outcome.SENT


async def test_63016_sends_it_once_more_as_a_template_and_no_more(database: Database) -> None:
    closed = SendError("twilio_63016", retryable=False, needs_template=True)
    wire = Wire(closed, closed)
    business, (one,) = await prepared(database, "one", channel="whatsapp")
    assert await go(database, wire, business, one, template_for=a_template) is Outcome.RETRYING
    assert await go(database, wire, business, one, template_for=a_template) is Outcome.FAILED
    assert wire.accepted == []


def reported(business: UUID, message: UUID, sid: str, status: Delivery, **more: object) -> DeliveryReported:
    return DeliveryReported(
        ProviderId(sid),
        status.value,
        account=ACCOUNTS["whatsapp"],
        key=make_key(business, message),
        **more,  # type: ignore[arg-type]
    )


async def test_63016_by_callback_sends_it_once_more_as_a_template(database: Database) -> None:
    wire = Wire()
    business, (one,) = await prepared(database, "one", channel="whatsapp")
    await go(database, wire, business, one)
    async with database.transaction() as session:
        failed = reported(business, one, "SM001", Delivery.FAILED, error="twilio_63016", needs_template=True)
        await receive(session, "whatsapp", [failed], now=NOW)
    assert await go(database, wire, business, one, template_for=a_template) is Outcome.SENT
    async with database.transaction() as session:
        late = reported(business, one, "SM001", Delivery.SENT)
        await receive(session, "whatsapp", [late], now=NOW)
    row = await load(database, business, one)
    assert (row.provider_id, row.terms["failed"], row.status) == ("SM002", ["SM001"], "sent")
    async with database.transaction() as session:
        again = reported(business, one, "SM002", Delivery.FAILED, error="twilio_63016", needs_template=True)
        await receive(session, "whatsapp", [again], now=NOW)
    assert (await load(database, business, one)).status == "failed"


async def test_a_failure_that_passes_is_tried_again_after_the_callback_but_not_for_ever(database: Database) -> None:
    wire = Wire()
    business, (one,) = await prepared(database, "one")
    for attempt in range(1, 5):
        assert await go(database, wire, business, one) is Outcome.SENT
        sid = f"SM{attempt:03}"
        async with database.transaction() as session:
            failed = DeliveryReported(
                ProviderId(sid), "failed", error="twilio_30001", account=ACCOUNTS["sms"], retryable=True
            )
            await receive(session, "sms", [failed], now=NOW)
    row = await load(database, business, one)
    assert (row.status, row.attempts, len(wire.accepted)) == ("failed", 4, 4)


async def test_what_nobody_asked_for_keeps_the_pace_and_answers_pass_it(database: Database, redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    await redis.flushdb()
    pace = Pace(redis, {"sms": Rates(number=Rate(1, 2), customer=Rate(1, 100))})
    wire = Wire()
    business, messages = await prepared(database, *(f"news {n}" for n in range(5)), "answer")
    async with database.transaction() as session:
        for one in messages[:-1]:
            hold_back(await session.get_one(Message, (business, one)))
    outcomes = [await go(database, wire, business, one, pace=pace) for one in messages]
    assert outcomes == [Outcome.SENT] * 2 + [Outcome.HELD_BACK] * 3 + [Outcome.SENT]
    assert wire.texts == ["news 0", "news 1", "answer"]
    waits = [(await load(database, business, one)).not_before for one in messages[2:5]]
    assert waits == sorted(waits)  # type: ignore[type-var]
    async with database.transaction() as session:
        assert await terms.wake_due(session, now=await real_now(session) + HOUR) == 3
    assert [await go(database, wire, business, one, pace=pace) for one in messages[2:5]] == [Outcome.SENT] * 3
    await redis.aclose()


async def test_one_customer_is_not_flooded_while_others_are_served(redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    await redis.flushdb()
    pace = Pace(redis, {"telegram": Rates(number=Rate(100, 100), customer=Rate(1, 1))})
    assert await pace.take("telegram", "bot", "1", units=1) == timedelta(0)
    assert timedelta(0) < await pace.take("telegram", "bot", "1", units=1) <= timedelta(seconds=1)
    assert await pace.take("telegram", "bot", "2", units=1) == timedelta(0)
    assert await pace.take("web", "site", "1", units=1) == timedelta(0)
    await redis.aclose()


async def test_without_redis_nothing_waits() -> None:
    redis = Redis.from_url("redis://127.0.0.1:1/0")
    assert await Pace(redis).take("sms", "a", "b", units=3) == timedelta(0)
    await redis.aclose()

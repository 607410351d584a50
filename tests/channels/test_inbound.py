"""What was written while our doors were shut comes in by the provider's list, once."""

import asyncio

from sqlalchemy import delete, func, select

from bot.sandbox.models import SandboxWebhook
from channels.inbound import fetch_missed
from channels.messages import platform_opt
from channels.models import Conversation, Message
from tests.channels.sandboxed import World


async def forget(world: World) -> None:
    """As if the webhooks of everything said so far had been lost."""
    async with world.db.transaction() as session:
        await session.execute(delete(SandboxWebhook))
        await session.execute(delete(Message))


async def rows(world: World) -> list[Message]:
    async with world.db.transaction() as session:
        return list(await session.scalars(select(Message).order_by(Message.created_at, Message.seq)))


async def test_a_message_whose_webhook_was_lost_is_received_once(world: World) -> None:
    await world.say("sms", "first")
    await world.say("sms", "second")
    await world.say("whatsapp", "third")
    await forget(world)
    assert await fetch_missed(world.db, world.channels) == 3
    assert await fetch_missed(world.db, world.channels) == 0
    assert [(row.channel, row.text) for row in await rows(world)] == [
        ("sms", "first"),
        ("sms", "second"),
        ("whatsapp", "third"),
    ]
    async with world.db.transaction() as session:
        # Both threads are those that were there.
        assert (await session.scalar(select(func.count(Conversation.id)))) == 2


async def test_what_came_by_webhook_is_not_received_again(world: World) -> None:
    await world.say("sms", "hello")
    await world.say("whatsapp", "hello")
    assert await fetch_missed(world.db, world.channels) == 0


async def test_what_we_sent_is_not_taken_for_the_customers_words(world: World) -> None:
    await world.say("sms", "hello")
    await world.answer("sms", "Good morning!", [])
    assert await fetch_missed(world.db, world.channels) == 0


async def test_a_stop_that_was_missed_still_counts(world: World) -> None:
    await world.say("sms", "hello")
    await world.say("sms", "STOP")
    await forget(world)
    await fetch_missed(world.db, world.channels)
    assert [platform_opt(row) for row in await rows(world)] == [None, "stop"]
    async with world.db.transaction() as session:
        assert (await session.scalars(select(Conversation))).one().opted_out_at is not None


async def test_two_workers_that_look_at_once_receive_it_once(world: World) -> None:
    await world.say("sms", "hello")
    await forget(world)
    found = await asyncio.gather(*(fetch_missed(world.db, world.channels) for _ in range(4)))
    assert sorted(found) == [0, 0, 0, 1]
    assert len(await rows(world)) == 1

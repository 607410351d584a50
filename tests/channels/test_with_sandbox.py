"""Our adapters and doors with the sandbox's stand-ins over real HTTP: a phone on one side, rows on the other."""

from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from bot import chores
from bot.sandbox.telegram_objects import BOT_USERNAME
from channels import messages
from channels.acknowledge import acknowledge
from channels.deliver import Outcome, deliver
from channels.models import ChannelAccount, Conversation, Message
from tests.channels.builders import allowed, load
from tests.channels.sandboxed import ADDRESSES, Choices, World, until

FEW = ["Sí", "No"]
MANY = [f"mié. 25 nov · 14:{n:02}" for n in range(9)]


@pytest.mark.parametrize(
    ("channel", "labels", "shown"),
    [
        ("sms", FEW, ("¿Seguro?\n1 Sí\n2 No", [])),
        ("sms", [], ("¿Seguro?", [])),
        ("whatsapp", FEW, ("¿Seguro?", FEW)),
        ("whatsapp", MANY, ("¿Seguro?", MANY)),
        ("telegram", FEW, ("¿Seguro?", FEW)),
        ("telegram", MANY, ("¿Seguro?", MANY)),
    ],
)
async def test_a_message_and_its_choices_reach_the_phone(
    world: World, channel: str, labels: Choices, shown: tuple[str, Choices]
) -> None:
    await world.say(channel, "hola, ¿mañana? 💇")
    sent, outcome = await world.answer(channel, "¿Seguro?", labels)
    assert (outcome, sent.status in ("sent", "delivered")) == (Outcome.SENT, True)
    last = (await world.screen(channel))[-1]
    assert (last["text"], [choice["label"] for choice in last["choices"]]) == shown
    if channel != "telegram":

        async def delivered() -> bool:
            return (await load(world.db, sent.business_id, sent.id)).status == "delivered"

        await until(delivered)


@pytest.mark.parametrize(("channel", "labels"), [("whatsapp", FEW), ("whatsapp", MANY), ("telegram", FEW)])
async def test_a_tap_comes_back_as_its_choice(world: World, channel: str, labels: Choices) -> None:
    await world.say(channel, "hola")
    sent, _ = await world.answer(channel, "¿Seguro?", labels)
    last = (await world.screen(channel))[-1]
    row = await world.tap(channel, last["n"], last["choices"][1]["id"])
    assert row.text == labels[1]
    async with world.db.transaction() as session:
        thread = (await session.scalars(select(Conversation).where(Conversation.channel == channel))).one()
        choice = await messages.find_choice(session, thread, row.choice or "")
        assert choice is not None
        assert (choice.meaning, choice.message_id) == ({"do": "choose", "args": {"label": labels[1]}}, sent.id)
        asked = await messages.find_replied_to(session, row)
        assert asked is not None
        assert asked.id == sent.id
    if channel == "telegram":
        await acknowledge(world.db, world.channels, row.business_id, row.id)
        await acknowledge(world.db, world.channels, row.business_id, row.id)
        assert (await world.screen(channel))[-1]["choices"] == []


@pytest.mark.parametrize(("channel", "labels"), [("sms", FEW), ("whatsapp", FEW), ("whatsapp", [])])
async def test_what_a_crash_left_is_found_in_the_stand_ins_list(world: World, channel: str, labels: Choices) -> None:
    await world.say(channel, "hola")
    first, _ = await world.answer(channel, "¿Seguro?", labels)
    second, _ = await world.answer(channel, "¿Seguro?", labels)
    before = len(await world.screen(channel))

    async def delivered() -> bool:
        return (await load(world.db, second.business_id, second.id)).status == "delivered"

    await until(delivered)
    async with world.db.transaction() as session:
        await session.execute(update(Message).where(Message.id == second.id).values(status="sending", provider_id=None))
    outcome = await deliver(world.db, world.channels, second.business_id, second.id, may_send=allowed)
    found = await load(world.db, second.business_id, second.id)
    assert (outcome, found.provider_id) == (Outcome.RECONCILED, second.provider_id)
    assert found.provider_id != first.provider_id
    assert len(await world.screen(channel)) == before


async def test_stop_on_sms_is_twilios_to_answer_and_then_nothing_goes(world: World) -> None:
    await world.say("sms", "hello")
    stop = await world.say("sms", "STOP")
    assert messages.platform_opt(stop) == "stop"
    message, outcome = await world.answer("sms", "are you there?", [])
    assert (outcome, message.error) == (Outcome.FAILED, "twilio_21610")
    start = await world.say("sms", "START")
    assert messages.platform_opt(start) == "start"
    assert (await world.answer("sms", "welcome back", []))[1] is Outcome.SENT


async def test_who_blocks_the_bot_has_opted_out(world: World) -> None:
    await world.say("telegram", "/start")
    path = f"/sandbox/phones/telegram/{ADDRESSES['telegram']}"

    async def out(expected: bool) -> None:
        async def is_so() -> bool:
            async with world.db.transaction() as session:
                found = (await session.scalars(select(Conversation.opted_out_at))).one()
            return (found is not None) is expected

        await until(is_so)

    assert (await world.http.post(f"{path}/block", json={"blocked": True})).is_success
    await out(True)
    message, outcome = await world.answer("telegram", "are you there?", [])
    assert (outcome, message.error) == (Outcome.FAILED, "telegram_forbidden")
    assert (await world.http.post(f"{path}/block", json={"blocked": False})).is_success
    await out(False)


async def test_telegrams_door_can_be_registered(world: World) -> None:
    bot = world.channels["telegram"]
    assert world.vendors.twilio is not None
    base = world.vendors.twilio.webhook_base
    await bot.register(base)  # type: ignore[attr-defined]
    assert await bot.registered() == f"{base}/webhooks/telegram"  # type: ignore[attr-defined]
    await world.say("telegram", "still here")


async def test_what_telegram_calls_the_bot_is_asked_and_kept_for_links(world: World) -> None:
    await world.say("telegram", "/start")
    house = SimpleNamespace(channels=world.channels, db=world.db, own=world.own)
    for _ in range(2):
        await chores.ask_what_bots_are_called(house)
    async with world.db.transaction() as session:
        rows = await session.execute(select(ChannelAccount.channel, ChannelAccount.handle))
        named = {channel: handle for channel, handle in rows if handle is not None}
    assert named == {"telegram": BOT_USERNAME}

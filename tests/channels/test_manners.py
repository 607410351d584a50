"""Showing that somebody was heard, leaving groups, and Telegram without a public address: over the sandbox's HTTP."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.jobs import Job
from bot.polling import poll
from bot.sandbox.models import SandboxObject
from bot.wiring import System
from bot.words import Words
from channels.acknowledge import acknowledge
from channels.contract import AddedToGroup, LeavesGroups
from channels.models import Message
from channels.pace import Pace
from channels.receive import receive
from channels.telegram import Telegram
from channels.twilio import Twilio
from tests.channels.builders import NOW, jobs
from tests.channels.sandboxed import ADDRESSES, World, until

GROUP = -1001


async def seen(world: World) -> list[bool]:
    return [one["seen"] for one in await world.screen("whatsapp") if one["from"] == "customer"]


async def test_whatsapp_shows_typing_and_marks_as_read(world: World) -> None:
    heard = await world.say("whatsapp", "hello")
    assert await seen(world) == [False]
    await acknowledge(world.db, world.channels, heard.business_id, heard.id)
    assert await seen(world) == [True]


async def test_nobody_is_typing_where_no_answer_will_come(world: World) -> None:
    async def muted(_session: AsyncSession, _message: Message) -> bool:
        return False

    heard = await world.say("whatsapp", "hello")
    await acknowledge(world.db, world.channels, heard.business_id, heard.id, will_answer=muted)
    async with world.db.transaction() as session:
        (await session.get_one(Message, (heard.business_id, heard.id))).status = "answered"
    await acknowledge(world.db, world.channels, heard.business_id, heard.id)
    assert await seen(world) == [False]


async def test_typing_can_be_switched_off(world: World, database_url: str) -> None:
    assert world.vendors.twilio is not None
    silent = Twilio.whatsapp(replace(world.vendors.twilio, typing=False), quiet=timedelta(0), list_button=str)
    loud = world.channels["whatsapp"]
    assert isinstance(loud, Twilio)
    await world.say("whatsapp", "hello")
    assert Job.ACKNOWLEDGE_TAP in [job["task_name"] for job in jobs(database_url)]
    await silent.close()
    assert not silent._access.typing


async def test_typing_that_twilio_refuses_is_no_error(world: World) -> None:
    whatsapp = world.channels["whatsapp"]
    assert isinstance(whatsapp, Twilio)
    await whatsapp.show_typing("SM" + "0" * 32)  # type: ignore[arg-type]


async def test_a_choice_on_telegram_stays_visible_in_place_of_its_buttons(world: World) -> None:
    await world.say("telegram", "hello")
    await world.answer("telegram", "When?", ["Monday", "Tuesday"])
    asked = (await world.screen("telegram"))[-1]
    row = await world.tap("telegram", asked["n"], asked["choices"][1]["id"])
    for _ in range(2):  # a second time changes nothing
        await acknowledge(world.db, world.channels, row.business_id, row.id)
    shown = next(one for one in await world.screen("telegram") if one["n"] == asked["n"])
    assert (shown["text"], shown["choices"]) == ("When?\n✓ Tuesday", [])


async def group_of(world: World) -> dict:
    async with world.db.transaction() as session:
        return (await session.get_one(SandboxObject, f"group:{GROUP}")).body


async def test_a_group_is_told_and_left(world: World, database_url: str) -> None:
    path = f"/sandbox/phones/telegram/{ADDRESSES['telegram']}/group"
    assert (await world.http.post(path, json={"id": GROUP})).status_code == 202

    async def asked() -> bool:
        return Job.LEAVE_GROUP in [job["task_name"] for job in jobs(database_url)]

    await until(asked)
    telegram = world.channels["telegram"]
    assert isinstance(telegram, LeavesGroups)
    for _ in range(2):  # a job may run twice
        await telegram.leave_group(str(GROUP), "In private, please.")
    assert ((await group_of(world))["said"], (await group_of(world))["member"]) == (["In private, please."], False)


async def test_a_group_writes_no_thread(session: AsyncSession) -> None:
    await receive(session, "telegram", [AddedToGroup("700", str(GROUP))], now=NOW)
    assert list(await session.scalars(select(Message))) == []


async def test_a_laptop_fetches_updates_and_loses_none(world: World) -> None:
    telegram = world.channels["telegram"]
    assert isinstance(telegram, Telegram)
    pace = Pace(world.redis)
    system = System(
        world.settings, world.vendors, world.db, world.redis, world.channels, None, Words(), pace, world.own
    )
    await telegram.stop_webhook()
    path = f"/sandbox/phones/telegram/{ADDRESSES['telegram']}/say"
    for text in ("one", "two"):
        await world.http.post(path, json={"text": text})
    tasks = [asyncio.create_task(poll(system, telegram, wait=timedelta(0))) for _ in range(2)]
    await world.heard("telegram", lambda row: row.text == "two")
    await world.http.post(path, json={"text": "three"})
    await world.heard("telegram", lambda row: row.text == "three")
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    async with world.db.transaction() as session:
        rows = await session.scalars(select(Message.text).order_by(Message.seq))
        assert list(rows) == ["one", "two", "three"]

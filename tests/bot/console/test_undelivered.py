"""Messages that did not arrive, on their page: why, and sent again once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from booking_core.kit.clock import current_time
from booking_core.kit.db import Database
from channels import conversations
from channels.dead_letters import send_again
from channels.messages import ChoiceDraft, queue_message
from channels.models import Conversation, Message
from tests.bot.console.conftest import SignIn
from tests.bot.console.scene import Scene, add_thread


async def dead_letter(database: Database, scene: Scene, text: str = "Tomorrow at three.", **more: object) -> Message:
    async with database.transaction() as session:
        thread = await add_thread(session, scene, "sms", "+34600111222", [("customer", "hello")], name="Lucía")
        conversation = await conversations.load(session, scene.business.id, thread)
        now = await current_time(session)
        message = await queue_message(
            session,
            conversation,
            sender="bot",
            text=text,
            choices=[ChoiceDraft("I'll come", "confirm_attendance", {"booking": "1"})],
            act="reminder",
            locale="en",
            now=now,
        )
        message.status, message.error = "failed", "twilio_30008"
        for name, value in more.items():
            setattr(message, name, value)
        return message


async def said(database: Database) -> list[Message]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Message).where(Message.sender == "bot").order_by(Message.seq)))


async def test_a_dead_letter_is_shown_and_sent_again_once(database: Database, scene: Scene, signed_in: SignIn) -> None:
    dead = await dead_letter(database, scene, "<b>Tomorrow</b> at three.")
    manager = await signed_in("manager")
    page = (await manager.get("/console/undelivered")).text
    assert "&lt;b&gt;Tomorrow&lt;/b&gt; at three." in page
    assert "the carrier gave no reason" in page
    for _ in range(2):  # an impatient second click
        assert (await manager.submit(f"/console/undelivered/{dead.id}/again")).status_code == 303
    first, second = await said(database)
    assert (second.text, second.status, second.act) == (dead.text, "queued", "reminder")
    assert first.terms["again"] == str(second.id)
    assert first.choices[0]["label"] == second.choices[0]["label"]
    assert first.choices[0]["id"] != second.choices[0]["id"]
    page = (await manager.get("/console/undelivered")).text
    assert "Sent again" in page
    assert f"/console/undelivered/{dead.id}/again" not in page


async def test_what_may_have_arrived_says_so(database: Database, scene: Scene, signed_in: SignIn) -> None:
    await dead_letter(database, scene, status="unsure", error="telegram_has_no_list")
    assert "It may have arrived" in (await (await signed_in("manager")).get("/console/undelivered")).text


async def test_what_is_too_late_has_no_button(database: Database, scene: Scene, signed_in: SignIn) -> None:
    dead = await dead_letter(database, scene)
    async with database.transaction() as session:
        row = await session.get_one(Message, (dead.business_id, dead.id))
        row.not_after = await current_time(session) - timedelta(minutes=1)
    manager = await signed_in("manager")
    assert "No longer of use" in (await manager.get("/console/undelivered")).text
    await manager.submit(f"/console/undelivered/{dead.id}/again")
    assert len(await said(database)) == 1


async def test_nothing_that_is_still_on_its_way_is_sent_again(database: Database, scene: Scene) -> None:
    dead = await dead_letter(database, scene, status="sending")
    async with database.transaction() as session:
        assert await send_again(session, dead.business_id, dead.id, now=await current_time(session)) is None


async def test_who_opted_out_meanwhile_gets_nothing(database: Database, scene: Scene, signed_in: SignIn) -> None:
    dead = await dead_letter(database, scene)
    async with database.transaction() as session:
        (await session.scalars(select(Conversation))).one().opted_out_at = await current_time(session)
    await (await signed_in("manager")).submit(f"/console/undelivered/{dead.id}/again")
    assert (await said(database))[-1].terms["unasked"] is True


@pytest.mark.parametrize("status", ["sent", "delivered", "suppressed"])
async def test_what_arrived_is_not_listed(database: Database, scene: Scene, signed_in: SignIn, status: str) -> None:
    await dead_letter(database, scene, status=status)
    assert "Everything has arrived." in (await (await signed_in("manager")).get("/console/undelivered")).text

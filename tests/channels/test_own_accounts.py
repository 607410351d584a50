"""Businesses with Twilio accounts of their own, and a stand-in that knows several and refuses wrong tokens."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import advance_clock, current_time
from bot import own_lines, templates
from bot.cli import main
from bot.credential_shapes import Provider
from bot.models import Credential
from channels import inbound, media, messages
from channels.acknowledge import acknowledge
from channels.contract import SendError, TemplateUse
from channels.deliver import Outcome, deliver
from channels.lines import channel_for
from channels.models import Conversation, MediaFile, Message
from channels.terms import hold_back
from channels.twilio import Twilio
from tests.bot.own_accounts import keep
from tests.channels.builders import CUSTOMER, NOW, a_business, allowed, load
from tests.channels.sandboxed import ADDRESSES, World, until

NUMBER = "+15557770001"


@dataclass
class Salon:
    """A business with an account of its own."""

    world: World
    id: UUID
    account: dict[str, str]

    async def keep(self, **changes: str) -> None:
        values = {f"twilio_{name.removeprefix('account_')}": value for name, value in self.account.items()}
        values["twilio_account_sid"] = self.account["account_sid"]
        values["twilio_auth_token"] = self.account["auth_token"]
        values = {name: values[name] for name in NAMES}
        await keep(self.world.db, self.world.settings, self.id, Provider.TWILIO, values | changes)

    async def answer(self, channel: str, text: str, labels: list[str] | None = None) -> tuple[Message, Outcome]:
        async with self.world.db.transaction(self.id) as session:
            thread = (await session.scalars(select(Conversation).where(Conversation.channel == channel))).one()
            drafts = [messages.ChoiceDraft(label, "choose", {"label": label}) for label in labels or []]
            message = await messages.queue_message(
                session, thread, sender="bot", text=text, choices=drafts, locale="es", now=NOW
            )
        return await self.deliver(message.id)

    async def deliver(self, message_id: UUID) -> tuple[Message, Outcome]:
        world = self.world
        run = await deliver(world.db, world.channels, self.id, message_id, may_send=allowed, own=world.own)
        return await load(world.db, self.id, message_id), run

    async def listed(self, sid: str, token: str) -> httpx.Response:
        path = f"/sandbox/twilio/2010-04-01/Accounts/{sid}/Messages.json"
        return await self.world.http.get(path, auth=(sid, token))

    async def bodies(self) -> list[str]:
        """What the account's own list holds."""
        answer = await self.listed(self.account["account_sid"], self.account["auth_token"])
        return [one["body"] for one in reversed(answer.json()["messages"])]


NAMES = (
    "twilio_account_sid",
    "twilio_auth_token",
    "twilio_sms_number",
    "twilio_whatsapp_number",
    "twilio_messaging_service_sid",
)


@pytest.fixture
async def salon(world: World, monkeypatch: pytest.MonkeyPatch) -> Salon:
    monkeypatch.setattr(own_lines, "OF_LATE", 0.0)
    numbers = {"sms_number": NUMBER, "whatsapp_number": NUMBER}
    opened = await world.http.post("/sandbox/accounts/twilio", json=numbers)
    assert opened.status_code == 201
    async with world.db.transaction() as session:
        business = await a_business(session, "salon", accounts={})
    salon = Salon(world, business.id, opened.json())
    await salon.keep()
    return salon


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
async def test_what_comes_to_ones_own_number_is_answered_by_ones_own_account(salon: Salon, channel: str) -> None:
    world = salon.world
    heard = await world.say(channel, "hola", to=NUMBER)
    assert heard.business_id == salon.id
    sent, outcome = await salon.answer(channel, "¿Seguro?", ["Sí", "No"])
    assert outcome is Outcome.SENT

    async def delivered() -> bool:
        return (await load(world.db, salon.id, sent.id)).status == "delivered"

    await until(delivered)
    assert (await world.screen(channel))[-1]["text"].startswith("¿Seguro?")
    assert [body.partition("\n")[0] for body in await salon.bodies()] == ["hola", "¿Seguro?"]
    twilio = world.vendors.twilio
    assert twilio is not None
    system = (await salon.listed(twilio.account_sid, twilio.auth_token)).json()
    assert system["messages"] == []


async def test_who_has_no_account_of_ones_own_goes_by_the_systems(salon: Salon) -> None:
    world = salon.world
    heard = await world.say("sms", "hello")
    assert heard.business_id != salon.id
    _, outcome = await world.answer("sms", "Hello.", [], own=world.own)
    assert outcome is Outcome.SENT
    assert await salon.bodies() == []


async def test_a_thread_with_the_systems_number_still_goes_by_the_systems_account(salon: Salon) -> None:
    """A business that gets its own number later has threads with the old one: each goes out where it came in."""
    world = salon.world
    old = await world.say("sms", "hello")
    business = old.business_id
    late = Salon(world, business, salon.account)
    async with world.db.transaction() as session:
        await session.execute(update(Conversation).where(Conversation.business_id == business).values(locale="en"))
    opened = await world.http.post("/sandbox/accounts/twilio", json={"sms_number": "+15557770002"})
    late.account = opened.json()
    values = {"twilio_sms_number": "+15557770002", "twilio_messaging_service_sid": ""}
    await late.keep(**values, twilio_whatsapp_number="")
    _, outcome = await late.answer("sms", "Hello.")
    assert outcome is Outcome.SENT
    assert await late.bodies() == []
    assert (await world.screen("sms"))[-1]["text"] == "Hello."


async def test_a_wrong_token_is_refused_and_a_new_one_counts_without_a_restart(
    salon: Salon, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await salon.world.say("sms", "hola", to=NUMBER)
    right, wrong = salon.account["auth_token"], "0123456789abcdef" * 2
    await salon.keep(twilio_auth_token=wrong)
    message, outcome = await salon.answer("sms", "Vale.")
    assert (outcome, message.status, message.error) == (Outcome.RETRYING, "queued", "twilio_20003")
    renewed = "fedcba9876543210" * 2
    path = f"/sandbox/accounts/twilio/{salon.account['account_sid']}"
    assert (await salon.world.http.put(path, json={"auth_token": renewed})).status_code == 204
    salon.account["auth_token"] = renewed
    await salon.keep()
    message, outcome = await salon.deliver(message.id)
    assert outcome is Outcome.SENT
    assert [secret for secret in (right, wrong, renewed) if secret in caplog.text] == []


async def test_what_cannot_be_read_is_not_sent_by_the_systems_account(salon: Salon) -> None:
    await salon.world.say("sms", "hola", to=NUMBER)
    async with salon.world.db.transaction() as session:
        row = await session.get_one(Credential, (salon.id, "twilio"), with_for_update=True)
        row.secret = row.secret[:-1] + bytes([row.secret[-1] ^ 1])
        row.updated_at = NOW
    message, outcome = await salon.answer("sms", "Vale.")
    assert (outcome, message.error) == (Outcome.RETRYING, "credentials_unreadable")
    await salon.keep()
    assert (await salon.deliver(message.id))[1] is Outcome.SENT


async def test_nobody_sends_by_anothers_line(salon: Salon) -> None:
    """Were an address another business's by our rows, its account would still not be ours to use."""
    world = salon.world
    assert await channel_for(world.channels, world.own, salon.id, "sms", NUMBER) is not world.channels["sms"]
    with pytest.raises(SendError, match="not_ones_own"):
        await channel_for(world.channels, world.own, UUID(int=7), "sms", NUMBER)


async def test_pictures_and_typing_go_by_ones_own_account(salon: Salon) -> None:
    world = salon.world
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
    path = f"/sandbox/phones/whatsapp/{ADDRESSES['whatsapp']}/send-file"
    sent = {"type": "image/png", "data": png, "text": "mira", "to": NUMBER}
    assert (await world.http.post(path, json=sent)).status_code == 202
    heard = await world.heard("whatsapp", lambda row: row.text == "mira")
    assert heard.business_id == salon.id
    await media.fetch(world.db, world.channels, salon.id, heard.id, own=world.own)
    async with world.db.transaction() as session:
        assert [one.state for one in await session.scalars(select(MediaFile))] == ["kept"]
    await acknowledge(world.db, world.channels, salon.id, heard.id, own=world.own)
    assert (await world.screen("whatsapp"))[-1]["seen"]


async def test_what_was_lost_comes_in_by_ones_own_list(salon: Salon) -> None:
    world = salon.world
    await world.say("sms", "hola", to=NUMBER)
    async with world.db.transaction() as session:
        await session.execute(delete(Message))
    assert await inbound.fetch_missed(world.db, world.channels, own=world.own) == 1
    async with world.db.transaction() as session:
        (message,) = await session.scalars(select(Message))
    assert (message.business_id, message.text) == (salon.id, "hola")


async def test_the_stand_in_keeps_accounts_apart(salon: Salon) -> None:
    world, account = salon.world, salon.account
    twilio = world.vendors.twilio
    assert twilio is not None
    sid, token = account["account_sid"], account["auth_token"]
    for wrong in ((sid, twilio.auth_token), (twilio.account_sid, token), ("AC" + "0" * 32, token)):
        assert (await salon.listed(*wrong)).status_code == 401
    foreign = f"/sandbox/twilio/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
    assert (await world.http.get(foreign, auth=(sid, token))).status_code == 404
    ours = f"/sandbox/twilio/2010-04-01/Accounts/{sid}/Messages.json"
    form: dict[str, Any] = {"To": CUSTOMER, "From": twilio.sms_number, "Body": "x"}
    refused = await world.http.post(ours, data=form, auth=(sid, token))
    assert (refused.status_code, refused.json()["code"]) == (400, 21659)
    assert (await world.http.post("/sandbox/accounts/twilio", json={"sms_number": NUMBER})).status_code == 409
    # Who has left one business's number has not left another's.
    await world.say("sms", "stop", to=NUMBER)
    form["From"] = NUMBER
    form["To"] = ADDRESSES["sms"]
    assert (await world.http.post(ours, data=form, auth=(sid, token))).json()["code"] == 21610
    form["From"] = twilio.sms_number
    system = (twilio.account_sid, twilio.auth_token)
    assert (await world.http.post(foreign, data=form, auth=system)).status_code == 201


async def _after_a_day(salon: Salon) -> tuple[Message, Outcome]:
    """A reminder on WhatsApp, when free text may not go any more."""
    world = salon.world

    async def template_for(session: AsyncSession, message: Message) -> TemplateUse | None:
        return await templates.template_for(session, message, await templates.owner_of(session, world.own, message))

    async with world.db.transaction() as session:
        await advance_clock(session, timedelta(hours=25))
        thread = (await session.scalars(select(Conversation).where(Conversation.business_id == salon.id))).one()
        message = await messages.queue_message(
            session, thread, sender="bot", text="Mañana a las 3.", locale="es", now=await current_time(session)
        )
        hold_back(message)
    outcome = await deliver(
        world.db,
        world.channels,
        salon.id,
        message.id,
        may_send=allowed,
        template_for=template_for,
        own=world.own,
    )
    return await load(world.db, salon.id, message.id), outcome


async def test_templates_are_those_of_ones_own_account(salon: Salon) -> None:
    world = salon.world
    await world.say("whatsapp", "hola", to=NUMBER)
    system = world.channels["whatsapp"]
    mine = world.own.of(salon.id, "whatsapp")
    assert isinstance(system, Twilio)
    assert mine is not None
    assert isinstance(mine.channel, Twilio)
    await templates.push(world.db, system.templates)
    await templates.refresh(world.db, system.templates)
    message, outcome = await _after_a_day(salon)
    assert (outcome, message.error) == (Outcome.FAILED, "window_closed"), "what the system has is not ours to use"
    owner = templates.Owner(salon.id, mine.owner)
    pushed = await templates.push(world.db, mine.channel.templates, owner=owner)
    assert len(pushed) == len(templates.declared())
    assert await templates.push(world.db, mine.channel.templates, owner=owner) == []
    assert {row.status for row in await templates.refresh(world.db, mine.channel.templates, owner=owner)} == {
        "approved"
    }
    message, outcome = await _after_a_day(salon)
    assert outcome is Outcome.SENT
    assert "Mañana a las 3." in (await salon.bodies())[-1]
    # In another account they are unknown, and are pushed anew.
    moved = templates.Owner(salon.id, "AC" + "9" * 32)
    assert await templates.refresh(world.db, mine.channel.templates, owner=moved) == []
    assert len(await templates.push(world.db, mine.channel.templates, owner=moved)) == len(pushed)


async def test_the_command_pushes_templates_to_every_account(
    salon: Salon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = salon.world.settings
    for name, value in {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "VAULT_KEYS": settings.vault_keys.get_secret_value(),
        "PORT": str(settings.port),
    }.items():
        monkeypatch.setenv(name, value)
    assert await asyncio.to_thread(main, ["templates", "push"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert {"reminder es: approved", "salon: reminder es: approved"} <= set(told)
    await salon.keep(twilio_auth_token="0" * 32)
    assert await asyncio.to_thread(main, ["templates", "status"]) == 1
    out, err = capsys.readouterr()
    assert "reminder es: approved" in out.splitlines()
    assert err == "salon: Twilio refused: twilio_20003\n"

"""What comes to a business with credentials of its own is verified by them, and is nobody else's business."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import select, text
from twilio.request_validator import RequestValidator

from booking_core.kit.db import Database
from bot import own_lines
from bot.app import create_app
from bot.credential_shapes import Provider
from bot.own_lines import OwnLines
from bot.sandbox.signing import stripe_signature
from bot.settings import Settings
from bot.vault import make_key
from bot.wiring import close_system
from channels.conversations import open_conversation
from channels.keys import make_key as key_of
from channels.lines import Unreadable
from channels.models import ChannelAccount, Conversation, Message
from payment_links.models import PaymentEvent
from tests.bot.own_accounts import BASE, NO_SYSTEM, OURS, THEIRS, Own, keep, live, three_businesses
from tests.channels.builders import CUSTOMER, NOW, queued

FORM = "application/x-www-form-urlencoded"


@dataclass
class World:
    http: httpx.AsyncClient
    db: Database
    settings: Settings
    ids: dict[str, UUID]
    own: OwnLines

    async def sms(self, to: str, token: str, path: str = "/webhooks/sms", **fields: str) -> int:
        """Post what Twilio would, signed with a token; returns the status."""
        form = {"MessageSid": "SM1", "From": CUSTOMER, "To": to, "Body": "hello", "NumMedia": "0", **fields}
        signature = RequestValidator(token).compute_signature(BASE + path, form)
        headers = {"content-type": FORM, "x-twilio-signature": signature}
        return (await self.http.post(path, content=urlencode(form), headers=headers)).status_code

    async def report(self, one: Own, key: str, token: str, **fields: str) -> int:
        said = {
            "MessageSid": f"SM-{one.slug}",
            "MessageStatus": "delivered",
            "From": one.number,
            "To": CUSTOMER,
            "AccountSid": one.sid,
        }
        return await self.sms(CUSTOMER, token, f"/webhooks/sms/status?key={key}", **(said | fields))

    async def telegram(self, door: str, secret: str, number: int = 1) -> int:
        update = {
            "update_id": number,
            "message": {
                "message_id": number,
                "date": 1_790_000_000,
                "text": "hello",
                "from": {"id": 42, "is_bot": False, "first_name": "Ada"},
                "chat": {"id": 42, "type": "private"},
            },
        }
        headers = {"x-telegram-bot-api-secret-token": secret}
        return (await self.http.post(f"/webhooks/telegram{door}", json=update, headers=headers)).status_code

    async def stripe(self, door: str, secret: str, **subject: object) -> int:
        told = {"id": "evt_1", "type": "checkout.session.completed", "data": {"object": {"id": "cs_1", **subject}}}
        body = json.dumps(told)
        headers = {"Stripe-Signature": stripe_signature(body, secret)}
        return (await self.http.post(f"/webhooks/stripe{door}", content=body, headers=headers)).status_code

    async def heard(self) -> list[str]:
        """Return who has got messages."""
        names = {id_: slug for slug, id_ in self.ids.items()}
        async with self.db.transaction() as session:
            return sorted(names[one] for one in await session.scalars(select(Message.business_id)))

    async def keep(self, one: Own, provider: Provider, **changes: str) -> None:
        await keep(self.db, self.settings, self.ids[one.slug], provider, one.values(provider, **changes))


@pytest.fixture
async def world(database: Database, database_url: str, redis_url: str) -> AsyncIterator[World]:
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()
    settings = live(database_url, redis_url)
    ids = await three_businesses(database, settings)
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.7:8000") as http:
        yield World(http, database, settings, ids, app.state.system.own)
    await close_system(app.state.system)


@pytest.fixture
def always_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known is never of late enough: a change counts at once."""
    monkeypatch.setattr(own_lines, "OF_LATE", 0.0)
    monkeypatch.setattr(own_lines, "AT_SOONEST", 0.0)


def system_token(world: World) -> str:
    return world.settings.twilio_auth_token.get_secret_value()


async def test_a_number_of_ones_own_is_verified_by_ones_own_token_and_by_no_other(world: World) -> None:
    for token in (system_token(world), THEIRS.token):
        assert await world.sms(OURS.number, token) == 403
        assert await world.sms(f"whatsapp:{OURS.number}", token, "/webhooks/whatsapp") == 403
    assert await world.heard() == []
    assert await world.sms(OURS.number, OURS.token) == 200
    assert await world.sms(f"whatsapp:{OURS.number}", OURS.token, "/webhooks/whatsapp", MessageSid="SM2") == 200
    assert await world.heard() == ["ours", "ours"]


async def test_everybody_elses_numbers_stay_as_they_are(world: World) -> None:
    shared = world.settings.twilio_sms_number
    for number, right, wrong in (
        (shared, system_token(world), OURS.token),
        (THEIRS.number, THEIRS.token, OURS.token),
        ("+15559999999", system_token(world), OURS.token),
    ):
        assert await world.sms(number, wrong) == 403
        # What names our account is not ours for that.
        assert await world.sms(number, wrong, AccountSid=OURS.sid) == 403
        assert await world.sms(number, right) == 200
    assert await world.heard() == ["shared", "theirs"]


async def _sent(world: World, slug: str, number: str) -> UUID:
    """A message of a business's that Twilio has taken."""
    async with world.db.transaction() as session:
        found = select(ChannelAccount).where(ChannelAccount.channel == "sms", ChannelAccount.address == number)
        account = (await session.scalars(found)).one()
        thread = await open_conversation(session, account, CUSTOMER, now=NOW)
        (message_id,) = await queued(session, thread, f"to {slug}")
        message = await session.get_one(Message, (world.ids[slug], message_id))
        message.status, message.provider_id = "sent", f"SM-{slug}"
    return message_id


async def _status(world: World, slug: str, message_id: UUID) -> str:
    async with world.db.transaction() as session:
        return (await session.get_one(Message, (world.ids[slug], message_id))).status


async def test_a_report_is_believed_of_ones_own_messages_only(world: World) -> None:
    ours = await _sent(world, "ours", OURS.number)
    theirs = await _sent(world, "theirs", THEIRS.number)
    shared = await _sent(world, "shared", world.settings.twilio_sms_number)
    keys = {
        slug: key_of(world.ids[slug], id_) for slug, id_ in (("ours", ours), ("theirs", theirs), ("shared", shared))
    }
    # Our signature is right, and the message that it names is another's.
    assert await world.report(OURS, keys["theirs"], OURS.token, MessageSid="SM-theirs") == 200
    assert await world.report(OURS, keys["shared"], OURS.token, MessageSid="SM-shared") == 200
    assert [await _status(world, "theirs", theirs), await _status(world, "shared", shared)] == ["sent", "sent"]
    assert await world.report(OURS, keys["ours"], system_token(world)) == 403
    assert await world.report(OURS, keys["ours"], THEIRS.token) == 403
    assert await _status(world, "ours", ours) == "sent"
    assert await world.report(OURS, keys["ours"], OURS.token) == 200
    assert await _status(world, "ours", ours) == "delivered"
    assert await world.report(THEIRS, keys["theirs"], THEIRS.token) == 200
    assert await _status(world, "theirs", theirs) == "delivered"


async def test_a_report_from_another_number_of_ones_own_account_is_found_by_its_key(world: World) -> None:
    ours = await _sent(world, "ours", OURS.number)
    key = key_of(world.ids["ours"], ours)
    pool = "+15558887777"
    assert await world.report(OURS, key, THEIRS.token, From=pool) == 403
    assert await world.report(OURS, key, OURS.token, From=pool, AccountSid=THEIRS.sid) == 403
    assert await world.report(OURS, key, OURS.token, From=pool) == 200
    assert await _status(world, "ours", ours) == "delivered"


async def test_a_bot_of_ones_own_has_a_door_of_its_own(world: World) -> None:
    system = world.settings.telegram_secret.get_secret_value()
    ours, theirs = (f"/{one.bot.partition(':')[0]}" for one in (OURS, THEIRS))
    for door, secret in ((ours, system), (ours, THEIRS.bot_secret), ("", OURS.bot_secret), (theirs, OURS.bot_secret)):
        assert await world.telegram(door, secret) == 403
    assert await world.telegram("/100000001", system) == 404
    assert await world.telegram("/999", OURS.bot_secret) == 404
    assert await world.telegram(ours, OURS.bot_secret) == 200
    assert await world.telegram("", system) == 200
    assert await world.heard() == ["ours", "shared"]


async def test_an_account_at_stripe_of_ones_own_has_a_door_of_its_own(world: World) -> None:
    system = world.settings.stripe_webhook_secret.get_secret_value()
    for door, secret in (("/ours", system), ("/ours", THEIRS.signing), ("", OURS.signing), ("/theirs", OURS.signing)):
        assert await world.stripe(door, secret) == 403
    assert await world.stripe("/shared", system) == 404
    assert await world.stripe("/nobody", system) == 404
    # Three accounts may tell of events by one id, or somebody may make one up: none takes another's place.
    assert await world.stripe("/ours", OURS.signing) == 200
    assert await world.stripe("/ours", OURS.signing) == 200
    assert await world.stripe("/theirs", THEIRS.signing) == 200
    assert await world.stripe("", system) == 200
    async with world.db.transaction() as session:
        kept = {one.id: one.payload.get("business_id") for one in await session.scalars(select(PaymentEvent))}
    ours, theirs = str(world.ids["ours"]), str(world.ids["theirs"])
    assert kept == {f"{ours}:evt_1": ours, f"{theirs}:evt_1": theirs, "evt_1": None}


@pytest.mark.usefixtures("always_looking")
async def test_a_new_token_counts_without_a_restart_and_the_old_one_no_more(world: World) -> None:
    assert await world.sms(OURS.number, OURS.token) == 200
    await world.keep(OURS, Provider.TWILIO, twilio_auth_token="9" * 32)
    assert await world.sms(OURS.number, OURS.token, MessageSid="SM2") == 403
    assert await world.sms(OURS.number, "9" * 32, MessageSid="SM3") == 200
    await world.keep(OURS, Provider.STRIPE, stripe_webhook_secret="whsec_" + "9" * 32)
    assert await world.stripe("/ours", OURS.signing) == 403
    assert await world.stripe("/ours", "whsec_" + "9" * 32) == 200
    async with world.db.transaction() as session:
        await session.execute(text("DELETE FROM credential WHERE business_id = :id"), {"id": world.ids["ours"]})
    # Without credentials of its own it is the system's again; what its account still sends is no proof.
    assert await world.sms(OURS.number, "9" * 32, MessageSid="SM4") == 403
    assert await world.stripe("/ours", "whsec_" + "9" * 32) == 404
    assert await world.telegram(f"/{OURS.bot.partition(':')[0]}", OURS.bot_secret) == 404


async def test_a_refused_webhook_has_us_look_whether_the_token_has_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_lines, "AT_SOONEST", 0.0)
    assert await world.sms(OURS.number, OURS.token) == 200
    await world.keep(OURS, Provider.TWILIO, twilio_auth_token="9" * 32)
    await world.keep(OURS, Provider.TELEGRAM, telegram_secret="another-secret-of-the-bot")
    assert await world.sms(OURS.number, "9" * 32, MessageSid="SM2") == 200
    assert await world.telegram(f"/{OURS.bot.partition(':')[0]}", "another-secret-of-the-bot") == 200


@pytest.mark.parametrize("keys", ["", make_key()], ids=["no key", "another key"])
async def test_what_cannot_be_read_is_verified_by_nothing(
    database: Database, database_url: str, redis_url: str, keys: str, caplog: pytest.LogCaptureFixture
) -> None:
    ids = await three_businesses(database, live(database_url, redis_url))
    settings = live(database_url, redis_url, vault_keys=keys)
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.7:8000") as http:
        world = World(http, database, settings, ids, app.state.system.own)
        for token in (OURS.token, system_token(world)):
            assert await world.sms(OURS.number, token) == 503
        assert await world.telegram(f"/{OURS.bot.partition(':')[0]}", OURS.bot_secret) == 503
        for secret in (OURS.signing, settings.stripe_webhook_secret.get_secret_value()):
            assert await world.stripe("/ours", secret) == 503
        assert await world.sms(settings.twilio_sms_number, system_token(world)) == 200
        assert await world.heard() == ["shared"]
        with pytest.raises(Unreadable):
            world.own.at("sms", OURS.number)
    await close_system(app.state.system)
    assert "credentials for twilio of ours cannot be read" in caplog.text


async def test_a_row_that_was_copied_opens_no_door(world: World) -> None:
    """Who may write rows gives our token to theirs: it is refused, and theirs speaks with nobody's voice."""
    async with world.db.transaction() as session:
        await session.execute(
            text(
                "UPDATE credential SET secret = (SELECT secret FROM credential WHERE business_id = :ours AND kind = "
                "'twilio'), updated_at = clock_timestamp() WHERE business_id = :theirs AND kind = 'twilio'"
            ),
            {"ours": world.ids["ours"], "theirs": world.ids["theirs"]},
        )
    assert await world.sms(THEIRS.number, OURS.token) == 503
    assert await world.sms(OURS.number, OURS.token) == 200
    assert await world.heard() == ["ours"]


async def test_a_system_may_have_no_credentials_at_all(database: Database, database_url: str, redis_url: str) -> None:
    ids = await three_businesses(database, live(database_url, redis_url))
    settings = live(database_url, redis_url, sandbox_off=True, **NO_SYSTEM)
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.7:8000") as http:
        world = World(http, database, settings, ids, app.state.system.own)
        assert await world.sms("+15550000001", OURS.token) == 404
        assert await world.telegram("", OURS.bot_secret) == 404
        assert await world.stripe("", OURS.signing) == 404
        assert await world.sms(OURS.number, THEIRS.token) == 403
        assert await world.sms(OURS.number, OURS.token) == 200
        assert await world.telegram(f"/{OURS.bot.partition(':')[0]}", OURS.bot_secret) == 200
        assert (await http.get("/sandbox")).status_code == 404
        assert await world.heard() == ["ours", "ours"]
    await close_system(app.state.system)


async def test_webhooks_cost_no_more_transactions_than_before(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    begin = world.own._db._sessions

    def counted(**how: Any) -> Any:
        taken.append(how["info"]["begins with"])
        return begin(**how)

    monkeypatch.setattr(world.own._db, "_sessions", counted)
    for number in range(6):
        told = {"MessageSid": f"SM{number}", "From": f"+3460011100{number}"}
        assert await world.sms(world.settings.twilio_sms_number, system_token(world), **told) == 200
        assert await world.sms(OURS.number, OURS.token, **told) == 200
    assert len(taken) == 12 + 1, "one transaction for each message, and one look for all"


async def test_no_log_line_and_no_answer_holds_a_secret(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await world.sms(OURS.number, "0" * 32)
    await world.sms(OURS.number, OURS.token)
    await world.telegram("/1", OURS.bot_secret)
    await world.stripe("/ours", THEIRS.signing)
    await world.stripe("/ours", OURS.signing)
    answer = await world.http.post("/webhooks/stripe/ours", content="{}", headers={"Stripe-Signature": "t=1,v1=0"})
    shown = caplog.text + answer.text + repr(world.own._kept) + repr(await world.own.till_of("ours"))
    assert [secret for secret in (*OURS.secrets, *THEIRS.secrets) if secret in shown] == []
    async with world.db.transaction() as session:
        assert len((await session.scalars(select(Conversation))).all()) == 1

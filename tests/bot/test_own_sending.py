"""What goes out for a business with credentials of its own bears them: in Telegram's address, in Stripe's header."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from booking_core.kit.db import Database
from bot import chores, own_lines
from bot.credential_shapes import Provider
from bot.credentials_command import tell_telegram
from bot.jobs import Work
from bot.own_lines import OwnLines
from bot.vault import make_key
from bot.vendors import own_vendor, vendors_for
from channels import registry
from channels.contract import OutgoingMessage
from channels.lines import channel_for
from channels.models import ChannelAccount
from payment_links.gateway import GatewayError, LinkWanted
from payment_links.own_gateway import OwnFirst
from payment_links.stripe_gateway import StripeGateway
from tests.bot.own_accounts import NO_SYSTEM, OURS, THEIRS, keep, live, three_businesses
from tests.channels.peer import Peer, open_peer
from tests.payment_links.builders import NOW

SENT = {"ok": True, "result": {"message_id": 7, "date": 1, "chat": {"id": 42, "type": "private"}}}
WANTED = LinkWanted("k", "ABCD", "Haircut", 1000, "EUR", "en", NOW + timedelta(hours=1), {})


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with open_peer() as peer:
        peer.answers["/sendMessage"] = [(200, SENT)]
        peer.answers["/setWebhook"] = [(200, {"ok": True, "result": True})]
        peer.answers["/checkout/sessions"] = [(200, {"id": "cs_1", "object": "checkout.session", "url": "https://x"})]
        yield peer


@pytest.fixture
async def here(
    database: Database, database_url: str, redis_url: str, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SimpleNamespace]:
    """Three businesses whose vendors are at the peer, where the sandbox would be."""
    monkeypatch.setattr(own_lines, "OF_LATE", 0.0)
    ids = await three_businesses(database, live(database_url, redis_url))
    settings = live(database_url, redis_url, public_url=peer.url, **NO_SYSTEM)
    own = OwnLines(database, settings, lambda _: "x")
    vendors = vendors_for(settings)
    assert vendors.stripe is not None
    shared = registry.build(twilio=None, telegram=vendors.telegram)
    gateway = StripeGateway(vendors.stripe)
    yield SimpleNamespace(db=database, settings=settings, ids=ids, own=own, shared=shared, gateway=gateway)
    await own.close()
    await gateway.close()
    await registry.close(shared)


async def _write(here: SimpleNamespace, slug: str, account: str) -> None:
    channel = await channel_for(here.shared, here.own, here.ids[slug], "telegram", account)
    assert channel is not None
    await channel.send(OutgoingMessage(key="k", account=account, address="42", text="hello"))


async def test_a_bot_of_ones_own_writes_as_itself(here: SimpleNamespace, peer: Peer) -> None:
    system = next(iter(here.shared["telegram"]._bot.token.split(":")))
    await _write(here, "ours", OURS.bot.partition(":")[0])
    await _write(here, "theirs", THEIRS.bot.partition(":")[0])
    await _write(here, "shared", system)
    renewed = OURS.bot.partition(":")[0] + ":" + "N" * 35
    values = OURS.values(Provider.TELEGRAM, telegram_token=renewed)
    await keep(here.db, here.settings, here.ids["ours"], Provider.TELEGRAM, values)
    await _write(here, "ours", OURS.bot.partition(":")[0])
    bots = [one.path.split("/bot", 1)[1].removesuffix("/sendMessage") for one in peer.asked]
    assert bots == [OURS.bot, THEIRS.bot, here.shared["telegram"]._bot.token, renewed]


async def test_a_bot_of_ones_own_is_told_its_own_door(here: SimpleNamespace, peer: Peer) -> None:
    for bot in await here.own.bots():
        await bot.register("https://book.example.org/", own=True)
    told = {one.form["url"]: one.form["secret_token"] for one in peer.asked}
    assert told == {
        f"https://book.example.org/webhooks/telegram/{one.bot.partition(':')[0]}": one.bot_secret
        for one in (OURS, THEIRS)
    }


async def test_a_page_to_pay_on_is_made_in_ones_own_account(here: SimpleNamespace, peer: Peer) -> None:
    for slug in ("ours", "theirs", "shared"):
        gateway = await here.own.gateway_for(here.ids[slug], here.gateway)
        assert isinstance(gateway, StripeGateway if slug == "shared" else OwnFirst)
        await gateway.open_link(WANTED)
    # Also where the system has no account at all.
    alone = await here.own.gateway_for(here.ids["ours"], None)
    assert alone is not None
    await alone.open_link(WANTED)
    assert await here.own.gateway_for(here.ids["shared"], None) is None
    keys = [one.headers["Authorization"].removeprefix("Bearer ") for one in peer.asked]
    system = vendors_for(here.settings).stripe
    assert system is not None
    assert keys == [OURS.stripe_key, THEIRS.stripe_key, system.secret_key, OURS.stripe_key]


async def test_what_cannot_be_read_asks_for_no_money(here: SimpleNamespace, database_url: str, redis_url: str) -> None:
    blind = OwnLines(here.db, live(database_url, redis_url, vault_keys=make_key()), lambda _: "x")
    with pytest.raises(GatewayError, match="credentials_unreadable") as refused:
        await blind.gateway_for(here.ids["ours"], here.gateway)
    assert refused.value.retryable
    assert await blind.gateway_for(here.ids["shared"], here.gateway) is here.gateway
    assert list(await blind.bots()) == []
    await blind.close()


async def test_adapters_are_made_once_and_closed_when_nobody_can_use_them_any_more(
    here: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.own.look()
    place = ("telegram", OURS.bot.partition(":")[0])
    first, theirs = here.own.at(*place).channel, here.own.at("telegram", THEIRS.bot.partition(":")[0]).channel
    await here.own.look()
    assert here.own.at(*place).channel is first
    await keep(here.db, here.settings, here.ids["ours"], Provider.TELEGRAM, OURS.values(Provider.TELEGRAM))
    await here.own.look()
    assert here.own.at(*place).channel is not first
    assert here.own.at("telegram", THEIRS.bot.partition(":")[0]).channel is theirs, "theirs has not changed"
    second = here.own.at(*place).channel
    monkeypatch.setattr(own_lines, "_OUT_OF_USE", 0.0)
    await keep(here.db, here.settings, here.ids["ours"], Provider.TELEGRAM, OURS.values(Provider.TELEGRAM))
    await here.own.look()
    assert second._request._client.is_closed
    assert not first._request._client.is_closed, "somebody may still be sending by it"


async def test_telegram_is_told_at_once_where_a_bot_of_ones_own_is_reached(here: SimpleNamespace, peer: Peer) -> None:
    access = own_vendor(here.settings, Provider.TELEGRAM, OURS.values(Provider.TELEGRAM)).telegram
    assert access is not None
    assert await tell_telegram(access, "https://book.example.org") is None
    assert peer.asked[-1].form["url"] == f"https://book.example.org/webhooks/telegram/{access.bot_id}"
    peer.answers["/setWebhook"] = [(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})]
    refused = await tell_telegram(access, "https://book.example.org")
    assert refused == "Telegram did not take the address (telegram_error): is the token right?"


async def test_a_worker_tells_a_bot_that_was_given_in_the_console(
    here: SimpleNamespace, peer: Peer, database_url: str, redis_url: str
) -> None:
    await here.own.look()
    renewed = OURS.bot.partition(":")[0] + ":" + "N" * 35
    values = OURS.values(Provider.TELEGRAM, telegram_token=renewed)
    await keep(here.db, here.settings, here.ids["ours"], Provider.TELEGRAM, values)
    await asyncio.sleep(own_lines.AT_SOONEST)
    settings = live(database_url, redis_url, public_url="https://book.example.org")
    real = SimpleNamespace(settings=settings, own=here.own, db=here.db)
    await Work(real, None).tell_bot(None, str(here.ids["ours"]))  # type: ignore[arg-type]
    await Work(real, None).tell_bot(None, str(here.ids["shared"]))  # type: ignore[arg-type]
    (told,) = peer.asked
    assert told.path.endswith(f"/bot{renewed}/setWebhook")
    assert told.form["url"] == f"https://book.example.org/webhooks/telegram/{OURS.bot.partition(':')[0]}"
    # The sandbox's Telegram knows its own bot only.
    await Work(here, None).tell_bot(None, str(here.ids["ours"]))  # type: ignore[arg-type]
    assert len(peer.asked) == 1


async def test_each_bot_is_asked_its_name_and_one_that_fails_is_no_others_fault(
    here: SimpleNamespace, peer: Peer
) -> None:
    def named(name: str) -> tuple[int, dict]:
        return 200, {"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "x", "username": name}}

    refused = (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
    peer.answers["/getMe"] = [named("system_bot"), refused, named("other_bot")]
    await chores.ask_what_bots_are_called(SimpleNamespace(channels=here.shared, own=here.own, db=here.db))
    async with here.db.transaction() as session:
        rows = await session.execute(
            select(ChannelAccount.business_id, ChannelAccount.handle).where(ChannelAccount.channel == "telegram")
        )
        found = dict(rows.tuples().all())
    own = {found[here.ids[slug]] for slug in ("ours", "theirs")}
    assert own == {None, "other_bot"}, "in whatever order they are asked"
    assert found[here.ids["shared"]] is None, "the bot that is asked as the system's is no account here"

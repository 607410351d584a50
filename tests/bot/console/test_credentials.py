"""A business's own accounts in the console: given, replaced, taken away by owners, and never shown again."""

import logging
from dataclasses import replace

import psycopg
import pytest
from axe_playwright_python.async_playwright import Axe
from fastapi import FastAPI
from playwright.async_api import Browser
from pydantic import SecretStr

from booking_core.kit.db import Database, libpq_url
from bot.console import Desk, router_for
from bot.credentials import kept, opened
from bot.settings import Settings
from bot.vault import Vault, make_key
from channels.accounts import find_account, open_account
from tests.bot.console.browsing import AXE, OVERFLOW, SMALL_TARGETS, open_console
from tests.bot.console.conftest import SignIn, hidden, new_browser
from tests.bot.console.scene import Scene
from tests.channels.builders import a_business

TOKEN = "0123456789abcdef0123456789abcdef"
TWILIO = {
    "twilio_account_sid": "AC" + "a1" * 16,
    "twilio_auth_token": TOKEN,
    "twilio_sms_number": "+34600999888",
    "twilio_whatsapp_number": "",
    "twilio_messaging_service_sid": "",
}
BOT = {"telegram_token": "777000:" + "Zz9_" * 9, "telegram_secret": ""}
TILL = {"stripe_secret_key": "sk_test_" + "q7" * 12, "stripe_webhook_secret": "whsec_" + "w8" * 12}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"vault_keys": SecretStr(make_key())})


async def values_of(desk: Desk, scene: Scene) -> dict[str, dict[str, str]]:
    vault = Vault.of(desk.settings.vault_keys.get_secret_value())
    async with desk.db.transaction(scene.business.id) as session:
        return {row.kind: opened(vault, row) for row in await kept(session)}


async def test_an_owner_gives_what_is_then_sealed_and_never_shown(
    desk: Desk, scene: Scene, signed_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    owner = await signed_in("owner")
    assert (await owner.get("/console/credentials")).text.count("None of your own") == 3
    with caplog.at_level(logging.DEBUG):
        for provider, given in (("twilio", TWILIO), ("telegram", BOT), ("stripe", TILL)):
            answer = await owner.submit(f"/console/credentials/{provider}", **given)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/console/credentials?kept={provider}")
    found = await values_of(desk, scene)
    assert found["twilio"] == {name: value for name, value in TWILIO.items() if value}
    assert found["telegram"]["telegram_token"] == BOT["telegram_token"]
    assert len(found["telegram"]["telegram_secret"]) > 20, "one is made"
    assert found["stripe"] == TILL
    page = (await owner.get("/console/credentials?kept=twilio")).text
    assert "Twilio (SMS and WhatsApp): kept." in page
    assert "+34600999888" in page
    assert "777000:…" in page
    assert "http://console.test/webhooks/stripe/marigold" in page
    secrets = [TOKEN, TWILIO["twilio_account_sid"], BOT["telegram_token"][7:], *TILL.values()]
    secrets.append(found["telegram"]["telegram_secret"])
    assert [one for one in secrets if one in page or one in caplog.text] == []


async def test_its_numbers_are_the_businesss_and_a_worker_tells_its_bot(
    desk: Desk, scene: Scene, signed_in: SignIn, database_url: str
) -> None:
    owner = await signed_in("owner")
    await owner.submit("/console/credentials/twilio", **TWILIO)
    await owner.submit("/console/credentials/telegram", **BOT)
    async with desk.db.transaction() as session:
        for channel, address in (("sms", "+34600999888"), ("telegram", "777000")):
            account = await find_account(session, channel, address)
            assert account is not None
            assert account.business_id == scene.business.id
    with psycopg.connect(libpq_url(database_url)) as connection:
        told = connection.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'tell_bot'").fetchall()
    assert told == [({"business_id": str(scene.business.id)},)]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"twilio_account_sid": ""}, "Account SID: is missing"),
        ({"twilio_auth_token": "hunter2"}, "Auth token: does not look like one"),
        ({"twilio_sms_number": ""}, "SMS number: a number for SMS or WhatsApp is needed"),
    ],
)
async def test_what_is_no_credential_is_refused_and_does_not_come_back(
    desk: Desk, scene: Scene, signed_in: SignIn, changed: dict[str, str], said: str
) -> None:
    owner = await signed_in("owner")
    answer = await owner.submit("/console/credentials/twilio", **(TWILIO | changed))
    assert answer.status_code == 400
    assert said in answer.text
    assert [one for one in (TOKEN, "hunter2") if one in answer.text] == []
    assert await values_of(desk, scene) == {}


async def test_a_number_of_another_business_is_refused_and_nothing_is_kept(
    database: Database, desk: Desk, scene: Scene, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        other = await a_business(session, "rosebud", accounts={})
        await open_account(session, other.id, "sms", TWILIO["twilio_sms_number"])
    owner = await signed_in("owner")
    answer = await owner.submit("/console/credentials/twilio", **TWILIO)
    assert answer.status_code == 400
    assert "Another business has this number" in answer.text
    assert await values_of(desk, scene) == {}


async def test_they_are_replaced_and_taken_away(desk: Desk, scene: Scene, signed_in: SignIn) -> None:
    owner = await signed_in("owner")
    await owner.submit("/console/credentials/stripe", **TILL)
    fresh = TILL | {"stripe_secret_key": "sk_live_" + "p6" * 12}
    await owner.submit("/console/credentials/stripe", **fresh)
    assert await values_of(desk, scene) == {"stripe": fresh}
    gone = await owner.submit("/console/credentials/stripe/remove")
    assert gone.headers["location"] == "/console/credentials?removed=stripe"
    assert await values_of(desk, scene) == {}
    assert (await owner.submit("/console/credentials/stripe/remove")).status_code == 404
    assert (await owner.submit("/console/credentials/paypal")).status_code == 404


async def test_without_a_key_nothing_can_be_kept(desk: Desk, scene: Scene) -> None:
    keyless = desk.settings.model_copy(update={"vault_keys": SecretStr("")})
    app = FastAPI()
    app.include_router(router_for(replace(desk, settings=keyless)))
    async with new_browser(app) as owner:
        await owner.sign_in("owner@marigold.example")
        page = (await owner.get("/console/credentials")).text
        owner.csrf = hidden(page, "csrf")
        assert "VAULT_KEYS" in page
        assert "stripe_secret_key" not in page
        answer = await owner.submit("/console/credentials/stripe", **TILL)
    assert answer.status_code == 400
    assert await values_of(desk, scene) == {}


async def test_only_owners_find_it(scene: Scene, signed_in: SignIn) -> None:
    assert 'href="/console/credentials"' in (await (await signed_in("owner")).get("/console/inbox")).text
    assert 'href="/console/credentials"' not in (await (await signed_in("manager")).get("/console/inbox")).text


@pytest.mark.browser
@pytest.mark.parametrize(
    ("size", "scheme", "locale"), [("phone", "dark", "de"), ("phone", "light", "fr"), ("desk", "light", "en")]
)
async def test_it_is_for_everybody(
    scene: Scene, address: str, chromium: Browser, signed_in: SignIn, size: str, scheme: str, locale: str
) -> None:
    owner = await signed_in("owner")
    await owner.submit("/console/credentials/twilio", **TWILIO)
    page = await open_console(chromium, address, "owner@marigold.example", size, scheme, locale)
    for direction in ("ltr", "rtl"):
        await page.goto(f"{address}/console/credentials")
        await page.evaluate(f"document.documentElement.dir = '{direction}'")
        for summary in await page.locator("main summary").all():
            await summary.click()
        result = await Axe().run(page, options=AXE)
        assert result.violations_count == 0, f"{size} {scheme}: {result.generate_report()}"
        assert await page.evaluate(OVERFLOW) <= 0, f"on a {size} it is too wide"
        if size == "phone":
            assert await page.evaluate(SMALL_TARGETS) == []

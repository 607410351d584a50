"""The sandbox's pages in a browser: a phone is typed on, a button tapped, a page paid; accessible at both widths."""

import re
import time
from collections.abc import AsyncIterator

import pytest
import stripe
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from channels.contract import Choice, OutgoingMessage
from channels.registry import build
from tests.bot.sandbox.theatre import Theatre
from tests.browser import launch_options

pytestmark = pytest.mark.browser
#: The page's first customer.
PHONE, USER = "+34600111001", "700100001"
HOSTILE = "<img src=x onerror=alert(1)> see https://example.org/a?b=c."


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options())
        yield browser
        await browser.close()


async def send(theatre: Theatre, channel: str, text: str, *labels: str) -> None:
    access = theatre.stage.twilio
    channels = build(twilio=access, telegram=theatre.stage.telegram)
    account, address = {
        "sms": (access.sms_number, PHONE),
        "whatsapp": (f"whatsapp:{access.whatsapp_number}", f"whatsapp:{PHONE}"),
        "telegram": (theatre.stage.telegram.bot_id, USER),
    }[channel]
    choices = [Choice(f"b1:{place}", label) for place, label in enumerate(labels)]
    await channels[channel].send(OutgoingMessage("k", account, address, text, choices))
    await channels[channel].close()  # type: ignore[attr-defined]


async def judge(page: Page) -> None:
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    width = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["desktop", "phone"])
async def test_write_and_tap_on_three_phones(
    theatre: Theatre, browser: Browser, size: tuple[int, int], scheme: str
) -> None:
    faults: list[str] = []
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = await context.new_page()
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(f"{theatre.base}/sandbox")
    for channel in ("sms", "whatsapp", "telegram"):
        if size[0] < 900:
            await page.click(f"#tab-{channel}")
        phone = page.locator(f"#{channel}")
        await phone.locator("textarea").fill(HOSTILE)
        await phone.locator("textarea").press("Enter")
        await expect(phone.locator(".customer .text")).to_have_text(HOSTILE)
        await expect(phone.locator(".customer a")).to_have_attribute("href", "https://example.org/a?b=c")
        await send(theatre, channel, "Shall I book it?", "Yes", "No")
        if channel != "sms":
            await phone.get_by_role("button", name="Yes").click()
            await theatre.knock("ButtonPayload" if channel == "whatsapp" else "callback_query")
        await judge(page)
    await theatre.knock("MessageStatus=read") if size[0] > 900 else None
    await page.click("[data-advance=PT24H]")
    await expect(page.locator("#news")).to_have_text(re.compile("It is now"))
    assert faults == []
    await context.close()


async def test_a_list_is_a_sheet(theatre: Theatre, browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    await page.goto(f"{theatre.base}/sandbox")
    await theatre.say("whatsapp", PHONE, "Hi")
    await send(theatre, "whatsapp", "When?", "10:00", "11:00", "12:00", "13:00")
    await page.locator("#whatsapp .open").click()
    await page.get_by_text("12:00").click()
    await judge(page)
    await page.get_by_role("dialog").get_by_role("button", name="Send").click()
    assert b"ListId=b1%3A2" in (await theatre.knock("ListId")).body
    await expect(page.locator("#whatsapp .customer").last).to_contain_text("12:00")


@pytest.mark.parametrize("locale", ["en", "es"])
async def test_a_page_is_declined_and_then_paid(theatre: Theatre, browser: Browser, locale: str) -> None:
    access = theatre.stage.stripe
    http = stripe.HTTPXClient()
    client = stripe.StripeClient(access.secret_key, base_addresses={"api": access.api_url}, http_client=http)
    price = {"currency": "eur", "unit_amount": 2850, "product_data": {"name": "Haircut"}}
    made = await client.v1.checkout.sessions.create_async(
        {
            "mode": "payment",
            "locale": locale,
            "line_items": [{"quantity": 1, "price_data": price}],
            "expires_at": int(time.time()) + 3600,
            "success_url": f"{theatre.base}/sandbox?paid",
            "cancel_url": f"{theatre.base}/sandbox",
        }
    )
    await http.close_async()
    page = await browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    await page.goto(str(made.url))
    await expect(page.locator(".sum")).to_have_text({"en": "€28.50", "es": "28,50\u00a0€"}[locale])
    await judge(page)
    await page.select_option("#test-card", "4000000000009995")
    await expect(page.locator("#card")).to_have_value("4000 0000 0000 9995")
    await page.click(".pay")
    await expect(page.get_by_role("alert")).to_be_visible()
    await judge(page)
    await page.fill("#card", "4242424242424242")
    await page.click(".pay")
    await page.wait_for_url("**/sandbox?paid")
    await theatre.knock("checkout.session.completed")
    await page.goto(f"{theatre.base}/sandbox/stripe/checkout/{made.id}")
    await expect(page.locator(".ended.paid")).to_be_visible()
    await judge(page)

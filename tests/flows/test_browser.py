"""The journeys walked in Chromium, at phone and desktop width, as a customer and the staff see them.

THREADBOOK_PICTURES names a folder for screenshots.
"""

import contextlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from nlu.engine import Engine
from tests.browser import launch_options
from tests.channels.elsewhere import website
from tests.channels.webshop import allow
from tests.flows.world import World, running

pytestmark = [pytest.mark.model, pytest.mark.browser, pytest.mark.timeout(180)]

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1440, "height": 900}}


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(**launch_options())
        yield chromium
        await chromium.close()


async def context_of(browser: Browser, size: str) -> BrowserContext:
    context = await browser.new_context(viewport=SIZES[size], locale="en-GB")
    context.set_default_timeout(20_000)
    expect.set_options(timeout=20_000)
    return context


async def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("THREADBOOK_PICTURES"):
        await page.screenshot(path=str(Path(folder) / f"{name}.png"))


async def write(page: Page, channel: str, words: str) -> None:
    box = page.locator(f"#{channel} textarea")
    await box.fill(words)
    await box.press("Enter")


@pytest.mark.parametrize("size", ["phone", "desktop"])
async def test_a_booking_by_sms_from_hello_to_the_reminder(
    size: str, engine: Engine, database_url: str, redis_url: str
) -> None:
    async with running(engine, database_url, redis_url) as world, browser() as chromium:
        context = await context_of(chromium, size)
        page = await context.new_page()
        await page.goto(f"{world.settings.base_url}/sandbox")
        if size == "phone":
            await page.click("#tab-sms")
        sms = page.locator("#sms")
        await write(page, "sms", "Hi, can I get a haircut with Ana tomorrow afternoon?")
        await expect(sms).to_contain_text(re.compile(r"1 Wed 3 Mar"))
        await write(page, "sms", "1")
        await expect(sms).to_contain_text("What name")
        await write(page, "sms", "Maria Lopez")
        await expect(sms).to_contain_text("Shall I book it?")
        await picture(page, f"sms-summary-{size}")
        await write(page, "sms", "yes")
        link = sms.get_by_role("link").filter(has_text="checkout").last
        await expect(link).to_be_visible()
        async with context.expect_page() as opened:
            await link.click()
        checkout = await opened.value
        await picture(checkout, f"checkout-{size}")
        await checkout.click(".pay")
        await expect(checkout).to_have_url(re.compile("/pay/thanks"))
        await picture(checkout, f"thanks-{size}")
        await checkout.close()
        await expect(sms).to_contain_text("paid and booked")
        await page.click("[data-advance=PT24H]")
        await expect(sms).to_contain_text("Reminder: Haircut with Ana")
        await write(page, "sms", "2")
        await expect(sms).to_contain_text("Choose a time and I'll move it there")
        await write(page, "sms", "1")
        await expect(sms).to_contain_text("Moved! Now: Haircut with Ana")
        await picture(page, f"sms-moved-{size}")
        ((state, version),) = await world.rows("SELECT state, version FROM booking")
        assert (state, version) == ("confirmed", 2)


@pytest.mark.parametrize("size", ["phone", "desktop"])
async def test_web_chat_handoff_and_transcript(size: str, engine: Engine, database_url: str, redis_url: str) -> None:
    async with running(engine, database_url, redis_url) as world, browser() as chromium:
        context = await context_of(chromium, size)
        chat = await context.new_page()
        await chat.goto(f"{world.settings.base_url}/chat/marigold")
        await say(chat, "A beard trim on Thursday at 4pm")
        await expect(chat.locator("#log")).to_contain_text("What name shall I put it under?")
        await say(chat, "Tom Reed")
        await expect(chat.locator(".card").last).to_contain_text("16:00")
        await picture(chat, f"chat-summary-{size}")
        await chat.get_by_role("button", name="Yes", exact=True).click()
        await expect(chat.locator(".card.booked")).to_contain_text("16:00")
        await expect(chat.locator(".card.booked").get_by_role("link", name="Add to calendar")).to_have_attribute(
            "href", re.compile(r"/calendar/.+\.ics")
        )
        await picture(chat, f"chat-booked-{size}")
        await say(chat, "Can I talk to someone?")
        await expect(chat.locator("#log")).to_contain_text("A colleague will answer you here")
        desk = await signed_in(await context_of(chromium, size), world)
        await desk.get_by_text("Waiting for a person").first.wait_for()
        await picture(desk, f"console-inbox-{size}")
        await desk.get_by_text("Can I talk to someone?").or_(desk.get_by_text("A colleague will")).first.click()
        await desk.get_by_role("button", name="Take over").click()
        await desk.get_by_role("textbox", name=re.compile("message|reply", re.IGNORECASE)).first.fill(
            "Hello, this is Ana."
        )
        await desk.get_by_role("button", name="Send").click()
        await expect(chat.locator("#log")).to_contain_text("Hello, this is Ana.")
        await say(chat, "How much is a haircut?")
        await expect(desk.locator("body")).to_contain_text("How much is a haircut?")
        await picture(desk, f"console-thread-{size}")
        await desk.get_by_role("button", name="Hand back").first.click()
        await expect(chat.locator("#log")).to_contain_text("I'm back to help you")
        await say(chat, "How much is a haircut?")
        await expect(chat.locator("#log")).to_contain_text("Haircut: €28.00")
        await desk.goto(f"{world.settings.base_url}/console/transcripts")
        await picture(desk, f"transcripts-{size}")
        await desk.get_by_text("Tom Reed").or_(desk.get_by_text("Website visitor")).first.click()
        await expect(desk.locator("body")).to_contain_text("A beard trim on Thursday at 4pm")
        await picture(desk, f"transcript-{size}")


@pytest.mark.parametrize("size", ["phone", "desktop"])
async def test_the_widget_on_a_website_of_the_business(
    size: str, engine: Engine, database_url: str, redis_url: str
) -> None:
    async with (
        running(engine, database_url, redis_url) as world,
        website(world.settings.base_url) as site,
        browser() as chromium,
    ):
        await allow(world.system.db, site)
        context = await context_of(chromium, size)
        page = await context.new_page()
        await page.goto(site)
        await page.get_by_role("button", name="Book now").click()
        await say(page, "Can I get a haircut with Ana this week?")
        calendar = page.get_by_role("group", name="Times to choose from")
        await expect(calendar.get_by_role("button", pressed=True)).to_have_count(1)
        await picture(page, f"widget-times-{size}")
        await calendar.locator(".times .choice").first.click()
        await expect(page.locator("#log")).to_contain_text("What name shall I put it under?")
        await say(page, "Maria Lopez")
        await expect(page.locator(".card").last).to_contain_text("Haircut")
        await page.get_by_role("button", name="Yes", exact=True).click()
        pay = page.get_by_role("link", name="Pay now, opens in a new tab")
        async with context.expect_page() as opened:
            await pay.click()
        checkout = await opened.value
        await checkout.click(".pay")
        await expect(checkout).to_have_url(re.compile("/pay/thanks"))
        await expect(page.locator(".card.booked")).to_contain_text("with Ana")
        await picture(page, f"widget-booked-{size}")
        await page.reload()
        await page.get_by_role("button", name="Open the chat").click()
        await expect(page.locator(".card.booked")).to_contain_text("with Ana")
        ((state, channel),) = await world.rows(
            "SELECT b.state, c.channel FROM booking b JOIN conversation c"
            " ON (c.business_id, c.id) = (b.business_id, b.conversation_id)"
        )
        assert (state, channel) == ("confirmed", "web")


async def say(chat: Page, words: str) -> None:
    box = chat.get_by_label("Your message")
    await box.fill(words)
    await box.press("Enter")


async def signed_in(context: BrowserContext, world: World) -> Page:
    user = next(user for user in world.users if user.role == "manager")
    page = await context.new_page()
    await page.goto(f"{world.settings.base_url}/console/login")
    await page.fill("input[name=email]", user.email)
    await page.fill("input[name=password]", user.password)
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/console/(inbox|$)"))
    return page

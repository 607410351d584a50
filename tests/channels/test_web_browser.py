"""The chat page in a real browser: writing, reading, losing the line, coming back."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from redis.asyncio import Redis
from sqlalchemy import select

from booking_core.kit.db import Database
from channels.models import Conversation
from tests.browser import find_chromium, launch_options
from tests.channels.test_web_socket import serve
from tests.channels.webshop import FACTS, chat_app, only_thread, open_shop, say

pytestmark = [pytest.mark.browser, pytest.mark.skipif(find_chromium() is None, reason="no Chromium: make browser")]


class Shop:
    def __init__(self, address: str, database: Database, browser: Browser) -> None:
        self.url = f"http://{address}/chat/marigold"
        self.database = database
        self.browser = browser

    async def visit(self, context: BrowserContext | None = None, **options: Any) -> Page:
        context = context or await self.browser.new_context(
            locale="en-GB", viewport={"width": 390, "height": 844}, **options
        )
        page = await context.new_page()
        page.set_default_timeout(5000)
        await page.goto(self.url)
        return page

    async def say(self, text: str, **more: Any) -> None:
        await say(self.database, await only_thread(self.database), text, **more)


@pytest.fixture
async def shop(database_url: str, redis_url: str) -> AsyncIterator[Shop]:
    redis = Redis.from_url(redis_url)
    database = Database(database_url, redis=redis)
    await open_shop(database)
    async with serve(chat_app(database, redis)) as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options())
        yield Shop(address, database, browser)
        await browser.close()
    await database.close()
    await redis.aclose()


async def write(page: Page, text: str) -> None:
    await page.get_by_label("Your message").fill(text)
    await page.keyboard.press("Enter")


async def bubbles(page: Page) -> list[str]:
    return await page.locator(".bubble").all_inner_texts()


async def test_a_booking_from_hello_to_paid(shop: Shop) -> None:
    page = await shop.visit()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    await expect(page.get_by_role("heading", name="Hello! How can we help?")).to_be_visible()
    await page.get_by_role("button", name="I'd like to book an appointment").click()
    await expect(page.locator("#welcome")).to_be_hidden()
    await expect(page.locator(".customer:not(.waiting) .bubble")).to_have_text("I'd like to book an appointment")
    await expect(page.locator("#typing")).to_be_visible()
    await shop.say("When suits you?", choices=["Tue 15:00", "Wed 10:00"], act="offer_slots")
    await expect(page.locator("#typing")).to_be_hidden()
    await page.get_by_role("button", name="Tue 15:00").click()
    await expect(page.get_by_role("button", name="Wed 10:00")).to_have_count(0)
    await expect(page.locator(".waiting")).to_have_count(0)
    await shop.say("Please pay here", act="payment_link", facts=FACTS)
    pay = page.get_by_role("link", name="Pay now, opens in a new tab")
    await expect(pay).to_have_attribute("href", "https://pay.example/c/cs_1")
    await expect(pay).to_have_attribute("rel", "noopener noreferrer")
    await shop.say("Booked!", act="booked", facts=FACTS)
    card = page.locator(".card.booked")
    await expect(card).to_contain_text("Haircut")
    await expect(card).to_contain_text("15:00 – 15:30")  # the salon's own wall clock
    await expect(card.get_by_role("link", name="Add to calendar")).to_have_attribute(
        "href", re.compile("/calendar/secret-token.ics$")
    )
    await expect(pay).to_have_count(0)
    assert errors == []


async def test_a_reader_elsewhere_sees_the_salons_own_time(shop: Shop) -> None:
    page = await shop.visit(timezone_id="America/Los_Angeles")
    await write(page, "hello")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    await shop.say("Booked!", act="booked", facts=FACTS)
    await expect(page.locator(".card.booked")).to_contain_text("15:00 – 15:30")


async def test_words_are_text_and_only_web_addresses_are_links(shop: Shop) -> None:
    page = await shop.visit()
    await write(page, "<img src=x onerror=alert(1)> javascript:alert(1)")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    bad = FACTS | {"payment_url": "javascript:alert(1)", "service": "<b>Cut</b>"}
    await shop.say("<b>Hi</b>, see https://example.org/a?b=1. Or javascript:alert(2)", act="payment_link", facts=bad)
    await expect(page.locator(".bot .bubble")).to_have_text(
        "<b>Hi</b>, see https://example.org/a?b=1. Or javascript:alert(2)"
    )
    links = page.locator("#log a")
    await expect(links).to_have_count(1)
    await expect(links).to_have_attribute("href", "https://example.org/a?b=1")
    assert await page.locator("#log img, #log b:not(.date b)").count() == 0


async def test_the_thread_is_there_after_a_reload_and_in_every_tab(shop: Shop) -> None:
    page = await shop.visit()
    await write(page, "hello")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    await shop.say("Hi!", choices=["Yes"])
    await expect(page.get_by_role("button", name="Yes")).to_be_visible()
    other = await shop.visit(page.context)
    await expect(other.locator(".bubble")).to_have_text(["hello", "Hi!"])
    await other.get_by_role("button", name="Yes").click()
    await expect(page.locator(".bubble")).to_have_text(["hello", "Hi!", "Yes"])
    await expect(page.get_by_role("button", name="Yes")).to_have_count(0)
    await page.reload()
    await expect(page.locator(".bubble")).to_have_text(["hello", "Hi!", "Yes"])
    await shop.say("Good.")
    for each in (page, other):
        await expect(each.locator(".bubble")).to_have_text(["hello", "Hi!", "Yes", "Good."])


async def test_what_is_written_offline_is_sent_once_the_line_is_back(shop: Shop) -> None:
    page = await shop.visit()
    await write(page, "one")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    await page.context.set_offline(True)
    await expect(page.locator("#banner")).to_have_text(re.compile("You are offline"))
    await write(page, "two")
    await write(page, "three")
    await expect(page.locator(".waiting")).to_have_count(2)
    await expect(page.locator(".waiting .note").first).to_have_text("Not sent yet")
    await page.context.set_offline(False)
    await expect(page.locator(".waiting")).to_have_count(0, timeout=20_000)
    await expect(page.locator("#banner")).to_be_empty()
    await expect(page.locator(".bubble")).to_have_text(["one", "two", "three"])
    await page.reload()
    await expect(page.locator(".bubble")).to_have_text(["one", "two", "three"])


async def test_what_was_not_sent_survives_a_reload(shop: Shop) -> None:
    page = await shop.visit()
    await write(page, "yes")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    await page.route("**/chat/messages", lambda route: route.abort())
    await write(page, "yes")  # the same word as before is another message
    await expect(page.locator(".waiting")).to_have_count(1)
    await page.unroute("**/chat/messages")
    await page.reload()
    await expect(page.locator(".bubble")).to_have_text(["yes", "yes"])
    await expect(page.locator(".waiting")).to_have_count(0, timeout=20_000)
    await shop.say("Yes it is")
    await expect(page.locator(".bubble")).to_have_text(["yes", "yes", "Yes it is"])


async def test_an_answer_that_got_lost_on_the_way_is_not_sent_twice(shop: Shop) -> None:
    page = await shop.visit()
    lost = []

    async def lose(route: Any) -> None:
        if not lost:
            lost.append(await route.fetch())
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/chat/messages", lose)
    await write(page, "once")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1, timeout=15_000)
    await page.reload()
    await expect(page.locator(".bubble")).to_have_text(["once"])


async def test_without_sockets_the_page_polls(shop: Shop) -> None:
    context = await shop.browser.new_context(locale="en-GB")
    await context.add_init_script(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({code: 1006}), 5); } close() {} };"
    )
    page = await shop.visit(context)
    await write(page, "hello")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1, timeout=15_000)
    await shop.say("Hi!")
    await expect(page.locator(".bubble")).to_have_text(["hello", "Hi!"])


async def test_a_new_conversation_begins_empty(shop: Shop) -> None:
    page = await shop.visit()
    await write(page, "hello")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    await page.get_by_role("button", name="New conversation").click()
    await page.get_by_role("button", name="Keep this one").click()
    await expect(page.locator(".bubble")).to_have_text(["hello"])
    await page.get_by_role("button", name="New conversation").click()
    await page.get_by_role("button", name="Start new").click()
    await expect(page.locator("#welcome")).to_be_visible()
    await write(page, "again")
    await expect(page.locator(".customer:not(.waiting) .bubble")).to_have_text(["again"])
    async with shop.database.transaction() as session:
        assert len((await session.scalars(select(Conversation))).all()) == 2


async def test_a_thread_that_the_server_forgot_begins_anew_with_what_was_written(shop: Shop) -> None:
    page = await shop.visit()
    await page.evaluate("localStorage.setItem('threadbook:marigold:token', '0.forgotten')")
    await page.reload()
    await expect(page.locator("#problem")).to_have_text(re.compile("The earlier conversation has ended"))
    await write(page, "hello")
    await expect(page.locator(".customer:not(.waiting) .bubble")).to_have_text(["hello"])


async def test_a_text_that_is_too_long_is_not_lost(shop: Shop) -> None:
    page = await shop.visit()
    await write(page, "x" * 2001)
    await expect(page.locator("#problem")).to_have_text("That is a little long: 2000 characters at most.")
    await expect(page.get_by_label("Your message")).to_have_value("x" * 2001)


async def test_only_what_is_new_is_read_out(shop: Shop) -> None:
    page = await shop.visit()
    await write(page, "hello")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    log = page.get_by_role("log")
    await expect(log).to_have_attribute("aria-live", "polite")
    await page.add_init_script(
        "new MutationObserver((all) => { for (const each of all) for (const node of each.addedNodes)"
        " if (node.classList?.contains('message')) (window.read ??= []).push(node.parentNode.ariaLive); })"
        ".observe(document, {subtree: true, childList: true});"
    )
    await page.reload()
    await expect(page.locator(".bubble")).to_have_text(["hello"])
    assert await page.evaluate("window.read") == ["off"]
    await expect(log).to_have_attribute("aria-live", "polite")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_is_accessible(shop: Shop, scheme: Any) -> None:
    page = await shop.visit(color_scheme=scheme, reduced_motion="reduce")
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await write(page, "hello")
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    await shop.say("Please pay", act="payment_link", facts=FACTS)
    await shop.say("A person here", sender="staff")
    await shop.say("Cancelled", act="cancelled", facts=FACTS, choices=["Book again", "No"])
    await expect(page.get_by_role("button", name="Book again")).to_be_visible()
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    small = await page.evaluate(
        "[...document.querySelectorAll('button, textarea, .doing a')].map((each) => each.getBoundingClientRect())"
        ".filter((box) => box.width && (box.height < 44 || box.width < 44)).length"
    )
    assert small == 0


@pytest.mark.parametrize(("width", "height"), [(320, 256), (390, 844), (1280, 800)])
async def test_nothing_is_cut_off(shop: Shop, width: int, height: int) -> None:
    page = await shop.visit()
    await page.set_viewport_size({"width": width, "height": height})
    await write(page, "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch" * 3)
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(1)
    await shop.say(
        "Booked", act="booked", facts=FACTS, choices=["A rather long choice that needs more than one line", "No"]
    )
    await expect(page.locator(".card")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.evaluate(
        "document.getElementById('scroll').scrollWidth <= document.getElementById('scroll').clientWidth"
    )
    await expect(page.get_by_label("Your message")).to_be_in_viewport()


async def test_the_keyboard_reaches_everything(shop: Shop) -> None:
    page = await shop.visit()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the message box")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Your message")).to_be_focused()
    await page.keyboard.type("hello")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("there")
    await page.keyboard.press("Enter")
    await expect(page.locator(".customer:not(.waiting) .bubble")).to_have_text("hello\nthere")
    await page.get_by_role("button", name="New conversation").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Keep this one")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="New conversation")).to_be_focused()

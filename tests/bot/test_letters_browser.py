"""Letters, their pages and the sandbox's mailbox in Chromium: whole at phone width, and accessible by axe."""

from collections.abc import AsyncIterator

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, async_playwright

from tests.bot.test_letters import House, house
from tests.browser import launch_options

__all__ = ["house"]
pytestmark = pytest.mark.browser
PHONE, DESKTOP = {"width": 320, "height": 640}, {"width": 1280, "height": 800}


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options())
        yield await browser.new_page()
        await browser.close()


async def judge(page: Page, url: str, scheme: str, content: str = "") -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for size in (PHONE, DESKTOP):
        await page.set_viewport_size(size)
        await page.goto(url)
        if content:
            await page.set_content(content)
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, (url, size)
        # No script runs in a frame that shows a letter, and so no judge either.
        found = await Axe().run(page, options={"iframes": False})
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_letters_and_their_pages_are_for_everybody(house: House, page: Page, scheme: str) -> None:
    async with house.system.db.transaction() as session:
        thread = await house.phone(session)
    await house.booked(thread)
    await house.give(thread)
    await house.post()
    base = house.system.settings.base_url
    asked = (await house.inbox())[0]
    confirm = next(word for word in asked.text.split() if "/email/confirm/" in word)
    await judge(page, confirm, scheme)
    await page.get_by_role("button", name="Yes, that is my address").click()
    await page.get_by_role("heading", name="Thank you").wait_for()
    await house.post()
    told = (await house.inbox())[-1]
    stop = told.vendor["stop"].strip("<>")
    await judge(page, "about:blank", scheme, told.vendor["html"])
    for url in (f"{base}/sandbox/mail", stop, confirm):
        await judge(page, url, scheme)
    await page.goto(stop)
    await page.get_by_role("button", name="No more e-mails").click()
    await page.get_by_role("heading", name="You get no more e-mails").wait_for()

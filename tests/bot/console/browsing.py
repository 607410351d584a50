"""Pages of the console in Chromium that are signed in, and what is measured on them."""

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page

from tests.bot.console.salon import DAY
from tests.bot.console.scene import PASSWORD

SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 800}}
#: What axe finds nothing wrong with is not listed: that is most of its work.
AXE = {"resultTypes": ["violations"]}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
#: In a calendar the size of a thing is its time; all else is large enough for a finger: a tick box with its label.
SMALL_TARGETS = """() => [...document
  .querySelectorAll('a, button, select, textarea, summary, input:not([type=hidden])')]
  .map((element) => [element, (element.closest('label') ?? element).getBoundingClientRect()])
  .filter(([element, box]) => element.checkVisibility() && box.width > 2
    && !element.closest('.skip, .fine, [data-view]') && (box.height < 44 || box.width < 44))
  .map(([element, box]) => `${element.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)"""


async def open_console(
    chromium: Browser, address: str, email: str, size: str = "desk", scheme: str = "light", locale: str = "en-GB"
) -> Page:
    context: BrowserContext = await chromium.new_context(
        viewport=SIZES[size], color_scheme=scheme, locale=locale, has_touch=size == "phone"
    )
    page = await context.new_page()
    page.set_default_timeout(15_000)
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    await page.goto(address + "/console/inbox")
    await page.fill("#email", email)
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_url("**/console/inbox")
    return page


async def calendar(chromium: Browser, address: str, query: str = "", size: str = "desk") -> Page:
    page = await open_console(chromium, address, "staff@marigold.example", size)
    await page.goto(f"{address}/console/calendar?day={DAY}{query}")
    return page


def tile(page: Page, name: str, column: str = "") -> Locator:
    within = page.locator(f'[data-name="{column}"]') if column else page
    return within.locator("a.cover", has_text=name).first

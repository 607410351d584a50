"""The front page of a running system, and the chat in its corner."""

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright, expect

from bot.app import create_app
from bot.sample import SAMPLE, seed_business
from bot.wiring import build_system, close_system
from tests.browser import find_chromium, launch_options
from tests.channels.test_web_socket import serve
from tests.flows.world import settings_for


async def test_without_a_business_the_page_says_how_to_load_one(database_url: str, redis_url: str) -> None:
    app = create_app(settings_for(database_url, redis_url))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as browser:
        page = await browser.get("/")
    assert "threadbook seed" in page.text
    assert "widget.js" not in page.text
    await close_system(app.state.system)


@pytest.mark.browser
@pytest.mark.skipif(find_chromium() is None, reason="no Chromium: make browser")
async def test_the_front_page_shows_the_chat_as_a_website_would(database_url: str, redis_url: str) -> None:
    settings = settings_for(database_url, redis_url)
    system = build_system(settings)
    await seed_business(system.db, settings, SAMPLE)
    app = create_app(settings)
    async with serve(app) as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options())
        page = await browser.new_page(locale="fr-FR")
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        await page.goto(f"http://{address}/")
        await page.get_by_role("link", name="The same on a website").click()
        await expect(page.get_by_role("dialog", name="Écrire à Marigold Studio")).to_be_visible()
        await page.locator("#text").fill("Bonjour")
        await page.keyboard.press("Enter")
        await expect(page.locator(".customer:not(.waiting) .bubble")).to_have_text("Bonjour")
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert complaints == []
        await browser.close()
    await close_system(app.state.system)
    await close_system(system)

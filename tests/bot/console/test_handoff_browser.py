"""Two people and one thread, in Chromium: who is writing, notes, canned replies by keyboard, putting aside."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from bot.models import CannedReply
from channels import conversations
from tests.bot.console.browsing import AXE, OVERFLOW, SMALL_TARGETS, open_console
from tests.bot.console.scene import Scene, add_booking, add_catalog, add_thread, add_user

pytestmark = pytest.mark.browser


async def open_scene(database: Database, scene: Scene) -> UUID:
    async with database.transaction() as session:
        await add_catalog(session, scene)
        await add_user(session, scene, "staff", "Bruno Vidal", "bruno@marigold.example")
        said = [("customer", "Can I talk to someone?"), ("bot", "Of course. A colleague will answer you here.")]
        thread = await add_thread(session, scene, "sms", "+34600111222", said, name="Lucía", answers="waiting")
        for title, text in (("Parking", "You can park behind the house."), ("See you", "{name}, until {time}!")):
            session.add(
                CannedReply(
                    business_id=scene.business.id, id=new_id(), title=title, text=text, changed_at=datetime.now(UTC)
                )
            )
        return thread


async def test_two_in_one_thread_see_each_other_write_and_note(
    database: Database, scene: Scene, address: str, chromium: Browser
) -> None:
    thread = await open_scene(database, scene)
    ana = await open_console(chromium, address, "staff@marigold.example")
    bruno = await open_console(chromium, address, "bruno@marigold.example", "phone", "dark")
    for page in (ana, bruno):
        await page.goto(f"{address}/console/threads/{thread}?show=waiting")
        await expect(page.locator("[data-live]").first).to_be_hidden()

    await ana.locator("#text").press_sequentially("Hello Luc")
    await expect(bruno.locator("[data-typing]")).to_contain_text("Ana Soler is writing…")
    await expect(ana.locator("[data-typing]")).to_be_hidden()
    await ana.fill("#text", "")
    await expect(bruno.locator("[data-typing]")).to_be_hidden()

    # Whoever goes away without a word is forgotten.
    await ana.locator("#text").press_sequentially("Hello")
    await expect(bruno.locator("[data-typing]")).to_be_visible()
    await expect(bruno.locator("[data-typing]")).to_be_hidden()

    await ana.check("input[value=note]", force=True)
    await ana.fill("#text", "Allergic to ammonia")
    await ana.press("#text", "Control+Enter")
    note = bruno.locator(".entry.note")
    await expect(note).to_contain_text("Private note · Ana Soler")
    await expect(note).to_contain_text("Allergic to ammonia")
    await expect(bruno.locator(".entry.staff")).to_have_count(0)

    await ana.click("#take")
    await expect(bruno.locator("[data-head]")).to_contain_text("Ana Soler is answering")
    await ana.click("#more")
    await ana.select_option("#to", label="Bruno Vidal")
    await ana.click("#assign")
    await expect(bruno.locator("[data-head]")).to_contain_text("You are answering")
    await expect(bruno.locator("[data-entries]")).to_contain_text("Ana Soler gave it to Bruno Vidal")
    await bruno.click("#more")
    await bruno.select_option("#until", "heard")
    await bruno.click("#snooze")
    await expect(ana.locator("[data-head]")).to_contain_text("until the customer writes")
    await expect(ana.locator('[data-show="snoozed"] b')).to_have_text("1")
    assert ana.url.endswith("?show=waiting"), "what is listed stays in the address"
    await bruno.click(".back")
    await bruno.wait_for_url("**/console/inbox?show=waiting")
    await expect(bruno.locator("[data-threads]")).to_contain_text("Nobody is waiting.")


async def test_a_canned_reply_goes_in_by_keyboard_and_says_what_is_missing(
    database: Database, scene: Scene, address: str, chromium: Browser
) -> None:
    thread = await open_scene(database, scene)
    page = await open_console(chromium, address, "staff@marigold.example")
    await page.goto(f"{address}/console/threads/{thread}")
    await page.locator("#text").focus()
    await page.keyboard.press("/")
    await page.keyboard.type("see")
    await page.keyboard.press("Enter")
    await expect(page.locator("#text")).to_have_value("Lucía, until {time}!")
    await expect(page.locator("[data-problem]")).to_contain_text("no value here for {time}")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("[data-problem]")).to_contain_text("Not sent: there is no value here for {time}")
    await expect(page.locator("#text")).to_have_value("Lucía, until {time}!")

    async with database.transaction() as session:
        starts = datetime.now(UTC) + timedelta(days=2)
        booking = await add_booking(session, scene, "Ana", "Haircut", starts, "Lucía")
        conversation = await conversations.load(session, scene.business.id, thread)
        conversation.customer_id = booking.customer_id
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".entry.staff")).to_contain_text("Lucía, until ")
    assert "{" not in await page.locator(".entry.staff [data-text]").inner_text()
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.press("/")
    await page.keyboard.press("Escape")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.press("/")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator("#text")).to_have_value("You can park behind the house.")


async def test_the_pages_of_a_handoff_are_for_everybody(
    database: Database, scene: Scene, address: str, chromium: Browser
) -> None:
    thread = await open_scene(database, scene)
    axe = Axe()
    for size, scheme, locale in (("phone", "dark", "de"), ("phone", "light", "fr"), ("desk", "light", "en")):
        page = await open_console(chromium, address, "manager@marigold.example", size, scheme, locale)
        for path, opened in (
            ("inbox?show=snoozed", ""), ("replies", ".canned summary"),
            (f"threads/{thread}", "#more"), (f"threads/{thread}", "[data-replies] summary"),
        ):  # fmt: skip
            await page.goto(f"{address}/console/{path}")
            if opened:
                await page.locator(opened).first.click()
            result = await axe.run(page, options=AXE)
            assert result.violations_count == 0, f"{path} {size} {scheme}: {result.generate_report()}"
            assert await page.evaluate(OVERFLOW) <= 0, f"{path} on a {size} is too wide"
            if size == "phone":
                assert await page.evaluate(SMALL_TARGETS) == [], path
        await page.context.close()

"""The console in Chromium: live, on a phone, for keyboards and screen readers."""

from datetime import UTC, datetime

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from booking_core.kit.db import Database
from booking_core.kit.live import announce
from bot import handoff
from channels import conversations, messages
from tests.bot.console.browsing import AXE, OVERFLOW, SMALL_TARGETS, open_console
from tests.bot.console.scene import PASSWORD, Scene, add_booking, add_catalog, add_task, add_thread, add_user

pytestmark = pytest.mark.browser


async def test_a_thread_lives_in_two_browsers(
    database: Database, scene: Scene, address: str, chromium: Browser
) -> None:
    async with database.transaction() as session:
        thread = await add_thread(session, scene, "sms", "+34600111222", [("customer", "Hello?")], name="Lucía")
        await add_user(session, scene, "staff", "Bruno Vidal", "bruno@marigold.example")
    ana = await open_console(chromium, address, "staff@marigold.example")
    bruno = await open_console(chromium, address, "bruno@marigold.example", "phone")
    frames: list[str] = []
    ana.on("websocket", lambda opened: opened.on("framereceived", lambda frame: frames.append(str(frame))))
    await ana.click("text=Lucía")
    await bruno.click("text=Lucía")
    await ana.wait_for_url("**/threads/**")
    await bruno.wait_for_url("**/threads/**")

    async with database.transaction() as session:
        conversation = await conversations.load(session, scene.business.id, thread)
        now = datetime.now(UTC)
        said = await messages.queue_message(
            session, conversation, sender="bot", text="A person will answer.", act="handoff", locale="en", now=now
        )
        await handoff.ask_for_person(session, conversation, now)
    for page in (ana, bruno):
        await expect(page.locator("[data-entries]")).to_contain_text("A person will answer.")
        await expect(page.locator("[data-head]")).to_contain_text("Waiting for a person")
        await expect(page.locator("[data-news]")).to_contain_text("A person will answer.")
    await expect(ana.locator("[data-waiting] [data-number]")).to_have_text("1")
    assert any("handoff" in frame for frame in frames), f"live, not only polling: {frames}"

    # A delivery mark moves on the message that is there already.
    async with database.transaction() as session:
        row = await messages.find(session, scene.business.id, said.id)
        assert row is not None
        row.status = "read"
        announce(session, scene.business.id, thread, "delivery")
    await expect(ana.locator(f"#e-{said.id} .delivery.read")).to_be_visible()

    await bruno.fill("#text", "I had half a sentence")
    await ana.click("#take")
    await expect(ana.locator("[data-head]")).to_contain_text("You are answering")
    await expect(bruno.locator("[data-head]")).to_contain_text("Ana Soler is answering")
    await bruno.click("[data-send]")
    await expect(bruno.locator("[data-problem]")).to_contain_text("Ana Soler has taken this thread")
    await expect(bruno.locator("#text")).to_have_value("I had half a sentence")

    await ana.fill("#text", "Hi <b>Lucía</b>, Ana here")
    await ana.press("#text", "Control+Enter")
    await expect(bruno.locator("[data-entries]")).to_contain_text("Hi <b>Lucía</b>, Ana here")
    await expect(ana.locator("#text")).to_have_value("")
    await expect(ana.locator("#text")).to_be_focused()
    await ana.click("#hand-back")
    await expect(bruno.locator("[data-head]")).to_contain_text("The assistant is answering")


async def test_every_page_is_for_everybody(database: Database, scene: Scene, address: str, chromium: Browser) -> None:
    now = datetime.now(UTC)
    async with database.transaction() as session:
        await add_catalog(session, scene)
        thread = await add_thread(
            session,
            scene,
            "whatsapp",
            "whatsapp:+34600111222",
            [
                ("customer", "A cut tomorrow?", {"understood": {"intent": "book", "confidence": 0.5}}),
                ("bot", "When?", {"choices": [{"id": "b1:x", "label": "15:00"}], "status": "read"}),
                ("staff", "مرحبا", {"status": "failed", "error": "30003"}),
            ],
            name="Lucía Fernández",
            answers="waiting",
            outcome="handed_off",
        )
        await add_booking(session, scene, "Ana", "Haircut", now, "Lucía", conversation_id=thread)
        await add_task(session, scene, "message_failed", conversation_id=thread, error="30003")
    axe = Axe()
    for size, scheme, locale in (("phone", "dark", "es"), ("desk", "light", "en")):
        page = await open_console(chromium, address, "owner@marigold.example", size, scheme, locale)
        for path in (
            "inbox", f"threads/{thread}", "transcripts", f"transcripts/{thread}", "tasks", "team",
        ):  # fmt: skip
            await page.goto(f"{address}/console/{path}")
            result = await axe.run(page, options=AXE)
            assert result.violations_count == 0, f"{path} {size} {scheme}: {result.generate_report()}"
            overflow = await page.evaluate(OVERFLOW)
            assert overflow <= 0, f"{path} on a {size} is too wide"
            if size == "phone":
                small = await page.evaluate(SMALL_TARGETS)
                assert small == [], path
        await page.context.close()


async def test_without_scripts_the_forms_still_work(
    database: Database, scene: Scene, address: str, chromium: Browser
) -> None:
    async with database.transaction() as session:
        await add_thread(session, scene, "web", "w1", [("customer", "Hello?")], name="Tom", answers="waiting")
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(address + "/console/login")
    await page.fill("#email", "staff@marigold.example")
    await page.fill("#password", PASSWORD)
    await page.click("button.primary")
    await page.click("text=Tom")
    await page.click("#take")
    await page.fill("#text", "Hello Tom")
    await page.click("[data-send]")
    await expect(page.locator(".entry.staff")).to_contain_text("Hello Tom")

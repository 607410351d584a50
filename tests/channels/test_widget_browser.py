"""The widget in a real browser, on a website of another origin whose policy lets nothing in but us.

THREADBOOK_PICTURES names a folder for screenshots.
"""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from redis.asyncio import Redis

from booking_core.kit.db import Database
from channels.models import Conversation, Message
from tests.browser import find_chromium, launch_options
from tests.channels.elsewhere import website
from tests.channels.test_web_socket import serve
from tests.channels.webshop import FACTS, allow, chat_app, count, only_thread, open_shop, say

pytestmark = [pytest.mark.browser, pytest.mark.skipif(find_chromium() is None, reason="no Chromium: make browser")]

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
TIMES = [
    ("Tue 24 Nov, 15:00", "2026-11-24T15:00:00+01:00"),
    ("Tue 24 Nov, 16:30", "2026-11-24T16:30:00+01:00"),
    ("Fri 27 Nov, 10:00", "2026-11-27T10:00:00+01:00"),
    ("Thu 3 Dec, 9:15", "2026-12-03T09:15:00+01:00"),
]


class Street:
    """A chat, a website that shows it, and a browser."""

    def __init__(self, site: str, database: Database, browser: Browser) -> None:
        self.site = site
        self.database = database
        self.browser = browser
        self.complaints: list[str] = []

    async def visit(
        self,
        context: BrowserContext | None = None,
        *,
        business: str = "marigold",
        more: str = "",
        size: Any = DESKTOP,
        **options: Any,
    ) -> Page:
        context = context or await self.browser.new_context(
            **{"locale": "en-GB", "timezone_id": "America/New_York", "viewport": size} | options
        )
        page = await context.new_page()
        page.set_default_timeout(5000)
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(f"{self.site}/?business={quote(business)}&more={quote(more)}")
        return page

    async def say(self, text: str, **more: Any) -> None:
        await say(self.database, await only_thread(self.database), text, **more)


@pytest.fixture
async def street(database_url: str, redis_url: str) -> AsyncIterator[Street]:
    redis = Redis.from_url(redis_url)
    database = Database(database_url, redis=redis)
    await open_shop(database)
    async with (
        serve(chat_app(database, redis)) as address,
        website(f"http://{address}") as site,
        async_playwright() as playwright,
    ):
        await allow(database, site)
        browser = await playwright.chromium.launch(**launch_options())
        yield Street(site, database, browser)
        await browser.close()
    await database.close()
    await redis.aclose()


async def open_chat(page: Page) -> None:
    await page.get_by_role("button", name="Open the chat").click()
    await expect(page.get_by_role("dialog", name="Message Marigold")).to_be_visible()


async def write(page: Page, text: str) -> None:
    await page.get_by_label("Your message").fill(text)
    await page.keyboard.press("Enter")


async def sent(page: Page, count: int = 1) -> None:
    await expect(page.locator(".customer:not(.waiting)")).to_have_count(count, timeout=15_000)


async def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("THREADBOOK_PICTURES"):
        await page.screenshot(path=str(Path(folder) / f"{name}.png"))


async def test_a_booking_by_writing_and_by_tapping_under_a_strict_policy(street: Street) -> None:
    page = await street.visit()
    await open_chat(page)
    await write(page, "A haircut, please")
    await sent(page)
    await street.say("When suits you?", choices=[*TIMES, "Other times"], act="offer_slots")
    calendar = page.get_by_role("group", name="Times to choose from")
    await expect(calendar).to_contain_text("November – December 2026")
    days = calendar.get_by_role("button", name=re.compile("^(Tuesday|Friday|Thursday)"))
    await expect(days).to_have_count(3)
    tuesday = calendar.get_by_role("button", name="Tuesday 24 November", exact=True)
    await expect(tuesday).to_have_attribute("aria-pressed", "true")
    await calendar.get_by_role("button", name="Friday 27 November", exact=True).click()
    await expect(calendar.get_by_role("button", name="15:00")).to_have_count(0)
    await expect(page.get_by_role("button", name="Other times")).to_be_visible()
    await calendar.get_by_role("button", name="10:00, Friday 27 November").click()
    await expect(page.locator(".customer:not(.waiting) .bubble").last).to_have_text("Fri 27 Nov, 10:00")
    await expect(page.locator(".calendar")).to_have_count(0)
    await street.say("Shall I book it?", act="confirm", facts=FACTS, choices=["Yes", "No"])
    await page.get_by_role("button", name="Yes", exact=True).click()
    await sent(page, 3)
    await street.say("Booked!", act="booked", facts=FACTS)
    card = page.locator(".card.booked")
    await expect(card).to_contain_text("15:00 – 15:30")
    chat = re.compile(r"^http://127\.0\.0\.1:\d+/calendar/secret-token\.ics$")
    await expect(card.get_by_role("link", name="Add to calendar")).to_have_attribute("href", chat)
    await page.reload()
    await open_chat(page)
    await expect(page.locator(".bubble")).to_have_count(6)
    await expect(page.locator(".calendar")).to_have_count(0)
    assert street.complaints == []
    assert await page.evaluate("Object.keys(window).filter((name) => /thread|calendar|make|keeper/i.test(name))") == []


async def test_choices_that_are_no_times_stay_buttons(street: Street) -> None:
    page = await street.visit()
    await open_chat(page)
    await write(page, "a haircut")
    await sent(page)
    await street.say("With whom?", choices=["Ana", "Bruno"], act="ask_staff")
    await expect(page.get_by_role("button", name="Bruno", exact=True)).to_be_visible()
    await expect(page.locator(".calendar")).to_have_count(0)


async def test_a_time_says_who_takes_part(street: Street) -> None:
    page = await street.visit()
    await open_chat(page)
    await write(page, "a cut and a colour")
    await sent(page)
    times = [(*TIMES[0], "Ana, then Bruno"), (*TIMES[1], "Carla and Bruno")]
    await street.say("When suits you?", choices=times, act="offer_slots")
    calendar = page.get_by_role("group", name="Times to choose from")
    button = calendar.get_by_role("button", name="15:00, Tuesday 24 November, Ana, then Bruno")
    await expect(button).to_have_text("15:00 · Ana, then Bruno")
    await expect(calendar.get_by_role("button", name="16:30")).to_have_text("16:30 · Carla and Bruno")
    await button.click()
    await expect(page.locator(".customer:not(.waiting) .bubble").last).to_have_text("Tue 24 Nov, 15:00")


async def test_two_at_the_same_time_are_told_apart_and_weeks_without_times_are_left_out(street: Street) -> None:
    page = await street.visit(locale="de-DE")
    await page.get_by_role("button", name="Chat öffnen").click()
    await page.locator("#text").fill("Haare schneiden")
    await page.keyboard.press("Enter")
    await sent(page)
    late = ("Do. 4. März, 9:00", "2027-03-04T09:00:00+01:00")
    same = [("15:00 mit Ana", TIMES[0][1]), ("15:00 mit Bruno", TIMES[0][1])]
    await street.say("Wann passt es?", choices=[*same, late], act="ask_when")
    calendar = page.get_by_role("group", name="Zeiten zur Auswahl")
    await expect(calendar.get_by_role("button", name="15:00 mit Bruno")).to_be_visible()
    await expect(calendar.locator(".grid > *")).to_have_count(7 + 14)
    await expect(calendar.locator(".grid > span").first).to_have_text("Mo")
    await calendar.get_by_role("button", name="Donnerstag, 4. März").click()
    await calendar.get_by_role("button", name=re.compile("9:00.*Donnerstag, 4. März")).click()
    await expect(page.locator(".customer:not(.waiting) .bubble").last).to_have_text("Do. 4. März, 9:00")


async def test_the_website_and_the_widget_leave_each_other_alone(street: Street) -> None:
    page = await street.visit()
    before = await page.locator("main").bounding_box()
    await open_chat(page)
    assert await page.locator("main").bounding_box() == before
    look = await page.locator("#send").evaluate(
        "(each) => { const is = getComputedStyle(each);"
        " return [is.textTransform, is.width, is.borderRadius, is.float]; }"
    )
    assert look == ["none", "44px", "50%", "none"]
    keys = await page.evaluate("addEventListener('keydown', (event) => { (window.heard ??= []).push(event.key); })")
    await page.get_by_label("Your message").press_sequentially("ab")
    assert keys is None
    assert await page.evaluate("window.heard") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("size", "accent"), [("phone", ""), ("desktop", ""), ("desktop", "#f2c230"), ("phone", "#5b2a86")]
)
async def test_the_widget_is_accessible(street: Street, scheme: Any, size: str, accent: str) -> None:
    more = f'data-accent="{accent}" data-greeting="Good to see you!"' if accent else ""
    page = await street.visit(
        more=more, size=PHONE if size == "phone" else DESKTOP, color_scheme=scheme, reduced_motion="reduce"
    )
    name = "-".join(["widget", size, scheme, accent.strip("#")]).strip("-")
    await expect(page.get_by_role("button", name="Open the chat")).to_be_visible()
    await picture(page, f"{name}-closed")
    await no_violations(page)
    await open_chat(page)
    await expect(page.locator("#welcome h2")).to_have_text("Good to see you!" if accent else "Hello! How can we help?")
    await picture(page, f"{name}-welcome")
    await no_violations(page)
    await write(page, "A haircut, please. When do you have time?")
    await sent(page)
    await street.say("A person here", sender="staff")
    await street.say("When suits you?", choices=[*TIMES, "Other times"], act="offer_slots")
    await expect(page.locator(".calendar")).to_be_visible()
    await picture(page, f"{name}-times")
    await no_violations(page)
    await write(page, "Friday at 10")
    await sent(page, 2)
    await street.say("Please pay here.", act="payment_link", facts=FACTS, choices=["Another time", "No"])
    await expect(page.locator(".card")).to_be_visible()
    await picture(page, f"{name}-card")
    await no_violations(page)
    small = await page.evaluate(
        "[...document.querySelector('threadbook-chat').shadowRoot.querySelectorAll('button, textarea, .doing a')]"
        ".map((each) => each.getBoundingClientRect()).filter((box) => box.width && (box.height < 44 || box.width < 44))"
        ".length"
    )
    assert small == 0


@pytest.mark.parametrize("accent", ["#fff", "#000", "#808080", "tomato", "rgb(0 90 255 / 50%)", "no colour"])
async def test_any_colour_can_be_read(street: Street, accent: str) -> None:
    page = await street.visit(more=f'data-accent="{accent}"', reduced_motion="reduce")
    await open_chat(page)
    await write(page, "A haircut, please")
    await sent(page)
    await street.say("When suits you?", choices=[*TIMES, "Other times"], act="offer_slots")
    await street.say("Please pay here.", act="payment_link", facts=FACTS)
    await expect(page.locator(".card")).to_be_visible()
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        await no_violations(page)


async def test_the_theme_may_be_the_websites_and_not_the_devices(street: Street) -> None:
    papers = []
    for theme in ("light", "dark"):
        page = await street.visit(more=f'data-theme="{theme}"', color_scheme="light" if theme == "dark" else "dark")
        await open_chat(page)
        papers.append(await page.get_by_role("dialog").evaluate("(each) => getComputedStyle(each).backgroundColor"))
        await no_violations(page)
    assert papers == ["rgb(251, 250, 247)", "rgb(25, 24, 22)"]


async def no_violations(page: Page) -> None:
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


async def test_from_the_right_to_the_left_and_on_the_left(street: Street) -> None:
    page = await street.visit(more='data-dir="rtl" data-position="left"', reduced_motion="reduce")
    await open_chat(page)
    await write(page, "مرحبا، أريد قص شعري")
    await sent(page)
    await street.say("متى يناسبك؟", choices=[*TIMES, "مواعيد أخرى"], act="offer_slots")
    await expect(page.locator(".calendar")).to_be_visible()
    await picture(page, "widget-rtl")
    await no_violations(page)
    panel = await page.get_by_role("dialog").bounding_box()
    mine = await page.locator(".customer .bubble").bounding_box()
    assert panel
    assert mine
    assert panel["x"] < 50
    assert mine["x"] - panel["x"] < 40  # what one writes oneself stands at the end of the line: on the left


async def test_the_keyboard_goes_in_round_and_out_again(street: Street) -> None:
    page = await street.visit()
    opener = page.get_by_role("button", name="Book now")
    await opener.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Your message")).to_be_focused()
    seen = []
    for _ in range(8):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate("document.activeElement.shadowRoot?.activeElement?.ariaLabel ?? 'a choice'"))
    assert "Close the chat" in seen
    assert len(set(seen)) < len(seen)  # it went round
    assert await page.evaluate("document.activeElement.localName") == "threadbook-chat"
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(opener).to_be_focused()
    await page.get_by_role("button", name="Open the chat").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Open the chat")).to_be_focused()


async def test_what_is_written_offline_is_sent_once_and_every_tab_shows_it(street: Street) -> None:
    page = await street.visit()
    await open_chat(page)
    await write(page, "one")
    await sent(page)
    other = await street.visit(page.context)
    await open_chat(other)
    await expect(other.locator(".bubble")).to_have_text(["one"])
    await page.context.set_offline(True)
    await expect(page.locator("#banner")).to_have_text(re.compile("You are offline"))
    await write(page, "two")
    await write(page, "three")
    await expect(page.locator(".waiting")).to_have_count(2)
    await street.say("still there?")
    await page.context.set_offline(False)
    await expect(page.locator(".waiting")).to_have_count(0, timeout=20_000)
    for each in (page, other):
        await expect(each.locator(".bubble")).to_have_text(["one", "still there?", "two", "three"], timeout=20_000)
    assert await count(street.database, Message) == 4


async def test_without_sockets_it_polls(street: Street) -> None:
    context = await street.browser.new_context(locale="en-GB")
    await context.add_init_script("window.WebSocket = class { constructor() { throw new DOMException('no'); } };")
    page = await street.visit(context)
    await open_chat(page)
    await write(page, "hello")
    await sent(page)
    await street.say("Hi!")
    await expect(page.locator(".bubble")).to_have_text(["hello", "Hi!"])


async def test_a_policy_that_forgot_the_socket_is_no_hindrance(street: Street) -> None:
    page = await street.visit()
    await page.goto(f"{street.site}/?nosockets")
    await open_chat(page)
    await write(page, "hello")
    await sent(page)
    await street.say("Hi!")
    await expect(page.locator(".bubble")).to_have_text(["hello", "Hi!"], timeout=15_000)


async def test_where_nothing_may_be_kept_it_works_and_says_so(street: Street) -> None:
    context = await street.browser.new_context(locale="en-GB")
    await context.add_init_script(
        "Object.defineProperty(window, 'localStorage',"
        " { get() { throw new DOMException('denied', 'SecurityError'); } });"
    )
    page = await street.visit(context)
    await open_chat(page)
    await expect(page.locator("#banner")).to_have_text(re.compile("this conversation ends when you leave the page"))
    await write(page, "hello")
    await sent(page)
    await street.say("Hi!")
    await expect(page.locator(".bubble")).to_have_text(["hello", "Hi!"])
    await page.get_by_role("button", name="Close the chat").click()
    await open_chat(page)
    await expect(page.locator(".bubble")).to_have_text(["hello", "Hi!"])


async def test_a_business_that_is_not_there_says_so_kindly(street: Street) -> None:
    page = await street.visit(business="nobody")
    await page.get_by_role("button", name="Open the chat").click()
    await expect(page.get_by_role("status")).to_have_text(
        "This chat is not open yet. Please reach us by phone for now."
    )
    await no_violations(page)


async def test_a_website_that_is_not_in_the_list_shows_the_way(street: Street) -> None:
    await allow(street.database, "https://www.example.com")
    page = await street.visit(locale="es-ES")
    await page.get_by_role("button", name="Abrir el chat").click()
    await expect(page.get_by_role("status")).to_contain_text("El chat de Marigold no está en este sitio")
    await expect(page.get_by_role("link", name="Abrir la página")).to_have_attribute(
        "href", re.compile("/chat/marigold$")
    )
    await picture(page, "widget-refused")
    await no_violations(page)
    assert await count(street.database, Conversation) == 0


async def test_taken_off_the_list_in_mid_thread_loses_nothing(street: Street) -> None:
    page = await street.visit()
    await open_chat(page)
    await write(page, "one")
    await sent(page)
    await allow(street.database)
    await write(page, "two")
    await expect(page.locator("#problem")).to_have_text(re.compile("What you wrote is kept"))
    await allow(street.database, street.site)
    await page.reload()
    await open_chat(page)
    await sent(page, 2)
    await expect(page.locator(".bubble")).to_have_text(["one", "two"])


async def test_a_server_that_is_away_is_tried_again(street: Street) -> None:
    context = await street.browser.new_context(locale="de-DE")
    await context.route("**/chat/widget.json*", lambda route: route.abort())
    page = await street.visit(context)
    await page.get_by_role("button", name="Chat öffnen").click()
    await expect(page.get_by_role("status")).to_have_text(re.compile("Wir sind gerade nicht erreichbar"))
    await no_violations(page)
    await picture(page, "widget-away")
    await context.unroute("**/chat/widget.json*")
    await page.get_by_role("button", name="Erneut versuchen").click()
    await expect(page.locator("#text")).to_be_focused()
    await expect(page.locator("#welcome")).to_be_visible()


async def test_too_many_messages_wait_as_long_as_they_are_told(street: Street) -> None:
    page = await street.visit()
    await open_chat(page)
    # All at once, when the network comes back: on a busy machine typing them takes longer than the limit looks at.
    await page.context.set_offline(True)
    for number in range(12):
        await write(page, f"message {number}")
    await page.context.set_offline(False)
    await expect(page.locator("#problem")).to_have_text("One moment, then we go on.")
    await sent(page, 10)
    await sent(page, 12)
    await expect(page.locator(".bubble")).to_have_text([f"message {number}" for number in range(12)])
    assert await count(street.database, Message) == 12


async def test_a_thread_that_the_server_forgot_begins_anew_with_what_was_written(street: Street) -> None:
    page = await street.visit()
    await page.evaluate("localStorage.setItem('threadbook:marigold:token', '0.forgotten')")
    await page.evaluate(
        "localStorage.setItem('threadbook:marigold:outbox',"
        " JSON.stringify([{ id: 'x1', text: 'still to be said', after: 4, sent: false }]))"
    )
    await page.reload()
    await open_chat(page)
    await expect(page.locator(".customer:not(.waiting) .bubble")).to_have_text(["still to be said"])
    assert await count(street.database, Message) == 1


async def test_an_answer_that_came_meanwhile_is_announced_at_the_button(street: Street) -> None:
    page = await street.visit()
    await open_chat(page)
    await write(page, "hello")
    await sent(page)
    await page.get_by_role("button", name="Close the chat").click()
    await expect(page.locator(".dot")).to_be_hidden()
    await street.say("Hi!")
    await expect(page.get_by_role("button", name="Open the chat, new message")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name="Open the chat, new message")).to_be_visible()
    await picture(page, "widget-unread")
    for _ in range(2):
        await open_chat(page)
        await expect(page.locator(".bubble")).to_have_count(2)
        await page.get_by_role("button", name="Close the chat").click()
        await expect(page.locator(".dot")).to_be_hidden()
    await page.reload()
    await expect(page.locator(".bubble")).to_have_count(2)
    await expect(page.locator(".dot")).to_be_hidden()


async def test_the_snippet_twice_is_one_chat(street: Street) -> None:
    page = await street.visit()
    await page.goto(f"{street.site}/?twice")
    await expect(page.get_by_role("button", name="Open the chat")).to_have_count(1)
    await open_chat(page)
    assert street.complaints == []

"""Ways to write to us: the links, the codes that a camera reads, the sheet."""

import io
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import zxingcpp
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.models import Business
from bot.console import ways
from channels.accounts import remember_handle
from channels.models import ChannelAccount
from tests.bot.console.browsing import AXE, OVERFLOW, SMALL_TARGETS, open_console
from tests.bot.console.conftest import SignIn
from tests.bot.console.scene import Scene

BASE = "https://chat.example.com"
#: An e-mail address and a sender without a number: nobody writes to these.
OURS = {
    "web": "marigold",
    "telegram": "700000001",
    "sms": "+34600111222",
    "whatsapp": "whatsapp:+34600111222",
    "email": "marigold",
}


def account(channel: str, address: str, handle: str | None = None) -> Any:
    return SimpleNamespace(id=new_id(), channel=channel, address=address, handle=handle)


def read_codes(picture: bytes) -> list[str]:
    """What a camera makes of a picture."""
    found = zxingcpp.read_barcodes(np.array(Image.open(io.BytesIO(picture)).convert("L")))
    return [one.text for one in found]


def ways_of(*accounts: Any, greeting: str = "Hello! 50% off & more?") -> list[ways.Way]:
    return ways.ways_for(accounts, base_url=BASE, greeting=greeting)


def test_every_address_has_the_link_that_its_platform_documents() -> None:
    found = ways_of(*(account(*one, handle="marigold_bot") for one in OURS.items()))
    assert [(way.channel, way.link, way.shown) for way in found] == [
        ("whatsapp", "https://wa.me/34600111222?text=Hello%21%2050%25%20off%20%26%20more%3F", "+34 600 11 12 22"),
        ("sms", "sms:+34600111222", "+34 600 11 12 22"),
        ("telegram", "https://t.me/marigold_bot?start=hello", "@marigold_bot"),
        ("web", f"{BASE}/chat/marigold", "chat.example.com/chat/marigold"),
    ]
    assert found[-1].snippet == f'<script src="{BASE}/chat/widget.js" data-business="marigold" async></script>'


def test_what_nobody_can_write_to_is_no_way() -> None:
    assert ways_of(account("sms", "MARIGOLD"), account("email", "marigold"), account("whatsapp", "whatsapp:ES.1")) == []
    assert [way.shown for way in ways_of(account("sms", "72000"))] == ["72000"]


def test_a_bot_whose_name_is_not_known_yet_has_no_link() -> None:
    assert [(way.link, way.shown) for way in ways_of(account("telegram", "7"))] == [("", "")]


def test_an_address_breaks_out_of_no_link_and_no_snippet() -> None:
    (way,) = ways_of(account("web", 'x"></script><b>&/..?'))
    assert way.link == f"{BASE}/chat/x%22%3E%3C%2Fscript%3E%3Cb%3E%26%2F..%3F"
    assert 'data-business="x&#34;&gt;&lt;/script&gt;&lt;b&gt;&amp;/..?"' in way.snippet


async def test_what_telegram_calls_a_bot_is_kept_for_its_account_alone(database: Database, scene: Scene) -> None:
    async with database.transaction() as session:
        await remember_handle(session, "telegram", "telegram:marigold", "marigold_bot")
        await remember_handle(session, "telegram", "nobody's", "other_bot")
        await remember_handle(session, "telegram", "telegram:marigold", "marigold_salon_bot")
        found = await session.scalars(select(ChannelAccount.handle).where(ChannelAccount.handle.is_not(None)))
        assert list(found) == ["marigold_salon_bot"]


@pytest.fixture
async def numbered(database: Database, scene: Scene) -> Scene:
    """The salon with addresses that can be written to."""
    async with database.transaction() as session:
        for one in await session.scalars(select(ChannelAccount)):
            one.address = OURS[one.channel]
            one.handle = "marigold_bot" if one.channel == "telegram" else None
    return scene


async def test_a_manager_sees_each_way_with_its_code(numbered: Scene, signed_in: SignIn) -> None:
    page = (await (await signed_in("manager")).get("/console/ways")).text
    links = re.findall(r'<a class="link"[^>]*href="([^"]*)"', page)
    assert links == [
        "https://wa.me/34600111222?text=Hello%21%20I%20would%20like%20to%20book%20an%20appointment.",
        "sms:+34600111222",
        "https://t.me/marigold_bot?start=hello",
        "http://console.test/chat/marigold",
    ]
    codes = re.findall(r'role="img" aria-label="(QR code: [^"]*)"><svg viewBox', page)
    assert codes[1] == "QR code: a text message to +34 600 11 12 22"
    assert len(codes) == 4
    assert "data-business=&#34;marigold&#34;" in page
    assert "No website is on your list yet" in page
    assert "no real telephone reaches these numbers" in page, "nobody prints what leads nowhere without being told"
    assert 'href="/console/ways"' in (await (await signed_in("manager")).get("/console/inbox")).text
    assert 'href="/console/ways"' not in (await (await signed_in("staff")).get("/console/inbox")).text


async def test_a_customer_is_greeted_in_the_language_of_the_business(
    database: Database, numbered: Scene, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        business = await session.get_one(Business, numbered.business.id)
        business.default_locale = "es-ES"
        business.settings = {"chat_origins": ["https://www.marigold.example/", "*", 7]}
    manager = await signed_in("manager")
    page = (await manager.get("/console/ways")).text
    assert "text=%C2%A1Hola%21%20Quiero%20reservar%20una%20cita." in page
    assert "Copy" in page, "the manager still reads English"
    assert re.findall(r"<li><bdi dir=\"ltr\">(.*?)</bdi></li>", page) == ["https://www.marigold.example"]
    sheet = (await manager.get("/console/ways/sheet")).text
    assert '<article class="paper of-4" lang="es" dir="ltr"' in sheet
    assert "Escríbenos" in sheet


async def test_a_sheet_has_what_was_chosen_for_it(numbered: Scene, signed_in: SignIn) -> None:
    manager = await signed_in("manager")
    own = {name: one.id for name, one in numbered.accounts.items()}
    query = {"way": [str(own["sms"]), str(own["web"]), "nonsense"], "lang": "de"}
    sheet = (await manager.get("/console/ways/sheet", params=query)).text
    paper = sheet.partition("<article")[2]
    assert "Schreiben Sie uns" in paper
    assert ("Per SMS" in paper, "Im Browser" in paper, "WhatsApp" in paper) == (True, True, False)
    assert paper.count("<svg") == 2
    assert len(re.findall(r'name="way" value="[^"]*" checked', sheet)) == 2
    odd = (await manager.get("/console/ways/sheet", params={"way": str(new_id()), "lang": "../x"})).text
    assert odd.partition("<article")[2].count("<svg") == 4, "of nothing known, everything"


async def test_a_code_is_a_file_for_a_printer_and_for_a_post(numbered: Scene, signed_in: SignIn) -> None:
    manager = await signed_in("manager")
    at = f"/console/ways/{numbered.accounts['sms'].id}"
    drawn, picture = await manager.get(f"{at}/qr.svg"), await manager.get(f"{at}/qr.png")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert drawn.text.startswith("<?xml")
    assert picture.headers["content-disposition"] == 'attachment; filename="qr-sms.png"'
    assert picture.content.startswith(b"\x89PNG")
    assert read_codes(picture.content) == ["sms:+34600111222"]


async def test_a_way_that_is_not_known_has_no_code(database: Database, numbered: Scene, signed_in: SignIn) -> None:
    async with database.transaction() as session:
        for one in await session.scalars(select(ChannelAccount)):
            one.handle = None
    manager = await signed_in("manager")
    assert (await manager.get(f"/console/ways/{numbered.accounts['telegram'].id}/qr.png")).status_code == 404
    page = (await manager.get("/console/ways")).text
    assert "Your bot’s name is not known yet" in page
    assert "t.me" not in page


async def photograph(page: Page) -> list[str]:
    return read_codes(await page.screenshot(full_page=True))


@pytest.mark.browser
async def test_a_camera_reads_every_code_and_a_click_copies_the_link(
    numbered: Scene, address: str, chromium: Browser
) -> None:
    page = await open_console(chromium, address, "manager@marigold.example", "phone", "dark")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.locator(".account summary").click()
    await page.locator(".account").get_by_role("link", name="Ways to write to us").click()
    await page.wait_for_url("**/console/ways")
    links = [await link.get_attribute("href") for link in await page.locator("a.link").all()]
    codes = [read_codes(await tile.screenshot())[0] for tile in await page.locator(".code-tile").all()]
    assert codes == links, "black on white in the dark as well"
    copy = page.get_by_role("button", name=re.compile("Copy.*SMS"))
    await copy.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == "sms:+34600111222"
    await expect(copy).to_have_text(re.compile("Copy"))
    await page.get_by_role("button", name=re.compile("Copy.*Line for your website")).click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == f'<script src="{address}/chat/widget.js" data-business="marigold" async></script>'


@pytest.mark.browser
async def test_a_sheet_is_one_page_of_paper_that_a_camera_reads(
    numbered: Scene, address: str, chromium: Browser
) -> None:
    page = await open_console(chromium, address, "manager@marigold.example", "desk", "dark")
    await page.goto(f"{address}/console/ways")
    await page.get_by_role("link", name="Sheet to print").click()
    await page.evaluate("window.print = () => document.body.dataset.printed = 'yes'")
    await page.get_by_role("button", name="Print").click()
    assert await page.evaluate("document.body.dataset.printed") == "yes"
    for uncheck in (0, 1, 2):
        if uncheck:
            await page.get_by_role("checkbox").nth(uncheck).uncheck()
            await page.get_by_role("button", name="Show").click()
            await expect(page.locator(".codes li")).to_have_count(4 - uncheck)
        for paper in ("A4", "Letter"):
            printed = await page.pdf(format=paper)
            assert printed.count(b"/Type /Page\n") == 1, f"one sheet of {paper}"
        await page.emulate_media(media="print", color_scheme="light")
        await expect(page.get_by_role("button", name="Print")).to_be_hidden()
        assert len(await photograph(page)) == 4 - uncheck
        await page.emulate_media(media="screen", color_scheme="dark")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("size", "scheme", "locale"), [("phone", "dark", "de"), ("phone", "light", "fr"), ("desk", "light", "en")]
)
async def test_ways_are_for_everybody(
    numbered: Scene, address: str, chromium: Browser, size: str, scheme: str, locale: str
) -> None:
    page = await open_console(chromium, address, "manager@marigold.example", size, scheme, locale)
    for path in ("ways", "ways/sheet?lang=pt"):
        for direction in ("ltr", "rtl"):
            await page.goto(f"{address}/console/{path}")
            await page.evaluate(f"document.documentElement.dir = '{direction}'")
            result = await Axe().run(page, options=AXE)
            assert result.violations_count == 0, f"{path} {size} {scheme}: {result.generate_report()}"
            assert await page.evaluate(OVERFLOW) <= 0, f"{path} on a {size} is too wide"
            if size == "phone":
                assert await page.evaluate(SMALL_TARGETS) == [], path

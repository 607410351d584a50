"""The calendar's drawer and forms in Chromium: walk-ins, blocking, deciding; and every page for everybody."""

import os

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect
from sqlalchemy import select

from booking_core.kit.db import Database
from booking_core.models import Booking, ClassSession, Customer, Service, TimeOff
from tests.bot.console.browsing import AXE, OVERFLOW, SMALL_TARGETS, calendar, open_console, tile
from tests.bot.console.salon import DAY, Salon, fill
from tests.bot.console.scene import Scene

pytestmark = pytest.mark.browser


async def test_somebody_walks_in(
    database: Database, scene: Scene, salon: Salon, address: str, chromium: Browser
) -> None:
    async with database.transaction() as session:
        salon.session = session
        lucia = await salon.customer("Lucía Fernández")
        await salon.book("Marta", "Haircut", "15:00", staff="Ana")
    page = await calendar(chromium, address)
    track = page.locator('[data-name="Ana"] [data-track]')
    await track.click(position={"x": 60, "y": 10 + 12 * 8 * 2 + 4})
    form = page.locator("[data-walk-in]")
    await expect(form.get_by_label("Time", exact=True)).to_have_value("11:00")
    await expect(form.get_by_label("With")).to_have_value(str(salon.staff["Ana"].id))
    await form.get_by_label("Customer", exact=True).fill("lucía")
    await form.get_by_role("button", name="Lucía Fernández").click()
    await form.get_by_role("checkbox", name="Colour").check()
    assert await form.get_by_label("With").locator("option:disabled").all_text_contents() == ["Bruno", "Dalia"]
    await form.get_by_role("button", name="Book", exact=True).click()
    await expect(tile(page, "Lucía", "Ana")).to_contain_text("11:00 to 13:00, with Ana, Confirmed")
    async with database.transaction() as session:
        made = await session.scalar(select(Booking).where(Booking.customer_id == lucia.id))
        assert made is not None
        assert made.state == "confirmed", "a deposit is due, and it is paid at the desk"

    # N books anywhere; a refusal is clear, and only what may be passed over can be.
    await page.locator("body").press("n")
    await form.get_by_label("Customer", exact=True).fill("Somebody New")
    await form.get_by_role("checkbox", name="Haircut").check()
    await form.get_by_label("Time", exact=True).fill("15:15")
    await form.get_by_label("With").select_option(str(salon.staff["Ana"].id))
    await form.get_by_role("button", name="Book", exact=True).click()
    problem = page.locator("[data-drawer] .problem")
    await expect(problem).to_contain_text("There is another booking at that time")
    await expect(problem).to_be_focused()  # on the button before it, Enter would close what was typed
    await expect(form.get_by_role("button", name="Book anyway")).to_have_count(0)
    await form.get_by_label("Time", exact=True).fill("19:30")
    await form.get_by_role("button", name="Book", exact=True).click()
    await expect(problem).to_contain_text("outside working hours")
    await form.get_by_role("button", name="Book anyway").click()
    await expect(tile(page, "Somebody New", "Ana")).to_contain_text("19:30 to 20:15")
    async with database.transaction() as session:
        names = list(await session.scalars(select(Customer.name).where(Customer.name == "Somebody New")))
    assert len(names) == 1, "what was refused has left nobody behind"


@pytest.mark.parametrize("view", ["day", "week"])
async def test_a_long_name_is_cut_at_its_own_end(
    database: Database, salon: Salon, address: str, chromium: Browser, view: str
) -> None:
    """In an English calendar an Arabic name loses its last letters, not its first; none loses what hangs below."""
    async with database.transaction() as session:
        salon.session = session
        await salon.book("محمد عبد الرحمن " * 9, "Beard trim", "10:30", staff="Bruno")
        await salon.book("Maximiliana " * 9, "Beard trim", "11:30", staff="Bruno")
    page = await calendar(chromium, address, f"&view={view}")
    names = page.locator("[data-view] strong[dir=auto]")
    await expect(names).to_have_count(2)
    for name, direction in zip(await names.all(), ("rtl", "ltr"), strict=True):
        assert await name.evaluate("name => getComputedStyle(name).direction") == direction
        assert await name.evaluate("name => name.scrollWidth > name.clientWidth")
        assert await name.evaluate("name => name.scrollHeight <= name.clientHeight + 1")


async def test_a_form_on_a_telephone_keeps_words_and_rings_whole(
    database: Database, salon: Salon, address: str, chromium: Browser
) -> None:
    async with database.transaction() as session:
        salon.session = session
        bridal = await session.get_one(Service, (salon.business_id, salon.services["Bridal styling"].id))
        bridal.names = {"de": "Brautfrisur mit Probetermin"}
    page = await open_console(chromium, address, "staff@marigold.example", "phone", locale="de-DE")
    await page.goto(f"{address}/console/calendar?day={DAY}")
    await page.locator("[data-new]").click()
    prices = page.locator("[data-walk-in] .choices label span")
    await expect(prices.first).to_be_visible()
    heights = await prices.evaluate_all("all => all.map(one => one.clientHeight)")
    assert len(set(heights)) == 1, "a price is one line"
    summary = page.locator("[data-walk-in] details.more > summary")
    marks = await summary.evaluate_all("all => all.map(one => getComputedStyle(one, '::before').inlineSize)")
    assert all(mark == "7px" for mark in marks), "what opens shows that it does"
    await page.keyboard.press("Escape")
    last = page.locator(".nav a").last
    await last.focus()
    offset = await last.evaluate("one => getComputedStyle(one).outlineOffset")
    assert offset == "-3px", "at the edge of the screen the ring lies within"


async def test_a_person_for_each_service_is_chosen_by_staff(
    database: Database, salon: Salon, address: str, chromium: Browser
) -> None:
    page = await calendar(chromium, address)
    await page.locator("body").press("n")
    form = page.locator("[data-walk-in]")
    each = form.get_by_text("A person for each service")
    await form.get_by_role("checkbox", name="Haircut").check()
    await expect(each).to_be_hidden()  # of one service it is the visit's person
    await form.get_by_role("checkbox", name="Colour").check()
    await each.click()
    await expect(form.get_by_role("combobox", name="Blow-dry")).to_be_hidden()
    await form.get_by_role("combobox", name="Haircut").select_option(label="Bruno")
    await form.get_by_role("combobox", name="Colour").select_option(label="Ana")
    await form.get_by_label("Customer", exact=True).fill("Noa")
    await form.get_by_label("Time", exact=True).fill("11:00")
    if pictures := os.environ.get("PICTURES"):
        await page.screenshot(path=f"{pictures}/each.png")
    await form.get_by_role("button", name="Book", exact=True).click()
    await expect(tile(page, "Noa", "Bruno")).to_contain_text("11:00 to 11:45")
    async with database.transaction() as session:
        made = await session.scalar(select(Booking))
        assert made is not None
        who = [part["staff"] for part in made.parts]
    assert who == [[str(salon.staff["Bruno"].id)], [str(salon.staff["Ana"].id)]]


async def test_a_span_that_is_drawn_is_blocked(
    database: Database, salon: Salon, address: str, chromium: Browser
) -> None:
    async with database.transaction() as session:
        salon.session = session
        await salon.book("Lucía", "Haircut", "10:30", staff="Bruno")
    page = await calendar(chromium, address)
    box = await page.locator('[data-name="Bruno"] [data-track]').bounding_box()
    assert box is not None
    # The board begins at nine with 8 pixels for five minutes.
    x, ten = box["x"] + 60, box["y"] + 10 + 12 * 8
    await page.mouse.move(x, ten + 2)
    await page.mouse.down()
    await page.mouse.move(x, ten + 12, steps=3)
    await page.mouse.move(x, ten + 5 * 24, steps=5)
    await expect(page.locator(".span")).to_have_text("10:00–11:15")
    await page.mouse.up()
    drawer = page.locator("[data-drawer]")
    await expect(drawer.get_by_label("From (time)")).to_have_value("10:00")
    await drawer.get_by_label("Note").fill("Supplier")
    await drawer.get_by_role("button", name="Save").click()
    await expect(drawer).to_contain_text("1 booking lies in this time")
    await expect(drawer.locator(".hit")).to_contain_text("Lucía")
    await drawer.get_by_role("button", name="Save all the same").click()
    await page.wait_for_url("**/timeoff/*/bookings")
    async with database.transaction() as session:
        off = await session.scalar(select(TimeOff))
        assert off is not None
        assert (off.kind, off.note, off.starts) == ("block", "Supplier", salon.at("10:00"))


async def test_a_request_is_declined_and_a_class_cancelled_in_the_drawer(
    database: Database, salon: Salon, address: str, chromium: Browser
) -> None:
    async with database.transaction() as session:
        salon.session = session
        paula = (await fill(salon))["Paula Soto"]
    page = await calendar(chromium, address)
    drawer = page.locator("[data-drawer]")
    await tile(page, "Paula").click()
    await drawer.get_by_role("button", name="Decline").click()
    await expect(drawer.locator("[data-toast]")).to_have_text("Declined")
    await expect(drawer.locator(".booking")).to_have_attribute("data-state", "declined")
    await expect(page.locator("a.cover", has_text="Paula")).to_have_count(0)
    async with database.transaction() as session:
        assert (await session.get_one(Booking, (paula.business_id, paula.id))).state == "declined"
    await page.keyboard.press("Escape")
    await tile(page, "Yoga").click()
    await drawer.get_by_role("link", name="Ada Nowak").click()
    await expect(drawer).to_contain_text("Reference")
    await page.keyboard.press("Escape")
    await tile(page, "Yoga").click()
    await drawer.get_by_text("Cancel the class", exact=True).click()
    await drawer.get_by_role("button", name="Yes, cancel the class").click()
    await expect(drawer.locator(".state").first).to_have_text("Cancelled")
    await expect(page.locator("a.cover", has_text="Yoga")).to_have_count(0)


async def test_every_view_and_form_is_for_everybody(
    database: Database, salon: Salon, address: str, chromium: Browser
) -> None:
    async with database.transaction() as session:
        salon.session = session
        made = await fill(salon)
        off = await salon.away("Ana", salon.at("17:00"), salon.at("18:00"))
        held = await session.scalar(select(ClassSession.id))
    ana = salon.staff["Ana"].id
    views = ("", "&by=resource", "&view=week", f"&view=week&who={ana}", "&view=list")
    boards = [f"calendar?day={DAY}{view}" for view in views]
    forms = [
        f"calendar/new?day={DAY}",
        *(f"bookings/{made[name].id}" for name in ("Inés Robles", "Paula Soto")),
        f"sessions/{held}",
        f"bookings/{made['Leo Marín'].id}/move?day={DAY}&time=17:00",
        "timeoff",
        f"timeoff/{off.id}",
    ]  # fmt: skip
    axe = Axe()
    for size, scheme, locale in (("phone", "dark", "es"), ("desk", "light", "en")):
        page = await open_console(chromium, address, "owner@marigold.example", size, scheme, locale)
        for path in (*boards, *forms) if size == "phone" else boards:
            await page.goto(f"{address}/console/{path}")
            result = await axe.run(page, options=AXE)
            assert result.violations_count == 0, f"{path} {size} {scheme}: {result.generate_report()}"
            assert await page.evaluate(OVERFLOW) <= 0, f"{path} on a {size} is too wide"
            if size == "phone":
                assert await page.evaluate(SMALL_TARGETS) == [], path
        await page.goto(f"{address}/console/calendar?day={DAY}")
        await tile(page, "Leo").click()
        await page.wait_for_selector("[data-drawer][open] h1")
        await page.wait_for_timeout(300)  # it slides in
        result = await axe.run(page, options=AXE)
        assert result.violations_count == 0, f"drawer {size} {scheme}: {result.generate_report()}"
        await page.context.close()

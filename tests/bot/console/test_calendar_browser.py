"""The calendar in Chromium: dragged, moved by keyboard, and changed from elsewhere."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from sqlalchemy import select

from booking_core import booking as bookings
from booking_core.catalog import load_catalog
from booking_core.kit.db import Database
from booking_core.models import Booking
from channels.models import Message
from tests.bot.console.browsing import calendar, open_console, tile
from tests.bot.console.salon import DAY, TZ, Salon, fill
from tests.bot.console.scene import Scene

pytestmark = pytest.mark.browser


async def drag(page: Page, what: Locator, *, down: int = 0, to: str = "", slow: bool = False) -> None:
    """Drag by so many minutes, and into somebody's column."""
    await what.scroll_into_view_if_needed()
    box = await what.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 8
    await page.mouse.move(x, y)
    await page.mouse.down()
    if to:
        other = await page.locator(f'[data-name="{to}"]').bounding_box()
        assert other is not None
        x = other["x"] + other["width"] / 2
    await page.mouse.move(x - 3, y + down * 8 / 5 - 3, steps=4)
    await page.mouse.move(x, y + down * 8 / 5)
    if slow:
        return
    await page.mouse.up()


async def local_start(database: Database, booking: Booking) -> tuple[str, str | None]:
    """Return when a booking is now, and with whom."""
    async with database.transaction() as session:
        found = await session.get_one(Booking, (booking.business_id, booking.id))
        catalog = await load_catalog(session, booking.business_id)
        who = catalog.staff_member(found.staff_id).name if found.staff_id else None
        return found.starts.astimezone(ZoneInfo(TZ)).strftime("%H:%M"), who


async def test_a_booking_is_dragged_and_its_customer_told(
    database: Database, scene: Scene, salon: Salon, address: str, chromium: Browser
) -> None:
    async with database.transaction() as session:
        salon.session = session
        booking = await salon.known("Lucía", "Haircut", "10:00", staff="Ana")
        await salon.book("Marta", "Haircut", "14:00", staff="Bruno")
    page = await calendar(chromium, address)
    await drag(page, tile(page, "Lucía"), down=90, to="Bruno", slow=True)
    await expect(page.locator(".drop")).to_have_text("11:30")
    await page.mouse.up()
    dialog = page.locator("[data-small]")
    await expect(dialog.locator(".was")).to_contain_text("10:00–10:45 · Ana")
    await expect(dialog.locator(".to")).to_contain_text("11:30–12:15 · Bruno")
    assert await local_start(database, booking) == ("10:00", "Ana"), "nothing is moved before it is confirmed"
    await expect(dialog.get_by_label("Tell the customer")).to_be_checked()
    await dialog.get_by_role("button", name="Move", exact=True).click()
    await expect(tile(page, "Lucía", "Bruno")).to_contain_text("11:30 to 12:15")
    assert await local_start(database, booking) == ("11:30", "Bruno")
    async with database.transaction() as session:
        told = list(await session.scalars(select(Message.text).where(Message.sender == "bot")))
    assert len(told) == 1
    assert "11:30" in told[0]
    assert "Bruno" in told[0]

    # What cannot be is said in words, and goes back.
    await drag(page, tile(page, "Lucía"), down=150)
    await expect(page.locator("[data-toast]")).to_contain_text("There is another booking at that time")
    await expect(page.locator(".drop")).to_have_count(0)
    await drag(page, tile(page, "Lucía"), to="Dalia", slow=True)
    await expect(page.locator(".drop.cannot")).to_have_text("Dalia does not do this")
    await page.mouse.up()
    await expect(dialog).to_be_hidden()
    assert await local_start(database, booking) == ("11:30", "Bruno")

    # Outside hours it can be, if somebody says so.
    await drag(page, tile(page, "Lucía"), down=-120)
    await expect(dialog.locator(".warning")).to_contain_text("outside working hours")
    await dialog.get_by_role("button", name="Leave it").click()
    assert await local_start(database, booking) == ("11:30", "Bruno")


async def test_a_move_that_comes_too_late_is_told_and_shown_anew(
    database: Database, salon: Salon, address: str, chromium: Browser
) -> None:
    async with database.transaction() as session:
        salon.session = session
        booking = await salon.book("Lucía", "Haircut", "10:00", staff="Ana")
    page = await calendar(chromium, address)
    await drag(page, tile(page, "Lucía"), down=60)
    await expect(page.locator("[data-small] .to")).to_contain_text("11:00")
    async with database.transaction() as session:
        await bookings.reschedule(
            session,
            salon.business_id,
            booking.id,
            catalog=await load_catalog(session, salon.business_id),
            starts=salon.at("16:00"),
            staff_id=None,
            version=None,
            now=datetime.now(UTC),
            actor="customer",
            key="elsewhere",
        )
    await page.locator("[data-small]").get_by_role("button", name="Move", exact=True).click()
    await expect(page.locator("[data-small]")).to_contain_text("It has changed meanwhile")
    await page.keyboard.press("Escape")
    await expect(tile(page, "Lucía")).to_contain_text("16:00 to 16:45")


async def test_everything_goes_by_keyboard(database: Database, salon: Salon, address: str, chromium: Browser) -> None:
    async with database.transaction() as session:
        salon.session = session
        booking = await salon.book("Lucía", "Haircut", "10:00", staff="Ana")
        await salon.book("Marta", "Haircut", "10:00", staff="Carla")
    page = await calendar(chromium, address)
    await tile(page, "Lucía").focus()
    focused = page.locator(":focus")
    await page.keyboard.press("ArrowDown")
    await expect(focused).to_have_attribute("aria-label", "10:45, Ana, free")
    await page.keyboard.press("ArrowRight")
    await expect(focused).to_have_attribute("aria-label", "10:45, Bruno, free")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowUp")
    await expect(focused).to_contain_text("Marta, Haircut")
    await page.keyboard.press("ArrowUp")
    await expect(focused).to_have_attribute("aria-label", "09:45, Carla, free")
    await page.keyboard.press("ArrowLeft")
    await expect(focused).to_have_attribute("aria-label", "09:45, Bruno, outside working hours")

    await tile(page, "Lucía").focus()
    await page.keyboard.press("m")
    await expect(page.locator("[data-said]")).to_contain_text("Moving Lucía")
    await page.keyboard.press("ArrowRight")
    for _ in range(4):
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Shift+ArrowDown")
    await expect(page.locator("[data-said]")).to_have_text("to 11:05, Bruno")
    await page.keyboard.press("Escape")
    await expect(page.locator("[data-said]")).to_contain_text("stays where it was")
    await expect(focused).to_contain_text("Lucía")

    await page.keyboard.press("m")
    for key in ("ArrowRight", *["ArrowDown"] * 4, "Enter"):
        await page.keyboard.press(key)
    await expect(page.locator("[data-small] .to")).to_contain_text("11:00–11:45 · Bruno")
    await page.keyboard.press("Enter")
    await expect(tile(page, "Lucía", "Bruno")).to_be_focused()
    assert await local_start(database, booking) == ("11:00", "Bruno")

    await page.keyboard.press("Enter")
    await expect(page.locator("[data-drawer]")).to_contain_text("Reference")
    await page.keyboard.press("Escape")
    await expect(tile(page, "Lucía", "Bruno")).to_be_focused()
    await page.keyboard.press("PageDown")
    await page.wait_for_url(f"**day={DAY + timedelta(days=1)}**")


async def test_what_others_do_appears_without_taking_anything_away(
    database: Database, salon: Salon, address: str, chromium: Browser
) -> None:
    async with database.transaction() as session:
        salon.session = session
        first = await salon.book("Lucía", "Haircut", "10:00", staff="Ana")
        await salon.book("Marta", "Haircut", "12:00", staff="Ana")
    page = await calendar(chromium, address)
    frames: list[str] = []
    page.on("websocket", lambda opened: opened.on("framereceived", lambda frame: frames.append(str(frame))))
    await page.reload()
    await tile(page, "Marta").focus()

    async def move(clock: str, key: str) -> None:
        async with database.transaction() as session:
            await bookings.reschedule(
                session,
                salon.business_id,
                first.id,
                catalog=await load_catalog(session, salon.business_id),
                starts=salon.at(clock),
                staff_id=None,
                version=None,
                now=datetime.now(UTC),
                actor="customer",
                key=key,
            )

    await move("15:00", "one")
    await expect(tile(page, "Lucía")).to_contain_text("15:00 to 15:45")
    await expect(tile(page, "Marta")).to_be_focused()
    assert any("calendar" in frame for frame in frames), f"live, not only polling: {frames}"

    # A form that is being filled in stays as it is.
    await page.locator("body").press("n")
    await page.locator("#walk-name").fill("Half a na")
    await move("16:00", "two")
    await expect(tile(page, "Lucía")).to_contain_text("16:00 to 16:45")
    await expect(page.locator("#walk-name")).to_have_value("Half a na")
    await expect(page.locator("#walk-name")).to_be_focused()
    await page.keyboard.press("Escape")

    # The drawer of the booking itself shows what became of it.
    await tile(page, "Lucía").click()
    await expect(page.locator("[data-drawer]")).to_contain_text("16:00")
    await move("17:00", "three")
    await expect(page.locator("[data-drawer] .parts")).to_contain_text("17:00")


async def test_all_parts_of_a_visit_light_up_and_move_together(
    database: Database, salon: Salon, address: str, chromium: Browser
) -> None:
    async with database.transaction() as session:
        salon.session = session
        await fill(salon)
    page = await calendar(chromium, address)
    parts = page.locator(".tile", has_text="Inés")
    await expect(parts).to_have_count(2)
    await tile(page, "Inés", "Ana").focus()
    await expect(page.locator(".tile.kin")).to_have_count(2)
    await drag(page, tile(page, "Inés", "Ana"), down=30, slow=True)
    await expect(page.locator(".drop")).to_have_text(["16:30", "14:30"])
    await page.keyboard.press("Escape")
    await expect(page.locator(".drop")).to_have_count(0)
    await page.mouse.up()
    await expect(page.locator("[data-small]")).to_be_hidden()


async def test_a_finger_rests_and_then_drags(database: Database, salon: Salon, address: str, chromium: Browser) -> None:
    async with database.transaction() as session:
        salon.session = session
        booking = await salon.book("Lucía", "Haircut", "10:00", staff="Ana")
    page = await calendar(chromium, address, size="phone")
    finger = await page.context.new_cdp_session(page)
    box = await tile(page, "Lucía").bounding_box()
    assert box is not None
    x, y = box["x"] + 80, box["y"] + 8

    async def touch(kind: str, y: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        await finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    await touch("touchStart", y)
    await page.wait_for_timeout(500)
    for way in (5, 20, 54, 108):
        await touch("touchMove", y + way)
    await expect(page.locator(".drop")).to_have_text("11:00")
    await touch("touchEnd", y + 108)
    await expect(page.locator("[data-small] .to")).to_contain_text("11:00")
    await page.locator("[data-small]").get_by_role("button", name="Move", exact=True).tap()
    await expect(tile(page, "Lucía")).to_contain_text("11:00 to 11:45")
    assert await local_start(database, booking) == ("11:00", "Ana")


async def test_the_week_is_moved_in_too(database: Database, salon: Salon, address: str, chromium: Browser) -> None:
    day = DAY if DAY.weekday() < 6 else DAY - timedelta(days=1)
    async with database.transaction() as session:
        salon.session = session
        booking = await salon.book("Lucía", "Haircut", "10:00", staff="Ana", day=day)
    page = await open_console(chromium, address, "staff@marigold.example")
    await page.goto(f"{address}/console/calendar?day={day}&view=week")
    item = page.locator("a.item", has_text="Lucía")
    cell = page.locator('tbody[data-name="Bruno"] [data-cell]').nth((day + timedelta(days=1)).weekday())
    await item.drag_to(cell)
    dialog = page.locator("[data-small]")
    await expect(dialog.locator(".to")).to_contain_text("10:00–10:45 · Bruno")
    await dialog.get_by_role("button", name="Move", exact=True).click()
    await expect(cell).to_contain_text("Lucía")
    await page.locator("a.item", has_text="Lucía").focus()
    for key in ("m", "ArrowUp", "Enter"):
        await page.keyboard.press(key)
    await expect(dialog.locator(".to")).to_contain_text("10:00–10:45 · Ana")
    await page.keyboard.press("Enter")
    await expect(page.locator('tbody[data-name="Ana"]')).to_contain_text("Lucía")
    assert await local_start(database, booking) == ("10:00", "Ana")

"""One part of a visit is dragged, or moved by keys, to somebody else in Chromium: on a desk and on a phone."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from booking_core.kit.db import Database
from tests.bot.console.browsing import AXE, OVERFLOW, SMALL_TARGETS, calendar, tile
from tests.bot.console.salon import DAY, Salon
from tests.bot.console.test_calendar_browser import drag
from tests.bot.console.test_moving import lies, visit

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", ["desk", "phone"])
async def test_one_part_is_dragged_to_somebody_else_and_back(
    database: Database, salon: Salon, address: str, chromium: Browser, size: str
) -> None:
    booking = await visit(database, salon)
    page = await calendar(chromium, address, size=size)
    other = await calendar(chromium, address)
    dialog = page.locator("[data-small]")
    if size == "desk":
        await drag(page, tile(page, "Inés", "Ana"), to="Bruno", slow=True)
        await expect(page.locator(".drop")).to_have_text(["12:00", "10:00"])
        await page.mouse.up()
    else:
        # A finger has but one column in sight: it goes by the form.
        await tile(page, "Inés", "Ana").tap()
        await page.locator("[data-drawer]").get_by_role("link", name="Move").tap()
        await dialog.locator("select").nth(1).select_option(label="Bruno")
        await dialog.get_by_role("button", name="Check this time").tap()
    await expect(dialog).to_contain_text("Only this part goes to somebody else.")
    await expect(dialog.locator("[data-changes] li")).to_have_count(1)
    await expect(dialog.locator("[data-changes]")).to_contain_text("Blow-dry")
    await expect(dialog.locator("[data-changes]")).to_contain_text("Bruno instead of Ana")
    await page.wait_for_timeout(300)  # it slides in
    for scheme in ("light", "dark"):
        # Colours go over slowly where motion is welcome; what is looked at is where they come to.
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        result = await Axe().run(page, options=AXE)
        assert result.violations_count == 0, f"{size} {scheme}: {result.generate_report()}"
    assert await page.evaluate(OVERFLOW) <= 0
    if size == "phone":
        assert await page.evaluate(SMALL_TARGETS) == []
    await dialog.get_by_role("button", name="Give to Bruno").click()
    await expect(tile(page, "Inés", "Bruno")).to_contain_text("12:00 to 12:30")
    await expect(tile(page, "Inés", "Carla")).to_contain_text("10:00 to 12:00")
    assert await lies(database, booking) == ["10:00 Colour Carla", "12:00 Blow-dry Bruno"]
    # Whoever else looks at the day sees it, and can undo it by dragging it back.
    await expect(tile(other, "Inés", "Bruno")).to_be_visible()
    await expect(tile(other, "Inés", "Ana")).to_have_count(0)
    await drag(other, tile(other, "Inés", "Bruno"), to="Ana")
    await other.locator("[data-small]").get_by_role("button", name="Give to Ana").click()
    await expect(tile(other, "Inés", "Ana")).to_be_visible()
    assert await lies(database, booking) == ["10:00 Colour Carla", "12:00 Blow-dry Ana"]


async def test_one_part_is_given_by_keyboard(database: Database, salon: Salon, address: str, chromium: Browser) -> None:
    booking = await visit(database, salon)
    async with database.transaction() as session:
        salon.session = session
        await salon.book("Leo", "Haircut", "16:00", staff="Bruno")
    page = await calendar(chromium, address)
    await tile(page, "Inés", "Ana").focus()
    for key in ("m", "ArrowRight"):
        await page.keyboard.press(key)
    await expect(page.locator("[data-said]")).to_have_text("to 12:00, Bruno")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-small]")).to_contain_text("Bruno instead of Ana")
    await page.keyboard.press("Enter")
    await expect(tile(page, "Inés", "Bruno")).to_be_visible()
    assert await lies(database, booking) == ["10:00 Colour Carla", "12:00 Blow-dry Bruno"]
    # At another time the whole visit moves; where somebody is busy it stays, and why is said.
    await tile(page, "Inés", "Bruno").focus()
    for key in ("m", *["ArrowDown"] * 14, "Enter"):
        await page.keyboard.press(key)
    await expect(page.locator("[data-small] .to")).to_contain_text("13:30–16:00")
    await page.keyboard.press("Escape")
    await tile(page, "Inés", "Carla").focus()
    for key in ("m", "ArrowLeft", "Enter"):
        await page.keyboard.press(key)
    await expect(page.locator("[data-said]")).to_contain_text("Bruno")
    assert await lies(database, booking) == ["10:00 Colour Carla", "12:00 Blow-dry Bruno"]


async def test_one_part_is_given_in_the_week(database: Database, salon: Salon, address: str, chromium: Browser) -> None:
    booking = await visit(database, salon)
    page = await calendar(chromium, address, "&view=week")
    item = page.locator('tbody[data-name="Ana"] a.item', has_text="Inés")
    await item.drag_to(page.locator('tbody[data-name="Bruno"] [data-cell]').nth(DAY.weekday()))
    dialog = page.locator("[data-small]")
    await expect(dialog).to_contain_text("Bruno instead of Ana")
    await dialog.get_by_role("button", name="Give to Bruno").click()
    await expect(page.locator('tbody[data-name="Bruno"]')).to_contain_text("Inés")
    assert await lies(database, booking) == ["10:00 Colour Carla", "12:00 Blow-dry Bruno"]

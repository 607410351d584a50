"""What a customer agreed to, on its page: read, handed out, taken back by word of mouth, corrected."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import yaml
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.models import Customer
from bot.consent_export import consents_of
from bot.models import HandoffNote
from channels import conversations
from channels.models import ConsentNote, Conversation
from tests.bot.console.browsing import AXE, OVERFLOW, SMALL_TARGETS, open_console
from tests.bot.console.conftest import SignIn
from tests.bot.console.scene import XSS, Scene, add_thread

US, ES = "+12125550123", "whatsapp:+34600111222"
QUESTION = "May Marigold Studio remind you here? Text STOP to end."
FIRST = datetime(2025, 3, 1, 9, 30, 7, tzinfo=UTC)


@pytest.fixture
async def lucia(database: Database, scene: Scene) -> dict[str, UUID]:
    """One customer on two channels, who said yes on one of them; and somebody else."""
    async with database.transaction() as session:
        customer = Customer(business_id=scene.business.id, id=new_id(), name="Lucía Fernández", created_at=FIRST)
        session.add(customer)
        await session.flush()
        threads = {
            "sms": await add_thread(session, scene, "sms", US, [("customer", "hello")], name="Lu"),
            "whatsapp": await add_thread(session, scene, "whatsapp", ES, [("customer", "hola")], name="Lu"),
            "other": await add_thread(session, scene, "sms", "+34600999999", [("customer", "hi")], name="Zoe"),
        }
        for name in ("sms", "whatsapp"):
            thread = await load(session, scene, threads[name])
            thread.customer_id = customer.id
            conversations.note_consent(thread, FIRST, wish="in", how="wrote", provider_id="SM1" + name)
        sms = await load(session, scene, threads["sms"])
        for minutes, wish, how in ((5, "asked", "question"), (6, "in", "answered")):
            at = FIRST + timedelta(minutes=minutes)
            conversations.note_consent(sms, at, wish=wish, how=how, purpose="reminders", country="US", wording=QUESTION)
        return threads


async def load(session: AsyncSession, scene: Scene, thread: UUID) -> Conversation:
    return await conversations.load(session, scene.business.id, thread)


async def notes(database: Database, thread: UUID) -> list[ConsentNote]:
    async with database.transaction() as session:
        found = (
            select(ConsentNote).where(ConsentNote.conversation_id == thread).order_by(ConsentNote.at, ConsentNote.id)
        )
        return list(await session.scalars(found))


async def left(database: Database, scene: Scene) -> set[str]:
    """The addresses whose people want no more messages."""
    async with database.transaction() as session:
        gone = select(Conversation.address).where(Conversation.opted_out_at.is_not(None))
        return set(await session.scalars(gone))


def texts(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main")[2]).split())


async def test_who_agreed_to_what_where_when_and_by_which_words(lucia: dict[str, UUID], signed_in: SignIn) -> None:
    manager = await signed_in("manager")
    assert f"/console/threads/{lucia['sms']}/consents" in (await manager.get(f"/console/threads/{lucia['sms']}")).text
    page = texts((await manager.get(f"/console/threads/{lucia['sms']}/consents")).text)
    for said in (
        "Lucía Fernández",
        "SMS +12125550123 Messages Wants to be written to Reminders May be sent",
        "Needed here: an express yes (United States)",
        f"Agreed to reminders by an answer to our question in the thread {QUESTION} 1 Mar 2025, 10:36:07",
        "law of United States",
        "Was asked about reminders with our question",
        "Wants to be written to by writing first 1 Mar 2025, 10:30:07 · message SM1sms",
        "WhatsApp +34600111222",
        "Enough here: that they wrote first (Spain)",
    ):
        assert said in page, said
    assert page.index("Agreed to reminders") < page.index("Was asked about"), "the latest first"
    assert page.index("SMS +1") < page.index("WhatsApp +34"), "the thread that one comes from first"
    assert "+34600999999" not in page


async def test_who_left_one_thread_where_that_ends_all_is_shown_so_in_each(
    database: Database, scene: Scene, lucia: dict[str, UUID], signed_in: SignIn
) -> None:
    manager = await signed_in("manager")
    at = f"/console/threads/{lucia['whatsapp']}/consents"
    left_on = datetime.now(UTC)
    async with database.transaction() as session:
        sms = await load(session, scene, lucia["sms"])
        await conversations.opt_out(session, sms, left_on, how="words")
        other = await load(session, scene, lucia["other"])
        other.customer_id = None
    page = texts((await manager.get(at)).text)
    assert "WhatsApp +34600111222 Messages Only answers: they left in another thread since" in page
    assert page.count("Messages Wants no more messages") == 1
    assert page.count("Wants to be written to Reminders") == 0, "no thread of hers may be reminded"
    async with database.transaction() as session:
        thread = await load(session, scene, lucia["whatsapp"])
        again = left_on + timedelta(minutes=1)
        conversations.note_consent(thread, again, wish="in", how="answered", purpose="reminders", country="ES")
    page = texts((await manager.get(at)).text)
    assert "WhatsApp +34600111222 Messages Wants to be written to Reminders May be sent" in page, "she came back there"


async def test_staff_are_not_led_there(lucia: dict[str, UUID], signed_in: SignIn) -> None:
    staff = await signed_in("staff")
    assert "/consents" not in (await staff.get(f"/console/threads/{lucia['sms']}")).text
    assert (await staff.get(f"/console/threads/{lucia['sms']}/consents.yml")).status_code == 403


async def test_the_file_is_the_one_that_the_command_writes(
    database: Database, lucia: dict[str, UUID], signed_in: SignIn
) -> None:
    manager = await signed_in("manager")
    files = [(await manager.get(f"/console/threads/{lucia[name]}/consents.yml")) for name in ("sms", "whatsapp")]
    async with database.transaction() as session:
        written = await consents_of(session, "marigold", US)
    assert files[0].text == files[1].text == written
    assert files[0].headers["content-disposition"] == f'attachment; filename="consents-{lucia["sms"]}.yml"'
    assert [one["channel"] for one in yaml.safe_load(written)["threads"]] == ["sms", "whatsapp"]


async def test_what_was_said_on_the_telephone_holds_everywhere_and_says_who_wrote_it_down(
    database: Database, scene: Scene, lucia: dict[str, UUID], signed_in: SignIn
) -> None:
    manager = await signed_in("manager")
    at = f"/console/threads/{lucia['whatsapp']}/consents"
    words = f"Please stop. {XSS}"
    answer = await manager.submit(at, purpose="any", where="all", words=words)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{at}?said=recorded")
    assert await left(database, scene) == {US, ES}
    for name in ("sms", "whatsapp"):
        last = (await notes(database, lucia[name]))[-1]
        assert (last.wish, last.how, last.purpose, last.wording) == ("out", "spoken", "any", words)
        assert last.noted_by == scene.users["manager"].id
    page = (await manager.get(f"{at}?said=recorded")).text
    assert XSS not in page
    assert "said to us; written down by Mateo Ruiz" in texts(page)
    assert "Recorded." in page
    thread = (await manager.get(f"/console/threads/{lucia['sms']}")).text
    assert "Mateo Ruiz recorded: no more messages are wanted" in thread
    exported = yaml.safe_load((await manager.get(f"{at}.yml")).text)["threads"][0]["notes"][-1]
    assert (exported["how"], exported["noted_by"], exported["words"]) == ("spoken", "Mateo Ruiz", words)

    again = await manager.submit(at, purpose="any", where="all", words="Again")
    assert again.headers["location"].endswith("?said=known")
    async with database.transaction() as session:
        audit = await session.scalars(select(HandoffNote).where(HandoffNote.move == "no_messages"))
        assert {(one.conversation_id, one.user_id) for one in audit} == {
            (lucia[name], scene.users["manager"].id) for name in ("sms", "whatsapp")
        }
    assert 'name="where"' not in (await manager.get(at)).text, "there is nothing left to take back"


async def test_reminders_alone_can_be_taken_back_in_one_place(
    database: Database, scene: Scene, lucia: dict[str, UUID], signed_in: SignIn
) -> None:
    manager = await signed_in("manager")
    at = f"/console/threads/{lucia['sms']}/consents"
    await manager.submit(at, purpose="reminders", where=lucia["sms"], words="No reminders, please")
    assert await left(database, scene) == set()
    assert [(one.wish, one.purpose) for one in (await notes(database, lucia["sms"]))[-1:]] == [("out", "reminders")]
    assert len(await notes(database, lucia["whatsapp"])) == 1
    page = texts((await manager.get(at)).text)
    assert "Wants to be written to Reminders Not wanted" in page
    assert "Reminders May be sent" in page, "on WhatsApp"


@pytest.mark.parametrize("missing", [{"words": " "}, {"purpose": ""}, {"purpose": "marketing"}, {"where": ""}])
async def test_what_is_incomplete_is_not_recorded_and_not_lost(
    database: Database, scene: Scene, lucia: dict[str, UUID], signed_in: SignIn, missing: dict[str, str]
) -> None:
    fields = {"purpose": "any", "where": "all", "words": "She said: enough!"} | missing
    manager = await signed_in("manager")
    answer = await manager.submit(f"/console/threads/{lucia['sms']}/consents", **fields)
    assert answer.status_code == 400
    assert "Please choose what is not wanted any more" in answer.text
    assert fields["words"].strip() in answer.text
    assert await left(database, scene) == set()


async def test_nobody_else_s_thread_is_reached_through_the_form(
    database: Database, scene: Scene, lucia: dict[str, UUID], signed_in: SignIn
) -> None:
    manager = await signed_in("manager")
    for where in (lucia["other"], new_id(), "nonsense"):
        at = f"/console/threads/{lucia['sms']}/consents"
        assert (await manager.submit(at, purpose="any", where=where, words="x")).status_code == 404
    assert await left(database, scene) == set()
    assert (await manager.submit(at, purpose="any", where="all", words="x" * 501)).status_code == 413


async def test_a_slip_is_corrected_and_both_entries_stay(
    database: Database, scene: Scene, lucia: dict[str, UUID], signed_in: SignIn
) -> None:
    manager = await signed_in("manager")
    at = f"/console/threads/{lucia['sms']}/consents"
    await manager.submit(at, purpose="any", where="all", words="Stop")
    assert "Please write what was wrong." in (await manager.submit(f"{at}/corrected", purpose="any", words="")).text
    answer = await manager.submit(f"{at}/corrected", purpose="any", words="It was another Lucía")
    assert answer.headers["location"] == f"{at}?said=corrected"
    assert await left(database, scene) == {ES}, "one thread at a time"
    last = (await notes(database, lucia["sms"]))[-2:]
    assert [(one.wish, one.how, one.wording) for one in last] == [
        ("out", "spoken", "Stop"), ("in", "corrected", "It was another Lucía"),
    ]  # fmt: skip
    page = texts((await manager.get(at)).text)
    assert "SMS +12125550123 Messages Wants to be written to Reminders May be sent" in page, "her own yes holds again"
    assert "it had been written down by mistake, says Mateo Ruiz" in page
    assert "corrected what had been recorded" in (await manager.get(f"/console/threads/{lucia['sms']}")).text


@pytest.mark.parametrize("how", ["platform", "words", "blocked", "link", "refused"])
async def test_what_a_customer_said_themselves_is_corrected_by_nobody(
    database: Database, scene: Scene, lucia: dict[str, UUID], signed_in: SignIn, how: str
) -> None:
    manager = await signed_in("manager")
    at = f"/console/threads/{lucia['sms']}/consents"
    await manager.submit(at, purpose="any", where=lucia["sms"], words="Stop")
    async with database.transaction() as session:
        thread = await load(session, scene, lucia["sms"])
        await conversations.opt_out(session, thread, datetime.now(UTC), how=how)
    assert "/corrected" not in (await manager.get(at)).text
    answer = await manager.submit(f"{at}/corrected", purpose="any", words="We would rather not")
    assert answer.headers["location"] == f"{at}?said=known"
    assert await left(database, scene) == {US}


@pytest.mark.browser
@pytest.mark.parametrize(
    ("size", "scheme", "locale"), [("phone", "dark", "de"), ("phone", "light", "pt"), ("desk", "light", "en")]
)
async def test_the_page_is_for_everybody(
    lucia: dict[str, UUID], address: str, chromium: Browser, size: str, scheme: str, locale: str
) -> None:
    page = await open_console(chromium, address, "manager@marigold.example", size, scheme, locale)
    await page.goto(f"{address}/console/threads/{lucia['sms']}")
    await page.locator("#more").press("Enter")
    await page.locator(f'a[href$="/{lucia["sms"]}/consents"]').press("Enter")
    await page.wait_for_url("**/consents")
    await page.locator(".spoken summary").press("Enter")
    await page.get_by_role("radio").nth(1).press("Space")
    await page.select_option("#where", str(lucia["sms"]))
    await page.fill("#words", "No reminders, please")
    for direction in ("rtl", "ltr"):
        await page.evaluate(f"document.documentElement.dir = '{direction}'")
        result = await Axe().run(page, options=AXE)
        assert result.violations_count == 0, f"{size} {scheme} {direction}: {result.generate_report()}"
        assert await page.evaluate(OVERFLOW) <= 0, f"too wide on a {size}"
        if size == "phone":
            assert await page.evaluate(SMALL_TARGETS) == []
    await page.locator(".spoken button").press("Enter")
    await page.wait_for_url("**/consents?said=recorded")
    await expect(page.get_by_role("status")).to_be_visible()
    await page.locator(".mistake summary").press("Enter")
    result = await Axe().run(page, options=AXE)
    assert result.violations_count == 0, f"{size} {scheme}: {result.generate_report()}"
    if size == "phone":
        assert await page.evaluate(SMALL_TARGETS) == []

"""Every page shows what is there, and shows what customers wrote as text."""

from datetime import UTC, datetime, timedelta

import pytest

from booking_core.kit.db import Database
from tests.bot.console.conftest import Browser, SignIn
from tests.bot.console.scene import XSS, Scene, add_booking, add_catalog, add_task, add_thread

PAGES = ("inbox", "calendar", "tasks", "transcripts", "team")
HEADERS = ("content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy")


@pytest.mark.parametrize("language", ["en", "es"])
async def test_every_page_shows_hostile_words_as_text(
    database: Database, scene: Scene, signed_in: SignIn, language: str
) -> None:
    async with database.transaction() as session:
        await add_catalog(session, scene)
        thread = await add_thread(
            session,
            scene,
            "sms",
            "+34600" + XSS,
            [
                ("customer", XSS, {"understood": understood(), "attachments": [{"type": XSS}]}),
                ("bot", XSS, {"choices": [{"id": "b1:x", "label": XSS}], "facts": {"service": XSS, "start": XSS}}),
                ("staff", XSS, {"status": "failed", "error": XSS}),
            ],
            name=XSS,
            answers="waiting",
            outcome=XSS,
        )
        await add_booking(session, scene, "Ana", "Haircut", datetime.now(UTC), XSS, conversation_id=thread)
        await add_task(session, scene, XSS, reference=XSS)
    browser = await signed_in("owner")
    browser.headers["accept-language"] = language
    await browser.submit(f"/console/threads/{thread}/reply", text=XSS, mode="note")
    for path in (*PAGES, f"threads/{thread}", f"transcripts/{thread}", "inbox?q=" + XSS):
        page = await browser.get("/console/" + path)
        assert page.status_code == 200, path
        assert f'lang="{language}"' in page.text
        assert "<script>alert" not in page.text, path
        assert "<img src=x" not in page.text, path
        assert "style=" not in page.text
        assert "onclick" not in page.text
        assert all(header in page.headers for header in HEADERS)
        assert "unsafe" not in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
    assert "&lt;script&gt;" in (await browser.get(f"/console/threads/{thread}")).text


async def test_the_inbox_puts_who_waits_first_and_marks_what_is_unread(
    database: Database, scene: Scene, signed_in: SignIn
) -> None:
    now = datetime.now(UTC)
    async with database.transaction() as session:
        await add_thread(session, scene, "sms", "+34600000001", [("customer", "latest")], name="Bea")
        waits = await add_thread(
            session,
            scene,
            "web",
            "s1",
            [("customer", "one"), ("customer", "two")],
            name="Wanda",
            answers="waiting",
            ends=now - timedelta(hours=2),
        )
        await add_thread(
            session, scene, "web", "s2", [("customer", "x")], name="Pia", answers="person", person=scene.users["staff"]
        )
    browser = await signed_in("staff")
    page = (await browser.get("/console/inbox")).text
    assert page.index("Wanda") < page.index("Pia") < page.index("Bea")
    assert "Unread: </span>2</b>" in page
    await browser.get(f"/console/threads/{waits}")
    assert "Unread: </span>2</b>" not in (await browser.get("/console/inbox")).text
    other = await signed_in("owner")
    assert "Unread: </span>2</b>" in (await other.get("/console/inbox")).text, "read marks are each person's own"


async def test_search_finds_names_numbers_and_words_as_they_are(
    database: Database, scene: Scene, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        await add_thread(session, scene, "sms", "+34611222333", [("customer", "is 100% wool ok")], name="Ada")
        await add_thread(session, scene, "sms", "+34699888777", [("customer", "1000 wool")], name="Bob")
    browser = await signed_in("staff")

    async def found(text: str) -> list[str]:
        page = (await browser.get("/console/inbox", params={"q": text})).text
        return [name for name in ("Ada", "Bob") if f"<bdi>{name}</bdi>" in page]

    assert await found("ada") == ["Ada"]
    assert await found("888777") == ["Bob"]
    assert await found("100%") == ["Ada"]
    assert await found("wool") == ["Ada", "Bob"]
    assert await found("_") == []
    assert await found("\\") == []
    assert await found("'; DROP TABLE message; --\x00") == []


async def test_another_business_sees_nothing_of_ours(
    database: Database, scene: Scene, signed_in: SignIn, anyone: Browser
) -> None:
    from tests.bot.console.scene import open_business

    async with database.transaction() as session:
        ours = await add_thread(session, scene, "sms", "+34600000001", [("customer", "secret words")], name="Zoe")
        task = await add_task(session, scene, "refund_failed")
        await open_business(session, "rival")
    rival = await signed_in("owner@rival.example")
    for path in ("inbox", "transcripts", "tasks", "inbox?q=secret", "transcripts?q=secret", "transcripts.csv"):
        page = (await rival.get("/console/" + path)).text
        assert "Zoe" not in page
        assert "secret words" not in page
    for path in (f"threads/{ours}", f"transcripts/{ours}"):
        assert (await rival.get("/console/" + path)).status_code == 404
    for step in ("take", "reply", "hand-back", "seen"):
        answer = await rival.submit(f"/console/threads/{ours}/{step}", text="mine now", version=0, seq=1)
        assert answer.status_code == 404
    await rival.submit(f"/console/tasks/{task.id}/done")
    owner = await signed_in("owner")
    assert "A refund failed" in (await owner.get("/console/tasks")).text


async def test_the_calendar_shows_the_day_in_the_location_s_zone(
    database: Database, scene: Scene, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        await add_catalog(session, scene)
        await add_booking(
            session, scene, "Ana", "Haircut", datetime(2026, 11, 24, 8, 0, tzinfo=UTC), "Marta", sure=True
        )
        await add_booking(session, scene, "Bruno", "Beard trim", datetime(2026, 11, 24, 23, 30, tzinfo=UTC), "Late")
        await add_booking(
            session, scene, "Ana", "Haircut", datetime(2026, 11, 24, 10, 0, tzinfo=UTC), "Gone", state="expired"
        )
    browser = await signed_in("staff")
    page = (await browser.get("/console/calendar?day=2026-11-24")).text
    assert "Tuesday 24 November 2026" in page.replace("Tuesday,", "Tuesday")
    assert ">09:00</time>" in page, "08:00 UTC is nine in Madrid"
    assert "Marta" in page
    assert "Gone" not in page
    assert "Late" not in page, "half past midnight is the next day in Madrid"
    assert "Late" in (await browser.get("/console/calendar?day=2026-11-25")).text
    for nonsense in ("", "x", "0001-01-01", "9999-12-31", "2026-02-30"):
        assert (await browser.get("/console/calendar", params={"day": nonsense})).status_code == 200


async def test_a_task_is_done_once_and_names_who_did_it(database: Database, scene: Scene, signed_in: SignIn) -> None:
    async with database.transaction() as session:
        task = await add_task(session, scene, "late_payment_refunded", reference="K7QX4M")
    manager, owner = await signed_in("manager"), await signed_in("owner")
    assert "K7QX4M" in (await manager.get("/console/tasks")).text
    assert (await manager.submit(f"/console/tasks/{task.id}/done")).status_code == 303
    assert (await owner.submit(f"/console/tasks/{task.id}/done")).status_code == 303
    page = (await owner.get("/console/tasks")).text
    assert "Nothing to do" in page
    assert "Mateo Ruiz" in page


async def test_the_owner_adds_a_person_who_can_sign_in(scene: Scene, signed_in: SignIn, anyone: Browser) -> None:
    owner = await signed_in("owner")
    made = await owner.submit("/console/team", email=" New@Marigold.example ", name="Nora", role="staff")
    password = made.text.split('<code dir="ltr">')[1].split("<")[0]
    assert (
        await owner.submit("/console/team", email="new@marigold.example", name="N", role="staff")
    ).status_code == 409
    assert (await owner.submit("/console/team", email="n2@x.example", name="N", role="god")).status_code == 400
    assert (await anyone.sign_in("new@marigold.example", password)).status_code == 303


async def test_what_is_not_there_is_a_page_too(signed_in: SignIn, scene: Scene) -> None:
    browser = await signed_in("owner")
    missing = await browser.get("/console/threads/00000000-0000-7000-8000-000000000000")
    assert missing.status_code == 404
    assert "doesn’t exist" in missing.text
    assert (await browser.get("/console/threads/x")).status_code == 404
    assert (await browser.get("/console/static/../access.py")).status_code == 404
    assert (await browser.get("/console/static/console.css")).status_code == 200


def understood() -> dict[str, object]:
    return {
        "language": "en",
        "intent": XSS,
        "confidence": 0.93,
        "also": [XSS],
        "entities": [{"entity": XSS, "value": XSS, "text": XSS, "start": 0, "end": 3, "confidence": 1.0}],
        "when": {
            "windows": [{"start": "2026-11-24T12:00:00", "end": None, "grain": "hour", "text": XSS, "span": [0, 2]}],
            "choices": [],
            "exclusions": [],
            "ambiguity": None,
            "asap": False,
        },
    }


@pytest.mark.parametrize("path", ["nothing", "calendar/nothing", "inbox/nothing/at/all"])
async def test_where_nothing_is_there_is_a_page_with_a_way_back(anyone: Browser, path: str) -> None:
    anyone.headers["accept-language"] = "fr"
    page = await anyone.get(f"/console/{path}")
    assert page.status_code == 404
    assert 'lang="fr"' in page.text
    assert 'href="/console/inbox"' in page.text
    assert all(header in page.headers for header in HEADERS)


async def test_a_slash_too_many_is_forgiven(anyone: Browser) -> None:
    answer = await anyone.get("/console/tasks/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/console/tasks")

"""Handing a thread about in the console: assigned, put aside, done; canned replies; who is writing."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import select

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from bot.console import Desk, router_for
from bot.console.transcript_routes import safe_cell
from bot.console.typing import SHOWN
from bot.models import CannedReply, Dialogue
from channels import conversations
from channels.models import Message
from tests.bot.console.conftest import Browser, SignIn, hidden
from tests.bot.console.scene import Scene, add_booking, add_catalog, add_thread, add_user
from tests.bot.console.test_threads import JSON, Socket, staff_messages, waiting_thread


async def dialogue_of(database: Database, thread: str) -> Dialogue:
    async with database.transaction() as session:
        return (await session.scalars(select(Dialogue).where(Dialogue.conversation_id == UUID(thread)))).one()


async def test_a_thread_is_given_put_aside_and_done(database: Database, scene: Scene, signed_in: SignIn) -> None:
    thread = await waiting_thread(database, scene)
    ana, mateo = await signed_in("staff"), await signed_in("manager")
    path = f"/console/threads/{thread}"
    given = await ana.submit(f"{path}/assign?show=waiting", version=1, to=scene.users["manager"].id)
    assert given.headers["location"] == f"{path}?show=waiting", "the list stays as it was chosen"
    page = (await mateo.get(path)).text
    assert "Ana Soler gave it to Mateo Ruiz" in page
    assert "You are answering" in page
    late = await ana.submit(f"{path}/snooze", version=1, until="hour")
    assert late.status_code == 409
    assert "Mateo Ruiz has taken this thread" in late.text
    for odd in ({"until": "at", "at": "2001-01-01T10:00"}, {"until": "never"}):
        refused = await mateo.submit(f"{path}/snooze", version=2, **odd)
        assert refused.status_code == 409
        assert "Please choose a moment" in refused.text
    assert (await mateo.submit(f"{path}/snooze", version=2, until="hour")).status_code == 303
    snoozed = await dialogue_of(database, thread)
    assert snoozed.answers == "snoozed"
    assert snoozed.snoozed_until is not None
    assert timedelta(minutes=59) < snoozed.snoozed_until - datetime.now(UTC) <= timedelta(hours=1)
    assert "Snoozed" in (await mateo.get(path)).text
    assert (await mateo.submit(f"{path}/resolve", version=3)).status_code == 303
    done = (await mateo.get(path)).text
    assert "Mateo Ruiz was done with it" in done
    assert (await dialogue_of(database, thread)).memory == {}, "nothing is said to the customer: no recap"
    nobody = await ana.submit(f"{path}/assign", version=4, to=new_id())
    assert nobody.status_code == 404


async def test_the_inbox_shows_who_waits_longest_mine_what_is_put_aside_or_all(
    database: Database, scene: Scene, signed_in: SignIn
) -> None:
    now = datetime.now(UTC)
    ana, mateo = scene.users["staff"], scene.users["manager"]
    async with database.transaction() as session:
        for name, answers, person, hours in (
            ("Short", "waiting", None, 1), ("Long", "waiting", None, 5),
            ("Anas", "person", ana, 2), ("Mateos", "person", mateo, 2),
            ("Aside", "snoozed", mateo, 3), ("Bots", "bot", None, 1), ("Done", "resolved", None, 2),
        ):  # fmt: skip
            ends = now - timedelta(hours=hours)
            said = [("customer", "about a cut")]
            await add_thread(session, scene, "web", name, said, name=name, answers=answers, person=person, ends=ends)
    browser = await signed_in("staff")
    every = ["Long", "Short", "Anas", "Mateos", "Aside", "Bots", "Done"]

    async def listed(query: str) -> list[str]:
        page = (await browser.get(f"/console/inbox{query}")).text
        return sorted(
            (name for name in every if f"<bdi>{name}</bdi>" in page), key=lambda name: page.index(f"<bdi>{name}")
        )

    assert await listed("?show=waiting") == ["Long", "Short"]
    assert await listed("?show=mine") == ["Anas"]
    assert await listed("?show=snoozed") == ["Aside"]
    assert sorted(await listed("")) == sorted(every)
    assert (await listed(""))[:2] == ["Long", "Short"]
    assert await listed("?show=mine&q=short") == []
    assert sorted(await listed("?show=yours")) == sorted(every), "what is unknown is not asked for"
    page = (await browser.get("/console/inbox?show=waiting&q=cut")).text
    assert "?show=waiting&amp;q=cut" in page, "a thread's address keeps what is listed"
    assert "/console/inbox?show=snoozed&amp;q=cut" in page
    news = (await browser.get("/console/inbox?show=mine", headers=JSON)).json()
    assert news["waiting"] == 2, "the number in the menu is of all who wait"
    assert "Anas" in news["html"]
    assert 'aria-current="true"' in news["shows"]


async def test_tokens_are_filled_or_said_and_never_sent_as_braces(
    database: Database, scene: Scene, signed_in: SignIn
) -> None:
    thread = await waiting_thread(database, scene)
    async with database.transaction() as session:
        await add_catalog(session, scene)
        session.add(
            CannedReply(
                business_id=scene.business.id, id=new_id(), title="Reminder", text="{name}: {service}, {time}",
                changed_at=datetime.now(UTC),
            )
        )  # fmt: skip
    ana = await signed_in("staff")
    path = f"/console/threads/{thread}"
    page = (await ana.get(path)).text
    assert "There is no value here for {service}, {time}" in page, "said in the list, before anything is sent"
    reply_id = page.split("?reply=")[1].split('"')[0]
    assert "Lucía: {service}, {time}</textarea>" in (await ana.get(f"{path}?reply={reply_id}")).text
    for text in ("{name}: {service}, {time}", "Hello {firstname}"):
        refused = await ana.submit(f"{path}/reply", text=text, key=new_id())
        assert refused.status_code == 409
        assert "Not sent: there is no value here for {" in refused.text
        assert f"{text}</textarea>" in refused.text, "what somebody wrote is not lost"
    assert await staff_messages(database) == []
    assert (await dialogue_of(database, thread)).answers == "waiting", "nothing was changed"
    async with database.transaction() as session:
        booking = await add_booking(session, scene, "Ana", "Haircut", datetime.now(UTC) + timedelta(days=2), "Lucía")
        conversation = await conversations.load(session, scene.business.id, UUID(thread))
        conversation.customer_id = booking.customer_id
    sent = await ana.submit(f"{path}/reply", text="{name}: {service}, {time}", key=new_id())
    assert sent.status_code == 303
    (text,) = await staff_messages(database)
    assert text.startswith("Lucía: Haircut, ")
    assert "{" not in text
    noted = await ana.submit(f"{path}/reply", text="ask about {colour}", mode="note", key=new_id())
    assert noted.status_code == 303, "a note goes to nobody"


async def test_replies_are_managed_on_their_page(database: Database, scene: Scene, signed_in: SignIn) -> None:
    mateo = await signed_in("manager")
    made = await mateo.submit("/console/replies", title=" Parking  place ", text="Behind the house, {name}.")
    assert made.status_code == 303
    page = (await mateo.get("/console/replies")).text
    assert 'value="Parking place"' in page
    refused = await mateo.submit("/console/replies", title="Odd", text="Hi {nmae}")
    assert refused.status_code == 400
    assert "Nothing fills {nmae}" in refused.text
    assert "Hi {nmae}</textarea>" in refused.text
    reply_id = page.split('action="/console/replies/')[1].split('"')[0]
    changed = await mateo.submit(f"/console/replies/{reply_id}", title="Parking", text="In the yard.")
    assert changed.status_code == 303
    assert (await mateo.submit(f"/console/replies/{new_id()}", title="x", text="y")).status_code == 404
    async with database.transaction() as session:
        kept = (await session.scalars(select(CannedReply))).one()
        assert (kept.title, kept.text, kept.changed_by) == ("Parking", "In the yard.", scene.users["manager"].id)
    assert (await mateo.submit(f"/console/replies/{reply_id}/delete")).status_code == 303
    assert "In the yard" not in (await mateo.get("/console/replies")).text


async def test_an_exported_transcript_marks_private_notes(database: Database, scene: Scene, signed_in: SignIn) -> None:
    thread = await waiting_thread(database, scene)
    manager = await signed_in("manager")
    await manager.submit(f"/console/threads/{thread}/reply", text="=allergic to ammonia", mode="note", key=new_id())
    await manager.submit(f"/console/threads/{thread}/reply", text="Hello Lucía", key=new_id())
    answer = await manager.get(f"/console/transcripts/{thread}/messages.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["kind"] for row in rows] == ["customer", "event:ask", "bot", "private_note", "event:take", "staff"]
    note = next(row for row in rows if row["kind"] == "private_note")
    assert (note["text"], note["who"], note["delivery"]) == ("'=allergic to ammonia", "Mateo Ruiz", "")
    async with database.transaction() as session:
        texts = list(await session.scalars(select(Message.text)))
    assert all("ammonia" not in text for text in texts), "a note is no message"


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("https://x.example")',
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
    ],
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe_cell(text) == "'" + text
    assert safe_cell("Hello " + text) == "Hello " + text


async def test_a_long_transcript_is_exported_whole(database: Database, scene: Scene, signed_in: SignIn) -> None:
    async with database.transaction() as session:
        said = [("customer", f"line-{n:03d}") for n in range(1, 201)]
        thread = await add_thread(session, scene, "sms", "+346", said, gap=timedelta(seconds=2), answers="waiting")
    manager = await signed_in("manager")
    answer = await manager.get(f"/console/transcripts/{thread}/messages.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["text"] for row in rows if row["kind"] == "customer"] == [text for _, text in said]
    assert [row["kind"] for row in rows].count("event:ask") == 1


async def test_who_writes_is_seen_on_every_web_process_and_runs_out(
    app: FastAPI, desk: Desk, database: Database, scene: Scene, signed_in: SignIn, redis: Redis
) -> None:
    thread = await waiting_thread(database, scene)
    async with database.transaction() as session:
        await add_user(session, scene, "staff", "Bruno Vidal", "bruno@marigold.example")
    ana, bruno = await signed_in("staff"), await signed_in("bruno@marigold.example")
    other_process = FastAPI()
    other_process.include_router(router_for(desk))
    writing, looking = Socket(app, ana), Socket(other_process, bruno)
    for socket in (writing, looking):
        assert await socket.hears() == {"kind": "ready"}
    for odd in ("[]", "{", "7", '{"typing": 1}', '{"typing": "x"}', "x" * 5000, f'{{"typing": "{new_id()}"}}'):
        writing.says(odd)
    writing.says(f'{{"typing": "{thread}"}}')
    heard = await looking.hears()
    assert (heard["kind"], heard["conversation"], heard["name"]) == ("typing", thread, "Ana Soler")

    async def seen_by(browser: Browser) -> list[str]:
        return list((await browser.get(f"/console/threads/{thread}", headers=JSON)).json()["typing"].values())

    assert await seen_by(bruno) == ["Ana Soler"]
    assert await seen_by(ana) == [], "nobody is warned of themselves"
    (key,) = await redis.keys("typing:*")
    assert 0 < await redis.ttl(key) <= SHOWN, "it runs out by itself"
    await redis.pexpire(key, 30)
    await asyncio.sleep(0.1)
    assert await seen_by(bruno) == []
    writing.says(f'{{"typing": "{thread}"}}')
    assert (await looking.hears())["kind"] == "typing"
    writing.says(f'{{"quiet": "{thread}"}}')
    assert (await looking.hears())["kind"] == "quiet"
    assert await redis.keys("typing:*") == []
    await writing.leave()
    await looking.leave()


@pytest.mark.parametrize("step", ["take", "assign", "snooze", "resolve", "hand-back", "reply"])
async def test_another_business_can_do_nothing_with_our_threads(
    database: Database, scene: Scene, signed_in: SignIn, step: str
) -> None:
    from tests.bot.console.scene import open_business

    thread = await waiting_thread(database, scene)
    async with database.transaction() as session:
        other = await open_business(session, "elsewhere")
    stranger = await signed_in(other.users["owner"].email)
    answer = await stranger.submit(
        f"/console/threads/{thread}/{step}", version=1, text="hi", until="hour", to=other.users["staff"].id
    )
    assert answer.status_code == 404
    assert (await dialogue_of(database, thread)).handoff_version == 1
    page = await (await signed_in("staff")).get(f"/console/threads/{thread}")
    assert hidden(page.text, "version") == "1"

"""A thread in the console: taken, answered, noted, handed back; live for everybody who looks."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import select

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.kit.live import announce
from bot.console.access import COOKIE
from bot.models import Dialogue, HandoffNote, LoginSession
from channels import conversations
from channels.models import Message
from tests.bot.console.conftest import BASE, Browser, SignIn, hidden
from tests.bot.console.salon import open_salon
from tests.bot.console.scene import Scene, add_booking, add_catalog, add_thread, add_user

JSON = {"accept": "application/json"}


async def waiting_thread(database: Database, scene: Scene, name: str = "Lucía") -> str:
    async with database.transaction() as session:
        said = [("customer", "Can I talk to someone?"), ("bot", "Of course.", {"act": "handoff"})]
        return str(await add_thread(session, scene, "sms", "+34600111222", said, name=name, answers="waiting"))


async def staff_messages(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Message.text).where(Message.sender == "staff").order_by(Message.seq)))


async def test_take_over_answer_and_hand_back(database: Database, scene: Scene, signed_in: SignIn) -> None:
    thread = await waiting_thread(database, scene)
    ana = await signed_in("staff")
    page = (await ana.get(f"/console/threads/{thread}")).text
    assert "Waiting for a person" in page
    assert (await ana.submit(f"/console/threads/{thread}/take", version=hidden(page, "version"))).status_code == 303
    page = (await ana.get(f"/console/threads/{thread}")).text
    assert "You are answering" in page
    key = hidden(page, "key")
    for _ in range(2):  # an impatient second click
        sent = await ana.submit(f"/console/threads/{thread}/reply", text="  Hi Lucía!\r\nAna here. ", key=key)
        assert sent.status_code == 303
    assert await staff_messages(database) == ["Hi Lucía!\nAna here."]
    page = (await ana.get(f"/console/threads/{thread}")).text
    assert "Ana Soler took over" in page
    assert "Waiting to be sent" in page
    await ana.submit(f"/console/threads/{thread}/reply", text="Allergic to ammonia", mode="note", key=new_id())
    assert await staff_messages(database) == ["Hi Lucía!\nAna here."], "a private note is never sent"
    version = hidden((await ana.get(f"/console/threads/{thread}")).text, "version")
    for _ in range(2):
        await ana.submit(f"/console/threads/{thread}/hand-back", version=version)
    page = (await ana.get(f"/console/threads/{thread}")).text
    assert "The assistant is answering" in page
    assert "Allergic to ammonia" in page
    assert "Ana Soler handed back to the assistant" in page
    async with database.transaction() as session:
        dialogue = (await session.scalars(select(Dialogue))).one()
        assert (dialogue.answers, dialogue.memory) == ("bot", {"recaps": 1}), "the bot was told once"


async def test_two_who_take_at_once_are_told_who_has_it(database: Database, scene: Scene, signed_in: SignIn) -> None:
    thread = await waiting_thread(database, scene)
    async with database.transaction() as session:
        await add_user(session, scene, "staff", "Bruno Vidal", "bruno@marigold.example")
    browsers = [await signed_in("staff"), await signed_in("bruno@marigold.example")]
    answers = await asyncio.gather(
        *(browser.submit(f"/console/threads/{thread}/take", version=1) for browser in browsers)
    )
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    lost = next(answer for answer in answers if answer.status_code == 409)
    winner = "Ana Soler" if answers[0].status_code == 303 else "Bruno Vidal"
    assert f"{winner} has taken this thread" in lost.text
    loser = browsers[0] if answers[0].status_code == 409 else browsers[1]
    late = await loser.post(
        f"/console/threads/{thread}/reply", data={"csrf": loser.csrf, "text": "me too"}, headers=JSON
    )
    assert late.status_code == 409
    assert winner in late.json()["problem"]
    assert winner in late.json()["head"]
    assert await staff_messages(database) == []
    async with database.transaction() as session:
        moves = sorted(await session.scalars(select(HandoffNote.move)))
    assert moves == ["ask", "take"]


async def test_a_reply_takes_the_thread_from_the_bot(database: Database, scene: Scene, signed_in: SignIn) -> None:
    async with database.transaction() as session:
        thread = await add_thread(session, scene, "web", "w1", [("customer", "hi")])
    ana = await signed_in("staff")
    answer = await ana.post(f"/console/threads/{thread}/reply", data={"csrf": ana.csrf, "text": "Hello"}, headers=JSON)
    news = answer.json()
    assert "You are answering" in news["head"]
    assert any("Hello" in entry["html"] for entry in news["entries"])
    assert news["seq"] == 2
    empty = await ana.post(
        f"/console/threads/{thread}/reply", data={"csrf": ana.csrf, "text": " \n\x00 "}, headers=JSON
    )
    assert empty.status_code == 200
    long = await ana.post(f"/console/threads/{thread}/reply", data={"csrf": ana.csrf, "text": "x" * 4001}, headers=JSON)
    assert long.status_code == 413
    huge = await ana.submit(f"/console/threads/{thread}/reply", text="ñ" * 40_000)
    assert huge.status_code == 413
    assert "too long" in huge.text
    assert await staff_messages(database) == ["Hello"]


async def test_notes_and_messages_stand_in_the_order_they_came(
    database: Database, scene: Scene, signed_in: SignIn
) -> None:
    thread = await waiting_thread(database, scene)
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/threads/{thread}")).text
    page = page.split('class="entries"')[1]
    assert page.index("Can I talk") < page.index("promised a person") < page.index(">Of course.<")


async def test_what_the_customer_has_booked_stands_above_the_thread(
    database: Database, scene: Scene, signed_in: SignIn
) -> None:
    thread = await waiting_thread(database, scene)
    async with database.transaction() as session:
        await add_catalog(session, scene)
        starts = datetime.now(UTC) + timedelta(days=2)
        booking = await add_booking(session, scene, "Ana", "Haircut", starts, "Lucía")
        conversation = await conversations.load(session, scene.business.id, UUID(thread))
        conversation.customer_id = booking.customer_id
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/threads/{thread}")).text
    assert booking.reference in page
    assert "Coming up" in page


async def test_a_long_thread_is_read_page_by_page(database: Database, scene: Scene, signed_in: SignIn) -> None:
    async with database.transaction() as session:
        said: list[Any] = [("customer", f"line-{n:03d}.") for n in range(1, 201)]
        thread = await add_thread(session, scene, "sms", "+346", said, gap=timedelta(seconds=1))
    browser = await signed_in("manager")
    for base in ("threads", "transcripts"):
        last = (await browser.get(f"/console/{base}/{thread}")).text
        assert "line-200." in last
        assert "line-120." not in last
        earlier = (await browser.get(f"/console/{base}/{thread}?before=121")).text
        assert "line-120." in earlier
        assert "line-041." in earlier
        assert "line-121." not in earlier.split('class="entries"')[1]
        for odd in ("x", "-1", "9" * 40, "²"):
            assert (await browser.get(f"/console/{base}/{thread}", params={"before": odd})).status_code == 200


async def test_transcripts_filter_and_page_by_keyset(database: Database, scene: Scene, signed_in: SignIn) -> None:
    now = datetime.now(UTC)
    async with database.transaction() as session:
        for n in range(65):
            # Several end at the same instant: the page's edge must not lose or repeat one.
            await add_thread(
                session,
                scene,
                "web" if n % 2 else "sms",
                f"a{n}",
                [("customer", "=1+1" if n == 0 else f"about balayage {n}")],
                name=f"Guest{n:02d}.",
                outcome="booked" if n < 10 else None,
                ends=now - timedelta(days=n // 5),
            )
    browser = await signed_in("manager")

    async def names(url: str) -> list[str]:
        page = (await browser.get(url)).text
        return [f"Guest{n:02d}." for n in range(65) if f"Guest{n:02d}." in page]

    seen: list[str] = []
    url, pages = "/console/transcripts", 0
    while url and pages < 9:
        page = (await browser.get(url)).text
        seen += [f"Guest{n:02d}." for n in range(65) if f"Guest{n:02d}." in page]
        pages += 1
        url = page.split('" rel="next"')[0].rsplit('href="', 1)[1].replace("&amp;", "&") if 'rel="next"' in page else ""
    assert pages == 3
    assert sorted(seen) == sorted(f"Guest{n:02d}." for n in range(65))
    assert len(await names("/console/transcripts?outcome=booked")) == 10
    assert len(await names("/console/transcripts?outcome=booked&channel=sms")) == 5
    assert await names("/console/transcripts?q=balayage+64") == ["Guest64."]
    day = (now - timedelta(days=3)).date().isoformat()
    assert len(await names(f"/console/transcripts?from={day}&to={day}")) in {5, 10}
    for odd in ("after=x", "after=%00", "channel=fax", "from=yesterday", "to=9999-12-31", "q=%00", "q=" + "%25" * 300):
        assert (await browser.get("/console/transcripts?" + odd)).status_code == 200
    export = await browser.get("/console/transcripts.csv?outcome=booked")
    assert export.headers["content-type"].startswith("text/csv")
    assert "'=1+1" in export.text, "no cell is a formula"
    assert export.text.count("\r\n") == 11


async def test_live_news_reach_an_open_console(
    app: FastAPI, database: Database, scene: Scene, signed_in: SignIn
) -> None:
    thread = await waiting_thread(database, scene)
    browser = await signed_in("staff")
    socket = Socket(app, browser)
    assert await socket.hears() == {"kind": "ready"}
    async with database.transaction() as session:
        announce(session, scene.business.id, new_id(), "message")
    assert (await socket.hears())["kind"] == "message"
    await browser.submit(f"/console/threads/{thread}/take", version=1)
    assert await socket.hears() == {"kind": "handoff", "conversation": thread}
    await socket.leave()


async def test_a_socket_needs_a_session_and_our_own_page(
    app: FastAPI, database: Database, scene: Scene, signed_in: SignIn, anyone: Browser
) -> None:
    browser = await signed_in("staff")
    assert await Socket(app, anyone).hears() == {"close": 4401}
    assert await Socket(app, browser, origin="https://evil.example").hears() == {"close": 4401}
    async with database.transaction() as session:
        for login in await session.scalars(select(LoginSession)):
            await session.delete(login)
    assert await Socket(app, browser).hears() == {"close": 4401}


class Socket:
    """A WebSocket spoken to the application as a server speaks it (ASGI), in the test's own loop."""

    def __init__(self, app: FastAPI, browser: Browser, origin: str = BASE) -> None:
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        cookie = f"{COOKIE}={browser.cookies.get(COOKIE, '')}"
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "scheme": "ws",
            "path": "/console/live",
            "raw_path": b"/console/live",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"console.test"), (b"origin", origin.encode()), (b"cookie", cookie.encode())],
            "client": ("127.0.0.1", 1),
            "server": ("console.test", 80),
            "subprotocols": [],
        }
        self._in.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(app(scope, self._in.get, self._out.put))

    async def hears(self) -> dict[str, Any]:
        while True:
            event = await asyncio.wait_for(self._out.get(), 5)
            if event["type"] == "websocket.send":
                heard: dict[str, Any] = json.loads(event["text"])
                return heard
            if event["type"] == "websocket.close":
                await self._task
                return {"close": event["code"]}

    def says(self, text: str) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": text})

    async def leave(self) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(self._task, 5)


async def test_a_thread_says_what_its_customer_has_ahead(database: Database, scene: Scene, signed_in: SignIn) -> None:
    """What is lent has nobody who does it, and of several services each is named."""
    async with database.transaction() as session:
        salon = await open_salon(session, scene, date(2030, 1, 9))
        await salon.known("Milan", "Chair for a day", "09:00", rooms=[("Rental chair", 0)], days=2)
        await salon.known(
            "Inés", "Colour", "10:00", ("Colour", ["Carla"], [], 0, 75), ("Blow-dry", ["Ana"], [], 75, 105)
        )
    browser = await signed_in("staff")
    browser.headers["accept-language"] = "es"
    lent = await browser.get(f"/console/threads/{salon.threads['Milan']}")
    assert lent.status_code == 200
    assert "<bdi>Sillón por días</bdi> <bdi class" in lent.text
    both = (await browser.get(f"/console/threads/{salon.threads['Inés']}")).text
    assert " + Peinado</bdi> · <bdi>Carla</bdi>" in both

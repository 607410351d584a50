"""Every page and button of the console, asked by somebody of another business for what is none of theirs."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from bot.console import Desk
from bot.models import CannedReply, StaffTask
from channels.models import MediaFile, Message
from tests.booking_core.shop import NOW
from tests.bot.belongings import belongings
from tests.bot.console.conftest import SignIn
from tests.bot.console.salon import open_salon
from tests.bot.console.scene import Scene, add_thread, open_business
from tests.bot.console.test_access import routes_of

DAY = date(2030, 1, 8)
SECRETS = ("Zephyrine", "private words", "private note", "private reply")
#: In these a name in the address is no id, or there is nobody's to be asked for.
NO_IDS = {
    "/console/static/{name}", "/console/language/{code}", "/console/credentials/{provider}", "/console/{rest:path}",
}  # fmt: skip


@dataclass
class Theirs:
    """A business with something in it for every address; and what forms might be filled with, 20 fields at most."""

    business_id: UUID
    ids: dict[str, object]
    fields: list[dict[str, object]]


@pytest.fixture
async def theirs(database: Database) -> Theirs:
    async with database.transaction() as session:
        scene = await open_business(session, "neighbour")
        business_id = scene.business.id
        failed = {"status": "failed"}
        thread = await add_thread(
            session, scene, "sms", "+34600000009", [("customer", "private words"), ("bot", "Sorry?", failed)],
            name="Zephyrine Gold", answers="person", person=scene.users["staff"],
        )  # fmt: skip
        messages = list(await session.scalars(select(Message).where(Message.conversation_id == thread)))
        salon = await open_salon(session, scene, DAY)
        booking = await salon.known("Zephyrine Gold", "Haircut", "10:00", staff="Ana")
        held = await salon.meet("Yoga", "12:00", "Dalia", "Studio", {"Zephyrine": 1})
        off = await salon.away("Ana", salon.at("10:00"), salon.at("13:00"), note="private note")
        message = next(one for one in messages if one.sender == "bot")
        rows = {
            "task_id": StaffTask(
                business_id=business_id, id=new_id(), conversation_id=thread, kind="turn_failed", key="k", data={},
                created_at=NOW,
            ),
            "reply_id": CannedReply(
                business_id=business_id, id=new_id(), title="private reply", text="private reply", changed_at=NOW
            ),
            "media_id": MediaFile(
                business_id=business_id, id=new_id(), message_id=message.id, place=0, state="kept",
                content_type="image/png", data=b"private words", created_at=NOW,
            ),
        }  # fmt: skip
        session.add_all(rows.values())
        await session.flush()
        ids = {
            "thread_id": thread, "booking_id": booking.id, "session_id": held.id, "time_off_id": off.id,
            "message_id": message.id, "step": "check-in", **{name: row.id for name, row in rows.items()},
        }  # fmt: skip
        ids["account_id"] = scene.accounts["web"].id
        ids["provider"] = "telegram"
        fields = [
            {
                "version": 1, "message": message.id, "marked": 1, "to": scene.users["owner"].id, "until": "reply",
                "text": "Hello", "title": "Hello", "mode": "reply", "key": new_id(), "seq": 1, "by": "customer",
                "email": scene.users["owner"].email, "name": "Eve", "role": "staff", "q": "Zeph",
                "purpose": "any", "where": "all", "words": "Stop",
            },
            {
                "whose": salon.staff["Ana"].id, "kind": "block", "first": DAY, "last": DAY, "opens": "10:00",
                "closes": "11:00", "sure": "yes", "service": salon.services["Haircut"].id, "time": "15:00", "day": DAY,
                "staff": salon.staff["Ana"].id, "customer": booking.customer_id, "place": salon.place.id, "name": "",
                "anyway": "yes", "choose": booking.id, "version": 1, "tell": "yes",
            },
        ]  # fmt: skip
        return Theirs(business_id, ids, fields)


async def test_nothing_of_another_business_is_shown_or_changed_on_any_route(
    desk: Desk, database: Database, scene: Scene, signed_in: SignIn, theirs: Theirs
) -> None:
    async with database.transaction() as session:
        await open_salon(session, scene, DAY)
    browser = await signed_in("owner")
    before = await belongings(database, theirs.business_id)
    assert all(any(str(one) for one in before[table]) for table in ("booking", "message", "time_off", "staff_task"))
    asked = [
        (method, path, fields)
        for method, path in sorted(routes_of(desk))
        if path not in NO_IDS and not path.endswith(("/login", "/logout"))
        for fields in theirs.fields
    ]
    codes: dict[tuple[str, str], set[int]] = defaultdict(set)
    for method, path, fields in asked:
        url = path.format_map(theirs.ids)
        if method == "POST":
            answer = await browser.submit(url, **fields)
        else:
            answer = await browser.get(url, params={name: str(value) for name, value in fields.items()})
        assert answer.status_code < 500, (method, path)
        codes[method, path].add(answer.status_code)
        assert not [word for word in SECRETS if word in answer.text], (method, path)
        if method == "POST":
            assert await belongings(database, theirs.business_id) == before, path
    for (method, path), told in codes.items():
        if "{" in path:
            # A form that says too little is answered before anything is looked for.
            assert 404 in told <= {404, 400}, (method, path, told)


async def test_all_of_it_is_there_for_its_own_people(desk: Desk, signed_in: SignIn, theirs: Theirs) -> None:
    browser = await signed_in("owner@neighbour.example")
    for method, path in sorted(routes_of(desk)):
        if method == "GET" and "{" in path and path not in NO_IDS:
            assert (await browser.get(path.format_map(theirs.ids))).status_code == 200, path


async def test_an_id_of_nobody_is_a_page_that_is_not_there(
    desk: Desk, signed_in: SignIn, theirs: Theirs, database: Database, scene: Scene
) -> None:
    """Whatever is pressed: what is not there is never answered as if it had been done."""
    async with database.transaction() as session:
        await open_salon(session, scene, DAY)
    browser = await signed_in("owner")
    for method, path in sorted(routes_of(desk)):
        if "{" not in path or path in NO_IDS:
            continue
        url = path.format_map({name: new_id() for name in theirs.ids} | {"step": "check-in", "provider": "telegram"})
        sent = [await browser.get(url)] if method == "GET" else [
            await browser.submit(url, **fields) for fields in theirs.fields
        ]  # fmt: skip
        codes = {answer.status_code for answer in sent}
        # A form that says too little is answered before anything is looked for.
        assert 404 in codes <= {404, 400}, (method, path, codes)
        lost = next(answer for answer in sent if answer.status_code == 404)
        assert "Nothing here" in lost.text, path

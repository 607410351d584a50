"""The page on which staff settle what an absence has hit."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from booking_core import booking, disruption, proposals
from booking_core.catalog import load_catalog
from booking_core.kit.db import Database
from booking_core.models import Booking, Customer, MoveProposal, Skill
from booking_core.requests import VisitRequest
from bot.models import StaffTask
from tests.bot.console.conftest import SignIn
from tests.bot.console.scene import XSS, Scene, add_catalog, add_thread, open_business

ZONE = ZoneInfo("Europe/Madrid")


@dataclass
class Absence:
    """Bruno is ill on a Tuesday to come, and somebody wanted a beard trim of him."""

    id: UUID
    bookings: list[UUID]
    day: datetime

    @property
    def page(self) -> str:
        return f"/console/timeoff/{self.id}/bookings"


def tuesday() -> datetime:
    today = datetime.now(UTC).astimezone(ZONE).date()
    return datetime.combine(today + timedelta(days=8 - today.weekday()), time(), ZONE)


async def absence(database: Database, scene: Scene, *clocks: int, name: str = "Lu", others: bool = True) -> Absence:
    day, now = tuesday(), datetime.now(UTC)
    async with database.transaction() as session:
        await add_catalog(session, scene)
        trim = scene.services["Beard trim"].id
        for person in ("Bruno", "Carla") if others else ("Bruno",):
            session.add(Skill(business_id=scene.business.id, staff_id=scene.staff[person].id, service_id=trim))
        await session.flush()
        catalog = await load_catalog(session, scene.business.id)
        made = []
        for clock in clocks:
            guest = Customer(business_id=scene.business.id, name=name, created_at=now)
            session.add(guest)
            await session.flush()
            thread = await add_thread(session, scene, "sms", f"+3460000{clock:04}", [("customer", "hello")], name=name)
            one = await booking.hold(
                session, catalog=catalog, wanted=VisitRequest.one(trim, scene.staff["Bruno"].id),
                starts=day.replace(hour=clock), customer_id=guest.id, conversation_id=thread, key=f"b{clock}", now=now,
            )  # fmt: skip
            made.append(one.id)
        first, last = (day, day + timedelta(days=1)) if others else (now, day + timedelta(days=40))
        off = await disruption.record_time_off(
            session, catalog=catalog, staff_id=scene.staff["Bruno"].id, starts=first, ends=last, kind="sick", now=now,
            actor="staff:x",
        )  # fmt: skip
        return Absence(off.id, made, day)


async def proposals_now(database: Database) -> list[MoveProposal]:
    async with database.transaction() as session:
        return list(await session.scalars(select(MoveProposal).order_by(MoveProposal.created_at, MoveProposal.id)))


@pytest.mark.parametrize("language", ["en", "es"])
async def test_what_customers_are_called_is_text(
    database: Database, scene: Scene, signed_in: SignIn, language: str
) -> None:
    off = await absence(database, scene, 11, name=XSS)
    browser = await signed_in("staff")
    browser.headers["accept-language"] = language
    page = await browser.get(off.page)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert f'lang="{language}"' in page.text


async def test_one_button_looks_for_all_and_each_answer_shows(
    database: Database, scene: Scene, signed_in: SignIn
) -> None:
    off = await absence(database, scene, 10, 11, 12)
    browser = await signed_in("staff")
    page = await browser.get(off.page)
    assert page.text.count("Nothing offered yet") == 3
    assert "3 bookings to settle" in page.text
    assert "00:00" not in page.text, "whole days have no clock"
    assert 'href="tel:+34600000010"' in page.text
    answer = await browser.submit(f"/console/timeoff/{off.id}/propose")
    assert answer.headers["location"] == off.page
    page = await browser.get(off.page)
    assert (page.text.count("Waiting for an answer"), "3 wait for an answer" in page.text) == (3, True)
    assert "All settled" not in page.text, "who has not answered may say no"
    first, second, third = await proposals_now(database)
    assert {one.staff_id for one in (first, second, third)} == {scene.staff["Carla"].id}
    now = datetime.now(UTC)
    async with database.transaction() as session:
        await proposals.accept(session, scene.business.id, first.id, now=now, key="yes")
        await proposals.decline(session, scene.business.id, second.id, now=now)
        await booking.cancel(
            session, scene.business.id, third.booking_id, by="customer", version=None, now=now, actor="customer"
        )
    page = await browser.get(off.page)
    for words in ("Accepted", "Declined, looking", "Cancelled", "One booking to settle", "Carla"):
        assert words in page.text, words


async def test_staff_choose_another_place(database: Database, scene: Scene, signed_in: SignIn) -> None:
    off = await absence(database, scene, 11)
    browser = await signed_in("staff")
    await browser.submit(f"/console/timeoff/{off.id}/propose")
    page = await browser.get(f"{off.page}?choose={off.bookings[0]}")
    places = re.findall(r'<option value="([^"]+)"', page.text)
    assert len(places) > 3
    answer = await browser.submit(f"{off.page}/{off.bookings[0]}", place=places[-1])
    assert answer.headers["location"] == off.page
    first, chosen = await proposals_now(database)
    assert (first.state, chosen.state) == ("expired", "open")
    assert chosen.starts == datetime.fromisoformat(places[-1].split(" ")[0])
    async with database.transaction() as session:
        catalog = await load_catalog(session, scene.business.id)
        guest = await session.scalar(select(Booking.customer_id))
        await booking.hold(
            session, catalog=catalog, wanted=VisitRequest.one(scene.services["Beard trim"].id, scene.staff["Carla"].id),
            starts=off.day.replace(hour=9), customer_id=guest, conversation_id=None, key="x", now=datetime.now(UTC),
        )  # fmt: skip
    taken = f"{off.day.replace(hour=9).isoformat()} {scene.staff['Carla'].id}"
    answer = await browser.submit(f"{off.page}/{off.bookings[0]}", place=taken)
    assert answer.headers["location"].endswith("?problem=taken")
    assert 'role="alert"' in (await browser.get(answer.headers["location"])).text


async def test_where_nothing_is_free_somebody_calls(database: Database, scene: Scene, signed_in: SignIn) -> None:
    off = await absence(database, scene, 11, others=False)
    browser = await signed_in("staff")
    for _ in range(2):
        await browser.submit(f"/console/timeoff/{off.id}/propose")
    assert "Nothing free was found: please call" in (await browser.get(off.page)).text
    async with database.transaction() as session:
        assert list(await session.scalars(select(StaffTask.kind))) == ["time_off_no_place"]
    assert "Nothing is free in the next two weeks" in (await browser.get(f"{off.page}?choose={off.bookings[0]}")).text


async def test_it_is_the_business_s_own(database: Database, scene: Scene, signed_in: SignIn) -> None:
    off = await absence(database, scene, 11)
    async with database.transaction() as session:
        await open_business(session, "other")
    stranger = await signed_in("staff@other.example")
    assert (await stranger.get(off.page)).status_code == 404
    assert (await stranger.submit(f"/console/timeoff/{off.id}/propose")).status_code == 404
    assert (await stranger.submit(f"{off.page}/{off.bookings[0]}")).status_code == 404
    assert await proposals_now(database) == []
    ours = await signed_in("staff")
    assert (await ours.submit(f"{off.page}/{off.id}")).status_code == 404
    assert (await ours.post(f"/console/timeoff/{off.id}/propose", data={"csrf": "guess"})).status_code == 403

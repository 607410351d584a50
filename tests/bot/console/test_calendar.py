"""The calendar's pages: days and weeks, by person and by room, and what stands in them."""

import re
from dataclasses import replace
from datetime import date

import pytest

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.models import Location, Staff
from bot.console.daygrid import LANES, lanes_for
from tests.bot.console.conftest import SignIn
from tests.bot.console.salon import Salon, fill, open_salon
from tests.bot.console.scene import XSS, Scene, open_business

#: A Wednesday: the rental of `fill` begins on the Tuesday and ends on the Thursday.
WEDNESDAY = date(2030, 1, 9)


@pytest.fixture
async def busy(database: Database, scene: Scene) -> Salon:
    async with database.transaction() as session:
        salon = await open_salon(session, scene, WEDNESDAY)
        await fill(salon)
        return salon


def columns(page: str) -> dict[str, str]:
    """Return the HTML of each column by whose it is."""
    parts = re.split(r'<section class="col', page)[1:]
    return {re.findall(r'data-name="([^"]*)"', part)[0]: part for part in parts}


def rows(page: str) -> dict[str, str]:
    """Return the HTML of each row of a week by whose it is."""
    return {re.findall(r'data-name="([^"]*)"', part)[0]: part for part in page.split("<tbody ")[1:]}


async def test_a_day_has_a_column_for_each_person(busy: Salon, signed_in: SignIn) -> None:
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/calendar?day={WEDNESDAY}")).text
    found = columns(page)
    assert list(found) == ["Ana", "Bruno", "Carla", "Dalia", "Without staff"]
    assert "Colour + Blow-dry (Blow-dry)" in found["Ana"], "Ana does the second part of Inés's visit"
    assert "Inés Robles" in found["Carla"]
    for both in ("Ana", "Carla"):
        assert "one of several parts" in found[both]
    assert 'class="idles"' in found["Carla"], "while the colour works Carla is free"
    assert 'class="buffer' in found["Carla"]
    assert re.search(r'class="tile hue-\d pending_approval', found["Ana"])
    assert "To approve" in found["Ana"]
    assert re.search(r'class="tile hue-\d held', found["Bruno"])
    assert "Supplier visit" in found["Bruno"]
    assert "5/12" in found["Dalia"]
    assert "5 of 12 seats taken" in found["Dalia"], "and a screen reader hears it"
    assert "Ada Nowak" not in page, "who comes to a class is not a booking of its own on the board"
    assert "Milan Horvat" in found["Without staff"]
    assert "17 bookings" in page


async def test_a_day_by_room_has_a_lane_for_each_unit(busy: Salon, signed_in: SignIn) -> None:
    browser = await signed_in("staff")
    found = columns((await browser.get(f"/console/calendar?day={WEDNESDAY}&by=resource")).text)
    assert list(found) == ["Quiet room", "Wash basins", "Studio", "Rental chair"]
    basins = found["Wash basins"]
    assert "2 units" in basins
    assert "lane-0-2" in basins.split("Marta Gil")[0].rsplit("<article", 1)[1]
    assert "lane-1-2" in basins.split("Inés Robles")[0].rsplit("<article", 1)[1]
    assert "Yoga" in found["Studio"]
    assert " before after" in found["Rental chair"], "the rental goes on before and after this day"


async def test_a_rental_of_days_is_one_bar_across_the_week(busy: Salon, signed_in: SignIn) -> None:
    browser = await signed_in("staff")
    by_person = rows((await browser.get(f"/console/calendar?day={WEDNESDAY}&view=week")).text)
    assert list(by_person) == ["Ana", "Bruno", "Carla", "Dalia", "Without staff"]
    assert "Marta Gil" in by_person["Ana"]
    by_room = rows((await browser.get(f"/console/calendar?day={WEDNESDAY}&view=week&by=resource")).text)
    for row in (by_person["Without staff"], by_room["Rental chair"]):
        assert row.count("Milan Horvat</strong>") == 1
        before, bar = row.split('<td colspan="3" class="bar">')
        assert '<td colspan="1"></td>' in before, "Monday is free"
        assert '<td colspan="3"></td>' in bar, "and so are Friday to Sunday"


async def test_a_week_says_once_what_takes_several_of_a_kind(
    database: Database, busy: Salon, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        salon = replace(busy, session=session)
        both = [("Wash basins", 0), ("Wash basins", 1)]
        await salon.book("Pía y Noa", "Colour", "16:30", staff=None, rooms=both)
    browser = await signed_in("staff")
    by_room = rows((await browser.get(f"/console/calendar?day={WEDNESDAY}&view=week&by=resource")).text)
    basins = by_room["Wash basins"]
    assert basins.count("Pía y Noa</strong>") == 1
    assert re.findall(r'class="units">([^<]*)<', basins.split("Pía y Noa</strong>")[1]) == ["×2"]
    assert basins.count(", 2 units") == 1, "and a screen reader hears it"
    keys = re.findall(r'data-key="([^"]+)"', "".join(by_room.values()))
    assert len(keys) == len(set(keys))


async def test_in_a_week_each_part_of_a_visit_has_its_own_name(busy: Salon, signed_in: SignIn) -> None:
    browser = await signed_in("staff")
    by_person = rows((await browser.get(f"/console/calendar?day={WEDNESDAY}&view=week")).text)
    done = {
        name: re.findall(r'Inés Robles</strong>.*?class="what">([^<]*)<', by_person[name], re.DOTALL)
        for name in ("Carla", "Ana")
    }
    assert done == {"Carla": ["Colour"], "Ana": ["Blow-dry"]}


async def test_a_week_of_one_person_has_a_column_for_each_day(busy: Salon, signed_in: SignIn) -> None:
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/calendar?day={WEDNESDAY}&view=week&who={busy.staff['Ana'].id}")).text
    found = columns(page)
    assert [name.split()[0] for name in found] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert "Ana · 7–13 Jan 2030" in page
    assert "5 bookings" in page
    assert "Leo Marín" not in page


async def test_a_list_says_everything_once_and_in_order(busy: Salon, signed_in: SignIn) -> None:
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/calendar?day={WEDNESDAY}&view=list")).text
    assert page.count("<strong><bdi>Inés Robles</bdi></strong>") == 1
    assert "<strong><bdi>Inés Robles</bdi></strong> <bdi>Colour + Blow-dry</bdi>" in page, "all that they come for"
    names = ("Milan Horvat", "Lucía Fernández", "Marta Gil", "Yoga", "Leo Marín")
    assert sorted(names, key=page.index) == list(names)
    assert "Nothing booked" in page


async def test_another_place_has_its_own_people_and_its_own_clock(
    database: Database, busy: Salon, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        far = Location(
            business_id=busy.business_id, id=new_id(), name="Isla", address="", timezone="Atlantic/Canary", position=1
        )
        session.add(far)
        await session.flush()
        session.add(Staff(business_id=busy.business_id, id=new_id(), location_id=far.id, name="Yaiza", position=9))
        await session.flush()
        busy.session, here = session, busy.place
        busy.place = far
        await busy.book("Noa", "Blow-dry", "17:00", staff="Ana")
        busy.place = here
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/calendar?day={WEDNESDAY}&place={far.id}")).text
    assert list(columns(page)) == ["Yaiza", "Ana"], "Ana has work there, so she has a column"
    assert "Marta Gil" not in page
    assert ">16:00</time>" in page, "five in Madrid is four on the islands"
    assert "Marta Gil" in (await browser.get(f"/console/calendar?day={WEDNESDAY}")).text


async def test_our_script_gets_the_same_as_a_part(busy: Salon, signed_in: SignIn) -> None:
    browser = await signed_in("staff")
    answer = await browser.get(f"/console/calendar?day={WEDNESDAY}", headers={"accept": "application/json"})
    body = answer.json()
    assert body["count"] == "17 bookings"
    assert list(columns(body["html"])) == ["Ana", "Bruno", "Carla", "Dalia", "Without staff"]


async def test_what_makes_no_sense_in_an_address_is_as_if_it_were_not_said(
    database: Database, busy: Salon, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        rival = await open_salon(session, await open_business(session, "rival"), WEDNESDAY)
        await rival.book("Their customer", "Haircut", "10:00", staff="Ana")
    browser = await signed_in("staff")
    for odd in ("view=month", "by=cat", "who=x", "place=1", f"who={new_id()}&view=week", f"place={rival.place.id}"):
        page = await browser.get(f"/console/calendar?day={WEDNESDAY}&{odd}")
        assert page.status_code == 200, odd
        assert "Marta Gil" in page.text, odd
        assert "Their customer" not in page.text


async def test_names_and_notes_are_text_in_every_view(database: Database, busy: Salon, signed_in: SignIn) -> None:
    async with database.transaction() as session:
        busy.session = session
        evil = await busy.book(XSS, "Haircut", "17:00", staff="Ana", answers={"x": XSS}, attendees=[XSS])
        off = await busy.away("Ana", busy.at("18:00"), busy.at("19:00"), "block", XSS)
    browser = await signed_in("staff")
    for path in (
        f"calendar?day={WEDNESDAY}",
        f"calendar?day={WEDNESDAY}&view=week",
        f"calendar?day={WEDNESDAY}&view=list",
        f"bookings/{evil.id}",
        f"bookings/{evil.id}/move?day={WEDNESDAY}&time=16:30",
        "timeoff",
        f"timeoff/{off.id}",
        "calendar/customers?q=script",
    ):
        text = (await browser.get(f"/console/{path}")).text
        assert "alert" in text, path
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path


async def test_the_night_on_which_the_clock_is_set_back_is_drawn(
    database: Database, scene: Scene, signed_in: SignIn
) -> None:
    night = date(2030, 10, 27)
    async with database.transaction() as session:
        salon = await open_salon(session, scene, night)
        salon.session = session
        await salon.book("Early", "Haircut", "02:30", staff="Ana")
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/calendar?day={night}")).text
    assert "Early" in columns(page)["Ana"]


def test_what_meets_lies_side_by_side() -> None:
    assert lanes_for([[(0, 60)], [(60, 90)]]) == [(0, 1), (0, 1)]
    assert lanes_for([[(0, 60)], [(30, 90)], [(60, 120)]]) == [(0, 2), (1, 2), (0, 2)]
    assert lanes_for([[(0, 20), (60, 80)], [(20, 60)]]) == [(0, 1), (0, 1)], "within the time in which somebody waits"
    crowd = lanes_for([[(0, 60)] for _ in range(9)])
    assert max(lane for lane, _ in crowd) == LANES - 1

"""Giving one part of a visit to somebody else: said before it is done, done alone, told, refused in words, undone."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from booking_core.catalog import load_catalog
from booking_core.kit.db import Database
from booking_core.models import Booking, BookingAudit
from bot.words import Words
from tests.bot.console.conftest import Browser, SignIn, hidden
from tests.bot.console.salon import DAY, TZ, Salon
from tests.bot.console.test_calendar_actions import told

PARTS = (("Colour", ["Carla"], [("Wash basins", 1)], 0, 120), ("Blow-dry", ["Ana"], [], 120, 150))


async def visit(database: Database, salon: Salon, clock: str = "10:00") -> Booking:
    """Book a colour with Carla and then a blow-dry with Ana."""
    async with database.transaction() as session:
        salon.session = session
        return await salon.known("Inés", "Colour", clock, *PARTS)


async def lies(database: Database, booking: Booking) -> list[str]:
    """Return the parts of a booking as `10:00 Colour Carla`."""
    async with database.transaction() as session:
        found = await session.get_one(Booking, (booking.business_id, booking.id))
        catalog = await load_catalog(session, booking.business_id)
        return [
            f"{datetime.fromisoformat(part['starts']).astimezone(ZoneInfo(TZ)):%H:%M}"
            f" {catalog.service(UUID(part['service'])).name}"
            f" {'+'.join(catalog.staff_member(UUID(one)).name for one in part['staff'])}"
            for part in found.parts
        ]


def give(salon: Salon, part: int, of: str, to: str) -> str:
    return f"{part}:{salon.staff[of].id}:{salon.staff[to].id}"


async def send(browser: Browser, booking: Booking, **fields: object) -> tuple[int, str]:
    wanted = {"day": DAY, "time": "10:00", "staff": "", "version": booking.version, "tell": "yes", **fields}
    answer = await browser.submit(f"/console/bookings/{booking.id}/move", **wanted)
    return answer.status_code, answer.text


async def ask(browser: Browser, booking: Booking, **fields: object) -> tuple[int, str]:
    wanted = {"day": DAY, "time": "10:00", "staff": "", "version": booking.version, **fields}
    answer = await browser.get(f"/console/bookings/{booking.id}/move", params=wanted)
    return answer.status_code, answer.text


async def test_one_part_goes_to_somebody_else_and_the_rest_stays(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    booking = await visit(database, salon)
    browser = await signed_in("staff")
    to_bruno = give(salon, 1, "Ana", "Bruno")
    status, page = await ask(browser, booking, give=to_bruno)
    assert status == 200
    assert "Only this part goes to somebody else." in page
    assert "Bruno instead of Ana" in page
    assert "Give to Bruno" in page
    assert "instead of Carla" not in page
    assert await lies(database, booking) == ["10:00 Colour Carla", "12:00 Blow-dry Ana"], "only asked"
    key = hidden(page, "key")
    for _ in range(2):  # sent twice is done once
        assert (await send(browser, booking, give=to_bruno, key=key))[0] == 303
    assert await lies(database, booking) == ["10:00 Colour Carla", "12:00 Blow-dry Bruno"]
    (said,) = await told(database, salon, "Inés")
    assert "Somebody else will be looking after you" in said
    assert "Colour with Carla and Blow-dry with Bruno" in said
    async with database.transaction() as session:
        audits = list(await session.scalars(select(BookingAudit).where(BookingAudit.booking_id == booking.id)))
    (row,) = audits
    people = {name: str(salon.staff[name].id) for name in ("Ana", "Bruno")}
    assert (row.move, row.actor) == ("reschedule", f"staff:{salon.scene.users['staff'].id}")
    assert row.data["gave"] == [{"part": 1, "of": people["Ana"], "to": people["Bruno"]}]
    shown = (await browser.get(f"/console/bookings/{booking.id}")).text
    assert "Given to somebody else" in shown
    assert "Ana Soler" in shown, "the history says who gave it"
    # And back again.
    status, page = await send(browser, booking, give=give(salon, 1, "Bruno", "Ana"), version=2)
    assert status == 303
    assert await lies(database, booking) == ["10:00 Colour Carla", "12:00 Blow-dry Ana"]


@pytest.mark.parametrize(
    ("part", "of", "to", "says"),
    [
        (1, "Ana", "Bruno", "There is another booking at that time."),
        (0, "Carla", "Bruno", "This person does not do that service."),
        (1, "Ana", "Dalia", "This person does not do that service."),
        (1, "Carla", "Bruno", "That does not exist (any more)."),
        (7, "Ana", "Bruno", "That does not exist (any more)."),
    ],
)
async def test_a_part_that_cannot_be_given_is_refused_in_words(
    database: Database, salon: Salon, signed_in: SignIn, part: int, of: str, to: str, says: str
) -> None:
    booking = await visit(database, salon)
    async with database.transaction() as session:
        salon.session = session
        await salon.book("Leo", "Haircut", "12:15", staff="Bruno")
    browser = await signed_in("staff")
    for tried in (ask, send):
        status, page = await tried(browser, booking, give=give(salon, part, of, to))
        assert status == 409
        assert says in page
    assert await lies(database, booking) == ["10:00 Colour Carla", "12:00 Blow-dry Ana"]
    assert await told(database, salon, "Inés") == []


@pytest.mark.parametrize(
    "nonsense", ["1", "x:y:z", "1:1:1", "::", "1:{ana}:{booking}", "-1:{ana}:{bruno}", "①:{ana}:{bruno}"]
)
async def test_nonsense_gives_nothing(database: Database, salon: Salon, signed_in: SignIn, nonsense: str) -> None:
    booking = await visit(database, salon)
    text = nonsense.format(ana=salon.staff["Ana"].id, bruno=salon.staff["Bruno"].id, booking=booking.id)
    status, _ = await send(await signed_in("staff"), booking, give=text)
    assert status == 409
    assert await lies(database, booking) == ["10:00 Colour Carla", "12:00 Blow-dry Ana"]


async def test_outside_hours_a_part_is_given_if_somebody_says_so(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    """Carla goes home at five: the blow-dry at six is hers only if they say so."""
    async with database.transaction() as session:
        salon.session = session
        parts = (("Haircut", ["Bruno"], [], 0, 45), ("Blow-dry", ["Bruno"], [], 45, 75))
        booking = await salon.known("Inés", "Haircut", "17:15", *parts)
    browser = await signed_in("staff")
    to_carla = give(salon, 1, "Bruno", "Carla")
    status, page = await ask(browser, booking, time="17:15", give=to_carla)
    assert status == 200
    assert "That is outside working hours." in page
    assert (await send(browser, booking, time="17:15", give=to_carla))[0] == 409
    assert (await send(browser, booking, time="17:15", give=to_carla, anyway="yes"))[0] == 303
    assert await lies(database, booking) == ["17:15 Haircut Bruno", "18:00 Blow-dry Carla"]


async def test_to_another_time_the_whole_visit_moves_with_it(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    booking = await visit(database, salon)
    browser = await signed_in("staff")
    to_bruno = give(salon, 1, "Ana", "Bruno")
    status, page = await ask(browser, booking, time="12:00", give=to_bruno)
    assert status == 200
    assert "The whole visit moves to this time." in page
    assert "Bruno instead of Ana" in page
    assert (await send(browser, booking, time="12:00", give=to_bruno))[0] == 303
    assert await lies(database, booking) == ["12:00 Colour Carla", "14:00 Blow-dry Bruno"]
    (said,) = await told(database, salon, "Inés")
    assert "has moved" in said


async def test_a_form_without_a_mouse_names_everybody_s_part(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    """A plain form: another time keeps each person, and each part can be given on."""
    booking = await visit(database, salon)
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/bookings/{booking.id}/move")).text
    assert page.count('name="give"') == 2
    assert 'name="staff"' not in page, "nobody does all of it"
    assert f'value="{give(salon, 1, "Ana", "Bruno")}"' in page
    assert f'value="{give(salon, 0, "Carla", "Bruno")}"' not in page, "he colours nobody"
    assert (await send(browser, booking, time="11:00", give=""))[0] == 303
    assert await lies(database, booking) == ["11:00 Colour Carla", "13:00 Blow-dry Ana"]


async def test_a_single_service_that_goes_to_somebody_else_is_told_so(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        salon.session = session
        booking = await salon.known("Lucía", "Haircut", "10:00", staff="Ana")
    assert (await send(await signed_in("staff"), booking, staff=salon.staff["Bruno"].id))[0] == 303
    (said,) = await told(database, salon, "Lucía")
    assert "Somebody else will be looking after you" in said


async def test_what_stays_as_it_is_is_told_to_nobody(database: Database, salon: Salon, signed_in: SignIn) -> None:
    booking = await visit(database, salon)
    assert (await send(await signed_in("staff"), booking))[0] == 303
    assert await lies(database, booking) == ["10:00 Colour Carla", "12:00 Blow-dry Ana"]
    assert await told(database, salon, "Inés") == []


def test_what_a_drop_will_do_is_said_in_every_language() -> None:
    words = Words()
    for key in ("move.only", "move.also", "move.whole", "move.instead", "move.give", "move.title_part"):
        said = {words.text(one, f"console.{key}", name="N", now="A", was="B") for one in words.languages}
        assert len(said) == len(words.languages), key

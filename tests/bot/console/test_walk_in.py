"""Bookings that staff make: for whoever stands there or is on the phone."""

from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from booking_core.kit.db import Database
from booking_core.models import Booking, Customer
from channels.models import Message
from payment_links.models import Payment
from tests.bot.console.conftest import Browser, SignIn, hidden
from tests.bot.console.salon import DAY, Salon


async def book(browser: Browser, salon: Salon, *services: str, **fields: object) -> httpx.Response:
    wanted = {"place": salon.place.id, "day": DAY, "time": "11:00", "at_desk": "yes", "tell": "yes", **fields}
    data: dict[str, object] = {"csrf": browser.csrf, "who": wanted.pop("who", [])}
    data |= {key: str(value) for key, value in wanted.items()}
    data["service"] = [str(salon.services[name].id) for name in services]
    return await browser.post("/console/calendar/new", data=data)


async def made(database: Database) -> list[tuple[Booking, str | None]]:
    query = (
        select(Booking, Customer.name)
        .join(Customer, (Customer.business_id == Booking.business_id) & (Customer.id == Booking.customer_id))
        .order_by(Booking.created_at, Booking.id)
    )
    async with database.transaction() as session:
        return [(booking, name) for booking, name in await session.execute(query)]


async def test_somebody_new_is_booked_by_a_plain_form(database: Database, salon: Salon, signed_in: SignIn) -> None:
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/calendar/new?day={DAY}&time=11:00&staff={salon.staff['Bruno'].id}")).text
    assert 'value="11:00"' in page
    key = hidden(page, "key")
    for _ in range(2):  # sent twice is booked once
        answer = await book(browser, salon, "Haircut", name="  Noa   Peña ", staff=salon.staff["Bruno"].id, key=key)
        assert answer.status_code == 303
    ((booking, name),) = await made(database)
    assert answer.headers["location"] == f"/console/bookings/{booking.id}"
    assert (name, booking.state, booking.staff_id) == ("Noa Peña", "confirmed", salon.staff["Bruno"].id)
    assert booking.starts == salon.at("11:00")
    shown = (await browser.get(f"/console/bookings/{booking.id}")).text
    assert "Ana Soler" in shown, "the history says who booked"


async def test_several_services_are_one_visit(database: Database, salon: Salon, signed_in: SignIn) -> None:
    answer = await book(await signed_in("staff"), salon, "Haircut", "Blow-dry", name="Noa")
    assert answer.status_code == 303
    ((booking, _),) = await made(database)
    assert len(booking.parts) == 2
    assert booking.ends == salon.at("12:15")


async def test_who_wrote_before_is_found_and_told(database: Database, salon: Salon, signed_in: SignIn) -> None:
    async with database.transaction() as session:
        salon.session = session
        old = await salon.known("Lucía Fernández", "Haircut", "15:00", staff="Ana")
        await salon.customer("Mateo 100% Ruiz")
    browser = await signed_in("staff")
    found = (await browser.get("/console/calendar/customers", params={"q": "fern"})).json()
    assert found["count"] == 1
    assert f'data-pick="{old.customer_id}"' in found["html"]
    assert "SMS" in found["html"], "so that two of one name are told apart"
    assert (await browser.get("/console/calendar/customers", params={"q": "100%"})).json()["count"] == 1
    assert (await browser.get("/console/calendar/customers", params={"q": "%"})).json()["count"] == 1
    assert (await browser.get("/console/calendar/customers", params={"q": ""})).json()["count"] == 0
    answer = await book(browser, salon, "Haircut", customer=old.customer_id)
    assert answer.status_code == 303
    async with database.transaction() as session:
        told = list(await session.scalars(select(Message.text).where(Message.sender == "bot")))
        assert await session.scalar(select(func.count()).select_from(Customer)) == 2
    assert len(told) == 1
    assert "11:00" in (told[0] or "")


@pytest.mark.parametrize(("at_desk", "state", "asked"), [("yes", "confirmed", 0), ("", "held", 1)])
async def test_what_is_due_is_paid_at_the_desk_or_by_a_link(
    database: Database, salon: Salon, signed_in: SignIn, at_desk: str, state: str, asked: int
) -> None:
    async with database.transaction() as session:
        salon.session = session
        old = await salon.known("Lucía", "Haircut", "16:00", staff="Ana")
    answer = await book(await signed_in("staff"), salon, "Colour", customer=old.customer_id, at_desk=at_desk, tell="")
    assert answer.status_code == 303
    booking = next(one for one, _ in await made(database) if one.id != old.id)
    assert booking.state == state
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Payment)) == asked


@pytest.mark.parametrize(
    ("clock", "anyway", "says"),
    [("12:10", False, "There is another booking at that time."), ("19:00", True, "That is outside working hours.")],
)
async def test_only_what_a_person_may_pass_over_can_be_passed_over(
    database: Database, salon: Salon, signed_in: SignIn, clock: str, anyway: bool, says: str
) -> None:
    async with database.transaction() as session:
        salon.session = session
        await salon.book("Marta", "Haircut", "12:00", staff="Ana")
    browser, ana = await signed_in("staff"), salon.staff["Ana"].id
    refused = await book(browser, salon, "Haircut", name="Noa", time=clock, staff=ana)
    assert refused.status_code == 409
    assert says in refused.text
    assert ('name="anyway"' in refused.text) == anyway
    assert 'value="Noa"' in refused.text, "what was typed is still there"
    assert len(await made(database)) == 1
    forced = await book(browser, salon, "Haircut", name="Noa", time=clock, staff=ana, anyway="yes")
    assert forced.status_code == (303 if anyway else 409)
    assert len(await made(database)) == (2 if anyway else 1)
    async with database.transaction() as session:
        names = list(await session.scalars(select(Customer.name).where(Customer.name == "Noa")))
    assert len(names) == int(anyway), "what is refused leaves nobody behind"


async def test_a_seat_in_a_class_and_a_chair_for_days_are_booked_too(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        salon.session = session
        held = await salon.meet("Yoga", "12:30", "Dalia", "Studio", {})
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/sessions/{held.id}")).text
    assert "0 of 12 seats taken" in page
    assert f"service={salon.services['Yoga'].id}" in page
    assert (await book(browser, salon, "Yoga", name="Ada", time="12:30", party=2)).status_code == 303
    for name in ("Cleo", "Dora"):
        assert (await book(browser, salon, "Yoga", name=name, time="12:30", party=4)).status_code == 303
    full = await book(browser, salon, "Yoga", name="Ben", time="12:30", party=3)
    assert full.status_code == 409
    assert "There are not enough seats left." in full.text
    assert 'name="anyway"' not in full.text
    assert "10 of 12 seats taken" in (await browser.get(f"/console/sessions/{held.id}")).text
    assert (await book(browser, salon, "Chair for a day", name="Milan", time="09:00", units=3)).status_code == 303
    chair = (await made(database))[-1][0]
    assert (chair.staff_id, chair.units) == (None, 3)


@pytest.mark.parametrize(
    ("services", "fields", "says"),
    [
        ((), {"name": "Noa"}, "service"),
        (("Haircut",), {}, "who comes"),
        (("Haircut",), {"name": "Noa", "time": ""}, "when"),
        (("Haircut",), {"name": "Noa", "time": "25:99"}, "when"),
        (("Haircut",), {"name": " \x00 "}, "who comes"),
    ],
)
async def test_what_is_missing_is_said(
    database: Database, salon: Salon, signed_in: SignIn, services: tuple[str, ...], fields: dict[str, str], says: str
) -> None:
    answer = await book(await signed_in("staff"), salon, *services, **fields)
    assert answer.status_code == 409
    problem = answer.text.split('class="problem"')[1].split("</p>")[0]
    assert says in problem.lower()
    assert await made(database) == []


async def test_nonsense_in_the_form_is_as_if_it_were_not_said(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    browser = await signed_in("staff")
    odd = {"staff": UUID(int=1), "party": "-3", "units": "999999", "day": "2999-01-01"}
    page = await browser.get("/console/calendar/new", params={key: str(value) for key, value in odd.items()})
    assert page.status_code == 200
    answer = await book(browser, salon, "Haircut", name="N" * 500, **{**odd, "day": DAY})
    assert answer.status_code == 303
    ((booking, name),) = await made(database)
    assert (len(name or ""), booking.party) == (100, 1)


async def test_each_service_has_a_person_of_its_own(database: Database, salon: Salon, signed_in: SignIn) -> None:
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/calendar/new?day={DAY}&time=11:00")).text
    colour, cut, ana, bruno = (
        salon.services["Colour"].id, salon.services["Haircut"].id, salon.staff["Ana"].id, salon.staff["Bruno"].id
    )  # fmt: skip
    assert f'value="{colour} {ana}"' in page
    assert f'value="{colour} {bruno}"' not in page, "he does none"
    who = [f"{cut} {bruno}", f"{colour} {ana}", "", "nonsense", f"{salon.services['Blow-dry'].id} {ana}"]
    answer = await book(browser, salon, "Haircut", "Colour", name="Noa", who=who)
    assert answer.status_code == 303, answer.text
    ((booking, _),) = await made(database)
    assert [part["staff"] for part in booking.parts] == [[str(bruno)], [str(ana)]]
    # Who is taken is still chosen when the form comes back.
    again = await book(browser, salon, "Haircut", "Colour", name="Eva", who=who)
    assert again.status_code == 409
    assert f'<option value="{cut} {bruno}" selected>' in again.text

"""Time that is blocked: for people and for rooms, from the board or the list, with what it hits."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from booking_core.kit.db import Database
from booking_core.models import TimeOff
from tests.bot.console.conftest import Browser, SignIn
from tests.bot.console.salon import DAY, Salon


async def save(browser: Browser, salon: Salon, path: str = "", **fields: object) -> httpx.Response:
    wanted = {"place": salon.place.id, "kind": "block", "first": DAY, "last": DAY, "opens": "", "closes": "", **fields}
    return await browser.submit(f"/console/timeoff{path}", **wanted)


async def written(database: Database) -> list[TimeOff]:
    async with database.transaction() as session:
        return list(await session.scalars(select(TimeOff).order_by(TimeOff.starts)))


async def test_time_is_blocked_listed_changed_and_given_back(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    browser, ana = await signed_in("staff"), salon.staff["Ana"].id
    drawn = await browser.get(f"/console/timeoff/new?whose={ana}&first={DAY}&opens=10:00&closes=11:15")
    assert 'value="10:00"' in drawn.text
    assert 'value="11:15"' in drawn.text
    answer = await save(browser, salon, whose=ana, opens="10:00", closes="11:15", note=" Supplier\n visit ")
    assert answer.headers["location"] == f"/console/timeoff?place={salon.place.id}"
    (off,) = await written(database)
    assert (off.staff_id, off.resource_id, off.kind, off.note) == (ana, None, "block", "Supplier visit")
    assert (off.starts, off.ends) == (salon.at("10:00"), salon.at("11:15"))
    listed = (await browser.get("/console/timeoff")).text
    assert "10:00–11:15" in listed
    assert "Supplier visit" in listed
    assert "Supplier visit" in (await browser.get(f"/console/calendar?day={DAY}")).text

    last = DAY + timedelta(days=2)
    path = f"/{off.id}"
    assert (await save(browser, salon, path, whose=ana, kind="absence", last=last)).status_code == 303
    (off,) = await written(database)
    assert (off.starts, off.ends) == (salon.at("00:00"), salon.at("00:00", last + timedelta(days=1))), "whole days"
    page = (await browser.get(f"/console/timeoff{path}")).text
    assert f'name="last" value="{last}"' in page, "the last day is one that is still off"
    assert 'name="opens" value=""' in page

    assert (await browser.submit(f"/console/timeoff{path}/delete")).status_code == 303
    assert await written(database) == []
    assert (await browser.submit(f"/console/timeoff{path}/delete")).status_code == 404


async def test_a_room_is_blocked_too(database: Database, salon: Salon, signed_in: SignIn) -> None:
    browser, room = await signed_in("staff"), salon.resources["Quiet room"].id
    await save(browser, salon, whose=room, opens="10:00", closes="12:00", note="Painter")
    (off,) = await written(database)
    assert (off.staff_id, off.resource_id) == (None, room)
    assert "Painter" in (await browser.get(f"/console/calendar?day={DAY}&by=resource")).text


async def test_who_is_hit_is_named_before_anything_is_written(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        salon.session = session
        await salon.book("Lucía", "Haircut", "10:30", staff="Ana")
        await salon.book("Marta", "Haircut", "15:00", staff="Ana")
    browser, ana = await signed_in("staff"), salon.staff["Ana"].id
    asked = await save(browser, salon, whose=ana, opens="10:00", closes="12:00")
    assert asked.status_code == 409
    assert "1 booking lies in this time" in asked.text
    assert "Lucía" in asked.text
    assert "Marta" not in asked.text
    assert await written(database) == []
    sure = await save(browser, salon, whose=ana, opens="10:00", closes="12:00", sure="yes")
    (off,) = await written(database)
    assert sure.headers["location"] == f"/console/timeoff/{off.id}/bookings", "where they are settled"
    assert (await browser.get(sure.headers["location"])).status_code == 200
    page = (await browser.get(f"/console/timeoff/{off.id}")).text
    assert "Lucía" in page
    assert f'href="/console/timeoff/{off.id}/bookings"' in page


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"opens": "12:00", "closes": "10:00"}, "end"),
        ({"last": DAY - timedelta(days=1)}, "end"),
        ({"last": DAY + timedelta(days=500)}, "year"),
        ({"whose": "nobody"}, "who"),
    ],
)
async def test_what_is_wrong_is_said(
    database: Database, salon: Salon, signed_in: SignIn, fields: dict[str, object], says: str
) -> None:
    answer = await save(await signed_in("staff"), salon, **{"whose": salon.staff["Ana"].id, **fields})
    assert answer.status_code == 409
    assert says in answer.text.split('class="problem"')[1].split("</p>")[0].lower()
    assert await written(database) == []


async def test_the_same_twice_is_written_once(database: Database, salon: Salon, signed_in: SignIn) -> None:
    browser = await signed_in("staff")
    for _ in range(2):
        await save(browser, salon, whose=salon.staff["Ana"].id, opens="10:00", closes="11:00")
    assert len(await written(database)) == 1

"""Odd but honest houses: what is listed can be booked, and what is refused has its reason, at every edge."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import calendar
from booking_core.catalog import load_catalog
from booking_core.models import Service
from booking_core.refusals import BookingRefused, Reason
from tests.booking_core.house import MONDAY, NOW, House, at, open_house

TUESDAY = MONDAY + timedelta(days=1)
EDGES = """
business: {slug: edges, name: Edges, timezone: Europe/Madrid, currency: EUR, locale: en-GB,
           policy: {lead_time: 0, booking_window: 3}}
locations:
  - {name: Here, address: Street 1, hours: {mon-sun: "9:00-20:00"}}
  - {name: There, address: Street 2, timezone: America/New_York}
  - {name: Always, address: Street 3}
resources:
  - {kind: hall, name: Hall, location: Always}
  - {kind: sauna, name: Sauna, location: Here}
services:
  - {name: Stay, unit: hour, units_max: 200, slot_interval: 60, staff: nobody, needs: {hall: 1}, price: "1.00"}
  - {name: Airing, duration: 60, buffer_before: 1440, buffer_after: 1440, staff: nobody, needs: {hall: 1},
     price: "1.00"}
  - {name: Cut, duration: 30, price: "30.00", max_party: 4, slot_interval: 15, buffer_after: 45,
     add_ons: [{name: Wash, minutes: 15, price: "5.00"}]}
  - {name: Talk, duration: 30, price: "10.00", slot_interval: 15, max_party: 4}
  - {name: Sweat, duration: 60, staff: nobody, needs: {sauna: 1}, price: "10.00"}
  - {name: Talk and sweat, segments: [{service: Talk}, {service: Sweat}], price: "20.00"}
  - {name: Cut and talk, segments: [{service: Cut}, {service: Talk, max_wait: 15}], price: "20.00", max_party: 3}
  - {name: Yoga, duration: 60, capacity: 6, max_party: 2, price: "12.00", limits: {day: 2}}
  - {name: Late, duration: 90, price: "30.00", slot_interval: 30}
  - {name: Colour, duration: 90, processing_from: 30, processing: 30, price: "60.00", slot_interval: 15,
     add_ons: [{name: Gloss, minutes: 15, price: "5.00"}]}
  - {name: Two, duration: 30, price: "10.00", limits: {day: 2}}
staff:
  - {name: Ana, location: Here, services: {Cut: {limits: {day: 1}}, Talk: , Colour: , Yoga: , Two: },
     hours: {mon-sun: "9:00-20:00"}}
  - {name: Bruno, location: Here, services: {Talk: , Yoga: }, hours: {mon-sun: "9:00-20:00"}}
  - {name: Dora, location: There, services: {Late: }, hours: {mon-sun: ["0:00-2:00", "20:00-24:00"]}}
  - {name: Eva, location: Here, services: {Late: }, hours: {mon-sun: ["9:00-20:00"]}}
"""


@pytest.fixture
async def house(session: AsyncSession, tmp_path: Path) -> House:
    return await open_house(session, tmp_path, EDGES)


async def refused(awaitable, reason: Reason) -> BookingRefused:
    with pytest.raises(BookingRefused) as caught:
        await awaitable
    assert caught.value.reason == reason
    return caught.value


async def test_hours_that_last_for_days(house: House) -> None:
    assert len((await house.free("Stay", units=200, days=3)).slots) == 65  # from seven on Monday
    one = await house.book("22:00", "Stay", day=MONDAY + timedelta(days=3), units=200)
    assert one.ends - one.starts == timedelta(hours=200)
    assert (await house.free("Stay", units=100)).reason == Reason.RESOURCE_BUSY
    assert (await house.free("Stay", units=87)).slots[0].starts == at("07:00")


async def test_buffers_that_last_for_days(house: House) -> None:
    await house.book("12:00", "Airing")
    assert (await house.free("Airing", days=2)).reason == Reason.RESOURCE_BUSY
    first = (await house.free("Airing", days=4)).slots[0].starts
    assert first == at("13:00", MONDAY + timedelta(days=2))
    await refused(house.book(first - timedelta(minutes=1), "Airing"), Reason.RESOURCE_BUSY)
    await house.book(first, "Airing")


async def test_windows_end_by_the_clock_of_each_place(house: House) -> None:
    last = (await house.free("Late", days=6)).slots[-1]
    assert last.location_id == house.place("There")
    assert last.starts == datetime(2026, 11, 26, 23, 30, tzinfo=ZoneInfo("America/New_York"))
    one = await house.book(last.starts, "Late")
    assert one.location_id == house.place("There")
    await refused(house.book(at("09:00", MONDAY + timedelta(days=4)), "Late"), Reason.TOO_FAR)


async def test_a_visit_over_midnight_of_the_last_day(house: House) -> None:
    there = ZoneInfo("America/New_York")
    found = (await house.free("Late", place="There", days=6)).slots
    clocks = {f"{slot.starts.astimezone(there):%H:%M}" for slot in found if slot.starts.astimezone(there).day == 24}
    assert clocks == {"00:00", "00:30", "20:00", "20:30", "21:00", "21:30", "22:00", "22:30", "23:00", "23:30"}


async def test_who_does_without_people_still_closes_with_the_house(house: House) -> None:
    assert (await house.clocks("Talk and sweat"))[-1] == "18:30"
    await refused(house.book("19:00", "Talk and sweat"), Reason.OUTSIDE_HOURS)


async def test_a_class_takes_no_more_people_than_it_says(house: House) -> None:
    await refused(house.book("09:00", "Yoga", party=3), Reason.TOO_MANY)
    first = await house.book("09:00", "Yoga", party=2)
    await refused(house.book("09:00", "Yoga", party=3), Reason.TOO_MANY)
    await refused(house.book("09:00", "Yoga", party=0), Reason.TOO_MANY)
    assert await house.taken() == 3  # seats and a place under the limit
    assert first.session_id is not None


async def test_a_class_that_another_leads_is_not_offered_with_a_teacher_who_does_not(house: House) -> None:
    one = await house.book("09:00", "Yoga", staff="Ana")
    assert one.staff_id == house.person("Ana")
    found = (await house.free("Yoga", staff="Bruno")).slots
    assert at("09:00") not in [slot.starts for slot in found]
    await refused(house.book("09:00", "Yoga", staff="Bruno"), Reason.STAFF_BUSY)
    assert (await house.free("Yoga", staff="Ana")).slots[0].seats_left == 5


async def test_a_class_and_something_else_are_two_visits(house: House) -> None:
    for services in (("Yoga", "Talk"), ("Talk", "Yoga"), ("Talk", "Stay")):
        error = await refused(house.book("09:00", *services), Reason.TOO_MANY)
        assert error.data == {"most": 1, "of": "services"}
        assert (await house.free(*services)).reason == Reason.TOO_MANY


async def test_what_is_not_sold_any_more(house: House) -> None:
    wanted = house.wanted("Talk and sweat")
    await house.session.execute(update(Service).where(Service.name == "Talk and sweat").values(active=False))
    house.known = await load_catalog(house.session, house.business_id)
    found = await calendar.free_slots(
        house.session, house.known, wanted=wanted, windows=[(at("00:00"), at("23:00"))], now=NOW
    )
    assert (found.slots, found.reason) == ([], Reason.STAFF_CANNOT)


async def test_an_override_counts_under_a_limit_and_is_not_stopped_by_it(house: House) -> None:
    for clock in ("09:00", "10:00", "11:00"):
        await house.book(clock, "Two", override=True, actor="staff:x")
    assert (await house.free("Two")).reason == Reason.LIMIT_REACHED
    await refused(house.book("12:00", "Two"), Reason.LIMIT_REACHED)


async def test_seats_count_under_a_limit(house: House) -> None:
    first = await house.book("09:00", "Yoga")
    await house.book("09:00", "Yoga")
    assert (await house.free("Yoga")).reason == Reason.LIMIT_REACHED
    await refused(house.book("09:00", "Yoga"), Reason.LIMIT_REACHED)
    await refused(house.book("11:00", "Yoga"), Reason.LIMIT_REACHED)
    await house.cancel(first)
    assert (await house.free("Yoga")).slots
    await house.book("11:00", "Yoga")


async def test_a_persons_limit_for_one_service_counts_in_a_visit_of_several(house: House) -> None:
    await house.book("09:00", "Cut and talk", staff="Ana")
    await refused(house.book("15:00", "Cut", staff="Ana"), Reason.LIMIT_REACHED)
    await refused(house.book("15:00", "Cut and talk"), Reason.LIMIT_REACHED)
    await house.book("15:00", "Talk", staff="Ana")
    assert (await house.book("09:00", "Cut", staff="Ana", day=TUESDAY)).starts == at("09:00", TUESDAY)


async def test_one_after_the_other_when_tidying_up_outlasts_the_next_part(house: House) -> None:
    await house.session.execute(text("DELETE FROM booking_limit WHERE service_id IS NOT NULL AND staff_id IS NOT NULL"))
    house.known = await load_catalog(house.session, house.business_id)
    one = await house.book("09:00", "Cut and talk", party=2, arrangement="in_turn")
    assert house.parts(one) == [
        "09:00-09:30 Cut Ana", "09:30-10:00 Talk Ana", "10:15-10:45 Cut Ana", "10:45-11:15 Talk Ana",
    ]  # fmt: skip


async def test_an_add_on_makes_the_work_longer_and_not_the_wait(house: House) -> None:
    gloss = house.known.add_ons(house.service("Colour"))[0].id
    one = await house.book("09:00", "Colour", add_ons=[gloss, gloss])
    assert (one.ends - one.starts, one.price) == (timedelta(minutes=105), 6500)
    talk = await house.clocks("Talk", staff="Ana")
    assert "09:45" in talk  # works to 9:45, waits to 10:15
    assert "09:30" not in talk
    assert "10:00" not in talk


async def test_an_add_on_that_is_not_sold_any_more_stays_with_a_visit_that_moves(house: House) -> None:
    gloss = house.known.add_ons(house.service("Colour"))[0].id
    one = await house.book("09:00", "Colour", add_ons=[gloss])
    await house.session.execute(text("UPDATE add_on SET active = false"))
    house.known = await load_catalog(house.session, house.business_id)
    moved = await house.move(one, "12:00")
    assert moved.ends - moved.starts == timedelta(minutes=105)


async def test_a_start_is_a_whole_minute(house: House) -> None:
    await refused(house.book(at("09:00") + timedelta(seconds=1), "Talk"), Reason.OFF_GRID)

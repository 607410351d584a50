"""Parts of a visit given to other people: that part alone, at the same time or at another, or refused."""

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking
from booking_core.booking import Give
from booking_core.models import Booking, BookingAudit
from booking_core.refusals import Reason
from tests.booking_core.house import NOW, House, at, open_house
from tests.booking_core.test_parts import named, refused

FILE = """
business: {slug: gives, name: Gives, timezone: Europe/Madrid, currency: EUR, locale: en-GB,
           policy: {lead_time: 0, booking_window: 60}}
locations: [{name: North, address: Street 1}, {name: South, address: Street 2}]
resources:
  - {kind: room, name: Room, location: North, units: 3}
  - {kind: room, name: Room 2, location: South}
services:
  - {name: Cut, duration: 30, price: "30.00", max_party: 3, slot_interval: 30}
  - {name: Colour, duration: 60, price: "60.00", slot_interval: 30, needs: {room: 1}}
  - {name: Ritual, segments: [{service: Cut}, {service: Colour, same_staff: true}], price: "80.00"}
  - {name: Duet, duration: 30, price: "50.00", staff: [lead, helper]}
staff:
  - {name: Ana, location: North, services: {Cut: , Colour: , Duet: {role: lead}}, hours: {mon-fri: "9:00-15:00"}}
  - {name: Bruno, location: North, services: {Cut: , Colour: {duration: 90}, Duet: {role: helper}},
     hours: {mon-fri: "9:00-15:00"}}
  - {name: Carla, location: North, services: {Cut: , Colour: , Duet: {role: helper}}, hours: {mon-fri: "9:00-12:00"}}
  - {name: Dora, location: North, services: {Cut: }, hours: {mon-fri: "9:00-15:00"}}
  - {name: Elio, location: South, services: {Cut: , Colour: }, hours: {mon-fri: "9:00-15:00"}}
"""


@pytest.fixture
async def house(session: AsyncSession, tmp_path: Path) -> House:
    return await open_house(session, tmp_path, FILE)


async def give(house: House, one: Booking, *gives: tuple[int, str, str], **more: object) -> Booking:
    house.keys += 1
    clock = more.pop("clock", None)
    named = [Give(part, house.person(of), house.person(to)) for part, of, to in gives]
    return await booking.give(
        house.session, house.business_id, one.id, named,
        catalog=house.known, starts=at(str(clock)) if clock else None,
        **{"version": None, "now": NOW, "actor": "staff:x", "key": f"give-{house.keys}"} | more,
    )  # fmt: skip


async def test_one_part_is_given_and_nothing_else_changes(house: House) -> None:
    one = await house.book("09:00", "Cut", "Colour", staff="Ana")
    room = one.parts[1]["resources"]
    one = await give(house, one, (1, "Ana", "Carla"))
    assert house.parts(one) == ["09:00-09:30 Cut Ana", "09:30-10:30 Colour Carla"]
    assert (one.parts[1]["resources"], one.version, one.staff_id) == (room, 2, house.person("Ana"))
    # What Ana gave is free again, what Carla has is taken.
    await house.book("09:30", "Colour", staff="Ana")
    await refused(house.book("10:00", "Cut", staff="Carla"), Reason.STAFF_BUSY)
    audit = (
        await house.session.scalars(select(BookingAudit).order_by(BookingAudit.at.desc(), BookingAudit.version.desc()))
    ).all()
    (moved,) = [row for row in audit if row.move == "reschedule"]
    assert moved.data["gave"] == [{"part": 1, "of": str(house.person("Ana")), "to": str(house.person("Carla"))}]
    assert [(rest["starts"][11:16], rest["ends"][11:16]) for rest in moved.data["freed"]] == [("08:30", "09:30")]


async def test_the_first_part_is_given_and_the_visit_is_named_after_its_person(house: House) -> None:
    one = await house.book("09:00", "Cut", "Colour", staff="Ana")
    one = await give(house, one, (0, "Ana", "Dora"))
    assert house.parts(one) == ["09:00-09:30 Cut Dora", "09:30-10:30 Colour Ana"]
    assert one.staff_id == house.person("Dora")
    one = await give(house, one, (0, "Dora", "Ana"))
    assert house.parts(one) == ["09:00-09:30 Cut Ana", "09:30-10:30 Colour Ana"], "and back"


async def test_somebody_slower_makes_the_rest_later_but_nobody_else_takes_over(house: House) -> None:
    one = await house.book("09:00", "Colour", "Cut", staff_by_service=named(house, Colour="Ana", Cut="Dora"))
    other = await house.book("10:30", "Cut", staff="Dora")
    await refused(give(house, one, (0, "Ana", "Bruno")), Reason.STAFF_BUSY)
    await house.cancel(other)
    one = await give(house, one, (0, "Ana", "Bruno"))
    assert house.parts(one) == ["09:00-10:30 Colour Bruno", "10:30-11:00 Cut Dora"]


@pytest.mark.parametrize(
    ("gives", "reason"),
    [
        ((1, "Ana", "Dora"), Reason.STAFF_CANNOT),  # she colours nobody
        ((1, "Ana", "Elio"), Reason.STAFF_CANNOT),  # he works elsewhere
        ((1, "Bruno", "Carla"), Reason.UNKNOWN),  # it is not his
        ((2, "Ana", "Carla"), Reason.UNKNOWN),
        ((-1, "Ana", "Carla"), Reason.UNKNOWN),
        ((1, "Ana", "Bruno"), Reason.STAFF_BUSY),
        ((1, "Ana", "Carla"), Reason.OUTSIDE_HOURS),
    ],
)
async def test_what_cannot_be_given_is_refused_with_its_reason(
    house: House, gives: tuple[int, str, str], reason: Reason
) -> None:
    one = await house.book("12:00", "Cut", "Colour", staff="Ana")
    await house.book("13:00", "Cut", staff="Bruno")
    before = house.parts(one)
    await refused(give(house, one, gives), reason)
    assert (house.parts(one), one.version) == (before, 1)
    if reason is Reason.OUTSIDE_HOURS:
        one = await give(house, one, gives, override=True)
        assert house.parts(one)[1] == "12:30-13:30 Colour Carla"


async def test_what_one_person_must_do_is_given_together(house: House) -> None:
    one = await house.book("09:00", "Ritual", staff="Ana")
    one = await give(house, one, (1, "Ana", "Carla"))
    assert house.parts(one) == ["09:00-09:30 Cut Carla", "09:30-10:30 Colour Carla"]
    await refused(give(house, one, (0, "Carla", "Dora")), Reason.STAFF_CANNOT)


async def test_one_guest_s_part_is_given(house: House) -> None:
    """Guests who come together are led in no order of their own: each keeps who they have."""
    one = await house.book("09:00", "Cut", party=3)
    assert [part[12:] for part in house.parts(one)] == ["Cut Ana", "Cut Bruno", "Cut Carla"]
    one = await give(house, one, (0, "Ana", "Dora"))
    assert [part[12:] for part in house.parts(one)] == ["Cut Dora", "Cut Bruno", "Cut Carla"]
    await refused(give(house, one, (2, "Carla", "Bruno")), Reason.STAFF_BUSY)
    one = await give(house, one, (0, "Dora", "Bruno"), (1, "Bruno", "Dora"))
    assert [part[12:] for part in house.parts(one)] == ["Cut Bruno", "Cut Dora", "Cut Carla"], "two change places"


async def test_whoever_helps_is_replaced_by_another_who_helps(house: House) -> None:
    one = await house.book("09:00", "Duet", place="North")
    assert house.parts(one) == ["09:00-09:30 Duet Ana+Bruno"]
    one = await give(house, one, (0, "Bruno", "Carla"))
    assert house.parts(one) == ["09:00-09:30 Duet Ana+Carla"]
    await refused(give(house, one, (0, "Ana", "Bruno")), Reason.STAFF_CANNOT)


async def test_the_same_service_twice_is_told_apart(house: House) -> None:
    one = await house.book("09:00", "Cut", "Colour", "Cut", staff="Ana")
    one = await give(house, one, (2, "Ana", "Dora"))
    assert [part[12:] for part in house.parts(one)] == ["Cut Ana", "Colour Ana", "Cut Dora"]
    one = await give(house, one, (0, "Ana", "Bruno"))
    assert [part[12:] for part in house.parts(one)] == ["Cut Bruno", "Colour Ana", "Cut Dora"]


async def test_at_another_time_the_whole_visit_moves_and_the_others_stay_where_they_can(house: House) -> None:
    one = await house.book("09:00", "Cut", "Colour", staff_by_service=named(house, Cut="Dora", Colour="Ana"))
    one = await give(house, one, (1, "Ana", "Bruno"), clock="11:00")
    assert house.parts(one) == ["11:00-11:30 Cut Dora", "11:30-13:00 Colour Bruno"]
    await house.book("13:00", "Cut", staff="Dora")
    one = await give(house, one, (1, "Bruno", "Ana"), clock="13:00")
    assert house.parts(one) == ["13:00-13:30 Cut Ana", "13:30-14:30 Colour Ana"]


async def test_it_is_given_once_and_by_whoever_saw_it_as_it_is(house: House) -> None:
    one = await house.book("09:00", "Cut", "Colour", staff="Ana")
    for _ in range(2):
        one = await give(house, one, (1, "Ana", "Carla"), key="same")
    assert one.version == 2
    await refused(give(house, one, (1, "Carla", "Ana"), key="same"), Reason.KEY_REUSED)
    await refused(give(house, one, (1, "Carla", "Ana"), version=1), Reason.CHANGED)
    await house.cancel(one)
    await refused(give(house, one, (1, "Carla", "Ana")), Reason.NOT_NOW)

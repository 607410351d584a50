"""Who takes a time without a look gets just what they would have got after one."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.calendar import Place, find_places, only_place
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from tests.booking_core.house import MONDAY, NOW, House, at, open_house

#: Hours that end, break, touch at midnight and lie around a change of the clock; buffers, waits and limits.
FILE = """
business: {slug: only, name: Only, timezone: Europe/Madrid, currency: EUR, locale: en-GB,
           policy: {lead_time: 90, booking_window: 160}}
locations: [{name: North, address: Street 1}]
services:
  - {name: Cut, duration: 30, price: "30.00", buffer_before: 5, buffer_after: 10,
     add_ons: [{name: Wash, minutes: 20, price: "5.00"}]}
  - {name: Colour, duration: 90, processing_from: 30, processing: 40, price: "60.00"}
  - {name: Soak, duration: 60, processing_from: 20, processing: 40, price: "20.00"}
  - {name: Both, segments: [{service: Cut}, {service: Colour, max_wait: 30}], price: "85.00"}
  - {name: Talk, duration: 30, price: "0.00", limits: {day: 1}}
staff:
  - {name: Ana, location: North, services: {Cut: , Colour: , Soak: , Talk: },
     hours: {mon-thu: ["9:00-11:00", "12:00-14:30"], sat: "22:00-24:00", sun: ["0:00-5:00"]}}
  - {name: Bruno, location: North, services: {Cut: {duration: 45}, Colour: }, hours: {mon-fri: "9:00-13:00"}}
"""
WISHES = [
    ({"staff": "Ana"}, ["Cut"], True),
    ({"staff": "Bruno"}, ["Cut"], True),
    ({"staff": "Ana"}, ["Colour"], True),
    ({}, ["Soak"], True),
    ({"staff": "Ana"}, ["Cut", "Colour"], True),
    ({"staff": "Ana", "party": 2}, ["Cut"], False),
    ({}, ["Cut"], False),
    ({}, ["Talk"], False),
]


@pytest.mark.parametrize(("who", "what", "chosen"), WISHES)
async def test_the_only_place_is_the_one_that_is_found(
    session: AsyncSession, tmp_path: Path, who: dict[str, str], what: list[str], chosen: bool
) -> None:
    house = await open_house(session, tmp_path, FILE)
    wanted, some = house.wanted(*what, **who), 0
    # The clock goes forward on the 28th of March.
    for first in (at("07:00"), at("21:00", MONDAY + timedelta(days=5)), at("00:00", MONDAY + timedelta(days=125))):
        for minutes in range(0, 9 * 60, 5):
            starts = first + timedelta(minutes=minutes)
            found, why = await _found(house, wanted, starts)
            only, why_none = _only(house, wanted, starts)
            if only is None:
                assert why_none in {None, why}
                assert not chosen or not found
            else:
                some += 1
                assert [only.placement] == [one.placement for one in found]
    assert bool(some) is chosen


async def _found(house: House, wanted: VisitRequest, starts: datetime) -> tuple[list[Place], Reason | None]:
    try:
        return await find_places(house.session, house.known, wanted=wanted, starts=starts, now=NOW), None
    except BookingRefused as refused:
        return [], refused.reason


def _only(house: House, wanted: VisitRequest, starts: datetime) -> tuple[Place | None, Reason | None]:
    try:
        return only_place(house.known, wanted, starts, now=NOW), None
    except BookingRefused as refused:
        return None, refused.reason


async def test_extras_make_it_longer(session: AsyncSession, tmp_path: Path) -> None:
    house = await open_house(session, tmp_path, FILE)
    [wash] = [one.id for one in house.known.add_ons(house.service("Cut"))]
    plain, washed = house.wanted("Cut", staff="Ana"), house.wanted("Cut", staff="Ana", add_ons=[wash])
    tuesday = MONDAY + timedelta(days=1)
    assert only_place(house.known, plain, at("10:30", tuesday), now=NOW) is not None
    assert only_place(house.known, washed, at("10:30", tuesday), now=NOW) is None
    longer = only_place(house.known, washed, at("10:10", tuesday), now=NOW)
    assert longer is not None
    assert longer.placement.end - longer.placement.start == 50

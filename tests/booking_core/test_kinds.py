"""Every kind of visit, on the database: parts in a row, rooms, parties, classes, rentals, approval, limits, series."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking, limits, series, sessions
from booking_core.catalog import load_catalog
from booking_core.models import BookingLimit, ClassSession, State
from booking_core.refusals import BookingRefused, Reason
from booking_core.series import OnConflict, Scope
from tests.booking_core.house import HOUSE, MONDAY, NOW, House, at, open_house

TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
async def house(session: AsyncSession, tmp_path: Path) -> House:
    return await open_house(session, tmp_path)


async def refused(awaitable, reason: Reason) -> BookingRefused:
    with pytest.raises(BookingRefused) as caught:
        await awaitable
    assert caught.value.reason == reason
    return caught.value


async def test_two_parts_with_their_own_people(house: House) -> None:
    one = await house.book("09:00", "Cut and colour")
    assert house.parts(one) == ["09:00-09:30 Cut Ana", "09:30-11:00 Colour Ana"]
    assert (one.price, one.due, one.state) == (8500, 2000, State.HELD)
    # Ana's colour works in from 10:00 to 10:30: she is free for a cut then, her basin too.
    assert (await house.book("10:00", "Cut", staff="Ana")).staff_id == house.person("Ana")
    other = await house.book("09:00", "Cut and colour")
    assert house.parts(other)[0] == "09:00-09:30 Cut Bruno"
    assert house.parts(other)[1].endswith("Colour Carla")
    # One basin: Carla's colour waits until Ana has done with it, and works at it while hers works in.
    assert house.parts(other)[1] == "10:00-11:30 Colour Carla"


async def test_the_basin_is_free_while_the_colour_works_in(house: House) -> None:
    await house.book("09:00", "Colour", staff="Ana")  # works 9:00-9:30 and 10:00-10:30
    assert "09:30" in await house.clocks("Colour", staff="Carla")
    assert "09:15" not in await house.clocks("Colour", staff="Carla")
    await house.book("09:30", "Colour", staff="Carla")
    await refused(house.book("10:00", "Colour", staff="Carla"), Reason.RESOURCE_BUSY)


async def test_a_visit_of_parts_moves_and_goes_as_a_whole(house: House) -> None:
    one = await house.book("09:00", "Cut and colour")
    before = await house.taken()
    moved = await house.move(one, "09:15")  # over its own place
    assert house.parts(moved)[0] == "09:15-09:45 Cut Ana"
    assert await house.taken() == before
    await house.cancel(moved)
    assert await house.taken() == 0


async def test_two_services_in_one_visit(house: House) -> None:
    one = await house.book("09:00", "Cut", "Massage", staff="Bruno")
    assert house.parts(one) == ["09:00-09:30 Cut Bruno", "09:30-10:30 Massage Bruno"]
    assert one.price == 8000
    moved = await house.move(one, "10:00")
    assert house.parts(moved) == ["10:00-10:30 Cut Bruno", "10:30-11:30 Massage Bruno"]


async def test_rooms_close_a_time_for_everybody(house: House) -> None:  # 45
    for staff in ("Bruno", "Carla"):
        await house.book("09:00", "Massage", staff=staff)
    assert "09:00" not in await house.clocks("Massage")
    await refused(house.book("09:00", "Massage"), Reason.STAFF_BUSY)
    await house.book("10:00", "Massage", staff="Bruno")
    assert (await house.free("Massage")).slots[0].starts == at("10:00")


async def test_a_party_comes_together_or_in_turn(house: House) -> None:
    one = await house.book("09:00", "Cut", party=2)
    assert house.parts(one) == ["09:00-09:30 Cut Ana", "09:00-09:30 Cut Bruno"]
    assert one.price == 6000
    await refused(house.book("09:00", "Cut", party=1), Reason.STAFF_BUSY)
    most = await refused(house.book("10:00", "Cut", party=3), Reason.TOO_MANY)
    assert most.data == {"most": 2, "of": "together"}
    turns = await house.book("10:00", "Cut", party=3, arrangement="in_turn", staff="Bruno")
    assert house.parts(turns) == ["10:00-10:30 Cut Bruno", "10:30-11:00 Cut Bruno", "11:00-11:30 Cut Bruno"]
    most = await refused(house.book("10:00", "Cut", party=5), Reason.TOO_MANY)
    assert most.data["most"] == 4
    await house.cancel(one)
    assert "09:00" in await house.clocks("Cut", party=2)


async def test_an_add_on_takes_its_time_and_its_money(house: House) -> None:
    wash = house.known.add_ons(house.service("Cut"))[0].id
    one = await house.book("12:15", "Cut", staff="Ana", add_ons=[wash])
    assert (one.ends, one.price) == (at("13:00"), 3500)
    assert "12:30" not in await house.clocks("Cut", staff="Ana", add_ons=[wash])


async def test_a_class_has_seats(house: House) -> None:
    found = (await house.free("Yoga")).slots
    assert [(slot.starts, slot.seats_left) for slot in found] == [(at("12:00"), 3)]
    first = await house.book("12:00", "Yoga", party=2)
    assert first.session_id == found[0].session_id
    assert (await house.free("Yoga")).slots[0].seats_left == 1
    gone = await refused(house.book("12:00", "Yoga", party=2), Reason.SOLD_OUT)
    assert gone.data["left"] == 1
    await house.book("12:00", "Yoga")
    await refused(house.book("12:00", "Yoga"), Reason.SOLD_OUT)
    await refused(house.book("11:00", "Yoga"), Reason.OUTSIDE_HOURS)
    assert [one.party for one in await sessions.roster(house.session, house.business_id, first.session_id)] == [2, 1]
    await house.move(first, "12:00", day=TUESDAY)
    assert (await house.free("Yoga")).slots[0].seats_left == 2
    assert first.session_id != found[0].session_id


async def test_a_class_takes_its_teacher_and_its_room(house: House) -> None:
    assert "12:00" not in await house.clocks("Massage", staff="Carla")
    assert "12:00" not in await house.clocks("Rehearsal")
    assert "11:00" in await house.clocks("Rehearsal")


async def test_a_cancelled_class_frees_everything(house: House) -> None:
    one = await house.book("12:00", "Yoga")
    gone = await sessions.cancel_class(house.session, house.business_id, one.session_id, now=NOW, actor="staff:x")
    assert [(each.booking.id, each.booking.state) for each in gone] == [(one.id, State.CANCELLED_BY_BUSINESS)]
    assert (await house.free("Yoga")).reason == Reason.OUTSIDE_HOURS
    assert "12:00" in await house.clocks("Massage", staff="Carla")
    assert await sessions.materialise(house.session, house.known, now=NOW) == []
    assert (await house.free("Yoga")).reason == Reason.OUTSIDE_HOURS  # it is not made again


async def test_a_class_without_a_timetable_begins_with_its_first_booking(house: House) -> None:
    one = await house.book("09:00", "Workshop")
    two = await house.book("09:00", "Workshop", party=3)
    assert one.session_id == two.session_id is not None
    await refused(house.book("09:00", "Workshop"), Reason.SOLD_OUT)
    await refused(house.book("10:00", "Workshop"), Reason.STAFF_BUSY)
    slots = (await house.free("Workshop")).slots
    assert slots[0].starts == at("11:00")
    assert slots[0].session_id is None


async def test_bicycles_over_days(house: House) -> None:
    one = await house.book("09:00", "Ride", units=3, party=2)
    assert (one.staff_id, one.starts, one.ends) == (None, at("09:00"), at("18:00", date(2026, 11, 25)))
    assert one.price == 2500 * 3 * 2
    await house.book("09:00", "Ride", day=TUESDAY)
    await refused(house.book("09:00", "Ride", day=TUESDAY), Reason.RESOURCE_BUSY)
    assert [slot.starts for slot in (await house.free("Ride", days=5)).slots] == [
        at("09:00"), at("09:00", date(2026, 11, 25)), at("09:00", date(2026, 11, 26)), at("09:00", date(2026, 11, 27)),
    ]  # fmt: skip
    await refused(house.book("10:00", "Ride", day=TUESDAY), Reason.OFF_GRID)
    await refused(house.book("09:00", "Ride", units=6), Reason.TOO_MANY)
    moved = await house.move(one, "09:00", day=date(2026, 11, 26))
    assert (moved.units, moved.ends) == (3, at("18:00", date(2026, 11, 28)))


async def test_a_room_by_the_hour(house: House) -> None:
    one = await house.book("10:00", "Rehearsal", units=2)
    assert (one.ends, one.price) == (at("12:00"), 4000)
    assert "08:00" in await house.clocks("Rehearsal", units=2)
    assert "09:00" not in await house.clocks("Rehearsal", units=2)
    assert "09:00" in await house.clocks("Rehearsal", units=1)
    assert (await house.clocks("Rehearsal"))[-1] == "19:00"


async def test_approval_holds_the_time_until_somebody_answers(house: House) -> None:
    one = await house.book("09:00", "Consultation")
    assert one.state == State.PENDING_APPROVAL
    await refused(house.book("09:00", "Cut", staff="Ana"), Reason.HELD)
    done = await booking.approve(house.session, house.business_id, one.id, version=1, now=NOW, actor="staff:x")
    assert done.state == State.CONFIRMED
    two = await house.book("09:30", "Consultation")
    await booking.decline(house.session, house.business_id, two.id, version=None, now=NOW, actor="staff:x")
    assert (two.state, await house.clocks("Cut", staff="Ana"))[0] == State.DECLINED
    assert "09:30" in await house.clocks("Cut", staff="Ana")
    three = await house.book("10:00", "Consultation")
    gone = await booking.expire_due(house.session, now=three.hold_expires_at)
    assert [each.id for each in gone] == [three.id]


async def test_a_limit_is_kept_by_the_table(house: House) -> None:
    first = await house.book("09:00", "Consultation")
    await house.book("10:00", "Consultation")
    await refused(house.book("11:00", "Consultation"), Reason.LIMIT_REACHED)
    assert (await house.free("Consultation")).reason == Reason.LIMIT_REACHED
    assert (await house.free("Consultation", day=TUESDAY)).slots
    await house.move(first, "11:00")  # its own place does not count
    await house.cancel(first)
    assert (await house.free("Consultation")).slots
    await house.book("11:30", "Consultation", override=True, actor="staff:x")


async def test_a_limit_that_comes_later_counts_what_is_there(house: House) -> None:
    for clock in ("09:00", "09:30"):
        await house.book(clock, "Cut", staff="Ana")
    limit = BookingLimit(business_id=house.business_id, staff_id=house.person("Ana"), period="day", count=2)
    house.session.add(limit)
    await house.session.flush()
    house.known = await load_catalog(house.session, house.business_id)
    assert await limits.count_existing(house.session, house.known, now=NOW) == 0
    assert await limits.count_existing(house.session, house.known, now=NOW) == 0
    await refused(house.book("11:00", "Cut", staff="Ana"), Reason.LIMIT_REACHED)
    assert (await house.book("11:00", "Cut")).staff_id == house.person("Bruno")


async def test_a_limit_of_a_file_that_is_loaded_again_counts_what_is_there(session, tmp_path) -> None:
    house = await open_house(session, tmp_path)
    for clock in ("09:00", "09:30"):
        await house.book(clock, "Cut", staff="Ana")
    limited = HOUSE.replace("{name: Ana, ", "{name: Ana, limits: {day: 2}, ")
    assert limited != HOUSE
    again = await open_house(session, tmp_path, limited)
    assert again.business_id == house.business_id
    again.keys = house.keys
    await refused(again.book("11:00", "Cut", staff="Ana"), Reason.LIMIT_REACHED)


async def test_another_place(house: House) -> None:
    assert await house.clocks("Cut", place="South") == []
    assert (await house.clocks("Cut", place="South", day=TUESDAY))[0] == "09:00"
    one = await house.book("09:00", "Cut", day=TUESDAY, staff="Dora")
    assert one.location_id == house.place("South")
    await refused(house.book("09:00", "Colour", place="South"), Reason.STAFF_CANNOT)


async def test_a_desk_may_pass_over_hours_but_over_nobody(house: House) -> None:
    await refused(house.book("13:00", "Cut", staff="Ana"), Reason.OUTSIDE_HOURS)
    late = await house.book("13:00", "Cut", staff="Ana", override=True, actor="staff:x")
    assert late.starts == at("13:00")
    await refused(house.book("13:15", "Cut", staff="Ana", override=True, actor="staff:x"), Reason.STAFF_BUSY)


async def a_series(house: House, on_conflict: OnConflict, key: str = "series", **more: object) -> series.Series:
    return await series.hold_series(
        house.session, catalog=house.known, wanted=house.wanted("Cut", staff="Ana"), starts=at("09:00"),
        rule="FREQ=WEEKLY;COUNT=3", on_conflict=on_conflict, customer_id=await house.customer(), conversation_id=None,
        key=key, now=NOW, **more,
    )  # fmt: skip


async def test_a_series_tells_of_each_visit(house: House) -> None:  # 61
    second = MONDAY + timedelta(days=7)
    await house.book("09:00", "Cut", staff="Ana", day=second)
    error = await refused(a_series(house, OnConflict.REFUSE), Reason.STAFF_BUSY)
    assert [one["number"] for one in error.data["conflicts"]] == [2]
    assert await house.taken() == 1
    made = await a_series(house, OnConflict.SKIP)
    assert [one.booking is not None for one in made.occurrences] == [True, False, True]
    assert made.occurrences[1].alternatives[0] == at("09:30", second)
    again = await a_series(house, OnConflict.SKIP)
    assert [one.booking and one.booking.id for one in again.occurrences] == [
        one.booking and one.booking.id for one in made.occurrences
    ]
    third = made.occurrences[2].booking
    await house.move(third, "10:00", day=third.starts.date())
    assert len(await series.load_series(house.session, house.business_id, made.id)) == 2
    gone = await series.cancel_series(
        house.session, house.business_id, made.occurrences[0].booking.id, Scope.ALL, by="customer", now=NOW,
        actor="customer",
    )  # fmt: skip
    assert len(gone) == 2


async def test_a_series_swaps_for_the_nearest(house: House) -> None:
    second = MONDAY + timedelta(days=7)
    await house.book("09:00", "Cut", staff="Ana", day=second)
    made = await a_series(house, OnConflict.SWAP)
    assert [one.booking.starts for one in made.occurrences] == [
        at("09:00"), at("09:30", second), at("09:00", MONDAY + timedelta(days=14)),
    ]  # fmt: skip
    assert [one.swapped for one in made.occurrences] == [False, True, False]


async def test_the_timetable_is_prolonged_once_a_day(house: House) -> None:
    later = NOW + timedelta(days=10)
    assert await sessions.prolong_due(house.session, now=later) == []
    assert await sessions.prolong_due(house.session, now=later) == []
    last = await house.session.scalar(
        ClassSession.__table__.select().with_only_columns(ClassSession.starts).order_by(ClassSession.starts.desc())
    )
    assert last.date() == (later + timedelta(days=60)).date()

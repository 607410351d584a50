"""What a hostile review found: each of these once went wrong."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import (
    booking,
    customers,
    disruption,
    limits,
    offering,
    offers,
    proposals,
    series,
    sessions,
    waitlist,
)
from booking_core.catalog import load_catalog
from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.models import BookingLimit, ClassTime, DateOverride, State
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from booking_core.series import OnConflict
from tests.booking_core import line as lines
from tests.booking_core import shop as shops
from tests.booking_core.house import HOUSE, MONDAY, NOW, House, at, open_house
from tests.booking_core.line import Line
from tests.booking_core.shop import open_shop
from tests.databases import named

TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
async def house(session: AsyncSession, tmp_path: Path) -> House:
    return await open_house(session, tmp_path)


async def reload(house):
    house.known = await load_catalog(house.session, house.business_id)


async def later(work, seconds):
    await asyncio.sleep(seconds)
    return await work


BIKES = HOUSE.replace("name: Bike, units: 3", "name: Bike, units: 16")
MAXB = (
    HOUSE.replace("booking_window: 60}", "booking_window: 60, buffers: max}")
    .replace("{name: Rehearsal, unit: hour,", "{name: Rehearsal, buffer_before: 30, unit: hour,")
    .replace(
        "staff:\n  - {name: Ana",
        '  - {name: Hallday, unit: day, units_max: 5, day_from: "9:00", day_until: "15:00", staff: nobody,'
        ' needs: {hall: 1}, price: "1.00"}\nstaff:\n  - {name: Ana',
    )
    .replace(
        '{service: Yoga, location: North, staff: Carla, day: mon-fri, time: "12:00"}',
        '{service: Yoga, location: North, staff: Carla, day: mon-fri, time: "8:00"}',
    )
)


async def many(database, house, n, service, clock="09:00", staff=None, **more):
    async with database.transaction() as s:
        customers_ = [
            (await customers.load_or_create(s, house.business_id, None, name="x", locale="en", now=NOW)).id
            for _ in range(n)
        ]

    async def one(i):
        async with database.transaction() as s:
            known = await load_catalog(s, house.business_id)
            mine = House(s, house.business_id, known, keys=100 * (i + 1))
            try:
                await mine.book(
                    clock[i] if isinstance(clock, list) else clock,
                    service,
                    customer=customers_[i],
                    staff=staff[i] if staff else None,
                    **more,
                )
                return "ok"
            except BookingRefused as refused:
                return refused.reason.value

    return await asyncio.gather(*(one(i) for i in range(n)))


async def test_far_time_off_hides_present(house):
    ana = house.person("Ana")
    await disruption.record_time_off(
        house.session, catalog=house.known, staff_id=ana, starts=at("08:00"), ends=at("20:00"), now=NOW, actor="staff:x"
    )
    await reload(house)
    assert await house.clocks("Colour", staff="Ana") == []
    await disruption.record_time_off(
        house.session,
        catalog=house.known,
        staff_id=house.person("Bruno"),
        starts=at("08:00") + timedelta(days=30),
        ends=at("08:00") + timedelta(days=365 * 10),
        now=NOW,
        actor="staff:x",
    )
    await reload(house)
    assert await house.clocks("Colour", staff="Ana") == []


async def test_far_holiday_hides_present(house):
    north = house.place("North")

    def over(day):
        return DateOverride(
            business_id=house.business_id, id=new_id(), location_id=north, staff_id=None, day=day, spans=[]
        )

    house.session.add(over(MONDAY))
    await house.session.flush()
    await reload(house)
    assert await house.clocks("Cut") == []
    house.session.add(over(date(2029, 12, 25)))
    await house.session.flush()
    await reload(house)
    assert await house.clocks("Cut", place="North") == []


async def test_no_seat_in_a_class_whose_teacher_is_away(house):
    await disruption.record_time_off(
        house.session,
        catalog=house.known,
        staff_id=house.person("Carla"),
        starts=at("08:00"),
        ends=at("20:00"),
        now=NOW,
        actor="staff:x",
    )
    await reload(house)
    assert (await house.free("Yoga")).slots == []


async def test_no_class_materialised_in_time_off(house):
    await disruption.record_time_off(
        house.session,
        catalog=house.known,
        staff_id=house.person("Carla"),
        starts=at("08:00") + timedelta(days=61),
        ends=at("20:00") + timedelta(days=64),
        now=NOW,
        actor="staff:x",
    )
    await reload(house)
    later = NOW + timedelta(days=5)
    await sessions.materialise(house.session, house.known, now=later)
    n = await house.session.scalar(
        text("select count(*) from class_session where starts between :a and :b"),
        {"a": at("08:00") + timedelta(days=61), "b": at("20:00") + timedelta(days=64)},
    )
    assert n == 0


async def test_proposal_not_in_same_closed_hall(house):
    await house.book("12:00", "Yoga")
    hall = next(r.id for r in house.known.resources if r.kind == "hall")
    off = await disruption.record_time_off(
        house.session,
        catalog=house.known,
        resource_id=hall,
        starts=at("08:00"),
        ends=at("20:00") + timedelta(days=30),
        now=NOW,
        actor="staff:x",
    )
    await reload(house)
    got = await disruption.propose_all(house.session, catalog=house.known, time_off=off, now=NOW, actor="staff:x")
    assert got[0].proposal is None or got[0].proposal.starts >= off.ends


async def test_sixteen_bikes_for_sixteen(database, tmp_path):
    async with database.transaction() as s:
        house = await open_house(s, tmp_path, BIKES)
    got = await many(database, house, 16, "Ride")
    assert got == ["ok"] * 16


async def test_limit_with_room_for_all(database, tmp_path):
    names = "ABCDEFGHIJKL"
    file = HOUSE.replace(
        "staff:\n  - {name: Ana",
        "staff:\n"
        + "".join(
            f'  - {{name: P{n}, location: North, services: {{Check: }}, hours: {{mon-fri: "9:00-13:00"}}}}\n'
            for n in names
        )
        + "  - {name: Ana",
    ).replace(
        "  - {name: Consultation,",
        '  - {name: Check, duration: 30, price: "0.00", limits: {day: 12}}\n  - {name: Consultation,',
    )
    async with database.transaction() as s:
        house = await open_house(s, tmp_path, file)
    got = await many(database, house, 12, "Check", staff=[f"P{n}" for n in names])
    assert got == ["ok"] * 12


async def test_guest_and_business_cancel_at_once(database, tmp_path):
    async with database.transaction() as s:
        house = await open_house(s, tmp_path)
        one = await house.book("12:00", "Yoga")

    async def by_business():
        async with database.transaction() as s:
            await sessions.cancel_class(s, house.business_id, one.session_id, now=NOW, actor="staff:x")

    async def by_guest():
        async with database.transaction() as s:
            await booking.load(s, house.business_id, one.id, for_update=True)  # what cancel begins with
            await asyncio.sleep(0.5)
            await booking.cancel(s, house.business_id, one.id, by="customer", version=None, now=NOW, actor="customer")

    got = await asyncio.gather(by_guest(), later(by_business(), 0.2), return_exceptions=True)
    assert got == [None, None]


async def test_series_swap_does_not_eat_itself(session):
    shop = await open_shop(session, hours=(9, 10))
    c = await shop.customer()
    await shop.hold(shops.at("09:00", TUESDAY))
    got = await series.hold_series(
        shop.session,
        catalog=await shop.catalog(),
        wanted=VisitRequest.one(shop.services["cut"], shop.staff["Ana"]),
        starts=shops.at("09:00"),
        rule="FREQ=DAILY;COUNT=2",
        on_conflict=OnConflict.SWAP,
        customer_id=c,
        conversation_id=None,
        key="series",
        now=shops.NOW,
    )
    for one in got.occurrences:
        await shop.session.refresh(one.booking)
    assert [o.booking.state for o in got.occurrences] == ["held", "held"]


async def test_own_hold_is_kept_where_another_is_free(shop):
    c = await shop.customer()
    first = await shop.hold("09:00", staff=None, customer=c)
    second = await shop.hold("09:00", staff=None, customer=c)
    await shop.session.refresh(first)
    assert (first.state, second.state) == ("held", "held")


async def test_price_of_party_with_two_prices(house):
    await house.session.execute(
        text("update skill set price=4000 where staff_id=:s and service_id=:v"),
        {"s": house.person("Bruno"), "v": house.service("Cut")},
    )
    await reload(house)
    one = await house.book("09:00", "Cut", party=2)
    assert house.parts(one) == ["09:00-09:30 Cut Ana", "09:00-09:30 Cut Bruno"]
    assert one.price == 3000 + 4000


async def test_checked_in_guest_of_cancelled_class(house):
    one = await house.book("12:00", "Yoga", now=NOW)
    await booking.check_in(house.session, house.business_id, one.id, now=NOW, actor="staff:x")
    await sessions.cancel_class(house.session, house.business_id, one.session_id, now=NOW, actor="staff:x")
    await house.session.refresh(one)
    assert one.state == State.CANCELLED_BY_BUSINESS


async def test_cancelled_class_checked_in_reopen(house):
    one = await house.book("09:00", "Workshop")
    await booking.check_in(house.session, house.business_id, one.id, now=NOW, actor="s")
    await sessions.cancel_class(house.session, house.business_id, one.session_id, now=NOW, actor="s")
    assert "09:00" in await house.clocks("Workshop")
    await house.book("09:00", "Workshop")


async def test_timetable_drops_class_whose_only_booking_was_cancelled(house):
    one = await house.book("12:00", "Yoga")
    await house.cancel(one)
    # the timetable now says 11:00
    await house.session.execute(text("update class_time set minute = 660"))
    await reload(house)
    await sessions.materialise(house.session, house.known, now=NOW)
    assert await house.clocks("Yoga") == ["11:00"]


async def test_service_leaves_timetable(house):
    await house.session.execute(text("delete from class_time"))
    await reload(house)
    await sessions.materialise(house.session, house.known, now=NOW)
    n = await house.session.scalar(text("select count(*) from class_session where state='open'"))
    assert n == 0


async def test_class_put_on_timetable_where_one_ended(house):
    one = await house.book("09:00", "Workshop")
    await house.cancel(one)
    house.session.add(
        ClassTime(
            business_id=house.business_id,
            id=new_id(),
            service_id=house.service("Workshop"),
            location_id=house.place("North"),
            staff_id=house.person("Ana"),
            weekday=0,
            minute=540,
        )
    )
    await house.session.flush()
    await reload(house)
    assert await sessions.materialise(house.session, house.known, now=NOW) == []
    assert await house.clocks("Workshop") == ["09:00"]


async def test_smaller_class_counts_those_beyond(house):
    a = await house.book("12:00", "Yoga")
    b = await house.book("12:00", "Yoga")
    await house.book("12:00", "Yoga")
    await house.cancel(a)
    await house.cancel(b)
    await house.session.execute(text("update service set capacity = 2 where name='Yoga'"))
    await reload(house)
    await sessions.materialise(house.session, house.known, now=NOW)
    assert [s.seats_left for s in (await house.free("Yoga")).slots] == [1]


async def test_move_and_cancel_does_not_dodge_the_fee(house):
    await house.session.execute(text("update service set payment='full' where name='Massage'"))
    await reload(house)
    one = await house.book("09:00", "Massage", staff="Bruno")
    await booking.confirm(house.session, house.business_id, one.id, now=NOW, actor="system")
    # two hours before: nothing comes back
    await house.move(one, "09:00", day=MONDAY + timedelta(days=7))
    gone = await house.cancel(one)
    assert gone.refund == 0


async def test_pending_moved_earlier_does_not_outlast_its_start(house):
    one = await house.book("09:00", "Consultation", day=MONDAY + timedelta(days=3), staff="Ana")
    moved = await house.move(one, "11:00", staff="Ana")
    assert moved.hold_expires_at <= moved.starts


async def test_a_lost_try_leaves_lapsed_holds_readable(database, tmp_path):
    async with database.transaction() as s:
        house = await open_house(s, tmp_path)
        await s.execute(
            text("delete from skill where staff_id=:a and service_id=:c"),
            {"a": house.person("Ana"), "c": house.service("Colour")},
        )
        await s.execute(text("update service set payment='full' where name='Cut'"))
        house.known = await load_catalog(s, house.business_id)
        held = await house.book("09:00", "Cut", staff="Ana")
    late = NOW + timedelta(minutes=30)
    went = asyncio.Event()

    async def quicker():
        async with database.transaction() as s:
            mine = House(s, house.business_id, await load_catalog(s, house.business_id), keys=500)
            await mine.book("09:30", "Massage", staff="Carla", now=late)
            went.set()
            await asyncio.sleep(0.5)

    async def slower():
        await went.wait()
        async with database.transaction() as s:
            mine = House(s, house.business_id, await load_catalog(s, house.business_id), keys=600)
            hold = await booking.load(s, house.business_id, held.id)  # what the customer had held
            with pytest.raises(BookingRefused):
                await mine.book("09:00", "Cut and colour", staff="Ana", now=late)
            return hold.state

    _, _state = await asyncio.gather(quicker(), slower())


async def test_refused_late_yes_leaves_the_entry_readable(session):
    shop = await open_shop(session)
    line = Line(shop)
    taken = await line.book("12:00")
    entry = await waitlist.join(
        session,
        catalog=await shop.catalog(),
        wanted=line.wanted(),
        windows=[(shops.at("12:00"), shops.at("12:20"))],
        customer_id=await shop.customer(),
        conversation_id=None,
        key="w",
        now=lines.NOW,
    )
    await booking.cancel(
        session, shop.business_id, taken.id, by="customer", version=None, now=lines.NOW, actor="customer"
    )
    [offer] = (await offering.offer_freed(session, shop.business_id, now=lines.NOW)).offers
    late = offer.booking.hold_expires_at + timedelta(minutes=1)
    await booking.expire_due(session, now=late)
    await shop.hold("12:00", service="trim", now=late)
    with pytest.raises(BookingRefused):
        await offers.accept(session, shop.business_id, entry.id, offer.booking.id, now=late, key="yes")


async def test_series_same_key_at_once(database, session):
    shop = await open_shop(session, services={"trim": {"duration": 60, "slot_interval": 60, "price": 100}})
    c = await shop.customer()
    await session.commit()

    async def go():
        async with database.transaction() as s:
            await asyncio.sleep(0)
            got = await series.hold_series(
                s,
                catalog=await load_catalog(s, shop.business_id),
                wanted=VisitRequest.one(shop.services["trim"], shop.staff["Ana"]),
                starts=shops.at("10:00"),
                rule="FREQ=DAILY;COUNT=3",
                on_conflict=OnConflict.SKIP,
                customer_id=c,
                conversation_id=None,
                key="series",
                now=shops.NOW,
            )
            await asyncio.sleep(0.3)
            return got.id

    r = await asyncio.gather(go(), go(), return_exceptions=True)
    assert r[0] == r[1]


async def test_key_of_another_wish(house):
    await house.book("09:00", "Cut", staff="Ana", key="k")
    with pytest.raises(BookingRefused) as e:
        await house.book("11:00", "Massage", staff="Bruno", key="k")
    assert e.value.reason == Reason.KEY_REUSED


async def test_short_day_of_the_house_gives_nobody_more_hours(house):
    # Dora works on Tuesdays only, and her place is open shorter on one Wednesday.
    wed = MONDAY + timedelta(days=2)
    assert await house.clocks("Cut", staff="Dora", day=wed) == []
    house.session.add(
        DateOverride(
            business_id=house.business_id,
            id=new_id(),
            location_id=house.place("South"),
            staff_id=None,
            day=wed,
            spans=[{"opens": 540, "closes": 660}],
        )
    )
    await house.session.flush()
    await reload(house)
    assert await house.clocks("Cut", staff="Dora", day=wed) == []


async def test_no_show_of_a_rental_gives_it_back(house):
    rides = [await house.book("09:00", "Ride", units=5) for _ in range(3)]
    late = at("10:00")
    for one in rides:
        await booking.mark_no_show(house.session, house.business_id, one.id, now=late, actor="staff:x")
        await booking.cancel(
            house.session, house.business_id, one.id, by="business", version=None, now=late, actor="staff:x"
        )
    assert await house.clocks("Ride", day=MONDAY + timedelta(days=2)) == ["09:00"]


async def test_guests_who_come_together_and_pay_late_have_it_again_with_whoever_is_free(house):
    """One person cannot do both at once: nobody in particular is asked for."""
    await house.session.execute(text("update service set payment='full' where name='Cut'"))
    await reload(house)
    one = await house.book("10:00", "Cut", party=2)
    assert one.state == "held"
    late = NOW + timedelta(hours=1)
    await booking.expire_due(house.session, now=late)
    again = await booking.retake(house.session, house.business_id, one.id, now=late)
    assert again.state == "confirmed"
    assert len({part["staff"][0] for part in again.parts}) == 2


async def test_retake_with_open_proposal(house):
    await house.session.execute(text("update service set payment='full' where name='Massage'"))
    await reload(house)
    one = await house.book("10:00", "Massage", staff="Bruno")
    off = await disruption.record_time_off(
        house.session,
        catalog=house.known,
        staff_id=house.person("Bruno"),
        starts=at("10:00"),
        ends=at("11:00"),
        now=NOW,
        actor="s",
    )
    await reload(house)
    [got] = await disruption.propose_all(house.session, catalog=house.known, time_off=off, now=NOW, actor="s")
    assert got.proposal
    late = NOW + timedelta(minutes=20)
    await booking.expire_due(house.session, now=late)
    await disruption.remove_time_off(house.session, house.business_id, off.id)
    await reload(house)
    # the place that had been proposed is taken by somebody else
    await house.book(got.proposal.starts, "Massage", staff=house.name(got.proposal.staff_id), now=late)
    await booking.retake(house.session, house.business_id, one.id, now=late)
    with pytest.raises(BookingRefused):
        await proposals.accept(house.session, house.business_id, got.proposal.id, now=late, key="p")


async def test_paid_late_what_staff_allowed(house):
    await house.session.execute(text("update service set payment='full' where name='Massage'"))
    await reload(house)
    one = await house.book("18:00", "Massage", staff="Bruno", override=True, actor="staff:x")
    late = NOW + timedelta(minutes=20)
    await booking.expire_due(house.session, now=late)
    got = await booking.retake(house.session, house.business_id, one.id, now=late)
    assert got.state == "confirmed"


async def test_unknown_add_on(house):
    with pytest.raises(BookingRefused):
        await house.book("09:00", "Cut", add_ons=[uuid4()])


async def test_max_buffers_after_a_rental(session, tmp_path):
    house = await open_house(session, tmp_path, MAXB)
    sat = MONDAY + timedelta(days=5)
    await house.book("09:00", "Hallday", day=sat)
    assert "15:00" not in await house.clocks("Rehearsal", day=sat)


async def test_series_alternatives_are_near(session):
    shop = await open_shop(
        session, hours=(8, 20), people=("Ana",), services={"quick": {"duration": 10, "slot_interval": 5, "price": 100}}
    )
    wednesday = MONDAY + timedelta(days=9)
    session.add(
        DateOverride(
            business_id=shop.business_id,
            id=new_id(),
            location_id=shop.location_id,
            staff_id=None,
            day=wednesday,
            spans=[],
        )
    )
    await session.flush()
    got = await series.hold_series(
        session,
        catalog=await shop.catalog(),
        wanted=VisitRequest.one(shop.services["quick"]),
        starts=shops.at("10:00", MONDAY + timedelta(days=2)),
        rule="FREQ=WEEKLY;COUNT=2",
        on_conflict=OnConflict.SWAP,
        customer_id=await shop.customer(),
        conversation_id=None,
        key="s",
        now=shops.NOW,
    )
    two = got.occurrences[1]
    # nearest: Tuesday 19:50 (14h before), Thursday 08:00 (22h after)
    assert abs(two.booking.starts - two.starts) < timedelta(hours=15)


async def test_teacher_gone_listing_and_booking_agree(house):
    await house.session.execute(text("update staff set active=false where name='Carla'"))
    await reload(house)
    listed = await house.clocks("Yoga")
    try:
        await house.book("12:00", "Yoga")
        books = ["12:00"]
    except BookingRefused:
        books = []
    assert listed == books


async def test_rental_each_start_once(session, tmp_path):
    file = HOUSE.replace(
        "  - {kind: hall, name: Hall, location: North}",
        "  - {kind: hall, name: Hall, location: North}\n  - {kind: bike, name: SBike, location: South}",
    ).replace("{name: South, address: Street 2}", '{name: South, address: Street 2, hours: {mon-sun: "8:00-20:00"}}')
    house = await open_house(session, tmp_path, file)
    got = await house.clocks("Ride")
    assert got == ["09:00"]


async def test_override_rental_of_a_thing_in_repair(house):
    bike = next(r.id for r in house.known.resources if r.kind == "bike")
    await disruption.record_time_off(
        house.session, catalog=house.known, resource_id=bike, starts=at("08:00"), ends=at("20:00"), now=NOW, actor="s"
    )
    await reload(house)
    await house.book("09:00", "Ride", override=True, actor="staff:x")


async def test_same_business_in_two_databases(database, database_url, postgres_url):
    async with database.transaction() as s:
        shop = await open_shop(s)
    await database.close()
    mine = urlsplit(database_url).path[1:]
    copy = mine + "_copy"
    with psycopg.connect(postgres_url, autocommit=True) as c:
        c.execute(f"CREATE DATABASE {copy} TEMPLATE {mine}")
    other = Database(named(postgres_url, copy))
    first = Database(database_url)
    async with first.transaction() as s:
        await s.execute(text("update service set name='one' where name='cut'"))
        assert "one" in [x.name for x in (await load_catalog(s, shop.business_id)).services]
    async with other.transaction() as s:
        await s.execute(text("update service set name='two' where name='cut'"))
        names = [x.name for x in (await load_catalog(s, shop.business_id)).services]
    await other.close()
    await first.close()
    with psycopg.connect(postgres_url, autocommit=True) as c:
        c.execute(f"DROP DATABASE {copy} WITH (FORCE)")
    assert "two" in names


async def test_count_existing_seats_do_not_use_up_their_teacher(house):
    house.session.add(
        BookingLimit(
            business_id=house.business_id,
            id=new_id(),
            staff_id=house.person("Carla"),
            service_id=None,
            period="day",
            count=3,
        )
    )
    await house.session.flush()
    await reload(house)
    for _ in range(3):
        await house.book("12:00", "Yoga")
    assert "09:00" in await house.clocks("Massage", staff="Carla")
    await limits.count_existing(house.session, house.known, now=NOW)
    assert "09:00" in await house.clocks("Massage", staff="Carla")


async def test_fewer_units(house):
    rides = [await house.book("09:00", "Ride") for _ in range(3)]
    await house.cancel(rides[0])
    await house.cancel(rides[1])
    await house.session.execute(text("update resource set units = 1 where name='Bike'"))
    await reload(house)
    assert await house.clocks("Ride") == []

"""What is offered: windows, reasons, days off, and a number of queries that does not grow."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import event

from booking_core import booking, calendar
from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.models import DateOverride, Service, TimeOff
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from tests.booking_core.shop import MONDAY, NOW, Shop, at, open_shop

TUESDAY = MONDAY + timedelta(days=1)


async def day_off(shop: Shop, staff: str | None, day=MONDAY, *spans: tuple[int, int]) -> None:
    shop.session.add(
        DateOverride(
            business_id=shop.business_id,
            id=new_id(),
            location_id=shop.location_id,
            staff_id=shop.staff[staff] if staff else None,
            day=day,
            spans=[{"opens": a * 60, "closes": b * 60} for a, b in spans],
        )
    )
    await shop.session.flush()


async def test_windows_and_exclusions(shop: Shop) -> None:
    assert await shop.clocks(windows=[(at("10:00"), at("12:00"))]) == ["10:00", "11:00"]
    assert await shop.clocks(windows=[(None, at("10:30"))]) == ["09:00", "10:00"]
    assert await shop.clocks(exclude=[(at("10:00"), at("11:30"))]) == ["09:00", "12:00"]
    twice = [(at("09:00"), at("11:00")), (at("10:00"), at("11:00"))]
    assert await shop.clocks(windows=twice) == ["09:00", "10:00"]
    many = await shop.free(windows=[(NOW, None)], limit=7)
    assert len(many.slots) == 7
    assert many.slots[4].starts == at("09:00", TUESDAY)


async def test_one_start_is_answered_for_itself(shop: Shop) -> None:
    """A tap on an older list still counts when the grid has been laid anew since."""
    await shop.hold("09:00", service="trim")
    assert await shop.clocks() == ["10:00", "11:00", "12:00"]
    assert await shop.clocks(service="trim", windows=[(at("10:20"), at("10:21"))]) == ["10:20"]
    odd = await shop.free(service="trim", windows=[(at("10:07"), at("10:08"))])
    assert (odd.slots, odd.reason) == ([], Reason.OFF_GRID)


async def test_every_empty_answer_has_its_reason(shop: Shop) -> None:
    async def why(clock: str, minutes: int = 1, day=MONDAY, **more: object) -> Reason | None:
        begin = at(clock, day)
        return (await shop.free(windows=[(begin, begin + timedelta(minutes=minutes))], **more)).reason

    await shop.hold("10:00")
    paid = await shop.hold("11:00")
    await booking.confirm(shop.session, shop.business_id, paid.id, now=NOW, actor="system")
    assert await why("07:00") == Reason.PAST
    assert await why("20:00") == Reason.OUTSIDE_HOURS
    assert await why("10:00") == Reason.HELD
    assert await why("11:00") == Reason.STAFF_BUSY
    assert await why("10:00", 120) == Reason.HELD
    assert await why("09:00") is None
    assert await why("09:00", day=MONDAY + timedelta(days=61)) == Reason.TOO_FAR
    away = TimeOff(
        business_id=shop.business_id,
        id=new_id(),
        staff_id=shop.staff["Ana"],
        starts=at("00:00", TUESDAY),
        ends=at("12:00", TUESDAY),
    )
    shop.session.add(away)
    await shop.session.flush()
    assert await why("09:00", day=TUESDAY) == Reason.STAFF_AWAY
    assert await why("09:00", day=TUESDAY, staff="Bruno") is None
    assert await why("09:00", day=TUESDAY, staff=None) is None
    with pytest.raises(BookingRefused):
        await shop.hold(at("11:30", TUESDAY))
    assert (await shop.hold(at("12:00", TUESDAY))).starts == at("12:00", TUESDAY)


async def test_too_soon_says_from_when(session) -> None:
    shop = await open_shop(session, policy={"lead_time": 120})
    soon = await shop.free(windows=[(at("09:00"), at("09:01"))])
    assert (soon.reason, soon.data) == (Reason.TOO_SOON, {"earliest": at("09:30")})
    assert await shop.clocks() == ["10:00", "11:00", "12:00"]


async def test_holidays_and_own_days(shop: Shop) -> None:
    await day_off(shop, None)
    assert (await shop.free()).reason == Reason.OUTSIDE_HOURS
    await day_off(shop, "Ana", MONDAY, (10, 11))
    assert await shop.clocks(staff=None) == ["10:00"]
    await day_off(shop, "Bruno", TUESDAY)
    tuesday = [(at("00:00", TUESDAY), at("23:00", TUESDAY))]
    assert (await shop.free(staff="Bruno", windows=tuesday)).reason == Reason.STAFF_AWAY


async def test_who_cannot_and_what_is_not(shop: Shop) -> None:
    shop.staff["Ghost"] = new_id()
    assert (await shop.free(staff="Ghost")).reason == Reason.STAFF_CANNOT
    service = await shop.session.get(Service, (shop.business_id, shop.services["cut"]))
    service.active = False
    assert (await shop.free()).reason == Reason.STAFF_CANNOT
    shop.services["cut"] = new_id()
    with pytest.raises(BookingRefused, match="unknown"):
        await shop.free()


async def test_anyone_lists_each_start_once_with_the_least_busy(shop: Shop) -> None:
    await shop.hold("09:00", staff="Ana")
    found = await shop.free(staff=None)
    assert [(slot.starts, slot.staff_id) for slot in found.slots] == [
        (at(clock), shop.staff["Bruno"]) for clock in ("09:00", "10:00", "11:00", "12:00")
    ]


async def test_another_business_takes_nothing(session) -> None:
    one, other = await open_shop(session), await open_shop(session)
    await one.hold("10:00")
    assert "10:00" in await other.clocks()
    assert (await other.hold("10:00")).business_id == other.business_id


async def test_the_number_of_queries_does_not_grow(database: Database) -> None:
    counts = []
    for people in (1, 12):
        async with database.transaction() as session:
            shop = await open_shop(session, people=tuple(f"P{n}" for n in range(people)))
            known = await shop.catalog()
            asked: list[str] = []

            def note(connection, cursor, statement, *rest, asked=asked) -> None:
                asked.append(statement)

            event.listen(database.engine.sync_engine, "before_cursor_execute", note)
            await calendar.free_slots(
                session,
                known,
                wanted=VisitRequest.one(shop.services["cut"]),
                windows=[(NOW, NOW + timedelta(days=5 * people))],
                exclude=(),
                now=NOW,
            )
            event.remove(database.engine.sync_engine, "before_cursor_execute", note)
            counts.append(len(asked))
    assert counts == [1, 1]


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_listed_books_and_what_is_cancelled_is_listed_again(session, seed: int) -> None:
    """Random shops, days and bookings: listing and booking are of one mind."""
    chance = random.Random(seed)
    grid = chance.choice(["hour", "range", "packed"])
    services = {
        name: {
            "duration": chance.choice([20, 25, 45, 60, 90]),
            "slot_interval": chance.choice([10, 15, 20, 45, 60]),
            "buffer_before": chance.choice([0, 0, 10]),
            "buffer_after": chance.choice([0, 0, 15]),
            "price": 1000,
            "payment": chance.choice(["none", "full"]),
        }
        for name in ("one", "two")
    }
    # The night of 29 March 2026 has no two o'clock in Madrid, that of 25 October has it twice.
    day = chance.choice([MONDAY, MONDAY.replace(month=3, day=29), MONDAY.replace(month=10, day=25)])
    now = at("00:00", day) - timedelta(days=1)
    shop = await open_shop(
        session,
        hours=(chance.choice([0, 1, 9]), 13),
        policy={"lead_time": 0, "grid": grid},
        services=services,
    )
    windows = [(at("00:00", day), at("23:59", day))]
    for _ in range(8):
        service, staff = chance.choice(["one", "two"]), chance.choice([None, "Ana", "Bruno"])
        before = await shop.free(service=service, staff=staff, windows=windows, now=now)
        if not before.slots:
            continue
        assert [slot.starts for slot in before.slots] == sorted({slot.starts for slot in before.slots})
        slot = chance.choice(before.slots)
        made = await shop.hold(slot.starts, service=service, staff=staff, now=now)
        assert (made.starts, made.ends, made.staff_id) == (slot.starts, slot.ends, slot.staff_id)
        after = await shop.free(service=service, staff=staff, windows=windows, now=now)
        assert (made.starts, made.staff_id) not in {(one.starts, one.staff_id) for one in after.slots}
        if chance.random() < 0.5:
            await booking.cancel(
                session, shop.business_id, made.id, by="customer", version=1, now=now, actor="customer"
            )
            again = await shop.free(service=service, staff=staff, windows=windows, now=now)
            assert again.slots == before.slots

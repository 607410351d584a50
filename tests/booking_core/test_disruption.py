"""Somebody is suddenly away: what is hit, what is proposed and held for it, and what becomes of every answer."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from booking_core import booking, disruption, proposals
from booking_core.catalog import load_catalog
from booking_core.disruption import Result
from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.models import (
    Allocation,
    Booking,
    BookingAudit,
    MoveProposal,
    Reminder,
    Resource,
    Segment,
    Service,
    ServiceResource,
    Skill,
    State,
    TimeOff,
)
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from tests.booking_core.shop import MONDAY, NOW, Shop, at, open_shop

TOMORROW = MONDAY + timedelta(days=1)
JOBS = text("SELECT task_name FROM procrastinate_jobs WHERE task_name LIKE '%move%' ORDER BY id")


async def refused(awaitable, reason: Reason) -> BookingRefused:
    with pytest.raises(BookingRefused) as caught:
        await awaitable
    assert caught.value.reason == reason
    return caught.value


async def book(
    shop: Shop,
    clock: str,
    *,
    service: str = "trim",
    staff: str | None = "Ana",
    customer: UUID | None = None,
    asked_for: bool = False,
    day=MONDAY,
) -> Booking:
    shop.keys += 1
    return await booking.hold(
        shop.session,
        catalog=await shop.catalog(),
        wanted=VisitRequest.one(shop.services[service], shop.staff[staff] if staff else None),
        starts=at(clock, day),
        customer_id=customer or await shop.customer(),
        conversation_id=None,
        key=f"b{shop.keys}",
        now=NOW,
        asked_for=asked_for,
    )


async def away(
    shop: Shop, first: str = "09:00", last: str = "13:00", *, staff: str | None = "Ana", resource: UUID | None = None
) -> TimeOff:
    return await disruption.record_time_off(
        shop.session,
        catalog=await shop.catalog(),
        staff_id=shop.staff[staff] if staff and resource is None else None,
        resource_id=resource,
        starts=at(first),
        ends=at(last),
        kind="sick",
        now=NOW,
        actor="staff:x",
    )


async def propose_all(shop: Shop, time_off: TimeOff, now: datetime = NOW) -> list[Result]:
    return await disruption.propose_all(
        shop.session, catalog=await shop.catalog(), time_off=time_off, now=now, actor="staff:x"
    )


async def yes(shop: Shop, proposal: MoveProposal, now: datetime = NOW, key: str = "yes") -> Booking:
    return await proposals.accept(shop.session, shop.business_id, proposal.id, now=now, key=key)


async def jobs(shop: Shop) -> list[str]:
    return list(await shop.session.scalars(JOBS))


async def allocated(shop: Shop, one: Booking, *, proposed: bool | None = None) -> int:
    query = select(func.count()).select_from(Allocation).where(Allocation.booking_id == one.id)
    if proposed is not None:
        query = query.where(Allocation.proposed.is_(proposed))
    return await shop.session.scalar(query)


async def test_nobody_new_comes_and_who_is_hit_is_listed(shop: Shop) -> None:
    hit = [await book(shop, clock) for clock in ("11:00", "10:00")]
    await book(shop, "09:00")
    await book(shop, "10:00", staff="Bruno")
    gone = await book(shop, "11:40")
    await booking.cancel(
        shop.session, shop.business_id, gone.id, by="customer", version=None, now=NOW, actor="customer"
    )
    time_off = await away(shop, "09:20", "12:00")
    found = await disruption.bookings_hit(shop.session, await shop.catalog(), time_off)
    assert [one.id for one in found] == [hit[1].id, hit[0].id]
    await refused(book(shop, "10:20"), Reason.STAFF_AWAY)
    assert (await away(shop, "09:20", "12:00")).id == time_off.id, "the same again is the same"


async def test_tidying_up_may_outlast_the_stay(shop: Shop) -> None:
    await book(shop, "10:00", service="colour")  # and a quarter of an hour of tidying up
    assert await disruption.bookings_hit(shop.session, await shop.catalog(), await away(shop, "11:00")) == []
    assert len(await disruption.bookings_hit(shop.session, await shop.catalog(), await away(shop, "10:59"))) == 1


async def test_the_same_time_with_somebody_else_is_held(shop: Shop) -> None:
    one = await book(shop, "10:00")
    (result,) = await propose_all(shop, await away(shop))
    proposal = result.proposal
    assert (proposal.starts, proposal.staff_id) == (at("10:00"), shop.staff["Bruno"])
    assert (proposal.state, proposal.expires_at) == ("open", at("09:00"))
    assert (one.staff_id, one.starts, one.version) == (shop.staff["Ana"], at("10:00"), 1), "not moved yet"
    assert (await allocated(shop, one, proposed=False), await allocated(shop, one, proposed=True)) == (1, 1)
    await refused(book(shop, "10:00", staff="Bruno"), Reason.STAFF_BUSY)
    assert await jobs(shop) == ["tell_move_proposed"]
    (again,) = await propose_all(shop, await shop.session.scalar(select(TimeOff)))
    assert (again.proposal.id, again.known) == (proposal.id, True)


async def test_a_yes_moves_it(shop: Shop) -> None:
    one = await book(shop, "12:00")
    (result,) = await propose_all(shop, await away(shop))
    moved = await yes(shop, result.proposal)
    assert (moved.id, moved.staff_id, moved.starts, moved.version) == (one.id, shop.staff["Bruno"], at("12:00"), 2)
    assert (moved.state, moved.parts[0]["staff"]) == (State.CONFIRMED, [str(shop.staff["Bruno"])])
    assert (await allocated(shop, one), await allocated(shop, one, proposed=True)) == (1, 0)
    reminders = await shop.session.execute(
        select(Reminder.booking_version, Reminder.state).order_by(Reminder.booking_version)
    )
    assert [tuple(row) for row in reminders] == [(1, "skipped"), (2, "due")]
    record = await shop.session.scalar(select(BookingAudit).where(BookingAudit.move == "reschedule"))
    assert [(one["staff"], one["starts"]) for one in record.data["freed"]] == [
        (str(shop.staff["Ana"]), at("12:00").astimezone(moved.starts.tzinfo).isoformat())
    ]
    again = await yes(shop, result.proposal, key="again")
    assert (again.id, again.version) == (one.id, 2)
    assert (
        await disruption.bookings_hit(shop.session, await shop.catalog(), await shop.session.scalar(select(TimeOff)))
        == []
    )


async def test_who_asked_for_ana_waits_for_ana(shop: Shop) -> None:
    await book(shop, "10:00", asked_for=True)
    (result,) = await propose_all(shop, await away(shop, "09:00", "12:00"))
    assert (result.proposal.starts, result.proposal.staff_id) == (at("12:00"), shop.staff["Ana"])


async def test_who_always_comes_to_ana_waits_for_ana(shop: Shop) -> None:
    me = await shop.customer()
    for days in (1, 2):
        old = await book(shop, "09:00", customer=me, day=MONDAY + timedelta(days=days))
        old.starts, old.ends = old.starts - timedelta(days=40), old.ends - timedelta(days=40)
    await book(shop, "10:00", customer=me)
    (result,) = await propose_all(shop, await away(shop))
    assert (result.proposal.starts, result.proposal.staff_id) == (at("09:20", TOMORROW), shop.staff["Ana"])


async def test_each_gets_a_place_of_their_own(shop: Shop) -> None:
    hit = [await book(shop, clock) for clock in ("10:00", "10:20", "10:40")]
    await book(shop, "10:20", staff="Bruno")
    results = await propose_all(shop, await away(shop))
    assert [result.booking.id for result in results] == [one.id for one in hit]
    places = {(result.proposal.starts, result.proposal.staff_id) for result in results}
    assert len(places) == 3
    bruno, ana = shop.staff["Bruno"], shop.staff["Ana"]
    assert [(one.proposal.starts, one.proposal.staff_id) for one in results] == [
        (at("10:00"), bruno),
        (at("09:00", TOMORROW), ana),
        (at("10:40"), bruno),
    ]


async def test_where_there_is_nothing_a_person_must_call(session) -> None:
    shop = await open_shop(session, people=("Ana",))
    one = await book(shop, "10:00")
    time_off = await disruption.record_time_off(
        session, catalog=await shop.catalog(), staff_id=shop.staff["Ana"], starts=at("09:00"),
        ends=at("13:00", MONDAY + timedelta(days=30)), kind="sick", now=NOW, actor="staff:x",
    )  # fmt: skip
    (result,) = await propose_all(shop, time_off)
    assert (result.booking.id, result.proposal) == (one.id, None)
    assert await jobs(shop) == []


async def test_a_no_gives_the_place_back(shop: Shop) -> None:
    one = await book(shop, "10:00")
    (result,) = await propose_all(shop, await away(shop))
    declined = await proposals.decline(shop.session, shop.business_id, result.proposal.id, now=NOW)
    assert (declined.state, await allocated(shop, one), one.version) == ("declined", 1, 1)
    assert await jobs(shop) == ["tell_move_proposed", "check_move"]
    await book(shop, "10:00", staff="Bruno")
    await refused(yes(shop, result.proposal), Reason.STAFF_BUSY)
    again = await proposals.decline(shop.session, shop.business_id, result.proposal.id, now=NOW)
    assert (again.state, await jobs(shop)) == ("declined", ["tell_move_proposed", "check_move"])


async def test_nobody_answers_the_clock_gives_it_back(shop: Shop) -> None:
    one = await book(shop, "10:00")
    (result,) = await propose_all(shop, await away(shop))
    assert await proposals.expire_due(shop.session, now=at("08:59")) == []
    assert await proposals.expire_due(shop.session, now=at("09:00")) == [result.proposal]
    assert (result.proposal.state, await allocated(shop, one)) == ("expired", 1)
    assert await jobs(shop) == ["tell_move_proposed", "check_move"]
    assert await proposals.expire_due(shop.session, now=at("09:00")) == []
    moved = await yes(shop, result.proposal, now=at("09:10"))  # late, but it is free
    assert (moved.staff_id, moved.version, result.proposal.state) == (shop.staff["Bruno"], 2, "accepted")


async def test_moving_it_otherwise_gives_the_proposed_place_back(shop: Shop) -> None:
    one = await book(shop, "10:00")
    (result,) = await propose_all(shop, await away(shop, "09:00", "12:00"))
    # Its own proposal is not in its way: neither in the list nor at the place.
    assert "10:00" in await shop.clocks(service="trim", staff="Bruno", ignoring=one.id)
    moved = await shop.move(one, "10:00", staff_id=shop.staff["Bruno"])
    assert (moved.version, await allocated(shop, one), await allocated(shop, one, proposed=True)) == (2, 1, 0)
    await refused(yes(shop, result.proposal), Reason.CHANGED)
    assert await proposals.expire_due(shop.session, now=at("09:00")) == [result.proposal]
    assert await allocated(shop, one) == 1


async def test_cancelling_gives_both_places_back(shop: Shop) -> None:
    one = await book(shop, "10:00")
    (result,) = await propose_all(shop, await away(shop))
    gone = await booking.cancel(
        shop.session, shop.business_id, one.id, by="business", version=None, now=NOW, actor="staff:x", paid=1500
    )
    assert (gone.refund, await shop.allocations()) == (1500, 0)
    await refused(yes(shop, result.proposal), Reason.CHANGED)


async def test_a_hold_that_runs_out_is_not_moved(shop: Shop) -> None:
    held = await book(shop, "10:00", service="cut")
    (result,) = await propose_all(shop, await away(shop))
    late = NOW + timedelta(minutes=15)
    await refused(yes(shop, result.proposal, now=late), Reason.NOT_NOW)
    await booking.expire_due(shop.session, now=late)
    assert (held.state, await shop.allocations()) == (State.EXPIRED, 0)


async def test_staff_choose_another_place(shop: Shop) -> None:
    one = await book(shop, "10:00")
    time_off = await away(shop)
    (result,) = await propose_all(shop, time_off)
    catalog = await shop.catalog()
    others = await disruption.other_places(shop.session, catalog, one, time_off, now=NOW, count=4)
    assert (others[0].starts, len(others)) == (at("10:00"), 4)
    chosen = await disruption.propose_slot(
        shop.session, catalog=catalog, booking=one, starts=at("11:00"), staff_id=shop.staff["Bruno"],
        time_off=time_off, now=NOW, actor="staff:x",
    )  # fmt: skip
    assert (chosen.starts, chosen.state, result.proposal.state) == (at("11:00"), "open", "expired")
    assert await allocated(shop, one, proposed=True) == 1
    both = await disruption.proposals_of(shop.session, time_off)
    assert [proposal.id for _, proposal in both] == [result.proposal.id, chosen.id]


async def test_a_forgotten_time_off_is_free_again(shop: Shop) -> None:
    time_off = await away(shop)
    assert await shop.clocks(service="trim") == []
    await disruption.remove_time_off(shop.session, shop.business_id, time_off.id)
    assert len(await shop.clocks(service="trim")) == 12
    assert await disruption.remove_time_off(shop.session, shop.business_id, time_off.id) is None


async def test_who_is_unknown_cannot_be_away(shop: Shop) -> None:
    shop.staff["Nobody"] = new_id()
    await refused(away(shop, staff="Nobody"), Reason.UNKNOWN)


@pytest.fixture
async def salon(session) -> Shop:
    """Colour after a cut, by different people; the colour needs the only basin."""
    shop = await open_shop(session, people=("Ana", "Bruno", "Carla"), hours=(9, 17))
    place = shop.location_id
    basin = Resource(business_id=shop.business_id, id=new_id(), location_id=place, kind="basin", name="Basin", units=1)
    both = Service(business_id=shop.business_id, id=new_id(), name="both", duration=80, slot_interval=20, price=5000)
    session.add_all([basin, both])
    await session.flush()
    session.add(ServiceResource(business_id=shop.business_id, service_id=shop.services["trim"], kind="basin"))
    session.add_all(
        Segment(business_id=shop.business_id, service_id=both.id, position=n, part_id=shop.services[name], max_wait=0)
        for n, name in enumerate(("trim", "cut"))
    )
    # Carla cuts, and only she; Ana and Bruno trim.
    for name, service in (("Carla", "trim"), ("Ana", "cut"), ("Bruno", "cut")):
        await session.delete(
            await session.scalar(
                select(Skill).where(Skill.staff_id == shop.staff[name], Skill.service_id == shop.services[service])
            )
        )
    await session.flush()
    shop.services["both"] = both.id
    shop.staff["basin"] = basin.id
    return shop


async def test_the_only_basin_is_kept_for_the_same_time_with_somebody_else(salon: Shop) -> None:
    one = await book(salon, "10:00")
    (result,) = await propose_all(salon, await away(salon))
    assert (result.proposal.starts, result.proposal.staff_id) == (at("10:00"), salon.staff["Bruno"])
    assert await allocated(salon, one, proposed=True) == 1, "the basin is held already"
    moved = await yes(salon, result.proposal)
    assert (moved.staff_id, await allocated(salon, one)) == (salon.staff["Bruno"], 2)
    record = await salon.session.scalar(select(BookingAudit).where(BookingAudit.move == "reschedule"))
    assert [list(one)[1] for one in record.data["freed"]] == ["staff"], "the basin is not free"


async def test_only_the_part_that_is_hit_is_planned_anew(salon: Shop) -> None:
    await book(salon, "10:00", service="both")
    (result,) = await propose_all(salon, await away(salon))
    assert result.proposal.starts == at("10:00")
    assert [part["staff"] for part in result.proposal.parts] == [
        [str(salon.staff["Bruno"])],
        [str(salon.staff["Carla"])],
    ]
    moved = await yes(salon, result.proposal)
    assert (moved.staff_id, len(moved.parts)) == (salon.staff["Bruno"], 2)


async def test_a_basin_that_breaks_hits_what_needs_it(salon: Shop) -> None:
    one = await book(salon, "10:00", staff="Ana")
    await book(salon, "10:00", service="cut", staff="Carla")
    time_off = await away(salon, resource=salon.staff["basin"], last="13:00")
    (result,) = await propose_all(salon, time_off)
    assert (result.booking.id, result.proposal.starts) == (one.id, at("13:00"))


async def test_a_class_without_its_teacher_sends_its_guests_to_another(session) -> None:
    yoga = {"yoga": {"duration": 60, "slot_interval": 60, "price": 1200, "capacity": 4, "max_party": 4}}
    shop = await open_shop(session, services=yoga)
    await book(shop, "12:00", service="yoga", staff="Bruno")
    guests = [await book(shop, "10:00", service="yoga", staff="Ana") for _ in range(2)]
    results = await propose_all(shop, await away(shop))
    assert {result.booking.id for result in results} == {one.id for one in guests}
    assert {(one.proposal.starts, one.proposal.staff_id) for one in results} == {(at("12:00"), shop.staff["Bruno"])}
    was = guests[0].session_id
    moved = await yes(shop, results[0].proposal)
    assert moved.session_id == results[0].proposal.session_id != was
    assert await allocated(shop, moved) == 1, "one seat, in the other class"


async def test_who_books_while_a_time_off_is_written_down_is_found(database: Database) -> None:
    """The one has looked before the other has written: neither sees the other, and the job finds both."""
    async with database.transaction() as session:
        shop = await open_shop(session)
        someone = await shop.customer()
    with_time_off = select(TimeOff).where(TimeOff.business_id == shop.business_id)

    async def look(**more: Any) -> list[UUID]:
        async with database.transaction() as session:
            known = await load_catalog(session, shop.business_id)
            off = await session.scalar(with_time_off)
            return [one.id for one in await disruption.overlooked(session, known, off, known=[], **more)]

    async with database.transaction() as slow:
        known = await load_catalog(slow, shop.business_id)  # has only read, and has no number of its own yet
        async with database.transaction() as session:
            off = await disruption.record_time_off(
                session, catalog=known, staff_id=shop.staff["Ana"], starts=at("10:00"), ends=at("11:00"), now=NOW,
                actor="staff:x",
            )  # fmt: skip
            assert await disruption.bookings_hit(session, known, off) == []
        since = datetime.now(UTC)
        assert await look(since=since) == []
        assert len(await looks(database)) == 2, "somebody is under way: it is looked again"
        made = await booking.hold(
            slow, catalog=known, wanted=VisitRequest.one(shop.services["trim"], shop.staff["Ana"]),
            starts=at("10:00"), customer_id=someone, conversation_id=None, key="slow", now=NOW,
        )  # fmt: skip
        assert await look(since=since) == []
    assert len(await looks(database)) == 3
    assert await look(since=since) == [made.id]
    assert len(await looks(database)) == 3, "whoever may not have seen it is done: that was the last look"
    first, second, _ = await looks(database)
    assert (first["known"], first["since"], second["since"]) == ([], None, since.isoformat())


async def looks(database: Database) -> list[dict[str, Any]]:
    async with database.transaction() as session:
        jobs = text("SELECT args FROM procrastinate_jobs WHERE task_name = 'check_time_off' ORDER BY id")
        return list(await session.scalars(jobs))

"""The waitlist: who is offered what becomes free, and what every answer to it comes to."""

from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from booking_core import booking, offering, offers, waitlist
from booking_core.freed import freed
from booking_core.models import Allocation, BookingAudit, Reminder, State, WaitlistEntry
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from tests.booking_core.line import MORNING, NOW, Line, later
from tests.booking_core.shop import MONDAY, Shop, at, open_shop

#: Ana's whole morning in twenty minutes each.
FULL = [f"{hour:02}:{minute:02}" for hour in range(9, 13) for minute in (0, 20, 40)]


@pytest.fixture
def line(shop: Shop) -> Line:
    return Line(shop)


async def refused(awaitable, reason: Reason) -> BookingRefused:
    with pytest.raises(BookingRefused) as caught:
        await awaitable
    assert caught.value.reason == reason
    return caught.value


async def test_what_is_cancelled_is_held_for_the_first_in_the_line(line: Line) -> None:
    full = await line.fill(*FULL)
    first = await line.join()
    await line.join(now=later(1))
    assert (await line.look()).offers == []
    await line.cancel(full[3])
    (offer,) = (await line.look()).offers
    assert (offer.entry.id, offer.booking.starts) == (first.id, at("10:00"))
    assert (offer.booking.state, offer.booking.hold_expires_at) == (State.HELD, later(30))
    assert (offer.booking.customer_id, offer.booking.due) == (first.customer_id, 0)
    assert await line.states() == ["offered", "waiting"]
    # It is held: nobody else gets it, and there is nothing more to offer.
    await refused(line.book("10:00"), Reason.HELD)
    assert (await line.look()).offers == []


async def test_a_yes_books_it(line: Line) -> None:
    full = await line.fill(*FULL)
    entry = await line.join()
    await line.cancel(full[9])
    (offer,) = (await line.look()).offers
    accepted = await line.yes(entry, offer.booking)
    assert (accepted.booking.id, accepted.booking.state, accepted.repeated) == (offer.booking.id, "confirmed", False)
    assert await line.states() == ["booked"]
    assert await line.session.scalar(select(func.count()).select_from(Reminder).where(
        Reminder.booking_id == offer.booking.id)) == 1  # fmt: skip
    again = await line.yes(entry, offer.booking)
    assert (again.booking.id, again.repeated) == (offer.booking.id, True)
    await refused(line.no(entry, offer.booking), Reason.NOT_NOW)
    assert await waitlist.list_for(line.session, line.shop.business_id, entry.customer_id, now=NOW) == []


async def test_a_no_goes_to_the_next_at_once_and_never_comes_back(line: Line) -> None:
    full = await line.fill(*FULL)
    first, second = await line.join(), await line.join(now=later(1))
    await line.cancel(full[3])
    (offer,) = (await line.look()).offers
    before = await line.jobs()
    await line.no(first, offer.booking)
    assert await line.jobs() == before + 1, "a no defers the look by itself"
    assert await line.states() == ["waiting", "waiting"]
    (next_offer,) = (await line.look()).offers
    assert (next_offer.entry.id, next_offer.booking.starts) == (second.id, at("10:00"))
    await line.no(second, next_offer.booking)
    assert (await line.look()).offers == [], "both have let that time go"
    await line.no(first, offer.booking)  # said again, it changes nothing
    assert first.passed == [at("10:00").astimezone(first.created_at.tzinfo).isoformat()]
    assert await line.shop.clocks(service="trim") == ["10:00"]


async def test_nobody_answers_the_clock_passes_it_on(line: Line) -> None:
    full = await line.fill(*FULL)
    first, second = await line.join(), await line.join(now=later(1))
    await line.cancel(full[9])
    (offer,) = (await line.look()).offers
    assert await booking.expire_due(line.session, now=later(29)) == []
    assert (await line.look(now=later(29))).offers == []
    before = await line.jobs()
    (gone,) = await booking.expire_due(line.session, now=later(30))
    assert gone.id == offer.booking.id
    assert await line.jobs() == before + 1
    (next_offer,) = (await line.look(now=later(30))).offers
    assert next_offer.entry.id == second.id
    assert await line.states() == ["waiting", "offered"]
    await line.session.refresh(first)
    assert first.passed == [at("12:00").astimezone(first.created_at.tzinfo).isoformat()]


async def test_a_late_yes_is_taken_while_the_time_is_free(line: Line) -> None:
    full = await line.fill(*FULL)
    entry = await line.join()
    await line.cancel(full[9])
    (offer,) = (await line.look()).offers
    await booking.expire_due(line.session, now=later(30))
    accepted = await line.yes(entry, offer.booking, now=later(40))
    assert (accepted.booking.state, accepted.booking.starts) == (State.CONFIRMED, at("12:00"))
    assert await line.states() == ["booked"]
    again = await line.yes(entry, offer.booking, now=later(41))
    assert (again.booking.id, again.repeated) == (accepted.booking.id, True)


async def test_a_late_yes_loses_to_the_next_in_the_line(line: Line) -> None:
    full = await line.fill(*FULL)
    first, _ = await line.join(), await line.join(now=later(1))
    await line.cancel(full[9])
    (offer,) = (await line.look()).offers
    await booking.expire_due(line.session, now=later(30))
    await line.look(now=later(30))
    await refused(line.yes(first, offer.booking, now=later(31)), Reason.HELD)
    assert await line.states() == ["waiting", "offered"], "and still waits for another time"


async def test_money_is_asked_for_after_the_yes(line: Line) -> None:
    full = await line.fill(*FULL, staff="Bruno")
    entry = await line.join(service="cut", staff="Bruno")
    for one in full[6:9]:
        await line.cancel(one)
    (offer,) = (await line.look()).offers
    assert (offer.booking.due, offer.booking.state) == (1000, State.HELD)
    accepted = await line.yes(entry, offer.booking, now=later(20))
    assert (accepted.booking.state, accepted.booking.hold_expires_at) == (State.HELD, later(35)), "fifteen to pay"
    assert await line.states() == ["offered"], "until the money is there"
    again = await line.yes(entry, offer.booking, now=later(25))
    assert (again.repeated, again.booking.hold_expires_at) == (True, later(35)), "a second yes gains no time"
    paid = await booking.confirm(line.session, line.shop.business_id, offer.booking.id, now=later(30), actor="system")
    await waitlist.close(line.session, paid, now=later(30))
    assert await line.states() == ["booked"]


async def test_a_payment_that_does_not_come_lets_the_entry_wait_on(line: Line) -> None:
    full = await line.fill(*FULL, staff="Bruno")
    entry = await line.join(service="cut", staff="Bruno")
    for one in full[9:12]:
        await line.cancel(one)
    (offer,) = (await line.look()).offers
    await line.yes(entry, offer.booking)
    await booking.expire_due(line.session, now=later(30))
    assert (await line.look(now=later(30))).offers == []
    assert await line.states() == ["waiting"]
    # A yes after that holds it anew, since nobody else has it.
    held = await line.yes(entry, offer.booking, now=later(40))
    assert (held.booking.state, held.repeated) == (State.HELD, False)
    assert held.booking.id != offer.booking.id
    assert await line.states() == ["offered"]


async def test_priority_then_who_asked_first_then_who_wants_it_more(line: Line) -> None:
    full = await line.fill(*FULL)
    only_if_need_be = await line.join([(at("12:00"), at("13:00")), (at("09:00"), at("12:00"))])
    wants_it = await line.join()
    urgent = await line.join(now=later(5), priority=-1)
    for expected in (urgent, wants_it, only_if_need_be):
        await line.cancel(full[4])
        (offer,) = (await line.look()).offers
        assert offer.entry.id == expected.id
        await line.yes(expected, offer.booking)
        full[4] = offer.booking


async def test_several_times_go_to_several_people(line: Line) -> None:
    full = await line.fill(*FULL)
    entries = [await line.join(now=later(n / 10)) for n in range(4)]
    for one in full[3:6]:
        await line.cancel(one)
    made = (await line.look()).offers
    assert [offer.entry.id for offer in made] == [entry.id for entry in entries[:3]]
    assert {offer.booking.starts for offer in made} == {at("10:00"), at("10:20"), at("10:40")}
    assert await line.states() == ["offered"] * 3 + ["waiting"]


async def test_nothing_is_offered_that_begins_before_it_must_be_answered(line: Line) -> None:
    full = await line.fill(*FULL)
    await line.join()
    await line.cancel(full[0])
    now = at("08:31")
    assert (await line.look(now=now)).offers == []
    assert [one.booking.starts for one in (await line.look(now=at("08:30"))).offers] == [at("09:00")]


async def test_the_lead_time_of_the_business_counts(session) -> None:
    line = Line(await open_shop(session, policy={"lead_time": 120, "offer_minutes": 30}))
    full = await line.fill("09:40", "12:00", now=at("06:00"))
    await line.join([(at("09:40"), at("10:00"))])
    await line.cancel(full[0])
    assert (await line.look(now=at("07:41"))).offers == []
    assert len((await line.look(now=at("07:40"))).offers) == 1


async def test_what_frees_at_night_can_be_answered_in_the_morning(line: Line) -> None:
    day = (at("00:00", MONDAY + timedelta(days=2)), at("00:00", MONDAY + timedelta(days=3)))
    await line.join([day])
    night = at("02:00", MONDAY + timedelta(days=1))
    (offer,) = (await line.look(now=night)).offers
    assert offer.booking.hold_expires_at == at("09:00", MONDAY + timedelta(days=1))


async def test_whoever_has_booked_meanwhile_waits_no_longer(line: Line) -> None:
    full = await line.fill(*FULL)
    me, other = await line.shop.customer(), await line.shop.customer()
    await line.join(customer=me)
    waits = await line.join(customer=other, now=later(1))
    await line.cancel(full[3])
    await line.book("10:00", customer=me)
    await line.cancel(full[4])
    (offer,) = (await line.look()).offers
    assert (offer.entry.id, offer.booking.starts) == (waits.id, at("10:20"))
    assert await line.states() == ["booked", "offered"]


async def test_whoever_is_here_at_that_time_is_not_offered_it(line: Line) -> None:
    full = await line.fill(*FULL)
    me = await line.shop.customer()
    await line.book("10:00", service="colour", staff="Bruno", customer=me)
    await line.join(customer=me)
    await line.cancel(full[3])
    assert (await line.look()).offers == []
    await line.cancel(full[6])
    assert [one.booking.starts for one in (await line.look()).offers] == [at("11:00")]


async def test_anyone_will_do(line: Line) -> None:
    await line.fill(*FULL, staff="Ana")
    full = await line.fill(*FULL, staff="Bruno")
    await line.join(staff=None)
    await line.cancel(full[3])
    (offer,) = (await line.look()).offers
    assert offer.booking.staff_id == line.shop.staff["Bruno"]


async def test_only_what_became_free_is_looked_at(line: Line) -> None:
    await line.join()
    far = (at("09:00", MONDAY + timedelta(days=20)), at("10:00", MONDAY + timedelta(days=20)))
    assert (await line.look(span=far)).offers == []
    near = (at("10:00"), at("10:20"))
    assert len((await line.look(span=near)).offers) == 1


async def test_the_same_wish_waits_once(line: Line) -> None:
    me = await line.shop.customer()
    first = await line.join(customer=me)
    assert (await line.join(customer=me)).id == first.id
    other = await line.join([(at("11:00"), at("13:00"))], customer=me)
    assert other.id != first.id
    mine = await waitlist.list_for(line.session, line.shop.business_id, me, now=NOW)
    assert [entry.id for entry in mine] == [first.id, other.id]


async def test_the_whole_request_is_remembered(line: Line) -> None:
    shop = line.shop
    wanted = VisitRequest((shop.services["trim"], shop.services["cut"]), shop.staff["Ana"], shop.location_id)
    entry = await waitlist.join(
        shop.session,
        catalog=await shop.catalog(),
        wanted=wanted,
        windows=MORNING,
        customer_id=await shop.customer(),
        conversation_id=None,
        key="two",
        now=NOW,
    )
    assert waitlist.request_of(entry) == wanted
    (offer,) = (await line.look()).offers
    assert offer.booking.ends - offer.booking.starts == timedelta(minutes=80)


async def test_nobody_waits_for_everything(line: Line) -> None:
    me = await line.shop.customer()
    for n in range(waitlist.MOST):
        await line.join([(at("09:00") + timedelta(days=n), at("10:00") + timedelta(days=n))], customer=me)
    caught = await refused(line.join([(at("12:00"), at("13:00"))], customer=me), Reason.TOO_MANY)
    assert caught.data["most"] == waitlist.MOST


async def test_what_can_never_be_is_refused_at_once(line: Line) -> None:
    await refused(line.join([(at("07:00"), at("07:20"))]), Reason.PAST)
    await refused(line.join([]), Reason.PAST)


async def test_withdrawing_lets_the_offer_go(line: Line) -> None:
    full = await line.fill(*FULL)
    first, second = await line.join(), await line.join(now=later(1))
    await line.cancel(full[3])
    (offer,) = (await line.look()).offers
    await waitlist.withdraw(line.session, line.shop.business_id, first.id, now=NOW, actor="customer")
    assert (offer.booking.state, first.state) == (State.CANCELLED_BY_CUSTOMER, "withdrawn")
    (next_offer,) = (await line.look()).offers
    assert next_offer.entry.id == second.id
    await refused(line.yes(first, offer.booking), Reason.NOT_NOW)
    again = await waitlist.withdraw(line.session, line.shop.business_id, first.id, now=NOW, actor="customer")
    assert again.state == "withdrawn"


async def test_another_customers_offer_is_nobody_elses(line: Line) -> None:
    full = await line.fill(*FULL)
    await line.join()
    stranger = await line.join([(at("12:40"), at("12:41"))], now=later(1))
    await line.cancel(full[3])
    (offer,) = (await line.look()).offers
    await refused(line.yes(stranger, offer.booking), Reason.UNKNOWN)
    await refused(line.no(stranger, offer.booking), Reason.UNKNOWN)


async def test_entries_lapse_with_their_last_window(line: Line) -> None:
    entry = await line.join()
    assert await waitlist.lapse_due(line.session, now=at("12:59")) == []
    assert await waitlist.lapse_due(line.session, now=at("13:00")) == [entry]
    assert (await line.states(), await waitlist.lapse_due(line.session, now=at("13:00"))) == (["lapsed"], [])


async def test_who_cannot_be_reached_holds_nothing(line: Line) -> None:
    full = await line.fill(*FULL)
    first, second = await line.join(), await line.join(now=later(1))
    await line.cancel(full[3])

    async def reachable(entry: WaitlistEntry) -> bool:
        return entry.id != first.id

    (offer,) = (await offering.offer_freed(line.session, line.shop.business_id, now=NOW, reachable=reachable)).offers
    assert offer.entry.id == second.id


async def test_where_nobody_waits_freeing_costs_one_question_and_holding_none(line: Line) -> None:
    full = await line.fill("09:00", "10:00")
    asked: list[str] = []

    def note(_conn, _cursor, statement: str, *_: object) -> None:
        asked.append(statement)

    engine = line.session.bind.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        await line.book("11:00")
        assert [one for one in asked if "waitlist_entry" in one] == []
        await line.cancel(full[0])
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len([one for one in asked if "waitlist_entry" in one]) == 1
    assert await line.jobs() == 0


async def test_new_hours_are_offered_too(line: Line) -> None:
    await line.join()
    before = await line.jobs()
    await freed(line.session, line.shop.business_id)
    assert await line.jobs() == before + 1


async def test_a_long_line_is_served_in_pages(line: Line) -> None:
    for n in range(offering._PAGE + 3):
        await line.join([(at("07:00", MONDAY + timedelta(days=1)), at("08:00", MONDAY + timedelta(days=1)))],
                        now=later(n / 100))  # fmt: skip
    last = await line.join(now=later(5))
    (offer,) = (await line.look()).offers
    assert offer.entry.id == last.id


async def test_an_offer_is_written_down(line: Line) -> None:
    await line.join()
    (offer,) = (await line.look()).offers
    moves = await line.session.scalars(
        select(BookingAudit.move).where(BookingAudit.booking_id == offer.booking.id).order_by(BookingAudit.id)
    )
    assert set(moves) == {"hold", offers.OFFERED}
    assert await line.session.scalar(select(func.count()).select_from(Allocation)) == 1

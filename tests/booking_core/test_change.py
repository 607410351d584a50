"""Confirming, moving, cancelling, and what follows."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from booking_core import booking
from booking_core.models import Booking, BookingAudit, Reminder, State
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules.policy import cancellation_terms
from tests.booking_core.shop import MONDAY, NOW, Shop, at, open_shop
from tests.booking_core.test_hold import refused

THURSDAY = MONDAY + timedelta(days=3)


async def reminders(shop: Shop, one: Booking) -> list[tuple[int, str, str]]:
    rows = await shop.session.scalars(
        select(Reminder).where(Reminder.booking_id == one.id).order_by(Reminder.due_at, Reminder.booking_version)
    )
    return [(row.booking_version, row.kind, row.state) for row in rows]


async def moves(shop: Shop, one: Booking) -> list[str]:
    rows = await shop.session.scalars(
        select(BookingAudit.move).where(BookingAudit.booking_id == one.id).order_by(BookingAudit.id)
    )
    return list(rows)


async def confirm(shop: Shop, one: Booking, now=NOW) -> Booking:
    return await booking.confirm(shop.session, shop.business_id, one.id, now=now, actor="system")


async def cancel(shop: Shop, one: Booking, **more: object) -> booking.Cancellation:
    arguments = {"by": "customer", "version": None, "now": NOW, "actor": "customer"}
    return await booking.cancel(shop.session, shop.business_id, one.id, **(arguments | more))


async def test_confirming_writes_reminders_once(shop: Shop) -> None:
    one = await shop.hold(at("10:00", THURSDAY))
    assert await reminders(shop, one) == []
    await confirm(shop, one)
    await confirm(shop, one)
    assert (one.state, one.hold_expires_at, one.version) == (State.CONFIRMED, None, 1)
    assert await reminders(shop, one) == [(1, "24h", "due"), (1, "2h", "due")]
    assert await moves(shop, one) == ["hold", "confirm"]


async def test_a_hold_that_ran_out_but_stands_can_be_paid(shop: Shop) -> None:
    one = await shop.hold("10:00")
    assert (await confirm(shop, one, NOW + timedelta(minutes=20))).state == State.CONFIRMED
    assert await booking.expire_due(shop.session, now=NOW + timedelta(minutes=20)) == []


async def test_an_expired_hold_is_retaken_if_it_is_free(shop: Shop) -> None:
    one = await shop.hold("10:00")
    late = NOW + timedelta(minutes=16)
    await booking.expire_due(shop.session, now=late)
    await refused(confirm(shop, one, late), Reason.NOT_NOW)
    again = await booking.retake(shop.session, shop.business_id, one.id, now=late)
    assert again.state == State.CONFIRMED
    assert await shop.allocations() == 1
    assert (await booking.retake(shop.session, shop.business_id, one.id, now=late)).state == State.CONFIRMED


async def test_an_expired_hold_is_not_retaken_from_another(shop: Shop) -> None:
    one = await shop.hold("10:00")
    late = NOW + timedelta(minutes=16)
    other = await shop.hold("10:00", now=late)
    await refused(booking.retake(shop.session, shop.business_id, one.id, now=late), Reason.HELD)
    await confirm(shop, other, late)
    await refused(booking.retake(shop.session, shop.business_id, one.id, now=late), Reason.STAFF_BUSY)
    await refused(booking.retake(shop.session, shop.business_id, one.id, now=at("10:01")), Reason.PAST)
    assert one.state == State.EXPIRED
    assert await shop.allocations() == 1


async def test_retaking_is_bound_by_no_lead_time(session) -> None:
    shop = await open_shop(session, policy={"lead_time": 60})
    one = await shop.hold("10:00", now=at("09:00"))
    await booking.expire_due(session, now=at("09:20"))
    assert (await booking.retake(session, shop.business_id, one.id, now=at("09:20"))).state == State.CONFIRMED


async def test_moving_never_conflicts_with_itself(shop: Shop) -> None:  # 43
    one = await confirm(shop, await shop.hold("10:00"))
    moved = await shop.move(one, "10:30")
    assert (moved.starts, moved.ends, moved.version) == (at("10:30"), at("11:30"), 2)
    assert await shop.allocations() == 1
    assert "10:00" in await shop.clocks(ignoring=one.id)
    for clock in ("10:00", "10:30"):
        moved = await shop.move(one, clock, staff_id=None)
        assert moved.staff_id == shop.staff["Ana"]


async def test_moving_to_anyone_stays_with_the_person_if_they_can(shop: Shop) -> None:
    one = await confirm(shop, await shop.hold("10:00"))
    await shop.hold("09:00")
    assert (await shop.move(one, "12:00", staff_id=None)).staff_id == shop.staff["Ana"]
    assert (await shop.move(one, "09:00", staff_id=None)).staff_id == shop.staff["Bruno"]


async def test_a_refused_move_keeps_the_old_place(shop: Shop) -> None:
    one = await confirm(shop, await shop.hold("10:00"))
    await shop.hold("11:00")
    await refused(shop.move(one, "11:00"), Reason.HELD)
    assert (one.starts, one.version) == (at("10:00"), 1)
    assert await shop.allocations() == 2
    assert await reminders(shop, one) == [(1, "2h", "due")]


async def test_a_move_leaves_old_reminders_behind(shop: Shop) -> None:
    one = await confirm(shop, await shop.hold(at("10:00", THURSDAY)))
    await booking.confirm_attendance(shop.session, shop.business_id, one.id, version=1, now=NOW)
    moved = await shop.move(one, at("11:00", THURSDAY), key="same")
    again = await shop.move(one, at("11:00", THURSDAY), key="same")
    assert again is moved
    with pytest.raises(BookingRefused, match="key_reused"):
        await shop.move(one, at("12:00", THURSDAY), key="same")
    assert (moved.starts, moved.version, moved.attendance_confirmed_at) == (at("11:00", THURSDAY), 2, None)
    assert sorted(await reminders(shop, one)) == [
        (1, "24h", "skipped"),
        (1, "2h", "skipped"),
        (2, "24h", "due"),
        (2, "2h", "due"),
    ]


async def test_moving_a_hold_keeps_it_a_hold(shop: Shop) -> None:
    one = await shop.hold("10:00")
    until = one.hold_expires_at
    moved = await shop.move(one, "11:00")
    assert (moved.state, moved.hold_expires_at) == (State.HELD, until)
    await refused(shop.move(one, "12:00", now=until), Reason.NOT_NOW)


async def test_versions_are_checked(shop: Shop) -> None:
    one = await confirm(shop, await shop.hold("10:00"))
    await shop.move(one, "11:00", version=1)
    stale = await refused(shop.move(one, "12:00", version=1), Reason.CHANGED)
    assert stale.data == {"version": 2}
    await refused(cancel(shop, one, version=1), Reason.CHANGED)
    await refused(
        booking.confirm_attendance(shop.session, shop.business_id, one.id, version=1, now=NOW), Reason.CHANGED
    )
    await cancel(shop, one, version=2)


async def test_customers_move_only_in_time(session) -> None:
    shop = await open_shop(session, policy={"lead_time": 0, "change_cutoff_hours": 2})
    one = await confirm(shop, await shop.hold("12:00"))
    await refused(shop.move(one, "12:30", now=at("10:01")), Reason.TOO_LATE_TO_CHANGE)
    await shop.move(one, "11:00", now=at("10:00"))
    await shop.move(one, "12:00", now=at("10:30"), actor="staff:1")


@pytest.mark.parametrize(
    ("starts", "refund", "fee"),
    [("11:59", 300, 700), ("12:00", 1000, 0), ("12:01", 1000, 0)],
)
async def test_cancelling_costs_by_the_policy(session, starts: str, refund: int, fee: int) -> None:
    policy = {"lead_time": 0, "cancel_cutoff_hours": 2, "refund_after_cutoff": 30}
    shop = await open_shop(session, policy=policy, hours=(9, 14))
    one = await confirm(shop, await shop.hold(starts))
    gone = await cancel(shop, one, now=at("10:00"))
    assert (gone.refund, gone.fee, gone.repeated) == (refund, fee, False)
    assert (one.state, one.version) == (State.CANCELLED_BY_CUSTOMER, 2)
    assert await shop.allocations() == 0
    assert {state for _, _, state in await reminders(shop, one)} <= {"skipped"}
    again = await cancel(shop, one, now=at("11:59"))
    assert (again.refund, again.fee, again.repeated) == (refund, fee, True)
    assert await moves(shop, one) == ["hold", "confirm", "cancel_by_customer"]


async def test_the_business_gives_everything_back(session) -> None:
    shop = await open_shop(session, policy={"lead_time": 0, "refund_after_cutoff": 0})
    one = await confirm(shop, await shop.hold("10:00"))
    gone = await cancel(shop, one, by="business", actor="staff:1", now=at("10:30"))
    assert (gone.refund, gone.fee, one.state) == (1000, 0, State.CANCELLED_BY_BUSINESS)


async def test_the_policy_is_frozen_in_the_booking(shop: Shop) -> None:
    one = await confirm(shop, await shop.hold(at("10:00", THURSDAY)))
    business = (await shop.catalog()).business
    business.policy = {"lead_time": 0, "cancel_cutoff_hours": 500, "refund_after_cutoff": 0}
    assert (await cancel(shop, one)).refund == 1000


async def test_an_unpaid_hold_costs_nothing(shop: Shop) -> None:
    one = await shop.hold("10:00")
    assert (await cancel(shop, one)).refund == 0
    two = await shop.hold("10:00")
    await booking.release(shop.session, shop.business_id, two.id, now=NOW, actor="customer")
    await booking.release(shop.session, shop.business_id, two.id, now=NOW, actor="customer")
    assert two.state == State.CANCELLED_BY_CUSTOMER
    await refused(
        booking.release(
            shop.session, shop.business_id, (await confirm(shop, await shop.hold("10:00"))).id, now=NOW, actor="x"
        ),
        Reason.NOT_NOW,
    )


async def test_what_began_cannot_be_cancelled_by_the_customer(shop: Shop) -> None:
    one = await confirm(shop, await shop.hold("10:00"))
    await refused(cancel(shop, one, now=at("10:00")), Reason.TOO_LATE_TO_CHANGE)


async def test_booking_and_cancelling_restores_the_list(shop: Shop) -> None:
    before = (await shop.free(staff=None)).slots
    one = await confirm(shop, await shop.hold("10:30", staff=None))
    assert (await shop.free(staff=None)).slots != before
    await cancel(shop, one)
    assert (await shop.free(staff=None)).slots == before


async def test_reminders_are_taken_once_and_checked_at_the_end(shop: Shop) -> None:
    one = await confirm(shop, await shop.hold(at("10:00", THURSDAY)))
    due = at("10:00", THURSDAY) - timedelta(hours=24)
    assert await booking.take_due_reminders(shop.session, now=due - timedelta(seconds=1), limit=9) == []
    (taken,) = await booking.take_due_reminders(shop.session, now=due, limit=9)
    assert await booking.take_due_reminders(shop.session, now=due, limit=9) == []
    assert await booking.check_reminder(shop.session, shop.business_id, taken.id, now=due) is one
    assert await booking.check_reminder(shop.session, shop.business_id, taken.id, now=due) is None
    assert taken.state == "sent"


@pytest.mark.parametrize("spoiled", ["moved", "cancelled", "late"])
async def test_a_reminder_that_is_not_true_any_more_is_skipped(shop: Shop, spoiled: str) -> None:
    one = await confirm(shop, await shop.hold(at("10:00", THURSDAY)))
    due = at("10:00", THURSDAY) - timedelta(hours=24)
    (taken,) = await booking.take_due_reminders(shop.session, now=due, limit=9)
    if spoiled == "moved":
        await shop.move(one, at("11:00", THURSDAY))
    elif spoiled == "cancelled":
        await cancel(shop, one)
    else:
        due += timedelta(hours=12, seconds=1)
    assert await booking.check_reminder(shop.session, shop.business_id, taken.id, now=due) is None
    assert taken.state == "skipped"


async def test_upcoming_and_the_day(shop: Shop) -> None:
    me = await shop.customer()
    one = await confirm(shop, await shop.hold("10:00", customer=me))
    held = await shop.hold("11:00", customer=me)
    gone = await shop.hold("12:00", customer=me)
    await cancel(shop, gone)
    listed = [NOW, NOW + timedelta(minutes=15), at("10:00")]
    seen = [await booking.upcoming(shop.session, shop.business_id, me, now=now) for now in listed]
    assert seen == [[one, held], [one], []]
    day = await booking.on_day(shop.session, shop.business_id, shop.location_id, MONDAY, "Europe/Madrid")
    assert day == [one, held]
    assert await booking.find_by_ics_token(shop.session, one.ics_token) is one
    assert await booking.find_by_ics_token(shop.session, "nothing") is None


async def test_what_became_of_it(shop: Shop) -> None:
    one = await confirm(shop, await shop.hold("10:00"))
    ids = shop.session, shop.business_id, one.id
    await refused(booking.complete(*ids, now=NOW, actor="staff:1"), Reason.NOT_NOW)
    await booking.mark_no_show(*ids, now=at("10:15"), actor="staff:1")
    await booking.mark_no_show(*ids, now=at("10:15"), actor="staff:1")
    assert one.state == State.NO_SHOW
    assert (await booking.complete(*ids, now=at("11:00"), actor="staff:1")).state == State.COMPLETED
    await refused(cancel(shop, one), Reason.NOT_NOW)
    assert await shop.allocations() == 1


async def test_who_did_not_come_has_cancelled_late(shop: Shop) -> None:
    one = await confirm(shop, await shop.hold("10:00"))
    await booking.mark_no_show(shop.session, shop.business_id, one.id, now=at("10:15"), actor="staff:1")
    gone = await booking.cancel(
        shop.session, shop.business_id, one.id, by="business", version=None, now=at("10:20"), actor="s", paid=2000
    )
    late = cancellation_terms(one.policy_snapshot, starts=one.starts, paid=2000, now=at("10:20"))
    assert late.cutoff_passed
    assert (gone.refund, gone.fee) == (late.refund, late.fee)
    assert late.refund < 2000
    assert await shop.allocations() == 0

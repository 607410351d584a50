"""Bookings over HTTP: the same rules as everywhere, told as a program wants them."""

import asyncio
from datetime import datetime, timedelta

from booking_core.models import State
from bot.api.tokens import Scope
from tests.booking_core.shop import NOW, at
from tests.bot.api.conftest import Api, iso


async def test_a_paid_service_is_held_and_confirmed(api: Api) -> None:
    made = await api.book("10:00", service="cut")
    assert made.status_code == 201, made.text
    held = made.json()
    assert (held["state"], held["due"], held["version"]) == ("held", {"amount": 1000, "currency": "EUR"}, 1)
    assert held["starts"] == "2026-11-23T09:00:00Z"
    assert made.headers["Location"] == f"/api/v1/bookings/{held['id']}"
    assert held["calendar_url"].startswith("http://api.test/calendar/")
    assert [part["staff_ids"] for part in held["parts"]] == [[str(api.shop.staff["Ana"])]]

    firm = await api.post(f"/bookings/{held['id']}/confirm")
    assert (firm.status_code, firm.json()["state"]) == (200, "confirmed")
    read = await api.get(f"/bookings/{held['id']}")
    assert read.json() == firm.json()
    (row,) = await api.rows("SELECT actor FROM booking_audit WHERE move = 'hold'")
    assert row.actor.startswith("token:")


async def test_a_hold_that_ran_out_is_shown_as_it_is(api: Api) -> None:
    held = await api.booked("10:00", service="cut")
    await api.advance(timedelta(minutes=20))
    assert (await api.get(f"/bookings/{held['id']}")).json()["state"] == "expired"


async def test_a_taken_time_is_answered_with_free_ones(api: Api) -> None:
    await api.booked("10:00", service="cut")
    refused = await api.book("10:00", service="cut", customer_id=str(await _somebody(api)))
    problem = refused.json()
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert problem["reason"] == "held"
    assert problem["type"] == "http://api.test/api/v1/problems/held"
    starts = [slot["starts"] for slot in problem["alternatives"]]
    assert len(starts) == 3
    assert "2026-11-23T09:00:00Z" not in starts


async def test_too_soon_says_from_when_on(api: Api) -> None:
    await api.run("""UPDATE business SET policy = '{"lead_time": 240}'""")
    refused = await api.book("10:00")
    assert refused.status_code == 422
    assert refused.json()["reason"] == "too_soon"
    earliest = datetime.fromisoformat(refused.json()["data"]["earliest"])
    assert timedelta(0) <= earliest - (NOW + timedelta(hours=4)) < timedelta(minutes=2)


async def test_moving_wants_the_booking_as_it_was_seen(api: Api) -> None:
    booking = await api.booked("10:00")
    path = f"/bookings/{booking['id']}/reschedule"
    tag = (await api.get(f"/bookings/{booking['id']}")).headers["ETag"]
    moved = await api.post(path, {"starts": iso("11:00")}, headers={"If-Match": tag})
    assert (moved.status_code, moved.json()["version"]) == (200, 2)
    assert moved.headers["ETag"] != tag
    stale = await api.post(path, {"starts": iso("12:00")}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["reason"]) == (412, "changed")
    assert stale.headers["ETag"] == moved.headers["ETag"]
    by_version = await api.post(path, {"starts": iso("12:00")}, headers={"If-Match": '"2"'})
    assert by_version.json()["starts"] == "2026-11-23T11:00:00Z"


async def test_moving_onto_another_is_refused_with_free_times(api: Api) -> None:
    await api.booked("11:00")
    other = await api.booked("10:00", customer_id=str(await _somebody(api)))
    staff = str(api.shop.staff["Ana"])
    refused = await api.post(f"/bookings/{other['id']}/reschedule", {"starts": iso("11:00"), "staff_id": staff})
    assert (refused.status_code, refused.json()["reason"]) == (409, "staff_busy")
    assert refused.json()["alternatives"]


async def test_cancelling_tells_what_comes_back(api: Api) -> None:
    booking = await api.booked("10:00", service="cut")
    await api.post(f"/bookings/{booking['id']}/confirm")
    gone = await api.post(f"/bookings/{booking['id']}/cancel", {"by": "business", "paid": 1000})
    assert gone.status_code == 200, gone.text
    assert gone.json()["booking"]["state"] == "cancelled_by_business"
    assert gone.json()["refund"] == {"amount": 1000, "currency": "EUR"}
    again = await api.post(f"/bookings/{booking['id']}/cancel", {"by": "business"})
    assert again.json()["refund"]["amount"] == 1000
    assert (await api.post(f"/bookings/{booking['id']}/confirm")).json()["reason"] == "not_now"
    # The time is free again.
    await api.booked("10:00", service="cut")


async def test_a_body_is_not_needed_to_cancel(api: Api) -> None:
    booking = await api.booked("10:00")
    assert (await api.post(f"/bookings/{booking['id']}/cancel")).status_code == 200


async def test_the_day_of_a_visit(api: Api) -> None:
    booking = await api.booked("10:00")
    path = f"/bookings/{booking['id']}"
    early = await api.post(f"{path}/complete")
    assert (early.status_code, early.json()["reason"]) == (409, "not_now")
    await api.set_clock(at("10:05"))
    steps = [("check-in", "checked_in"), ("undo-check-in", "confirmed"), ("check-in", "checked_in")]
    steps += [("complete", "completed"), ("no-show", "no_show")]
    for step, state in steps:
        done = await api.post(f"{path}/{step}")
        assert (done.status_code, done.json()["state"]) == (200, state), done.text


async def test_a_request_is_agreed_to_or_declined(api: Api) -> None:
    await api.run("UPDATE service SET approval = true")
    first, second = await api.booked("10:00"), await api.booked("11:00")
    # A program of the business needs nobody's approval; a customer does.
    assert first["state"] == "confirmed"
    await api.run(
        "UPDATE booking SET state = 'pending_approval', hold_expires_at = starts WHERE id IN (:a, :b)",
        a=first["id"],
        b=second["id"],
    )
    await api.run("DELETE FROM reminder")
    agreed = await api.post(f"/bookings/{first['id']}/approve")
    assert agreed.json()["state"] == "confirmed"
    declined = await api.post(f"/bookings/{second['id']}/decline", {"notify": False})
    assert declined.json()["state"] == State.DECLINED.value


async def test_a_program_asks_for_a_customer_what_must_be_agreed_to(api: Api) -> None:
    plain = await api.booked("09:00", on_request=True)
    assert plain["state"] == "confirmed", "nobody need agree"
    await api.run("UPDATE service SET approval = true")
    asked = await api.booked("10:00", on_request=True)
    assert (asked["state"], asked["hold_expires_at"]) == ("pending_approval", asked["starts"])
    taken = await api.book("10:00")
    assert (taken.status_code, taken.json()["reason"]) == (409, "held"), "a request keeps its time"
    agreed = await api.post(f"/bookings/{asked['id']}/approve")
    assert agreed.json()["state"] == "confirmed"
    both = await api.book("11:00", on_request=True, override=True)
    assert (both.status_code, both.json()["reason"]) == (422, "invalid")


async def test_somebody_walks_in(api: Api) -> None:
    await api.set_clock(at("20:07"))  # long closed
    wanted = {"service_ids": [str(api.shop.services["cut"])], "customer_name": "Lola Gil"}
    made = await api.post("/bookings/walk-in", wanted)
    assert made.status_code == 201, made.text
    assert (made.json()["state"], made.json()["starts"]) == ("checked_in", "2026-11-23T19:07:00Z")
    named = await api.get(f"/customers/{made.json()['customer_id']}")
    assert named.json()["name"] == "Lola Gil"


async def test_staffs_word_passes_over_hours_but_never_over_a_booking(api: Api) -> None:
    late = at("20:00")
    closed = await api.book(late)
    assert (closed.status_code, closed.json()["reason"]) == (409, "outside_hours")
    await api.booked(late, override=True)
    taken = await api.book(late, override=True, customer_id=str(await _somebody(api)))
    assert (taken.status_code, taken.json()["reason"]) == (409, "staff_busy")
    weak = await api.other_token([Scope.BOOKINGS_WRITE])
    wanted = {
        "service_ids": [str(api.shop.services["trim"])],
        "starts": iso("21:00"),
        "customer_id": str(api.customer),
        "override": True,
    }
    refused = await api.post("/bookings", wanted, token=weak)
    assert (refused.status_code, refused.json()["data"]) == (403, {"scope": "schedule:write"})


async def test_answers_and_names_are_for_those_who_may_read_customers(api: Api) -> None:
    question = '[{"key": "allergy", "text": {"en": "Any allergy?"}, "kind": "yes_no"}]'
    await api.run("UPDATE service SET questions = CAST(:q AS jsonb) WHERE name = 'trim'", q=question)
    lacking = await api.book("10:00")
    assert (lacking.status_code, lacking.json()["reason"]) == (422, "needs_answers")
    assert lacking.json()["data"] == {"questions": {"allergy": "missing"}}
    made = await api.booked("10:00", answers={"allergy": True}, attendees=["Lola"])
    assert (made["answers"], made["attendees"]) == ({"allergy": True}, ["Lola"])
    weak = await api.other_token([Scope.BOOKINGS_READ])
    seen = (await api.get(f"/bookings/{made['id']}", token=weak)).json()
    assert (seen["answers"], seen["attendees"]) == (None, None)


async def test_fifty_want_one_time(api: Api) -> None:
    customers = [str(await _somebody(api)) for _ in range(12)]
    answers = await asyncio.gather(*(api.book("10:00", customer_id=one) for one in customers))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 11]


async def _somebody(api: Api) -> str:
    made = await api.post("/customers", {"name": "Somebody Else"})
    assert made.status_code == 201, made.text
    return made.json()["id"]

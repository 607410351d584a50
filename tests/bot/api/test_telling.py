"""What a program changes, the customer hears in their thread; and what they paid goes back, as everywhere."""

import pytest

from tests.bot.api.conftest import Api, iso

PAID = """
INSERT INTO payment (business_id, id, booking_id, booking_version, amount, currency, state, title, locale, refund,
                     expires_at, created_at, paid_at, intent_id)
SELECT business_id, gen_random_uuid(), id, 1, :amount, 'EUR', 'paid', 'x', 'en', 0, starts, created_at, created_at, 'pi'
FROM booking WHERE id = :id
"""


async def pay(api: Api, booking: dict, amount: int = 1000) -> None:
    """Pay a booking as its link would have been."""
    await api.run(PAID, amount=amount, id=booking["id"])
    await api.post(f"/bookings/{booking['id']}/confirm", {"notify": False})


async def refunds(api: Api) -> list[tuple[str, int]]:
    return [tuple(row) for row in await api.rows("SELECT state, refund FROM payment ORDER BY refund")]


async def test_a_confirmed_hold_is_told_once(api: Api) -> None:
    held = await api.booked("10:00", service="cut")
    thread = await api.thread(held)
    for _ in range(2):
        assert (await api.post(f"/bookings/{held['id']}/confirm")).status_code == 200
    (told,) = await api.said(thread)
    assert told.startswith("We have booked you in: cut with Ana, Mon 23 Nov, 10:00")
    assert held["reference"] in told
    assert "/calendar/" in told


async def test_a_move_is_told(api: Api) -> None:
    booking = await api.booked("10:00")
    thread = await api.thread(booking)
    path = f"/bookings/{booking['id']}/reschedule"
    await api.post(path, {"starts": iso("11:00")}, key="m")
    await api.post(path, {"starts": iso("11:00")}, key="m")
    await api.post(path, {"starts": iso("12:00"), "notify": False})
    (told,) = await api.said(thread)
    assert "has moved" in told
    assert "11:00" in told


async def test_a_refusal_tells_nobody(api: Api) -> None:
    await api.booked("11:00")
    booking = await api.booked("10:00")
    thread = await api.thread(booking)
    wanted = {"starts": iso("11:00"), "staff_id": str(api.shop.staff["Ana"])}
    assert (await api.post(f"/bookings/{booking['id']}/reschedule", wanted)).status_code == 409
    assert await api.said(thread) == []


@pytest.mark.parametrize(("step", "words"), [("approve", "is confirmed"), ("decline", "we cannot do")])
async def test_a_decision_is_told_unless_it_should_not_be(api: Api, step: str, words: str) -> None:
    asked = [await api.booked(clock) for clock in ("10:00", "11:00")]
    await api.run("DELETE FROM reminder")
    await api.run("UPDATE booking SET state = 'pending_approval', hold_expires_at = starts")
    loud, quiet = [await api.thread(one) for one in asked]
    await api.post(f"/bookings/{asked[0]['id']}/{step}")
    await api.post(f"/bookings/{asked[0]['id']}/{step}")
    await api.post(f"/bookings/{asked[1]['id']}/{step}", {"notify": False})
    (told,) = await api.said(loud)
    assert words in told
    assert await api.said(quiet) == []


async def test_who_must_pay_after_approval_gets_a_link_even_without_a_word(api: Api) -> None:
    asked = await api.booked("10:00", service="cut")
    await api.run("UPDATE booking SET state = 'pending_approval', hold_expires_at = starts")
    thread = await api.thread(asked)
    answer = await api.post(f"/bookings/{asked['id']}/approve", {"notify": False})
    assert answer.json()["state"] == "held"
    assert await api.rows("SELECT state, amount FROM payment") == [("requested", 1000)]
    assert await api.said(thread) == []


async def test_cancelling_gives_back_what_a_link_took(api: Api) -> None:
    booking = await api.booked("10:00", service="cut")
    thread = await api.thread(booking)
    await pay(api, booking)
    for _ in range(2):
        gone = await api.post(f"/bookings/{booking['id']}/cancel", {"by": "business"})
        assert gone.json()["refund"] == {"amount": 1000, "currency": "EUR"}
    assert await refunds(api) == [("refund_pending", 1000)]
    (told,) = await api.said(thread)
    assert "is cancelled. €10.00 go back to you" in told


async def test_cancelling_quietly_gives_back_all_the_same(api: Api) -> None:
    booking = await api.booked("10:00", service="cut")
    thread = await api.thread(booking)
    await pay(api, booking)
    await api.post(f"/bookings/{booking['id']}/cancel", {"notify": False})
    assert await refunds(api) == [("refund_pending", 1000)]
    assert await api.said(thread) == []


async def test_cancelling_a_hold_closes_its_page(api: Api) -> None:
    booking = await api.booked("10:00", service="cut")
    await api.run(PAID.replace("'paid'", "'requested'"), amount=1000, id=booking["id"])
    gone = await api.post(f"/bookings/{booking['id']}/cancel")
    assert gone.json()["refund"]["amount"] == 0
    assert await refunds(api) == [("closed", 0)]


async def test_a_cancelled_class_is_told_to_everybody_in_it(api: Api) -> None:
    seats = [await api.booked("10:00", service="yoga") for _ in range(2)]
    threads = [await api.thread(one) for one in seats]
    await pay(api, seats[0], 400)
    (one,) = (await api.get("/class-sessions")).json()["items"]
    assert (one["taken"], one["capacity"], one["state"]) == (2, 3, "open")
    assert (await api.get(f"/class-sessions/{one['id']}")).json() == one
    gone = await api.post(f"/class-sessions/{one['id']}/cancel")
    assert gone.status_code == 200, gone.text
    assert gone.json()["session"] | {"state": "open", "taken": 2} == one
    assert {each["state"] for each in gone.json()["bookings"]} == {"cancelled_by_business"}
    for thread in threads:
        (told,) = await api.said(thread)
        assert "is cancelled" in told
    again = await api.post(f"/class-sessions/{one['id']}/cancel")
    assert (again.status_code, again.json()["bookings"]) == (200, [])
    assert [len(await api.said(thread)) for thread in threads] == [1, 1]


async def test_a_cancelled_class_may_stay_quiet(api: Api) -> None:
    thread = await api.thread(await api.booked("10:00", service="yoga"))
    (one,) = (await api.get("/class-sessions")).json()["items"]
    await api.post(f"/class-sessions/{one['id']}/cancel", {"notify": False})
    assert await api.said(thread) == []


async def test_a_cancelled_series_is_told_in_one_message(api: Api) -> None:
    wanted = {
        "service_ids": [str(api.shop.services["trim"])],
        "customer_id": str(api.customer),
        "starts": iso("10:00"),
        "rule": "FREQ=WEEKLY;COUNT=4",
    }
    made = (await api.post("/series", wanted)).json()
    bookings = [one["booking"] for one in made["occurrences"]]
    thread = await api.thread(*bookings)
    path = f"/series/{made['id']}/cancel"
    gone = await api.post(path, {"booking_id": bookings[1]["id"], "scope": "following"})
    assert [one["id"] for one in gone.json()["items"]] == [one["id"] for one in bookings[1:]]
    (told,) = await api.said(thread)
    assert told.startswith(
        "We are sorry: 3 of your bookings are cancelled, the first of them trim with Ana, Mon 30 Nov, 10:00"
    )
    await api.post(path, {"booking_id": bookings[0]["id"], "scope": "all", "notify": False})
    assert await api.said(thread) == [told]
    left = (await api.get(f"/series/{made['id']}")).json()["items"]
    assert {one["state"] for one in left} == {"cancelled_by_business"}

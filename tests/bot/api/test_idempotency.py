"""The same key twice does a thing once, whatever happens in between."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from bot.api.tokens import Scope
from tests.booking_core.shop import at
from tests.bot.api.conftest import Api, iso

_ROW = text(
    "INSERT INTO api_request (business_id, token_id, key, fingerprint, status, headers, body, at)"
    " VALUES (:business, :token, :key, 'x', 0, '{}', '', now())"
)


class _CrashError(Exception):
    """Ends the first request."""


def wanted(api: Api, clock: str = "10:00", **more: object) -> dict:
    return {
        "service_ids": [str(api.shop.services["trim"])],
        "staff_id": str(api.shop.staff["Ana"]),
        "starts": iso(clock),
        "customer_id": str(api.customer),
    } | more


async def test_the_same_request_gets_the_same_answer(api: Api) -> None:
    first = await api.post("/bookings", wanted(api), key="order-1")
    again = await api.post("/bookings", wanted(api), key="order-1")
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    for name in ("ETag", "Location", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert await api.rows("SELECT count(*) FROM booking") == [(1,)]


async def test_the_answer_is_that_of_then(api: Api) -> None:
    first = await api.post("/bookings", wanted(api), key="order-1")
    await api.post(f"/bookings/{first.json()['id']}/cancel")
    again = await api.post("/bookings", wanted(api), key="order-1")
    assert again.json() == first.json()
    assert await api.rows("SELECT count(*) FROM booking") == [(1,)]


async def test_json_that_says_the_same_is_the_same(api: Api) -> None:
    body = wanted(api)
    turned = dict(reversed(body.items()))
    await api.post("/bookings", body, key='"quoted"')
    again = await api.post("/bookings", turned, key="quoted")
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_another_request_under_the_key_is_refused(api: Api) -> None:
    made = await api.post("/bookings", wanted(api), key="order-1")
    other = await api.post("/bookings", wanted(api, "11:00"), key="order-1")
    assert (other.status_code, other.json()["reason"]) == (422, "key_reused")
    elsewhere = await api.post(f"/bookings/{made.json()['id']}/cancel", key="order-1")
    assert (elsewhere.status_code, elsewhere.json()["reason"]) == (422, "key_reused")


async def test_each_token_has_keys_of_its_own(api: Api) -> None:
    other = await api.other_token()
    first = await api.post("/customers", {"name": "One"}, key="k")
    second = await api.post("/customers", {"name": "Two"}, key="k", token=other)
    assert first.json()["id"] != second.json()["id"]


async def test_who_makes_something_needs_a_key(api: Api) -> None:
    for path in ("/bookings", "/customers", "/time-off", "/waitlist", "/series", "/webhook-endpoints"):
        answer = await api.call("POST", path, json={})
        assert (answer.status_code, answer.json()["reason"]) == (400, "key_required"), path


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "ñ".encode(), b"\x00"])
async def test_keys_are_plain(api: Api, key: str | bytes) -> None:
    raw = await api.http.post(
        "/api/v1/customers",
        json={"name": "One"},
        headers={"Authorization": f"Bearer {api.token}", "Idempotency-Key": key},
    )
    assert (raw.status_code, raw.json()["reason"]) == (400, "key_malformed")


async def test_at_the_same_instant_one_does_it_and_the_others_wait(api: Api) -> None:
    answers = await asyncio.gather(*(api.post("/bookings", wanted(api), key="order-1") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert await api.rows("SELECT count(*) FROM booking") == [(1,)]
    assert await api.rows("SELECT count(*) FROM api_request") == [(1,)]


async def test_who_waits_does_it_when_the_first_has_failed(api: Api) -> None:
    """The first holds its key's row and is rolled back; the second has waited and then goes on itself."""
    key, hold = "order-1", asyncio.Event()
    (token,) = await api.rows("SELECT id FROM api_token")

    async def fails() -> None:
        async with api.db.transaction() as session:
            await session.execute(_ROW, {"business": api.shop.business_id, "token": token.id, "key": key})
            hold.set()
            await asyncio.sleep(0.3)
            raise _CrashError

    crash = asyncio.create_task(fails())
    await hold.wait()
    answer = await api.post("/bookings", wanted(api), key=key)
    with pytest.raises(_CrashError):
        await crash
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers


async def test_a_refusal_stands_under_its_key(api: Api) -> None:
    taken = await api.booked("10:00")
    other = (await api.post("/customers", {"name": "Two"})).json()["id"]
    refused = await api.post("/bookings", wanted(api, customer_id=other), key="order-2")
    assert refused.status_code == 409
    await api.post(f"/bookings/{taken['id']}/cancel")
    # A late copy of it must not book what its sender has long given up.
    again = await api.post("/bookings", wanted(api, customer_id=other), key="order-2")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (409, "true")
    assert again.content == refused.content
    assert again.headers["content-type"] == "application/problem+json"
    assert (await api.post("/bookings", wanted(api, customer_id=other), key="order-3")).status_code == 201


async def test_what_never_reached_the_core_is_not_remembered(api: Api) -> None:
    weak = await api.other_token([Scope.BOOKINGS_WRITE])
    assert (await api.post("/bookings", {"nonsense": 1}, key="k")).status_code == 422
    assert (await api.post("/customers", {"name": "One"}, key="k", token=weak)).status_code == 403
    assert (await api.post("/bookings", wanted(api), key="k")).status_code == 201


async def test_a_stale_booking_is_not_remembered_either(api: Api) -> None:
    booking = await api.booked("10:00")
    path, body = f"/bookings/{booking['id']}/reschedule", {"starts": at("11:00").isoformat()}
    stale = await api.post(path, body, key="m", headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    assert (await api.post(path, body, key="m", headers={"If-Match": '"1"'})).status_code == 200


async def test_a_step_without_a_key_may_be_taken_twice(api: Api) -> None:
    booking = await api.booked("10:00")
    for _ in range(2):
        answer = await api.call("POST", f"/bookings/{booking['id']}/cancel", json={})
        assert answer.status_code == 200
    moved = await api.booked("12:00")
    answer = await api.call("POST", f"/bookings/{moved['id']}/reschedule", json={"starts": iso("11:00")})
    assert answer.json()["version"] == 2


async def test_keys_are_forgotten_after_two_days(api: Api) -> None:
    await api.post("/customers", {"name": "One"}, key="k")
    await api.advance(timedelta(hours=47))
    await api.look()
    assert await api.rows("SELECT count(*) FROM api_request") == [(1,)]
    await api.advance(timedelta(hours=2))
    await api.look()
    assert await api.rows("SELECT count(*) FROM api_request") == [(0,)]


async def test_deleting_is_done_once_too(api: Api) -> None:
    away = {"staff_id": str(api.shop.staff["Ana"]), "starts": iso("12:00"), "ends": iso("13:00")}
    off = (await api.post("/time-off", away)).json()
    gone = [await api.call("DELETE", f"/time-off/{off['id']}", key="d") for _ in range(2)]
    assert [one.status_code for one in gone] == [204, 204]
    assert (await api.call("DELETE", f"/time-off/{off['id']}", key=str(uuid4()))).status_code == 404

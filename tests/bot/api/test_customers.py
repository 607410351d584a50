"""Customers: changing what is known of them, and making two of them one."""

from uuid import UUID

import pytest

from bot.api.tokens import Scope
from tests.bot.api.conftest import ALL, Api, iso

SEEN = "Both phones were shown at the desk."


async def made(api: Api, name: str = "M. Ruiz") -> str:
    answer = await api.post("/customers", {"name": name})
    assert answer.status_code == 201
    return answer.json()["id"]


async def test_a_name_and_a_language_change(api: Api) -> None:
    where = f"/customers/{api.customer}"
    changed = await api.call("PATCH", where, json={"name": "María Ruiz"})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["locale"]) == ("María Ruiz", "en")
    changed = await api.call("PATCH", where, json={"locale": "es"})
    assert (await api.get(where)).json() == changed.json()
    notes = await api.rows("SELECT move, data, actor FROM customer_audit ORDER BY id")
    assert [(one.move, one.data) for one in notes] == [("change", {"fields": [name]}) for name in ("name", "locale")]
    assert all(one.actor.startswith("token:") for one in notes)
    await api.call("PATCH", where, json={"locale": "es"})  # as it was: nothing to write down
    assert len(await api.rows("SELECT FROM customer_audit")) == 2
    assert (await api.call("PATCH", where, json={})).status_code == 422
    assert (await api.call("PATCH", where, json={"name": "two\nlines"})).status_code == 422
    assert (await api.call("PATCH", f"/customers/{UUID(int=1)}", json={"name": "x"})).status_code == 404


async def test_two_become_one(api: Api) -> None:
    other = await made(api)
    mine, theirs = await api.booked("09:00"), await api.booked("10:00", customer_id=other)
    thread = await api.thread(theirs)
    await api.run("UPDATE conversation SET customer_id = :other WHERE id = :thread", other=UUID(other), thread=thread)
    waiting = {
        "service_ids": [str(api.shop.services["trim"])], "customer_id": other,
        "windows": [{"from": iso("09:00"), "to": iso("12:00")}],
    }  # fmt: skip
    assert (await api.post("/waitlist", waiting)).status_code == 201
    tag = (await api.get(f"/bookings/{theirs['id']}")).headers["ETag"]

    done = await api.post(f"/customers/{api.customer}/merge", {"other_id": other, "evidence": SEEN}, key="one")
    assert done.status_code == 200, done.text
    assert (done.json()["bookings"], done.json()["threads"]) == (1, 1)
    assert done.json()["customer"]["name"] == "Maria Ruiz"

    listed = await api.get("/bookings", params={"customer_id": str(api.customer)})
    assert {one["id"] for one in listed.json()["items"]} == {mine["id"], theirs["id"]}
    assert (await api.get(f"/bookings/{theirs['id']}")).headers["ETag"] != tag  # whoever copies bookings sees it
    for table in ("conversation", "waitlist_entry", "booking"):
        assert {row.customer_id for row in await api.rows(f"SELECT customer_id FROM {table}")} == {api.customer}
    assert (await api.get(f"/customers/{other}")).status_code == 404
    (note,) = await api.rows("SELECT customer_id, move, data FROM customer_audit")
    assert (note.customer_id, note.move) == (api.customer, "merge")
    assert note.data == {"other": other, "evidence": SEEN, "bookings": 1}
    (audit,) = await api.rows("SELECT booking_id, data FROM booking_audit WHERE move = 'merge_customers'")
    assert (str(audit.booking_id), audit.data) == (theirs["id"], {"customer": other})
    again = await api.post(f"/customers/{api.customer}/merge", {"other_id": other, "evidence": SEEN}, key="one")
    assert again.json() == done.json()
    assert (
        await api.post(f"/customers/{api.customer}/merge", {"other_id": other, "evidence": SEEN})
    ).status_code == 404


async def test_a_name_that_lacks_comes_from_the_other(api: Api) -> None:
    other = await made(api, "Lola Gil")
    await api.run("UPDATE customer SET name = NULL WHERE id = :id", id=api.customer)
    done = await api.post(f"/customers/{api.customer}/merge", {"other_id": other, "evidence": SEEN})
    assert done.json()["customer"]["name"] == "Lola Gil"


@pytest.mark.parametrize(
    ("own", "theirs", "stays"),
    [
        (None, False, "theirs"),
        (True, True, "own"),
        (False, True, "theirs"),
        (True, False, "own"),
        (False, False, "own"),
    ],
)
async def test_of_two_addresses_the_confirmed_one_stays(api: Api, own: bool | None, theirs: bool, stays: str) -> None:
    other = UUID(await made(api))
    threads = {"own": await api.thread(), "theirs": await api.thread()}
    for whose, customer, confirmed in (("own", api.customer, own), ("theirs", other, theirs)):
        if confirmed is not None:
            await api.run(
                "INSERT INTO customer_email (business_id, customer_id, conversation_id, confirmed_at)"
                " VALUES (:business, :customer, :thread, CASE WHEN :confirmed THEN now() END)",
                business=api.shop.business_id, customer=customer, thread=threads[whose], confirmed=confirmed,
            )  # fmt: skip
    done = await api.post(f"/customers/{api.customer}/merge", {"other_id": str(other), "evidence": SEEN})
    assert done.status_code == 200, done.text
    (row,) = await api.rows("SELECT customer_id, conversation_id FROM customer_email")
    assert (row.customer_id, row.conversation_id) == (api.customer, threads[stays])


async def test_what_cannot_be_merged(api: Api) -> None:
    where, other = f"/customers/{api.customer}/merge", await made(api)
    same = await api.post(where, {"other_id": str(api.customer), "evidence": SEEN})
    assert (same.status_code, same.json()["reason"]) == (404, "unknown")
    assert (await api.post(where, {"other_id": other})).status_code == 422  # nobody says why
    assert (await api.post(where, {"other_id": other, "evidence": "  "})).status_code == 422
    lacking = await api.other_token([one for one in ALL if one is not Scope.CUSTOMERS_WRITE])
    refused = await api.post(where, {"other_id": other, "evidence": SEEN}, token=lacking)
    assert refused.json()["data"] == {"scope": "customers:write"}
    assert (await api.get(f"/customers/{other}")).status_code == 200

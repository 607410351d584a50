"""Series, the waitlist, time off, classes and customers over HTTP."""

from datetime import timedelta

from tests.booking_core.shop import MONDAY, at
from tests.bot.api.conftest import Api, iso


def wish(api: Api, service: str = "trim", **more: object) -> dict:
    return {"service_ids": [str(api.shop.services[service])], "customer_id": str(api.customer)} | more


async def other_customer(api: Api) -> str:
    return (await api.post("/customers", {"name": "Somebody Else"})).json()["id"]


# Series


async def test_a_series_is_booked_in_one_go(api: Api) -> None:
    wanted = wish(api, starts=iso("10:00"), rule="FREQ=WEEKLY;COUNT=3")
    made = await api.post("/series", wanted, key="series")
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"/api/v1/series/{made.json()['id']}"
    visits = made.json()["occurrences"]
    assert [one["booking"]["starts"][:16] for one in visits] == [
        "2026-11-23T09:00",
        "2026-11-30T09:00",
        "2026-12-07T09:00",
    ]
    read = (await api.get(f"/series/{made.json()['id']}")).json()["items"]
    assert [one["id"] for one in read] == [one["booking"]["id"] for one in visits]
    assert {one["series_id"] for one in read} == {made.json()["id"]}
    again = await api.post("/series", wanted, key="series")
    assert again.content == made.content


async def test_a_series_is_asked_for_on_behalf_of_a_customer(api: Api) -> None:
    await api.run("UPDATE service SET approval = true")
    wanted = wish(api, starts=iso("10:00"), rule="FREQ=WEEKLY;COUNT=2")
    asked = await api.post("/series", wanted | {"on_request": True})
    assert [one["booking"]["state"] for one in asked.json()["occurrences"]] == ["pending_approval"] * 2
    agreed = await api.post(f"/bookings/{asked.json()['occurrences'][1]['booking']['id']}/approve")
    assert agreed.json()["state"] == "confirmed"
    outright = await api.post("/series", wanted | {"starts": iso("11:00")})
    assert [one["booking"]["state"] for one in outright.json()["occurrences"]] == ["confirmed"] * 2


async def test_a_series_over_something_that_is_there(api: Api) -> None:
    taken = {"staff_id": str(api.shop.staff["Ana"])}
    await api.booked(at("10:00", MONDAY + timedelta(days=1)), customer_id=await other_customer(api))
    wanted = wish(api, starts=iso("10:00"), rule="FREQ=DAILY;COUNT=3", **taken)
    refused = await api.post("/series", wanted)
    assert (refused.status_code, refused.json()["reason"]) == (409, "staff_busy")
    assert await api.rows("SELECT count(*) FROM booking") == [(1,)]
    skipped = (await api.post("/series", wanted | {"on_conflict": "skip"})).json()["occurrences"]
    assert [one["reason"] for one in skipped] == [None, "staff_busy", None]
    assert skipped[1]["booking"] is None
    assert skipped[1]["alternatives"]
    swapped = (await api.post("/series", wanted | {"on_conflict": "swap", "starts": iso("09:40")})).json()
    assert {one["swapped"] for one in swapped["occurrences"]} == {False}


async def test_rules_that_are_none(api: Api) -> None:
    for rule in ("FREQ=NEVER", "FREQ=DAILY", "x", "FREQ=SECONDLY;COUNT=5", "FREQ=DAILY;COUNT=100000"):
        refused = await api.post("/series", wish(api, starts=iso("10:00"), rule=rule))
        assert (refused.status_code, refused.json()["reason"]) == (422, "invalid"), rule
        assert refused.json()["errors"][0]["at"] == "body/rule"


async def test_one_visit_of_a_series_goes_alone(api: Api) -> None:
    made = (await api.post("/series", wish(api, starts=iso("10:00"), rule="FREQ=DAILY;COUNT=3"))).json()
    ids = [one["booking"]["id"] for one in made["occurrences"]]
    path = f"/series/{made['id']}/cancel"
    gone = await api.post(path, {"booking_id": ids[1], "scope": "this"})
    assert [one["id"] for one in gone.json()["items"]] == [ids[1]]
    gone = await api.post(path, {"booking_id": ids[1], "scope": "all", "by": "customer"})
    assert [one["id"] for one in gone.json()["items"]] == [ids[0], ids[2]]
    alone = await api.booked("11:00")
    refused = await api.post(path, {"booking_id": alone["id"]})
    assert (refused.status_code, refused.json()["data"]) == (404, {"booking": alone["id"]})


# The waitlist


async def test_who_waits_is_offered_what_becomes_free(api: Api) -> None:
    taken = [await api.booked("09:00", service="cut", staff=staff) for staff in ("Ana", "Bruno")]
    for one in taken:
        await api.post(f"/bookings/{one['id']}/confirm")
    waits = await other_customer(api)
    window = {"from": iso("09:00"), "to": iso("09:30")}
    wanted = wish(api, "cut", customer_id=waits, windows=[window])
    entry = await api.post("/waitlist", wanted, key="w")
    assert (entry.status_code, entry.json()["state"]) == (201, "waiting")
    assert (await api.post("/waitlist", wanted, key="w")).content == entry.content
    path = f"/waitlist/{entry.json()['id']}"
    assert entry.headers["Location"] == f"/api/v1{path}"
    assert (await api.get(path)).json() == entry.json()
    await api.post(f"/bookings/{taken[0]['id']}/cancel")
    jobs = await api.rows("SELECT 1 FROM procrastinate_jobs WHERE task_name = 'offer_freed_time'")
    assert jobs, "nobody looks who waits"


async def test_the_list_by_state_and_customer(api: Api) -> None:
    window = {"from": iso("09:00"), "to": iso("12:00")}
    first = (await api.post("/waitlist", wish(api, windows=[window]))).json()
    other = await other_customer(api)
    second = (await api.post("/waitlist", wish(api, windows=[window], customer_id=other))).json()
    left = await api.post(f"/waitlist/{first['id']}/withdraw")
    assert left.json()["state"] == "withdrawn"
    for query, ids in {
        "": [first["id"], second["id"]],
        "?state=waiting": [second["id"]],
        "?state=withdrawn&state=waiting": [first["id"], second["id"]],
        f"?customer_id={api.customer}": [first["id"]],
    }.items():
        assert sorted(one["id"] for one in (await api.get(f"/waitlist{query}")).json()["items"]) == sorted(ids), query
    assert (await api.get("/waitlist?state=nonsense")).status_code == 422
    again = await api.post(f"/waitlist/{first['id']}/withdraw")
    assert (again.status_code, again.json()["state"]) == (200, "withdrawn")


# Time off


async def test_time_off_says_what_it_hits_and_moves_nobody(api: Api) -> None:
    hit = await api.booked("10:00")
    spared = await api.booked("12:00")
    away = {"staff_id": str(api.shop.staff["Ana"]), "starts": iso("09:30"), "ends": iso("11:00"), "kind": "sick"}
    made = await api.post("/time-off", away | {"note": "flu"})
    assert made.status_code == 201, made.text
    assert made.json()["booking_ids"] == [hit["id"]]
    for one in (hit, spared):
        assert (await api.get(f"/bookings/{one['id']}")).json()["state"] == "confirmed"
    refused = await api.book("10:40")
    assert (refused.status_code, refused.json()["reason"]) == (409, "staff_away")
    path = f"/time-off/{made.json()['id']}"
    assert made.headers["Location"] == f"/api/v1{path}"
    read = (await api.get(path)).json()
    assert (read["note"], read["kind"], read["resource_id"]) == ("flu", "sick", None)
    assert (await api.get("/time-off")).json()["items"] == [read]
    assert (await api.get(f"/time-off?staff_id={api.shop.staff['Bruno']}")).json()["items"] == []
    assert (await api.get(f"/time-off?staff_id={read['staff_id']}")).json()["items"] == [read]
    assert (await api.get(f"/time-off?resource_id={read['staff_id']}")).json()["items"] == []
    assert (await api.get("/time-off", params={"to": iso("09:00")})).json()["items"] == []
    assert (await api.get("/time-off", params={"from": iso("12:00")})).json()["items"] == []
    assert (await api.call("DELETE", path)).status_code == 204
    assert (await api.get(path)).status_code == 404
    await api.booked("10:40")


async def test_time_off_that_is_none(api: Api) -> None:
    ana = str(api.shop.staff["Ana"])
    for wrong in (
        {"starts": iso("10:00"), "ends": iso("11:00")},
        {"staff_id": ana, "resource_id": ana, "starts": iso("10:00"), "ends": iso("11:00")},
        {"staff_id": ana, "starts": iso("11:00"), "ends": iso("11:00")},
        {"staff_id": ana, "starts": iso("10:00"), "ends": iso("11:00"), "kind": "nonsense"},
    ):
        assert (await api.post("/time-off", wrong)).status_code == 422
    nothing = {"resource_id": ana, "starts": iso("10:00"), "ends": iso("11:00")}
    assert (await api.post("/time-off", nothing)).status_code == 404


# Classes


async def test_classes_by_service_person_and_time(api: Api) -> None:
    first = await api.booked("10:00", service="yoga", party=2)
    second = await api.booked(at("11:00", MONDAY + timedelta(days=1)), service="yoga", staff="Bruno")
    ids = [first["session_id"], second["session_id"]]
    for query, expected in {
        "": ids,
        f"?service_id={api.shop.services['yoga']}": ids,
        f"?service_id={api.shop.services['cut']}": [],
        f"?staff_id={api.shop.staff['Bruno']}": ids[1:],
        "?from=2026-11-24T00:00:00Z": ids[1:],
        "?to=2026-11-24T00:00:00Z": ids[:1],
    }.items():
        found = (await api.get(f"/class-sessions{query}")).json()["items"]
        assert [one["id"] for one in found] == expected, query
    assert (await api.get(f"/class-sessions/{ids[0]}")).json()["taken"] == 2
    roster = (await api.get(f"/bookings?session_id={ids[0]}")).json()["items"]
    assert [one["party"] for one in roster] == [2]
    await api.post(f"/bookings/{first['id']}/cancel")
    assert (await api.get(f"/class-sessions/{ids[0]}")).json()["taken"] == 0


# Customers and the catalog


async def test_customers(api: Api) -> None:
    made = await api.post("/customers", {"name": "  Lola Gil ", "locale": "es-MX"})
    assert made.status_code == 201
    assert (made.json()["name"], made.json()["locale"]) == ("Lola Gil", "es-MX")
    assert (await api.get(made.headers["Location"])).json() == made.json()
    names = [one["name"] for one in (await api.get("/customers")).json()["items"]]
    assert sorted(names) == ["Lola Gil", "Maria Ruiz"]
    nobody = [{"name": ""}, {"name": "x" * 201}, {"name": "x", "locale": "english please"}, {"name": "x", "phone": "1"}]
    for wrong in nobody:
        assert (await api.post("/customers", wrong)).status_code == 422


async def test_customers_by_name(api: Api) -> None:
    """A till finds who stands in front of it; what means something in SQL is only text."""
    for name in ("Lola 100% Gil", "lola_b", "Zoë"):
        await api.post("/customers", {"name": name})
    for asked, names in {
        "LOLA": ["Lola 100% Gil", "lola_b"],
        "0%": ["Lola 100% Gil"],
        "a_b": ["lola_b"],
        "%": ["Lola 100% Gil"],
        "zoë": ["Zoë"],
        "\\": [],
        "nobody": [],
    }.items():
        found = (await api.get("/customers", params={"name": asked})).json()["items"]
        assert [one["name"] for one in found] == names, asked
    assert (await api.get("/customers", params={"name": " "})).status_code == 422


async def test_the_catalog_is_read_once(api: Api) -> None:
    for path in ("/business", "/locations", "/services", "/staff", "/resources"):
        first = await api.get(path)
        assert first.status_code == 200
        again = await api.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    services = {one["name"]: one for one in (await api.get("/services")).json()["items"]}
    assert services["cut"]["price"] == {"amount": 2800, "currency": "EUR"}
    assert services["cut"]["deposit"]["amount"] == 1000
    assert (services["yoga"]["capacity"], services["yoga"]["max_party"]) == (3, 3)
    assert set(services["cut"]["staff_ids"]) == {str(one) for one in api.shop.staff.values()}
    who = (await api.get(f"/staff?service_id={api.shop.services['cut']}")).json()["items"]
    assert [one["name"] for one in who] == ["Ana", "Bruno"]
    tag = (await api.get("/services")).headers["ETag"]
    await api.run("UPDATE service SET price = 3000 WHERE name = 'cut'")
    changed = await api.get("/services", headers={"If-None-Match": tag})
    assert changed.status_code == 200

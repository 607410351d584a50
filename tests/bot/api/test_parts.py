"""A person for each part of a visit, over HTTP: asked for, booked, moved, waited for, refused with the right reason."""

from tests.bot.api.conftest import Api, iso


def _named(api: Api, **people: str) -> dict[str, str]:
    return {str(api.shop.services[service]): str(api.shop.staff[who]) for service, who in people.items()}


def _both(api: Api, **people: str) -> dict[str, object]:
    services = [str(api.shop.services[one]) for one in ("trim", "cut")]
    return {"service_ids": services, "staff_by_service": _named(api, **people)}


def _who(api: Api, booking: dict) -> list[str]:
    names = {str(one): name for name, one in api.shop.staff.items()}
    return [names[part["staff_ids"][0]] for part in booking["parts"]]


async def test_each_service_is_booked_with_whom_was_named(api: Api) -> None:
    made = await api.book("10:00", staff=None, **_both(api, trim="Bruno", cut="Ana"))
    assert made.status_code == 201, made.text
    assert _who(api, made.json()) == ["Bruno", "Ana"]
    moved = await api.post(f"/bookings/{made.json()['id']}/reschedule", {"starts": iso("11:00")})
    assert _who(api, moved.json()) == ["Bruno", "Ana"]
    again = {"starts": iso("11:00"), "staff_by_service": _named(api, cut="Bruno")}
    other = await api.post(f"/bookings/{made.json()['id']}/reschedule", again)
    assert (other.status_code, _who(api, other.json())) == (200, ["Bruno", "Bruno"])


async def test_free_times_ask_for_the_same_people(api: Api) -> None:
    await api.booked("10:20", staff="Ana")
    asked = {"windows": [{"from": iso("10:00"), "to": iso("10:01")}]}
    free = await api.post("/availability", _both(api, trim="Bruno", cut="Bruno") | asked)
    assert [slot["starts"] for day in free.json()["days"] for slot in day["slots"]] == ["2026-11-23T09:00:00Z"]
    busy = await api.post("/availability", _both(api, trim="Bruno", cut="Ana") | asked)
    assert (busy.json()["days"], busy.json()["reason"]) == ([], "staff_busy")
    refused = await api.book("10:00", staff=None, **_both(api, trim="Bruno", cut="Ana"))
    assert (refused.status_code, refused.json()["reason"]) == (409, "staff_busy")
    assert [len(other["parts"]) for other in refused.json()["alternatives"]] == [2, 2, 2]


async def test_who_does_not_do_it_is_refused(api: Api) -> None:
    await api.run(
        "DELETE FROM skill WHERE service_id = :service AND staff_id = :who",
        service=api.shop.services["cut"], who=api.shop.staff["Bruno"],
    )  # fmt: skip
    cannot = await api.book("10:00", staff=None, **_both(api, cut="Bruno"))
    assert (cannot.status_code, cannot.json()["reason"]) == (422, "staff_cannot")
    waits = {"customer_id": str(api.customer), "windows": [{"from": iso("10:00"), "to": iso("12:00")}]}
    assert (await api.post("/waitlist", _both(api, cut="Bruno") | waits)).json()["reason"] == "staff_cannot"
    other = await api.book("10:00", staff=None, staff_by_service=_named(api, cut="Ana"))
    assert (other.status_code, other.json()["reason"]) == (404, "unknown")
    nobody = await api.book("10:00", staff=None, staff_by_service={str(api.shop.services["trim"]): str(api.customer)})
    assert (nobody.status_code, nobody.json()["reason"]) == (404, "unknown")


async def test_the_waitlist_remembers_who_is_wished_for(api: Api) -> None:
    waits = {"customer_id": str(api.customer), "windows": [{"from": iso("10:00"), "to": iso("12:00")}]}
    made = await api.post("/waitlist", _both(api, trim="Bruno", cut="Ana") | waits)
    assert made.status_code == 201, made.text
    entry = (await api.get(f"/waitlist/{made.json()['id']}")).json()
    assert entry["staff_by_service"] == _named(api, trim="Bruno", cut="Ana")


async def test_a_series_has_the_same_people(api: Api) -> None:
    asked = {"starts": iso("10:00"), "rule": "FREQ=WEEKLY;COUNT=2", "customer_id": str(api.customer)}
    made = await api.post("/series", _both(api, trim="Bruno", cut="Ana") | asked)
    assert made.status_code == 201, made.text
    assert [_who(api, one["booking"]) for one in made.json()["occurrences"]] == [["Bruno", "Ana"], ["Bruno", "Ana"]]


async def test_free_times_say_who_takes_part(api: Api) -> None:
    asked = {"windows": [{"from": iso("10:00"), "to": iso("10:01")}]}
    free = await api.post("/availability", _both(api, trim="Bruno", cut="Ana") | asked)
    (slot,) = free.json()["days"][0]["slots"]
    assert slot["staff_id"] == str(api.shop.staff["Bruno"]), "the first part's, as before"
    assert _who(api, slot) == ["Bruno", "Ana"]
    made = await api.book("10:00", staff=None, **_both(api, trim="Bruno", cut="Ana"))
    names = ("service_id", "staff_ids", "person", "starts", "ends")
    told = [{name: part[name] for name in names} for part in made.json()["parts"]]
    assert slot["parts"] == told, "what is booked is what was listed"

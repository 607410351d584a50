"""Free times over HTTP: grouped as asked, and with a reason where there are none."""

from datetime import datetime, timedelta

import pytest

from tests.booking_core.shop import NOW, at
from tests.bot.api.conftest import Api, iso

DAY = {"from": iso("00:00"), "to": iso(at("00:00") + timedelta(days=1))}


async def free(api: Api, *, service: str = "cut", **more: object) -> dict:
    """Ask for one day, unless told."""
    asked = {"service_ids": [str(api.shop.services[service])], "windows": [DAY]} | more
    answer = await api.post("/availability", asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def clocks(found: dict) -> list[str]:
    return [slot["local"][11:16] for day in found["days"] for slot in day["slots"]]


async def test_both_spellings_answer_the_same(api: Api) -> None:
    posted = await free(api, staff_id=str(api.shop.staff["Ana"]))
    query = {
        "service_id": str(api.shop.services["cut"]),
        "staff_id": str(api.shop.staff["Ana"]),
        "from": DAY["from"],
        "to": DAY["to"],
    }
    assert (await api.get("/availability", params=query)).json() == posted
    assert clocks(posted) == ["09:00", "10:00", "11:00", "12:00"]
    (day,) = posted["days"]
    assert (posted["tz"], day["date"], posted["reason"], posted["more"]) == ("Europe/Madrid", "2026-11-23", None, False)
    assert day["slots"][0] | {"location_id": None} == {
        "starts": "2026-11-23T08:00:00Z",
        "ends": "2026-11-23T09:00:00Z",
        "local": "2026-11-23T09:00:00+01:00",
        "staff_id": str(api.shop.staff["Ana"]),
        "location_id": None,
        "session_id": None,
        "seats_left": None,
        "parts": [
            {
                "service_id": str(api.shop.services["cut"]),
                "staff_ids": [str(api.shop.staff["Ana"])],
                "person": 0,
                "starts": "2026-11-23T08:00:00Z",
                "ends": "2026-11-23T09:00:00Z",
            }
        ],
    }


async def test_what_is_offered_can_be_booked(api: Api) -> None:
    for slot in [slot for day in (await free(api))["days"] for slot in day["slots"]][:3]:
        made = await api.book(datetime.fromisoformat(slot["starts"]), service="cut", staff_id=slot["staff_id"])
        assert (made.status_code, made.json()["ends"]) == (201, slot["ends"])


async def test_dates_are_those_of_the_asked_zone(api: Api) -> None:
    found = await free(api, service="trim", tz="Asia/Tokyo")
    assert [day["date"] for day in found["days"]] == ["2026-11-23"]
    found = await free(api, service="trim", tz="Pacific/Auckland")
    assert [day["date"] for day in found["days"]] == ["2026-11-23", "2026-11-24"]
    assert found["days"][0]["slots"][0]["local"].endswith("+13:00")
    assert found["days"][1]["slots"][0]["local"].startswith("2026-11-24T00:00")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("""UPDATE business SET policy = '{"lead_time": 2880}'""", "too_soon"),
        ("""UPDATE business SET policy = '{"booking_window": 0}'""", "too_far"),
        ("DELETE FROM schedule_rule", "outside_hours"),
        ("DELETE FROM skill", "staff_cannot"),
    ],
)
async def test_nothing_is_free_for_a_reason(api: Api, change: str, reason: str) -> None:
    await api.run(change)
    tomorrow = {"from": iso(at("00:00") + timedelta(days=1)), "to": iso(at("00:00") + timedelta(days=2))}
    found = await free(api, windows=[tomorrow])
    assert (found["days"], found["reason"]) == ([], reason)


async def test_too_soon_says_when_it_would_be_possible(api: Api) -> None:
    await api.run("""UPDATE business SET policy = '{"lead_time": 2880}'""")
    found = await free(api)
    assert found["reason"] == "too_soon"
    assert found["data"]["earliest"].startswith("2026-11-25T06:3")


async def test_everybody_is_busy(api: Api) -> None:
    for clock in ("09:00", "10:00", "11:00", "12:00"):
        for staff in ("Ana", "Bruno"):
            made = await api.booked(clock, service="cut", staff=staff)
            await api.post(f"/bookings/{made['id']}/confirm")
    assert (await free(api))["reason"] == "staff_busy"
    assert (await free(api, staff_id=str(api.shop.staff["Ana"])))["reason"] == "staff_busy"


async def test_what_was_never_possible_says_so(api: Api) -> None:
    found = await free(api, party=5)
    assert (found["days"], found["reason"], found["data"]) == ([], "too_many", {"most": 1, "of": "people"})


async def test_windows_and_what_is_to_be_avoided(api: Api) -> None:
    windows = [{"from": iso("09:00"), "to": iso("10:00")}, {"from": iso("12:00"), "to": iso("13:00")}]
    found = await free(api, windows=windows, staff_id=str(api.shop.staff["Ana"]))
    assert clocks(found) == ["09:00", "12:00"]
    away = [{"from": iso("09:30"), "to": iso("11:30")}]
    assert clocks(await free(api, exclude=away, staff_id=str(api.shop.staff["Ana"]))) == ["09:00", "12:00"]


async def test_for_somebody_and_for_a_booking_that_is_to_be_moved(api: Api) -> None:
    held = await api.booked("10:00", service="cut")
    ana = {"staff_id": str(api.shop.staff["Ana"])}
    assert "10:00" not in clocks(await free(api, **ana))
    assert "10:00" in clocks(await free(api, **ana, customer_id=str(api.customer)))
    firm = (await api.post(f"/bookings/{held['id']}/confirm")).json()
    assert "10:00" not in clocks(await free(api, **ana, customer_id=str(api.customer)))
    assert "10:00" in clocks(await free(api, **ana, moving=firm["id"]))


async def test_no_more_than_asked_for(api: Api) -> None:
    found = await free(api, limit=2)
    assert (len(clocks(found)), found["more"]) == (2, True)
    last = found["days"][-1]["slots"][-1]["starts"]
    rest = await free(api, windows=[{"from": last, "to": DAY["to"]}], limit=100)
    assert rest["more"] is False
    assert set(clocks(found)) | set(clocks(rest)) == {"09:00", "10:00", "11:00", "12:00"}


async def test_seats_of_a_class(api: Api) -> None:
    seat = await api.booked("10:00", service="yoga", party=2)
    found = await free(api, service="yoga", staff_id=str(api.shop.staff["Ana"]))
    slots = {slot["local"][11:16]: slot for day in found["days"] for slot in day["slots"]}
    assert (slots["10:00"]["seats_left"], slots["10:00"]["session_id"]) == (1, seat["session_id"])
    assert (slots["11:00"]["seats_left"], slots["11:00"]["session_id"]) == (None, None)
    sold_out = await api.book("10:00", service="yoga", party=2)
    assert (sold_out.status_code, sold_out.json()["reason"]) == (409, "sold_out")


@pytest.mark.parametrize(
    "windows",
    [
        [],
        [{"from": iso("10:00"), "to": iso("10:00")}],
        [{"from": iso("11:00"), "to": iso("10:00")}],
        [{"from": iso(NOW), "to": iso(NOW + timedelta(days=31, seconds=1))}],
        [DAY] * 32,
        [{"from": iso("10:00")}],
        [{"from": "2026-11-23T10:00:00", "to": iso("11:00")}],
    ],
)
async def test_windows_that_are_none(api: Api, windows: list) -> None:
    answer = await api.post("/availability", {"service_ids": [str(api.shop.services["cut"])], "windows": windows})
    assert (answer.status_code, answer.json()["reason"]) == (422, "invalid")
    assert answer.json()["errors"][0]["at"].startswith("body/windows")


async def test_a_plus_that_was_not_escaped_is_understood(api: Api) -> None:
    service = api.shop.services["cut"]
    query = "from=2026-11-23T00:00:00+01:00&to=2026-11-24T00:00:00+01:00"
    found = await api.get(f"/availability?service_id={service}&{query}")
    assert found.status_code == 200
    assert len(clocks(found.json())) == 4

"""Opening hours of a place: the week, dates that differ, and what that does to free times."""

from datetime import timedelta
from uuid import UUID

import pytest

from bot.api.tokens import Scope
from tests.booking_core.shop import MONDAY, at
from tests.bot.api.conftest import ALL, Api, iso

NINE_TO_TWELVE = [{"opens": "09:00", "closes": "10:00"}, {"opens": "11:00", "closes": "12:00"}]


def path(api: Api, more: str = "") -> str:
    return f"/locations/{api.shop.location_id}/hours{more}"


async def free(api: Api, day=MONDAY) -> list[str]:
    """The starts of a trim with Ana on a day, by the shop's clock."""
    asked = {
        "service_id": str(api.shop.services["trim"]), "staff_id": str(api.shop.staff["Ana"]),
        "from": at("00:00", day).isoformat(), "to": (at("00:00", day) + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    answer = await api.get("/availability", params=asked)
    assert answer.status_code == 200, answer.text
    return [slot["local"][11:16] for one in answer.json()["days"] for slot in one["slots"]]


async def test_without_hours_of_its_own_a_place_is_open_when_anybody_works(api: Api) -> None:
    read = await api.get(path(api))
    assert read.json()["own"] is False
    assert read.json()["week"][0] == {"weekday": 1, "hours": [{"opens": "09:00", "closes": "13:00"}]}
    assert read.json()["dates"] == []
    assert (await api.get(path(api), headers={"If-None-Match": read.headers["ETag"]})).status_code == 304


async def test_a_week_is_set_and_taken_away(api: Api) -> None:
    before = await api.get(path(api))
    week = [{"weekday": 1, "hours": NINE_TO_TWELVE}, {"weekday": 7, "hours": [{"opens": "20:00", "closes": "24:00"}]}]
    done = await api.call("PUT", path(api), json={"week": week})
    assert done.status_code == 200, done.text
    assert (done.json()["own"], done.json()["week"]) == (True, week)
    read = await api.get(path(api), headers={"If-None-Match": before.headers["ETag"]})
    assert read.status_code == 200  # it has changed
    assert read.json() == done.json()
    again = await api.call("PUT", path(api), json={"week": []})
    assert again.json()["own"] is False


async def test_a_date_with_other_hours_rules_over_everybody(api: Api) -> None:
    booked = await api.booked("12:00")
    usual = await free(api)
    assert "09:20" in usual
    assert "10:00" in usual
    changed = await api.call("PUT", path(api, f"/{MONDAY}"), json={"hours": NINE_TO_TWELVE})
    assert changed.status_code == 200, changed.text
    assert changed.json()["dates"] == [{"date": str(MONDAY), "hours": NINE_TO_TWELVE}]
    assert await free(api) == ["09:00", "09:20", "09:40", "11:00", "11:20", "11:40"]
    refused = await api.book("10:20")
    assert (refused.status_code, refused.json()["reason"]) == (409, "outside_hours")
    # What is booked is not moved by it.
    assert (await api.get(f"/bookings/{booked['id']}")).json()["starts"] == booked["starts"]
    closed = await api.call("PUT", path(api, f"/{MONDAY}"), json={"hours": []})
    assert closed.json()["dates"] == [{"date": str(MONDAY), "hours": []}]
    assert await free(api) == []
    assert "09:00" in await free(api, MONDAY + timedelta(days=1))
    assert (await api.call("DELETE", path(api, f"/{MONDAY}"))).status_code == 204
    assert await free(api) == usual
    gone = await api.call("DELETE", path(api, f"/{MONDAY}"))
    assert (gone.status_code, gone.json()["reason"]) == (404, "unknown")


async def test_whoever_waits_is_offered_what_opens(api: Api) -> None:
    await api.call("PUT", path(api, f"/{MONDAY}"), json={"hours": []})
    waiting = {
        "service_ids": [str(api.shop.services["trim"])], "customer_id": str(api.customer),
        "windows": [{"from": iso("09:00"), "to": iso("12:00")}],
    }  # fmt: skip
    made = await api.post("/waitlist", waiting)
    assert made.status_code == 201, made.text
    await api.call("DELETE", path(api, f"/{MONDAY}"))
    jobs = await api.rows("SELECT args FROM procrastinate_jobs WHERE task_name = 'offer_freed_time'")
    assert str(api.shop.business_id) in {row.args["business_id"] for row in jobs}


@pytest.mark.parametrize(
    "hours",
    [
        [{"opens": "10:00", "closes": "09:00"}],
        [{"opens": "10:00", "closes": "10:00"}],
        [{"opens": "24:00", "closes": "25:00"}],
        [{"opens": "9:00", "closes": "10:00"}],
        [{"opens": "09:00", "closes": "11:00"}, {"opens": "10:00", "closes": "12:00"}],
        [{"opens": "11:00", "closes": "12:00"}, {"opens": "09:00", "closes": "10:00"}],
    ],
)
async def test_hours_that_cannot_be(api: Api, hours: list[dict[str, str]]) -> None:
    for where, body in ((f"/{MONDAY}", {"hours": hours}), ("", {"week": [{"weekday": 1, "hours": hours}]})):
        refused = await api.call("PUT", path(api, where), json=body)
        assert (refused.status_code, refused.json()["reason"]) == (422, "invalid"), refused.text
    assert await api.rows("SELECT FROM date_override") == []


async def test_who_may_and_where(api: Api) -> None:
    twice = [{"weekday": 1, "hours": []}, {"weekday": 1, "hours": []}]
    assert (await api.call("PUT", path(api), json={"week": twice})).status_code == 422
    lacking = await api.other_token([one for one in ALL if one is not Scope.SCHEDULE_WRITE])
    for method, where, body in (
        ("PUT", "", {"week": []}),
        ("PUT", f"/{MONDAY}", {"hours": []}),
        ("DELETE", f"/{MONDAY}", None),
    ):
        refused = await api.call(method, path(api, where), json=body, token=lacking)
        assert refused.json()["data"] == {"scope": "schedule:write"}
    assert (await api.get(path(api), token=lacking)).status_code == 200
    nowhere = f"/locations/{UUID(int=1)}/hours"
    assert (await api.get(nowhere)).status_code == 404
    assert (await api.call("PUT", nowhere, json={"week": []})).status_code == 404
    assert (await api.call("PUT", f"{nowhere}/{MONDAY}", json={"hours": []})).status_code == 404
    assert (await api.call("PUT", path(api, "/1999-12-31"), json={"hours": []})).status_code == 422


async def test_a_key_sets_a_date_once(api: Api) -> None:
    where = path(api, f"/{MONDAY}")
    one = await api.call("PUT", where, json={"hours": []}, key="closed")
    await api.call("DELETE", where)
    again = await api.call("PUT", where, json={"hours": []}, key="closed")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == one.json()
    assert (await api.get(path(api))).json()["dates"] == []  # it was not done again

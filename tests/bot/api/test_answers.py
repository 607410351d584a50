"""Answers to the intake questions of a booking: read, added, changed, taken away."""

from json import dumps

from bot.api.tokens import Scope
from tests.bot.api.conftest import ALL, Api

QUESTIONS = [
    {"key": "first", "text": {"en": "First visit?"}, "kind": "yes_no"},
    {
        "key": "wish", "text": {"en": "Which length?"}, "kind": "choice",
        "choices": [{"key": "long", "text": {"en": "Long"}}, {"key": "short", "text": {"en": "Short"}}],
    },
    {"key": "why", "text": {"en": "Why?"}, "required": False, "when": {"wish": ["long"]}},
]  # fmt: skip


async def asked(api: Api, *questions: dict) -> None:
    await api.run(
        "UPDATE service SET questions = CAST(:asked AS jsonb) WHERE id = :id",
        asked=dumps(questions or QUESTIONS), id=api.shop.services["trim"],
    )  # fmt: skip


async def test_answers_are_read_and_changed(api: Api) -> None:
    await asked(api)
    made = await api.booked("09:00", answers={"first": True, "wish": "short"})
    where = f"/bookings/{made['id']}/answers"
    read = await api.get(where)
    assert read.status_code == 200, read.text
    said = {one["key"]: (one["answer"], one["open"]) for one in read.json()["questions"]}
    assert said == {"first": (True, False), "wish": ("short", False), "why": (None, False)}
    assert read.json()["questions"][1]["choices"]["long"] == {"en": "Long"}

    changed = await api.call(
        "PATCH", where, json={"answers": {"wish": "long"}}, headers={"If-Match": read.headers["ETag"]}
    )
    assert changed.status_code == 200, changed.text
    said = {one["key"]: (one["answer"], one["open"]) for one in changed.json()["questions"]}
    assert said == {"first": (True, False), "wish": ("long", False), "why": (None, True)}
    assert changed.headers["ETag"] == (await api.get(f"/bookings/{made['id']}")).headers["ETag"]
    stale = await api.call(
        "PATCH", where, json={"answers": {"wish": "short"}}, headers={"If-Match": read.headers["ETag"]}
    )
    assert stale.status_code == 412

    taken = await api.call("PATCH", where, json={"answers": {"first": None, "why": "It grows."}})
    assert {one["key"]: one["answer"] for one in taken.json()["questions"]} == {
        "first": None, "wish": "long", "why": "It grows.",
    }  # fmt: skip
    booking = (await api.get(f"/bookings/{made['id']}")).json()
    assert (booking["answers"], booking["version"]) == ({"wish": "long", "why": "It grows."}, 1)
    notes = await api.rows("SELECT data FROM booking_audit WHERE move = 'answer' ORDER BY id")
    assert [one.data for one in notes] == [{"questions": ["wish"]}, {"questions": ["first", "why"]}]


async def test_what_is_no_answer(api: Api) -> None:
    await asked(api)
    made = await api.booked("09:00", answers={"first": True, "wish": "short"})
    where = f"/bookings/{made['id']}/answers"
    refused = await api.call("PATCH", where, json={"answers": {"wish": "curly", "else": "x"}})
    assert (refused.status_code, refused.json()["reason"]) == (422, "needs_answers")
    assert refused.json()["data"]["questions"] == {"wish": "not_a_choice", "else": "unknown"}
    assert (await api.call("PATCH", where, json={"answers": {}})).status_code == 422
    assert (await api.call("POST", f"/bookings/{made['id']}/cancel", json={"by": "customer"})).status_code == 200
    late = await api.call("PATCH", where, json={"answers": {"wish": "long"}})
    assert (late.status_code, late.json()["reason"]) == (409, "not_now")


async def test_what_is_not_asked_any_more_stays(api: Api) -> None:
    await asked(api)
    made = await api.booked("09:00", answers={"first": True, "wish": "short"})
    await asked(api, QUESTIONS[0])
    where = f"/bookings/{made['id']}/answers"
    assert (await api.get(where)).json()["earlier"] == {"wish": "short"}
    changed = await api.call("PATCH", where, json={"answers": {"first": False}})
    assert changed.json()["earlier"] == {"wish": "short"}
    again = await api.call("PATCH", where, json={"answers": {"wish": "long"}})
    assert again.json()["data"]["questions"] == {"wish": "unknown"}
    gone = await api.call("PATCH", where, json={"answers": {"wish": None}})
    assert gone.json()["earlier"] == {}


async def test_what_people_said_needs_its_scope(api: Api) -> None:
    made = await api.booked("09:00")
    where = f"/bookings/{made['id']}/answers"
    for lacks, method in (
        (Scope.CUSTOMERS_READ, "GET"), (Scope.CUSTOMERS_READ, "PATCH"), (Scope.BOOKINGS_READ, "GET"),
        (Scope.BOOKINGS_WRITE, "PATCH"),
    ):  # fmt: skip
        lacking = await api.other_token([one for one in ALL if one is not lacks])
        body = {"answers": {"first": True}} if method == "PATCH" else None
        refused = await api.call(method, where, json=body, token=lacking)
        assert refused.json()["data"] == {"scope": lacks.value}


async def test_a_package_lists_what_its_parts_ask(api: Api) -> None:
    cut, trim = api.shop.services["cut"], api.shop.services["trim"]
    await asked(api)
    own = {"key": "wish", "text": {"en": "Anything else?"}}
    await api.run("UPDATE service SET questions = CAST(:asked AS jsonb) WHERE id = :id", asked=dumps([own]), id=cut)
    await api.run(
        "INSERT INTO segment (business_id, service_id, position, part_id, max_wait, same_staff)"
        " VALUES (:business, :whole, 1, :part, 0, false)",
        business=api.shop.business_id, whole=cut, part=trim,
    )  # fmt: skip
    listed = (await api.get(f"/services/{cut}")).json()["questions"]
    made = await api.booked("09:00", service="cut", answers={"first": True, "wish": "short"})
    asked_then = (await api.get(f"/bookings/{made['id']}/answers")).json()["questions"]
    assert [one["key"] for one in listed] == [one["key"] for one in asked_then] == ["wish", "first", "why"]
    assert listed[0]["kind"] == "choice", "what a part asks by the same key is what is asked"

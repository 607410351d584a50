"""Whatever is sent, the answer is a problem that says why and repeats nothing: never a 5xx."""

import json
import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking_core.refusals import Reason
from bot.api.problems import KINDS, REFUSALS
from tests.bot.api.conftest import Api, iso

#: Values that have broken other people's programs.
NASTY = [
    None, True, [], {}, "", " ", "\x00", "a\x00b", "\x1b[31m", "\u202e", "x" * 100_000, -1, 0, 2**31, 2**63, 2**64,
    10**400, 1.5, "NaN", "2026-11-23", "2026-11-23T10:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-02-30T10:00:00Z", "not-a-uuid", str(uuid4()), {"$ne": None}, [[[[]]]], ["\x00"], [None], "'; DROP TABLE x",
    "../../etc/passwd", "Europe/Nowhere", "FREQ=DAILY;COUNT=999999", "http://127.0.0.1/", "\ud800",
]  # fmt: skip
NASTY_TEXT = ["", "%00", "%ff", "..", "x" * 2000, "\u202e", "0", "-1", "2" * 400, str(uuid4()), "nil", "%F0%9F%92%88"]
ROUTES = [("GET", "/nonsense"), ("PUT", "/bookings"), ("DELETE", "/bookings"), ("PATCH", "/customers"), ("GET", "//")]


def test_every_refusal_has_a_status_and_a_title() -> None:
    assert set(REFUSALS) == set(Reason)
    assert all(400 <= kind.status < 500 and kind.title for kind in REFUSALS.values())
    assert not {reason.value for reason in REFUSALS} & set(KINDS)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_addresses_that_are_none(api: Api, method: str, path: str) -> None:
    answer = await api.call(method, path)
    assert answer.status_code in {404, 405}
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    if answer.status_code == 405:
        assert "GET" in answer.headers["Allow"]


async def test_elsewhere_errors_are_as_they_were(api: Api) -> None:
    answer = await api.http.get("/nowhere")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


@pytest.mark.slow
async def test_every_field_of_every_body(wide: Api) -> None:
    """Each field of each body gets a third of the values; the next field the next third."""
    spec = (await wide.http.get("/api/v1/openapi.json")).json()
    fields = [(path, method, body, name) for path, method, body in bodies(spec, wide) for name in body]
    for turn, (path, method, body, name) in enumerate(fields):
        for nasty in NASTY[turn % 3 :: 3]:
            sent = json.dumps(body | {name: nasty}).encode("utf-8", "surrogatepass")
            headers = {"Content-Type": "application/json"}
            told(await wide.call(method, path, content=sent, headers=headers, key=str(uuid4())))
    assert len(fields) > 60


@pytest.mark.slow
async def test_every_query(wide: Api) -> None:
    spec = (await wide.http.get("/api/v1/openapi.json")).json()
    for path, methods in spec["paths"].items():
        for parameter in methods.get("get", {}).get("parameters", ()):
            if parameter["in"] != "query":
                continue
            for nasty in NASTY_TEXT:
                told(await wide.get(f"{filled(path, wide)}?{parameter['name']}={nasty}"))


@pytest.mark.slow
async def test_every_part_of_every_path(wide: Api) -> None:
    spec = (await wide.http.get("/api/v1/openapi.json")).json()
    for path, methods in spec["paths"].items():
        if "{" not in path:
            continue
        for method in methods:
            for nasty in NASTY_TEXT:
                address = path[: path.index("{")] + nasty + path[path.index("}") + 1 :]
                body = {} if method != "get" else None
                told(await wide.call(method.upper(), address, json=body, key=str(uuid4())))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"null", b"[]", b'"x"', b"[" * 50_000, b'{"a":' * 5000, b"NaN", b'{"name": Infinity}'],
)  # fmt: skip
async def test_bodies_that_are_no_json(wide: Api, body: bytes) -> None:
    for kind in ("application/json", "text/plain", "multipart/form-data", "application/xml", "nonsense"):
        answer = await wide.call("POST", "/customers", content=body, headers={"Content-Type": kind}, key=str(uuid4()))
        told(answer)
        assert answer.status_code in ({400, 422} if kind == "application/json" or not body else {415})


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", None])
async def test_a_body_that_does_not_say_that_it_is_json(api: Api, kind: str | None) -> None:
    """What `curl -d` sends by itself is named for what it is; the same key does it right afterwards."""
    sent, key = b'{"name": "Lola"}', str(uuid4())
    headers = {"Content-Type": kind} if kind else {}
    refused = await api.call("POST", "/customers", content=sent, headers=headers, key=key)
    assert (refused.status_code, refused.json()["reason"]) == (415, "not_json")
    assert refused.headers["Accept"] == "application/json"
    for right in ("application/json; charset=utf-8", "application/vnd.api+json"):
        answer = await api.call("POST", "/customers", content=sent, headers={"Content-Type": right}, key=key)
        assert answer.status_code == 201


async def test_what_a_query_names_must_be_there(api: Api) -> None:
    """`stat=held` for `state=held` would return everything."""
    await api.booked("10:00")
    answer = await api.get("/bookings?stat=held&limit=1&%F0%9F%92%88=1")
    assert (answer.status_code, answer.json()["reason"]) == (422, "invalid")
    assert [one["at"] for one in answer.json()["errors"]] == ["query/stat", "query/\U0001f488"]
    assert (await api.post("/bookings?override=true", {})).json()["errors"][0]["at"] == "query/override"
    assert len((await api.get("/bookings?state=confirmed&limit=1")).json()["items"]) == 1


@pytest.mark.parametrize("zone", ["localtime", "Factory", "posixrules", "right/Europe/Madrid", "../Europe/Madrid"])
async def test_zones_that_are_no_place(api: Api, zone: str) -> None:
    about = {"service_id": api.shop.services["trim"], "from": iso("09:00"), "to": iso("12:00"), "tz": zone}
    (error,) = (await api.get("/availability", params=about)).json()["errors"]
    assert error["at"] == "query/tz"
    assert error["msg"].startswith("must be a name")


async def test_more_is_asked_for_than_would_be_booked(api: Api) -> None:
    """What the service does not know is refused, not left out: hours of a visit, names of people who do not come."""
    twice = await api.book("10:00", units=2)
    assert (twice.status_code, twice.json()["data"]) == (422, {"least": 1, "most": 1, "of": "visit"})
    crowd = await api.book("10:00", attendees=["Ana", "Eva"])
    assert crowd.json()["errors"][0]["msg"] == "attendees names more people than party says"
    assert (await api.book("10:00", service="yoga", staff=None, party=2, attendees=["Ana", "Eva"])).status_code == 201


async def test_a_name_is_one_line(api: Api) -> None:
    for name in ("Lola\nGil", "Lola\u2028Gil", "Lola\tGil"):
        answer = await api.post("/customers", {"name": name})
        assert answer.json()["errors"] == [{"at": "body/name", "type": "value_error", "msg": "must be a single line"}]
    assert (await api.post("/customers", {"name": " Lola Ñandú 😀\n"})).json()["name"] == "Lola Ñandú 😀"


@pytest.mark.parametrize("path", ["/waitlist", "/availability"])
async def test_a_window_begins_before_it_ends(api: Api, path: str) -> None:
    body = {"service_ids": [str(api.shop.services["trim"])], "windows": [{"from": iso("12:00"), "to": iso("10:00")}]}
    more = {"customer_id": str(api.customer)} if path == "/waitlist" else {}
    (error,) = (await api.post(path, body | more)).json()["errors"]
    assert error["msg"] == "a window must begin before it ends"


async def test_a_body_that_is_too_large(api: Api) -> None:
    answer = await api.call("POST", "/customers", content=b"x" * 300_000, key="k")
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")


@pytest.mark.parametrize("name", ["if-match", "if-none-match", "authorization", "content-type", "accept"])
async def test_headers(api: Api, name: str) -> None:
    booking = await api.booked("10:00")
    for nasty in (b"", b"\x00", b"\xff\xff", b'"' * 100, b"x" * 4000, b"*, *"):
        sent = {"Authorization": f"Bearer {api.token}".encode(), "Idempotency-Key": str(uuid4()).encode()}
        answer = await api.http.post(f"/api/v1/bookings/{booking['id']}/check-in", headers=sent | {name: nasty})
        told(answer)


async def test_times_say_what_they_must_be(api: Api) -> None:
    expected = {
        "2026-11-23T10:00:00": "must carry an offset",
        "0001-01-01T00:00:00+14:00": "between the years 2000 and 2200",
        "9999-12-31T23:59:59Z": "between the years 2000 and 2200",
        "tomorrow": "must be an ISO 8601 moment",
    }
    for text, words in expected.items():
        answer = await api.book("10:00", starts=text)
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["at"] == "body/starts"
        assert words in error["msg"]
        assert text not in answer.text
    number = await api.book("10:00", starts=1795428000)
    assert number.status_code == 422


async def test_what_was_wrong_is_never_repeated(api: Api) -> None:
    secret = "Maria has a rash"
    for body in ({"name": secret + "\x00"}, {"name": [secret]}, {"name": "x", "locale": secret}):
        answer = await api.post("/customers", body)
        assert answer.status_code == 422
        assert secret not in answer.text


async def test_a_bug_of_ours_is_told_as_one(api: Api) -> None:
    await api.run("ALTER TABLE customer RENAME COLUMN locale TO gone")
    api.http._transport.raise_app_exceptions = False
    answer = await api.get("/customers")
    await api.run("ALTER TABLE customer RENAME COLUMN gone TO locale")
    assert answer.status_code == 500
    problem = answer.json()
    assert problem["reason"] == "internal"
    assert problem["instance"].startswith("urn:uuid:")
    assert "locale" not in answer.text


async def test_each_kind_of_problem_is_explained_where_its_type_points(api: Api) -> None:
    answer = await api.get("/bookings?cursor=x")
    explained = await api.http.get(answer.json()["type"])
    assert explained.json() == {"reason": "bad_cursor", "title": answer.json()["title"], "status": 422}
    assert (await api.http.get("/api/v1/problems/none")).status_code == 404


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(
        st.sampled_from(["service_ids", "starts", "customer_id", "staff_id", "party", "answers", "attendees", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=6,
        ),
    )
)
async def test_any_json_at_all(api: Api, body: object) -> None:
    sent = json.dumps(body).encode("utf-8", "surrogatepass")
    told(
        await api.call(
            "POST", "/bookings", content=sent, headers={"Content-Type": "application/json"}, key=str(uuid4())
        )
    )


def told(answer) -> None:
    """The answer is not our fault, and if it is an error it is a problem."""
    assert answer.status_code not in {429, *range(500, 600)}, (
        answer.request.method,
        answer.request.url,
        answer.request.content,
        answer.text,
    )
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", answer.request.url
        assert answer.json()["status"] == answer.status_code
        assert len(answer.content) < 20_000


def filled(path: str, api: Api) -> str:
    """Return a path of things that are there, or at least could be."""
    path = path.replace("{service_id}", str(api.shop.services["trim"])).replace(
        "{staff_id}", str(api.shop.staff["Ana"])
    )
    return re.sub(r"\{\w+\}", str(uuid4()), path)


def bodies(spec: dict, api: Api) -> Iterator[tuple[str, str, dict]]:
    """Every route with a body that is right but for what a test makes wrong."""
    ids = {
        "service_ids": [str(api.shop.services["trim"])],
        "staff_id": str(api.shop.staff["Ana"]),
        "customer_id": str(api.customer),
        "starts": iso("10:00"),
        "ends": iso("11:00"),
        "windows": [{"from": iso("09:00"), "to": iso("13:00")}],
        "rule": "FREQ=WEEKLY;COUNT=2",
        "name": "Lola",
        "url": "https://example.org/hook",
        "kind": "block",
    }
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            if "requestBody" not in operation:
                continue
            (content,) = operation["requestBody"]["content"].values()
            schema = content["schema"]
            name = (schema.get("$ref") or schema["allOf"][0]["$ref"]).rsplit("/", 1)[1]
            fields = spec["components"]["schemas"][name]["properties"]
            body = {field: ids[field] for field in fields if field in ids}
            yield (
                filled(path, api),
                method.upper(),
                body
                | {field: None for field in fields if field not in body and field not in DEFAULTS}
                | {field: DEFAULTS[field] for field in fields if field in DEFAULTS},
            )


DEFAULTS = {
    "party": 1, "units": 1, "arrangement": "together", "add_on_ids": [], "answers": {}, "attendees": [],
    "override": False, "notify": True, "by": "business", "priority": 0, "exclude": [], "limit": 10, "events": [],
    "on_conflict": "skip", "scope": "all", "state": "active", "booking_id": str(uuid4()),
}  # fmt: skip

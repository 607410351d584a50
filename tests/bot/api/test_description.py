"""The description of the API: valid, complete, and true of each route's scope."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator, RefResolver
from starlette.routing import BaseRoute

from bot.api.errors import PREFIX
from bot.api.problems import MEDIA_TYPE
from bot.api.tokens import Scope
from tests.booking_core.shop import open_shop
from tests.bot.api.conftest import ALL, Api, iso
from tests.bot.belongings import belongings


@pytest.fixture
async def spec(wide: Api) -> dict:
    return (await wide.http.get("/api/v1/openapi.json")).json()


def operations(spec: dict) -> Iterator[tuple[str, str, dict]]:
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def routes_of(routes: list[BaseRoute]) -> Iterator[APIRoute]:
    """Yield every route of an application, those of the routers in it too."""
    for one in routes:
        if isinstance(one, APIRoute):
            yield one
        inner = getattr(one, "routes", None) or getattr(getattr(one, "original_router", None), "routes", [])
        yield from routes_of(list(inner))


def refs(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for one in node.values():
            yield from refs(one)
    elif isinstance(node, list):
        for one in node:
            yield from refs(one)


async def test_moments_are_said_to_be_moments(spec: dict) -> None:
    """A generated client makes dates of them, in bodies and in queries."""
    asked = spec["components"]["schemas"]["BookingIn"]["properties"]["starts"]
    assert (asked["type"], asked["format"]) == ("string", "date-time")
    queries = spec["paths"]["/api/v1/bookings"]["get"]["parameters"]
    (since,) = (one["schema"] for one in queries if one["name"] == "updated_since")
    assert {"type": "string", "format": "date-time"}.items() <= since["anyOf"][0].items()


def test_every_route_is_described(app: FastAPI) -> None:
    described = {(method, path) for method, path, _ in operations(app.openapi()) if path.startswith(PREFIX)}
    found = {
        (method, one.path)
        for one in routes_of(list(app.routes))
        for method in one.methods
        if one.path.startswith(PREFIX) and one.include_in_schema
    }
    assert len(found) > 45
    assert {(method, path.removeprefix(PREFIX)) for method, path in found} == {
        (method, path.removeprefix(PREFIX)) for method, path in described
    }


@pytest.mark.parametrize("path", ["/openapi.json", "/api/v1/openapi.json"])
async def test_the_description_is_valid(api: Api, path: str) -> None:
    spec = (await api.http.get(path)).json()
    assert spec["openapi"].startswith("3.1")
    names = [operation["operationId"] for _, _, operation in operations(spec)]
    assert len(names) == len(set(names))
    for ref in refs(spec):
        node: object = spec
        for part in ref.removeprefix("#/").split("/"):
            node = node[part]
    for schema in spec["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for _, path_, operation in operations(spec):
        in_path = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path_)), path_
    tagged = {tag for _, path_, one in operations(spec) if path_.startswith(PREFIX) for tag in one["tags"]}
    if path.startswith(PREFIX):
        assert {tag["name"] for tag in spec["tags"]} == tagged
        assert spec["servers"] == [{"url": "http://api.test"}]


async def test_everything_is_explained(spec: dict) -> None:
    for method, path, operation in operations(spec):
        assert operation["summary"], path
        assert operation["description"].rstrip().endswith("."), (method, path)
        for status in ("400", "401", "403", "404", "409", "412", "422", "429"):
            content = operation["responses"][status]["content"]
            assert list(content) == [MEDIA_TYPE], (path, status)
            assert content[MEDIA_TYPE]["example"]["status"] == int(status)
    for name, schema in spec["components"]["schemas"].items():
        assert "bot__" not in name
        if schema.get("type") == "object" and not name.startswith("Page_"):
            assert schema["description"], name


async def test_examples_are_what_they_are_examples_of(spec: dict) -> None:
    resolver = RefResolver.from_schema(spec)
    count = 0
    for name, schema in spec["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            errors = list(Draft202012Validator(schema, resolver=resolver).iter_errors(example))
            assert not errors, (name, errors)
            count += 1
    assert count >= 10


@pytest.mark.parametrize("path", ["/docs", "/api/v1/docs"])
async def test_the_page_asks_no_other_server(api: Api, path: str) -> None:
    page = await api.http.get(path)
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 3
    for address in loaded:
        if address != "data:,":
            asset = await api.http.get(address)
            assert (asset.status_code, len(asset.content) > 100_000) == (200, True)
    assert "https://" not in page.text
    for other in ("redoc.standalone.js", "..%2fcore.py", "x"):
        assert (await api.http.get(f"/docs/assets/{other}")).status_code == 404


def scope_of(operation: dict) -> Scope:
    """The one scope that a route names."""
    ((scheme, scopes),) = operation["security"][0].items()
    assert scheme == "HTTPBearer"
    (scope,) = scopes
    return Scope(scope)


async def test_each_route_wants_its_scope(wide: Api, spec: dict) -> None:
    """With every scope but its own there is a 403 that names it, whatever else is wrong with the request."""
    lacking = {scope: await wide.other_token([one for one in ALL if one is not scope]) for scope in Scope}
    seen = set()
    for method, path, operation in operations(spec):
        scope = scope_of(operation)
        address = re.sub(r"\{\w+\}", str(uuid4()), path)
        body = {} if method in {"POST", "PATCH"} else None
        refused = await wide.call(method, address, token=lacking[scope], json=body)
        assert (refused.status_code, refused.json()["reason"]) == (403, "forbidden"), (method, path)
        assert refused.json()["data"] == {"scope": scope.value}
        alone = await wide.other_token([scope])
        answer = await wide.call(method, address, token=alone, json=body)
        # It is enough; some want another one besides, for what only some requests do.
        assert answer.status_code != 403 or answer.json()["data"] != {"scope": scope.value}, (method, path)
        seen.add(scope)
    assert seen == set(Scope)


async def test_what_needs_more_than_its_scope(api: Api) -> None:
    trim = [str(api.shop.services["trim"])]
    only = await api.other_token([Scope.BOOKINGS_WRITE])
    schedule = await api.other_token([Scope.SCHEDULE_WRITE])
    booking = await api.booked("10:00")
    seat = await api.booked("12:00", service="yoga")
    override = {"starts": iso("20:00"), "override": True}
    new = {"service_ids": trim, "customer_id": str(api.customer)} | override
    walk_in = {"service_ids": trim, "customer_name": "Lola"}
    for path, body, token, scope in (
        ("/bookings", new, only, "schedule:write"),
        (f"/bookings/{booking['id']}/reschedule", override, only, "schedule:write"),
        ("/bookings/walk-in", walk_in, only, "schedule:write"),
        (f"/class-sessions/{seat['session_id']}/cancel", None, schedule, "bookings:write"),
    ):
        refused = await api.post(path, body, token=token)
        assert (refused.status_code, refused.json()["data"]) == (403, {"scope": scope}), path
    nameless = await api.other_token([Scope.BOOKINGS_WRITE, Scope.SCHEDULE_WRITE])
    refused = await api.post("/bookings/walk-in", walk_in, token=nameless)
    assert refused.json()["data"] == {"scope": "customers:write"}


async def test_another_businesss_ids_are_nothing_on_any_route(wide: Api, spec: dict) -> None:
    """Every route with an id, asked by a stranger about things that are there."""
    api = wide
    booking, seat = await api.booked("10:00"), await api.booked("12:00", service="yoga")
    common = {"service_ids": [str(api.shop.services["trim"])], "customer_id": str(api.customer)}
    series = (await api.post("/series", common | {"starts": iso("11:00"), "rule": "FREQ=DAILY;COUNT=2"})).json()
    waiting = common | {"windows": [{"from": iso("09:00"), "to": iso("10:00")}]}
    entry = (await api.post("/waitlist", waiting)).json()
    away = {"staff_id": str(api.shop.staff["Bruno"]), "starts": iso("12:00"), "ends": iso("13:00")}
    endpoint = (await api.post("/webhook-endpoints", {"url": "https://example.org/hook"})).json()
    delivery = (await api.post(f"/webhook-endpoints/{endpoint['id']}/test")).json()
    await api.post(f"/staff/{api.shop.staff['Ana']}/calendar-feed")
    ids = {
        "booking_id": booking["id"],
        "session_id": seat["session_id"],
        "series_id": series["id"],
        "entry_id": entry["id"],
        "time_off_id": (await api.post("/time-off", away)).json()["id"],
        "endpoint_id": endpoint["id"],
        "delivery_id": delivery["id"],
        "customer_id": str(api.customer),
        "service_id": str(api.shop.services["trim"]),
        "staff_id": str(api.shop.staff["Ana"]),
        "location_id": str(api.shop.location_id),
        "day": "2026-12-24",
    }
    bodies = {
        "reschedule_booking": {"starts": iso("11:30")},
        "cancel_series": {"booking_id": series["occurrences"][0]["booking"]["id"]},
        "change_webhook_endpoint": {"state": "paused"},
        "change_answers": {"answers": {"first": True}},
        "change_customer": {"name": "Somebody Else"},
        "merge_customers": {"other_id": str(api.customer), "evidence": "They say so."},
        "set_hours": {"week": []},
        "set_hours_of_date": {"hours": []},
    }
    async with api.db.transaction() as session:
        other = await open_shop(session)
    stranger = await api.other_token(business_id=other.business_id)
    before = await belongings(api.db, api.shop.business_id)
    count = 0
    for method, path, operation in operations(spec):
        names = re.findall(r"\{(\w+)\}", path)
        if not names:
            continue
        body = bodies.get(operation["operationId"], {} if method == "POST" else None)
        address = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], path)
        answer = await api.call(method, address, json=body, token=stranger, key=str(uuid4()))
        assert (answer.status_code, answer.json()["reason"]) == (404, "unknown"), (method, path)
        count += 1
    assert count > 25
    assert await belongings(api.db, api.shop.business_id) == before
    # They are all there for their own business.
    for method, path, _ in operations(spec):
        if method == "GET" and "{" in path:
            address = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], path)
            assert (await api.get(address)).status_code == 200, path


async def test_ids_of_others_in_bodies_and_filters(api: Api) -> None:
    async with api.db.transaction() as session:
        other = await open_shop(session)
    foreign = {
        "service_ids": [str(other.services["trim"])],
        "staff_id": str(other.staff["Ana"]),
        "location_id": str(other.location_id),
    }
    good = {"service_ids": [str(api.shop.services["trim"])], "customer_id": str(api.customer)}
    window = {"windows": [{"from": iso("09:00"), "to": iso("13:00")}]}
    for field, value in foreign.items():
        for path, rest in (
            ("/bookings", {"starts": iso("10:00")}),
            ("/series", {"starts": iso("10:00"), "rule": "FREQ=DAILY;COUNT=2"}),
            ("/waitlist", window),
            ("/availability", window),
        ):
            answer = await api.post(path, good | rest | {field: value})
            assert (answer.status_code, answer.json()["reason"]) == (404, "unknown"), (path, field)
    away = {"staff_id": foreign["staff_id"], "starts": iso("12:00"), "ends": iso("13:00")}
    assert (await api.post("/time-off", away)).status_code == 404
    assert (await api.get(f"/bookings?staff_id={foreign['staff_id']}")).json()["items"] == []

"""Who may ask: tokens that are kept as hashes, scopes, ends, limits, and walls between businesses."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from bot.api import routes, tokens
from bot.api.tokens import Scope
from bot.wiring import build_system, close_system
from tests.booking_core.shop import NOW, open_shop
from tests.bot.api.conftest import ALL, Api, iso


async def test_only_a_hash_is_kept(api: Api) -> None:
    (row,) = await api.rows("SELECT token_hash, prefix, scopes FROM api_token")
    assert api.token not in str(row)
    assert row.prefix == api.token[:12]
    assert len(row.token_hash) == 64
    assert len(api.token) >= 43 + len(tokens.MARK)


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("", None),
        ("Basic abc", None),
        ("Bearer ", None),
        ("Bearer nonsense", "invalid_token"),
        ("Bearer tbk_" + "x" * 43, "invalid_token"),
        ("Bearer tbk_" + "x" * 5000, "invalid_token"),
        ("Bearer tbk_ñ", "invalid_token"),
    ],
)
async def test_without_a_token_nothing_opens(api: Api, header: str, error: str | None) -> None:
    answer = await api.http.get("/api/v1/bookings", headers={"Authorization": header.encode()})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="threadbook"')
    assert (error or "error") in answer.headers["WWW-Authenticate"] or error is None


async def test_tokens_end_and_are_revoked_at_once(api: Api) -> None:
    short = await api.other_token(lasts=timedelta(days=1))
    assert (await api.get("/business", token=short)).status_code == 200
    await api.advance(timedelta(days=1))
    ended = await api.get("/business", token=short)
    assert (ended.status_code, ended.json()["detail"]) == (401, "The token is expired.")
    async with api.db.transaction() as session:
        closed = await tokens.revoke(session, api.shop.business_id, api.token[:12], now=NOW)
    assert len(closed) == 1
    assert (await api.get("/business")).json()["detail"] == "The token is revoked."


READS = {
    "/business": Scope.CATALOG_READ,
    "/services": Scope.CATALOG_READ,
    "/class-sessions": Scope.AVAILABILITY_READ,
    "/bookings": Scope.BOOKINGS_READ,
    "/events": Scope.BOOKINGS_READ,
    "/waitlist": Scope.BOOKINGS_READ,
    "/customers": Scope.CUSTOMERS_READ,
    "/time-off": Scope.SCHEDULE_WRITE,
    "/webhook-endpoints": Scope.WEBHOOKS_MANAGE,
}


async def test_a_token_does_what_its_scopes_say(api: Api) -> None:
    for path, scope in READS.items():
        enough = await api.other_token([scope])
        lacking = await api.other_token([one for one in ALL if one is not scope])
        assert (await api.get(path, token=enough)).status_code == 200, path
        refused = await api.get(path, token=lacking)
        assert refused.status_code == 403, path
        assert refused.json()["data"] == {"scope": scope.value}
        assert f'scope="{scope.value}"' in refused.headers["WWW-Authenticate"]


async def test_a_missing_scope_is_told_before_anything_else(api: Api) -> None:
    weak = await api.other_token([Scope.CATALOG_READ])
    answer = await api.http.post("/api/v1/bookings", headers={"Authorization": f"Bearer {weak}"}, json={"nonsense": 1})
    assert answer.status_code == 403


async def test_use_is_noted_now_and_then(api: Api) -> None:
    used = "SELECT last_used_at FROM api_token"
    assert (await api.rows(used))[0].last_used_at is None
    await api.get("/business")
    ((first,),) = await api.rows(used)
    await asyncio.gather(*(api.get("/business") for _ in range(5)))
    assert await api.rows(used) == [(first,)]
    await api.advance(timedelta(minutes=6))
    await asyncio.gather(*(api.get("/business") for _ in range(5)))
    ((later,),) = await api.rows(used)
    assert later - first > timedelta(minutes=5)


async def test_another_businesss_ids_are_nothing_here(api: Api) -> None:
    async with api.db.transaction() as session:
        other = await open_shop(session)
    theirs = await api.other_token(business_id=other.business_id)
    mine = await api.booked("10:00")
    away = {"staff_id": str(api.shop.staff["Bruno"]), "starts": iso("12:00"), "ends": iso("13:00")}
    off = await api.post("/time-off", away)
    endpoint = await api.post("/webhook-endpoints", {"url": "https://example.org/hook"})
    for path in (
        f"/bookings/{mine['id']}",
        f"/customers/{api.customer}",
        f"/services/{api.shop.services['trim']}",
        f"/staff/{api.shop.staff['Ana']}",
        f"/staff/{api.shop.staff['Ana']}/calendar-feed",
        f"/time-off/{off.json()['id']}",
        f"/webhook-endpoints/{endpoint.json()['id']}",
        f"/webhook-endpoints/{endpoint.json()['id']}/secret",
        f"/webhook-endpoints/{endpoint.json()['id']}/deliveries",
        f"/series/{uuid4()}",
        f"/waitlist/{uuid4()}",
    ):
        assert (await api.get(path, token=theirs)).status_code == 404, path
    for method, path in (
        ("POST", f"/bookings/{mine['id']}/cancel"),
        ("POST", f"/bookings/{mine['id']}/check-in"),
        ("DELETE", f"/time-off/{off.json()['id']}"),
        ("DELETE", f"/webhook-endpoints/{endpoint.json()['id']}"),
        ("PATCH", f"/webhook-endpoints/{endpoint.json()['id']}"),
        ("POST", f"/staff/{api.shop.staff['Ana']}/calendar-feed"),
    ):
        body = {} if method == "PATCH" else None
        answer = await api.call(method, path, token=theirs, key=str(uuid4()), json=body)
        assert (answer.status_code, answer.json()["reason"]) == (404, "unknown"), path
    assert (await api.get("/bookings", token=theirs)).json() == {"items": [], "next": None}
    # Their customer with our service, our customer with their service: neither exists for us.
    foreign = await api.book("11:00", service_ids=[str(other.services["cut"])])
    assert foreign.status_code == 404
    assert (await api.book("11:00", customer_id=str(uuid4()))).status_code == 404
    assert (await api.get(f"/bookings/{mine['id']}")).json()["state"] == "confirmed"


async def test_who_asks_too_often_is_told_how_long_to_wait(api: Api) -> None:
    system = build_system(api.settings)
    small = FastAPI()
    routes.install(small, system, most=3)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(small), base_url="http://api.test") as http:
        headers = {"Authorization": f"Bearer {api.token}"}
        first = await http.get("/api/v1/business", headers=headers)
        assert first.headers["RateLimit-Policy"] == '"token";q=3;w=60'
        assert first.headers["RateLimit"].startswith('"token";r=2;t=')
        answers = [await http.get("/api/v1/business", headers=headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[-1].json()["reason"] == "too_many_requests"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        other = await api.other_token()
        assert (await http.get("/api/v1/business", headers={"Authorization": f"Bearer {other}"})).status_code == 200
    await close_system(system)


async def test_without_redis_nobody_is_limited(api: Api) -> None:
    system = build_system(api.settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    small = FastAPI()
    routes.install(small, system, most=1)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(small), base_url="http://api.test") as http:
        headers = {"Authorization": f"Bearer {api.token}"}
        codes = [(await http.get("/api/v1/business", headers=headers)).status_code for _ in range(3)]
    assert codes == [200, 200, 200]
    await close_system(system)

"""Requests that another program makes up from our description, valid and broken: answered as described, or refused.

`THREADBOOK_HOSTILE=5000` sends so many; a usual run sends fewer.
"""

import json
import logging
import os
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode

from booking_core.kit.ids import new_id
from tests.booking_core.checker import assert_sound
from tests.booking_core.shop import open_shop
from tests.bot.api.conftest import SERVICES, Api
from tests.bot.api.test_hostile import filled, told

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

#: How many requests; the release check sends 5,000.
REQUESTS = int(os.environ.get("THREADBOOK_HOSTILE", "800"))


async def test_made_up_requests(wide: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    name = f"Quixote {new_id()}"
    await wide.run("UPDATE customer SET name = :name", name=name)
    async with wide.db.transaction() as session:
        neighbour = await open_shop(session, services=SERVICES)
    booked = (await wide.booked("10:00"))["id"]
    before = await _everything_of(wide, neighbour.business_id)
    sent = 0
    for case, real in _made_up((await wide.http.get("/api/v1/openapi.json")).json()):
        told(await _send(wide, case, booking=booked if real else None))
        sent += 1
    assert sent >= REQUESTS * 0.9
    # Nothing of it is half done, nobody else's has changed, and the log names nobody.
    await assert_sound(wide.db, wide.shop.business_id)
    assert await _everything_of(wide, neighbour.business_id) == before
    assert name not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def _made_up(spec: dict) -> Iterator[tuple[Case, bool]]:
    """Return cases of every operation, and whether each is to be sent to something that is there."""
    operations = [one.ok() for one in schemathesis.openapi.from_dict(spec).get_all_operations()]
    each = -(-REQUESTS // len(operations) // 2)
    for operation in operations:
        for mode in GenerationMode:
            for n, case in enumerate(_cases(operation, mode, each)):
                yield case, n % 2 == 0


def _cases(operation: schemathesis.APIOperation, mode: GenerationMode, count: int) -> list[Case]:
    made: list[Case] = []

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Case) -> None:
        made.append(case)

    collect()
    return made


async def _send(api: Api, case: Case, *, booking: str | None):
    asked = case.as_transport_kwargs(base_url="http://api.test")
    path = urlsplit(asked["url"])._replace(scheme="", netloc="").geturl()
    if booking is not None and "{" in case.path:
        path = filled(case.path.replace("{booking_id}", booking), api)
    headers = {
        name: value
        for name, value in asked["headers"].items()
        if name.lower() not in {"authorization", "idempotency-key"} and name.isascii() and str(value).isascii()
    }
    content = asked.get("data")
    if "json" in asked:
        content = json.dumps(asked["json"]).encode("utf-8", "surrogatepass")
        headers["Content-Type"] = "application/json"
    return await api.call(
        asked["method"], path, params=asked.get("params") or None, content=content, headers=headers, key=str(uuid4())
    )


async def _everything_of(api: Api, business_id: object) -> list[tuple[str, int]]:
    """Return how each table's rows of a business look, as one number."""
    tables = await api.rows("SELECT table_name FROM information_schema.columns WHERE column_name = 'business_id'")
    found = []
    for (table,) in sorted(tuple(row) for row in tables):
        rows = await api.rows(
            f"SELECT coalesce(sum(hashtext(t::text)::bigint), 0) FROM {table} t WHERE business_id = :one",
            one=business_id,
        )
        found.append((table, rows[0][0]))
    return found

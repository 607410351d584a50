"""Pages of lists: nothing twice, nothing missed, whatever comes in between."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking_core.kit.ids import new_id
from tests.booking_core.shop import at, open_shop
from tests.bot.api.conftest import Api

relaxed = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
#: Few hours, so that many begin at the same moment.
some = st.lists(st.integers(0, 5), max_size=9)
limits = st.integers(1, 5)
_COPY = """
INSERT INTO booking SELECT (jsonb_populate_record(b, jsonb_build_object(
    'id', CAST(:id AS text), 'reference', CAST(:id AS text), 'ics_token', CAST(:id AS text),
    'idempotency_key', CAST(:id AS text), 'starts', CAST(:starts AS timestamptz),
    'ends', CAST(:starts AS timestamptz) + interval '20 minutes'))).*
FROM booking b LIMIT 1
"""
_AWAY = """
INSERT INTO time_off (business_id, id, staff_id, starts, ends, kind) VALUES
(:business, :id, :staff, CAST(:starts AS timestamptz), CAST(:starts AS timestamptz) + interval '1 hour', 'block')
"""


async def pages(api: Api, path: str) -> AsyncIterator[list[dict]]:
    """Yield the items of each page; body and header name the same next one."""
    following: str | None = path
    while following is not None:
        answer = await api.get(following)
        assert answer.status_code == 200, answer.text
        items, following = answer.json()["items"], answer.json()["next"]
        assert answer.headers.get("Link") == (following and f'<{following}>; rel="next"')
        yield items


async def walk(api: Api, path: str, later: list[str], add) -> list[str]:
    """Return all ids of a list, to which something is added after each page."""
    found: list[str] = []
    async for page in pages(api, path):
        found += [one["id"] for one in page]
        if later:
            await add(later.pop())
    return found


def check(found: list[str], before: list[str], after: list[str]) -> None:
    """Everything that was there from the first page on is there once; what came later, once at most."""
    assert len(found) == len(set(found))
    assert set(before) <= set(found) <= set(before) | set(after)


@relaxed
@given(first=some, later=some, limit=limits)
async def test_bookings_in_order_of_their_start(api: Api, first: list[int], later: list[int], limit: int) -> None:
    await api.run("DELETE FROM booking WHERE id NOT IN (SELECT id FROM booking LIMIT 1)")
    if not await api.rows("SELECT id FROM booking"):
        await api.booked("10:00")
    starts: dict[str, int] = {}

    async def add(one: str) -> None:
        await api.run(_COPY, id=one, starts=at("08:00") + timedelta(hours=starts[one]))

    before, after = [[str(new_id()) for _ in hours] for hours in (first, later)]
    starts.update(zip(before + after, first + later, strict=True))
    for one in before:
        await add(one)
    found = await walk(api, f"/bookings?limit={limit}&from=2026-11-23T00:00:00Z", list(after), add)
    (copied,) = [row.id for row in await api.rows("SELECT id FROM booking WHERE length(reference) < 10")]
    check([one for one in found if one != str(copied)], before, after)
    order = [(row.starts, str(row.id)) for row in await api.rows("SELECT starts, id FROM booking")]
    assert found == [one for _, one in sorted(order) if one in set(found)]


@relaxed
@given(first=some, later=some, limit=limits)
async def test_time_off(api: Api, first: list[int], later: list[int], limit: int) -> None:
    await api.run("DELETE FROM time_off")
    starts: dict[str, int] = {}
    staff, business = api.shop.staff["Ana"], api.shop.business_id

    async def add(one: str) -> None:
        await api.run(_AWAY, business=business, id=one, staff=staff, starts=at("08:00") + timedelta(hours=starts[one]))

    before, after = [[str(new_id()) for _ in hours] for hours in (first, later)]
    starts.update(zip(before + after, first + later, strict=True))
    for one in before:
        await add(one)
    check(await walk(api, f"/time-off?limit={limit}", list(after), add), before, after)


@relaxed
@given(first=some, later=some, limit=limits)
async def test_customers(api: Api, first: list[int], later: list[int], limit: int) -> None:
    async def add(one: str) -> None:
        await api.run(
            "INSERT INTO customer (business_id, id, created_at) VALUES (:business, :id, now())",
            business=api.shop.business_id,
            id=one,
        )

    await api.run("DELETE FROM customer WHERE id <> :one", one=api.customer)
    before, after = [[str(new_id()) for _ in hours] for hours in (first, later)]
    for one in before:
        await add(one)
    found = await walk(api, f"/customers?limit={limit}", list(after), add)
    check(found, [str(api.customer), *before], after)
    assert found == sorted(found)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", ""])
async def test_limits_that_are_none(api: Api, limit: str) -> None:
    assert (await api.get(f"/customers?limit={limit}")).status_code == 422


async def test_a_cursor_belongs_to_its_list(api: Api) -> None:
    for number in range(3):
        await api.post("/customers", {"name": f"Somebody {number}"})
    page = (await api.get("/customers?limit=1")).json()
    assert (await api.get(page["next"])).status_code == 200
    cursor = page["next"].split("cursor=")[1]
    async with api.db.transaction() as session:
        other = await open_shop(session)
    theirs = await api.other_token(business_id=other.business_id)
    refused = [
        await api.get(f"/bookings?cursor={cursor}"),  # another list
        await api.get(f"/customers?cursor={cursor}", token=theirs),  # another business's
        await api.get(f"/customers?cursor={cursor[:-2]}"),  # cut
        await api.get(f"/customers?cursor={cursor[:-1] + ('A' if cursor[-1] != 'A' else 'B')}"),
        await api.get("/customers?cursor="),
    ]
    assert {(one.status_code, one.json()["reason"]) for one in refused} == {(422, "bad_cursor")}
    # It belongs to its filters too; how many are wanted may change.
    booked = [await api.booked(clock) for clock in ("10:00", "10:20")]
    following = (await api.get("/bookings?limit=1&state=confirmed")).json()["next"]
    assert (await api.get(following.replace("confirmed", "held"))).json()["reason"] == "bad_cursor"
    rest = (await api.get(following.replace("limit=1", "limit=9"))).json()
    assert [one["id"] for one in rest["items"]] == [booked[1]["id"]]


async def test_filters_of_bookings(api: Api) -> None:
    early = await api.booked("10:00", service="cut")
    late = await api.booked("11:00", staff="Bruno")
    seat = await api.booked("12:00", service="yoga")
    await api.post(f"/bookings/{late['id']}/cancel")
    wanted = {
        "from=2026-11-23T10:30:00Z": [seat],
        "to=2026-11-23T10:00:00Z": [early],
        "from=2026-11-23T09:59:00Z&to=2026-11-23T10:01:00Z": [early, late],
        "state=held": [early],
        "state=held&state=confirmed": [early, seat],
        f"customer_id={api.customer}": [early, late, seat],
        f"customer_id={new_id()}": [],
        f"staff_id={api.shop.staff['Bruno']}": [late],
        f"service_id={api.shop.services['cut']}": [early],
        f"location_id={api.shop.location_id}": [early, late, seat],
        f"session_id={seat['session_id']}": [seat],
        f"series_id={new_id()}": [],
        f"reference={early['reference'].lower()}": [early],
        "order=created": [early, late, seat],
        "updated_since=2026-11-24T00:00:00Z": [],
    }
    for query, expected in wanted.items():
        found = (await api.get(f"/bookings?{query}")).json()["items"]
        assert [one["id"] for one in found] == [one["id"] for one in expected], query

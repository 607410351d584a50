"""Events: one for each committed change, none for what was rolled back, none read too late."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core.catalog import load_catalog
from booking_core.kit.clock import current_time
from booking_core.models import Booking
from booking_core.requests import VisitRequest
from booking_core.rules.lifecycle import MOVES, Move
from bot.api.events import OF_MOVE, EventType
from tests.booking_core.shop import at, open_shop
from tests.bot.api.conftest import Api, iso


@pytest.fixture
async def told(api: Api) -> Api:
    """Somebody subscribes."""
    assert (await api.post("/webhook-endpoints", {"url": "https://example.org/hook"})).status_code == 201
    return api


class _CrashError(Exception):
    """Undoes a transaction."""


async def hold(api: Api, session: AsyncSession, clock: str, *, service: str = "trim") -> Booking:
    """Book without the API, as a thread does."""
    return await bookings.hold(
        session,
        catalog=await load_catalog(session, api.shop.business_id),
        wanted=VisitRequest.one(api.shop.services[service], None),
        starts=at(clock),
        customer_id=api.customer,
        conversation_id=None,
        key=f"thread:{clock}",
        now=await current_time(session),
    )


async def events(api: Api, **filters: object) -> list[dict]:
    """Return every event, read page by page."""
    await api.look()
    found: list[dict] = []
    page = (await api.get("/events", params={"limit": 3} | filters)).json()
    while True:
        found += page["items"]
        if page["next"] is None:
            return found
        page = (await api.get(page["next"])).json()


def test_every_move_is_an_event() -> None:
    assert {move.value for _, move in MOVES} == set(Move)
    assert set(Move) <= set(OF_MOVE)
    assert set(OF_MOVE.values()) == set(EventType) - {EventType.TEST}


async def test_what_happens_to_a_booking(told: Api) -> None:
    api = told
    booking = await api.booked("10:00", service="cut")
    path = f"/bookings/{booking['id']}"
    await api.post(f"{path}/confirm")
    await api.post(f"{path}/confirm")  # nothing new
    await api.post(f"{path}/reschedule", {"starts": iso("11:00")})
    await api.set_clock(at("11:00"))
    for step in ("check-in", "undo-check-in", "check-in", "complete", "no-show"):
        assert (await api.post(f"{path}/{step}")).status_code == 200
    found = await events(api, booking_id=booking["id"])
    assert [one["type"].removeprefix("booking.") for one in found] == [
        "held", "confirmed", "rescheduled", "checked_in", "check_in_undone", "checked_in", "completed", "no_show",
    ]  # fmt: skip
    assert [one["data"]["state"] for one in found[:3]] == ["held", "confirmed", "confirmed"]
    assert [one["data"]["starts"][11:16] for one in found[:3]] == ["09:00", "09:00", "10:00"]
    assert [one["version"] for one in found] == [one["data"]["version"] for one in found]
    assert sorted(one["sequence"] for one in found) == [one["sequence"] for one in found]


async def test_approval_expiry_and_declining(told: Api) -> None:
    api = told
    await api.run("UPDATE service SET approval = true WHERE name = 'trim'")
    async with api.db.transaction() as session:
        asked = [await hold(api, session, clock) for clock in ("10:00", "11:00", "12:00")]
        await hold(api, session, "12:30", service="trim")
    await api.post(f"/bookings/{asked[0].id}/approve")
    await api.post(f"/bookings/{asked[1].id}/decline")
    await api.advance(timedelta(days=1))
    async with api.db.transaction() as session:
        await bookings.expire_due(session, now=await current_time(session))
    kinds = [one["type"].removeprefix("booking.") for one in await events(api)]
    assert kinds == ["requested"] * 4 + ["confirmed", "declined", "expired", "expired"]


async def test_every_entry_of_the_audit_is_told_once(told: Api) -> None:
    api = told
    made = [await api.booked(clock) for clock in ("10:00", "11:00")]
    await asyncio.gather(*(api.post(f"/bookings/{made[0]['id']}/cancel") for _ in range(5)))
    await api.book("11:00")
    await api.post(f"/bookings/{made[1]['id']}/reschedule", {"starts": iso("12:00")}, key="m")
    await api.post(f"/bookings/{made[1]['id']}/reschedule", {"starts": iso("12:00")}, key="m")
    audits = {f"evt_{row.id.hex}" for row in await api.rows("SELECT id FROM booking_audit")}
    ids = [one["id"] for one in await events(api)]
    assert len(ids) == len(set(ids)) == 4
    assert set(ids) == audits


async def test_what_is_rolled_back_is_not_told(told: Api) -> None:
    api = told
    with contextlib.suppress(_CrashError):
        async with api.db.transaction() as session:
            await hold(api, session, "10:00")
            raise _CrashError
    async with api.db.transaction() as session:
        with contextlib.suppress(_CrashError):
            async with session.begin_nested():
                await hold(api, session, "11:00")
                raise _CrashError
        kept = await hold(api, session, "12:00")
    refused = await api.book("12:00", staff=None, customer_id=str(api.customer), party=9)
    assert refused.status_code == 422
    (only,) = await events(api)
    assert only["data"]["id"] == str(kept.id)


async def test_an_event_shows_what_its_transaction_left(told: Api) -> None:
    """Two changes in one transaction: each is told, both as the transaction left the booking."""
    api = told
    async with api.db.transaction() as session:
        booking = await hold(api, session, "10:00")
        about = {"version": None, "now": await current_time(session), "actor": "customer"}
        await bookings.cancel(session, booking.business_id, booking.id, by="customer", **about)
    found = await events(api)
    assert [one["type"] for one in found] == ["booking.confirmed", "booking.cancelled"]
    assert {one["data"]["state"] for one in found} == {"cancelled_by_customer"}


async def test_whoever_reads_on_from_a_number_misses_nothing(told: Api) -> None:
    """The first to write commits last: its number is still higher than any that was read before."""
    api = told
    async with api.db.transaction() as slow:
        late = await hold(api, slow, "10:00")
        async with api.db.transaction() as quick:
            await hold(api, quick, "11:00")
        (first,) = await events(api)
    (second,) = await events(api, after=first["sequence"])
    assert second["data"]["id"] == str(late.id)
    assert second["sequence"] > first["sequence"]
    assert await events(api, after=second["sequence"]) == []


async def test_several_workers_tell_it_once(told: Api) -> None:
    api = told
    async with api.db.transaction() as session:
        for clock in ("10:00", "11:00", "12:00"):
            await hold(api, session, clock)
    await asyncio.gather(*(api.look() for _ in range(6)))
    assert len(await events(api)) == 3
    assert await api.rows("SELECT count(*) FROM webhook_delivery") == [(3,)]
    jobs = await api.rows("SELECT args FROM procrastinate_jobs WHERE task_name = 'deliver_webhook'")
    assert len(jobs) == 3


async def test_without_subscribers_nothing_is_written(api: Api) -> None:
    await api.booked("10:00")
    assert await api.rows("SELECT count(*) FROM booking_event") == [(0,)]
    hook = (await api.post("/webhook-endpoints", {"url": "https://example.org/hook"})).json()
    await api.booked("11:00")
    await api.call("PATCH", f"/webhook-endpoints/{hook['id']}", json={"state": "paused"})
    await api.booked("12:00")
    await api.call("PATCH", f"/webhook-endpoints/{hook['id']}", json={"state": "active"})
    await api.booked("12:30", override=True, staff="Bruno")
    await api.call("DELETE", f"/webhook-endpoints/{hook['id']}")
    await api.booked("10:00", staff="Bruno")
    assert [one["data"]["starts"][11:16] for one in await events(api)] == ["10:00", "11:30"]


async def test_events_are_the_businesss_own(told: Api) -> None:
    api = told
    async with api.db.transaction() as session:
        other = await open_shop(session)
    theirs = await api.other_token(business_id=other.business_id)
    await api.booked("10:00")
    await api.look()
    assert (await api.get("/events", token=theirs)).json()["items"] == []


async def test_words_and_secrets_stay_here(told: Api) -> None:
    api = told
    await api.booked("10:00", attendees=["Lola Gil"])
    await api.look()
    (row,) = await api.rows("SELECT booking FROM booking_event")
    assert not {"answers", "attendees", "ics_token", "idempotency_key", "policy_snapshot"} & set(row.booking)
    (shown,) = await events(api)
    assert (shown["data"]["attendees"], shown["data"]["calendar_url"]) == (None, None)


async def test_they_are_kept_for_thirty_days(told: Api) -> None:
    api = told
    await api.booked("10:00")
    assert len(await events(api)) == 1
    await api.advance(timedelta(days=29))
    assert len(await events(api)) == 1
    await api.advance(timedelta(days=2))
    await api.look()
    assert await events(api) == []
    assert await api.rows("SELECT count(*) FROM webhook_delivery") == [(0,)]


async def test_kinds_can_be_asked_for(told: Api) -> None:
    api = told
    booking = await api.booked("10:00")
    await api.post(f"/bookings/{booking['id']}/cancel")
    (gone,) = await events(api, type="booking.cancelled")
    assert gone["timestamp"].startswith("2026-11-23T06:3")
    assert (await api.get("/events?type=booking.nonsense")).status_code == 422

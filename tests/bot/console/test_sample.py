"""The sample business, as a newcomer first meets it in the console."""

from datetime import UTC, datetime, timedelta

import pytest

from booking_core import booking as bookings
from booking_core import calendar
from booking_core.catalog import load_catalog
from booking_core.customers import load_or_create
from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.requests import VisitRequest
from booking_core.seed import load_seed
from bot.console.users import seed_users
from bot.words import LOCALES
from tests.bot.console.conftest import Browser, hidden


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_newcomer_signs_in_and_sees_a_booking(database: Database, anyone: Browser, language: str) -> None:
    now = datetime.now(UTC)
    async with database.transaction() as session:
        business = await load_seed(session, LOCALES.parent / "seeds" / "marigold.yml", now)
        users = {role: (email, password) for email, role, password in await seed_users(session, business, now)}
        catalog = await load_catalog(session, business.id)
        service = next(one for one in catalog.services if not one.deposit and one.payment == "none")
        customer = await load_or_create(session, business.id, None, name="Lucía Fernández", locale="es", now=now)
        free = await calendar.free_slots(
            session,
            catalog,
            wanted=VisitRequest.one(service.id),
            windows=[(now + timedelta(days=2), now + timedelta(days=9))],
            exclude=(),
            now=now,
        )
        booking = await bookings.hold(
            session,
            catalog=catalog,
            wanted=VisitRequest.one(service.id),
            starts=free.slots[0].starts,
            customer_id=customer.id,
            conversation_id=None,
            key=str(new_id()),
            now=now,
        )
    anyone.headers["accept-language"] = language
    assert (await anyone.sign_in(*users["owner"])).status_code == 303
    anyone.csrf = hidden((await anyone.get("/console/inbox")).text, "csrf")
    day = booking.starts.date().isoformat()
    page = (await anyone.get(f"/console/calendar?day={day}")).text
    assert "Lucía Fernández" in page
    assert all(member.name in page for member in catalog.staff)
    for path in ("inbox", "tasks", "transcripts", "team"):
        assert (await anyone.get(f"/console/{path}")).status_code == 200

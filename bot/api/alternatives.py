"""A time that is taken is answered with a few that are free, as a receptionist would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from booking_core.calendar import free_slots
from booking_core.refusals import BookingRefused
from booking_core.requests import VisitRequest
from booking_core.rules.suggest import suggest
from bot.api.availability_routes import show_slot
from bot.api.call import Call
from bot.api.problems import ANOTHER_TIME, problem_of

_BEFORE, _AFTER = timedelta(days=1), timedelta(days=7)
_COUNT = 3


@asynccontextmanager
async def alternatives(
    call: Call, wanted: VisitRequest, starts: datetime, *, customer_id: UUID | None = None, moving: UUID | None = None
) -> AsyncIterator[None]:
    """Run a command in a savepoint; where another time would do, its refusal says which are free near by."""
    try:
        async with call.session.begin_nested():
            yield
    except BookingRefused as refused:
        if refused.reason not in ANOTHER_TIME:
            raise
        catalog = await call.catalog()
        found = await free_slots(
            call.session,
            catalog,
            wanted=wanted,
            windows=[(starts - _BEFORE, starts + _AFTER)],
            now=call.now,
            ignoring=moving,
            customer_id=customer_id,
        )
        zone = ZoneInfo(catalog.business.timezone)
        near = suggest(found.slots, wish=starts, count=_COUNT, prefer_staff=wanted.staff_id)
        raise problem_of(refused, alternatives=[show_slot(slot, zone) for slot in near]) from None

"""The waitlist: who waits for a time that is not free."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import select

from booking_core import waitlist
from booking_core.models import Customer, WaitlistEntry
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import Arrangement
from bot.api.availability_routes import WindowIn
from bot.api.call import Call, changes, creates, reads
from bot.api.fields import MANY, SOMEBODY, SOMETHING, Page, Shown, for_example
from bot.api.lists import Cursor, Limit, read_page
from bot.api.shapes_bookings import WantedIn
from bot.api.tokens import Scope
from bot.api.wishes import wish_of

_State = Literal["waiting", "offered", "booked", "lapsed", "withdrawn"]


class EntryIn(WantedIn):
    """A wish that cannot be met yet."""

    model_config = for_example(
        service_ids=[SOMETHING],
        customer_id=SOMEBODY,
        windows=[{"from": "2026-11-23T00:00:00+01:00", "to": "2026-11-25T00:00:00+01:00"}],
    )

    customer_id: UUID
    windows: list[WindowIn] = Field(min_length=1, max_length=MANY, description="When they would come, best first.")
    priority: int = Field(0, ge=-1000, le=1000, description="Lower comes first; the same: who asked first.")


class WindowOut(Shown):
    """A span of time in which they would come."""

    from_: datetime = Field(alias="from")
    to: datetime


class EntryOut(Shown):
    """Somebody who waits."""

    id: UUID
    state: str = Field(description="waiting, offered, booked, lapsed or withdrawn.")
    customer_id: UUID
    service_ids: list[UUID]
    staff_id: UUID | None
    staff_by_service: dict[UUID, UUID] = Field(description="Who should do one of several services, or one part.")
    location_id: UUID | None
    party: int
    arrangement: Arrangement
    units: int
    windows: list[WindowOut]
    until: datetime
    priority: int
    offer_id: UUID | None = Field(description="The booking that is held for them and offered.")
    created_at: datetime


def add_routes(router: APIRouter) -> None:
    """Add the waitlist."""

    @router.get("/waitlist", tags=["waitlist"])
    async def list_waitlist(
        call: Annotated[Call, reads(Scope.BOOKINGS_READ)],
        response: Response,
        state: Annotated[list[_State] | None, Query(max_length=MANY)] = None,
        customer_id: UUID | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[EntryOut]:
        """Everybody who waits or has waited, in the order in which they asked."""
        query = select(WaitlistEntry).where(WaitlistEntry.business_id == call.business_id)
        if state:
            query = query.where(WaitlistEntry.state.in_(state))
        if customer_id is not None:
            query = query.where(WaitlistEntry.customer_id == customer_id)
        return await read_page(call, response, query, order=[WaitlistEntry.id], show=_show, cursor=cursor, limit=limit)

    @router.get("/waitlist/{entry_id}", tags=["waitlist"])
    async def read_waitlist_entry(call: Annotated[Call, reads(Scope.BOOKINGS_READ)], entry_id: UUID) -> EntryOut:
        """One entry."""
        return _show(await waitlist.load_entry(call.session, call.business_id, entry_id))

    @router.post("/waitlist", tags=["waitlist"], status_code=201)
    async def join_waitlist(
        call: Annotated[Call, creates(Scope.BOOKINGS_WRITE)], response: Response, wanted: EntryIn
    ) -> EntryOut:
        """Put somebody on the list: what becomes free in their windows is held for them and offered."""
        if await call.session.get(Customer, (call.business_id, wanted.customer_id)) is None:
            raise BookingRefused(Reason.UNKNOWN, customer=str(wanted.customer_id))
        entry = await waitlist.join(
            call.session,
            catalog=await call.catalog(),
            wanted=await wish_of(call, wanted),
            windows=[(one.from_, one.to) for one in wanted.windows],
            customer_id=wanted.customer_id,
            conversation_id=None,
            key=call.command_key,
            now=call.now,
            priority=wanted.priority,
        )
        response.headers["Location"] = f"/api/v1/waitlist/{entry.id}"
        return _show(entry)

    @router.post("/waitlist/{entry_id}/withdraw", tags=["waitlist"])
    async def leave_waitlist(call: Annotated[Call, changes(Scope.BOOKINGS_WRITE)], entry_id: UUID) -> EntryOut:
        """Take somebody off the list; what is held for them is free again."""
        return _show(await waitlist.withdraw(call.session, call.business_id, entry_id, now=call.now, actor=call.actor))


def _show(one: WaitlistEntry) -> EntryOut:
    wanted = waitlist.request_of(one)
    return EntryOut(
        id=one.id,
        state=one.state,
        customer_id=one.customer_id,
        service_ids=list(wanted.service_ids),
        staff_id=one.staff_id,
        staff_by_service=dict(wanted.staff_by_service),
        location_id=one.location_id,
        party=one.party,
        arrangement=wanted.arrangement,
        units=one.units,
        windows=[WindowOut.model_validate(window) for window in one.windows],
        until=one.until,
        priority=one.priority,
        offer_id=one.offer_id,
        created_at=one.created_at,
    )

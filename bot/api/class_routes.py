"""Classes that take place: finding them, and cancelling one for everybody in it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response
from pydantic import Field
from sqlalchemy import func, select

from booking_core.models import Booking, ClassSession
from booking_core.refusals import BookingRefused, Reason
from booking_core.rules.lifecycle import TAKES_TIME
from bot import cancellations
from bot.api.booking_routes import shown
from bot.api.call import Call, changes, reads
from bot.api.fields import Moment, Page, Shown
from bot.api.lists import Cursor, Limit, read_rows
from bot.api.move_routes import NotifyIn
from bot.api.shapes_bookings import BookingOut
from bot.api.tokens import Scope


class ClassOut(Shown):
    """A class that takes place."""

    id: UUID
    service_id: UUID
    location_id: UUID
    staff_id: UUID | None
    starts: datetime
    ends: datetime
    capacity: int
    taken: int = Field(description="Seats that are booked or just being booked.")
    state: str = Field(description="open or cancelled.")


class ClassCancelledOut(Shown):
    """A class that does not take place, and the bookings that went with it."""

    session: ClassOut
    bookings: list[BookingOut]


def add_routes(router: APIRouter) -> None:
    """Add classes."""

    @router.get("/class-sessions", tags=["schedule"])
    async def list_classes(
        call: Annotated[Call, reads(Scope.AVAILABILITY_READ)],
        response: Response,
        from_: Annotated[Moment | None, Query(alias="from")] = None,
        to: Moment | None = None,
        service_id: UUID | None = None,
        staff_id: UUID | None = None,
        location_id: UUID | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[ClassOut]:
        """Classes, earliest first: from now on, unless told."""
        query = select(ClassSession).where(
            ClassSession.business_id == call.business_id, ClassSession.ends > (from_ or call.now)
        )
        exact = {
            ClassSession.service_id: service_id,
            ClassSession.staff_id: staff_id,
            ClassSession.location_id: location_id,
        }
        for column, value in exact.items():
            if value is not None:
                query = query.where(column == value)
        if to is not None:
            query = query.where(ClassSession.starts < to)
        order = [ClassSession.starts, ClassSession.id]
        classes, following = await read_rows(call, response, query, order=order, cursor=cursor, limit=limit)
        taken = await _seats(call, classes)
        return Page(items=[_show_class(one, taken) for one in classes], next=following)

    @router.get("/class-sessions/{session_id}", tags=["schedule"])
    async def read_class(call: Annotated[Call, reads(Scope.AVAILABILITY_READ)], session_id: UUID) -> ClassOut:
        """One class."""
        return await _shown(call, session_id)

    @router.post("/class-sessions/{session_id}/cancel", tags=["schedule"])
    async def cancel_class(
        call: Annotated[Call, changes(Scope.SCHEDULE_WRITE)],
        session_id: UUID,
        said: Annotated[NotifyIn, Body(default_factory=NotifyIn)],
    ) -> ClassCancelledOut:
        """Cancel a class with every booking in it; what was paid through a link is given back.

        Needs the scope bookings:write as well. A second time changes nothing.
        """
        call.require(Scope.BOOKINGS_WRITE)
        gone = await cancellations.cancel_class(
            call.system,
            call.session,
            call.business_id,
            session_id,
            notify=said.notify,
            now=call.now,
            actor=call.actor,
        )
        return ClassCancelledOut(
            session=await _shown(call, session_id), bookings=[shown(call, one.booking) for one in gone]
        )


async def _shown(call: Call, session_id: UUID) -> ClassOut:
    found = await call.session.get(ClassSession, (call.business_id, session_id))
    if found is None:
        raise BookingRefused(Reason.UNKNOWN, session=str(session_id))
    return _show_class(found, await _seats(call, [found]))


async def _seats(call: Call, classes: Sequence[ClassSession]) -> Mapping[UUID | None, int]:
    """Return how many seats of each class are taken; holds that ran out are not."""
    query = (
        select(Booking.session_id, func.sum(Booking.party))
        .where(
            Booking.business_id == call.business_id,
            Booking.session_id.in_([one.id for one in classes]),
            Booking.state.in_([state.value for state in TAKES_TIME]),
            (Booking.hold_expires_at.is_(None)) | (Booking.hold_expires_at > call.now),
        )
        .group_by(Booking.session_id)
    )
    return dict((await call.session.execute(query)).tuples().all())


def _show_class(one: ClassSession, taken: Mapping[UUID | None, int]) -> ClassOut:
    return ClassOut(
        id=one.id,
        service_id=one.service_id,
        location_id=one.location_id,
        staff_id=one.staff_id,
        starts=one.starts,
        ends=one.ends,
        capacity=one.capacity,
        taken=taken.get(one.id, 0),
        state=one.state,
    )

"""The schedule: time off of people and rooms."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator
from sqlalchemy import select

from booking_core import disruption
from booking_core.models import TimeOff
from booking_core.refusals import BookingRefused, Reason
from bot.api.call import Call, changes, creates, reads
from bot.api.fields import SOMEBODY, LongWords, Moment, Page, Shape, Shown, for_example
from bot.api.lists import Cursor, Limit, read_page
from bot.api.tokens import Scope


class TimeOffIn(Shape):
    """Somebody, or something, is away."""

    model_config = for_example(
        staff_id=SOMEBODY, starts="2026-11-23T10:00:00+01:00", ends="2026-11-23T18:00:00+01:00", kind="sick"
    )

    staff_id: UUID | None = None
    resource_id: UUID | None = None
    starts: Moment
    ends: Moment
    kind: Literal["absence", "block", "sick"] = Field("absence", description="block: a meeting or the like.")
    note: LongWords | None = Field(None, description="For colleagues; customers never see it.")

    @model_validator(mode="after")
    def _one_owner(self) -> Self:
        if (self.staff_id is None) == (self.resource_id is None):
            raise ValueError("name either staff_id or resource_id")
        if self.starts >= self.ends:
            raise ValueError("starts must lie before ends")
        return self


class TimeOffOut(Shown):
    """Time in which somebody or something is away."""

    id: UUID
    staff_id: UUID | None
    resource_id: UUID | None
    starts: datetime
    ends: datetime
    kind: str
    note: str | None


class TimeOffMade(TimeOffOut):
    """Time off that was just written down, and what it hits: nobody is moved by itself."""

    booking_ids: list[UUID] = Field(description="Bookings that cannot take place as they stand.")


def add_routes(router: APIRouter) -> None:
    """Add time off."""

    @router.get("/time-off", tags=["schedule"])
    async def list_time_off(
        call: Annotated[Call, reads(Scope.SCHEDULE_WRITE)],
        response: Response,
        from_: Annotated[Moment | None, Query(alias="from")] = None,
        to: Moment | None = None,
        staff_id: UUID | None = None,
        resource_id: UUID | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[TimeOffOut]:
        """Time off, earliest first: what is not over, unless told."""
        query = select(TimeOff).where(TimeOff.business_id == call.business_id, TimeOff.ends > (from_ or call.now))
        if to is not None:
            query = query.where(TimeOff.starts < to)
        if staff_id is not None:
            query = query.where(TimeOff.staff_id == staff_id)
        if resource_id is not None:
            query = query.where(TimeOff.resource_id == resource_id)
        return await read_page(
            call,
            response,
            query,
            order=[TimeOff.starts, TimeOff.id],
            show=_show_time_off,
            cursor=cursor,
            limit=limit,
        )

    @router.post("/time-off", tags=["schedule"], status_code=201)
    async def make_time_off(
        call: Annotated[Call, creates(Scope.SCHEDULE_WRITE)], response: Response, wanted: TimeOffIn
    ) -> TimeOffMade:
        """Write down that somebody or something is away: nothing new is booked there from now on."""
        catalog = await call.catalog()
        made = await disruption.record_time_off(
            call.session, catalog=catalog, now=call.now, actor=call.actor, **dict(wanted)
        )
        hit = await disruption.bookings_hit(call.session, catalog, made)
        response.headers["Location"] = f"/api/v1/time-off/{made.id}"
        return TimeOffMade(**_show_time_off(made).model_dump(), booking_ids=[one.id for one in hit])

    @router.get("/time-off/{time_off_id}", tags=["schedule"])
    async def read_time_off(call: Annotated[Call, reads(Scope.SCHEDULE_WRITE)], time_off_id: UUID) -> TimeOffOut:
        """One time off."""
        return _show_time_off(await disruption.load_time_off(call.session, call.business_id, time_off_id))

    @router.delete("/time-off/{time_off_id}", tags=["schedule"], status_code=204)
    async def delete_time_off(call: Annotated[Call, changes(Scope.SCHEDULE_WRITE)], time_off_id: UUID) -> None:
        """Forget a time off: what is free by it can be booked, and is offered to those who wait."""
        if await disruption.remove_time_off(call.session, call.business_id, time_off_id) is None:
            raise BookingRefused(Reason.UNKNOWN, time_off=str(time_off_id))


def _show_time_off(one: TimeOff) -> TimeOffOut:
    return TimeOffOut(
        id=one.id,
        staff_id=one.staff_id,
        resource_id=one.resource_id,
        starts=one.starts,
        ends=one.ends,
        kind=one.kind,
        note=one.note,
    )

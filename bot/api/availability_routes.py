"""Free times: the same question, with the same answer, as in every thread."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Annotated, Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, model_validator

from booking_core.calendar import FreeSlots, free_slots
from booking_core.refusals import Reason
from booking_core.requests import Arrangement
from booking_core.rules.availability import Slot
from booking_core.rules.wallclock import moment_of
from bot.api.call import Call, reads
from bot.api.fields import LARGEST, MANY, SOMETHING, Moment, Shape, Shown, Zone, for_example
from bot.api.problems import Problem, plain
from bot.api.shapes_bookings import WantedIn
from bot.api.tokens import Scope
from bot.api.wishes import wish_of

#: As much of the calendar as one call looks at.
LONGEST = timedelta(days=31)
_MOST_WINDOWS = 20
MOST_SLOTS = 1000


class WindowIn(Shape):
    """A span of time: free starts lie at or after `from`, and before `to`."""

    from_: Moment = Field(alias="from")
    to: Moment

    @model_validator(mode="after")
    def _begins_first(self) -> Self:
        if self.from_ >= self.to:
            raise ValueError("a window must begin before it ends")
        return self


def _fits(windows: list[WindowIn]) -> list[WindowIn]:
    if sum((one.to - one.from_ for one in windows), timedelta()) > LONGEST:
        raise ValueError("the windows together must be no longer than 31 days")
    return windows


Windows = Annotated[list[WindowIn], Field(min_length=1, max_length=_MOST_WINDOWS), AfterValidator(_fits)]


class AvailabilityIn(WantedIn):
    """A question about free times."""

    model_config = for_example(
        service_ids=[SOMETHING], windows=[{"from": "2026-11-23T00:00:00+01:00", "to": "2026-11-25T00:00:00+01:00"}]
    )

    windows: Windows
    exclude: list[WindowIn] = Field([], max_length=_MOST_WINDOWS, description="Where it should not begin.")
    customer_id: UUID | None = Field(None, description="Who asks: their own unpaid holds do not count as taken.")
    moving: UUID | None = Field(None, description="A booking that is to be moved: its own time counts as free.")
    tz: Zone | None = Field(None, description="In whose dates the answer is grouped; the business's, unless told.")
    limit: int = Field(200, ge=1, le=MOST_SLOTS)


class SlotPartOut(Shown):
    """One part of a visit that could begin then."""

    service_id: UUID
    staff_ids: list[UUID] = Field(description="Who would do it, whoever leads it first.")
    person: int = Field(description="Which of those who come together it is for, from 0.")
    starts: datetime
    ends: datetime


class SlotOut(Shown):
    """A time at which the visit can begin, and who would do it."""

    starts: datetime
    ends: datetime
    local: datetime = Field(description="The start on the wall clock of `tz`.")
    staff_id: UUID | None = Field(description="Who would do it, or its first part: `parts` has everybody.")
    location_id: UUID
    session_id: UUID | None = Field(description="The class, if it is one that takes place already.")
    seats_left: int | None
    parts: list[SlotPartOut] = Field(
        [], description="Who would do what when; empty for seats in a class, and for what is lent by the day."
    )


class DayOut(Shown):
    """The free times of one local date."""

    date: date
    slots: list[SlotOut]


class AvailabilityOut(Shown):
    """Free times, earliest first; where there are none, why."""

    tz: str
    days: list[DayOut]
    reason: Reason | None = Field(None, description="Why there is nothing.")
    data: dict[str, Any] = Field({}, description="Facts that belong to the reason, such as `earliest`.")
    more: bool = Field(False, description="There are more than `limit`: ask again from the last one on.")


def add_routes(router: APIRouter) -> None:
    """Add the question about free times, in two spellings."""

    @router.get("/availability", tags=["availability"])
    async def read_availability(
        call: Annotated[Call, reads(Scope.AVAILABILITY_READ)],
        service_id: Annotated[list[UUID], Query(min_length=1, max_length=MANY)],
        from_: Annotated[Moment, Query(alias="from")],
        to: Moment,
        staff_id: UUID | None = None,
        location_id: UUID | None = None,
        party: Annotated[int, Query(ge=1, le=LARGEST)] = 1,
        arrangement: Arrangement = Arrangement.TOGETHER,
        units: Annotated[int, Query(ge=1, le=LARGEST)] = 1,
        add_on_id: Annotated[list[UUID] | None, Query(max_length=MANY)] = None,
        tz: Zone | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_SLOTS)] = 200,
    ) -> AvailabilityOut:
        """Free times between two moments (at most 31 days apart), grouped by local date."""
        if not from_ < to <= from_ + LONGEST:
            raise Problem("invalid", errors=[{"at": "query/to", "msg": "must be after from, at most 31 days"}])
        asked = AvailabilityIn(
            service_ids=service_id,
            staff_id=staff_id,
            location_id=location_id,
            party=party,
            arrangement=arrangement,
            units=units,
            add_on_ids=add_on_id or [],
            windows=[WindowIn.model_validate({"from": from_, "to": to})],
            tz=tz,
            limit=limit,
        )
        return await _answer(call, asked)

    @router.post("/availability", tags=["availability"])
    async def search_availability(
        call: Annotated[Call, reads(Scope.AVAILABILITY_READ)], asked: AvailabilityIn
    ) -> AvailabilityOut:
        """Free times in several windows, apart from others, for somebody, or for a booking that is to be moved."""
        return await _answer(call, asked)


async def _answer(call: Call, asked: AvailabilityIn) -> AvailabilityOut:
    catalog = await call.catalog()
    found: FreeSlots = await free_slots(
        call.session,
        catalog,
        wanted=await wish_of(call, asked),
        windows=[(one.from_, one.to) for one in asked.windows],
        exclude=[(one.from_, one.to) for one in asked.exclude],
        now=call.now,
        ignoring=asked.moving,
        customer_id=asked.customer_id,
        limit=asked.limit + 1,
    )
    tz = asked.tz or catalog.business.timezone
    return AvailabilityOut(
        tz=tz,
        days=_days(found.slots[: asked.limit], ZoneInfo(tz)),
        reason=found.reason,
        data=plain(found.data),
        more=len(found.slots) > asked.limit,
    )


def _days(slots: Sequence[Slot], zone: ZoneInfo) -> list[DayOut]:
    return [
        DayOut(date=day, slots=[show_slot(slot, zone) for slot in each])
        for day, each in groupby(slots, key=lambda slot: slot.starts.astimezone(zone).date())
    ]


def show_slot(slot: Slot, zone: ZoneInfo) -> SlotOut:
    """Return a free time."""
    return SlotOut(
        starts=slot.starts,
        ends=slot.ends,
        local=slot.starts.astimezone(zone),
        staff_id=slot.staff_id,
        location_id=slot.location_id,
        session_id=slot.session_id,
        seats_left=slot.seats_left,
        parts=[
            SlotPartOut(
                service_id=part.service_id,
                staff_ids=list(part.staff),
                person=part.person,
                starts=moment_of(part.start),
                ends=moment_of(part.end),
            )
            for part in slot.parts
        ],
    )

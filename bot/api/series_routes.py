"""Visits that recur: made together by a rule, cancelled one, from one on, or all."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Response
from pydantic import Field, StringConstraints

from booking_core import series
from booking_core.models import Customer
from booking_core.refusals import BookingRefused, Reason
from bot import cancellations
from bot.api.booking_routes import shown
from bot.api.call import Call, changes, creates, reads
from bot.api.fields import SOMEBODY, SOMETHING, Moment, Page, Shape, Shown, for_example
from bot.api.problems import Problem
from bot.api.shapes_bookings import BookingOut, Notify, OnRequest, WantedIn
from bot.api.tokens import Scope
from bot.api.wishes import wish_of

Rule = Annotated[
    str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9=;,:+-]+$"), Field(examples=["FREQ=WEEKLY;COUNT=6"])
]


class SeriesIn(WantedIn):
    """A visit and the rule by which it recurs (RFC 5545), on the wall clock of its place."""

    model_config = for_example(
        service_ids=[SOMETHING], starts="2026-11-23T10:00:00+01:00", rule="FREQ=WEEKLY;COUNT=6", customer_id=SOMEBODY
    )

    starts: Moment
    rule: Rule
    customer_id: UUID
    on_conflict: series.OnConflict = Field(
        series.OnConflict.REFUSE,
        description="When one cannot be: book none, leave it out, or take the nearest.",
    )
    on_request: OnRequest = False


class OccurrenceOut(Shown):
    """One visit of a series."""

    number: int
    starts: datetime = Field(description="As the rule has it.")
    booking: BookingOut | None
    swapped: bool = Field(description="It takes place at another time than the rule says.")
    reason: str | None
    alternatives: list[datetime]


class SeriesOut(Shown):
    """A series with what became of each of its visits."""

    id: UUID
    occurrences: list[OccurrenceOut]


class CancelSeriesIn(Shape):
    """How much of a series is cancelled, counted from one of its bookings."""

    model_config = for_example(booking_id=SOMETHING, scope="following")

    booking_id: UUID
    scope: series.Scope = series.Scope.FOLLOWING
    by: Literal["customer", "business"] = "business"
    notify: Notify = True


def add_routes(router: APIRouter) -> None:
    """Add series."""

    @router.post("/series", tags=["series"], status_code=201)
    async def make_series(
        call: Annotated[Call, creates(Scope.BOOKINGS_WRITE)], response: Response, wanted: SeriesIn
    ) -> SeriesOut:
        """Book every visit of a rule in one go."""
        if await call.session.get(Customer, (call.business_id, wanted.customer_id)) is None:
            raise BookingRefused(Reason.UNKNOWN, customer=str(wanted.customer_id))
        try:
            made = await series.hold_series(
                call.session,
                catalog=await call.catalog(),
                wanted=await wish_of(call, wanted),
                starts=wanted.starts,
                rule=wanted.rule,
                on_conflict=wanted.on_conflict,
                customer_id=wanted.customer_id,
                conversation_id=None,
                key=call.command_key,
                now=call.now,
                actor=call.actor,
                on_request=wanted.on_request,
            )
        except series.RuleError as error:
            raise Problem("invalid", errors=[{"at": "body/rule", "msg": str(error)}]) from None
        response.headers["Location"] = f"/api/v1/series/{made.id}"
        return SeriesOut(id=made.id, occurrences=[_show(call, one) for one in made.occurrences])

    @router.get("/series/{series_id}", tags=["series"])
    async def read_series(call: Annotated[Call, reads(Scope.BOOKINGS_READ)], series_id: UUID) -> Page[BookingOut]:
        """The bookings of a series in order, whatever has become of them."""
        return Page(items=[shown(call, one) for one in await _load(call, series_id)])

    @router.post("/series/{series_id}/cancel", tags=["series"])
    async def cancel_series(
        call: Annotated[Call, changes(Scope.BOOKINGS_WRITE)],
        series_id: UUID,
        wanted: Annotated[CancelSeriesIn, Body()],
    ) -> Page[BookingOut]:
        """Cancel one visit, it and those after it, or all that lie ahead; returns what was cancelled."""
        if wanted.booking_id not in {one.id for one in await _load(call, series_id)}:
            raise BookingRefused(Reason.UNKNOWN, booking=str(wanted.booking_id))
        about: dict[str, Any] = {"by": wanted.by, "now": call.now, "actor": call.actor}
        gone = await series.cancel_series(call.session, call.business_id, wanted.booking_id, wanted.scope, **about)
        await cancellations.settle(call.system, call.session, gone, notify=wanted.notify, now=call.now)
        return Page(items=[shown(call, one.booking) for one in gone])


async def _load(call: Call, series_id: UUID) -> list[Any]:
    found = await series.load_series(call.session, call.business_id, series_id)
    if not found:
        raise BookingRefused(Reason.UNKNOWN, series=str(series_id))
    return found


def _show(call: Call, one: series.Occurrence) -> OccurrenceOut:
    return OccurrenceOut(
        number=one.number,
        starts=one.starts,
        booking=None if one.booking is None else shown(call, one.booking),
        swapped=one.swapped,
        reason=one.reason,
        alternatives=list(one.alternatives),
    )

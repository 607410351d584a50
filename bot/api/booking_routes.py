"""Bookings: finding them, making them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy import ColumnElement, select

from booking_core import booking as bookings
from booking_core.customers import load_or_create
from booking_core.lengths import ends_after
from booking_core.models import Booking, Customer, State
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from bot.api.alternatives import alternatives
from bot.api.answers import checked_answers
from bot.api.call import Call, creates, etag_of, reads
from bot.api.fields import MANY, Moment, Page, Words
from bot.api.lists import Cursor, Limit, read_page
from bot.api.shapes_bookings import BookingIn, BookingOut, WalkInIn, show_booking
from bot.api.tokens import Scope
from bot.api.wishes import wish_of


def add_routes(router: APIRouter) -> None:
    """Add the list, one booking, a new one and somebody who walks in."""
    _add_list(router)

    @router.get("/bookings/{booking_id}", tags=["bookings"])
    async def read_booking(
        call: Annotated[Call, reads(Scope.BOOKINGS_READ)], response: Response, booking_id: UUID
    ) -> BookingOut:
        """One booking; its ETag is for If-Match."""
        return tagged(call, response, await bookings.load(call.session, call.business_id, booking_id))

    @router.post("/bookings", tags=["bookings"], status_code=201)
    async def make_booking(
        call: Annotated[Call, creates(Scope.BOOKINGS_WRITE)], response: Response, wanted: BookingIn
    ) -> BookingOut:
        """Book a time: `held` until it is paid, where something is due, else `confirmed`."""
        if wanted.override:
            call.require(Scope.SCHEDULE_WRITE)
        await _known_customer(call, wanted.customer_id)
        request = await wish_of(call, wanted)
        async with alternatives(call, request, wanted.starts, customer_id=wanted.customer_id):
            booking = await _hold(
                call, request, wanted.starts, wanted.customer_id, wanted.answers, wanted.attendees, wanted.override,
                on_request=wanted.on_request,
            )  # fmt: skip
        return made(call, response, booking)

    @router.post("/bookings/walk-in", tags=["bookings"], status_code=201)
    async def book_walk_in(
        call: Annotated[Call, creates(Scope.BOOKINGS_WRITE)], response: Response, wanted: WalkInIn
    ) -> BookingOut:
        """Book somebody who is here, now, whatever the hours say; paid at the desk and checked in.

        Needs the scope schedule:write as well.
        """
        call.require(Scope.SCHEDULE_WRITE)
        starts = wanted.starts or call.now.replace(second=0, microsecond=0)
        customer_id = wanted.customer_id
        if customer_id is not None:
            await _known_customer(call, customer_id)
        else:
            call.require(Scope.CUSTOMERS_WRITE)
            customer = await load_or_create(
                call.session, call.business_id, None, name=wanted.customer_name, locale=None, now=call.now
            )
            customer_id = customer.id
        request = await wish_of(call, wanted)
        async with alternatives(call, request, starts, customer_id=customer_id):
            booking = await _hold(call, request, starts, customer_id, wanted.answers, [], override=True)
        about: dict[str, Any] = {"now": call.now, "actor": call.actor}
        if booking.state == State.HELD:
            await bookings.confirm(call.session, call.business_id, booking.id, **about)
        booking = await bookings.check_in(call.session, call.business_id, booking.id, **about)
        return made(call, response, booking)


def _add_list(router: APIRouter) -> None:
    @router.get("/bookings", tags=["bookings"])
    async def list_bookings(
        call: Annotated[Call, reads(Scope.BOOKINGS_READ)],
        response: Response,
        from_: Annotated[Moment | None, Query(alias="from", description="Ends after this.")] = None,
        to: Annotated[Moment | None, Query(description="Begins before this.")] = None,
        state: Annotated[list[State] | None, Query(max_length=MANY)] = None,
        customer_id: UUID | None = None,
        staff_id: UUID | None = None,
        service_id: UUID | None = None,
        location_id: UUID | None = None,
        session_id: UUID | None = None,
        series_id: UUID | None = None,
        reference: Words | None = None,
        updated_since: Moment | None = None,
        order: Annotated[
            Literal["starts", "created"], Query(description="created: for copying everything; nothing moves in it.")
        ] = "starts",
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[BookingOut]:
        """The business's bookings. A person's are those in which they do any part."""
        exact = {
            "customer_id": customer_id,
            "service_id": service_id,
            "location_id": location_id,
            "session_id": session_id,
            "series_id": series_id,
            "reference": reference.upper() if reference else None,
        }
        query = select(Booking).where(
            Booking.business_id == call.business_id,
            *(getattr(Booking, name) == value for name, value in exact.items() if value is not None),
            *_in_time(call.business_id, from_, to, updated_since),
        )
        if state:
            query = query.where(Booking.state.in_([one.value for one in state]))
        if staff_id is not None:
            query = query.where(Booking.parts.contains([{"staff": [str(staff_id)]}]))
        return await read_page(
            call,
            response,
            query,
            order=[Booking.starts, Booking.id] if order == "starts" else [Booking.id],
            show=lambda booking: shown(call, booking),
            cursor=cursor,
            limit=limit,
        )


def _in_time(
    business_id: UUID, from_: datetime | None, to: datetime | None, updated_since: datetime | None
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if from_ is not None:
        found.extend(ends_after(business_id, from_))
    if to is not None:
        found.append(Booking.starts < to)
    if updated_since is not None:
        found.append(Booking.updated_at >= updated_since)
    return found


def shown(call: Call, booking: Booking) -> BookingOut:
    """Return a booking as this token may see it."""
    return show_booking(booking, now=call.now, base_url=call.base_url, private=call.may(Scope.CUSTOMERS_READ))


def tagged(call: Call, response: Response, booking: Booking) -> BookingOut:
    """Return a booking with its ETag."""
    response.headers["ETag"] = etag_of(booking)
    return shown(call, booking)


def made(call: Call, response: Response, booking: Booking) -> BookingOut:
    """Return a booking that was just made, and where it is."""
    response.headers["Location"] = f"/api/v1/bookings/{booking.id}"
    return tagged(call, response, booking)


async def _known_customer(call: Call, customer_id: UUID) -> None:
    if await call.session.get(Customer, (call.business_id, customer_id)) is None:
        raise BookingRefused(Reason.UNKNOWN, customer=str(customer_id))


async def _hold(
    call: Call,
    request: VisitRequest,
    starts: datetime,
    customer_id: UUID,
    answers: dict[str, Any],
    attendees: list[str],
    override: bool,
    *,
    on_request: bool = False,
) -> Booking:
    catalog = await call.catalog()
    return await bookings.hold(
        call.session,
        catalog=catalog,
        wanted=request,
        starts=starts,
        customer_id=customer_id,
        conversation_id=None,
        key=call.command_key,
        now=call.now,
        actor=call.actor,
        answers=checked_answers(catalog, request, answers, partly=override),
        attendees=attendees,
        override=override,
        on_request=on_request,
    )

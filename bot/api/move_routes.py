"""What becomes of a booking: each step through the same services as in the thread and the console."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Response

from booking_core import booking as bookings
from booking_core.catalog import Catalog
from booking_core.kit.ids import new_id
from booking_core.models import Booking, State
from booking_core.placed import request_of
from booking_core.requests import as_pairs
from bot import cancellations, news
from bot.api.alternatives import alternatives
from bot.api.booking_routes import shown, tagged
from bot.api.call import Call, changes, etag_of
from bot.api.catalog_routes import known
from bot.api.fields import MoneyOut, Shape
from bot.api.shapes_bookings import BookingOut, CancelIn, CancellationOut, Notify, RescheduleIn
from bot.api.tokens import Scope
from bot.api.wishes import known_people
from bot.news import News, Seen
from payment_links import links

_Changer = Annotated[Call, changes(Scope.BOOKINGS_WRITE)]
Step = Callable[..., Awaitable[Booking]]


class NotifyIn(Shape):
    """Whether the customer hears of it."""

    notify: Notify = True


_Notify = Annotated[NotifyIn, Body(default_factory=NotifyIn)]


def add_routes(router: APIRouter) -> None:
    """Add a route for each step. If-Match makes it depend on the booking being as you saw it."""

    @router.post("/bookings/{booking_id}/confirm", tags=["bookings"])
    async def confirm_booking(call: _Changer, response: Response, booking_id: UUID, said: _Notify) -> BookingOut:
        """Make a hold firm: it was paid, or need not be."""
        before = (await call.booking(booking_id)).state
        booking = await bookings.confirm(call.session, call.business_id, booking_id, now=call.now, actor=call.actor)
        await links.close_payment(call.session, call.business_id, booking_id, now=call.now)
        if before != State.CONFIRMED:
            await _tell(call, booking, News.BOOKED, said.notify)
        return tagged(call, response, booking)

    @router.post("/bookings/{booking_id}/reschedule", tags=["bookings"])
    async def reschedule_booking(
        call: _Changer, response: Response, booking_id: UUID, wanted: RescheduleIn
    ) -> BookingOut:
        """Move a booking; the old time is kept until the new one is taken."""
        if wanted.override:
            call.require(Scope.SCHEDULE_WRITE)
        booking = await call.booking(booking_id)
        catalog = await call.catalog()
        known_people(catalog, wanted.staff_by_service)
        named = as_pairs(wanted.staff_by_service)
        staff_id = _known_staff(catalog, wanted.staff_id)
        request = request_of(catalog, booking, staff_id=staff_id, staff_by_service=named)
        version, known = booking.version, Seen.of(booking)
        async with alternatives(call, request, wanted.starts, customer_id=booking.customer_id, moving=booking.id):
            booking = await bookings.reschedule(
                call.session,
                call.business_id,
                booking_id,
                catalog=catalog,
                starts=wanted.starts,
                staff_id=staff_id,
                staff_by_service=named,
                version=None,
                now=call.now,
                actor=call.actor,
                key=call.command_key if call.key else f"api:{new_id()}",
                override=wanted.override,
            )
        if booking.version != version and (what := known.news_in(booking)) is not None:
            await _tell(call, booking, what, wanted.notify)
        return tagged(call, response, booking)

    @router.post("/bookings/{booking_id}/cancel", tags=["bookings"])
    async def cancel_booking(
        call: _Changer,
        response: Response,
        booking_id: UUID,
        wanted: Annotated[CancelIn, Body(default_factory=CancelIn)],
    ) -> CancellationOut:
        """Cancel a booking by the policy it was made under. What was paid through a link is given back by itself."""
        return await _cancel(call, response, await call.booking(booking_id), wanted)

    _add_decisions(router)
    for path, name, step, words in (
        ("check-in", "check_in_booking", bookings.check_in, "Note that the customer is here."),
        ("undo-check-in", "undo_check_in", bookings.undo_check_in, "Take a check-in back: it was somebody else."),
        ("complete", "complete_booking", bookings.complete, "Note that the visit took place."),
        ("no-show", "mark_no_show", bookings.mark_no_show, "Note that the customer did not come."),
    ):
        router.add_api_route(
            f"/bookings/{{booking_id}}/{path}",
            _plain_step(step),
            methods=["POST"],
            tags=["bookings"],
            name=name,
            description=words,
        )


def _add_decisions(router: APIRouter) -> None:
    @router.post("/bookings/{booking_id}/approve", tags=["bookings"])
    async def approve_booking(call: _Changer, response: Response, booking_id: UUID, said: _Notify) -> BookingOut:
        """Agree to a request: confirmed, or held until what is due is paid."""
        before = (await call.booking(booking_id)).state
        booking = await bookings.approve(
            call.session, call.business_id, booking_id, version=None, now=call.now, actor=call.actor
        )
        if before == State.PENDING_APPROVAL:
            if booking.state == State.HELD:
                # The customer asked for it: what is due is asked for whether or not they are told besides.
                await news.ask_to_pay(call.system, call.session, booking, now=call.now)
            await _tell(call, booking, News.APPROVED, said.notify)
        return tagged(call, response, booking)

    @router.post("/bookings/{booking_id}/decline", tags=["bookings"])
    async def decline_booking(call: _Changer, response: Response, booking_id: UUID, said: _Notify) -> BookingOut:
        """Say no to a request: its time is free."""
        before = (await call.booking(booking_id)).state
        booking = await bookings.decline(
            call.session, call.business_id, booking_id, version=None, now=call.now, actor=call.actor
        )
        if before == State.PENDING_APPROVAL:
            await _tell(call, booking, News.DECLINED, said.notify)
        return tagged(call, response, booking)


def _plain_step(step: Step) -> Callable[..., Awaitable[BookingOut]]:
    async def take_step(call: _Changer, response: Response, booking_id: UUID) -> BookingOut:
        await call.booking(booking_id)
        return tagged(
            call, response, await step(call.session, call.business_id, booking_id, now=call.now, actor=call.actor)
        )

    return take_step


async def _cancel(call: Call, response: Response, before: Booking, wanted: CancelIn) -> CancellationOut:
    paid = wanted.paid
    if paid is None:
        paid = await links.paid_amount(call.session, call.business_id, before.id)
    gone = await bookings.cancel(
        call.session,
        call.business_id,
        before.id,
        by=wanted.by,
        version=None,
        now=call.now,
        actor=call.actor,
        paid=paid,
    )
    booking = gone.booking
    await cancellations.settle(call.system, call.session, [gone], notify=wanted.notify, now=call.now)
    response.headers["ETag"] = etag_of(booking)
    return CancellationOut(
        booking=shown(call, booking),
        refund=MoneyOut(amount=gone.refund, currency=booking.currency),
        fee=MoneyOut(amount=gone.fee, currency=booking.currency),
    )


def _known_staff(catalog: Catalog, staff_id: UUID | None) -> UUID | None:
    return None if staff_id is None else known(catalog.staff_member, staff_id, "staff").id


async def _tell(call: Call, booking: Booking, what: News, wanted: bool) -> None:
    if wanted:
        await news.tell(call.system, call.session, booking, what, now=call.now)

"""What staff do with bookings, through the same services as the bot; each in its caller's transaction."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core.models import Booking, State
from booking_core.refusals import BookingRefused, Reason
from bot import cancellations, news
from bot.console.access import Visitor, actor_of
from bot.console.desk import Desk
from bot.console.details import Step
from bot.news import News
from payment_links import links

#: What the customer hears of a step.
_TOLD = {
    Step.CONFIRM: News.BOOKED,
    Step.APPROVE: News.APPROVED,
    Step.DECLINE: News.DECLINED,
    Step.CANCEL: News.CANCELLED,
}


async def take_step(
    session: AsyncSession,
    desk: Desk,
    visitor: Visitor,
    booking_id: UUID,
    step: Step,
    *,
    version: int | None,
    tell: bool,
    by_customer: bool,
    now: datetime,
) -> Booking:
    """Do what a button of the drawer says; what is done already is not told again. Raises BookingRefused."""
    before = await bookings.load(session, visitor.business_id, booking_id, for_update=True)
    state = before.state
    if state == State.HELD and version is not None and version != before.version:
        raise BookingRefused(Reason.CHANGED, version=before.version)
    if step is Step.CANCEL and state != State.HELD:
        return await _cancel(
            session, desk, visitor, booking_id, version=version, tell=tell, by_customer=by_customer, now=now
        )
    booking = await _take(session, desk, visitor, booking_id, step, version=version, now=now)
    if tell and step in _TOLD and booking.state != state:
        await news.tell(desk, session, booking, _TOLD[step], now=now, by=visitor.user_id)
    return booking


async def _take(
    session: AsyncSession,
    desk: Desk,
    visitor: Visitor,
    booking_id: UUID,
    step: Step,
    *,
    version: int | None,
    now: datetime,
) -> Booking:
    business_id, actor = visitor.business_id, actor_of(visitor)
    match step:
        case Step.CONFIRM:
            booking = await bookings.confirm(session, business_id, booking_id, now=now, actor=actor)
            await links.close_payment(session, business_id, booking_id, now=now)
            return booking
        case Step.APPROVE:
            booking = await bookings.approve(session, business_id, booking_id, version=version, now=now, actor=actor)
            if booking.state == State.HELD:
                # The customer asked for it: what is due is asked for whether or not they are told besides.
                await news.ask_to_pay(desk, session, booking, now=now)
            return booking
        case Step.DECLINE:
            return await bookings.decline(session, business_id, booking_id, version=version, now=now, actor=actor)
        case Step.CHECK_IN:
            return await bookings.check_in(session, business_id, booking_id, now=now, actor=actor)
        case Step.UNDO_CHECK_IN:
            return await bookings.undo_check_in(session, business_id, booking_id, now=now, actor=actor)
        case Step.COMPLETE:
            return await bookings.complete(session, business_id, booking_id, now=now, actor=actor)
        case Step.NO_SHOW:
            return await bookings.mark_no_show(session, business_id, booking_id, now=now, actor=actor)
        case Step.CANCEL:
            booking = await bookings.release(session, business_id, booking_id, now=now, actor=actor)
            await links.close_payment(session, business_id, booking_id, now=now)
            return booking


async def _cancel(
    session: AsyncSession,
    desk: Desk,
    visitor: Visitor,
    booking_id: UUID,
    *,
    version: int | None,
    tell: bool,
    by_customer: bool,
    now: datetime,
) -> Booking:
    gone = await bookings.cancel(
        session,
        visitor.business_id,
        booking_id,
        by="customer" if by_customer else "business",
        version=version,
        now=now,
        actor=actor_of(visitor),
        paid=await links.paid_amount(session, visitor.business_id, booking_id),
    )
    await cancellations.settle(desk, session, [gone], notify=tell, now=now, by=visitor.user_id)
    return gone.booking

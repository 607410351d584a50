"""What has been paid, as the books have it: never what a customer says, never a promise."""

from typing import Any

from sqlalchemy import select

from booking_core.models import Booking, State
from bot.actions import cards
from bot.actions.contract import Turn
from payment_links import links

_STANDING = (State.HELD.value, State.CONFIRMED.value, State.CHECKED_IN.value, State.COMPLETED.value)


async def paid_answer(turn: Turn) -> dict[str, Any]:
    """Say what came for the booking that is next, or was last; the rest is a person's to answer."""
    booking = await _in_question(turn)
    person = turn.option("choice.person", "person")
    if booking is None:
        return turn.say("paid.no_booking", act="info", choices=[person])
    line = cards.booking_line(turn, booking)
    amount = await links.paid_amount(turn.session, turn.business.id, booking.id)
    if amount:
        rest = max(0, booking.price - amount)
        return turn.say(
            "paid.part" if rest else "paid.all",
            act="info",
            choices=[person],
            amount=turn.money(amount),
            rest=turn.money(rest),
            line=line,
            reference=booking.reference,
        )
    if booking.state == State.HELD:
        link = await links.current_link(turn.session, turn.business.id, booking.id)
        if link is not None and link.url and booking.hold_expires_at is not None:
            return turn.say(
                "paid.not_yet",
                act="payment_link",
                facts=cards.booking_card(turn, booking, payment_url=link.url),
                amount=turn.money(link.amount),
                url=cards.payment_address(turn, booking, link.url),
                until=turn.clock(booking.hold_expires_at),
            )
        return turn.say("payment.coming", act="info")
    return turn.say("paid.nothing", act="info", choices=[person], line=line, price=turn.money(booking.price))


async def _in_question(turn: Turn) -> Booking | None:
    if turn.customer is None:
        return None
    mine = select(Booking).where(
        Booking.business_id == turn.business.id, Booking.customer_id == turn.customer.id, Booking.state.in_(_STANDING)
    )
    ahead = mine.where(Booking.starts > turn.now).order_by(Booking.starts).limit(1)
    past = mine.where(Booking.starts <= turn.now).order_by(Booking.starts.desc()).limit(1)
    found: Booking | None = await turn.session.scalar(ahead) or await turn.session.scalar(past)
    return found

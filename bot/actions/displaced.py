"""A booking whose own time was lost: another one is proposed and held, and this is what can be answered to it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core import disruption, proposals
from booking_core.models import Booking, MoveProposal, State, TimeOff
from booking_core.refusals import BookingRefused, Reason
from bot.actions import cards
from bot.actions.contract import Option, Turn
from bot.actions.submit import calendar_url
from bot.actions.waiting import until_when
from nlu.contract import Answer
from payment_links import links

_MOVABLE = {State.HELD.value, State.PENDING_APPROVAL.value, State.CONFIRMED.value}


async def proposed(turn: Turn, booking: Booking, proposal: MoveProposal) -> dict[str, Any]:
    """Return the proposal: what cannot be, what could be instead, and until when that is held."""
    assert proposal.expires_at is not None  # noqa: S101 - it is open
    about = {"proposal": str(proposal.id), "booking": str(booking.id)}
    options = [turn.option("choice.take_move", "take_move", **about), *_otherwise(turn, about)]
    line, other = _line(turn, booking), _other(turn, booking, proposal)
    until = until_when(turn, proposal.expires_at)
    away = await _who_is_away(turn.session, proposal)
    if away is not None and away == booking.staff_id:
        staff = turn.catalog.staff_member(away).name
        return turn.say(
            "proposal.staff_away",
            act="offer_slots", choices=options, facts=about, line=line, other=other, until=until, staff=staff,
        )  # fmt: skip
    return turn.say(
        "proposal.away", act="offer_slots", choices=options, facts=about, line=line, other=other, until=until
    )


async def take_move(turn: Turn, args: Mapping[str, Any], form: str | None = None) -> Answer:
    """Move the booking to what was proposed; what is gone by now leads on to other times."""
    proposal_id = UUID(args["proposal"])
    try:
        booking = await proposals.accept(turn.session, turn.business.id, proposal_id, now=turn.now, key=turn.key)
    except BookingRefused as refused:
        return Answer(say=(await _not_moved(turn, args, refused),), then=form)
    turn.conversation.outcome = "moved"
    said = turn.say("moved", act="rescheduled", facts=cards.booking_card(turn, booking), line=_line(turn, booking))
    calendar = turn.words.text(turn.locale, "calendar.link", url=calendar_url(turn, booking))
    return Answer(say=(said | {"text": f"{said['text']}\n{calendar}"},), then=form)


async def refuse_move(turn: Turn, args: Mapping[str, Any], form: str | None = None) -> Answer:
    """A plain no gives nothing back yet: ask whether to look for another time or to cancel."""
    options = [*_otherwise(turn, args), turn.option("choice.person", "person")]
    return Answer(say=(turn.say("proposal.refused", act="clarify", choices=options),), then=form)


async def give_back(turn: Turn, args: Mapping[str, Any]) -> None:
    """Let the proposed time go: the customer looks for another."""
    await proposals.decline(turn.session, turn.business.id, UUID(args["proposal"]), now=turn.now)


async def cancel_hit(turn: Turn, args: Mapping[str, Any], form: str | None = None) -> Answer:
    """Cancel a booking that the business could not keep: whatever was paid goes back in full."""
    proposal = await proposals.load_proposal(turn.session, turn.business.id, UUID(args["proposal"]))
    booking = await bookings.load(turn.session, turn.business.id, proposal.booking_id, for_update=True)
    if not await _is_stuck(turn, booking, proposal):
        return Answer(say=(_settled(turn, booking),), then=form)
    await proposals.decline(turn.session, turn.business.id, proposal.id, now=turn.now)
    paid = await links.paid_amount(turn.session, turn.business.id, booking.id)
    gone = await bookings.cancel(
        turn.session,
        turn.business.id,
        booking.id,
        by="business",
        version=proposal.booking_version,
        now=turn.now,
        actor="customer",
        paid=paid,
    )
    turn.conversation.outcome = "cancelled"
    if gone.refund:
        await links.refund_for_cancellation(turn.session, gone.booking, gone.refund, now=turn.now)
    else:
        await links.close_payment(turn.session, turn.business.id, booking.id, now=turn.now)
    said = turn.say(
        "cancelled_refund" if gone.refund else "cancelled",
        act="cancelled",
        choices=[] if form else [turn.option("choice.book", "start_book")],
        facts=cards.booking_card(turn, gone.booking),
        line=_line(turn, gone.booking),
        refund=turn.money(gone.refund),
    )
    return Answer(say=(said,), then=form)


def _otherwise(turn: Turn, about: Mapping[str, Any]) -> list[Option]:
    ids = {"proposal": about["proposal"], "booking": about["booking"]}
    return [
        turn.option("choice.other_times", "other_times", **ids),
        turn.option("choice.cancel_it", "cancel_hit", **ids),
    ]


async def _who_is_away(session: AsyncSession, proposal: MoveProposal) -> UUID | None:
    if proposal.time_off_id is None:
        return None
    time_off = await session.get(TimeOff, (proposal.business_id, proposal.time_off_id))
    return time_off.staff_id if time_off is not None else None


async def _is_stuck(turn: Turn, booking: Booking, proposal: MoveProposal) -> bool:
    """Whether the booking is still where it cannot take place: then it is the business that cancels."""
    if booking.version != proposal.booking_version or booking.state not in _MOVABLE:
        return False
    if proposal.time_off_id is None:
        return proposal.state == "open"
    time_off = await turn.session.get(TimeOff, (proposal.business_id, proposal.time_off_id))
    return time_off is not None and await disruption.is_still_hit(turn.session, turn.catalog, booking, time_off)


async def _not_moved(turn: Turn, args: Mapping[str, Any], refused: BookingRefused) -> dict[str, Any]:
    if refused.reason == Reason.UNKNOWN:
        return turn.say("talk.stale", act="info", choices=[turn.option("choice.book", "start_book")])
    proposal = await proposals.load_proposal(turn.session, turn.business.id, UUID(args["proposal"]))
    booking = await bookings.load(turn.session, turn.business.id, proposal.booking_id)
    if booking.version != proposal.booking_version or booking.state not in _MOVABLE:
        return _settled(turn, booking)
    return turn.say(
        "proposal.gone", act="clarify", choices=_otherwise(turn, args), other=_other(turn, booking, proposal)
    )


def _settled(turn: Turn, booking: Booking) -> dict[str, Any]:
    """Say how the booking stands now: it was moved or cancelled since."""
    if booking.state in _MOVABLE and booking.starts > turn.now:
        options = [
            turn.option("choice.move", "start_move", booking=str(booking.id)),
            turn.option("choice.cancel_it", "start_cancel", booking=str(booking.id)),
        ]
        return turn.say("reminder.moved", act="info", choices=options, line=_line(turn, booking))
    options = [turn.option("choice.book", "start_book")]
    return turn.say("reminder.gone", act="info", choices=options, line=_line(turn, booking))


def _line(turn: Turn, booking: Booking) -> str:
    return cards.booking_line(turn, booking)


def _other(turn: Turn, booking: Booking, proposal: MoveProposal) -> str:
    return cards.proposal_line(turn, booking, proposal)

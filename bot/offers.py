"""Offers of the waitlist: what became free is held, worded and queued in one transaction."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import offering, waitlist
from booking_core.freed import offer_later
from booking_core.kit.clock import current_time
from booking_core.models import WaitlistEntry
from booking_core.offering import Offer
from booking_core.rules.waitlist import Window
from bot import handoff, outreach, tasks
from bot.actions import waiting
from bot.notices import turn_about
from bot.turn import speak
from bot.wiring import System
from channels import conversations


async def offer_freed_time(system: System, business_id: UUID, span: Window | None) -> int:
    """Offer what became free to those who wait; the rest of a long list is another job's. Returns the offers made."""
    async with system.db.transaction(business_id) as session:
        now = await current_time(session)

        async def reachable(entry: WaitlistEntry) -> bool:
            return await _may_be_written_to(session, entry, now)

        looked = await offering.offer_freed(session, business_id, now=now, span=span, reachable=reachable)
        for offer in looked.offers:
            await tell_offer(system, session, offer, now=now)
        if looked.more:
            starts, ends = span or (None, None)
            await offer_later(session, business_id, starts=starts, ends=ends)
        return len(looked.offers)


async def tell_offer(system: System, session: AsyncSession, offer: Offer, *, now: datetime) -> None:
    """Write the offer in its thread; where a person has that thread, or there is none, they are asked to tell it."""
    booking = offer.booking
    turn = await turn_about(system, session, booking, now=now)
    if turn is not None and await handoff.bot_may_speak(session, booking.business_id, turn.conversation.id):
        said = await speak(turn, [waiting.offered(turn, offer.entry, booking)])
        outreach.reach_out(turn, said, useful_until=booking.hold_expires_at)
        return
    await tasks.ask_staff(
        session,
        booking.business_id,
        kind="waitlist_offer",
        key=f"waitlist_offer:{booking.id}",
        now=now,
        conversation_id=booking.conversation_id,
        booking_id=booking.id,
        data={"reference": booking.reference},
    )


async def _may_be_written_to(session: AsyncSession, entry: WaitlistEntry, now: datetime) -> bool:
    """Whether an offer may go to this customer; whoever wants no more messages waits no longer."""
    if entry.conversation_id is None:
        return True
    conversation = await conversations.load(session, entry.business_id, entry.conversation_id)
    if conversation.opted_out_at is None:
        return True
    await waitlist.withdraw(session, entry.business_id, entry.id, now=now, actor="system")
    return False

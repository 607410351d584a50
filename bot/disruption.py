"""Time off that hurts, in the threads: each booking's proposal is told there; what nobody answers becomes a task."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core import disruption, proposals
from booking_core.catalog import Catalog, load_catalog
from booking_core.disruption import Result
from booking_core.kit.clock import current_time
from booking_core.models import Booking, TimeOff
from booking_core.records import find_audit, write_audit
from bot import handoff, outreach, tasks
from bot.actions import displaced
from bot.notices import turn_about
from bot.turn import speak
from bot.wiring import System

_TOLD = "told_proposal"


async def find_places_for_all(
    session: AsyncSession, *, catalog: Catalog, time_off: TimeOff, now: datetime, actor: str
) -> list[Result]:
    """Hold another place for every booking that is hit; where there is none, a person is asked to call."""
    results = await disruption.propose_all(session, catalog=catalog, time_off=time_off, now=now, actor=actor)
    for result in results:
        if result.proposal is None:
            await ask_to_call(session, result.booking, time_off.id, kind="time_off_no_place", now=now)
    return results


async def ask_to_call(
    session: AsyncSession, booking: Booking, time_off_id: UUID | None, *, kind: str, now: datetime
) -> None:
    """Have a person settle with the customer what becomes of their booking, once for each absence."""
    await tasks.ask_staff(
        session,
        booking.business_id,
        kind=kind,
        key=f"{kind}:{booking.id}:{time_off_id}",
        now=now,
        conversation_id=booking.conversation_id,
        booking_id=booking.id,
        data={"reference": booking.reference},
    )


async def tell_move_proposed(system: System, business_id: UUID, proposal_id: UUID) -> None:
    """Word a proposal in its thread once, if it still stands; without a thread of the bot's a person calls."""
    async with system.db.transaction(business_id) as session:
        now = await current_time(session)
        known = await proposals.load_proposal(session, business_id, proposal_id)
        booking = await bookings.load(session, business_id, known.booking_id, for_update=True)
        proposal = await proposals.load_proposal(session, business_id, proposal_id)
        if proposal.state != "open" or booking.version != proposal.booking_version:
            return
        if await find_audit(session, booking, _TOLD, proposal=str(proposal_id)) is not None:
            return
        write_audit(session, booking, _TOLD, actor="system", now=now, proposal=str(proposal_id))
        turn = await turn_about(system, session, booking, now=now)
        if (
            turn is None
            or turn.conversation.opted_out_at is not None
            or not await handoff.bot_may_speak(session, business_id, turn.conversation.id)
        ):
            await ask_to_call(session, booking, proposal.time_off_id, kind="time_off_call", now=now)
            return
        outreach.reach_out(turn, await speak(turn, [await displaced.proposed(turn, booking, proposal)]))


async def check_move(system: System, business_id: UUID, proposal_id: UUID) -> None:
    """Look at a booking whose proposal came to nothing: if it is still where it cannot be, a person calls."""
    async with system.db.transaction(business_id) as session:
        now = await current_time(session)
        proposal = await proposals.load_proposal(session, business_id, proposal_id)
        booking = await bookings.load(session, business_id, proposal.booking_id)
        if booking.version != proposal.booking_version or proposal.time_off_id is None:
            return
        if await proposals.find_open(session, business_id, booking.id) is not None:
            return
        time_off = await session.get(TimeOff, (business_id, proposal.time_off_id))
        catalog = await load_catalog(session, business_id)
        if time_off is not None and await disruption.is_still_hit(session, catalog, booking, time_off):
            await ask_to_call(session, booking, time_off.id, kind="time_off_unsettled", now=now)


async def check_time_off(
    system: System, business_id: UUID, time_off_id: UUID, known: list[str], since: datetime | None
) -> None:
    """Look whom a time off hits who was booking while it was written down: a person settles it with them."""
    async with system.db.transaction(business_id) as session:
        time_off = await session.get(TimeOff, (business_id, time_off_id))
        if time_off is None:
            return
        now = await current_time(session)
        catalog = await load_catalog(session, business_id)
        for booking in await disruption.overlooked(session, catalog, time_off, known=known, since=since):
            await ask_to_call(session, booking, time_off.id, kind="time_off_unsettled", now=now)

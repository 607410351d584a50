"""What a time off has hit and what became of each booking: read for the page on which staff settle it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import disruption
from booking_core.catalog import Catalog
from booking_core.models import Booking, BookingAudit, Customer, MoveProposal, TimeOff
from booking_core.rules.lifecycle import CANCELLED, Move
from bot.models import StaffTask
from channels.models import Conversation

#: Channels whose address is a number to call.
_PHONES = frozenset({"sms", "whatsapp"})


class Standing(StrEnum):
    """How far a booking that was hit is settled."""

    OPEN = "open"  # nothing was proposed yet
    NOTHING = "nothing"  # nothing was found: a person must call
    WAITING = "waiting"
    DECLINED = "declined"
    UNANSWERED = "unanswered"
    ACCEPTED = "accepted"
    MOVED = "moved"  # otherwise than proposed
    CANCELLED = "cancelled"
    BEGUN = "begun"  # too late to move it


#: Somebody must do something about these.
UNSETTLED = frozenset({Standing.OPEN, Standing.NOTHING, Standing.DECLINED, Standing.UNANSWERED, Standing.BEGUN})


@dataclass(frozen=True, slots=True)
class Row:
    """One booking that a time off hits, or hit."""

    booking: Booking
    customer: str | None
    #: A number to call, as far as the thread has one.
    phone: str | None
    standing: Standing
    #: When it was before it was moved.
    was: datetime
    proposal: MoveProposal | None

    @property
    def unsettled(self) -> bool:
        """Whether somebody must do something about it."""
        return self.standing in UNSETTLED

    @property
    def may_be_proposed(self) -> bool:
        """Whether another place can be looked for."""
        return self.standing in UNSETTLED - {Standing.BEGUN} or self.standing is Standing.WAITING


async def load_rows(session: AsyncSession, catalog: Catalog, time_off: TimeOff, *, now: datetime) -> list[Row]:
    """Return the bookings that are hit and those that were, the earliest first."""
    hit = {one.id: one for one in await disruption.bookings_hit(session, catalog, time_off)}
    latest: dict[UUID, MoveProposal] = {}
    every = dict(hit)
    for booking, proposal in await disruption.proposals_of(session, time_off):
        latest[booking.id] = proposal
        every[booking.id] = booking
    called = await _called(session, time_off, every)
    names = await _names(session, catalog, every.values())
    phones = await _phones(session, catalog, every.values())
    was = await _was(session, catalog, latest)
    rows = [
        Row(
            booking=one,
            customer=names.get(one.customer_id),
            phone=phones.get(one.conversation_id) if one.conversation_id else None,
            standing=_standing(one, latest.get(one.id), hit=one.id in hit, called=one.id in called, now=now),
            was=was.get(one.id, one.starts),
            proposal=latest.get(one.id),
        )
        for one in every.values()
    ]
    return sorted(rows, key=lambda row: (row.was, row.booking.id))


def _standing(booking: Booking, proposal: MoveProposal | None, *, hit: bool, called: bool, now: datetime) -> Standing:
    if booking.state in CANCELLED:
        return Standing.CANCELLED
    if not hit:
        return Standing.ACCEPTED if proposal is not None and proposal.state == "accepted" else Standing.MOVED
    if booking.starts <= now:
        return Standing.BEGUN
    if proposal is None or proposal.booking_version != booking.version:
        return Standing.NOTHING if called else Standing.OPEN
    return {"open": Standing.WAITING, "declined": Standing.DECLINED, "accepted": Standing.OPEN}.get(
        proposal.state, Standing.UNANSWERED
    )


async def _called(session: AsyncSession, time_off: TimeOff, every: Mapping[UUID, Booking]) -> set[UUID]:
    """Return for which bookings nothing was found, by the task that says so."""
    keys = {f"time_off_no_place:{one}:{time_off.id}": one for one in every}
    found = await session.scalars(
        select(StaffTask.key).where(StaffTask.business_id == time_off.business_id, StaffTask.key.in_(keys))
    )
    return {keys[key] for key in found}


async def _names(session: AsyncSession, catalog: Catalog, every: Collection[Booking]) -> dict[UUID, str | None]:
    found = await session.execute(
        select(Customer.id, Customer.name).where(
            Customer.business_id == catalog.business.id, Customer.id.in_([one.customer_id for one in every])
        )
    )
    return dict(found.tuples().all())


async def _phones(session: AsyncSession, catalog: Catalog, every: Collection[Booking]) -> dict[UUID, str]:
    found = await session.execute(
        select(Conversation.id, Conversation.address).where(
            Conversation.business_id == catalog.business.id,
            Conversation.id.in_([one.conversation_id for one in every if one.conversation_id]),
            Conversation.channel.in_(_PHONES),
        )
    )
    return {thread: address.removeprefix("whatsapp:") for thread, address in found.tuples()}


async def _was(session: AsyncSession, catalog: Catalog, latest: Mapping[UUID, MoveProposal]) -> dict[UUID, datetime]:
    """Return when bookings were before the move that followed their proposal."""
    found = await session.execute(
        select(BookingAudit.booking_id, BookingAudit.version, BookingAudit.data).where(
            BookingAudit.business_id == catalog.business.id,
            BookingAudit.booking_id.in_(latest),
            BookingAudit.move == Move.RESCHEDULE.value,
        )
    )
    return {
        booking_id: datetime.fromisoformat(data["was"]["starts"])
        for booking_id, version, data in found.tuples()
        if "was" in data and version == latest[booking_id].booking_version + 1
    }

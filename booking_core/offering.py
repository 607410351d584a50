"""Making offers: what is free is held for those who wait for it, in the order of the list.

An offer is an unpaid hold like any other, so nobody else can take its time, and it ends by the clock. Who is
offered what is decided entry by entry, under each entry's row lock: workers that look at the same time wait
for the first in the line, so that the second never gets what the first would have had.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy import bindparam, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core import calendar
from booking_core.catalog import Catalog, load_catalog
from booking_core.models import Booking, State, WaitlistEntry
from booking_core.offers import OFFERED, settle
from booking_core.records import write_audit
from booking_core.refusals import BookingRefused
from booking_core.requests import VisitRequest
from booking_core.rules.availability import Slot
from booking_core.rules.lifecycle import TAKES_TIME
from booking_core.rules.waitlist import Window, Wish, earliest_offer, offer_until, searched, wanted_slots
from booking_core.waitlist import load_entry, request_of

#: Entries are read in pages of so many, and one look makes so many offers: the rest is another job's.
_PAGE = 50
MOST_OFFERS = 20
#: Free starts of one request that are looked at; so many of them are tried for one entry.
_SLOTS = 2000
_TRIES = 3
#: Behind every preference.
_LAST = 1_000

#: Whether an offer could reach whoever waits; asked before any time is held for them.
Reachable = Callable[[WaitlistEntry], Awaitable[bool]]

_NEAR = text("""
EXISTS (SELECT FROM jsonb_array_elements(waitlist_entry.windows) AS w
        WHERE (w->>'from')::timestamptz < CAST(:ends AS timestamptz) + make_interval(days => 1 + waitlist_entry.units)
          AND (w->>'to')::timestamptz > CAST(:starts AS timestamptz) - make_interval(days => 1 + waitlist_entry.units))
""")


@dataclass(frozen=True, slots=True)
class Offer:
    """A time that is held for an entry until its booking's `hold_expires_at`."""

    entry: WaitlistEntry
    booking: Booking


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look came to; `more`: there may be more to offer."""

    offers: list[Offer]
    more: bool


async def offer_freed(
    session: AsyncSession,
    business_id: UUID,
    *,
    now: datetime,
    span: Window | None = None,
    reachable: Reachable | None = None,
) -> Looked:
    """Hold what is free in (or near) a span for those who wait for it, in their order; all times without one.

    It looks at what is free now, so it may run any number of times, and at once in several workers.
    """
    await settle(session, business_id, now=now)
    look = _Look(session, await load_catalog(session, business_id), now, span, reachable)
    last: WaitlistEntry | None = None
    while page := await _page(session, business_id, now=now, span=span, after=last):
        if not await look.at(page):
            return Looked(look.offers, more=True)
        last = page[-1]
    return Looked(look.offers, more=False)


async def _page(
    session: AsyncSession, business_id: UUID, *, now: datetime, span: Window | None, after: WaitlistEntry | None
) -> Sequence[WaitlistEntry]:
    """Return the next entries of the line that could want something of a span, by the index of those who wait."""
    order = (WaitlistEntry.priority, WaitlistEntry.created_at, WaitlistEntry.id)
    query = select(WaitlistEntry).where(
        WaitlistEntry.business_id == business_id, WaitlistEntry.state == "waiting", WaitlistEntry.until > now
    )
    if span is not None:
        near = _NEAR.bindparams(bindparam("starts", span[0]), bindparam("ends", span[1]))
        query = query.where(near)
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(after.priority, after.created_at, after.id))
    return (await session.scalars(query.order_by(*order).limit(_PAGE))).all()


@dataclass(slots=True)
class _Look:
    """One look at who waits for what is free."""

    session: AsyncSession
    catalog: Catalog
    now: datetime
    span: Window | None
    reachable: Reachable | None
    offers: list[Offer] = field(default_factory=list)
    #: What is free for a request, as far as it has been looked up since the last offer.
    _free: dict[VisitRequest, list[Slot]] = field(default_factory=dict)

    async def at(self, page: Sequence[WaitlistEntry]) -> bool:
        """Offer to a page of entries what suits them; False when enough was offered for one look."""
        visits = await self._visits({entry.customer_id for entry in page})
        windows: dict[VisitRequest, list[Window]] = defaultdict(list)
        for entry in page:
            windows[request_of(entry)].extend(self._searched(entry))
        for entry in await self._in_order(page, windows):
            if len(self.offers) == MOST_OFFERS:
                return False
            wish = Wish.of(entry.windows, entry.passed)
            mine = visits[entry.customer_id]
            if any(_answers(one, entry, wish) for one in mine):
                await self._close(entry)
                continue
            busy = [(one.starts, one.ends) for one in mine]
            free = await self._slots(request_of(entry), windows[request_of(entry)])
            suiting = wanted_slots(wish, free, busy=busy)
            if suiting and not _pending(mine, entry, wish):
                await self._offer(entry, suiting, mine)
        # Another page asks about other windows.
        self._free.clear()
        return True

    async def _in_order(
        self, page: Sequence[WaitlistEntry], windows: Mapping[VisitRequest, Sequence[Window]]
    ) -> list[WaitlistEntry]:
        """Return a page in the order of the list; who asked at the same moment, by who wants most what is free."""
        ordered: list[WaitlistEntry] = []
        for _, group in groupby(page, key=lambda entry: (entry.priority, entry.created_at)):
            tied = list(group)
            if len(tied) > 1:
                liking = {}
                for entry in tied:
                    wish = Wish.of(entry.windows, entry.passed)
                    best = wanted_slots(wish, await self._slots(request_of(entry), windows[request_of(entry)]))
                    liking[entry.id] = wish.preference(best[0].starts) if best else None
                tied.sort(key=lambda entry: _LAST if (like := liking[entry.id]) is None else like)
            ordered += tied
        return ordered

    def _searched(self, entry: WaitlistEntry) -> list[Window]:
        within = None
        if self.span is not None:
            # Whatever needs the freed time begins less than its own length before it.
            margin = timedelta(days=1 + entry.units)
            within = (self.span[0] - margin, self.span[1] + margin)
        earliest = earliest_offer(self.now, self.catalog.policy.offer_minutes)
        return searched(Wish.of(entry.windows), earliest=earliest, within=within)

    async def _slots(self, wanted: VisitRequest, windows: Sequence[Window]) -> list[Slot]:
        if wanted not in self._free:
            try:
                found = await calendar.free_slots(
                    self.session, self.catalog, wanted=wanted, windows=windows, now=self.now, limit=_SLOTS
                ) if windows else None  # fmt: skip
            except BookingRefused:  # no longer sold, or not to so many
                found = None
            self._free[wanted] = found.slots if found is not None else []
        return self._free[wanted]

    async def _offer(self, entry: WaitlistEntry, suiting: Sequence[Slot], visits: list[Booking]) -> None:
        if self.reachable is not None and not await self.reachable(entry):
            return
        if not await self._lock(entry):
            return
        for slot in suiting[:_TRIES]:
            booking = await self._hold(entry, slot)
            if booking is not None:
                entry.state, entry.offer_id, entry.updated_at = "offered", booking.id, self.now
                write_audit(self.session, booking, OFFERED, actor="system", now=self.now, entry=str(entry.id))
                await self.session.flush()
                self.offers.append(Offer(entry, booking))
                visits.append(booking)
                self._free.clear()
                return

    async def _hold(self, entry: WaitlistEntry, slot: Slot) -> Booking | None:
        service = self.catalog.service(entry.service_id)
        policy = self.catalog.policy
        place = self.catalog.location(slot.location_id) if slot.location_id else self.catalog.locations[0]
        until = offer_until(
            self.now,
            slot.starts,
            tz=place.timezone,
            offer_minutes=policy.offer_minutes,
            lead_time=policy.lead_time if service.lead_time is None else service.lead_time,
        )
        try:
            return await bookings.hold(
                self.session,
                catalog=self.catalog,
                wanted=request_of(entry),
                starts=slot.starts,
                customer_id=entry.customer_id,
                conversation_id=entry.conversation_id,
                key=f"offer:{entry.id}:{len(entry.passed)}:{slot.starts.isoformat()}",
                now=self.now,
                actor="system",
                offer_until=until,
            )
        except BookingRefused:  # somebody was quicker
            return None

    async def _close(self, entry: WaitlistEntry) -> None:
        if await self._lock(entry):
            entry.state, entry.updated_at = "booked", self.now
            await self.session.flush()

    async def _lock(self, entry: WaitlistEntry) -> bool:
        """Lock an entry; whether it still waits."""
        locked = await load_entry(self.session, entry.business_id, entry.id, for_update=True)
        return bool(locked.state == "waiting")

    async def _visits(self, customers: set[UUID]) -> dict[UUID, list[Booking]]:
        """Return what these customers have ahead of them."""
        visits: dict[UUID, list[Booking]] = defaultdict(list)
        for booking in await self.session.scalars(
            select(Booking).where(
                Booking.business_id == self.catalog.business.id,
                Booking.customer_id.in_(customers),
                Booking.starts > self.now - timedelta(days=1),
                Booking.state.in_([state.value for state in TAKES_TIME]),
            )
        ):
            visits[booking.customer_id].append(booking)
        return visits


def _answers(booking: Booking, entry: WaitlistEntry, wish: Wish) -> bool:
    """Whether the customer has meanwhile booked, or moved to, what they wait for."""
    since = booking.created_at >= entry.created_at or (booking.version > 1 and booking.updated_at >= entry.created_at)
    return since and booking.state != State.HELD and _is_wanted(booking, entry, wish)


def _pending(visits: Sequence[Booking], entry: WaitlistEntry, wish: Wish) -> bool:
    """Whether the customer is just paying for what they wait for."""
    return any(one.state == State.HELD and _is_wanted(one, entry, wish) for one in visits)


def _is_wanted(booking: Booking, entry: WaitlistEntry, wish: Wish) -> bool:
    return booking.service_id == entry.service_id and Wish(wish.windows).preference(booking.starts) is not None

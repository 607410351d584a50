"""People in a line for a shop's times: short ways of joining, offering and answering in tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking, offering, offers, waitlist
from booking_core.models import Booking, WaitlistEntry
from booking_core.offering import Looked
from booking_core.requests import VisitRequest
from booking_core.rules.waitlist import Window
from tests.booking_core.shop import Shop, at

#: By then people are awake: an offer is held for the usual minutes.
NOW = at("08:30")
#: The shop's whole morning.
MORNING = [(at("09:00"), at("13:00"))]
WAITING_JOBS = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'offer_freed_time'")


@dataclass
class Line:
    """Those who wait for a shop."""

    shop: Shop
    keys: int = 0

    @property
    def session(self) -> AsyncSession:
        return self.shop.session

    def wanted(self, service: str = "trim", staff: str | None = "Ana") -> VisitRequest:
        return VisitRequest.one(self.shop.services[service], self.shop.staff[staff] if staff else None)

    async def book(
        self,
        clock: str,
        *,
        service: str = "trim",
        staff: str | None = "Ana",
        customer: UUID | None = None,
        now: datetime = NOW,
    ) -> Booking:
        self.keys += 1
        return await booking.hold(
            self.session,
            catalog=await self.shop.catalog(),
            wanted=self.wanted(service, staff),
            starts=at(clock),
            customer_id=customer or await self.shop.customer(),
            conversation_id=None,
            key=f"book-{self.keys}",
            now=now,
        )

    async def fill(self, *clocks: str, service: str = "trim", staff: str = "Ana", now: datetime = NOW) -> list[Booking]:
        return [await self.book(clock, service=service, staff=staff, now=now) for clock in clocks]

    async def join(
        self,
        windows: Sequence[Window] = tuple(MORNING),
        *,
        service: str = "trim",
        staff: str | None = "Ana",
        customer: UUID | None = None,
        now: datetime = NOW,
        **more: int,
    ) -> WaitlistEntry:
        self.keys += 1
        return await waitlist.join(
            self.session,
            catalog=await self.shop.catalog(),
            wanted=self.wanted(service, staff),
            windows=list(windows),
            customer_id=customer or await self.shop.customer(),
            conversation_id=None,
            key=f"join-{self.keys}",
            now=now,
            **more,
        )

    async def cancel(self, one: Booking, *, now: datetime = NOW) -> None:
        await booking.cancel(
            self.session, self.shop.business_id, one.id, by="customer", version=None, now=now, actor="customer"
        )

    async def look(self, *, now: datetime = NOW, span: Window | None = None) -> Looked:
        return await offering.offer_freed(self.session, self.shop.business_id, now=now, span=span)

    async def yes(self, entry: WaitlistEntry, offer: Booking, *, now: datetime = NOW) -> offers.Accepted:
        self.keys += 1
        return await offers.accept(
            self.session, self.shop.business_id, entry.id, offer.id, now=now, key=f"yes-{self.keys}"
        )

    async def no(self, entry: WaitlistEntry, offer: Booking, *, now: datetime = NOW) -> WaitlistEntry:
        return await offers.decline(self.session, self.shop.business_id, entry.id, offer.id, now=now)

    async def jobs(self) -> int:
        return int(await self.session.scalar(WAITING_JOBS) or 0)

    async def states(self) -> list[str]:
        order = select(WaitlistEntry.state).order_by(WaitlistEntry.priority, WaitlistEntry.created_at, WaitlistEntry.id)
        return list(await self.session.scalars(order))


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)

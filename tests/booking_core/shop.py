"""A small shop in a real database, and the moments that its tests speak of."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking, calendar, catalog, customers
from booking_core.calendar import FreeSlots
from booking_core.kit.ids import new_id
from booking_core.models import Booking, Business, Location, ScheduleRule, Service, Skill, Staff
from booking_core.requests import VisitRequest

TZ = "Europe/Madrid"
#: A Monday morning in winter, when Madrid is an hour ahead of UTC.
NOW = datetime(2026, 11, 23, 7, 30, tzinfo=ZoneInfo(TZ))
MONDAY = date(2026, 11, 23)


def at(clock: str, day: date = MONDAY, tz: str = TZ) -> datetime:
    """Return a wall-clock time of the shop."""
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(tz))


@dataclass
class Shop:
    """Ids of what there is, and short ways of doing things."""

    session: AsyncSession
    business_id: UUID
    location_id: UUID
    services: dict[str, UUID]
    staff: dict[str, UUID]
    keys: int = 0

    async def catalog(self) -> catalog.Catalog:
        return await catalog.load_catalog(self.session, self.business_id)

    async def customer(self, name: str = "Maria") -> UUID:
        made = await customers.load_or_create(self.session, self.business_id, None, name=name, locale="en", now=NOW)
        return made.id

    async def hold(
        self,
        clock: str | datetime,
        *,
        service: str = "cut",
        staff: str | None = "Ana",
        customer: UUID | None = None,
        key: str | None = None,
        now: datetime = NOW,
    ) -> Booking:
        self.keys += 1
        return await booking.hold(
            self.session,
            catalog=await self.catalog(),
            wanted=VisitRequest.one(self.services[service], self.staff[staff] if staff else None),
            starts=at(clock) if isinstance(clock, str) else clock,
            customer_id=customer or await self.customer(),
            conversation_id=None,
            key=key or f"key-{self.keys}",
            now=now,
        )

    async def move(self, one: Booking, clock: str | datetime, **more: object) -> Booking:
        self.keys += 1
        arguments = {"staff_id": one.staff_id, "version": None, "now": NOW, "actor": "customer", "key": f"m{self.keys}"}
        return await booking.reschedule(
            self.session,
            self.business_id,
            one.id,
            catalog=await self.catalog(),
            starts=at(clock) if isinstance(clock, str) else clock,
            **(arguments | more),
        )

    async def free(
        self,
        *,
        service: str = "cut",
        staff: str | None = "Ana",
        windows: list[tuple[datetime | None, datetime | None]] | None = None,
        now: datetime = NOW,
        **more: object,
    ) -> FreeSlots:
        return await calendar.free_slots(
            self.session,
            await self.catalog(),
            wanted=VisitRequest.one(self.services[service], self.staff[staff] if staff else None),
            windows=windows or [(at("00:00"), at("00:00") + timedelta(days=1))],
            exclude=more.pop("exclude", ()),
            now=now,
            **more,
        )

    async def clocks(self, **asked: object) -> list[str]:
        """Return the free starts as the shop's clock shows them."""
        found = await self.free(**asked)
        return [slot.starts.astimezone(ZoneInfo(TZ)).strftime("%H:%M") for slot in found.slots]

    async def allocations(self) -> int:
        return await self.session.scalar(text("SELECT count(*) FROM allocation"))


SERVICES = {
    "cut": {"duration": 60, "slot_interval": 60, "price": 2800, "deposit": 1000, "payment": "deposit"},
    "trim": {"duration": 20, "slot_interval": 20, "price": 1500},
    "colour": {"duration": 60, "slot_interval": 60, "price": 6500, "payment": "full", "buffer_after": 15},
}


async def open_shop(
    session: AsyncSession,
    *,
    people: tuple[str, ...] = ("Ana", "Bruno"),
    hours: tuple[int, int] = (9, 13),
    policy: dict[str, object] | None = None,
    services: dict[str, dict[str, object]] = SERVICES,
    tz: str = TZ,
) -> Shop:
    """Open a shop where everybody does everything, every day at the same hours."""
    business = Business(
        id=new_id(),
        slug=f"shop-{new_id().hex}",
        name="Shop",
        default_locale="en",
        timezone=tz,
        currency="EUR",
        policy=policy or {"lead_time": 0},
        settings={},
    )
    session.add(business)
    await session.flush()
    place = Location(business_id=business.id, id=new_id(), name="Shop", address="Street 1", timezone=tz, phone=None)
    sold = [Service(business_id=business.id, id=new_id(), name=name, **facts) for name, facts in services.items()]
    session.add_all([place, *sold])
    await session.flush()
    team = [
        Staff(business_id=business.id, id=new_id(), location_id=place.id, name=name, position=n)
        for n, name in enumerate(people)
    ]
    session.add_all(team)
    await session.flush()
    for one in team:
        session.add_all(Skill(business_id=business.id, staff_id=one.id, service_id=service.id) for service in sold)
        session.add_all(
            ScheduleRule(
                business_id=business.id,
                id=new_id(),
                staff_id=one.id,
                weekday=weekday,
                opens=hours[0] * 60,
                closes=hours[1] * 60,
            )
            for weekday in range(7)
        )
    await session.flush()
    return Shop(session, business.id, place.id, {one.name: one.id for one in sold}, {one.name: one.id for one in team})

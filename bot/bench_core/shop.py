"""Businesses to measure with: many people, services and days."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.models import Business, Customer, Location, ScheduleRule, Service, Skill, Staff

#: A Monday at the stroke of midnight; no clock is read.
NOW = datetime(2027, 3, 1, tzinfo=UTC)
#: The days that are booked begin here.
FIRST_DAY = NOW + timedelta(days=1)
OPENS, CLOSES = 9 * 60, 18 * 60
STEP = 30


@dataclass(frozen=True)
class Shop:
    """Ids of a business; every service takes half an hour and is done by everybody."""

    business_id: UUID
    location_id: UUID
    services: list[UUID]
    staff: list[UUID]
    customers: list[UUID]

    def as_text(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            name: [str(one) for one in value] if isinstance(value, list) else str(value)
            for name, value in asdict(self).items()
        }

    @staticmethod
    def of_text(told: dict[str, Any]) -> "Shop":
        """Return what `as_text` told."""
        lists = {name: [UUID(one) for one in told[name]] for name in ("services", "staff", "customers")}
        return Shop(UUID(told["business_id"]), UUID(told["location_id"]), **lists)


@dataclass(frozen=True)
class Town:
    """Several businesses, and each start in each of their calendars, by number."""

    shops: list[Shop]
    days: int

    @property
    def starts(self) -> int:
        """How many starts there are in all calendars together."""
        return sum(len(shop.staff) for shop in self.shops) * self.days * A_DAY

    def start(self, number: int) -> tuple[Shop, UUID, datetime]:
        """Return whose time a number stands for; numbers that follow each other are far apart."""
        number = number * _STRIDE % self.starts
        number, slot = divmod(number, A_DAY)
        number, day = divmod(number, self.days)
        for shop in self.shops:
            if number < len(shop.staff):
                break
            number -= len(shop.staff)
        return shop, shop.staff[number], FIRST_DAY + timedelta(days=day, minutes=OPENS + slot * STEP)


A_DAY = (CLOSES - OPENS) // STEP
#: A prime that divides no number of starts.
_STRIDE = 1_000_003


async def open_shop(
    session: AsyncSession,
    *,
    staff: int,
    services: int = 12,
    customers: int = 200,
    policy: dict[str, Any] | None = None,
    hours: tuple[int, int] = (OPENS, CLOSES),
    deposit: int = 1000,
) -> Shop:
    """Open a business where everybody does everything, every day at the same hours."""
    business = Business(
        id=new_id(),
        slug=f"bench-{new_id().hex}",
        name="Bench",
        default_locale="en",
        timezone="Europe/Madrid",
        currency="EUR",
        policy={"lead_time": 0, "booking_window": 730} | (policy or {}),
        settings={},
    )
    session.add(business)
    await session.flush()
    place = Location(business_id=business.id, id=new_id(), name="Bench", address="Street 1", timezone="UTC", phone=None)
    sold = [
        Service(
            business_id=business.id,
            id=new_id(),
            name=f"Service {number}",
            duration=STEP,
            slot_interval=STEP,
            price=2800,
            deposit=deposit,
            payment="deposit" if deposit else "none",
        )
        for number in range(services)
    ]
    known = [
        Customer(business_id=business.id, id=new_id(), name=f"Customer {number}", locale="en", created_at=NOW)
        for number in range(customers)
    ]
    session.add_all([place, *sold, *known])
    await session.flush()
    team = [
        Staff(business_id=business.id, id=new_id(), location_id=place.id, name=f"Person {number}", position=number)
        for number in range(staff)
    ]
    session.add_all(team)
    await session.flush()
    for one in team:
        session.add_all(Skill(business_id=business.id, staff_id=one.id, service_id=service.id) for service in sold)
        session.add_all(
            ScheduleRule(
                business_id=business.id, id=new_id(), staff_id=one.id, weekday=day, opens=hours[0], closes=hours[1]
            )
            for day in range(7)
        )
    await session.flush()
    return Shop(business.id, place.id, [one.id for one in sold], [one.id for one in team], [one.id for one in known])


def build_town(url: str, *, shops: int, staff: int, days: int) -> Town:
    """Open several businesses."""

    async def build() -> list[Shop]:
        database = Database(url)
        try:
            async with database.transaction() as session:
                return [await open_shop(session, staff=staff) for _ in range(shops)]
        finally:
            await database.close()

    return Town(asyncio.run(build()), days)

"""Shops for customers of the simulator: copies of the sample studio, with some of their time taken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from uuid import UUID

import yaml

from booking_core import booking, calendar, catalog, customers
from booking_core.kit.clock import current_time
from booking_core.requests import VisitRequest
from booking_core.seed import load_seed
from bot.sample import SAMPLE
from channels.accounts import open_account
from tests.flows.simulator.customer import Surroundings
from tests.flows.world import ZONE, World

#: Services that customers come for; a visit of several parts is another talk.
SERVICES = ("Haircut", "Cut & colour", "Colour", "Blow-dry", "Beard trim")


@dataclass
class Shop:
    """A business of its own: one customer of the simulator at a time."""

    world: World
    slug: str
    business_id: UUID
    able: dict[str, list[str]]
    names: dict[str, set[str]]
    door: asyncio.Lock = field(default_factory=asyncio.Lock)

    def surroundings(self, today: date) -> Surroundings:
        """Return what everybody can know."""
        return Surroundings(today, self.able, self.names)

    async def free(self, service: str, staff: str | None, day: date) -> list[datetime]:
        """Return the free starts of a local day."""
        start = datetime.combine(day, time(), ZONE)
        async with self.world.system.db.transaction() as session:
            known = await catalog.load_catalog(session, self.business_id)
            found = await calendar.free_slots(
                session,
                known,
                wanted=_wanted(known, service, staff),
                windows=[(start, start + timedelta(days=1))],
                now=await current_time(session),
            )
        return [slot.starts.astimezone(ZONE).replace(tzinfo=None) for slot in found.slots]

    async def take_some(self, rng: Random, day: date, count: int) -> None:
        """Let other customers have some of the coming days' times."""
        for number in range(count):
            service = rng.choice(list(self.able))
            staff = rng.choice(self.able[service])
            free = await self.free(service, staff, day + timedelta(days=rng.randint(0, 7)))
            if free:
                await self._book(service, staff, rng.choice(free), number)

    async def _book(self, service: str, staff: str, start: datetime, number: int) -> None:
        async with self.world.system.db.transaction() as session:
            now = await current_time(session)
            known = await catalog.load_catalog(session, self.business_id)
            other = await customers.load_or_create(
                session, self.business_id, None, name="Another Customer", locale="en", now=now
            )
            held = await booking.hold(
                session,
                catalog=known,
                wanted=_wanted(known, service, staff),
                starts=start.replace(tzinfo=ZONE),
                customer_id=other.id,
                conversation_id=None,
                key=f"other:{number}",
                now=now,
            )
            if held.state == "held":
                await booking.confirm(session, self.business_id, held.id, now=now, actor="system")


def _wanted(known: catalog.Catalog, service: str, staff: str | None) -> VisitRequest:
    return VisitRequest.one(
        next(one.id for one in known.services if one.name == service),
        next(one.id for one in known.staff if one.name == staff) if staff else None,
    )


@asynccontextmanager
async def open_shops(world: World, count: int, rng: Random, today: date, *, taken: int) -> AsyncIterator[list[Shop]]:
    """Open so many studios beside each other."""
    seed = yaml.safe_load(SAMPLE.read_text())
    services = [one for one in seed["services"] if one["name"] in SERVICES]
    able = {
        one["name"]: [member["name"] for member in seed["staff"] if one["name"] in member["services"]]
        for one in services
    }
    names = {one["name"]: {one["name"], *one["names"].values()} for one in services}
    shops = []
    with TemporaryDirectory() as folder:
        for number in range(count):
            slug = f"studio-{number}"
            path = Path(folder) / f"{slug}.yml"
            path.write_text(yaml.safe_dump(seed | {"business": seed["business"] | {"slug": slug}}, allow_unicode=True))
            async with world.system.db.transaction() as session:
                business = await load_seed(session, path, await current_time(session))
                await open_account(session, business.id, "web", slug)
                shops.append(Shop(world, slug, business.id, able, names))
    for shop in shops:
        await shop.take_some(rng, today, taken)
    yield shops

"""A house with everything: rooms, parts in a row, parties, classes, rentals, limits; loaded from its file."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking, calendar, catalog, customers, sessions
from booking_core.models import Booking
from booking_core.requests import Arrangement, VisitRequest
from booking_core.seed import load_seed

TZ = "Europe/Madrid"
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=ZoneInfo(TZ))
MONDAY = date(2026, 11, 23)

HOUSE = """
business: {slug: house, name: House, timezone: Europe/Madrid, currency: EUR, locale: en-GB,
           policy: {lead_time: 0, booking_window: 60}}
locations:
  - {name: North, address: Street 1, hours: {mon-sun: "8:00-20:00"}}
  - {name: South, address: Street 2}
resources:
  - {kind: basin, name: Basin, location: North}
  - {kind: room, name: Room 1, location: North}
  - {kind: room, name: Room 2, location: North}
  - {kind: bike, name: Bike, units: 3, location: North}
  - {kind: hall, name: Hall, location: North}
services:
  - {name: Cut, duration: 30, price: "30.00", max_party: 4, slot_interval: 15,
     add_ons: [{name: Wash, minutes: 15, price: "5.00"}]}
  - {name: Colour, duration: 90, processing_from: 30, processing: 30, price: "60.00",
     needs: {basin: {units: 1, covers: work}}}
  - {name: Cut and colour, segments: [{service: Cut}, {service: Colour, max_wait: 30}], price: "85.00",
     payment: deposit, deposit: "20.00"}
  - {name: Massage, duration: 60, needs: {room: 1}, price: "50.00", max_party: 3}
  - {name: Yoga, duration: 60, capacity: 3, needs: {hall: 1}, price: "12.00"}
  - {name: Workshop, duration: 120, capacity: 4, price: "40.00"}
  - {name: Ride, unit: day, units_max: 5, day_from: "9:00", day_until: "18:00", staff: nobody, needs: {bike: 1},
     price: "25.00", max_party: 3}
  - {name: Rehearsal, unit: hour, units_max: 4, slot_interval: 60, staff: nobody, needs: {hall: 1}, price: "20.00"}
  - {name: Consultation, duration: 30, approval: true, price: "0.00", limits: {day: 2}}
staff:
  - {name: Ana, location: North, services: {Cut: , Colour: , Workshop: , Consultation: },
     hours: {mon-fri: "9:00-13:00"}}
  - {name: Bruno, location: North, services: {Cut: , Massage: }, hours: {mon-fri: "9:00-13:00"}}
  - {name: Carla, location: North, services: {Colour: , Massage: , Yoga: }, hours: {mon-fri: "9:00-13:00"}}
  - {name: Dora, location: South, services: {Cut: , Consultation: }, hours: {tue: "9:00-11:00"}}
timetable:
  - {service: Yoga, location: North, staff: Carla, day: mon-fri, time: "12:00"}
"""


def at(clock: str, day: date = MONDAY) -> datetime:
    """Return a wall-clock time of the house."""
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(TZ))


@dataclass
class House:
    """The house, and short ways of asking and booking."""

    session: AsyncSession
    business_id: UUID
    known: catalog.Catalog
    keys: int = 0

    def service(self, name: str) -> UUID:
        return next(one.id for one in self.known.services if one.name == name)

    def person(self, name: str) -> UUID:
        return next(one.id for one in self.known.staff if one.name == name)

    def name(self, staff_id: UUID | str | None) -> str | None:
        return None if staff_id is None else self.known.staff_member(UUID(str(staff_id))).name

    def place(self, name: str) -> UUID:
        return next(one.id for one in self.known.locations if one.name == name)

    def wanted(self, *services: str, staff: str | None = None, **more: Any) -> VisitRequest:
        place = more.pop("place", None)
        return VisitRequest(
            tuple(self.service(one) for one in services),
            self.person(staff) if staff else None,
            self.place(place) if place else None,
            more.pop("party", 1),
            Arrangement(more.pop("arrangement", "together")),
            more.pop("units", 1),
            tuple(more.pop("add_ons", ())),
            tuple(more.pop("staff_by_service", ())),
        )

    async def customer(self, name: str = "Maria") -> UUID:
        made = await customers.load_or_create(self.session, self.business_id, None, name=name, locale="en", now=NOW)
        return made.id

    async def book(self, clock: str | datetime, *services: str, day: date = MONDAY, **more: Any) -> Booking:
        self.keys += 1
        hold = {
            name: more.pop(name) for name in ("override", "actor", "answers", "key", "now", "asked_for") if name in more
        }
        customer = more.pop("customer", None) or await self.customer()
        return await booking.hold(
            self.session,
            catalog=self.known,
            wanted=self.wanted(*services, **more),
            starts=at(clock, day) if isinstance(clock, str) else clock,
            customer_id=customer,
            conversation_id=None,
            **{"key": f"house-{self.keys}", "now": NOW} | hold,
        )

    async def move(
        self, one: Booking, clock: str, *, day: date = MONDAY, staff: str | None = None, **more: Any
    ) -> Booking:
        self.keys += 1
        return await booking.reschedule(
            self.session, self.business_id, one.id, catalog=self.known, starts=at(clock, day),
            staff_id=self.person(staff) if staff else None, version=None, now=NOW, actor="customer",
            key=f"house-{self.keys}", **more,
        )  # fmt: skip

    async def cancel(self, one: Booking) -> booking.Cancellation:
        return await booking.cancel(
            self.session, self.business_id, one.id, by="customer", version=None, now=NOW, actor="customer"
        )

    async def free(self, *services: str, day: date = MONDAY, days: int = 1, **more: Any) -> calendar.FreeSlots:
        asked = {name: more.pop(name) for name in ("ignoring", "now", "limit") if name in more}
        customer = more.pop("customer", None)
        return await calendar.free_slots(
            self.session,
            self.known,
            wanted=self.wanted(*services, **more),
            windows=[(at("00:00", day), at("00:00", day) + timedelta(days=days))],
            customer_id=customer,
            **{"now": NOW} | asked,
        )

    async def clocks(self, *services: str, **more: Any) -> list[str]:
        found = await self.free(*services, **more)
        return [slot.starts.astimezone(ZoneInfo(TZ)).strftime("%H:%M") for slot in found.slots]

    async def taken(self) -> int:
        return await self.session.scalar(text("SELECT count(*) FROM allocation WHERE session_id IS NULL"))

    def parts(self, one: Booking) -> list[str]:
        """Return the parts of a booking as `10:00-10:30 Cut Ana`."""
        return [
            f"{datetime.fromisoformat(part['starts']).astimezone(ZoneInfo(TZ)):%H:%M}"
            f"-{datetime.fromisoformat(part['ends']).astimezone(ZoneInfo(TZ)):%H:%M}"
            f" {self.known.service(UUID(part['service'])).name}"
            f" {'+'.join(str(self.name(one)) for one in part['staff'])}".rstrip()
            for part in one.parts
        ]


async def open_house(session: AsyncSession, folder: Path, file: str = HOUSE, *, now: datetime = NOW) -> House:
    """Load the house and make its classes."""
    path = folder / "house.yml"
    path.write_text(file)
    business = await load_seed(session, path, now)
    known = await catalog.load_catalog(session, business.id)
    await sessions.materialise(session, known, now=now)
    return House(session, business.id, known)

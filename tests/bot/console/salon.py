"""A full day of a salon with rooms, a class and a rental: what the calendar's tests and pictures look at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id, new_reference, new_secret
from booking_core.models import (
    Allocation,
    Booking,
    ClassSession,
    Customer,
    Location,
    Resource,
    ScheduleRule,
    Service,
    ServiceResource,
    Skill,
    Staff,
    TimeOff,
)
from channels.models import Conversation
from tests.bot.console.scene import Scene, add_thread

TZ = "Europe/Madrid"
#: Everything on it lies ahead, whenever the tests run.
DAY = datetime.now(ZoneInfo(TZ)).date() + timedelta(days=3)
SERVICES: dict[str, dict[str, Any]] = {
    "Haircut": {"duration": 45, "price": 2800, "names": {"es": "Corte de pelo"}},
    "Colour": {
        "duration": 120, "processing_from": 45, "processing": 45, "buffer_after": 15, "price": 6500,
        "payment": "deposit", "deposit": 2000, "names": {"es": "Color"},
    },
    "Blow-dry": {"duration": 30, "price": 2400, "names": {"es": "Peinado"}},
    "Beard trim": {"duration": 20, "price": 1500, "names": {"es": "Arreglo de barba"}},
    "Massage": {"duration": 60, "price": 5500, "buffer_after": 10, "names": {"es": "Masaje"}},
    "Bridal styling": {"duration": 90, "price": 18000, "approval": True, "names": {"es": "Peinado de novia"}},
    "Yoga": {"duration": 60, "price": 1200, "capacity": 12, "max_party": 4},
    "Chair for a day": {
        "duration": 540, "unit": "day", "units_max": 7, "day_from": 540, "day_until": 1080, "price": 4000,
        "staff_roles": [], "names": {"es": "Sillón por días"},
    },
}  # fmt: skip
SKILLS = {
    "Ana": ("Haircut", "Colour", "Blow-dry", "Bridal styling"),
    "Bruno": ("Haircut", "Beard trim", "Blow-dry"),
    "Carla": ("Haircut", "Colour", "Blow-dry", "Beard trim"),
    "Dalia": ("Massage", "Yoga"),
}
HOURS = {"Ana": (540, 1080), "Bruno": (600, 1140), "Carla": (540, 1020), "Dalia": (600, 1080)}
RESOURCES = {
    "Quiet room": ("room", 1),
    "Wash basins": ("basin", 2),
    "Studio": ("studio", 1),
    "Rental chair": ("chair", 1),
}
NEEDS = {"Massage": "room", "Colour": "basin", "Yoga": "studio", "Chair for a day": "chair"}


@dataclass
class Salon:
    """Ids of what there is, and short ways of filling a day."""

    session: AsyncSession
    scene: Scene
    day: date
    place: Location
    services: dict[str, Service] = field(default_factory=dict)
    staff: dict[str, Staff] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    threads: dict[str, UUID] = field(default_factory=dict)

    @property
    def business_id(self) -> UUID:
        return self.scene.business.id

    def at(self, clock: str, day: date | None = None) -> datetime:
        return datetime.combine(day or self.day, time.fromisoformat(clock), ZoneInfo(TZ)).astimezone(UTC)

    async def customer(self, name: str) -> Customer:
        person = Customer(business_id=self.business_id, id=new_id(), name=name, created_at=datetime.now(UTC))
        self.session.add(person)
        await self.session.flush()
        return person

    async def book(
        self,
        customer: str,
        service: str,
        clock: str,
        *parts: tuple[str, Sequence[str], Sequence[tuple[str, int]], int, int],
        staff: str | None = None,
        rooms: Sequence[tuple[str, int]] = (),
        day: date | None = None,
        days: int = 1,
        **columns: Any,
    ) -> Booking:
        """Write a booking and its allocations; each part is (service, staff, rooms, from minute, to minute)."""
        sold, starts, now = self.services[service], self.at(clock, day), datetime.now(UTC)
        ends = starts + timedelta(minutes=sold.duration)
        if sold.unit == "day":
            ends = self.at("18:00", (day or self.day) + timedelta(days=days - 1))
        minutes = int((ends - starts) / timedelta(minutes=1))
        wanted = parts or ((service, [staff] if staff else [], rooms, 0, minutes),)
        ends = starts + timedelta(minutes=max(part[4] for part in wanted))
        first = next((who for part in wanted for who in part[1]), None)
        state = columns.pop("state", "confirmed")
        booking = Booking(
            business_id=self.business_id,
            id=new_id(),
            reference=new_reference(),
            customer_id=columns.pop("customer_id", None) or (await self.customer(customer)).id,
            service_id=sold.id,
            staff_id=self.staff[first].id if first else None,
            location_id=self.place.id,
            starts=starts,
            ends=ends,
            state=state,
            hold_expires_at=now + timedelta(hours=1) if state in {"held", "pending_approval"} else None,
            parts=[
                {
                    "service": str(self.services[name].id),
                    "staff": [str(self.staff[who].id) for who in people],
                    "resources": [{"resource": str(self.resources[room].id), "unit": unit} for room, unit in where],
                    "person": 0,
                    "starts": (starts + timedelta(minutes=begin)).isoformat(),
                    "ends": (starts + timedelta(minutes=end)).isoformat(),
                }
                for name, people, where, begin, end in wanted
            ],
            price=sold.price,
            due=columns.pop("due", sold.deposit),
            currency="EUR",
            idempotency_key=new_secret(6),
            ics_token=new_secret(6),
            created_at=now,
            updated_at=now,
            **columns,
        )
        self.session.add(booking)
        await self.session.flush()
        for name, people, where, begin, end in wanted:
            done = self.services[name]
            for who in people:
                for a, b in _phases(done, begin, end):
                    self.take(booking, self.staff[who].calendar_no, a, b + (done.buffer_after if b == end else 0))
            for room, unit in where:
                self.take(booking, self.resources[room].calendar_no + unit, begin, end)
        await self.session.flush()
        return booking

    async def known(self, name: str, service: str, clock: str, *parts: Any, **more: Any) -> Booking:
        """Write a booking of somebody who wrote to us, so that they can be told."""
        customer = await self.customer(name)
        count = len(self.threads) + 1
        thread = await add_thread(
            self.session, self.scene, "sms", f"+34600{count:06}", [("customer", "Thanks!")], name=name
        )
        self.threads[name] = thread
        (await self.session.get_one(Conversation, (self.business_id, thread))).customer_id = customer.id
        return await self.book(name, service, clock, *parts, customer_id=customer.id, conversation_id=thread, **more)

    def take(self, booking: Booking, number: int, begin: int, end: int, *, proposed: bool = False) -> None:
        self.session.add(
            Allocation(
                business_id=self.business_id,
                id=new_id(),
                booking_id=booking.id,
                calendar_no=number,
                during=_range(booking.starts, begin, end),
                proposed=proposed,
            )
        )

    async def meet(self, service: str, clock: str, staff: str, room: str, guests: dict[str, int]) -> ClassSession:
        """Write a class with who comes, and how many with each."""
        sold, starts = self.services[service], self.at(clock)
        held = ClassSession(
            business_id=self.business_id,
            id=new_id(),
            service_id=sold.id,
            location_id=self.place.id,
            staff_id=self.staff[staff].id,
            starts=starts,
            ends=starts + timedelta(minutes=sold.duration),
            capacity=sold.capacity,
        )
        self.session.add(held)
        await self.session.flush()
        for number in (self.staff[staff].calendar_no, self.resources[room].calendar_no):
            self.session.add(
                Allocation(
                    business_id=self.business_id,
                    id=new_id(),
                    session_id=held.id,
                    calendar_no=number,
                    during=_range(starts, 0, sold.duration),
                )
            )
        seat = 0
        for name, party in guests.items():
            booking = await self.book(name, service, clock, staff=None, party=party, session_id=held.id)
            for _ in range(party):
                self.take(booking, held.calendar_no + seat, 0, sold.duration)
                seat += 1
        await self.session.flush()
        return held

    async def away(
        self, whose: str, first: datetime, last: datetime, kind: str = "block", note: str | None = None
    ) -> TimeOff:
        off = TimeOff(
            business_id=self.business_id,
            id=new_id(),
            staff_id=self.staff[whose].id if whose in self.staff else None,
            resource_id=self.resources[whose].id if whose in self.resources else None,
            starts=first,
            ends=last,
            kind=kind,
            note=note,
        )
        self.session.add(off)
        await self.session.flush()
        return off


async def open_salon(session: AsyncSession, scene: Scene, day: date) -> Salon:
    """Open the salon with nothing booked yet."""
    business_id = scene.business.id
    place = Location(
        business_id=business_id, id=new_id(), name="Marigold Studio", address="Calle Mayor 12", timezone=TZ
    )
    session.add(place)
    await session.flush()
    scene.location = place
    salon = Salon(session, scene, day, place)
    for position, (name, facts) in enumerate(SERVICES.items()):
        salon.services[name] = Service(business_id=business_id, id=new_id(), name=name, position=position, **facts)
    for position, name in enumerate(SKILLS):
        salon.staff[name] = Staff(
            business_id=business_id, id=new_id(), location_id=place.id, name=name, position=position
        )
    for position, (name, (kind, units)) in enumerate(RESOURCES.items()):
        salon.resources[name] = Resource(
            business_id=business_id,
            id=new_id(),
            location_id=place.id,
            kind=kind,
            name=name,
            units=units,
            position=position,
        )
    session.add_all([*salon.services.values(), *salon.staff.values(), *salon.resources.values()])
    await session.flush()
    for name, skills in SKILLS.items():
        for skill in skills:
            session.add(
                Skill(business_id=business_id, staff_id=salon.staff[name].id, service_id=salon.services[skill].id)
            )
        for weekday in range(7):
            session.add(
                ScheduleRule(
                    business_id=business_id,
                    id=new_id(),
                    staff_id=salon.staff[name].id,
                    weekday=weekday,
                    opens=HOURS[name][0],
                    closes=HOURS[name][1],
                )
            )
    for name, kind in NEEDS.items():
        session.add(ServiceResource(business_id=business_id, service_id=salon.services[name].id, kind=kind))
    scene.services, scene.staff = salon.services, salon.staff
    await session.flush()
    return salon


async def fill(salon: Salon) -> dict[str, Booking]:
    """Book a busy day; returns the bookings by customer."""
    day, book, sure = salon.day, salon.book, {"attendance_confirmed_at": salon.at("08:00")}
    made = {
        "Lucía Fernández": await book("Lucía Fernández", "Haircut", "09:30", staff="Ana", state="completed"),
        "Marta Gil": await book(
            "Marta Gil", "Colour", "10:30", staff="Ana", rooms=[("Wash basins", 0)], state="checked_in"
        ),
        "Jonas Weber": await book("Jonas Weber", "Blow-dry", "11:20", staff="Ana", **sure),
        "Inés Robles": await book(
            "Inés Robles",
            "Colour",
            "14:00",
            ("Colour", ["Carla"], [("Wash basins", 1)], 0, 120),
            ("Blow-dry", ["Ana"], [], 120, 150),
        ),
        "Paula Soto": await book("Paula Soto", "Bridal styling", "13:30", staff="Ana", state="pending_approval"),
        "Tom Barker": await book("Tom Barker", "Beard trim", "10:15", staff="Bruno", state="no_show"),
        "Óscar Prieto": await book("Óscar Prieto", "Haircut", "11:00", staff="Bruno"),
        "Nadia Haddad": await book("Nadia Haddad", "Haircut", "15:15", staff="Bruno", state="held"),
        "Leo Marín": await book("Leo Marín", "Haircut", "16:15", staff="Bruno"),
        "Sara Ibáñez": await book("Sara Ibáñez", "Haircut", "09:45", staff="Carla", **sure),
        "Eva Costa": await book("Eva Costa", "Beard trim", "11:30", staff="Carla"),
        "Hugo Vidal": await book("Hugo Vidal", "Massage", "10:30", staff="Dalia", rooms=[("Quiet room", 0)]),
        "Ruth Stein": await book("Ruth Stein", "Massage", "15:00", staff="Dalia", rooms=[("Quiet room", 0)]),
        "Milan Horvat": await book(
            "Milan Horvat", "Chair for a day", "09:00", rooms=[("Rental chair", 0)], day=day - timedelta(days=1), days=3
        ),
    }  # fmt: skip
    await salon.meet("Yoga", "12:30", "Dalia", "Studio", {"Ada Nowak": 2, "Ben Ortiz": 1, "Cleo Park": 2})
    await salon.away("Bruno", salon.at("12:30"), salon.at("14:00"), "block", "Supplier visit")
    await salon.away("Carla", salon.at("16:15"), salon.at("17:00"), "absence", "Dentist")
    return made


def _phases(service: Service, begin: int, end: int) -> list[tuple[int, int]]:
    if not service.processing:
        return [(begin, end)]
    wait = begin + service.processing_from
    return [(begin, wait), (wait + service.processing, end)]


def _range(starts: datetime, begin: int, end: int) -> "Range[datetime]":
    return Range(starts + timedelta(minutes=begin), starts + timedelta(minutes=end), bounds="[)")

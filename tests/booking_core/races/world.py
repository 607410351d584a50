"""A house in which everything can clash with everything, and every command on it as plain data.

A command is a JSON object: it can be sent to another process, carried out again after a crash, and drawn by
dice. Names stand for ids; `of` names a booking by the key that made it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking, disruption, offering, offers, series, sessions, waitlist
from booking_core.catalog import Catalog, load_catalog
from booking_core.kit.ids import new_id
from booking_core.models import Booking, Customer, Service, WaitlistEntry
from booking_core.records import find_by_key
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import Arrangement, VisitRequest
from booking_core.series import OnConflict, Scope
from tests.booking_core.house import NOW, open_house

Command = dict[str, Any]
Result = dict[str, Any]

CUSTOMERS = 48
BUSY_HOUSE = """
business: {slug: SLUG, name: House, timezone: Europe/Madrid, currency: EUR, locale: en-GB,
           policy: {lead_time: 0, booking_window: 30, buffers: BUFFERS}}
locations:
  - {name: House, address: Street 1, hours: {mon-sun: "8:00-20:00"}}
resources:
  - {kind: basin, name: Basin}
  - {kind: room, name: Room}
  - {kind: bike, name: Bike, units: 3}
  - {kind: hall, name: Hall}
services:
  - {name: Cut, duration: 30, price: "30.00", payment: deposit, deposit: "10.00", max_party: 3, buffer_before: 5,
     buffer_after: 10}
  - {name: Trim, duration: 20, price: "15.00", slot_interval: 20, max_party: 3}
  - {name: Colour, duration: 90, processing_from: 30, processing: 30, price: "60.00", payment: full, buffer_after: 10,
     needs: {basin: {units: 1, covers: work}}}
  - {name: Makeover, segments: [{service: Cut}, {service: Colour, max_wait: 30}], price: "85.00", payment: deposit,
     deposit: "20.00"}
  - {name: Massage, duration: 60, needs: {room: 1}, price: "50.00"}
  - {name: Duet, duration: 40, staff: [main, assistant], price: "70.00"}
  - {name: Talk, duration: 30, approval: true, price: "20.00", payment: deposit, deposit: "5.00", limits: {day: 4}}
  - {name: Workshop, duration: 60, capacity: 3, price: "40.00", payment: deposit, deposit: "10.00"}
  - {name: Yoga, duration: 60, capacity: 4, needs: {hall: 1}, price: "12.00"}
  - {name: Ride, unit: day, units_max: 3, day_from: "9:00", day_until: "18:00", staff: nobody, needs: {bike: 1},
     price: "25.00", max_party: 3}
  - {name: Rehearsal, unit: hour, units_max: 3, slot_interval: 60, staff: nobody, needs: {hall: 1}, price: "20.00"}
staff:
  - {name: Ana, services: {Cut: , Trim: , Colour: , Talk: , Workshop: , Duet: }, hours: {mon-fri: "9:00-13:00"}}
  - {name: Bruno, services: {Cut: , Trim: , Massage: , Talk: , Duet: {role: assistant}}, hours: {mon-fri: "9:00-13:00"},
     limits: {day: 5}}
  - {name: Carla, services: {Trim: , Colour: {duration: 100}, Massage: , Yoga: , Workshop: , Duet: {role: assistant}},
     hours: {mon-fri: "9:00-13:00"}}
timetable:
  - {service: Yoga, staff: Carla, day: mon-fri, time: "12:00"}
"""


async def open_busy_house(session: AsyncSession, folder: Path, *, buffers: str = "sum", now: datetime = NOW) -> "World":
    """Load a house of its own with its customers."""
    slug = f"house-{new_id().hex}"
    house = await open_house(session, folder, BUSY_HOUSE.replace("SLUG", slug).replace("BUFFERS", buffers), now=now)
    made = [
        Customer(business_id=house.business_id, id=new_id(), name=f"c{n}", locale="en", created_at=now)
        for n in range(CUSTOMERS)
    ]
    session.add_all(made)
    await session.flush()
    return World(house.business_id, [one.id for one in made])


@dataclass
class World:
    """The ids of a house."""

    business_id: UUID
    customers: list[UUID]

    def sent(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"business": str(self.business_id), "customers": [str(one) for one in self.customers]}

    @staticmethod
    def received(sent: dict[str, Any]) -> "World":
        return World(UUID(sent["business"]), [UUID(one) for one in sent["customers"]])

    async def perform(self, session: AsyncSession, command: Command) -> Result:
        """Carry a command out in the session's transaction; refuses as the command itself does."""
        deed = _Deed(session, self, await load_catalog(session, self.business_id), command)
        return await getattr(deed, command["do"])()


@dataclass
class _Deed:
    """One command with all that it speaks of."""

    session: AsyncSession
    world: World
    catalog: Catalog
    command: Command

    @property
    def business_id(self) -> UUID:
        return self.world.business_id

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self.command.get("now", NOW.isoformat()))

    @property
    def actor(self) -> str:
        return str(self.command.get("actor", "customer"))

    @property
    def starts(self) -> datetime:
        return datetime.fromisoformat(self.command["starts"])

    def service(self, name: str) -> UUID:
        return next(one.id for one in self.catalog.services if one.name == name)

    def person(self, name: str | None) -> UUID | None:
        return None if name is None else next(one.id for one in self.catalog.staff if one.name == name)

    def wanted(self) -> VisitRequest:
        asked = self.command
        return VisitRequest(
            tuple(self.service(one) for one in asked["services"]),
            self.person(asked.get("staff")),
            None,
            asked.get("party", 1),
            Arrangement(asked.get("arrangement", "together")),
            asked.get("units", 1),
        )

    async def booking_id(self) -> UUID:
        """Return the booking that is spoken of: by its id, or by the key that made it."""
        if "booking" in self.command:
            return UUID(self.command["booking"])
        known = await find_by_key(self.session, self.business_id, self.command["of"])
        if known is None:
            raise BookingRefused(Reason.UNKNOWN)
        return known.id

    async def hold(self) -> Result:
        asked = self.command
        return told(
            await booking.hold(
                self.session,
                catalog=self.catalog,
                wanted=self.wanted(),
                starts=self.starts,
                customer_id=self.world.customers[asked.get("customer", 0)],
                conversation_id=None,
                key=asked["key"],
                now=self.now,
                actor=self.actor,
                override=asked.get("override", False),
            )
        )

    async def series(self) -> Result:
        made = await series.hold_series(
            self.session,
            catalog=self.catalog,
            wanted=self.wanted(),
            starts=self.starts,
            rule=self.command["rule"],
            on_conflict=OnConflict(self.command.get("on_conflict", "skip")),
            customer_id=self.world.customers[self.command.get("customer", 0)],
            conversation_id=None,
            key=self.command["key"],
            now=self.now,
        )
        return {"series": str(made.id), "made": [told(one.booking) for one in made.occurrences if one.booking]}

    async def cancel_series(self) -> Result:
        gone = await series.cancel_series(
            self.session, self.business_id, await self.booking_id(), Scope.ALL, by="customer", now=self.now,
            actor=self.actor,
        )  # fmt: skip
        return {"gone": len(gone)}

    async def confirm(self) -> Result:
        return await self._simple(booking.confirm, actor="system")

    async def pay(self) -> Result:
        """As a payment does: make the hold firm, or take the place again if it ran out."""
        booking_id = await self.booking_id()
        try:
            made = await booking.confirm(self.session, self.business_id, booking_id, now=self.now, actor="system")
        except BookingRefused:
            made = await booking.retake(self.session, self.business_id, booking_id, now=self.now)
        return told(made)

    async def reschedule(self) -> Result:
        return told(
            await booking.reschedule(
                self.session,
                self.business_id,
                await self.booking_id(),
                catalog=self.catalog,
                starts=self.starts,
                staff_id=self.person(self.command.get("staff")),
                version=self.command.get("version"),
                now=self.now,
                actor=self.actor,
                key=self.command["key"],
                override=self.command.get("override", False),
            )
        )

    async def cancel(self) -> Result:
        gone = await booking.cancel(
            self.session, self.business_id, await self.booking_id(), by=self.command.get("by", "customer"),
            version=self.command.get("version"), now=self.now, actor=self.actor,
        )  # fmt: skip
        return told(gone.booking)

    async def release(self) -> Result:
        return await self._simple(booking.release, actor=self.actor)

    async def approve(self) -> Result:
        return await self._simple(booking.approve, version=None, actor="staff:x")

    async def decline(self) -> Result:
        return await self._simple(booking.decline, version=None, actor="staff:x")

    async def check_in(self) -> Result:
        return await self._simple(booking.check_in, actor="staff:x")

    async def undo_check_in(self) -> Result:
        return await self._simple(booking.undo_check_in, actor="staff:x")

    async def complete(self) -> Result:
        return await self._simple(booking.complete, actor="staff:x")

    async def no_show(self) -> Result:
        return await self._simple(booking.mark_no_show, actor="staff:x")

    async def attend(self) -> Result:
        return await self._simple(booking.confirm_attendance, version=self.command.get("version"))

    async def expire(self) -> Result:
        return {"expired": len(await booking.expire_due(self.session, now=self.now))}

    async def time_off(self) -> Result:
        made = await disruption.record_time_off(
            self.session, catalog=self.catalog, staff_id=self.person(self.command["staff"]), starts=self.starts,
            ends=self.starts + timedelta(minutes=self.command["minutes"]), kind="sick", now=self.now, actor="staff:x",
        )  # fmt: skip
        return {"time_off": str(made.id)}

    async def end_time_off(self) -> Result:
        await disruption.remove_time_off(self.session, self.business_id, UUID(self.command["time_off"]))
        return {}

    async def price(self) -> Result:
        """Change what the catalog says while others book by it."""
        service = await self.session.get(Service, (self.business_id, self.service(self.command["services"][0])))
        assert service is not None
        service.price = service.price + 100
        await self.session.flush()
        return {"price": service.price}

    async def cancel_class(self) -> Result:
        of = await booking.load(self.session, self.business_id, await self.booking_id())
        if of.session_id is None:
            raise BookingRefused(Reason.UNKNOWN)
        gone = await sessions.cancel_class(self.session, self.business_id, of.session_id, now=self.now, actor="staff:x")
        return {"gone": len(gone)}

    async def join(self) -> Result:
        ends = self.starts + timedelta(minutes=self.command["minutes"])
        entry = await waitlist.join(
            self.session,
            catalog=self.catalog,
            wanted=self.wanted(),
            windows=[(self.starts, ends)],
            customer_id=self.world.customers[self.command.get("customer", 0)],
            conversation_id=None,
            key=self.command["key"],
            now=self.now,
        )
        return {"entry": str(entry.id)}

    async def look(self) -> Result:
        found = await offering.offer_freed(self.session, self.business_id, now=self.now)
        return {"offers": [[str(one.entry.id), str(one.booking.id)] for one in found.offers]}

    async def offer(self) -> tuple[str, str]:
        """Return the entry and the offer that are spoken of: by their ids, or by the key that made the entry."""
        if "offer" in self.command:
            entry, offer = self.command["offer"]
            return str(entry), str(offer)
        known = await self.session.scalar(
            select(WaitlistEntry).where(
                WaitlistEntry.business_id == self.business_id, WaitlistEntry.idempotency_key == self.command["of"]
            )
        )
        if known is None or known.offer_id is None:
            raise BookingRefused(Reason.UNKNOWN)
        return str(known.id), str(known.offer_id)

    async def accept(self) -> Result:
        entry, offer = await self.offer()
        made = await offers.accept(
            self.session, self.business_id, UUID(entry), UUID(offer), now=self.now, key=self.command["key"]
        )
        return told(made.booking) | {"repeated": made.repeated}

    async def refuse(self) -> Result:
        entry, offer = await self.offer()
        known = await offers.decline(self.session, self.business_id, UUID(entry), UUID(offer), now=self.now)
        return {"entry": str(known.id)}

    async def withdraw(self) -> Result:
        entry = await waitlist.withdraw(
            self.session, self.business_id, UUID(self.command["offer"][0]), now=self.now, actor="customer"
        )
        return {"entry": str(entry.id)}

    async def _simple(self, what: Any, **more: Any) -> Result:
        return told(await what(self.session, self.business_id, await self.booking_id(), now=self.now, **more))


def told(one: Booking) -> Result:
    """Return what a caller would note of a booking."""
    return {
        "booking": str(one.id),
        "state": str(one.state),
        "version": one.version,
        "starts": one.starts.isoformat(),
        "session": None if one.session_id is None else str(one.session_id),
    }


async def targets(session: AsyncSession, business_id: UUID, *, limit: int = 120) -> list[str]:
    """Return bookings to do something with, those that changed last first; most of them stand."""
    rows = await session.scalars(_TARGETS, {"id": business_id, "limit": limit, "over": limit // 6})
    return list(rows)


_STANDING = "('held', 'pending_approval', 'confirmed', 'checked_in')"
_TARGETS = text(f"""
(SELECT id::text FROM booking WHERE business_id = :id AND state IN {_STANDING}
 ORDER BY updated_at DESC, id DESC LIMIT :limit)
UNION ALL
(SELECT id::text FROM booking WHERE business_id = :id AND state NOT IN {_STANDING}
 ORDER BY updated_at DESC, id DESC LIMIT :over)
""")


async def open_offers(session: AsyncSession, business_id: UUID) -> list[list[str]]:
    """Return what is offered to whom."""
    rows = await session.execute(
        text("SELECT id::text, offer_id::text FROM waitlist_entry WHERE business_id = :id AND offer_id IS NOT NULL"),
        {"id": business_id},
    )
    return [[entry, offer] for entry, offer in rows]

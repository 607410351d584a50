"""Everybody else: customers who take and give up times, people who fall ill."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from booking_core import booking, calendar, catalog, customers, disruption
from booking_core.kit.clock import current_time
from booking_core.models import Booking, Business, ScheduleRule, Staff
from booking_core.requests import VisitRequest
from tests.flows.world import World


@dataclass
class Others:
    """The customers who are not the one whose conversation is played."""

    world: World

    async def fill(self, what: dict[str, str]) -> None:
        """Take every free time of a person on a day."""
        start = _midnight(self.world, what["day"])
        async with self.world.system.db.transaction() as session:
            now = await current_time(session)
            business_id = await session.scalar(select(Business.id))
            known = await catalog.load_catalog(session, business_id)
            wanted = VisitRequest.one(
                next(one.id for one in known.services if one.name == what["service"]),
                next(one.id for one in known.staff if one.name == what["staff"]),
            )
            while True:
                free = await calendar.free_slots(
                    session, known, wanted=wanted, windows=[(start, start + timedelta(days=1))], now=now
                )
                if not free.slots:
                    return
                taken_until = start
                for slot in free.slots:
                    if slot.starts < taken_until:
                        continue
                    taken_until = slot.ends
                    other = await customers.load_or_create(
                        session, business_id, None, name="Another Customer", locale="en", now=now
                    )
                    one = await booking.hold(
                        session,
                        catalog=known,
                        wanted=wanted,
                        starts=slot.starts,
                        customer_id=other.id,
                        conversation_id=None,
                        key=f"other:{what['staff']}:{slot.starts.isoformat()}",
                        now=now,
                    )
                    await booking.confirm(session, business_id, one.id, now=now, actor="system")

    async def take_seats(self, what: dict[str, Any]) -> None:
        """Other people book seats of a class, one each, until so many are left."""
        starts = datetime.fromisoformat(what["at"]).replace(tzinfo=self.world.zone)
        async with self.world.system.db.transaction() as session:
            now = await current_time(session)
            business_id = await session.scalar(select(Business.id))
            known = await catalog.load_catalog(session, business_id)
            service = next(one for one in known.services if one.name == what["service"])
            for number in range(service.capacity - what["leave"]):
                other = await customers.load_or_create(
                    session, business_id, None, name="Another Customer", locale="en", now=now
                )
                one = await booking.hold(
                    session,
                    catalog=known,
                    wanted=VisitRequest.one(service.id),
                    starts=starts,
                    customer_id=other.id,
                    conversation_id=None,
                    key=f"seat:{number}",
                    now=now,
                )
                await booking.confirm(session, business_id, one.id, now=now, actor="system")

    async def moves(self, what: dict[str, str]) -> None:
        """Move the customer's booking at the desk, while their phone still shows it where it was."""
        was, to = (datetime.fromisoformat(what[side]).replace(tzinfo=self.world.zone) for side in ("from", "to"))
        async with self.world.system.db.transaction() as session:
            one = await session.scalar(select(Booking).where(Booking.starts == was, Booking.state == "confirmed"))
            await booking.reschedule(
                session,
                one.business_id,
                one.id,
                catalog=await catalog.load_catalog(session, one.business_id),
                starts=to,
                staff_id=one.staff_id,
                version=None,
                now=await current_time(session),
                actor="staff:tests",
                key="moved at the desk",
            )

    async def opens(self, hours: dict[str, int]) -> None:
        """Everybody works from one hour to another, on every day."""
        async with self.world.system.db.transaction() as session:
            people = await session.execute(select(Staff.business_id, Staff.id))
            await session.execute(delete(ScheduleRule))
            for business_id, staff_id in people.all():
                for weekday in range(7):
                    session.add(
                        ScheduleRule(
                            business_id=business_id,
                            staff_id=staff_id,
                            weekday=weekday,
                            opens=hours["from"] * 60,
                            closes=hours["until"] * 60,
                        )
                    )

    async def cancel(self, when: str) -> None:
        """Give a time up that another customer had."""
        starts = datetime.fromisoformat(when).replace(tzinfo=self.world.zone)
        async with self.world.system.db.transaction() as session:
            one = await session.scalar(
                select(Booking)
                .where(Booking.starts == starts, Booking.state == "confirmed", Booking.conversation_id.is_(None))
                .limit(1)
            )
            await booking.cancel(
                session,
                one.business_id,
                one.id,
                by="customer",
                version=None,
                now=await current_time(session),
                actor="customer",
            )


async def write_absence(world: World, *, who: str, day: str) -> UUID:
    """Write down that somebody is ill on a day."""
    async with world.system.db.transaction() as session:
        business_id = await session.scalar(select(Business.id))
        known = await catalog.load_catalog(session, business_id)
        off = await disruption.record_time_off(
            session,
            catalog=known,
            staff_id=next(one.id for one in known.staff if one.name == who),
            starts=_midnight(world, day),
            ends=_midnight(world, day) + timedelta(days=1),
            kind="sick",
            now=await current_time(session),
            actor="staff:tests",
        )
        return off.id


def _midnight(world: World, day: str) -> datetime:
    return datetime.combine(date.fromisoformat(str(day)), datetime.min.time(), world.zone)

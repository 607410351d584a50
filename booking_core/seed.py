"""A business from its file into the tables; loading the file again brings the tables to what it says."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import load_catalog
from booking_core.freed import freed
from booking_core.kit.ids import new_id
from booking_core.limits import count_existing
from booking_core.models import Booking, Business, State
from booking_core.rules.policy import Policy
from booking_core.seed_file import SeedError, SeedFile, read_seed
from booking_core.seed_places import load_locations, load_resources
from booking_core.seed_rows import write
from booking_core.seed_services import load_services
from booking_core.seed_staff import load_staff
from booking_core.seed_timetable import drop_empty_classes, load_limits, load_timetable
from booking_core.sessions import materialise

__all__ = ["SeedError", "load_seed"]

_ALIVE = (State.HELD, State.PENDING_APPROVAL, State.CONFIRMED, State.CHECKED_IN)


async def load_seed(session: AsyncSession, path: Path, now: datetime) -> Business:
    """Load a file; the business is known by its slug, everything in it by its name.

    Places, services, people and things that the file no longer names are not offered any more; bookings
    stay, and so do dates of the past and what was entered in the console. Refuses with SeedError.
    """
    file = read_seed(path)
    seed = file.seed
    business = await _load_business(session, file, now)
    locations = await load_locations(session, business, seed, now)
    await load_resources(session, business, seed, locations, now)
    services = await load_services(session, business, seed, locations)
    staff = await load_staff(session, business, seed, locations, services, now)
    await load_limits(session, business, seed, services, staff)
    await load_timetable(session, business, seed, locations, services, staff, now)
    await session.flush()
    # A class that clashes with what is booked becomes a task when the timetable is next prolonged.
    catalog = await load_catalog(session, business.id)
    await materialise(session, catalog, now=now)
    # A limit that is new or larger counts who has booked already.
    await count_existing(session, catalog, now=now)
    # Other hours, more people or rooms: whoever waits may have what is free by them.
    await freed(session, business.id)
    return business


async def _load_business(session: AsyncSession, file: SeedFile, now: datetime) -> Business:
    wanted = file.seed.business
    # Two loads of one file at the same time take turns.
    business = await session.scalar(select(Business).where(Business.slug == wanted.slug).with_for_update())
    if business is None:
        business = Business(id=new_id(), slug=wanted.slug)
        session.add(business)
    elif Policy.model_validate(business.policy).buffers != wanted.policy.buffers:
        await _refuse_if_booked(session, business, file, now)
        # Classes hold their time in the old way, too: they are made anew at the end.
        await drop_empty_classes(session, business.id, now)
    write(
        business,
        {
            "name": wanted.name,
            "default_locale": wanted.locale,
            "timezone": wanted.timezone,
            "currency": wanted.currency,
            "policy": wanted.policy.model_dump(mode="json"),
            "settings": wanted.settings,
        },
    )
    await session.flush()
    return business


async def _refuse_if_booked(session: AsyncSession, business: Business, file: SeedFile, now: datetime) -> None:
    """Refuse another way of counting buffers while the calendars hold bookings that were counted in the old one."""
    coming = await session.scalar(
        select(func.count())
        .select_from(Booking)
        .where(Booking.business_id == business.id, Booking.state.in_(_ALIVE), Booking.ends > now)
    )
    if coming:
        raise file.refusal(
            ("business", "policy", "buffers"), f"it cannot change while there are bookings to come (now {coming})"
        )

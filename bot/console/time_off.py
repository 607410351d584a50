"""Time off of people and rooms: meetings, holidays, illness; read from forms, written down, changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import disruption
from booking_core.catalog import Catalog
from booking_core.freed import freed
from booking_core.kit.live import announce_calendar
from booking_core.models import Booking, Customer, Location, TimeOff
from bot.console.access import Visitor, actor_of
from bot.console.asked import read_date, read_id
from bot.console.wall import moment_on, read_clock

KINDS = ("block", "absence", "sick")
#: A note is for colleagues: a line.
LONGEST_NOTE = 200
#: What was so long ago is not listed.
_PAST = timedelta(days=1)
_LONGEST = timedelta(days=366)
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form says; a time left empty means the whole day."""

    place: Location
    whose: UUID | None
    kind: str
    first: date
    opens: int | None
    last: date
    closes: int | None
    note: str

    @property
    def starts(self) -> datetime:
        """When it begins."""
        return moment_on(self.first, self.opens or 0, self.place.timezone)

    @property
    def ends(self) -> datetime:
        """When it ends."""
        return moment_on(self.last, _DAY if self.closes is None else self.closes, self.place.timezone)

    @property
    def wrong(self) -> str | None:
        """Return what is wrong with it, if anything is."""
        if self.whose is None:
            return "whose"
        if self.ends <= self.starts:
            return "order"
        return "long" if self.ends - self.starts > _LONGEST else None


@dataclass(frozen=True, slots=True)
class Hit:
    """A booking that lies in a time off."""

    booking: Booking
    customer: str | None


def read_draft(said: Mapping[str, object], catalog: Catalog, place: Location, *, today: date) -> Draft:
    """Read a form, or an address with which it is opened."""
    first = read_date(str(said.get("first", ""))) or today
    whose = read_id(str(said.get("whose", "")))
    kind = str(said.get("kind", ""))
    return Draft(
        place=place,
        whose=whose if whose in owners(catalog, place) else None,
        kind=kind if kind in KINDS else KINDS[0],
        first=first,
        opens=read_clock(str(said.get("opens", ""))),
        last=read_date(str(said.get("last", ""))) or first,
        closes=read_clock(str(said.get("closes", ""))),
        note=" ".join(str(said.get("note", "")).replace("\x00", "").split())[:LONGEST_NOTE],
    )


def draft_of(off: TimeOff, place: Location) -> Draft:
    """Return a time off as its form."""
    zone = ZoneInfo(place.timezone)
    first, last = off.starts.astimezone(zone), off.ends.astimezone(zone)
    opens, closes = first.hour * 60 + first.minute, last.hour * 60 + last.minute
    until = last.date() if closes else last.date() - timedelta(days=1)
    return Draft(
        place=place,
        whose=off.staff_id or off.resource_id,
        kind=off.kind,
        first=first.date(),
        opens=opens or None,
        last=until,
        closes=closes or None,
        note=off.note or "",
    )


def owners(catalog: Catalog, place: Location) -> dict[UUID, str]:
    """Return who and what can be away at a place: people first."""
    people = {one.id: one.name for one in catalog.staff if one.location_id == place.id}
    return people | {one.id: one.name for one in catalog.resources if one.location_id == place.id}


def place_of(catalog: Catalog, off: TimeOff) -> Location:
    """Return where a time off is."""
    member = catalog.staff_member(off.staff_id) if off.staff_id else None
    where = member.location_id if member else catalog.resource(off.resource_id or UUID(int=0)).location_id
    return catalog.location(where)


async def list_time_off(
    session: AsyncSession, catalog: Catalog, place: Location, *, now: datetime
) -> Sequence[TimeOff]:
    """Return what is and what comes, the earliest first."""
    known = list(owners(catalog, place))
    found = await session.scalars(
        select(TimeOff)
        .where(
            TimeOff.business_id == catalog.business.id,
            TimeOff.ends > now - _PAST,
            or_(TimeOff.staff_id.in_(known), TimeOff.resource_id.in_(known)),
        )
        .order_by(TimeOff.starts, TimeOff.id)
    )
    return list(found)


async def load(session: AsyncSession, business_id: UUID, time_off_id: UUID, *, for_update: bool = False) -> TimeOff:
    """Return a time off; LookupError for an unknown one."""
    off = await session.get(
        TimeOff, (business_id, time_off_id), with_for_update=for_update or None, populate_existing=for_update
    )
    if off is None:
        raise LookupError("no such time off")
    return off


async def hits(session: AsyncSession, catalog: Catalog, draft: Draft) -> list[Hit]:
    """Return the bookings that lie in a time off that is not written down yet."""
    found = await disruption.bookings_hit(session, catalog, _row(catalog, draft))
    names = await session.execute(
        select(Customer.id, Customer.name).where(
            Customer.business_id == catalog.business.id, Customer.id.in_([one.customer_id for one in found])
        )
    )
    known = dict(names.tuples().all())
    return [Hit(one, known.get(one.customer_id)) for one in found]


async def record(session: AsyncSession, catalog: Catalog, visitor: Visitor, draft: Draft, *, now: datetime) -> TimeOff:
    """Write a time off down."""
    row = _row(catalog, draft)
    off = await disruption.record_time_off(
        session,
        catalog=catalog,
        staff_id=row.staff_id,
        resource_id=row.resource_id,
        starts=row.starts,
        ends=row.ends,
        kind=row.kind,
        note=row.note,
        now=now,
        actor=actor_of(visitor),
    )
    announce_calendar(session, visitor.business_id)
    return off


async def change(session: AsyncSession, catalog: Catalog, off: TimeOff, draft: Draft) -> None:
    """Write a time off anew; what is free by that is offered to those who wait."""
    row, was = _row(catalog, draft), (off.starts, off.ends)
    off.staff_id, off.resource_id = row.staff_id, row.resource_id
    off.starts, off.ends, off.kind, off.note = row.starts, row.ends, row.kind, row.note
    await session.flush()
    await disruption.look_again(session, catalog, off)
    await freed(session, off.business_id, starts=was[0], ends=was[1])
    announce_calendar(session, off.business_id)


async def remove(session: AsyncSession, business_id: UUID, time_off_id: UUID) -> None:
    """Forget a time off; gone already is as good."""
    await disruption.remove_time_off(session, business_id, time_off_id)
    announce_calendar(session, business_id)


def _row(catalog: Catalog, draft: Draft) -> TimeOff:
    """Return a time off of no session."""
    people = {one.id for one in catalog.staff}
    return TimeOff(
        business_id=catalog.business.id,
        staff_id=draft.whose if draft.whose in people else None,
        resource_id=None if draft.whose in people else draft.whose,
        starts=draft.starts,
        ends=draft.ends,
        kind=draft.kind,
        note=draft.note or None,
    )

"""Moving a booking, and giving parts of it to others: what a form asks for, what would come of it, and doing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking as bookings
from booking_core.booking import Give
from booking_core.catalog import Catalog
from booking_core.models import Booking
from booking_core.placed import part_times
from booking_core.refusals import BookingRefused
from bot import news
from bot.console.access import Visitor, actor_of
from bot.console.asked import read_date, read_id
from bot.console.cards import service_name
from bot.console.desk import Desk
from bot.console.details import Details
from bot.console.wall import Wall, moment_on, read_clock
from bot.console.why import PASSABLE
from bot.news import Seen

#: Of a visit of more parts than these the form lists no people: they are given away by dragging.
_MOST_PARTS = 8


@dataclass(frozen=True, slots=True)
class Target:
    """Where a booking is to be moved: whoever did it stays if `staff_id` is None; `gives`: whose part goes to whom."""

    starts: datetime
    staff_id: UUID | None
    gives: tuple[Give, ...] = ()


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a booking would really be, and who would do it: `parts` as `booking.parts` keeps them."""

    starts: datetime
    ends: datetime
    staff_id: UUID | None
    parts: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Tried:
    """What a move would come to; `anyway`: refused unless staff pass over what the refusal says."""

    moved: Landing | None
    refused: BookingRefused | None = None
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class PartChange:
    """A part that would be otherwise than it is: who does it, and when."""

    service: str
    people: tuple[str, str]
    times: tuple[str, str]

    @property
    def other_people(self) -> bool:
        """Whether others do it."""
        return self.people[0] != self.people[1]

    @property
    def other_time(self) -> bool:
        """Whether it is at another time."""
        return self.times[0] != self.times[1]


@dataclass(frozen=True, slots=True)
class PartPeople:
    """Whose part it is, and to whom it could be given: (what the form sends, name, whether that is chosen)."""

    service: str
    name: str
    others: Sequence[tuple[str, str, bool]]


class _OnlyTriedError(Exception):
    """Undoes what was only tried."""


async def move(
    session: AsyncSession,
    desk: Desk,
    visitor: Visitor,
    booking_id: UUID,
    target: Target,
    *,
    catalog: Catalog,
    version: int | None,
    tell: bool,
    anyway: bool,
    key: str,
    now: datetime,
) -> Booking:
    """Move a booking, and tell its customer if that is wished; the same key again tells nobody."""
    before = await bookings.load(session, visitor.business_id, booking_id, for_update=True)
    seen, known = before.version, Seen.of(before)
    moved = await _move(
        session, visitor, booking_id, target, catalog=catalog, version=version, override=anyway, key=key, now=now
    )
    if tell and moved.version != seen and (what := known.news_in(moved)) is not None:
        await news.tell(desk, session, moved, what, now=now, by=visitor.user_id)
    return moved


async def try_move(
    desk: Desk,
    visitor: Visitor,
    booking_id: UUID,
    target: Target,
    *,
    catalog: Catalog,
    version: int | None,
    now: datetime,
) -> Tried:
    """Return what a move would come to, having really done and undone it: so the answer is the true one."""
    refused: BookingRefused | None = None
    for anyway in (False, True):
        moved: list[Landing] = []
        try:
            async with desk.db.transaction(visitor.business_id) as session:
                booking = await _move(
                    session, visitor, booking_id, target,
                    catalog=catalog, version=version, override=anyway, key=f"try:{booking_id}", now=now,
                )  # fmt: skip
                moved.append(Landing(booking.starts, booking.ends, booking.staff_id, booking.parts))
                raise _OnlyTriedError
        except _OnlyTriedError:
            return Tried(moved[0], refused, anyway)
        except BookingRefused as error:
            refused = refused or error
            if error.reason not in PASSABLE:
                return Tried(None, refused)
    return Tried(None, refused)


async def _move(
    session: AsyncSession,
    visitor: Visitor,
    booking_id: UUID,
    target: Target,
    *,
    catalog: Catalog,
    version: int | None,
    override: bool,
    key: str,
    now: datetime,
) -> Booking:
    common: dict[str, Any] = {
        "catalog": catalog,
        "starts": target.starts,
        "version": version,
        "now": now,
        "actor": actor_of(visitor),
        "key": key,
        "override": override,
    }
    if target.gives:
        return await bookings.give(session, visitor.business_id, booking_id, target.gives, **common)
    return await bookings.reschedule(session, visitor.business_id, booking_id, staff_id=target.staff_id, **common)


def read_target(fields: Mapping[str, str], gives: Sequence[str], catalog: Catalog, details: Details) -> Target | None:
    """Return where a form or an address would move a booking; None if it does not say, or makes no sense."""
    day, minute = read_date(fields.get("day", "")), read_clock(fields.get("time", ""))
    known = {one.id for one in catalog.staff}
    given = [_read_give(one, known) for one in gives if one]
    if day is None or minute is None or None in given:
        return None
    staff_id = read_id(fields.get("staff", ""))
    return Target(
        moment_on(day, minute, details.place.timezone),
        staff_id if staff_id in known else None,
        tuple(one for one in given if one is not None),
    )


def _read_give(text: str, known: set[UUID]) -> Give | None:
    part, *people = text.split(":")
    whose = [who for one in people if (who := read_id(one)) is not None]
    if len(people) != 2 or len(whose) != 2 or whose[1] not in known or not (part.isascii() and part.isdigit()):
        return None
    return Give(int(part[:4]), *whose)


def form_of(catalog: Catalog, details: Details, target: Target | None, language: str) -> dict[str, Any]:
    """Return what the form that moves a booking is filled with; of several parts, who has each of them."""
    booking = details.booking
    several = sum(len(part["staff"]) for part in booking.parts) > 1
    staff_id = booking.staff_id if len({one for part in booking.parts for one in part["staff"]}) < 2 else None
    return {
        "starts": target.starts if target else booking.starts,
        "staff_id": target.staff_id if target else staff_id,
        "people": [] if several else [one for one in catalog.staff if one.id in catalog.staff_for(booking.service_id)],
        "each": _each(catalog, booking, target.gives if target else (), language) if several else [],
        "gives": [_told(one) for one in target.gives] if target else [],
        "names": {one.id: one.name for one in catalog.staff},
    }


def _each(catalog: Catalog, booking: Booking, gives: Sequence[Give], language: str) -> list[PartPeople]:
    if len(booking.parts) > _MOST_PARTS:
        return []
    found: list[PartPeople] = []
    for number, part in enumerate(booking.parts):
        service = catalog.service(UUID(part["service"]))
        if service.everyone:
            continue
        name = service_name(service, language)
        name = f"{name} · {part['person'] + 1}" if booking.party > 1 else name
        for role, who in zip(service.staff_roles, map(UUID, part["staff"]), strict=False):
            able = [catalog.staff_member(one) for one in catalog.skilled(service.id, role) if one != who]
            here = [one for one in able if one.location_id == booking.location_id]
            told = [(Give(number, who, one.id), one.name) for one in here]
            others = [(_told(one), name, one in gives) for one, name in told]
            found.append(PartPeople(name, catalog.staff_member(who).name, others))
    return found


def _told(one: Give) -> str:
    return f"{one.part}:{one.of}:{one.to}"


def changes_of(catalog: Catalog, details: Details, moved: Landing, wall: Wall, language: str) -> list[PartChange]:
    """Return the parts that would be otherwise than they are, in order; none where they cannot be told apart."""
    booking = details.booking
    if len(booking.parts) != len(moved.parts):
        return []
    found: list[PartChange] = []
    for part, now in zip(booking.parts, moved.parts, strict=True):
        people = (_people(catalog, part), _people(catalog, now))
        times = (_times(wall, part, details.place.timezone), _times(wall, now, details.place.timezone))
        one = PartChange(service_name(catalog.service(UUID(part["service"])), language), people, times)
        if one.other_people or one.other_time:
            found.append(one)
    return found


def _people(catalog: Catalog, part: Mapping[str, Any]) -> str:
    return ", ".join(catalog.staff_member(UUID(one)).name for one in part["staff"])


def _times(wall: Wall, part: Mapping[str, Any], tz: str) -> str:
    first, last = part_times(dict(part))
    return f"{wall.day_in(first, tz)}, {wall.clock_in(first, tz)}–{wall.clock_in(last, tz)}"

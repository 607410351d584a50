"""Giving parts of a visit to other people: nobody else's part changes hands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import Catalog
from booking_core.changing import change_place
from booking_core.models import Booking
from booking_core.placed import part_times, request_of
from booking_core.planning import steps_of
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest


@dataclass(frozen=True, slots=True)
class Give:
    """Part number `part` of `booking.parts`, as far as `of` does it, is done by `to` instead."""

    part: int
    of: UUID
    to: UUID


async def give(
    session: AsyncSession,
    business_id: UUID,
    booking_id: UUID,
    gives: Sequence[Give],
    *,
    catalog: Catalog,
    starts: datetime | None = None,
    version: int | None,
    now: datetime,
    actor: str,
    key: str,
    override: bool = False,
) -> Booking:
    """Give parts of a visit to others; what one person must do in a row goes to them together.

    At the time at which it is, everybody else does what they did, in whatever rooms there are; at another time
    (`starts`) the whole visit moves, and others stay where they can. Raises BookingRefused.
    """
    starts = None if starts is None else starts.astimezone(UTC)
    told = " ".join(sorted(f"{one.part}:{one.of}={one.to}" for one in gives))
    return await change_place(
        session,
        business_id,
        booking_id,
        about=f"{booking_id} {starts} {told}",
        request_for=lambda one: request_with(catalog, one, gives, alone=starts in {None, one.starts}),
        catalog=catalog,
        starts=starts,
        version=version,
        now=now,
        actor=actor,
        key=key,
        override=override,
        gave=[{"part": one.part, "of": str(one.of), "to": str(one.to)} for one in gives],
    )


def request_with(catalog: Catalog, booking: Booking, gives: Sequence[Give], *, alone: bool) -> VisitRequest:
    """Return what makes a booking again with parts of it given to others; `alone`: and nothing else changed.

    Refuses (UNKNOWN) what nobody of that name does in it.
    """
    request = request_of(catalog, booking)
    steps = steps_of(catalog, request)
    cast: list[list[UUID]] = [[UUID(one) for one in part["staff"]] for part in booking.parts]
    if not steps or len(cast) % len(steps):
        raise BookingRefused(Reason.UNKNOWN)
    given: list[list[UUID | None]] = [[None] * len(part) for part in cast]
    for one in gives:
        if not 0 <= one.part < len(cast) or one.of not in cast[one.part]:
            raise BookingRefused(Reason.UNKNOWN)
        role = cast[one.part].index(one.of)
        for also in _in_a_row(one.part, [step.same_staff for step in steps]) if role == 0 else (one.part,):
            given[also][role] = one.to
    if alone:
        for at, part in enumerate(cast):
            # Whoever does not do it any more may be followed by anyone who does.
            does = catalog.staff_for(steps[at % len(steps)].service.id)
            given[at] = [to or (of if of in does else None) for to, of in zip(given[at], part, strict=True)]
    _refuse_two_at_once(booking, given)
    return replace(request, cast=tuple(map(tuple, given)))


def _refuse_two_at_once(booking: Booking, cast: Sequence[Sequence[UUID | None]]) -> None:
    """Refuse somebody who is with another guest at that time: no calendar knows of it yet."""
    lying = [(part["person"], *part_times(part), set(who)) for part, who in zip(booking.parts, cast, strict=True)]
    for (guest, starts, ends, who), (other, begins, over, whom) in combinations(lying, 2):
        if guest != other and starts < over and begins < ends and who & whom - {None}:
            raise BookingRefused(Reason.STAFF_BUSY)


def _in_a_row(part: int, bound: Sequence[bool]) -> Sequence[int]:
    """Return the parts that one person must do in a row, of which this is one; `bound`: by step, to the one before."""
    first = last = part % len(bound)
    while bound[first] and first:
        first -= 1
    while last + 1 < len(bound) and bound[last + 1]:
        last += 1
    begin = part - part % len(bound)
    return range(begin + first, begin + last + 1)

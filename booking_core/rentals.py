"""Things lent for days or nights: which dates are free, and what a rental takes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.catalog import Catalog
from booking_core.models import Covers, Location, Unit
from booking_core.planning import check_numbers, on_offer, opening, places_for, pools_at, quota_for
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from booking_core.rules import availability as rules
from booking_core.rules.availability import Slot
from booking_core.rules.plan import BEFORE_SIDE, Needed, Placement
from booking_core.rules.policy import Buffers
from booking_core.rules.rental import Rental
from booking_core.rules.schedule import days_between
from booking_core.rules.spans import Span
from booking_core.rules.wallclock import local_day, moment_of
from booking_core.taken import Asked, Asker, Taken, Yielding, load_taken

_SOME_DAY = timedelta(days=1)


async def free_starts(
    session: AsyncSession,
    catalog: Catalog,
    wanted: VisitRequest,
    within: Mapping[UUID, Sequence[Span]],
    asker: Asker,
    *,
    limit: int,
) -> tuple[list[Slot], Reason | None, Mapping[str, Any]]:
    """Return when it could be collected inside the windows; when never, why."""
    try:
        check_numbers(catalog, wanted)
    except BookingRefused as refused:
        return [], refused.reason, refused.data
    slots: list[Slot] = []
    reasons: list[Reason] = []
    for place in places_for(catalog, wanted):
        spans = within.get(place.id) or ()
        if not spans:
            continue
        days = local_day(place.timezone, spans[0][0]), local_day(place.timezone, spans[-1][1])
        rental = _rental(catalog, wanted, place, days)
        if rental is None:
            continue
        taken = await _taken(session, catalog, rental, days, asker)
        for day in days_between(*days):
            start, end = rental.span(day)
            if start >= end or not any(first <= start < last for first, last in spans):
                continue
            found = rental.place(day, taken.times)
            if isinstance(found, Reason):
                reasons.append(found)
            else:
                slots.append(Slot(moment_of(start), moment_of(end), None, 0, place.id))
    if slots:
        first = {slot.starts: slot for slot in reversed(slots)}  # at the first place that has it
        return sorted(first.values(), key=lambda slot: slot.starts)[:limit], None, {}
    return [], rules.most_hopeful(reasons or [Reason.OUTSIDE_HOURS]), {}


async def places(
    session: AsyncSession,
    catalog: Catalog,
    wanted: VisitRequest,
    start: int,
    asker: Asker,
    *,
    override: bool = False,
) -> Sequence[tuple[Placement, Sequence[Yielding]]]:
    """Return what a rental that begins at this minute takes, at each place that has it; refuses if none."""
    check_numbers(catalog, wanted)
    found: list[tuple[Placement, Sequence[Yielding]]] = []
    reasons: list[Reason] = []
    for place in places_for(catalog, wanted):
        day = local_day(place.timezone, start)
        rental = _rental(catalog, wanted, place, (day, day), override=override)
        if rental is None:
            reasons.append(Reason.STAFF_CANNOT)
            continue
        if rental.span(day)[0] != start:
            reasons.append(Reason.OFF_GRID)
            continue
        taken = await _taken(session, catalog, rental, (day, day), asker)
        placed = rental.place(day, taken.times)
        if isinstance(placed, Reason):
            reasons.append(placed)
        else:
            found.append((placed, list(_in_the_way(placed, taken))))
    if not found:
        raise BookingRefused(rules.most_hopeful(reasons))
    return found


def _rental(
    catalog: Catalog, wanted: VisitRequest, place: Location, days: tuple[date, date], *, override: bool = False
) -> Rental | None:
    service = on_offer(catalog, wanted.service_id)
    assert service.day_from is not None and service.day_until is not None  # noqa: S101, PT018 - the table says so
    around = days[0] - _SOME_DAY, days[1] + timedelta(days=wanted.units + 1)
    needs = [
        Needed(need.kind, need.units, pools_at(catalog, place, need.kind, around), need.covers == Covers.WORK)
        for need in catalog.needs(service.id)
    ]
    if not needs or any(sum(pool.units for pool in need.pools) < need.units * wanted.party for need in needs):
        return None
    return Rental(
        service_id=service.id,
        location_id=place.id,
        tz=place.timezone,
        count=wanted.units,
        nights=service.unit == Unit.NIGHT,
        day_from=service.day_from,
        day_until=service.day_until,
        needs=needs,
        before=service.buffer_before,
        after=service.buffer_after,
        party=wanted.party,
        open=opening(catalog, place, around),
        quotas=[
            quota_for(limit, place.timezone, days)
            for limit in catalog.limits
            if limit.staff_id is None and limit.service_id == service.id
        ],
        override=override,
        buffers=catalog.policy.buffers,
    )


async def _taken(
    session: AsyncSession,
    catalog: Catalog,
    rental: Rental,
    days: tuple[date, date],
    asker: Asker,
) -> Taken:
    first, last = rental.span(days[0])[0] - rental.before, rental.span(days[1])[1] + rental.after
    second_side = BEFORE_SIDE if rental.buffers == Buffers.MAX else 0
    asked: list[Asked] = [
        (pool.number, pool.units + second_side, (first, last)) for need in rental.needs for pool in need.pools
    ]
    for quota in rental.quotas:
        whole = [period for _, period in quota.periods]
        asked.append((quota.number, quota.count, (whole[0][0], whole[-1][1])))
    return await load_taken(session, catalog.business.id, asked, asker)


def _in_the_way(placement: Placement, taken: Taken) -> Iterator[Yielding]:
    seen: set[UUID] = set()
    for number, start, end in placement.claims:
        for one in taken.yielding.get(number, ()):
            if one.span[0] < end and start < one.span[1] and one.booking_id not in seen:
                seen.add(one.booking_id)
                yield one

"""Visits that recur: all of them booked in one transaction, or with an answer for each that cannot be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import make_transient_to_detached

from booking_core.calendar import free_slots
from booking_core.catalog import Catalog
from booking_core.changing import Cancellation, cancel
from booking_core.kit.db import savepoint
from booking_core.kit.ids import new_id
from booking_core.making import hold
from booking_core.models import Booking, BookingSeries, State
from booking_core.planning import chosen_people, places_for
from booking_core.records import CUSTOMER, load
from booking_core.refusals import BookingRefused, Reason
from booking_core.requests import VisitRequest
from booking_core.rules.lifecycle import TENTATIVE
from booking_core.rules.recurrence import RuleError, occurrences, same_day

#: When a day has nothing, so many days before and after are looked at for another.
_NEARBY = timedelta(days=3)
_ALTERNATIVES = 3
#: More starts than a week has.
_MANY = 3000


class OnConflict(StrEnum):
    """What becomes of a series when one of its visits cannot be."""

    #: None is booked.
    REFUSE = "refuse"
    #: The others are booked.
    SKIP = "skip"
    #: The nearest other time is taken for it: that day, else within three days; else it is left out.
    SWAP = "swap"


class Scope(StrEnum):
    """How much of a series is meant."""

    THIS = "this"
    FOLLOWING = "following"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One visit of a series: booked, perhaps at another time than the rule says, or why not and what is near."""

    number: int
    starts: datetime
    booking: Booking | None = None
    reason: Reason | None = None
    alternatives: Sequence[datetime] = ()

    @property
    def swapped(self) -> bool:
        """Whether it takes place at another time than the rule says."""
        return self.booking is not None and self.booking.starts != self.starts


@dataclass(frozen=True, slots=True)
class Series:
    """A series with the result of each of its visits."""

    id: UUID
    occurrences: Sequence[Occurrence]


async def hold_series(
    session: AsyncSession,
    *,
    catalog: Catalog,
    wanted: VisitRequest,
    starts: datetime,
    rule: str,
    on_conflict: OnConflict,
    customer_id: UUID,
    conversation_id: UUID | None,
    key: str,
    now: datetime,
    actor: str = CUSTOMER,
    on_request: bool = False,
) -> Series:
    """Book every visit of a rule (RFC 5545, at most two years of weeks), in this one transaction.

    The first must be within notice and booking window, the others follow wherever they lie. Raises
    BookingRefused with `conflicts` when all were asked for or none can be, RuleError for a rule that is none.
    The same key again returns the same series. `on_request` as in `hold`.
    """
    known = await _known(session, catalog, key)
    if known is not None:
        return known
    moments = occurrences(rule, starts, _zone(catalog, wanted))
    series = BookingSeries(
        business_id=catalog.business.id,
        id=new_id(),
        customer_id=customer_id,
        rule={"rule": rule, "starts": starts.isoformat(), "on_conflict": on_conflict.value},
        results=[],
        idempotency_key=key,
        created_at=now,
    )
    async with savepoint(session):
        if not await _begin(session, series):
            # The same command at the same instant: whoever was first is through now.
            known = await _known(session, catalog, key)
            if known is None:
                raise BookingRefused(Reason.CHANGED)
            return known
        made: list[Occurrence] = []
        for number, moment in enumerate(moments, 1):
            common: dict[str, Any] = {
                "catalog": catalog, "wanted": wanted, "customer_id": customer_id, "conversation_id": conversation_id,
                "key": f"{key}:{number}", "now": now, "actor": actor, "series_id": series.id, "series_no": number,
                "bounded": number == 1, "yields": False, "on_request": on_request,
            }  # fmt: skip
            made.append(await _one(session, number, moment, on_conflict, common))
        refused = [one for one in made if one.booking is None]
        if len(refused) == len(made) or (refused and on_conflict == OnConflict.REFUSE):
            raise BookingRefused(refused[0].reason or Reason.STAFF_BUSY, conflicts=[_json(one) for one in refused])
        series.results = [_json(one) for one in made]
        await session.flush()
    return Series(series.id, made)


async def load_series(session: AsyncSession, business_id: UUID, series_id: UUID) -> list[Booking]:
    """Return the bookings of a series in order, whatever has become of them."""
    query = (
        select(Booking)
        .where(Booking.business_id == business_id, Booking.series_id == series_id)
        .order_by(Booking.series_no)
    )
    return list(await session.scalars(query))


async def cancel_series(
    session: AsyncSession,
    business_id: UUID,
    booking_id: UUID,
    scope: Scope,
    *,
    by: Any,
    now: datetime,
    actor: str,
) -> list[Cancellation]:
    """Cancel one visit of a series, it and those after it, or all that lie ahead; each by its own policy."""
    booking = await load(session, business_id, booking_id)
    members = [booking]
    if scope != Scope.THIS and booking.series_id is not None:
        every = await load_series(session, business_id, booking.series_id)
        members = [one for one in every if scope == Scope.ALL or (one.series_no or 0) >= (booking.series_no or 0)]
    alive = {State.CONFIRMED.value, *(state.value for state in TENTATIVE)}
    return [
        await cancel(session, business_id, one.id, by=by, version=None, now=now, actor=actor)
        for one in members
        if one.state in alive and one.starts > now
    ]


async def _begin(session: AsyncSession, series: BookingSeries) -> bool:
    """Write the row of a series; False if its key is there already."""
    facts = {name: getattr(series, name) for name in BookingSeries.__table__.columns.keys()}  # noqa: SIM118
    made = await session.execute(
        insert(BookingSeries).values(facts).on_conflict_do_nothing().returning(BookingSeries.id)
    )
    if made.first() is None:
        return False
    make_transient_to_detached(series)
    session.add(series)
    return True


async def _one(
    session: AsyncSession, number: int, moment: datetime, on_conflict: OnConflict, common: dict[str, Any]
) -> Occurrence:
    try:
        return Occurrence(number, moment, await hold(session, starts=moment, **common))
    except BookingRefused as refused:
        reason = refused.reason
    near = await _nearest(session, moment, common)
    if on_conflict == OnConflict.SWAP:
        for other in near:
            try:
                booking = await hold(session, starts=other, **common)
            except BookingRefused:
                continue
            return Occurrence(number, moment, booking, reason)
    return Occurrence(number, moment, None, reason, near[:_ALTERNATIVES])


async def _nearest(session: AsyncSession, moment: datetime, common: dict[str, Any]) -> list[datetime]:
    """Return other starts, the nearest first: those of the same day before those of the days around."""
    catalog, wanted, now = common["catalog"], common["wanted"], common["now"]
    first, last = same_day(_zone(catalog, wanted), moment)
    found: list[datetime] = []
    for window in ((first, last), (first - _NEARBY, last + _NEARBY)):
        free = await free_slots(session, catalog, wanted=wanted, windows=[window], now=now, limit=_MANY)
        starts = [slot.starts for slot in free.slots if slot.starts not in found]
        found += sorted(starts, key=lambda start: (abs(start - moment), start))
        if len(found) >= _ALTERNATIVES:
            break
    return found


def _zone(catalog: Catalog, wanted: VisitRequest) -> str:
    places = places_for(catalog, wanted)
    if not places:
        raise BookingRefused(Reason.STAFF_CANNOT)
    # Whoever is named works at one place, so the rule goes by its clock.
    named = (place for place in places if wanted.names_somebody and chosen_people(catalog, wanted, place) is not None)
    return next(named, places[0]).timezone


async def _known(session: AsyncSession, catalog: Catalog, key: str) -> Series | None:
    series = await session.scalar(
        select(BookingSeries).where(
            BookingSeries.business_id == catalog.business.id, BookingSeries.idempotency_key == key
        )
    )
    if series is None:
        return None
    bookings = {one.series_no: one for one in await load_series(session, catalog.business.id, series.id)}
    return Series(
        series.id,
        [
            Occurrence(
                result["number"],
                datetime.fromisoformat(result["starts"]),
                bookings.get(result["number"]),
                Reason(result["reason"]) if result["reason"] else None,
                [datetime.fromisoformat(one) for one in result["alternatives"]],
            )
            for result in series.results
        ],
    )


def _json(one: Occurrence) -> dict[str, Any]:
    return {
        "number": one.number,
        "starts": one.starts.isoformat(),
        "booking": str(one.booking.id) if one.booking else None,
        "reason": one.reason.value if one.reason else None,
        "alternatives": [other.isoformat() for other in one.alternatives],
    }


__all__ = [
    "Occurrence",
    "OnConflict",
    "RuleError",
    "Scope",
    "Series",
    "cancel_series",
    "hold_series",
    "load_series",
]

"""From when and until when something can be booked at all: lead time and booking window of a place's zone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking_core.catalog import Catalog, remembered
from booking_core.planning import steps_for
from booking_core.refusals import Reason
from booking_core.requests import VisitRequest
from booking_core.rules import availability as rules
from booking_core.rules.availability import Bounds
from booking_core.rules.policy import last_day
from booking_core.rules.spans import Span
from booking_core.rules.wallclock import DAY, instant, local_day, minute_of, moment_of

#: Aware from and to of a search; None is an open side.
Window = tuple[datetime | None, datetime | None]


def bounds_of(catalog: Catalog, wanted: VisitRequest, tz: str, now: datetime) -> Bounds:
    """Return where starts may lie: of several services the strictest counts."""
    lead_time, window = _notice(catalog, wanted.service_ids)
    today = local_day(tz, minute_of(now))
    last = last_day(today, window, catalog.policy.booking_window_days)
    return rules.bounds_for(now, lead_time=lead_time, window_end=instant(tz, last + timedelta(days=1), 0))


@remembered
def _notice(catalog: Catalog, service_ids: tuple[UUID, ...]) -> tuple[int, int]:
    """Return the lead time in minutes and the booking window in days."""
    services = [catalog.service(one) for one in service_ids] + [one.service for one in steps_for(catalog, service_ids)]
    policy = catalog.policy
    lead_time = max(policy.lead_time if one.lead_time is None else one.lead_time for one in services)
    window = min(policy.booking_window if one.booking_window is None else one.booking_window for one in services)
    return lead_time, window


def limits_of(reason: Reason, bounds: Bounds) -> dict[str, Any]:
    """Return what goes with a refusal: from when on, or until when, it could be booked."""
    if reason == Reason.TOO_SOON:
        return {"earliest": moment_of(bounds.earliest)}
    return {"latest": moment_of(bounds.latest)} if reason == Reason.TOO_FAR else {}


def nowhere(asked: Sequence[Span], bounds: Bounds) -> tuple[Reason, dict[str, Any]]:
    """Say why nothing that was asked for lies within the bounds."""
    reason = rules.out_of_bounds(asked[-1][1] - 1, bounds) if asked else None
    reason = reason or Reason.OUTSIDE_HOURS
    return reason, limits_of(reason, bounds)


def whole_day(tz: str, minute: int) -> Span:
    """Return the local date of a minute as a span."""
    day = local_day(tz, minute)
    return instant(tz, day, 0), instant(tz, day, DAY)

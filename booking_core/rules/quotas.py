"""The periods of a limit on the wall calendar of its place, and the places that a visit takes in them."""

from collections.abc import Iterable
from datetime import date, timedelta

from booking_core.models import Period
from booking_core.rules.feasible import quota_place
from booking_core.rules.plan import Quota, Times
from booking_core.rules.spans import Span
from booking_core.rules.wallclock import DAY, instant


def period_of(period: Period, day: date) -> tuple[date, date]:
    """Return the first date of the day, week (from Monday), month or year with this date, and of the next one."""
    match period:
        case Period.DAY:
            return day, day + timedelta(days=1)
        case Period.WEEK:
            first = day - timedelta(days=day.weekday())
            return first, first + timedelta(days=7)
        case Period.MONTH:
            first = day.replace(day=1)
            return first, (first + timedelta(days=32)).replace(day=1)
        case Period.YEAR:
            return date(day.year, 1, 1), date(day.year + 1, 1, 1)


def periods_for(
    period: Period, tz: str, days: Iterable[date], *, opens: int | None, closes: int | None
) -> list[tuple[Span, Span]]:
    """Return for each local date when starts count, and the whole period that one of them takes a place in."""
    found: list[tuple[Span, Span]] = []
    for day in days:
        first, following = period_of(period, day)
        counted = (
            instant(tz, day, 0 if opens is None else opens),
            instant(tz, day, DAY if closes is None else closes),
        )
        found.append((counted, (instant(tz, first, 0), instant(tz, following, 0))))
    return found


def limit_claims(
    asked: Iterable[tuple[Quota, int]], times: Times, *, override: bool = False
) -> list[tuple[int, int, int]] | None:
    """Return a place under each limit for what begins at its minute; None if one of them has none left.

    With `override` a limit that is full is passed over; one that is not counts all the same.
    """
    claims: list[tuple[int, int, int]] = []
    known: set[tuple[int, Span]] = set()
    for quota, minute in asked:
        period = next((whole for counted, whole in quota.periods if counted[0] <= minute < counted[1]), None)
        if period is None or (quota.number, period) in known:
            continue
        known.add((quota.number, period))
        place = quota_place(quota, period, times)
        if place is not None:
            claims.append((quota.number + place, *period))
        elif not override:
            return None
    return claims

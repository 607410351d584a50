"""The clock on a location's wall and the minutes since 1970 (UTC) that everything is counted in.

`instant` is the one way from wall time to real time. It never runs backwards: a wall time that is
skipped in spring means the moment of the change, one that comes twice in autumn means the first. So
spans that touch on the wall touch in reality, and a day's spans add up to what really elapses.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1)
_MINUTE = timedelta(minutes=1)


def minute_of(moment: datetime) -> int:
    """Return the minute that an aware moment lies in."""
    return (moment - _EPOCH) // _MINUTE


def minute_from(moment: datetime) -> int:
    """Return the first whole minute that is not before an aware moment."""
    return -((_EPOCH - moment) // _MINUTE)


def moment_of(minute: int) -> datetime:
    """Return the beginning of a minute as an aware UTC moment."""
    return _EPOCH + timedelta(minutes=minute)


def offset_at(tz: str, minute: int) -> int:
    """Return by how many minutes a zone's wall clock is ahead of UTC at a moment."""
    offset = moment_of(minute).astimezone(_zone(tz)).utcoffset()
    assert offset is not None  # noqa: S101 - every ZoneInfo knows its offset
    return offset // _MINUTE


def local_day(tz: str, minute: int) -> date:
    """Return the date on the wall at a moment."""
    return moment_of(minute).astimezone(_zone(tz)).date()


def instant(tz: str, day: date, minute: int) -> int:
    """Return when a zone's clock shows this wall time: `minute` counts from midnight, 1440 is the next one."""
    start, even = _day(tz, day)
    if even:
        return start + minute
    return _resolve(tz, (day - _EPOCH_DAY).days * DAY + minute)


@lru_cache(maxsize=256)
def _zone(tz: str) -> ZoneInfo:
    return ZoneInfo(tz)


@lru_cache(maxsize=65536)
def _day(tz: str, day: date) -> tuple[int, bool]:
    """Return when a date begins, and whether its wall minutes simply count on from there.

    A change near either end may repeat or skip a wall time of this date, so an hour around it is looked at.
    """
    wall = (day - _EPOCH_DAY).days * DAY
    start = _resolve(tz, wall)
    offset = wall - start
    return start, all(offset_at(tz, start + at) == offset for at in (-180, 0, DAY, DAY + 180))


@lru_cache(maxsize=65536)
def _resolve(tz: str, wall: int) -> int:
    """Return the first moment at which the wall clock shows `wall` (in minutes, as if it were UTC) or more."""
    naive = moment_of(wall).replace(tzinfo=None)
    early, late = sorted(
        wall - offset // _MINUTE
        for fold in (0, 1)
        if (offset := naive.replace(tzinfo=_zone(tz), fold=fold).utcoffset()) is not None
    )
    if early + offset_at(tz, early) == wall:
        return early
    # Skipped: the change lies between the two readings; find its first minute.
    while early < late:
        middle = (early + late) // 2
        if middle + offset_at(tz, middle) >= wall:
            late = middle
        else:
            early = middle + 1
    return early

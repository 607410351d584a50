"""When somebody is suddenly away: which visits that hits, where else to look, and how long to hold it: pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking_core.rules.availability import Slot
from booking_core.rules.spans import Span, merge, subtract
from booking_core.rules.waitlist import Window, earliest_offer

#: Calendar number, from and to, in minutes.
Claim = tuple[int, int, int]
#: So many days around the visit are searched, one reach after the other: near times are found first.
REACHES = (1, 4, 14)
_MINUTE = timedelta(minutes=1)
#: A proposal is held so long, if neither the old nor the new time comes nearer than `_BEFORE`.
_HELD = timedelta(hours=24)
_BEFORE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Search:
    """One look for another place: with the same person, or with anybody, within a window."""

    same_person: bool
    window: Window


def is_hit(parts: Iterable[Mapping[str, Any]], whose: UUID, away: Window) -> bool:
    """Whether a visit needs this person or resource while they are away; tidying up does not count."""
    return any(_needs(part, str(whose)) and _overlap(part, away) for part in parts)


def searches(was: datetime, *, now: datetime, offer_minutes: int, asked_for: bool) -> Iterator[Search]:
    """Yield where to look for another place, best first.

    Whoever asked for their person keeps them and comes at another time; for everybody else the time matters
    more: the same time with somebody else, then the nearest one.
    """
    earliest = earliest_offer(now, offer_minutes)
    same_time = Search(False, (was, was + _MINUTE))
    around = [(max(earliest, was - timedelta(days=days)), was + timedelta(days=days) + _MINUTE) for days in REACHES]
    if asked_for:
        planned = [*(Search(True, window) for window in around), same_time, *(Search(False, one) for one in around)]
    else:
        planned = [same_time, *(Search(same, window) for window in around for same in (True, False))]
    return (one for one in planned if earliest <= one.window[0] < one.window[1])


def nearest(slots: Sequence[Slot], was: datetime) -> list[Slot]:
    """Return the slots nearest to when it was; of equally near ones the later: it leaves time to hear of it."""
    return sorted(slots, key=lambda slot: (abs(slot.starts - was), slot.starts < was, slot.waste))


def held_until(now: datetime, *, was: datetime, starts: datetime, offer_minutes: int) -> datetime:
    """Return until when a proposal is held: a day, but not into the last hour before either time.

    Short notice shortens it to the minutes that every offer has, never below.
    """
    return max(now + timedelta(minutes=offer_minutes), min(now + _HELD, min(was, starts) - _BEFORE))


def _needs(part: Mapping[str, Any], whose: str) -> bool:
    return whose in part.get("staff", ()) or any(one["resource"] == whose for one in part.get("resources", ()))


def _overlap(part: Mapping[str, Any], away: Window) -> bool:
    return datetime.fromisoformat(part["starts"]) < away[1] and away[0] < datetime.fromisoformat(part["ends"])


def left_to_take(claims: Iterable[Claim], own: Mapping[int, Sequence[Span]]) -> tuple[Claim, ...]:
    """Return what of claims is not one's own already: a visit that moves may keep its room."""
    wanted: dict[int, list[Span]] = {}
    for number, start, end in claims:
        wanted.setdefault(number, []).append((start, end))
    return tuple(
        (number, start, end)
        for number, spans in sorted(wanted.items())
        for start, end in subtract(merge(spans), merge(own.get(number, ())))
    )


def unlike(parts: Iterable[Mapping[str, Any]], others: Iterable[Mapping[str, Any]]) -> int:
    """Return how many parts of a visit another plan of it does not have: the fewer, the less changes for them."""
    kept = [_essence(one) for one in others]
    return sum(1 for part in parts if _essence(part) not in kept)


def _essence(part: Mapping[str, Any]) -> tuple[Any, ...]:
    return (part["service"], part["person"], part["staff"], datetime.fromisoformat(part["starts"]))

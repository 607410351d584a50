"""What is wrong with limits and with the timetable of classes: teachers and rooms that would be needed twice."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from booking_core.rules.policy import Buffers
from booking_core.rules.wallclock import DAY
from booking_core.seed_model import Seed
from booking_core.seed_parts import Limits, SeedClass, periods
from booking_core.seed_values import FIRST_DAY, LAST_DAY, WEEKDAYS
from booking_core.seed_yaml import Problem

Where = tuple[str | int, ...]
WEEK = 7 * DAY


def limit_problems(limits: Limits, where: Where) -> Iterator[Problem]:
    """Yield limits that contradict each other: a longer period allows as many as a shorter one, or more."""
    shorter: dict[tuple[tuple[int, int], ...], tuple[str, int]] = {}
    for period, limit in periods(limits):
        hours = tuple(limit.between)
        name, most = shorter.get(hours, ("", 0))
        if name == period.value:
            yield Problem((*where, period.value), f"a limit for each {name} is there twice")
        elif limit.count < most:
            yield Problem((*where, period.value), f"{limit.count} in a {period.value} is less than {most} in a {name}")
        shorter[hours] = (period.value, limit.count)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a class takes of somebody or something, in minutes of the week."""

    entry: int
    start: int
    length: int
    first: date
    last: date
    units: int = 1

    def takes(self, minute: int, day: date) -> bool:
        return self.first <= day <= self.last and (minute - self.start) % WEEK < self.length


def timetable_problems(seed: Seed) -> Iterator[Problem]:
    """Yield what is wrong with the timetable."""
    sound: list[tuple[int, SeedClass]] = []
    for at, entry in enumerate(seed.timetable):
        found = list(_entry(seed, entry, ("timetable", at)))
        yield from found
        if not found:
            sound.append((at, entry))
    yield from _clashes(seed, sound)


def _entry(seed: Seed, entry: SeedClass, where: Where) -> Iterator[Problem]:
    service, place = seed.by_name[entry.service], seed.class_place(entry)
    if not service.is_class:
        yield Problem((*where, "service"), f"{service.name} is no class: give it a capacity of 2 or more")
        return
    if place in service.at and not service.at[place].offered:
        yield Problem((*where, "location"), f"{service.name} is not offered at {place}")
    if entry.capacity is not None and service.max_party > entry.capacity:
        yield Problem((*where, "capacity"), f"a party of {service.max_party} has no room in {entry.capacity} seats")
    if len(set(entry.day)) < len(entry.day):
        yield Problem((*where, "day"), "a weekday is there twice")
    if entry.staff is not None and not service.roles:
        yield Problem((*where, "staff"), f"nobody is needed for {service.name}")
    elif entry.staff is not None and service.name not in seed.people[entry.staff].services:
        yield Problem((*where, "staff"), f"{entry.staff} does not do {service.name}: name it in their services")


def _clashes(seed: Seed, entries: Sequence[tuple[int, SeedClass]]) -> Iterator[Problem]:
    teachers: dict[str, list[_Claim]] = defaultdict(list)
    things: dict[tuple[str, str], list[_Claim]] = defaultdict(list)
    seats: dict[tuple[str, str, int], list[_Claim]] = defaultdict(list)
    for at, entry in entries:
        service, place = seed.by_name[entry.service], seed.class_place(entry)
        first, last = entry.first_day or FIRST_DAY, entry.last_day or LAST_DAY
        longest = seed.business.policy.buffers == Buffers.MAX
        # With the longer of two buffers only, each class is given the one after it: what is found then is certain.
        before = 0 if longest else service.buffer_before
        for weekday in entry.day:
            start = weekday * DAY + entry.time
            length = before + seed.duration(service) + service.buffer_after
            claim = _Claim(at, (start - before) % WEEK, min(length, WEEK), first, last)
            seats[service.name, place, start].append(claim)
            if entry.staff is not None:
                teachers[entry.staff].append(claim)
            for kind, need in service.needs.items():
                things[place, kind].append(_Claim(at, claim.start, claim.length, first, last, need.units))
    for (name, _, start), claims in seats.items():
        for at, minute in _too_many(claims, 1):
            del minute
            yield Problem(("timetable", at), f"{name} is there twice on {_said(start)}")
    for name, claims in teachers.items():
        for at, minute in _too_many(claims, 1):
            yield Problem(("timetable", at, "staff"), f"{name} has another class on {_said(minute)}")
    for (place, kind), claims in things.items():
        most = seed.units_at.get(place, {}).get(kind, 0)
        for at, minute in _too_many(claims, most):
            yield Problem(("timetable", at), f"on {_said(minute)} classes need more of kind {kind!r} than {place} has")


def _too_many(claims: Sequence[_Claim], most: int) -> Iterator[tuple[int, int]]:
    """Yield the classes at whose start more is taken than there is, and that minute of the week."""
    found: set[int] = set()
    for claim in claims:
        if claim.units > most:
            continue  # said of the service already
        for day in {claim.first, *(other.first for other in claims if claim.first <= other.first <= claim.last)}:
            taken = [other for other in claims if other.takes(claim.start, day)]
            if sum(other.units for other in taken) > most:
                latest = max(other.entry for other in taken)
                if latest not in found:
                    found.add(latest)
                    yield latest, claim.start
                break


def _said(minute: int) -> str:
    weekday, rest = divmod(minute % WEEK, DAY)
    return f"{WEEKDAYS[weekday]} at {rest // 60}:{rest % 60:02d}"

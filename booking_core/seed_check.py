"""What single parts of a business's file cannot see: names of nothing, names twice, people who lack a role."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from booking_core.models import PaymentRule
from booking_core.seed_check_services import service_problems
from booking_core.seed_check_timetable import limit_problems, timetable_problems
from booking_core.seed_model import Seed
from booking_core.seed_parts import SeedService, SeedSkill, SeedStaff, SeedTimeOff
from booking_core.seed_values import finer_than_coins, minor
from booking_core.seed_yaml import Problem, suggestion

Where = tuple[str | int, ...]


def problems(seed: Seed) -> list[Problem]:
    """Return everything that is wrong; names first, since the rest makes no sense without them."""
    found = [*_twice(seed), *_unknown(seed)]
    if not found:
        found = [*_places(seed), *service_problems(seed), *_staff(seed), *timetable_problems(seed)]
    return found


def _doubles(where: tuple[str | int, ...], names: Iterable[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for at, name in enumerate(names):
        if name.casefold() in seen:
            yield Problem((*where, at, "name"), f"{name!r} is there twice")
        seen.add(name.casefold())


def _twice(seed: Seed) -> Iterator[Problem]:
    yield from _doubles(("locations",), (one.name for one in seed.locations))
    yield from _doubles(("services",), (one.name for one in seed.services))
    yield from _doubles(("staff",), (one.name for one in seed.staff))
    for at, service in enumerate(seed.services):
        yield from _doubles(("services", at, "add_ons"), (one.name for one in service.add_ons))
    at_place: set[tuple[str, str]] = set()
    for at, resource in enumerate(seed.resources):
        key = seed.place(resource.location), resource.name.casefold()
        if key in at_place:
            yield Problem(("resources", at, "name"), f"{resource.name!r} is there twice at {key[0]}")
        at_place.add(key)
    called = {one.name.casefold(): one.name for one in seed.staff}
    for at, member in enumerate(seed.staff):
        for alias in member.aliases:
            other = called.setdefault(alias.casefold(), member.name)
            if other != member.name:
                yield Problem(("staff", at, "aliases"), f"{alias!r} is how {other} is called too")


def _missing(kind: str, name: str | None, known: Collection[str], *where: str | int) -> Iterator[Problem]:
    if name is not None and name not in known:
        yield Problem(where, f"there is no {kind} {name!r}{suggestion(name, list(known))}")


def _unknown(seed: Seed) -> Iterator[Problem]:
    """Yield names that nothing has."""
    places, services, people = seed.places.keys(), seed.by_name.keys(), seed.people.keys()
    for at, resource in enumerate(seed.resources):
        yield from _missing("location", resource.location, places, "resources", at, "location")
    for at, service in enumerate(seed.services):
        for place in service.at:
            yield from _missing("location", place, places, "services", at, "at", place)
        for number, part in enumerate(service.segments):
            yield from _missing("service", part.service, services, "services", at, "segments", number, "service")
    for at, member in enumerate(seed.staff):
        yield from _missing("location", member.location, places, "staff", at, "location")
        for name in member.services:
            yield from _missing("service", name, services, "staff", at, "services", name)
    for at, entry in enumerate(seed.timetable):
        yield from _missing("service", entry.service, services, "timetable", at, "service")
        yield from _missing("location", entry.location, places, "timetable", at, "location")
        yield from _missing("person", entry.staff, people, "timetable", at, "staff")


def _places(seed: Seed) -> Iterator[Problem]:
    for at, place in enumerate(seed.locations):
        if len(set(place.holidays)) < len(place.holidays):
            yield Problem(("locations", at, "holidays"), "a date is there twice")
        for day in place.dates:
            if day in place.holidays:
                where = ("locations", at, "dates", day.isoformat())
                yield Problem(where, f"{day} is a holiday and has other hours")


def _staff(seed: Seed) -> Iterator[Problem]:
    for at, member in enumerate(seed.staff):
        where: Where = ("staff", at)
        for name, skills in member.services.items():
            yield from _skills(seed, member, seed.by_name[name], skills, (*where, "services", name))
        yield from limit_problems(member.limits, (*where, "limits"))
        zones = sorted(enumerate(member.zones), key=lambda one: one[1].first_day)
        for (_, one), (number, other) in pairwise(zones):
            if one.last_day is None or other.first_day <= one.last_day:
                yield Problem((*where, "zones", number), f"these dates overlap those in {one.timezone}")
        yield from _time_off(member.time_off, seed.zone(seed.place(member.location)), where)
    for at, resource in enumerate(seed.resources):
        yield from _time_off(resource.time_off, seed.zone(seed.place(resource.location)), ("resources", at))


def _time_off(spans: Sequence[SeedTimeOff], tz: str, where: Where) -> Iterator[Problem]:
    seen: set[tuple[datetime, datetime]] = set()
    for number, off in enumerate(spans):
        here: Where = (*where, "time_off", number)
        span = off.first.instant(tz), off.until.instant(tz, end=True)
        if span[0] >= span[1]:
            yield Problem((*here, "until"), "it does not end after it begins")
        elif span in seen:
            yield Problem(here, "this time is there twice")
        seen.add(span)


def _skills(
    seed: Seed, member: SeedStaff, service: SeedService, skills: Sequence[SeedSkill], where: Where
) -> Iterator[Problem]:
    name, place = service.name, seed.place(member.location)
    if service.segments:
        yield Problem(where, f"{name} is made of other services: name those that {member.name} does")
        return
    if not service.roles:
        yield Problem(where, f"nobody is needed for {name}")
        return
    if place in service.at and not service.at[place].offered:
        yield Problem(where, f"{name} is not offered at {place}, where {member.name} works")
    for skill in skills:
        yield from _skill(seed, service, skill, place, where)
    if len({skill.role for skill in skills}) < len(skills):
        yield Problem(where, "a role is there twice")
    limited = [skill for skill in skills if skill.limits]
    if len(limited) > 1:
        yield Problem(where, "limits are written once, whatever the role")
    for skill in limited:
        yield from limit_problems(skill.limits, (*where, "limits"))


def _skill(seed: Seed, service: SeedService, skill: SeedSkill, place: str, where: Where) -> Iterator[Problem]:
    if skill.role_kept not in service.roles:
        needed = ", ".join(service.staff)
        yield Problem((*where, "role"), f"{service.name} needs nobody as {skill.role!r}: its staff are {needed}")
    after = seed.duration(service) - service.processing_from
    if skill.duration is not None and service.processing and skill.duration <= after:
        yield Problem((*where, "duration"), "it leaves no time for the work before processing")
    if skill.price is None:
        return
    currency = seed.currency(place)
    if finer_than_coins(skill.price, currency):
        yield Problem((*where, "price"), f"{skill.price} is finer than {currency} has coins")
    elif service.payment == PaymentRule.DEPOSIT and seed.deposit_minor(service, place) > minor(skill.price, currency):
        yield Problem((*where, "price"), f"the deposit of {service.name} is more than this price")

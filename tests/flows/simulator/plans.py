"""Draws what a customer comes for; what is free in the shop decides only which wishes can be had."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random

from tests.flows.simulator.persons import Person
from tests.flows.simulator.shops import Shop
from tests.flows.simulator.wishes import ANY_TIME, Clock, Errand, Plan, Visit, Wish
from tests.flows.simulator.wordings import Wordings

#: Agendas and their shares.
AGENDAS = {
    ("book",): 50,
    ("ask", "book"): 8,
    ("book", "move"): 14,
    ("book", "cancel"): 10,
    ("book", "book", "cancel"): 5,
    ("book", "book", "move"): 5,
    ("leave",): 5,
    ("ask",): 3,
}
QUESTIONS = ("ask_price", "ask_address", "ask_hours", "ask_phone", "ask_staff", "ask_policy", "ask_parking")
_FAR = 18


async def draw_plan(rng: Random, person: Person, words: Wordings, shop: Shop, now: datetime) -> Plan:
    """Return an agenda with its wishes."""
    (kinds,) = rng.choices(list(AGENDAS), weights=list(AGENDAS.values()))
    name = rng.choice(words.names)
    errands: list[Errand] = []
    for kind in kinds:
        if kind == "ask":
            errands.append(Errand("ask", questions=tuple(rng.sample(_askable(words), rng.choice([1, 1, 2])))))
            continue
        booked = [one for one in errands if one.kind == "book"]
        about = rng.randrange(len(booked)) if booked else 0
        if kind == "cancel":
            errands.append(Errand("cancel", visit=booked[about].visit, about=about))
        elif kind == "move":
            visit = booked[about].visit
            assert visit is not None
            wishes = await draw_wishes(rng, shop, visit.service, visit.staff, now, sure=True)
            errands.append(Errand("move", visit=replace(visit, wishes=wishes), about=about))
        else:
            visit = await _draw_visit(rng, shop, now, name, [one.visit.service for one in booked if one.visit])
            last = kind == "book" and len(kinds) == 1
            changes = tuple(_changes(rng, person)) if last else ()
            asks = rng.sample(_askable(words), 1) if rng.random() < person.asks else []
            errands.append(Errand(kind, visit=visit, changes=changes, questions=tuple(asks)))
    return Plan(tuple(errands))


def _askable(words: Wordings) -> list[str]:
    return [one for one in (*QUESTIONS, "ask_rating") if words.has(one)]


def _changes(rng: Random, person: Person) -> list[str]:
    count = rng.randint(1, person.changes) if person.changes else 0
    return rng.sample(["time", "date", "staff", "service"], count)


async def _draw_visit(rng: Random, shop: Shop, now: datetime, name: str, not_again: list[str]) -> Visit:
    service = rng.choice([one for one in shop.able if one not in not_again])
    staff = rng.choice(shop.able[service]) if rng.random() < 0.5 else None
    return Visit(service, staff, await draw_wishes(rng, shop, service, staff, now), name)


async def draw_wishes(
    rng: Random, shop: Shop, service: str, staff: str | None, now: datetime, *, sure: bool = False
) -> tuple[Wish, ...]:
    """Return a wish and what would do instead; `sure`: the first one is free."""
    first = await _draw_free(rng, shop, service, staff, now)
    if not sure and rng.random() < 0.15:
        first = _draw_unlikely(rng, now)
    if rng.random() < 0.5:
        return first, await _draw_free(rng, shop, service, staff, now), ANY_TIME
    return first, ANY_TIME


async def _draw_free(rng: Random, shop: Shop, service: str, staff: str | None, now: datetime) -> Wish:
    for _ in range(8):
        day = now.date() + timedelta(days=rng.randint(0, _FAR))
        free = [one for one in await shop.free(service, staff, day) if one.minute in {0, 30}]
        if not free:
            continue
        start = rng.choice(free)
        match rng.choices(["exact", "day", "part", "around", "week"], weights=[45, 15, 15, 12, 8])[0]:
            case "exact":
                return Wish(kind_of(rng, day, now), (day,), Clock("exact", start.time()), free=True)
            case "day":
                return Wish(kind_of(rng, day, now), (day,), free=True)
            case "part":
                part = "morning" if start.hour < 12 else "afternoon"
                return Wish(kind_of(rng, day, now), (day,), Clock(part), free=True)
            case "around" if 10 <= start.hour <= 17:
                clock = (
                    Clock("after", time(start.hour)) if rng.random() < 0.6 else Clock("before", time(start.hour + 1))
                )
                return Wish(kind_of(rng, day, now), (day,), clock, free=True)
            case "week":
                if (wish := await _next_week(shop, service, staff, now)) is not None:
                    return wish
    return ANY_TIME


async def _next_week(shop: Shop, service: str, staff: str | None, now: datetime) -> Wish | None:
    if now.weekday() == 6:
        return None  # on a Sunday nobody knows which week is meant
    monday = now.date() + timedelta(days=7 - now.weekday())
    days = tuple(monday + timedelta(days=n) for n in range(7))
    for day in days[:3]:
        if await shop.free(service, staff, day):
            return Wish("next_week", days, free=True)
    return None


def _draw_unlikely(rng: Random, now: datetime) -> Wish:
    """Return a wish for a time at which nobody works, or perhaps nobody is free."""
    day = now.date() + timedelta(days=rng.randint(1, _FAR))
    if rng.random() < 0.5:
        day += timedelta(days=(6 - day.weekday()) % 7)
    return Wish(kind_of(rng, day, now), (day,), Clock("exact", time(rng.choice([10, 11, 13, 17, 19]))))


def kind_of(rng: Random, day: date, now: datetime) -> str:
    """Return how a day is said."""
    ahead = (day - now.date()).days
    if ahead < 2:
        return ("today", "tomorrow")[ahead]
    return "weekday" if ahead < 7 and rng.random() < 0.7 else "date"

"""A small house in memory: whose minute is taken is a set of minutes, and every place is found by trying all of them.

Nothing here is clever. What a person decides (who does it, which room) is read from the booking and judged;
what follows from it (free starts, prices, states, what is refused) is counted anew.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import product
from typing import Any

from tests.booking_core.house import MONDAY, at
from tests.booking_core.wishes import SERVICES, Request, Service

#: (who or what, minute since the first midnight)
Minute = tuple[str, int]
DAY = 24 * 60
MIDNIGHT = at("00:00", MONDAY)

FILE = """
business: {slug: SLUG, name: House, timezone: Europe/Madrid, currency: EUR, locale: en-GB,
           policy: {lead_time: 60, booking_window: 1, hold_minutes: 15, approval_hours: 2, cancel_cutoff_hours: 2}}
locations: [{name: House, address: Street 1}]
resources: [{kind: room, name: Red}, {kind: room, name: Blue}]
services:
  - {name: Cut, duration: 30, slot_interval: 30, buffer_before: 5, buffer_after: 10, price: "30.00", payment: deposit,
     deposit: "10.00", max_party: 2}
  - {name: Trim, duration: 20, slot_interval: 20, price: "15.00", max_party: 2}
  - {name: Massage, duration: 40, slot_interval: 20, buffer_after: 5, price: "50.00", needs: {room: 1}}
  - {name: Colour, duration: 60, processing_from: 20, processing: 20, slot_interval: 20, price: "60.00", payment: full}
  - {name: Package, segments: [{service: Trim}, {service: Massage, max_wait: 20}], price: "60.00", slot_interval: 20}
  - {name: Talk, duration: 20, slot_interval: 20, price: "20.00", payment: deposit, deposit: "5.00", approval: true,
     limits: {day: 2}}
  - {name: Workshop, duration: 60, slot_interval: 60, capacity: 3, price: "40.00", payment: deposit, deposit: "10.00"}
  - {name: Duet, duration: 40, slot_interval: 20, staff: [main, assistant], price: "70.00"}
staff:
  - {name: Ana, services: {Cut: , Trim: , Colour: , Talk: , Workshop: , Duet: }, hours: {mon-tue: "9:00-11:00"}}
  - {name: Bruno, services: {Cut: {price: "35.00"}, Trim: , Massage: , Talk: , Duet: {role: assistant}},
     hours: {mon-tue: "9:00-11:00"}}
  - {name: Carla, services: {Massage: , Colour: {duration: 70}, Workshop: , Duet: {role: assistant}},
     hours: {mon-tue: "9:00-10:40"}}
"""
HOURS = {"Ana": (540, 660), "Bruno": (540, 660), "Carla": (540, 640)}
ROOMS = ("Red", "Blue")
LEAD, HOLD, APPROVAL = timedelta(minutes=60), timedelta(minutes=15), timedelta(hours=2)
LATE_CANCEL = timedelta(hours=2)


@dataclass(frozen=True)
class Part:
    service: str
    person: int
    start: int
    end: int
    staff: tuple[str, ...]
    rooms: tuple[str, ...]


@lru_cache(maxsize=100_000)
def takes(part: Part) -> frozenset[Minute]:
    """Return every minute that a part takes of anybody or anything."""
    service = SERVICES[part.service]
    work = worked(part)
    around = set(range(min(work) - service.before, min(work))) | set(
        range(max(work) + 1, max(work) + 1 + service.after)
    )
    there = set(range(part.start - service.before, part.end + service.after))
    return frozenset(
        {(who, minute) for who in part.staff for minute in work | around}
        | {(room, minute) for room in part.rooms for minute in there}
    )


@lru_cache(maxsize=100_000)
def worked(part: Part) -> frozenset[int]:
    """Return the minutes in which somebody works."""
    service = SERVICES[part.service]
    idle: set[int] = set()
    if service.idle is not None:
        # What is done after the waiting lasts as long with everybody.
        tail = service.minutes - service.idle[1]
        idle = set(range(part.end - tail - (service.idle[1] - service.idle[0]), part.end - tail))
    return frozenset(range(part.start, part.end)) - idle


TAKING = {"held", "pending_approval", "confirmed", "checked_in", "completed", "no_show"}
TENTATIVE = {"held", "pending_approval"}
CANCELLED = {"cancelled_by_customer", "cancelled_by_business", "declined"}


@dataclass
class Visit:
    """A booking as it should be."""

    key: str
    customer: int
    request: Request
    state: str
    until: datetime | None
    price: int
    due: int
    start: int
    parts: tuple[Part, ...]
    version: int = 1
    #: Of a class: when it begins, and which seats.
    seats: frozenset[int] = frozenset()
    #: Places under limits: (which, day, place).
    limits: frozenset[tuple[str, int, int]] = frozenset()

    @property
    def starts(self) -> datetime:
        return MIDNIGHT + timedelta(minutes=self.start)

    @property
    def taken(self) -> set[Minute]:
        """Whose minutes it takes; a class takes its teacher's itself."""
        return set() if self.seats else {minute for part in self.parts for minute in takes(part)}

    def lapsed(self, now: datetime) -> bool:
        return self.state in TENTATIVE and self.until is not None and self.until <= now

    def yields(self, now: datetime, customer: int | None) -> bool:
        """Whether it gives way to somebody who asks now."""
        return self.lapsed(now) or (self.state == "held" and customer is not None and customer == self.customer)


@dataclass
class Absence:
    who: str
    first: int
    last: int


@dataclass
class House:
    """All that there is."""

    now: datetime
    visits: list[Visit] = field(default_factory=list)
    #: When a class begins -> who teaches it.
    classes: dict[int, str] = field(default_factory=dict)
    absences: list[Absence] = field(default_factory=list)

    def minute(self, moment: datetime) -> int:
        return int((moment - MIDNIGHT) // timedelta(minutes=1))

    def standing(self, customer: int | None, ignoring: Visit | None = None) -> list[Visit]:
        """Return what stands in the way of somebody who asks."""
        return [
            one
            for one in self.visits
            if one.state in TAKING and one is not ignoring and not one.yields(self.now, customer)
        ]

    def taken(self, customer: int | None, ignoring: Visit | None = None) -> set[Minute]:
        minutes = {minute for one in self.standing(customer, ignoring) for minute in one.taken}
        for start, teacher in self.classes.items():
            minutes |= takes(class_part(start, teacher))
        return minutes

    def works(self, who: str, minutes: Iterable[int]) -> bool:
        opens, closes = HOURS[who]
        return all(
            opens <= minute % DAY < closes
            and minute < 2 * DAY
            and not any(off.who == who and off.first <= minute < off.last for off in self.absences)
            for minute in minutes
        )

    def is_away(self, who: str, part: Part) -> bool:
        """Whether somebody has time off in a part of theirs."""
        return any(off.who == who and off.first < part.end and part.start < off.last for off in self.absences)

    def seats_left(self, start: int, customer: int | None, ignoring: Visit | None = None) -> int:
        there = [one for one in self.standing(customer, ignoring) if one.seats and one.start == start]
        return SERVICES["Workshop"].seats - sum(one.request.party for one in there)

    def limit_left(self, request: Request, start: int, customer: int | None, ignoring: Visit | None = None) -> bool:
        """Whether every limit of what is asked for leaves a place on that day."""
        standing = self.standing(customer, ignoring)
        return all(
            sum(1 for one in standing for which, day, _ in one.limits if (which, day) == (service.name, start // DAY))
            < (service.a_day or 99)
            for service, _ in request.steps()
        )

    def bounds(self, start: int) -> str | None:
        """Return why nobody can come then, whatever is free."""
        moment = MIDNIGHT + timedelta(minutes=start)
        if moment < self.now:
            return "past"
        if moment < self.now + LEAD:
            return "too_soon"
        return "too_far" if start >= 2 * DAY else None

    def possible(
        self, request: Request, start: int, customer: int | None, ignoring: Visit | None = None, *, new: bool = False
    ) -> bool:
        """Whether a visit could begin then; `new`: as a class of its own."""
        if request.too_many():
            return False
        if request.first.seats > 1 and start in self.classes and not new:
            teacher = self.classes[start]
            seated = request.staff in {None, teacher} and not self.is_away(teacher, class_part(start, teacher))
            return seated and self.seats_left(start, customer, ignoring) >= request.party
        if not self.limit_left(request, start, customer, ignoring):
            return False
        taken = self.taken(customer, ignoring)
        return next(self.ways(request, start, taken), None) is not None

    def ways(self, request: Request, start: int, taken: set[Minute]) -> Iterator[list[Part]]:
        """Yield every way of doing a visit from that minute on."""
        steps = request.steps()
        party = 1 if request.first.seats > 1 else request.party
        todo: list[tuple[Service, int, int, bool]] = []
        for person in range(party):
            for at_, (service, wait) in enumerate(steps):
                begins = at_ == 0 and (person == 0 or not request.in_turn)
                if at_ == 0 and person and request.in_turn:
                    wait = max(wait, steps[-1][0].after + service.before)
                todo.append((service, wait, person, begins))
        yield from self._ways(request, todo, start, taken, [])

    def _ways(
        self,
        request: Request,
        todo: Sequence[tuple[Service, int, int, bool]],
        start: int,
        taken: set[Minute],
        done: list[Part],
    ) -> Iterator[list[Part]]:
        if not todo:
            yield done
            return
        service, wait, person, begins = todo[0]
        first = start if begins else done[-1].end
        for begin in range(first, first + 1 + (0 if begins else wait)):
            for part in self.doing(request, service, person, begin):
                # What others of the party take is taken, too; one's own tidying up is one's own.
                others = {minute for one in done if one.person != person for minute in takes(one)}
                if self.fits(part, taken) and takes(part).isdisjoint(others):
                    yield from self._ways(request, todo[1:], start, taken, [*done, part])

    def fits(self, part: Part, taken: set[Minute]) -> bool:
        return takes(part).isdisjoint(taken) and all(self.works(who, worked(part)) for who in part.staff)

    @staticmethod
    def doing(request: Request, service: Service, person: int, begin: int) -> Iterator[Part]:
        """Yield a part with everybody who could do it and every room for it."""
        roles = list(service.roles)
        asked, must = request.whom(service)
        for at_, role in enumerate(roles):
            if asked in role:
                roles[at_] = (str(asked),)
                break
        else:
            if must:
                return
        rooms: list[tuple[str, ...]] = [(room,) for room in ROOMS] if service.room else [()]
        for staff, taken in product(product(*roles), rooms):
            length = service.minutes
            if service.longer is not None and service.longer[0] == staff[0]:
                length = service.longer[1]
            if len(set(staff)) == len(staff):
                yield Part(service.name, person, begin, begin + length, staff, taken)

    def able(self, request: Request) -> bool:
        """Whether everybody who was asked for does anything of it, and all of what they were named for."""
        asked = {request.staff, *(who for _, who in request.people)} - {None}
        does: set[str | None] = set()
        for service, _ in request.steps():
            who, must = request.whom(service)
            able = any(who in role for role in service.roles)
            if must and not able:
                return False
            does |= {who} if able else set()
        return asked <= does

    def free(self, request: Request, customer: int | None, ignoring: Visit | None = None) -> list[int]:
        """Return every start that should be listed."""
        if not self.able(request):
            return []
        grid = [day * DAY + minute for day in (0, 1) for minute in range(0, DAY, request.first.interval)]
        if request.first.seats > 1:
            # A class that somebody began between round times takes place then.
            grid = sorted({*grid, *self.classes})
        starts = [one for one in grid if one % DAY in range(8 * 60, 12 * 60) and self.bounds(one) is None]
        return [one for one in starts if self.possible(request, one, customer, ignoring)]

    def price(self, request: Request, parts: Sequence[Part]) -> tuple[int, int]:
        """Return what everybody pays, each by who does it for them, and what is due of it."""
        price = due = 0
        persons = {part.person for part in parts}
        for person in range(request.party):
            mine = [part for part in parts if part.person == (person if person in persons else 0)]
            for asked in request.services:
                service = SERVICES[asked]
                one = service.price
                leads = [part.staff[0] for part in mine if part.service == asked]
                if service.dearer is not None and leads and leads[0] == service.dearer[0]:
                    one = service.dearer[1]
                price, due = price + one, due + min(service.due, one)
        return price, due

    def wrong_place(self, request: Request, start: int, parts: Sequence[Part], taken: set[Minute]) -> str | None:
        """Return what is wrong with a place that was chosen; every way of doing it is known by its parts."""
        lanes: dict[int, list[Part]] = {}
        for part in parts:
            lanes.setdefault(part.person, []).append(part)
        steps = request.steps()
        for person, lane in sorted(lanes.items()):
            if [part.service for part in lane] != [service.name for service, _ in steps]:
                return f"these are not the parts: {lane}"
            for at_, (part, (service, wait)) in enumerate(zip(lane, steps, strict=True)):
                if part not in set(self.doing(request, service, person, part.start)):
                    return f"nobody does this so: {part}"
                if not self.fits(part, taken):
                    return f"this is not free: {part}"
                if at_ and not 0 <= part.start - lane[at_ - 1].end <= wait:
                    return f"so long nobody waits: {lane}"
            if lane[0].start != start and not (request.in_turn and person):
                return f"it does not begin then: {lane}"
        for one, other in product(parts, parts):
            if one.person != other.person and not takes(one).isdisjoint(takes(other)):
                return f"both take the same: {one} and {other}"
        return None if len(lanes) == (1 if request.first.seats > 1 else request.party) else f"not all come: {parts}"


def class_part(start: int, teacher: str) -> Part:
    """Return what a class takes of its teacher."""
    return Part("Workshop", 0, start, start + SERVICES["Workshop"].minutes, (teacher,), ())


def minutes_of(rows: Iterable[Any], names: dict[int, str]) -> set[Minute]:
    """Return allocations (calendar, starts, ends) as minutes of who or what is known by name."""
    return {
        (names[row.calendar_no], minute)
        for row in rows
        if row.calendar_no in names
        for minute in range(
            int((row.starts - MIDNIGHT) // timedelta(minutes=1)), int((row.ends - MIDNIGHT) // timedelta(minutes=1))
        )
    }

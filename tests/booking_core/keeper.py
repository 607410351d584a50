"""Two houses that must stay the same: one in the database and one in memory."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import note
from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking, calendar
from booking_core.catalog import Catalog, load_catalog
from booking_core.kit.db import Database
from booking_core.kit.ids import new_id
from booking_core.models import Booking, Customer
from booking_core.refusals import BookingRefused
from booking_core.requests import Arrangement, VisitRequest
from tests.booking_core import house as houses
from tests.booking_core.checker import assert_sound
from tests.booking_core.model import (
    DAY,
    FILE,
    MIDNIGHT,
    SERVICES,
    TAKING,
    TENTATIVE,
    Absence,
    House,
    Part,
    Request,
    Visit,
    class_part,
    minutes_of,
    takes,
)

T = TypeVar("T")

REQUESTS = [
    Request(("Cut",)), Request(("Cut",), "Ana"), Request(("Cut",), party=2), Request(("Cut",), party=2, in_turn=True),
    Request(("Trim",)), Request(("Trim",), "Bruno"), Request(("Trim",), party=2), Request(("Massage",)),
    Request(("Massage",), "Carla"), Request(("Colour",)), Request(("Colour",), "Ana"), Request(("Package",)),
    Request(("Package",), "Bruno"), Request(("Talk",)), Request(("Talk",), "Ana"), Request(("Workshop",)),
    Request(("Workshop",), party=2), Request(("Workshop",), "Carla"), Request(("Duet",)), Request(("Duet",), "Carla"),
    Request(("Trim", "Massage")), Request(("Cut",), "Ana", party=2, in_turn=True), Request(("Massage",), party=2),
    Request(("Trim", "Massage"), people=(("Trim", "Ana"), ("Massage", "Bruno"))),
    Request(("Trim", "Massage"), people=(("Massage", "Carla"),)),
    Request(("Trim", "Massage"), "Bruno", people=(("Trim", "Ana"),)),
    Request(("Trim", "Massage"), people=(("Massage", "Ana"),)),
    Request(("Package",), people=(("Massage", "Carla"),)),
    Request(("Cut", "Package"), people=(("Massage", "Carla"), ("Package", "Bruno"))),
    Request(("Trim", "Cut"), people=(("Trim", "Bruno"), ("Cut", "Ana"))),
]  # fmt: skip
_BOOKINGS = text("SELECT * FROM booking WHERE business_id = :id")
_ALLOCATIONS = text(
    "SELECT booking_id, session_id, calendar_no, lower(during) AS starts, upper(during) AS ends"
    " FROM allocation WHERE business_id = :id"
)
_CLASSES = text("SELECT id, calendar_no, starts, staff_id, state FROM class_session WHERE business_id = :id")


class Keeper(RuleBasedStateMachine):
    """The house in the database and the house in memory, side by side; what is done to both is added by rules."""

    database: Database
    loop: asyncio.AbstractEventLoop
    #: What came to what, in all houses together.
    tally: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.house = House(houses.NOW)
        self.ids: dict[str, UUID] = {}
        self.away: list[tuple[UUID, Absence]] = []
        self.entries: list[tuple[UUID, int, Request]] = []
        self.offered: list[tuple[UUID, Visit]] = []
        self.count = self.checks = 0
        self.run(self.open())

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(what)

    async def open(self) -> None:
        async with self.database.transaction() as session:
            with tempfile.TemporaryDirectory() as folder:
                file = FILE.replace("SLUG", f"h-{new_id().hex}")
                made = await houses.open_house(session, Path(folder), file)
            self.business_id = made.business_id
            known = made.known
            self.customers = [new_id() for _ in range(5)]
            session.add_all(
                Customer(business_id=self.business_id, id=one, name="x", locale="en", created_at=houses.NOW)
                for one in self.customers
            )
        self.services = {one.name: one.id for one in known.services}
        self.staff = {one.name: one.id for one in known.staff}
        taken = [(one.id, one.calendar_no, one.name) for one in known.staff]
        taken += [(one.id, one.calendar_no, one.name) for one in known.resources]
        self.names = {str(one.id): one.name for one in known.services} | {str(one): name for one, _, name in taken}
        self.calendars = {number: name for _, number, name in taken}
        self.limit = next(one.calendar_no for one in known.limits)

    # What is always so

    @invariant()
    def it_is_what_the_model_says(self) -> None:
        self.run(self.compare())

    async def compare(self) -> None:
        async with self.database.transaction() as session:
            known = {row.id: row for row in await session.execute(_BOOKINGS, {"id": self.business_id})}
            rows = list(await session.execute(_ALLOCATIONS, {"id": self.business_id}))
            classes = list(await session.execute(_CLASSES, {"id": self.business_id}))
            await self.compare_lists(session)
        held = {self.house.minute(row.starts): self.names[str(row.staff_id)] for row in classes if row.state == "open"}
        assert held == self.house.classes
        assert len(known) == len(self.house.visits)
        seats = {row.id: row.calendar_no for row in classes}
        for visit in self.house.visits:
            row = known[self.ids[visit.key]]
            found = row.state, row.version, row.price, row.due, row.hold_expires_at, row.starts
            until = visit.until if visit.state in TENTATIVE else None
            assert found == (visit.state, visit.version, visit.price, visit.due, until, visit.starts), visit
            own = [one for one in rows if one.booking_id == row.id]
            takes_time = visit.state in TAKING
            assert minutes_of(own, self.calendars) == (visit.taken if takes_time else set()), visit
            others = [one for one in own if one.calendar_no not in self.calendars]
            base = seats.get(row.session_id, 0)
            expected = {base + seat for seat in visit.seats} | {self.limit + place for _, _, place in visit.limits}
            assert {one.calendar_no for one in others} == (expected if takes_time else set()), visit
        of_classes = minutes_of([one for one in rows if one.session_id is not None], self.calendars)
        assert of_classes == {
            minute for start, teacher in self.house.classes.items() for minute in takes(class_part(start, teacher))
        }

    async def compare_lists(self, session: AsyncSession) -> None:
        """What is listed is exactly what the model says, for some of the requests after each step."""
        catalog = await load_catalog(session, self.business_id)
        for _ in range(3):
            self.checks += 1
            request, customer = REQUESTS[self.checks * 7 % len(REQUESTS)], [None, 0, 1, 2][self.checks % 4]
            found = await calendar.free_slots(
                session, catalog, wanted=self.wanted(request), now=self.house.now, limit=500,
                windows=[(MIDNIGHT, MIDNIGHT + timedelta(days=2))],
                customer_id=None if customer is None else self.customers[customer],
            )  # fmt: skip
            listed = [self.house.minute(slot.starts) for slot in found.slots]
            assert listed == self.house.free(request, customer), (request, customer, found.reason)
            for slot, start in zip(found.slots, listed, strict=True):
                if request.first.seats > 1:
                    left = self.house.seats_left(start, customer) if start in self.house.classes else None
                    assert slot.seats_left == left

    def teardown(self) -> None:
        self.run(assert_sound(self.database, self.business_id))

    # Short ways

    def attempt(self, do: Any, expected: bool | None, bounds: str | None = None, *, name: str = "") -> Any:
        """Do something in a transaction; None if it was refused, which must be as expected."""
        name = name or do.__qualname__.split(".")[1]

        async def whole() -> Any:
            async with self.database.transaction() as session:
                catalog = await load_catalog(session, self.business_id)
                try:
                    return await do(session, catalog)
                except BookingRefused as refused:
                    return refused

        done = self.run(whole())
        self.tally[f"{name} refused" if isinstance(done, BookingRefused) else name] += 1
        if isinstance(done, BookingRefused):
            note(f"refused: {done.reason} {done.data}")
            assert expected is not True, f"refused: {done.reason} {done.data}"
            assert bounds is None or done.reason in {bounds, "staff_cannot", "not_now"}
            return None
        assert done is None or expected is not False, "this should have been refused"
        return done

    def simple(self, visit: Visit, what: Any, expected: bool, **more: Any) -> bool:
        async def do(session: AsyncSession, _: Catalog) -> Booking:
            made: Booking = await what(session, self.business_id, self.ids[visit.key], now=self.house.now, **more)
            return made

        return self.attempt(do, expected, name=what.__name__) is not None

    def load(self, visit: Visit) -> Booking:
        async def read() -> Booking:
            async with self.database.transaction() as session:
                return await booking.load(session, self.business_id, self.ids[visit.key])

        return self.run(read())

    def wanted(self, request: Request) -> VisitRequest:
        return VisitRequest(
            tuple(self.services[one] for one in request.services),
            self.staff[request.staff] if request.staff else None,
            None,
            request.party,
            Arrangement.IN_TURN if request.in_turn else Arrangement.TOGETHER,
            staff_by_service=self.named(request),
        )

    def named(self, request: Request) -> tuple[tuple[UUID, UUID], ...]:
        return tuple((self.services[service], self.staff[who]) for service, who in request.people)

    @staticmethod
    def choose(free: list[int], pick: int, anywhere: int) -> int:
        if free and anywhere:
            return free[pick % len(free)]
        return pick % 3 * DAY + 530 + 5 * (pick // 3 % 28)

    def any_visit(self, pick: int, states: set[str] | None = None) -> Visit | None:
        known = [one for one in self.house.visits if states is None or one.state in states]
        return known[-1 - pick % min(len(known), 6)] if known else None

    def parts(self, one: Booking) -> tuple[Part, ...]:
        return tuple(
            Part(
                self.names[part["service"]],
                part["person"],
                self.house.minute(self.moment(part["starts"])),
                self.house.minute(self.moment(part["ends"])),
                tuple(self.names[who] for who in part["staff"]),
                tuple(self.names[thing["resource"]] for thing in part["resources"]),
            )
            for part in one.parts
        )

    @staticmethod
    def moment(iso: str) -> datetime:
        return datetime.fromisoformat(iso)

    def judge(self, request: Request, start: int, parts: tuple[Part, ...], taken: set[Any]) -> None:
        """Look whether the place that was chosen is one that could be."""
        if request.first.seats > 1 and start in self.house.classes:
            assert parts == (class_part(start, self.house.classes[start]),)
            return
        wrong = self.house.wrong_place(request, start, parts, taken)
        assert wrong is None, wrong

    def place(self, visit: Visit) -> None:
        """Put a visit where it is now, with the seats and places it was given; what is in the way gives way."""
        house = self.house
        visit.seats, visit.limits = self.run(self.given(visit))
        new = visit.taken
        if visit.seats and visit.start not in house.classes:
            house.classes[visit.start] = visit.parts[0].staff[0]
            new = set(takes(visit.parts[0]))
        for other in [one for one in house.visits if one is not visit and one.state in TAKING]:
            same_seats = visit.seats & other.seats and visit.start == other.start
            if not (other.taken & new or same_seats or other.limits & visit.limits):
                continue
            assert other.yields(house.now, visit.customer), f"{other} is in the way of {visit}"
            if other.lapsed(house.now):
                self.end(other, "expired", version=0, besides=visit)
            else:
                self.end(other, "cancelled_by_customer", besides=visit)
        self.end_classes(besides=visit)

    async def given(self, visit: Visit) -> tuple[frozenset[int], frozenset[tuple[str, int, int]]]:
        async with self.database.transaction() as session:
            rows = list(await session.execute(_ALLOCATIONS, {"id": self.business_id}))
            classes = {row.calendar_no: row for row in await session.execute(_CLASSES, {"id": self.business_id})}
        own = [row for row in rows if row.booking_id == self.ids[visit.key] and row.calendar_no not in self.calendars]
        seats, limits = set(), set()
        for row in own:
            base = row.calendar_no - row.calendar_no % 10_000
            if base == self.limit:
                day, length = divmod(self.house.minute(row.starts), DAY)
                assert (length, row.ends - row.starts) == (0, timedelta(days=1))
                limits.add(("Talk", day, row.calendar_no - base))
            else:
                assert self.house.minute(classes[base].starts) == visit.start
                seats.add(row.calendar_no - base)
        limited = sum(service.a_day is not None for service, _ in visit.request.steps())
        in_class = visit.request.first.seats > 1
        assert len(limits) == limited
        assert len(seats) == (visit.request.party if in_class else 0)
        assert all(seat < SERVICES["Workshop"].seats for seat in seats)
        return frozenset(seats), frozenset(limits)

    def end(self, visit: Visit, state: str, *, version: int = 1, besides: Visit | None = None) -> None:
        """End a visit; `besides` takes its place, in its class perhaps."""
        visit.state, visit.until, visit.version = state, None, visit.version + version
        self.end_classes(besides)

    def end_classes(self, besides: Visit | None = None) -> None:
        """A class that nobody has a seat in any more does not take place."""
        sitting = [*(one for one in self.house.visits if one.state in TAKING), *([besides] if besides else [])]
        starts = {one.start for one in sitting if one.seats}
        self.house.classes = {start: who for start, who in self.house.classes.items() if start in starts}

"""Moving what was booked: to another time, to other people, into its own old place."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking
from booking_core.catalog import Catalog
from booking_core.models import Booking
from tests.booking_core.machine import Machine, people, picks, some
from tests.booking_core.model import MIDNIGHT, TENTATIVE, Request, Visit


class Moves(Machine):
    """The rules of the machine, and those that move."""

    @precondition(some("held", "pending_approval", "confirmed"))
    @rule(pick=picks, where=picks, anywhere=st.integers(0, 3), staff=st.none() | people, last=st.booleans())
    def reschedule(self, pick: int, where: int, anywhere: int, staff: str | None, last: bool) -> None:
        visit = self.any_visit(pick)
        if visit is not None:
            self.move(visit, where, anywhere, staff, last=last)

    @rule(pick=picks, where=picks)
    def move_what_several_do(self, pick: int, where: int) -> None:
        """Nobody is named: each part stays with its person if they are free."""
        # He could do both parts: whoever forgets who had which gives him all of it.
        package = Request(("Package",), people=(("Trim", "Bruno"), ("Massage", "Carla")))
        if self.house.free(package, 0):
            self.hold(package, 0, pick, 1)
        if visits := self.of_several():
            visit = visits[-1]
            self.move(visit, where, 1, None, last=False, by=self.same_people(visit))

    def of_several(self) -> list[Visit]:
        """Return what can be moved and is done by several people, one after the other, each by one of them."""
        return [
            one
            for one in self.house.visits
            if one.state in TENTATIVE | {"confirmed"}
            and len({part.staff[0] for part in one.parts}) > 1
            and self.same_people(one) is not None
        ]

    @rule(pick=picks, part=st.sampled_from([0, 0, 1]), to=st.sampled_from(["Bruno", "Bruno", "Ana", "Carla"]))
    def give(self, pick: int, part: int, to: str) -> None:
        """Somebody is given one part of a visit, often Bruno, who could do both and is then handed the other, too."""
        package = Request(("Package",), people=(("Trim", "Ana"), ("Massage", "Carla")))
        if self.house.free(package, 0):
            self.hold(package, 0, pick, 1)
        visits = [one for one in self.of_several() if self.givable(one)]
        if visits:
            self.hand_on(visits[-1], part, to)

    def givable(self, visit: Visit) -> bool:
        """Whether each service of a visit is one part with one person, so that a request says who does each."""
        alone = all(len(one.staff) == 1 for one in visit.parts) and visit.request.first.seats == 1
        once = len({one.service for one in visit.parts}) == len(visit.parts)
        return alone and once and self.same_people(visit) is not None

    def hand_on(self, visit: Visit, number: int, to: str) -> None:
        """Give one part to somebody, at the time at which it is: nobody else takes another part over."""
        again, house = self.same_people(visit), self.house
        assert again is not None
        was = visit.parts[number]
        given = {**dict(again.people), was.service: to}
        request = replace(again, people=tuple(given.items()))
        bounds = house.bounds(visit.start)
        movable = visit.state in TENTATIVE | {"confirmed"} and not visit.lapsed(house.now) and visit.starts > house.now
        expected = (
            movable
            and bounds is None
            and house.able(request)
            and house.possible(request, visit.start, visit.customer, visit)
        )
        taken = house.taken(visit.customer, visit)
        self.count += 1
        key = f"g{self.count}"

        async def do(session: AsyncSession, known: Catalog) -> Booking:
            return await booking.give(
                session, self.business_id, self.ids[visit.key],
                [booking.Give(number, self.staff[was.staff[0]], self.staff[to])],
                catalog=known, version=visit.version, now=house.now, actor="staff:x", key=key,
            )  # fmt: skip

        moved = self.attempt(do, expected, bounds if movable else None, name="give")
        if moved is not None:
            parts = self.parts(moved)
            self.judge(request, visit.start, parts, taken)
            visit.parts, visit.version = parts, visit.version + 1
            if visit.until is not None:
                visit.until = min(visit.until, max(visit.starts, house.now))
            self.place(visit)

    def move(
        self, visit: Visit, where: int, anywhere: int, staff: str | None, *, last: bool, by: Request | None = None
    ) -> None:
        """Move a visit to a time at which it is free, or to any; `by`: to one at which these people are."""
        request = replace(visit.request, staff=staff, people=())
        if staff is not None and last and len(visit.request.steps()) > 1:  # asked for the last part only
            request = replace(request, staff=None, people=((visit.request.steps()[-1][0].name, staff),))
        house, customer = self.house, visit.customer
        start = self.choose(house.free(by or request, customer, visit), where, anywhere)
        bounds = house.bounds(start)
        movable = visit.state in TENTATIVE | {"confirmed"} and not visit.lapsed(house.now) and visit.starts > house.now
        expected = (
            movable and bounds is None and house.able(request) and house.possible(request, start, customer, visit)
        )
        taken = house.taken(customer, visit)
        again = self.same_people(visit)
        stays = staff is None and again is not None and house.possible(again, start, None, visit)
        self.count += 1
        key = f"m{self.count}"

        async def do(session: AsyncSession, known: Catalog) -> Booking:
            return await booking.reschedule(
                session, self.business_id, self.ids[visit.key], catalog=known,
                starts=MIDNIGHT + timedelta(minutes=start),
                staff_id=self.staff[request.staff] if request.staff else None,
                staff_by_service=self.named(request), version=visit.version, now=house.now, actor="customer", key=key,
            )  # fmt: skip

        moved = self.attempt(do, expected, bounds if movable else None, name="reschedule")
        if moved is not None:
            parts = self.parts(moved)
            self.judge(request, start, parts, taken)
            if stays:
                assert again is not None
                self.judge(again, start, parts, taken)
            visit.start, visit.parts, visit.version = start, parts, visit.version + 1
            if visit.until is not None:  # what is not firm never outlasts its start
                visit.until = min(visit.until, max(visit.starts, house.now))
            self.place(visit)

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
        package = Request(("Package",), people=(("Massage", "Carla"),))
        if not self.of_several() and self.house.free(package, 0):
            self.hold(package, 0, pick, 1)
        if visits := self.of_several():
            self.move(visits[pick % len(visits)], where, 1, None, last=False)

    def of_several(self) -> list[Visit]:
        """Return what can be moved and is done by several people, one after the other."""
        return [
            one
            for one in self.house.visits
            if one.state in TENTATIVE | {"confirmed"} and len({part.staff[0] for part in one.parts}) > 1
        ]

    def move(self, visit: Visit, where: int, anywhere: int, staff: str | None, *, last: bool) -> None:
        request = replace(visit.request, staff=staff, people=())
        if staff is not None and last and len(visit.request.steps()) > 1:  # asked for the last part only
            request = replace(request, staff=None, people=((visit.request.steps()[-1][0].name, staff),))
        house, customer = self.house, visit.customer
        start = self.choose(house.free(request, customer, visit), where, anywhere)
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

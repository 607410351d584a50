"""What takes several steps to come about, each as one: a request and its answer, money that comes late, two at once."""

import asyncio
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking
from booking_core.catalog import load_catalog
from booking_core.models import Booking
from booking_core.refusals import BookingRefused
from tests.booking_core.machine import customers, people, picks, requests, some, waiting
from tests.booking_core.model import MIDNIGHT, TENTATIVE, Request, Visit
from tests.booking_core.moves import Moves

#: Until then the clock is put forward; there must be something left of the day.
NOON = MIDNIGHT + timedelta(hours=12)
_WAITS = text("""
SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
""")
#: What two want at one instant: one person, one of several, a room for each, a seat in a class.
RACED = [
    Request(("Trim",), "Bruno"), Request(("Trim",)), Request(("Massage",), "Carla"), Request(("Massage",)),
    Request(("Workshop",)), Request(("Workshop",), party=2), Request(("Duet",)),
]  # fmt: skip


class Stories(Moves):
    """The rules of the machine, and those that chance alone would seldom put in this order."""

    @rule(customer=customers, pick=picks, yes=st.booleans())
    def ask_and_be_answered(self, customer: int, pick: int, yes: bool) -> None:
        """The business agrees to a request, or declines it."""
        request = Request(("Talk",))
        if not self.house.free(request, customer):
            return
        self.hold(request, customer, pick, 1)
        visit = self.house.visits[-1]
        if yes:
            self.agree(visit)
        else:
            self.refuse(visit)

    @rule(request=requests, customer=customers, pick=picks, where=picks, staff=st.none() | people)
    def book_and_move(self, request: Request, customer: int, pick: int, where: int, staff: str | None) -> None:
        """Second thoughts: what was just booked moves, often into its own old time."""
        if self.house.free(request, customer):
            self.hold(request, customer, pick, 1)
            self.reschedule(0, where, 1, staff, last=where % 2 == 1)

    @precondition(some("held", "pending_approval"))
    @rule(pick=picks, then=st.sampled_from(["stands", "is tidied", "is paid", "is confirmed"]))
    def run_out(self, pick: int, then: str) -> None:
        """A hold runs out; it stands, is tidied up, is paid after that, or taken for one that still stood."""
        visit = self.any_visit(pick, TENTATIVE)
        if visit is None or visit.until is None or visit.until > NOON:
            return
        self.house.now = max(self.house.now, visit.until)
        if then != "stands":
            self.expire()
        if then == "is paid":
            self.retake(visit)
        elif then == "is confirmed":
            self.pay(visit)

    @rule(customer=customers, pick=picks, what=st.sampled_from(["check_in", "complete", "mark_no_show"]))
    def book_and_come(self, customer: int, pick: int, what: str) -> None:
        """The hour of a visit has come: its customer is there, or is not."""
        visit = self._paid(Request(("Trim",)), customer, pick)
        if visit is not None and visit.starts <= NOON:
            self.house.now = max(self.house.now, visit.starts)
            self.finish(visit, what)

    @rule(customer=customers, pick=picks)
    def book_and_be_missed(self, customer: int, pick: int) -> None:
        """Nobody came, and the business lets others have the time."""
        visit = self._paid(Request(("Cut",)), customer, pick)
        if visit is not None and visit.starts <= NOON:
            self.house.now = max(self.house.now, visit.starts)
            self.finish(visit, "mark_no_show")
            self.cancel(0, True)

    @rule(customer=customers, pick=picks, early=st.sampled_from([0, 30, 119, 120, 121]), by_business=st.booleans())
    def pay_and_cancel(self, customer: int, pick: int, early: int, by_business: bool) -> None:
        """What is paid and cancelled so many minutes before: in time, at the last moment, too late."""
        visit = self._paid(Request(("Cut",)), customer, pick)
        if visit is not None and visit.starts <= NOON:
            self.house.now = max(self.house.now, visit.starts - timedelta(minutes=early))
            self.cancel(0, by_business)

    def _paid(self, request: Request, customer: int, pick: int) -> Visit | None:
        """Book what is free and pay what is due."""
        if not self.house.free(request, customer):
            return None
        self.hold(request, customer, pick, 1)
        visit = self.house.visits[-1]
        if visit.state == "held":
            self.pay(visit)
        return visit

    @rule(request=st.sampled_from([Request(("Trim",)), Request(("Cut",))]), customer=waiting, yes=st.booleans())
    def wait_and_be_offered(self, request: Request, customer: int, yes: bool) -> None:
        """Somebody waits, is offered what is free, and answers."""
        self.wait_for(request, customer)
        before = len(self.offered)
        self.offer_what_is_free()
        for entry, visit in self.offered[before:]:
            self.answer(entry, visit, yes=yes)

    @rule(request=st.sampled_from(RACED), pick=picks, first=st.integers(0, 1))
    def two_at_once(self, request: Request, pick: int, first: int) -> None:
        """Two customers want one time; one has it but has not committed as the other looks."""
        house = self.house
        start = self.choose(house.free(request, None), pick, 1)
        made = self.run(self._race(request, start, first))
        self.tally[f"two at once, {sum(isinstance(one, Booking) for one in made)} of them"] += 1
        for customer, one in zip((first, 1 - first), made, strict=True):
            could = house.bounds(start) is None and house.possible(request, start, customer)
            if isinstance(one, Booking):
                assert could, "both took what there was once"
                self.keep(one, request, customer, house.taken(customer))
            else:
                assert not could, f"refused: {one.reason}"

    async def _race(self, request: Request, start: int, first: int) -> list[Booking | BookingRefused]:
        """Return what became of the first and of the other: the database makes the other wait for the first.

        Who wins is drawn, not left to chance: a run that cannot be repeated cannot be made smaller either.
        """

        async def other() -> Booking | BookingRefused:
            async with self.database.transaction() as session:
                return await self._hold(session, request, start, 1 - first)

        async with self.database.transaction() as session:
            made = await self._hold(session, request, start, first)
            waiting = asyncio.create_task(other())
            # Until the other has looked, however busy the machine is: it waits in the database then, or has done.
            async with self.database.connection() as beside:
                while not waiting.done() and not await beside.scalar(_WAITS):
                    await asyncio.sleep(0.002)
        return [made, await waiting]

    async def _hold(
        self, session: AsyncSession, request: Request, start: int, customer: int
    ) -> Booking | BookingRefused:
        self.count += 1
        known = await load_catalog(session, self.business_id)
        try:
            made: Booking = await booking.hold(
                session, catalog=known, wanted=self.wanted(request), starts=MIDNIGHT + timedelta(minutes=start),
                customer_id=self.customers[customer], conversation_id=None, key=f"k{self.count}", now=self.house.now,
            )  # fmt: skip
            return made
        except BookingRefused as refused:
            return refused

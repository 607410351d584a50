"""All that may be done to a small house, in the database and in memory: rule by rule, in any order."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking, calendar, disruption, offering, offers, waitlist
from booking_core.catalog import Catalog
from booking_core.models import Booking
from tests.booking_core.keeper import REQUESTS, Keeper
from tests.booking_core.model import (
    APPROVAL,
    CANCELLED,
    DAY,
    HOLD,
    LATE_CANCEL,
    MIDNIGHT,
    TENTATIVE,
    Absence,
    Minute,
    Request,
    Visit,
)

requests = st.sampled_from(REQUESTS)
people = st.sampled_from(["Ana", "Bruno", "Carla"])
picks = st.integers(0, 10_000)
customers = st.integers(0, 2)
#: Two more book nothing but what they are offered: whoever has what they wait for is offered nothing.
waiting = st.integers(0, 4)


def some(*states: str) -> Callable[[Any], bool]:
    """Only where there is a visit in one of these states; else the step would be wasted."""
    return lambda machine: any(one.state in states for one in machine.house.visits)


class Machine(Keeper):
    """All that may be done, to both houses."""

    @initialize(wishes=st.lists(st.tuples(requests, customers, picks), min_size=4, max_size=8))
    def begin(self, wishes: list[tuple[Request, int, int]]) -> None:
        for request, customer, pick in wishes:
            self.hold(request, customer, pick, 1)

    @rule(request=requests, customer=customers, pick=picks)
    def hold_what_is_listed(self, request: Request, customer: int, pick: int) -> None:
        if self.house.free(request, customer):
            self.hold(request, customer, pick, 1)

    @rule(request=requests, customer=customers, pick=picks, anywhere=st.integers(0, 3))
    def hold_anything(self, request: Request, customer: int, pick: int, anywhere: int) -> None:
        self.hold(request, customer, pick, anywhere)

    def hold(self, request: Request, customer: int, pick: int, anywhere: int) -> None:
        start = self.choose(self.house.free(request, customer), pick, anywhere)
        bounds = self.house.bounds(start)
        expected = bounds is None and self.house.able(request) and self.house.possible(request, start, customer)
        taken = self.house.taken(customer)
        self.count += 1
        key = f"k{self.count}"

        async def do(session: AsyncSession, known: Catalog) -> tuple[Booking, calendar.FreeSlots]:
            wanted, starts = self.wanted(request), MIDNIGHT + timedelta(minutes=start)
            listed = await calendar.free_slots(
                session, known, wanted=wanted, windows=[(starts, starts + timedelta(minutes=1))], now=self.house.now,
                customer_id=self.customers[customer],
            )  # fmt: skip
            made = await booking.hold(
                session, catalog=known, wanted=wanted, starts=starts, customer_id=self.customers[customer],
                conversation_id=None, key=key, now=self.house.now,
            )  # fmt: skip
            return made, listed

        made = self.attempt(do, expected, bounds)
        if made is not None:
            one, listed = made
            if listed.slots:
                assert listed.slots[0].staff_id == one.staff_id, "it was listed with somebody else"
            self.keep(one, request, customer, taken)

    def keep(self, one: Booking, request: Request, customer: int, taken: set[Minute]) -> Visit:
        """Have in memory what was just made in the database: a place that could be, its price, its state."""
        start, parts, now = self.house.minute(one.starts), self.parts(one), self.house.now
        self.judge(request, start, parts, taken)
        price, due = self.house.price(request, parts)
        state, until = "confirmed", None
        if any(service.approval for service, _ in request.steps()):
            state, until = "pending_approval", min(now + APPROVAL, MIDNIGHT + timedelta(minutes=start))
        elif due:
            state, until = "held", now + HOLD
        visit = Visit(one.idempotency_key, customer, request, state, until, price, due, start, parts)
        self.ids[visit.key] = one.id
        self.place(visit)
        self.house.visits.append(visit)
        return visit

    @precondition(lambda self: bool(self.house.visits))
    @rule(pick=picks)
    def hold_again(self, pick: int) -> None:
        """The same command once more changes nothing, whatever has become of it."""
        visit = self.any_visit(pick)
        if visit is None or visit.key.startswith("offer"):
            return

        async def do(session: AsyncSession, known: Catalog) -> Booking:
            return await booking.hold(
                session, catalog=known, wanted=self.wanted(visit.request), starts=visit.starts,
                customer_id=self.customers[visit.customer], conversation_id=None, key=visit.key, now=self.house.now,
            )  # fmt: skip

        again = self.attempt(do, True)
        assert again.id == self.ids[visit.key]

    @precondition(some("held", "pending_approval", "confirmed", "checked_in", "no_show"))
    @rule(pick=picks, by_business=st.booleans())
    def cancel(self, pick: int, by_business: bool) -> None:
        visit = self.any_visit(pick)
        if visit is None:
            return
        now = self.house.now
        by: Literal["customer", "business"] = "business" if by_business else "customer"
        over = visit.state in CANCELLED
        firm = visit.state in {"confirmed", "checked_in", "no_show"}
        allowed = TENTATIVE | ({"confirmed", "checked_in", "no_show"} if by_business else {"confirmed"})
        excused = by_business and visit.state != "no_show"
        expected = over or (visit.state in allowed and (by_business or visit.starts > now))

        async def do(session: AsyncSession, _: Catalog) -> booking.Cancellation:
            return await booking.cancel(
                session, self.business_id, self.ids[visit.key], by=by, version=None, now=now, actor=by
            )

        gone = self.attempt(do, expected)
        if gone is None:
            return
        assert gone.repeated == over
        if not over:
            paid = visit.due if firm else 0
            refund = paid if excused or visit.starts - now >= LATE_CANCEL else 0
            assert (gone.refund, gone.fee) == (refund, paid - refund)
            self.end(visit, f"cancelled_by_{by}")

    @precondition(some("held", "pending_approval"))
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        if (visit := self.any_visit(pick)) is not None:
            over = visit.state in CANCELLED | {"expired"}
            if self.simple(visit, booking.release, over or visit.state in TENTATIVE, actor="customer") and not over:
                self.end(visit, "cancelled_by_customer")

    @precondition(some("held"))
    @rule(pick=picks)
    def confirm(self, pick: int) -> None:
        visit = self.any_visit(pick)
        if visit is not None:
            self.pay(visit)

    def pay(self, visit: Visit) -> None:
        if self.simple(visit, booking.confirm, visit.state in {"held", "confirmed"}, actor="x"):
            visit.state, visit.until = "confirmed", None

    @precondition(some("expired"))
    @rule(pick=picks)
    def confirm_what_ran_out(self, pick: int) -> None:
        """Its time may be somebody else's by now: it is not simply firm again."""
        visit = self.any_visit(pick, {"expired"})
        if visit is not None:
            self.pay(visit)

    @precondition(some("expired"))
    @rule(pick=picks)
    def pay_late(self, pick: int) -> None:
        """Paid after it ran out: it is had again if it is still free."""
        visit = self.any_visit(pick, {"expired"})
        if visit is not None:
            self.retake(visit)

    def retake(self, visit: Visit) -> None:
        house = self.house
        # One person cannot do several at once: of guests who come together each has whoever is free.
        first = visit.parts[0].staff[0] if visit.request.party == 1 or visit.request.in_turn else None
        request = self.same_people(visit) or replace(visit.request, staff=first, people=())
        taken = house.taken(visit.customer)
        expected = house.bounds(visit.start) != "past" and house.possible(request, visit.start, visit.customer)
        if self.simple(visit, booking.retake, expected):
            visit.parts = self.parts(self.load(visit))
            self.judge(request, visit.start, visit.parts, taken)
            visit.state, visit.until = "confirmed", None
            self.place(visit)

    @staticmethod
    def same_people(visit: Visit) -> Request | None:
        """Return a visit's request with whom it has; None where one service is done by several."""
        if visit.request.party > 1:
            return None
        people = tuple((part.service, part.staff[0]) for part in visit.parts)
        return replace(visit.request, staff=None, people=people) if len(dict(people)) == len(set(people)) else None

    @precondition(some("pending_approval"))
    @rule(pick=picks)
    def approve(self, pick: int) -> None:
        visit = self.any_visit(pick, {"pending_approval", "held", "declined"})
        if visit is not None:
            self.agree(visit)

    def agree(self, visit: Visit) -> None:
        now = self.house.now
        pending = visit.state == "pending_approval"
        expected = visit.state == "held" or (pending and visit.starts > now)
        if self.simple(visit, booking.approve, expected, version=None, actor="staff:x") and pending:
            visit.state, visit.until = "held", min(now + APPROVAL, max(visit.starts, now + HOLD))

    @precondition(some("pending_approval"))
    @rule(pick=picks)
    def decline(self, pick: int) -> None:
        visit = self.any_visit(pick, {"pending_approval", "held", "declined"})
        if visit is not None:
            self.refuse(visit)

    def refuse(self, visit: Visit) -> None:
        over = visit.state == "declined"
        expected = over or visit.state == "pending_approval"
        if self.simple(visit, booking.decline, expected, version=None, actor="staff:x") and not over:
            self.end(visit, "declined")

    @precondition(some("confirmed", "checked_in", "completed", "no_show"))
    @rule(pick=picks, what=st.sampled_from(["check_in", "undo_check_in", "complete", "mark_no_show"]))
    def come_or_not(self, pick: int, what: str) -> None:
        visit = self.any_visit(pick, {"confirmed", "checked_in", "completed", "no_show"})
        if visit is not None:
            self.finish(visit, what)

    def finish(self, visit: Visit, what: str) -> None:
        before, after, early = {
            "check_in": ({"confirmed", "no_show"}, "checked_in", timedelta(hours=12)),
            "undo_check_in": ({"checked_in"}, "confirmed", timedelta(hours=12)),
            "complete": ({"confirmed", "checked_in", "no_show"}, "completed", timedelta(0)),
            "mark_no_show": ({"confirmed", "completed"}, "no_show", timedelta(0)),
        }[what]
        expected = visit.state == after or (visit.state in before and visit.starts - early <= self.house.now)
        if self.simple(visit, getattr(booking, what), expected, actor="staff:x"):
            visit.state = after

    @rule(minutes=st.sampled_from([1, 14, 15, 30, 90]))
    def pass_time(self, minutes: int) -> None:
        if self.house.now < MIDNIGHT + timedelta(hours=12):
            self.house.now += timedelta(minutes=minutes)

    @precondition(lambda self: any(one.lapsed(self.house.now) for one in self.house.visits))
    @rule()
    def expire(self) -> None:
        async def do(session: AsyncSession, _: Catalog) -> list[Booking]:
            # The houses of earlier runs stand in the same database, with what ran out in them.
            return await booking.expire_due(session, now=self.house.now, limit=100_000)

        gone = self.attempt(do, True)
        lapsed = [one for one in self.house.visits if one.lapsed(self.house.now)]
        assert gone is not None
        assert {one.id for one in gone} >= {self.ids[one.key] for one in lapsed}
        for one in lapsed:
            self.end(one, "expired", version=0)

    @rule(who=people, first=st.integers(0, 7), length=st.integers(1, 4), day=st.integers(0, 1))
    def take_time_off(self, who: str, first: int, length: int, day: int) -> None:
        off = Absence(who, day * DAY + 540 + 15 * first, day * DAY + 540 + 15 * (first + length))

        async def do(session: AsyncSession, known: Catalog) -> UUID:
            made = await disruption.record_time_off(
                session, catalog=known, staff_id=self.staff[who], starts=MIDNIGHT + timedelta(minutes=off.first),
                ends=MIDNIGHT + timedelta(minutes=off.last), now=self.house.now, actor="staff:x",
            )  # fmt: skip
            return made.id

        made = self.attempt(do, True)
        assert made is not None
        if made not in {one for one, _ in self.away}:
            self.away.append((made, off))
            self.house.absences.append(off)

    @precondition(lambda self: bool(self.away))
    @rule(pick=picks)
    def come_back(self, pick: int) -> None:
        if self.away:
            time_off_id, off = self.away.pop(pick % len(self.away))
            self.house.absences.remove(off)

            async def do(session: AsyncSession, _: Catalog) -> bool:
                return await disruption.remove_time_off(session, self.business_id, time_off_id) is not None

            assert self.attempt(do, True)

    @rule(
        request=st.sampled_from(
            [
                Request(("Trim",)),
                Request(("Massage",)),
                Request(("Cut",)),
                Request(("Trim", "Massage"), people=(("Trim", "Ana"), ("Massage", "Carla"))),
            ]
        ),
        customer=waiting,
    )
    def wait_for(self, request: Request, customer: int) -> None:
        self.count += 1
        key = f"w{self.count}"

        async def do(session: AsyncSession, known: Catalog) -> UUID:
            entry = await waitlist.join(
                session, catalog=known, wanted=self.wanted(request),
                windows=[(MIDNIGHT, MIDNIGHT + timedelta(days=2))], customer_id=self.customers[customer],
                conversation_id=None, key=key, now=self.house.now,
            )  # fmt: skip
            return entry.id

        entry = self.attempt(do, True)
        if entry is not None and entry not in {one for one, _, _ in self.entries}:
            self.entries.append((entry, customer, request))

    @precondition(lambda self: bool(self.entries))
    @rule()
    def offer_what_is_free(self) -> None:
        async def do(session: AsyncSession, _: Catalog) -> list[tuple[UUID, Booking]]:
            looked = await offering.offer_freed(session, self.business_id, now=self.house.now)
            return [(one.entry.id, one.booking) for one in looked.offers]

        made = self.attempt(do, True)
        assert made is not None
        for entry_id, one in made:
            customer, request = next((who, what) for known, who, what in self.entries if known == entry_id)
            start = self.house.minute(one.starts)
            assert start in self.house.free(request, None), "an offer of what is not free"
            parts, taken = self.parts(one), self.house.taken(customer)
            self.judge(request, start, parts, taken)
            price, due = self.house.price(request, parts)
            visit = Visit(one.idempotency_key, customer, request, "held", one.hold_expires_at, price, due, start, parts)
            assert visit.until is not None
            assert visit.until > self.house.now
            self.ids[visit.key] = one.id
            self.place(visit)
            self.house.visits.append(visit)
            self.offered.append((entry_id, visit))

    @precondition(lambda self: any(one.state == "held" for _, one in self.offered))
    @rule(pick=picks, yes=st.booleans())
    def answer_an_offer(self, pick: int, yes: bool) -> None:
        open_ones = [(entry, visit) for entry, visit in self.offered if visit.state == "held"]
        if open_ones:
            self.answer(*open_ones[pick % len(open_ones)], yes=yes)

    def answer(self, entry: UUID, visit: Visit, *, yes: bool) -> None:
        now = self.house.now
        self.offered = [one for one in self.offered if one[1] is not visit]

        async def do(session: AsyncSession, _: Catalog) -> object:
            if not yes:
                return await offers.decline(session, self.business_id, entry, self.ids[visit.key], now=now)
            return await offers.accept(
                session, self.business_id, entry, self.ids[visit.key], now=now, key=f"yes-{visit.key}"
            )

        answered = self.attempt(do, not yes or visit.starts > now, name="accept" if yes else "turn down")
        if answered is None:
            return
        if not yes:
            self.end(visit, "cancelled_by_customer")
        elif visit.due:
            visit.until = max(visit.until or now, now + HOLD)
        else:
            visit.state, visit.until = "confirmed", None

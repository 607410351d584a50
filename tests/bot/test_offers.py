"""Offers and proposals in their threads: what is said once, and what a tap or a plain yes comes to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking, disruption, waitlist
from booking_core.catalog import Catalog, load_catalog
from booking_core.customers import load_or_create
from booking_core.kit.clock import current_time
from booking_core.models import Booking, Business, MoveProposal, State, TimeOff, WaitlistEntry
from booking_core.proposals import expire_due as expire_proposals
from booking_core.requests import VisitRequest
from bot import disruption as absences
from bot import handoff, notices
from bot.actions.answers import own_bookings, pending_payment
from bot.actions.contract import Turn
from bot.actions.unasked import TAPS, answer_plainly, is_open
from bot.models import StaffTask
from bot.offers import offer_freed_time
from bot.sample import seed_business
from bot.turn import open_turn, speak
from bot.wiring import System, open_system
from channels import messages
from channels.conversations import open_conversation
from channels.models import ChannelAccount, Conversation, Message
from nlu.contract import Answer, Heard, Step, Understood
from payment_links import settle
from payment_links.models import Payment
from tests.flows.world import set_clock, settings_for

ZONE = ZoneInfo("Europe/Madrid")
THURSDAY = datetime(2027, 3, 4, tzinfo=ZONE)


def at(clock: str) -> datetime:
    return THURSDAY.replace(hour=int(clock[:2]), minute=int(clock[3:]))


@dataclass
class Desk:
    """The sample business on Tuesday, 2 March 2027, and people who write to it."""

    system: System
    database_url: str
    business_id: UUID
    threads: int = 0

    async def named(self, session: AsyncSession) -> tuple[Catalog, dict[str, UUID], dict[str, UUID]]:
        catalog = await load_catalog(session, self.business_id)
        return catalog, {one.name: one.id for one in catalog.services}, {one.name: one.id for one in catalog.staff}

    async def thread(self, session: AsyncSession, locale: str = "en-GB") -> Conversation:
        self.threads += 1
        now = await current_time(session)
        account = await session.scalar(
            select(ChannelAccount).where(
                ChannelAccount.business_id == self.business_id, ChannelAccount.channel == "web"
            )
        )
        thread = await open_conversation(session, account, f"guest-{self.threads}", now=now)
        customer = await load_or_create(session, self.business_id, None, name="Lu", locale=locale, now=now)
        thread.customer_id, thread.locale = customer.id, locale
        return thread

    async def book(
        self, session: AsyncSession, clock: str, thread: Conversation, service: str = "Beard trim"
    ) -> Booking:
        catalog, services, staff = await self.named(session)
        return await booking.hold(
            session, catalog=catalog, wanted=VisitRequest.one(services[service], staff["Bruno"]), starts=at(clock),
            customer_id=thread.customer_id, conversation_id=thread.id, key=f"{thread.id}:{clock}",
            now=await current_time(session),
        )  # fmt: skip

    async def wait(
        self, session: AsyncSession, first: str, last: str, thread: Conversation, service: str = "Beard trim"
    ) -> WaitlistEntry:
        catalog, services, staff = await self.named(session)
        return await waitlist.join(
            session, catalog=catalog, wanted=VisitRequest.one(services[service], staff["Bruno"]),
            windows=[(at(first), at(last))], customer_id=thread.customer_id, conversation_id=thread.id,
            key=f"wait:{thread.id}", now=await current_time(session),
        )  # fmt: skip

    async def offered(self) -> int:
        return await offer_freed_time(self.system, self.business_id, None)

    async def last(self, session: AsyncSession, thread: Conversation) -> Message:
        said = await messages.last_spoken(session, thread)
        assert said is not None
        return said

    async def turn(self, session: AsyncSession, thread: Conversation, key: str = "turn") -> Turn:
        thread = await session.get_one(Conversation, (thread.business_id, thread.id), populate_existing=True)
        catalog = await load_catalog(session, self.business_id)
        last = await messages.last_spoken(session, thread)
        now = await current_time(session)
        return await open_turn(self.system, session, catalog, thread, last=last, key=key, now=now)

    async def tap(self, thread: Conversation, label: str, key: str = "turn") -> tuple[dict[str, Any], Turn]:
        """Tap a choice under the last message, as a turn of the bot does."""
        async with self.system.db.transaction() as session:
            turn = await self.turn(session, thread, key)
            assert turn.last is not None
            choice = next(one for one in await messages.choices_of(session, turn.last) if label in one.label)
            answer = await TAPS[choice.meaning["do"]](turn, choice.meaning["args"], None)
            return await self._spoken(turn, answer), turn

    async def says(self, thread: Conversation, intent: str, key: str = "words") -> dict[str, Any]:
        async with self.system.db.transaction() as session:
            turn = await self.turn(session, thread, key)
            heard = Heard(intent, turn.now, turn.tz, turn.locale)
            step = Step(heard, Understood("en", intent, 1.0), {}, None, None, turn)
            answer = await answer_plainly(turn, step)
            assert answer is not None
            return await self._spoken(turn, answer)

    async def _spoken(self, turn: Turn, answer: Answer) -> dict[str, Any]:
        if not answer.say:
            return {}
        await speak(turn, answer.say)
        return dict(answer.say[-1])

    async def move_clock(self, local: str) -> None:
        await set_clock(self.database_url, local)


@pytest.fixture
async def desk(database_url: str, redis_url: str) -> AsyncIterator[Desk]:
    await set_clock(database_url, "2027-03-02T10:00")
    async with open_system(settings_for(database_url, redis_url)) as system:
        await seed_business(system.db, system.settings)
        async with system.db.transaction() as session:
            business_id = await session.scalar(select(Business.id))
        yield Desk(system, database_url, business_id)


async def full(desk: Desk, *locales: str, service: str = "Beard trim") -> tuple[Booking, list[Conversation]]:
    """One booking at eleven, and a thread for each that waits for just that time."""
    async with desk.system.db.transaction() as session:
        taken = await desk.book(session, "11:00", await desk.thread(session), service)
        if taken.state == State.HELD:
            await booking.confirm(session, desk.business_id, taken.id, now=await current_time(session), actor="system")
        waiting = [await desk.thread(session, locale) for locale in locales]
        for thread in waiting:
            await desk.wait(session, "11:00", "11:01", thread, service)
        return taken, waiting


async def cancel(desk: Desk, one: Booking) -> None:
    async with desk.system.db.transaction() as session:
        now = await current_time(session)
        await booking.cancel(session, desk.business_id, one.id, by="customer", version=None, now=now, actor="customer")


async def states(desk: Desk) -> list[str]:
    async with desk.system.db.transaction() as session:
        return list(
            await session.scalars(select(WaitlistEntry.state).order_by(WaitlistEntry.created_at, WaitlistEntry.id))
        )


async def kinds(desk: Desk) -> list[str]:
    async with desk.system.db.transaction() as session:
        return list(await session.scalars(select(StaffTask.kind).order_by(StaffTask.created_at)))


async def test_the_offer_says_all_that_is_agreed_to(desk: Desk) -> None:
    taken, (thread,) = await full(desk, "en-GB")
    assert await desk.offered() == 0
    await cancel(desk, taken)
    assert await desk.offered() == 1
    async with desk.system.db.transaction() as session:
        said = await desk.last(session, thread)
        assert said.act == "waitlist_offer"
        for part in ("Beard trim with Bruno", "4 Mar", "11:00", "€15.00", "10:30"):
            assert part in said.text, said.text
        labels = [one.label for one in await messages.choices_of(session, said)]
    assert labels == ["Yes, take it", "No, thanks", "Stop waiting"]
    assert await desk.offered() == 0, "run twice, it says nothing twice"


async def test_a_yes_is_booked_and_a_second_tap_says_so_again(desk: Desk) -> None:
    taken, (thread,) = await full(desk, "es-ES")
    await cancel(desk, taken)
    await desk.offered()
    async with desk.system.db.transaction() as session:
        offer = await desk.last(session, thread)
    assert "Ha quedado libre" in offer.text
    said, _ = await desk.tap(thread, "la quiero")
    assert (said["act"], await states(desk)) == ("booked", ["booked"])
    async with desk.system.db.transaction() as session:
        turn = await desk.turn(session, thread, "again")
        choice = (await messages.choices_of(session, offer))[0]
        again = await TAPS["take_offer"](turn, choice.meaning["args"], None)
        assert again.say[0]["act"] == "booked"
        assert await session.scalar(text("SELECT count(*) FROM booking WHERE state = 'confirmed'")) == 1


async def test_plain_words_answer_an_offer(desk: Desk) -> None:
    taken, (first, second) = await full(desk, "en-GB", "en-GB")
    await cancel(desk, taken)
    await desk.offered()
    assert (await desk.says(first, "deny"))["act"] == "waitlisted"
    assert await desk.offered() == 1, "the next one has it at once"
    assert (await desk.says(second, "affirm"))["act"] == "booked"
    assert await states(desk) == ["waiting", "booked"]


async def test_money_is_asked_for_after_the_yes_and_only_then(desk: Desk) -> None:
    taken, (thread,) = await full(desk, "en-GB", service="Haircut")
    await cancel(desk, taken)
    await desk.offered()
    async with desk.system.db.transaction() as session:
        assert "€10.00 deposit" in (await desk.last(session, thread)).text
        turn = await desk.turn(session, thread)
        assert await pending_payment(turn) == (False, None), "nobody waits for a payment page that nobody asked for"
    said, turn = await desk.tap(thread, "Yes")
    assert (said, turn.answer_follows, await states(desk)) == ({}, True, ["offered"])
    async with desk.system.db.transaction() as session:
        payment = await session.scalar(select(Payment))
        assert (payment.state, payment.amount) == ("requested", 1000)
        now = await current_time(session)
        paid = await booking.confirm(session, desk.business_id, payment.booking_id, now=now, actor="system")
        await notices.tell_settled(desk.system, session, settle.Paid(paid, payment), now=now)
        assert (await desk.last(session, thread)).act == "booked"
    assert await states(desk) == ["booked"]


async def test_an_offer_is_no_booking_yet(desk: Desk) -> None:
    taken, (thread,) = await full(desk, "en-GB")
    await cancel(desk, taken)
    await desk.offered()
    async with desk.system.db.transaction() as session:
        assert "no booking" in (await own_bookings(await desk.turn(session, thread)))["text"]
    await desk.tap(thread, "Yes")
    async with desk.system.db.transaction() as session:
        assert "11:00" in (await own_bookings(await desk.turn(session, thread)))["text"]


async def test_what_cannot_be_delivered_goes_to_the_next(desk: Desk) -> None:
    taken, (first, second) = await full(desk, "en-GB", "en-GB")
    await cancel(desk, taken)
    await desk.offered()
    async with desk.system.db.transaction() as session:
        message = await desk.last(session, first)
        for _ in range(2):
            await notices.delivery_failed(session, message)
    assert (await desk.offered(), await states(desk)) == (1, ["waiting", "offered"])
    assert await kinds(desk) == ["message_failed"]
    async with desk.system.db.transaction() as session:
        assert (await desk.last(session, second)).act == "waitlist_offer"


async def test_nobody_answers_and_it_is_passed_on_with_a_word(desk: Desk) -> None:
    taken, (thread,) = await full(desk, "en-GB")
    await cancel(desk, taken)
    await desk.offered()
    await desk.move_clock("2027-03-02T10:31")
    async with desk.system.db.transaction() as session:
        (gone,) = await booking.expire_due(session, now=await current_time(session))
    for _ in range(2):
        async with desk.system.db.transaction() as session:
            await notices.tell_hold_expired(desk.system, session, desk.business_id, gone.id)
    async with desk.system.db.transaction() as session:
        said = await desk.last(session, thread)
        assert (said.act, "couldn't hold" in said.text) == ("waitlisted", True)
        assert await session.scalar(text("SELECT count(*) FROM message")) == 2
    assert (await desk.tap(thread, "Stop waiting"))[0]["act"] == "info"
    assert await states(desk) == ["withdrawn"]


async def test_what_is_gone_is_said_with_what_goes_on(desk: Desk) -> None:
    taken, (thread,) = await full(desk, "en-GB")
    await cancel(desk, taken)
    await desk.offered()
    await desk.move_clock("2027-03-02T10:31")
    async with desk.system.db.transaction() as session:
        await booking.expire_due(session, now=await current_time(session))
        await desk.book(session, "11:00", await desk.thread(session))
    said, _ = await desk.tap(thread, "Yes")
    assert (said["act"], "has gone" in said["text"]) == ("waitlisted", True)
    assert await states(desk) == ["waiting"]


async def test_where_a_person_has_the_thread_they_are_asked_to_tell(desk: Desk) -> None:
    taken, (thread,) = await full(desk, "en-GB")
    async with desk.system.db.transaction() as session:
        await handoff.ask_for_person(session, await session.get_one(Conversation, (desk.business_id, thread.id)),
                                     await current_time(session))  # fmt: skip
    await cancel(desk, taken)
    assert (await desk.offered(), await kinds(desk)) == (1, ["waitlist_offer"])
    async with desk.system.db.transaction() as session:
        assert await messages.last_spoken(session, thread) is None


async def test_who_wants_no_messages_waits_no_longer(desk: Desk) -> None:
    taken, (first, second) = await full(desk, "en-GB", "en-GB")
    async with desk.system.db.transaction() as session:
        thread = await session.get_one(Conversation, (desk.business_id, first.id))
        thread.opted_out_at = await current_time(session)
    await cancel(desk, taken)
    await desk.offered()
    assert await states(desk) == ["withdrawn", "offered"]
    async with desk.system.db.transaction() as session:
        assert (await desk.last(session, second)).act == "waitlist_offer"


async def bruno_is_ill(desk: Desk, *clocks: str) -> tuple[list[Conversation], list[UUID]]:
    async with desk.system.db.transaction() as session:
        threads = [await desk.thread(session) for _ in clocks]
        for clock, thread in zip(clocks, threads, strict=True):
            await desk.book(session, clock, thread)
        catalog, _, staff = await desk.named(session)
        now = await current_time(session)
        time_off = await disruption.record_time_off(
            session, catalog=catalog, staff_id=staff["Bruno"], starts=at("00:00"), ends=at("23:59"), kind="sick",
            now=now, actor="staff:x",
        )  # fmt: skip
        results = await absences.find_places_for_all(
            session, catalog=catalog, time_off=time_off, now=now, actor="staff:x"
        )
    found = [result.proposal.id for result in results if result.proposal is not None]
    for _ in range(2):  # a job may run twice
        for proposal_id in found:
            await absences.tell_move_proposed(desk.system, desk.business_id, proposal_id)
    return threads, found


async def test_a_proposal_is_told_once_and_taken_by_a_tap(desk: Desk) -> None:
    (thread,), _ = await bruno_is_ill(desk, "11:00")
    async with desk.system.db.transaction() as session:
        said = await desk.last(session, thread)
        assert await session.scalar(text("SELECT count(*) FROM message")) == 1
        assert said.act == "offer_slots"
        assert "Bruno can't be there for Beard trim with Bruno" in said.text
        assert [one.label for one in await messages.choices_of(session, said)] == [
            "Yes, that suits me", "Other times", "Cancel it",
        ]  # fmt: skip
        assert is_open(await desk.turn(session, thread))
    moved, _ = await desk.tap(thread, "suits")
    assert moved["act"] == "rescheduled"
    async with desk.system.db.transaction() as session:
        one = await session.scalar(select(Booking))
        assert (one.version, one.state) == (2, State.CONFIRMED)


async def test_a_plain_no_to_a_proposal_cancels_nothing(desk: Desk) -> None:
    (thread,), _ = await bruno_is_ill(desk, "11:00")
    said = await desk.says(thread, "deny")
    assert [one["do"] for one in said["choices"]] == ["other_times", "cancel_hit", "person"]
    async with desk.system.db.transaction() as session:
        assert await session.scalar(select(MoveProposal.state)) == "open"
    gone, _ = await desk.tap(thread, "Cancel it")
    assert gone["act"] == "cancelled"
    async with desk.system.db.transaction() as session:
        assert await session.scalar(select(Booking.state)) == State.CANCELLED_BY_BUSINESS
        assert await session.scalar(text("SELECT count(*) FROM allocation")) == 0


async def test_what_nobody_answers_becomes_a_task_once(desk: Desk) -> None:
    _, (proposal_id,) = await bruno_is_ill(desk, "11:00")
    await absences.check_move(desk.system, desk.business_id, proposal_id)
    assert await kinds(desk) == [], "it is still open"
    await desk.move_clock("2027-03-03T10:30")
    async with desk.system.db.transaction() as session:
        assert len(await expire_proposals(session, now=await current_time(session))) == 1
    for _ in range(2):
        await absences.check_move(desk.system, desk.business_id, proposal_id)
    assert await kinds(desk) == ["time_off_unsettled"]


async def test_who_booked_while_a_time_off_was_written_down_becomes_a_task_once(desk: Desk) -> None:
    await bruno_is_ill(desk, "11:00")
    async with desk.system.db.transaction() as session:
        off, one = await session.scalar(select(TimeOff.id)), await session.scalar(select(Booking.id))
    await absences.check_time_off(desk.system, desk.business_id, off, [str(one)], None)
    assert await kinds(desk) == [], "it was known"
    for _ in range(2):
        await absences.check_time_off(desk.system, desk.business_id, off, [], None)
    assert await kinds(desk) == ["time_off_unsettled"]


async def test_a_move_that_was_found_elsewhere_needs_nobody(desk: Desk) -> None:
    _, (proposal_id,) = await bruno_is_ill(desk, "11:00")
    async with desk.system.db.transaction() as session:
        catalog, *_ = await desk.named(session)
        one = await session.scalar(select(Booking))
        await booking.reschedule(
            session, desk.business_id, one.id, catalog=catalog, starts=one.starts + timedelta(days=1),
            staff_id=one.staff_id, version=1, now=await current_time(session), actor="customer", key="elsewhere",
        )  # fmt: skip
    await desk.move_clock("2027-03-03T10:30")
    async with desk.system.db.transaction() as session:
        await expire_proposals(session, now=await current_time(session))
    await absences.check_move(desk.system, desk.business_id, proposal_id)
    assert await kinds(desk) == []


async def test_a_thread_of_a_person_means_a_call(desk: Desk) -> None:
    async with desk.system.db.transaction() as session:
        thread = await desk.thread(session)
        await handoff.ask_for_person(session, thread, await current_time(session))
        await desk.book(session, "11:00", thread)
        catalog, _, staff = await desk.named(session)
        now = await current_time(session)
        time_off = await disruption.record_time_off(
            session, catalog=catalog, staff_id=staff["Bruno"], starts=at("00:00"), ends=at("23:59"), kind="sick",
            now=now, actor="staff:x",
        )  # fmt: skip
        (result,) = await absences.find_places_for_all(
            session, catalog=catalog, time_off=time_off, now=now, actor="staff:x"
        )
    assert result.proposal is not None
    await absences.tell_move_proposed(desk.system, desk.business_id, result.proposal.id)
    assert await kinds(desk) == ["time_off_call"]

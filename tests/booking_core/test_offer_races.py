"""Offers and proposals under many hands at once: several connections to a real database, and one truth."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking, disruption, offering, offers, proposals, waitlist
from booking_core.kit.db import Database
from booking_core.models import Booking, MoveProposal, State, WaitlistEntry
from booking_core.refusals import BookingRefused, Reason
from tests.booking_core.line import NOW, Line, later
from tests.booking_core.shop import Shop, at, open_shop

CONNECTIONS = 12
_DICE = random.Random(7)
ROUNDS = 6
#: When an offer of `NOW` has just run out, and when a proposal has.
OFFER_ENDS, PROPOSAL_ENDS = later(30), at("11:00")
FULL = [f"{hour:02}:{minute:02}" for hour in range(9, 13) for minute in (0, 20, 40)]
_DOUBLE = text(
    "SELECT count(*) FROM allocation a JOIN allocation b "
    "ON a.calendar_no = b.calendar_no AND a.during && b.during AND a.id < b.id"
)


@pytest.fixture
async def crowd(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=CONNECTIONS)
    yield database
    await database.close()


async def in_line(db: Database, waiting: int, freed: int, **more: Any) -> tuple[Shop, list[UUID]]:
    """Fill Ana's morning, let some wait, then free some of it."""
    async with db.transaction() as session:
        line = Line(await open_shop(session, **more))
        full = await line.fill(*FULL)
        entries = [(await line.join(now=later(n / 100))).id for n in range(waiting)]
        for one in full[-freed:] if freed else ():
            await line.cancel(one)
        return line.shop, entries


async def attempt(db: Database, what: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
    """Do something in a transaction of its own, a moment sooner or later; a refusal is a result like any other."""
    await asyncio.sleep(_DICE.random() * 0.02)
    try:
        async with db.transaction() as session:
            return await what(session)
    except BookingRefused as refused:
        return refused.reason


async def looks(db: Database, shop: Shop, now: datetime = NOW) -> list[offering.Offer]:
    return (await attempt(db, lambda session: offering.offer_freed(session, shop.business_id, now=now))).offers


async def assert_sound(db: Database) -> None:
    """No time is taken twice; every open offer belongs to one entry, and every hold of the list to an open offer."""
    async with db.transaction() as session:
        assert await session.scalar(_DOUBLE) == 0
        rows = await session.execute(
            select(WaitlistEntry.offer_id, Booking.state)
            .join(Booking, Booking.id == WaitlistEntry.offer_id)
            .where(WaitlistEntry.offer_id.is_not(None))
        )
        offered = list(rows.tuples())
        assert len({offer_id for offer_id, _ in offered}) == len(offered)


async def test_many_look_at_once_and_the_first_in_the_line_are_served(crowd: Database) -> None:
    shop, entries = await in_line(crowd, waiting=20, freed=5)
    made = [offer for offers_ in await asyncio.gather(*(looks(crowd, shop) for _ in range(10))) for offer in offers_]
    assert Counter(offer.entry.id for offer in made) == Counter(entries[:5])
    assert len({offer.booking.starts for offer in made}) == 5
    await assert_sound(crowd)


async def test_the_line_against_customers_who_book_themselves(crowd: Database) -> None:
    shop, _ = await in_line(crowd, waiting=6, freed=4)

    async def books(n: int) -> Any:
        async def do(session: AsyncSession) -> Booking:
            return await Line(Shop(session, shop.business_id, shop.location_id, shop.services, shop.staff),
                              keys=1000 + n).book(FULL[-1 - n % 4])  # fmt: skip

        return await attempt(crowd, do)

    results = await asyncio.gather(*(books(n) for n in range(12)), *(looks(crowd, shop) for _ in range(4)))
    booked = [one for one in results if isinstance(one, Booking)]
    offered = [offer for one in results if isinstance(one, list) for offer in one]
    assert len(booked) + len(offered) == 4
    assert {one for one in results if isinstance(one, Reason)} <= {Reason.HELD, Reason.STAFF_BUSY}
    await assert_sound(crowd)


async def test_one_offer_accepted_by_many_hands(crowd: Database) -> None:
    shop, (entry,) = await in_line(crowd, waiting=1, freed=1)
    (offer,) = await looks(crowd, shop)

    async def yes(n: int) -> Any:
        return await attempt(
            crowd,
            lambda session: offers.accept(session, shop.business_id, entry, offer.booking.id, now=NOW, key=f"yes-{n}"),
        )

    results = await asyncio.gather(*(yes(n) for n in range(12)))
    assert Counter(one.repeated for one in results) == {False: 1, True: 11}
    assert {one.booking.id for one in results} == {offer.booking.id}
    async with crowd.transaction() as session:
        assert (
            await session.scalar(text("SELECT count(*) FROM reminder WHERE booking_id = :id"), {"id": offer.booking.id})
            == 1
        )
    await assert_sound(crowd)


@pytest.mark.parametrize("against", ["expire", "decline", "withdraw"])
async def test_a_yes_against_the_end_of_an_offer(crowd: Database, against: str) -> None:
    """Whoever commits first decides: booked with its time, or free for the next with nothing left behind."""
    for n in range(ROUNDS):
        shop, (entry, second) = await in_line(crowd, waiting=2, freed=1)
        (offer,) = await looks(crowd, shop)
        ends: dict[str, Callable[[AsyncSession], Awaitable[Any]]] = {
            "expire": lambda session: booking.expire_due(session, now=OFFER_ENDS),
            "decline": lambda session, shop=shop, offer=offer: offers.decline(
                session, shop.business_id, offer.entry.id, offer.booking.id, now=OFFER_ENDS
            ),
            "withdraw": lambda session, shop=shop, offer=offer: waitlist.withdraw(
                session, shop.business_id, offer.entry.id, now=OFFER_ENDS, actor="customer"
            ),
        }

        async def yes(shop: Shop = shop, offer: offering.Offer = offer, key: str = f"yes-{n}") -> Any:
            return await attempt(
                crowd,
                lambda session: offers.accept(
                    session, shop.business_id, offer.entry.id, offer.booking.id, now=OFFER_ENDS, key=key
                ),
            )

        # The end of it, a yes, and the look that passes it on, all at the same instant.
        accepted, _, passed_on = await asyncio.gather(
            yes(), attempt(crowd, ends[against]), looks(crowd, shop, OFFER_ENDS)
        )
        passed_on += await looks(crowd, shop, OFFER_ENDS)
        taken = isinstance(accepted, offers.Accepted) and accepted.booking.state == State.CONFIRMED
        async with crowd.transaction() as session:
            first = await waitlist.load_entry(session, shop.business_id, entry)
            next_one = await waitlist.load_entry(session, shop.business_id, second)
        if taken:
            assert (first.state, next_one.state, passed_on) == ("booked", "waiting", [])
        else:
            assert first.state in {"waiting", "withdrawn"}
            assert [one.entry.id for one in passed_on] == [second]
            assert next_one.state == "offered"
        await assert_sound(crowd)


async def held_elsewhere(db: Database) -> tuple[Shop, Booking, MoveProposal]:
    async with db.transaction() as session:
        line = Line(await open_shop(session))
        one = await line.book("12:00")
        time_off = await disruption.record_time_off(
            session, catalog=await line.shop.catalog(), staff_id=line.shop.staff["Ana"], starts=at("09:00"),
            ends=at("13:00"), kind="sick", now=NOW, actor="staff:x",
        )  # fmt: skip
        (result,) = await disruption.propose_all(
            session, catalog=await line.shop.catalog(), time_off=time_off, now=NOW, actor="staff:x"
        )
        assert result.proposal is not None
        return line.shop, one, result.proposal


async def moves(db: Database, shop: Shop, proposal: MoveProposal, now: datetime, key: str) -> Any:
    return await attempt(db, lambda session: proposals.accept(session, shop.business_id, proposal.id, now=now, key=key))


async def test_one_proposal_accepted_by_many_hands(crowd: Database) -> None:
    shop, one, proposal = await held_elsewhere(crowd)
    results = await asyncio.gather(*(moves(crowd, shop, proposal, NOW, f"yes-{n}") for n in range(10)))
    assert {(result.id, result.version, result.staff_id) for result in results} == {(one.id, 2, shop.staff["Bruno"])}
    async with crowd.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM allocation")) == 1
        assert await session.scalar(text("SELECT count(*) FROM booking_audit WHERE move = 'reschedule'")) == 1


@pytest.mark.parametrize("against", ["expire", "decline", "cancel"])
async def test_a_yes_against_the_end_of_a_proposal(crowd: Database, against: str) -> None:
    for n in range(ROUNDS):
        shop, one, proposal = await held_elsewhere(crowd)
        ends: dict[str, Callable[[AsyncSession], Awaitable[Any]]] = {
            "expire": lambda session: proposals.expire_due(session, now=PROPOSAL_ENDS),
            "decline": lambda session, shop=shop, proposal=proposal: proposals.decline(
                session, shop.business_id, proposal.id, now=PROPOSAL_ENDS
            ),
            "cancel": lambda session, shop=shop, one=one: booking.cancel(
                session, shop.business_id, one.id, by="business", version=None, now=PROPOSAL_ENDS, actor="staff:x"
            ),
        }
        moved, _ = await asyncio.gather(
            moves(crowd, shop, proposal, PROPOSAL_ENDS, f"yes-{n}"), attempt(crowd, ends[against])
        )
        async with crowd.transaction() as session:
            now_is = await booking.load(session, shop.business_id, one.id)
            known = await proposals.load_proposal(session, shop.business_id, proposal.id)
            count = await session.scalar(text("SELECT count(*) FROM allocation WHERE booking_id = :id"), {"id": one.id})
            held = await session.scalar(
                text("SELECT count(*) FROM allocation WHERE booking_id = :id AND proposed"), {"id": one.id}
            )
        if now_is.state == State.CANCELLED_BY_BUSINESS:
            assert (count, against) == (0, "cancel")
        elif isinstance(moved, Booking):
            assert (now_is.staff_id, count, known.state) == (shop.staff["Bruno"], 1, "accepted")
        else:
            assert (now_is.staff_id, count, moved) == (shop.staff["Ana"], 1, Reason.STAFF_BUSY)
        assert held == 0
        await assert_sound(crowd)


async def test_two_at_the_desk_look_for_places_at_once(crowd: Database) -> None:
    async with crowd.transaction() as session:
        line = Line(await open_shop(session))
        await line.fill(*FULL[3:9])
        time_off = await disruption.record_time_off(
            session, catalog=await line.shop.catalog(), staff_id=line.shop.staff["Ana"], starts=at("09:00"),
            ends=at("13:00"), kind="sick", now=NOW, actor="staff:x",
        )  # fmt: skip
        shop = line.shop

    async def find(_: int) -> list[disruption.Result]:
        async with crowd.transaction() as session:
            catalog = await Shop(session, shop.business_id, shop.location_id, shop.services, shop.staff).catalog()
            return await disruption.propose_all(session, catalog=catalog, time_off=time_off, now=NOW, actor="staff:x")

    both = await asyncio.gather(*(find(n) for n in range(4)))
    assert Counter(result.known for results in both for result in results) == {False: 6, True: 18}
    await assert_sound(crowd)

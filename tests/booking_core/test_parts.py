"""A person for each part of a visit: wished for, refused, quoted, moved, paid late, waited for, repeated."""

from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import booking, disruption, offering, offers, proposals, series, waitlist
from booking_core.calendar import only_place
from booking_core.catalog import load_catalog
from booking_core.models import Booking, State
from booking_core.placed import request_of
from booking_core.quotes import quote
from booking_core.refusals import BookingRefused, Reason
from booking_core.series import OnConflict
from tests.booking_core.house import MONDAY, NOW, House, at, open_house

#: Who does a part with which others could do: only wishes tell them apart.
FILE = """
business: {slug: parts, name: Parts, timezone: Europe/Madrid, currency: EUR, locale: en-GB,
           policy: {lead_time: 0, booking_window: 60}}
locations: [{name: North, address: Street 1}, {name: South, address: Street 2, timezone: Atlantic/Canary}]
services:
  - {name: Cut, duration: 30, price: "30.00", slot_interval: 30}
  - {name: Colour, duration: 60, price: "60.00", slot_interval: 30}
  - {name: Talk, duration: 30, price: "0.00", slot_interval: 30, approval: true}
  - {name: Massage, duration: 30, price: "40.00", slot_interval: 30}
  - {name: Makeover, segments: [{service: Cut}, {service: Colour, max_wait: 30}], price: "85.00", slot_interval: 30,
     payment: deposit, deposit: "20.00"}
  - {name: Ritual, segments: [{service: Cut}, {service: Colour, same_staff: true}], price: "80.00"}
staff:
  - {name: Ana, location: North, services: {Cut: , Colour: , Talk: }, hours: {mon-fri: "9:00-15:00"}}
  - {name: Bruno, location: North, services: {Cut: {price: "36.00"}, Colour: {price: "70.00", duration: 90}, Talk: },
     hours: {mon-fri: "9:00-15:00"}}
  - {name: Carla, location: North, services: {Massage: }, hours: {mon-fri: "9:00-15:00"}}
  - {name: Dora, location: South, services: {Cut: , Colour: }, hours: {mon-fri: "9:00-15:00"}}
"""


@pytest.fixture
async def house(session: AsyncSession, tmp_path: Path) -> House:
    return await open_house(session, tmp_path, FILE)


def named(house: House, **people: str) -> tuple[tuple[UUID, UUID], ...]:
    return tuple((house.service(service), house.person(who)) for service, who in people.items())


async def refused(awaitable: Awaitable[object], reason: Reason) -> None:
    with pytest.raises(BookingRefused) as caught:
        await awaitable
    assert caught.value.reason == reason


async def test_each_part_is_done_by_whom_was_named(house: House) -> None:
    both = {"staff_by_service": named(house, Cut="Ana", Colour="Bruno")}
    one = await house.book("09:00", "Cut", "Colour", **both)
    assert house.parts(one) == ["09:00-09:30 Cut Ana", "09:30-11:00 Colour Bruno"]
    # Their own prices and lengths; and nobody had to look, as there was nothing to choose.
    assert (one.price, one.staff_id) == (10_000, house.person("Ana"))
    wanted = house.wanted("Cut", "Colour", **both)
    assert quote(house.known, wanted, location_id=house.place("North")).total == 10_000
    assert only_place(house.known, wanted, at("11:00"), now=NOW) is not None
    assert only_place(house.known, house.wanted("Cut", "Colour"), at("11:00"), now=NOW) is None
    other = await house.book("11:00", "Cut", "Colour", staff_by_service=named(house, Colour="Ana"), place="North")
    assert house.parts(other)[1] == "11:30-12:30 Colour Ana"


async def test_a_name_for_one_part_leaves_the_others_to_the_visit_s_person(house: House) -> None:
    one = await house.book("09:00", "Cut", "Colour", staff="Bruno", staff_by_service=named(house, Colour="Ana"))
    assert house.parts(one) == ["09:00-09:30 Cut Bruno", "09:30-10:30 Colour Ana"]


async def test_parts_of_a_package_have_their_own_people(house: House) -> None:
    one = await house.book("09:00", "Makeover", staff_by_service=named(house, Colour="Bruno", Makeover="Ana"))
    assert house.parts(one) == ["09:00-09:30 Cut Ana", "09:30-11:00 Colour Bruno"]
    assert one.price == 8500


async def test_a_single_service_s_person_is_the_visit_s(house: House) -> None:
    assert house.wanted("Cut", staff_by_service=named(house, Cut="Ana")) == house.wanted("Cut", staff="Ana")
    one, other = named(house, Cut="Ana", Colour="Bruno")
    both = house.wanted("Cut", "Colour", staff_by_service=(one, other))
    assert both == house.wanted("Cut", "Colour", staff_by_service=(other, one))


@pytest.mark.parametrize(
    ("services", "staff", "people"),
    [
        (("Cut", "Massage"), None, {"Massage": "Ana"}),  # she gives none
        (("Cut", "Colour"), None, {"Cut": "Ana", "Colour": "Dora"}),  # they work in different houses
        (("Cut", "Colour"), "Carla", {"Cut": "Ana"}),  # Carla is left with nothing that she does
        (("Cut", "Colour"), "Ana", {"Cut": "Bruno", "Colour": "Bruno"}),  # Ana is
        (("Makeover",), None, {"Makeover": "Carla"}),
        (("Ritual",), None, {"Cut": "Ana", "Colour": "Bruno"}),  # one person does it all
    ],
)
async def test_who_does_not_do_their_part_is_refused(
    house: House, services: tuple[str, ...], staff: str | None, people: dict[str, str]
) -> None:
    wish = {"staff": staff, "staff_by_service": named(house, **people)}
    await refused(house.book("09:00", *services, **wish), Reason.STAFF_CANNOT)
    found = await house.free(*services, **wish)
    assert (found.slots, found.reason) == ([], Reason.STAFF_CANNOT)


async def test_who_is_busy_in_their_part_is_refused_as_busy(house: House) -> None:
    await house.book("09:30", "Cut", staff="Bruno")
    await refused(
        house.book("09:00", "Cut", "Colour", staff_by_service=named(house, Cut="Ana", Colour="Bruno")),
        Reason.STAFF_BUSY,
    )
    clocks = await house.clocks("Cut", "Colour", staff_by_service=named(house, Cut="Ana", Colour="Bruno"))
    assert clocks == ["09:30", "10:00", "10:30", "11:00", "11:30", "12:00", "12:30", "13:00"]


async def test_a_person_for_what_the_visit_has_not_got_is_refused(house: House) -> None:
    await refused(house.book("09:00", "Cut", staff_by_service=named(house, Colour="Ana")), Reason.UNKNOWN)
    await refused(_join(house, "Cut", people={"Colour": "Ana"}), Reason.UNKNOWN)
    await refused(_join(house, "Cut", "Massage", people={"Massage": "Ana"}), Reason.STAFF_CANNOT)


async def test_a_moved_visit_keeps_each_part_s_person_where_it_can(house: House) -> None:
    one = await house.book("09:00", "Cut", "Colour", staff_by_service=named(house, Cut="Ana", Colour="Bruno"))
    one = await house.move(one, "10:00")
    assert house.parts(one) == ["10:00-10:30 Cut Ana", "10:30-12:00 Colour Bruno"]
    # Who is away then is replaced; the others stay.
    await house.book("12:00", "Cut", staff="Bruno")
    one = await house.move(one, "11:00")
    assert house.parts(one) == ["11:00-11:30 Cut Ana", "11:30-12:30 Colour Ana"]
    one = await house.move(one, "09:00", staff_by_service=named(house, Colour="Bruno"))
    assert house.parts(one) == ["09:00-09:30 Cut Ana", "09:30-11:00 Colour Bruno"]
    await refused(house.move(one, "09:30", staff_by_service=named(house, Massage="Carla")), Reason.UNKNOWN)


async def test_a_visit_that_is_paid_late_is_had_again_with_the_same_people(house: House) -> None:
    people = named(house, Cut="Ana", Colour="Bruno")
    one = await house.book("09:00", "Makeover", staff_by_service=people)
    late = NOW + timedelta(hours=1)
    await booking.expire_due(house.session, now=late)
    # Ana could do the colour as well: nobody asked her to.
    other = await house.book("09:30", "Colour", staff="Bruno", now=late)
    with pytest.raises(BookingRefused):
        await booking.retake(house.session, one.business_id, one.id, now=late)
    await house.cancel(other)
    again = await booking.retake(house.session, one.business_id, one.id, now=late)
    assert house.parts(again) == ["09:00-09:30 Cut Ana", "09:30-11:00 Colour Bruno"]


async def test_a_package_after_another_service_is_still_one_when_it_moves(house: House) -> None:
    """Its parts may wait for each other then, too; what is the same service twice stays that."""
    one = await house.book("09:00", "Massage", "Makeover")
    again = request_of(house.known, one)
    assert again.service_ids == (house.service("Massage"), house.service("Makeover"))
    assert (await house.move(one, "10:00")).price == one.price
    assert request_of(house.known, one).service_ids == again.service_ids
    twice = await house.book("15:00", "Cut", "Cut")
    assert request_of(house.known, twice).service_ids == (house.service("Cut"),) * 2


async def _join(house: House, *services: str, people: dict[str, str]) -> UUID:
    house.keys += 1
    entry = await waitlist.join(
        house.session, catalog=house.known, wanted=house.wanted(*services, staff_by_service=named(house, **people)),
        windows=[(at("11:00"), at("11:01"))], customer_id=await house.customer(), conversation_id=None,
        key=f"wait-{house.keys}", now=NOW,
    )  # fmt: skip
    return entry.id


async def _offered(house: House) -> Booking:
    looked = await offering.offer_freed(house.session, house.known.business.id, now=NOW)
    (offer,) = looked.offers
    return offer.booking


async def test_who_waits_for_certain_people_is_offered_them(house: House) -> None:
    busy = await house.book("11:30", "Cut", staff="Bruno")
    people = {"Cut": "Ana", "Colour": "Bruno"}
    entry = await _join(house, "Cut", "Colour", people=people)
    assert (await offering.offer_freed(house.session, house.known.business.id, now=NOW)).offers == []
    await house.cancel(busy)
    offered = await _offered(house)
    assert house.parts(offered) == ["11:00-11:30 Cut Ana", "11:30-13:00 Colour Bruno"]
    kept = await waitlist.load_entry(house.session, house.known.business.id, entry)
    assert waitlist.request_of(kept) == house.wanted("Cut", "Colour", staff_by_service=named(house, **people))
    accepted = await offers.accept(
        house.session, house.known.business.id, entry, offered.id, now=NOW, key="yes", actor="customer"
    )
    assert accepted.booking.state == State.CONFIRMED


@pytest.mark.parametrize("services", [("Cut", "Colour"), ("Cut", "Colour", "Talk")])
async def test_a_late_yes_is_to_the_people_who_were_offered(house: House, services: tuple[str, ...]) -> None:
    """Nobody was named: all the same the offer said who, and the yes was to that."""
    busy = await house.book("11:00", "Talk", staff="Ana", actor="staff:x")
    entry = await _join(house, *services, people={"Colour": "Bruno"})
    offered = await _offered(house)
    was = house.parts(offered)
    assert was[0] == "11:00-11:30 Cut Bruno"
    await house.cancel(busy)  # now Ana could do the cut, and would be asked first
    late = at("10:30")
    await booking.expire_due(house.session, now=late)
    accepted = await offers.accept(
        house.session, house.known.business.id, entry, offered.id, now=late, key="yes", actor="customer"
    )
    assert accepted.booking.id != offered.id
    assert house.parts(accepted.booking) == was


async def test_a_series_has_the_same_people_every_time(house: House) -> None:
    await house.book("09:30", "Cut", staff="Bruno", day=MONDAY + timedelta(days=7))
    made = await series.hold_series(
        house.session, catalog=house.known,
        wanted=house.wanted("Cut", "Colour", staff_by_service=named(house, Cut="Ana", Colour="Bruno")),
        starts=at("09:00"), rule="FREQ=WEEKLY;COUNT=2", on_conflict=OnConflict.SWAP,
        customer_id=await house.customer(), conversation_id=None, key="series", now=NOW,
    )  # fmt: skip
    parts = [house.parts(one.booking) for one in made.occurrences if one.booking is not None]
    assert parts[0] == ["09:00-09:30 Cut Ana", "09:30-11:00 Colour Bruno"]
    assert parts[1] == ["09:30-10:00 Cut Ana", "10:00-11:30 Colour Bruno"]
    assert made.occurrences[1].reason == Reason.STAFF_BUSY


async def test_a_series_goes_by_the_clock_of_whoever_is_named(house: House) -> None:
    made = await series.hold_series(
        house.session, catalog=house.known,
        wanted=house.wanted("Cut", "Colour", staff_by_service=named(house, Colour="Dora")),
        starts=at("10:00"), rule="FREQ=DAILY;COUNT=1", on_conflict=OnConflict.REFUSE,
        customer_id=await house.customer(), conversation_id=None, key="series", now=NOW,
    )  # fmt: skip
    (one,) = made.occurrences
    assert one.booking is not None
    assert one.booking.location_id == house.place("South")


async def _lost(house: House, one: Booking) -> proposals.MoveProposal:
    """Have Bruno away all that day; return what is offered instead."""
    off = await disruption.record_time_off(
        house.session, catalog=house.known, staff_id=house.person("Bruno"), starts=at("09:00"), ends=at("15:00"),
        now=NOW, actor="staff:x",
    )  # fmt: skip
    known = await load_catalog(house.session, house.known.business.id)
    (result,) = await disruption.propose_all(house.session, catalog=known, time_off=off, now=NOW, actor="staff:x")
    assert result.booking.id == one.id
    assert result.proposal is not None
    return result.proposal


async def test_who_asked_for_both_waits_for_both(house: House) -> None:
    """Ana is there all day and could do it all, but the colour was asked of Bruno."""
    people = {"staff_by_service": named(house, Cut="Ana", Colour="Bruno")}
    one = await house.book("10:00", "Cut", "Colour", **people, asked_for=True)
    proposal = await _lost(house, one)
    assert proposal.starts == at("09:00", MONDAY + timedelta(days=1))  # the nearest with both
    moved = await proposals.accept(house.session, one.business_id, proposal.id, now=NOW, key="yes")
    assert [part.split()[-1] for part in house.parts(moved)] == ["Ana", "Bruno"]


async def test_who_asked_for_nobody_keeps_the_time_and_whoever_is_there(house: House) -> None:
    one = await house.book("10:00", "Cut", "Colour", staff_by_service=named(house, Cut="Ana", Colour="Bruno"))
    proposal = await _lost(house, one)
    assert proposal.starts == at("10:00")
    assert [part["staff"] for part in proposal.parts] == [[str(house.person("Ana"))]] * 2


async def test_a_late_yes_to_another_time_keeps_each_part_s_person(house: House) -> None:
    people = {"staff_by_service": named(house, Cut="Ana", Colour="Bruno")}
    one = await house.book("10:00", "Cut", "Colour", **people, asked_for=True)
    proposal = await _lost(house, one)
    await proposals.expire_due(house.session, now=NOW + timedelta(days=1))
    moved = await proposals.accept(
        house.session, one.business_id, proposal.id, now=NOW + timedelta(minutes=5), key="yes"
    )
    assert [part.split()[-1] for part in house.parts(moved)] == ["Ana", "Bruno"]

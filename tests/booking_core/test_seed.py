"""Businesses from their files, twice; and what a second file leaves alone."""

import random
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core import catalog as catalogs
from booking_core.kit.ids import new_id
from booking_core.models import (
    AddOn,
    Booking,
    BookingLimit,
    Business,
    ClassSession,
    ClassTime,
    Customer,
    DateOverride,
    Location,
    Resource,
    ScheduleRule,
    Segment,
    Service,
    ServiceAt,
    ServiceResource,
    Skill,
    Staff,
    StaffZone,
    TimeOff,
)
from booking_core.rules.questions import open_questions, read_questions
from booking_core.seed import SeedError, load_seed
from tests.booking_core.seeds import HOUSE, MARIGOLD, SAMPLES
from tests.booking_core.shop import NOW
from tests.booking_core.test_seed_errors import HOUSE_DATA, PLACES, value_at

TABLES = (
    AddOn, BookingLimit, Business, ClassSession, ClassTime, DateOverride, Location, Resource, ScheduleRule, Segment,
    Service, ServiceAt, ServiceResource, Skill, Staff, StaffZone, TimeOff,
)  # fmt: skip


async def ids(session: AsyncSession) -> dict[str, set[object]]:
    """What there is, by key and calendar."""
    found: dict[str, set[object]] = {}
    for table in TABLES:
        columns = table.__table__.primary_key.columns
        numbers = [table.__table__.c.calendar_no] if "calendar_no" in table.__table__.c else []
        found[table.__tablename__] = set((await session.execute(select(*columns, *numbers))).tuples())
    return found


async def load(session: AsyncSession, folder: Path, text: str = HOUSE, now: datetime = NOW) -> Business:
    file = folder / "house.yml"
    file.write_text(text)
    return await load_seed(session, file, now)


async def named(session: AsyncSession, table: type, name: str) -> object:
    return await session.scalar(select(table).where(table.name == name))


async def test_the_sample_business(session) -> None:
    business = await load_seed(session, MARIGOLD, NOW)
    catalog = await catalogs.load_catalog(session, business.id)
    assert [one.name for one in catalog.services][:5] == ["Haircut", "Cut & colour", "Colour", "Blow-dry", "Beard trim"]
    assert [one.name for one in catalog.staff] == ["Ana", "Bruno", "Carla"]
    haircut, _, colour, _, beard, makeover = catalog.services
    ana, bruno, carla = catalog.staff
    assert (haircut.price, haircut.deposit, haircut.payment) == (2800, 1000, "deposit")
    assert catalog.price(haircut.id, bruno.id) == 2600
    assert catalog.price(haircut.id, ana.id) == 2800
    assert catalog.duration(colour.id, carla.id) == 75
    assert list(catalog.staff_for(beard.id)) == [bruno.id, carla.id]
    assert catalog.opening()[1] == [(9 * 60, 20 * 60)]
    assert 6 not in catalog.opening()
    # Thirty percent of its own price; as long as its parts.
    assert (makeover.price, makeover.deposit, makeover.duration) == (8800, 2640, 120)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
async def test_samples_speak_english_and_spanish(session, sample: Path) -> None:
    business = await load_seed(session, sample, NOW)
    services = list(await session.scalars(select(Service).where(Service.business_id == business.id)))
    for service in services:
        assert {"en", "es"} <= set(service.names) & set(service.synonyms)
        assert not service.preparation or {"en", "es"} <= set(service.preparation)
        for question in read_questions(service.questions):
            words = [question.text, *(choice.text for choice in question.choices)]
            assert all({"en", "es"} <= set(one) for one in words)
    for thing in await session.scalars(select(AddOn).where(AddOn.business_id == business.id)):
        assert {"en", "es"} <= set(thing.names)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
async def test_loading_again_changes_nothing(session, sample: Path) -> None:
    first = await load_seed(session, sample, NOW)
    await session.flush()
    before = await ids(session)
    version = await session.scalar(select(Business.catalog_version))
    again = await load_seed(session, sample, NOW + timedelta(minutes=5))
    await session.flush()
    assert again.id == first.id
    assert await ids(session) == before
    assert await session.scalar(select(Business.catalog_version)) == version


async def test_everything_arrives(session, tmp_path: Path) -> None:
    business = await load(session, tmp_path)
    await session.flush()
    cut, colour = await named(session, Service, "Cut"), await named(session, Service, "Colour")
    package, room = await named(session, Service, "Package"), await named(session, Service, "Room by the hour")
    ana, bruno = await named(session, Staff, "Ana"), await named(session, Staff, "Bruno")
    zurich = await named(session, Location, "Zurich")
    assert (business.policy["late_fee"], business.settings["since"]) == (500, "2019-05-01")
    assert (zurich.timezone, zurich.currency, zurich.position) == ("Europe/Zurich", "CHF", 1)
    there = await session.get(ServiceAt, (business.id, cut.id, zurich.id))
    assert (cut.price, cut.deposit, there.price, there.deposit) == (3000, 600, 4000, 800)
    assert (colour.staff_roles, cut.staff_roles, room.staff_roles) == (["", "assistant"], [""], [])
    assert (package.price, package.duration) == (9000, 120)
    parts = list(await session.scalars(select(Segment).order_by(Segment.position)))
    assert [(one.part_id, one.max_wait, one.same_staff) for one in parts] == [
        (cut.id, 0, False),
        (colour.id, 15, True),
    ]
    skills = {(one.staff_id, one.service_id): one for one in await session.scalars(select(Skill))}
    assert (skills[ana.id, cut.id].price, skills[bruno.id, colour.id].role) == (3200, "assistant")
    limits = {
        (one.staff_id, one.service_id, one.period): one.count for one in await session.scalars(select(BookingLimit))
    }
    assert limits == {
        (None, cut.id, "day"): 5,
        (None, cut.id, "month"): 40,
        (ana.id, None, "day"): 9,
        (ana.id, None, "week"): 30,
        (ana.id, cut.id, "day"): 3,
    }
    away = list(await session.scalars(select(TimeOff).order_by(TimeOff.starts)))
    assert (away[0].starts, away[0].ends) == (
        datetime(2027, 1, 3, 23, tzinfo=UTC),
        datetime(2027, 1, 8, 23, tzinfo=UTC),
    )
    classes = list(await session.scalars(select(ClassTime).order_by(ClassTime.minute, ClassTime.weekday)))
    assert [(one.weekday, one.minute, one.capacity) for one in classes] == [
        (0, 1080, None),
        (2, 1080, None),
        (0, 1140, 4),
    ]
    assert [one.key for one in open_questions(read_questions(cut.questions), {"first": True, "wish": "long"})] == [
        "why"
    ]


async def test_what_is_not_named_is_not_offered(session, tmp_path: Path) -> None:
    await load_seed(session, MARIGOLD, NOW)
    text = MARIGOLD.read_text()
    business = await load(session, tmp_path, text[: text.index("  - name: Carla")])
    catalog = await catalogs.load_catalog(session, business.id)
    assert [one.name for one in catalog.staff] == ["Ana", "Bruno"]
    gone = await session.scalar(select(Staff).where(Staff.name == "Carla"))
    assert catalog.staff_member(gone.id).name == "Carla"


async def test_what_comes_back_is_what_it_was(session, tmp_path: Path) -> None:
    await load(session, tmp_path)
    before = {one.name: (one.id, one.calendar_no) for one in await session.scalars(select(Staff))}
    shorter = HOUSE[: HOUSE.index("timetable:")].replace(
        "  - {kind: room, name: Room, units: 2}", "  - {kind: room, name: Other, units: 9}"
    )
    await load(session, tmp_path, shorter)
    assert not (await named(session, Resource, "Room")).active
    assert not list(await session.scalars(select(ClassTime)))
    await load(session, tmp_path)
    assert (await named(session, Resource, "Room")).active
    assert not (await named(session, Resource, "Other")).active
    assert {one.name: (one.id, one.calendar_no) for one in await session.scalars(select(Staff))} == before
    assert len(list(await session.scalars(select(ClassTime)))) == 3


async def test_a_limit_that_only_counts_otherwise_keeps_its_calendar(session, tmp_path: Path) -> None:
    await load(session, tmp_path)
    query = select(BookingLimit.calendar_no).where(BookingLimit.period == "week")
    before = await session.scalar(query)
    await load(session, tmp_path, HOUSE.replace("limits: {day: 9, week: 30}", "limits: {week: 25}"))
    assert await session.scalar(query) == before
    assert await session.scalar(select(BookingLimit.count).where(BookingLimit.period == "week")) == 25
    assert await session.scalar(select(func.count()).select_from(BookingLimit).where(BookingLimit.count == 9)) == 0


async def classes(session: AsyncSession) -> list[tuple[datetime, UUID]]:
    """The classes to come, in order: when, and by whom."""
    rows = await session.scalars(select(ClassSession).order_by(ClassSession.starts))
    return [(row.starts, row.staff_id) for row in rows]


async def test_the_timetable_is_held(session, tmp_path: Path) -> None:
    business = await load(session, tmp_path)
    ana = await named(session, Staff, "Ana")
    held = await classes(session)
    # Three a week through the next sixty days, without the week that Ana has off.
    assert held[0] == (datetime(2026, 11, 23, 17, tzinfo=UTC), ana.id)
    assert len(held) == 24
    [booked_one] = await session.scalars(select(ClassSession).where(ClassSession.starts == held[0][0]))
    await booked(session, business, booked_one.ends, "confirmed", session_id=booked_one.id)
    # Clara teaches from now on; whoever has booked already keeps their class.
    clara = HOUSE.replace("      Cut:\n    hours: {mon", "      Cut:\n      Yoga:\n    hours: {mon").replace(
        "location: Zurich\n    services", "services"
    )
    clara = clara.replace('staff: Ana, day: "mon, wed"', 'staff: Clara, day: "mon, wed"')
    await load(session, tmp_path, clara)
    other = await named(session, Staff, "Clara")
    now_held = await classes(session)
    new = [starts for starts, _ in now_held if starts not in {was for was, _ in held}]
    # Clara is there while Ana is away.
    assert [starts.date() for starts in new] == [date(2027, 1, 4), date(2027, 1, 6)]
    assert len(now_held) == len(held) + 2
    assert [who for _, who in now_held[:4]] == [ana.id, ana.id, other.id, other.id]
    # No timetable any more.
    await load(session, tmp_path, HOUSE[: HOUSE.index("timetable:")])
    assert await classes(session) == held[:1]


async def days_of(session: AsyncSession, staff_id: UUID | None) -> dict[date, list[object]]:
    rows = await session.scalars(select(DateOverride).where(DateOverride.staff_id == staff_id))
    return {row.day: row.spans for row in rows}


async def test_dates_of_the_console_stay_unless_the_file_names_them(session, tmp_path: Path) -> None:
    business = await load(session, tmp_path)
    ana, place = await named(session, Staff, "Ana"), await named(session, Location, "Main")
    own = {"business_id": business.id, "location_id": place.id}
    for day, staff_id in ((date(2026, 12, 30), ana.id), (date(2026, 12, 29), ana.id), (date(2026, 12, 8), None)):
        session.add(DateOverride(id=new_id(), day=day, staff_id=staff_id, spans=[], **own))
    await session.flush()
    # The file names the 29th with other hours, and no longer the 28th and Christmas.
    text = HOUSE.replace("2026-12-28: closed, ", "").replace("holidays: [2026-12-25]", "holidays: []")
    await load(session, tmp_path, text)
    assert await days_of(session, ana.id) == {
        date(2026, 12, 29): [{"opens": 600, "closes": 720}],
        date(2026, 12, 30): [],
    }
    assert set(await days_of(session, None)) == {date(2026, 12, 8), date(2026, 12, 24)}


async def test_the_past_is_history(session, tmp_path: Path) -> None:
    await load(session, tmp_path)
    ana = await named(session, Staff, "Ana")
    empty = HOUSE.replace('2026-12-28: closed, 2026-12-29: "10:00-12:00"', "2027-05-01: closed").replace(
        "      - {from: 2027-01-04, until: 2027-01-08, note: away}\n", ""
    )
    await load(session, tmp_path, empty, now=datetime(2027, 1, 9, 12, tzinfo=UTC))
    assert set(await days_of(session, ana.id)) == {date(2026, 12, 28), date(2026, 12, 29), date(2027, 5, 1)}
    assert await session.scalar(select(func.count()).select_from(TimeOff)) == 2
    # And what is past when it is loaded for the first time is not written.
    later = datetime(2027, 2, 10, 12, tzinfo=UTC)
    await load(session, tmp_path, HOUSE.replace("slug: house", "slug: later"), now=later)
    assert await session.scalar(select(func.count()).select_from(TimeOff)) == 2


async def test_time_off_of_the_console_stays(session, tmp_path: Path) -> None:
    business = await load(session, tmp_path)
    ana = await named(session, Staff, "Ana")
    starts = datetime(2027, 3, 1, 9, tzinfo=UTC)
    session.add(
        TimeOff(id=new_id(), business_id=business.id, staff_id=ana.id, starts=starts, ends=starts + timedelta(hours=2))
    )
    # Somebody came back later than the file said.
    longer = await session.scalar(select(TimeOff).where(TimeOff.note == "away"))
    longer.ends += timedelta(days=3)
    await session.flush()
    empty = HOUSE.replace("      - {from: 2027-01-04, until: 2027-01-08, note: away}\n", "").replace(
        '      - {from: "2027-02-01 10:00", until: "2027-02-01 12:00", kind: block}',
        "      - {from: 2027-06-01, until: 2027-06-02}",
    )
    await load(session, tmp_path)
    await load(session, tmp_path, empty)
    await load(session, tmp_path, empty)
    rows = list(await session.scalars(select(TimeOff).order_by(TimeOff.starts)))
    assert [(row.starts.month, row.note) for row in rows] == [(1, "away"), (3, None), (5, None)]
    assert rows[0].ends == datetime(2027, 1, 11, 23, tzinfo=UTC)


async def booked(
    session: AsyncSession, business: Business, ends: datetime, state: str, session_id: UUID | None = None
) -> None:
    customer = Customer(business_id=business.id, id=new_id(), name="Maria", created_at=NOW)
    session.add(customer)
    await session.flush()
    service, place = await named(session, Service, "Cut"), await named(session, Location, "Main")
    session.add(
        Booking(
            business_id=business.id,
            id=new_id(),
            reference=new_id().hex,
            customer_id=customer.id,
            service_id=service.id,
            location_id=place.id,
            session_id=session_id,
            starts=ends - timedelta(minutes=30),
            ends=ends,
            state=state,
            price=3000,
            due=0,
            currency="EUR",
            idempotency_key=new_id().hex,
            ics_token=new_id().hex,
            created_at=NOW,
            updated_at=NOW,
        )
    )
    await session.flush()


async def test_buffers_do_not_change_under_bookings(session, tmp_path: Path) -> None:
    business = await load(session, tmp_path)
    other = HOUSE.replace("lead_time: 60}", "lead_time: 60,\n    buffers: max}")
    await booked(session, business, NOW - timedelta(days=1), "confirmed")
    await booked(session, business, NOW + timedelta(days=1), "cancelled_by_customer")
    made = set(await session.scalars(select(ClassSession.id)))
    await load(session, tmp_path, other)
    assert business.policy["buffers"] == "max"
    anew = set(await session.scalars(select(ClassSession.id)))
    assert len(anew) == len(made)
    assert not anew & made
    await booked(session, business, NOW + timedelta(days=1), "confirmed")
    await load(session, tmp_path, other)
    with pytest.raises(SeedError, match=r"house.yml:7: business.policy.*: it cannot change while .* \(now 1\)"):
        await load(session, tmp_path)


async def test_what_the_checker_lets_through_can_be_loaded(session, tmp_path: Path) -> None:
    """Whatever of the file is changed: either the file is refused, or the tables take it."""
    chance = random.Random(20261123)
    words = [
        "",
        " ",
        "x",
        0,
        1,
        2,
        7,
        90,
        -1,
        10_000,
        True,
        False,
        None,
        "9:00",
        "12:00",
        "1.00",
        "50%",
        date(2027, 1, 1),
        [],
        {},
    ]
    loaded = 0
    for _ in range(250):
        data = deepcopy(HOUSE_DATA)
        place = chance.choice(PLACES)
        piece = chance.choice([chance.choice(words), deepcopy(value_at(HOUSE_DATA, chance.choice(PLACES)))])
        value_at(data, place[:-1])[place[-1]] = piece
        try:
            async with session.begin_nested():
                await load(session, tmp_path, yaml.safe_dump(data, allow_unicode=True, sort_keys=False))
            loaded += 1
        except SeedError:
            continue
    assert loaded > 20

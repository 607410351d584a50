"""A business written into a file again, and the file loaded into another one."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.export import export_business
from booking_core.export_text import InLine, InLineList, Quoted, amount, days, moment, week, written
from booking_core.kit.ids import new_id
from booking_core.models import Business, DateOverride, Location, Service, Staff, TimeOff
from booking_core.refusals import BookingRefused
from booking_core.rules.wallclock import minute_of, moment_of
from booking_core.seed import load_seed
from booking_core.seed_values import WallMoment, _moment, weekdays
from booking_core.seed_yaml import read_document
from tests.booking_core.seeds import HOUSE, MARIGOLD, SAMPLES
from tests.booking_core.shop import NOW
from tests.booking_core.test_cases import HOUSE as CASES


async def exported(session: AsyncSession, slug: str) -> str:
    """The text of a business under a name that every business could have."""
    text = await export_business(session, slug, NOW)
    return text.replace(f"slug: {slug}\n", "slug: same\n").replace(f"business {slug}`", "business same`")


async def copied(session: AsyncSession, folder: Path, text: str, slug: str) -> str:
    file = folder / "copy.yml"
    file.write_text(text.replace("slug: same\n", f"slug: {slug}\n"))
    await load_seed(session, file, NOW)
    return await exported(session, slug)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
async def test_a_copy_is_the_same(session, tmp_path: Path, sample: Path) -> None:
    business = await load_seed(session, sample, NOW)
    text = await exported(session, business.slug)
    assert await copied(session, tmp_path, text, "copy") == text
    # The file that was written describes the business that is there: nothing is to be done.
    version = await session.scalar(select(Business.catalog_version).where(Business.id == business.id))
    await copied(session, tmp_path, text, business.slug)
    assert await session.scalar(select(Business.catalog_version).where(Business.id == business.id)) == version


async def test_a_copy_begins_at_the_same_minutes(session, tmp_path: Path) -> None:
    file = tmp_path / "cases.yml"
    file.write_text(CASES)
    business = await load_seed(session, file, NOW)
    text = await exported(session, business.slug)
    assert "slot_offset: 5" in text
    assert "booking_window_days" not in text  # as usual
    assert await copied(session, tmp_path, text, "copy") == text
    other = text.replace("lead_time: 0", "lead_time: 0\n    booking_window_days: business")
    assert "booking_window_days: business" in await copied(session, tmp_path, other, "other")


async def test_everything_is_written(session, tmp_path: Path) -> None:
    file = tmp_path / "house.yml"
    file.write_text(HOUSE)
    await load_seed(session, file, NOW)
    await session.flush()
    session.expire_all()
    text = await exported(session, "house")
    for line in (
        'late_fee: "5.00"',
        "    phone: +34 910 000 000",
        'mon-fri: "9:00-18:00"',
        "holidays: [2026-12-25]",
        '2026-12-24: "9:00-14:00"',
        "  - kind: room\n    name: Room\n    units: 2",
        '      Zurich: {price: "40.00", deposit: "8.00"}',
        "      Zurich: not offered",
        "staff: [main, assistant]",
        "      - {service: Colour, max_wait: 15, same_staff: true}",
        "        when: {wish: long, first: true}",
        '      Cut: {price: "32.00", limits: {day: 3}}',
        "      Yoga:\n",
        'mon-fri: ["9:00-13:00", "14:00-18:00"]',
        "2026-12-28: closed",
        "      - {from: 2027-01-04, until: 2027-01-08, note: away}",
        '      - {from: "2027-02-01 10:00", until: "2027-02-01 12:00", kind: block}',
        "      - {timezone: Europe/London, first_day: 2027-03-01, last_day: 2027-03-05}",
        'day: "mon, wed"',
    ):
        assert line in text, f"{line}\n\n{text}"
    assert await copied(session, tmp_path, text, "copy") == text


async def test_what_the_console_entered_is_written_too(session, tmp_path: Path) -> None:
    business = await load_seed(session, MARIGOLD, NOW)
    ana = await session.scalar(select(Staff).where(Staff.name == "Ana"))
    place = await session.scalar(select(Location))
    own = {"business_id": business.id, "staff_id": ana.id}
    # In the hour that comes twice, and by the second.
    odd = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    for starts, ends, note in (
        (odd, odd + timedelta(seconds=90), "odd"),
        (NOW - timedelta(days=9), NOW - timedelta(days=8), "past"),
        (NOW - timedelta(days=1), NOW + timedelta(days=1), "now"),
    ):
        session.add(TimeOff(id=new_id(), starts=starts, ends=ends, note=note, **own))
    session.add(DateOverride(id=new_id(), location_id=place.id, day=date(2026, 12, 1), spans=[], **own))
    session.add(DateOverride(id=new_id(), location_id=place.id, day=date(2026, 1, 1), spans=[], **own))
    (await session.scalar(select(Service).where(Service.name == "Beard trim"))).active = False
    await session.flush()
    text = await exported(session, "marigold")
    assert "note: now" in text
    assert "note: past" not in text
    assert '{from: "2027-10-31 02:30:00+01:00", until: "2027-10-31 02:31:30+01:00", note: odd}' in text
    assert "2026-12-01: closed" in text
    assert "2026-01-01" not in text
    assert "Beard trim" not in text
    assert await copied(session, tmp_path, text, "copy") == text


async def test_an_unknown_business_is_refused(session) -> None:
    with pytest.raises(BookingRefused):
        await export_business(session, "nobody", NOW)


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
#: What a file may hold: no signs that are no text.
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30).filter(
    lambda text: (
        not any(
            "\ufefe" < sign < "\uff00" or "\ufdcf" < sign < "\ufdf0" or ord(sign) & 0xFFFE == 0xFFFE for sign in text
        )
    )
)
numbers = st.integers(-(10**14), 10**14) | st.decimals(-999_999, 999_999, places=6, allow_nan=False).map(float)
keys = texts.filter(bool)
words = st.booleans() | numbers | texts | texts.map(Quoted) | st.dates(date(1000, 1, 1))
values = st.recursive(
    st.none() | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
        | st.dictionaries(keys, words, max_size=3).map(InLine)
        | st.lists(words, max_size=3).map(InLineList)
    ),
    max_leaves=12,
)


@unhurried
@given(st.dictionaries(st.sampled_from(["services", "staff", "settings"]), values, min_size=1))
def test_what_is_written_is_read(tmp_path: Path, sections: dict[str, object]) -> None:
    file = tmp_path / "any.yml"
    file.write_text(written(sections), encoding="utf-8")
    assert read_document(file).data == sections
    # Other programs read the keys likewise, in their way of taking words.
    yaml.safe_load(written(sections))


@given(st.sets(st.integers(0, 6), min_size=1))
def test_weekdays_there_and_back(found: set[int]) -> None:
    assert weekdays(days(sorted(found))) == sorted(found)


@given(st.integers(0, 2 * 365 * 24 * 3600), st.booleans())
def test_moments_there_and_back(second: int, end: bool) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    for tz in ("Europe/Madrid", "America/Mexico_City", "Australia/Lord_Howe", "America/Havana"):
        for one in (at, moment_of(minute_of(at))):
            read = _moment(moment(one, tz, end=end))
            assert isinstance(read, WallMoment)
            assert read.instant(tz, end=end) == one


def test_amounts_and_hours() -> None:
    assert [amount(1005, "EUR"), amount(1005, "JPY"), amount(1005, "KWD")] == ["10.05", "1005", "1.005"]
    assert week([(0, 540, 780), (2, 540, 780), (0, 840, 1080), (1, 0, 1440)]) == {
        "mon": ["9:00-13:00", "14:00-18:00"],
        "tue": "0:00-24:00",
        "wed": "9:00-13:00",
    }

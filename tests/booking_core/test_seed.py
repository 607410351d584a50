"""The sample business from its file, twice; and files that are wrong."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from booking_core import catalog as catalogs
from booking_core.models import Business, DateOverride, ScheduleRule, Service, Skill, Staff
from booking_core.seed import SeedError, load_seed
from tests.booking_core.shop import NOW

MARIGOLD = Path(__file__).parents[2] / "data" / "seeds" / "marigold.yml"
TABLES = (Business, Service, Staff, Skill, ScheduleRule, DateOverride)


async def counts(session) -> list[int]:
    return [await session.scalar(select(func.count()).select_from(table)) for table in TABLES]


async def test_the_sample_business(session) -> None:
    business = await load_seed(session, MARIGOLD, NOW)
    catalog = await catalogs.load_catalog(session, business.id)
    assert [one.name for one in catalog.services] == ["Haircut", "Cut & colour", "Colour", "Blow-dry", "Beard trim"]
    assert [one.name for one in catalog.staff] == ["Ana", "Bruno", "Carla"]
    haircut, _, colour, _, beard = catalog.services
    ana, bruno, carla = catalog.staff
    assert (haircut.price, haircut.deposit, haircut.payment) == (2800, 1000, "deposit")
    assert catalog.price(haircut.id, bruno.id) == 2600
    assert catalog.price(haircut.id, ana.id) == 2800
    assert catalog.duration(colour.id, carla.id) == 75
    assert list(catalog.staff_for(beard.id)) == [bruno.id, carla.id]
    assert catalog.opening()[1] == [(9 * 60, 20 * 60)]
    assert 6 not in catalog.opening()
    for service in catalog.services:
        assert set(service.names) == set(service.synonyms) == {"en", "es"}


async def test_loading_again_changes_nothing(session) -> None:
    first = await load_seed(session, MARIGOLD, NOW)
    before = await counts(session)
    again = await load_seed(session, MARIGOLD, NOW)
    assert again.id == first.id
    assert await counts(session) == before


async def test_what_is_not_named_is_not_offered(session, tmp_path: Path) -> None:
    await load_seed(session, MARIGOLD, NOW)
    text = MARIGOLD.read_text()
    shorter = tmp_path / "shorter.yml"
    shorter.write_text(text[: text.index("  - name: Carla")])
    business = await load_seed(session, shorter, NOW)
    catalog = await catalogs.load_catalog(session, business.id)
    assert [one.name for one in catalog.staff] == ["Ana", "Bruno"]
    gone = await session.scalar(select(Staff).where(Staff.name == "Carla"))
    assert catalog.staff_member(gone.id).name == "Carla"


@pytest.mark.parametrize(
    ("right", "wrong", "line", "says"),
    [
        ('price: "28.00"', "price: 28.00", 34, "in quotes"),
        ('price: "28.00"', 'price: "28.001"', 34, "finer than EUR"),
        ('price: "28.00"', 'price: "NaN"', 34, "no amount"),
        ("timezone: Europe/Madrid", "timezone: Europe/Marid", 6, "time zone"),
        ("      Blow-dry:\n    hours", "      Blowdry:\n    hours", 92, "no service 'Blowdry'"),
        ('sat: "9:00-17:00"', 'sat: "9:00-7:00"', 93, "does not end after it begins"),
        ('sat: "9:00-17:00"', 'sta: "9:00-17:00"', 93, "no weekday"),
        ("hold_minutes: 15 ", "hold_minutes: 1 ", 10, "greater than or equal to 5"),
        ("  - name: Bruno", "  - name: Ana", 97, "there twice"),
        ('deposit: "10.00"', 'deposit: "30.00"', 36, "more than the price"),
        ("business:", "busyness:", 3, "did you mean 'business'"),
        ("slug: marigold", "slug: {", 5, ""),
    ],
)
async def test_errors_name_the_line(session, tmp_path: Path, right: str, wrong: str, line: int, says: str) -> None:
    text = MARIGOLD.read_text()
    assert right in text
    file = tmp_path / "wrong.yml"
    file.write_text(text.replace(right, wrong, 1))
    with pytest.raises(SeedError) as caught:
        await load_seed(session, file, NOW)
    assert says in str(caught.value)
    number = int(str(caught.value).removeprefix(f"{file}:").split(":")[0])
    assert abs(number - line) <= 3, str(caught.value)

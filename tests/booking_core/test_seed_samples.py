"""The sample businesses: everything that they offer can be had, and their timetables fit into their rooms."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from booking_core import calendar, seed_parts, sessions
from booking_core.catalog import load_catalog
from booking_core.models import Unit
from booking_core.requests import VisitRequest
from booking_core.rules.policy import Policy
from booking_core.rules.questions import Question
from booking_core.seed import load_seed
from booking_core.seed_file import read_seed
from booking_core.seed_model import Seed
from tests.booking_core.seeds import SAMPLES
from tests.booking_core.shop import NOW


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
async def test_everything_can_be_had(session, sample: Path) -> None:
    business = await load_seed(session, sample, NOW)
    catalog = await load_catalog(session, business.id)
    for service in catalog.services:
        windows = [(NOW, NOW + timedelta(days=10))]
        for units in {service.units_min, service.units_max}:
            wanted = VisitRequest((service.id,), units=units)
            found = await calendar.free_slots(session, catalog, wanted=wanted, windows=windows, now=NOW)
            assert found.slots, (service.name, units, found.reason)
        if service.unit == Unit.VISIT and service.max_party > 1:
            wanted = VisitRequest((service.id,), party=service.max_party)
            assert (await calendar.free_slots(session, catalog, wanted=wanted, windows=windows, now=NOW)).slots


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
async def test_no_class_clashes(session, sample: Path) -> None:
    business = await load_seed(session, sample, NOW)
    assert await sessions.materialise(session, await load_catalog(session, business.id), now=NOW) == []


PAGE = Path(__file__).parents[2] / "docs" / "catalog.md"
PARTS = (
    seed_parts.SeedAddOn, seed_parts.SeedAt, seed_parts.SeedBusiness, seed_parts.SeedClass, seed_parts.SeedLimit,
    seed_parts.SeedLocation, seed_parts.SeedNeed, seed_parts.SeedResource, seed_parts.SeedSegment,
    seed_parts.SeedService, seed_parts.SeedSkill, seed_parts.SeedStaff, seed_parts.SeedTimeOff, seed_parts.SeedZone,
    Policy, Question, Seed,
)  # fmt: skip


def test_the_page_explains_every_key() -> None:
    page = PAGE.read_text()
    for part in PARTS:
        for name, field in part.model_fields.items():
            key = field.alias or name
            assert re.search(rf"`[^`\n]*\b{key}\b|\b{key}:|## {key}", page), f"{part.__name__}: {key}"


def test_the_smallest_file_is_right(tmp_path: Path) -> None:
    [smallest, *_] = re.findall(r"```yaml\n(business:.*?)```", PAGE.read_text(), re.DOTALL)
    file = tmp_path / "smallest.yml"
    file.write_text(smallest)
    assert read_seed(file).seed.by_name["Haircut"].duration == 30

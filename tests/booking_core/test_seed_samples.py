"""The sample businesses: everything that they offer can be had, and their timetables fit into their rooms."""

from datetime import timedelta
from pathlib import Path

import pytest

from booking_core import calendar, sessions
from booking_core.catalog import load_catalog
from booking_core.models import Unit
from booking_core.requests import VisitRequest
from booking_core.seed import load_seed
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

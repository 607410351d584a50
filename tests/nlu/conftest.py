"""An engine that only understands."""

from pathlib import Path

import pytest

from nlu.engine import Engine


@pytest.fixture(scope="session")
def reader(model: Path) -> Engine:
    return Engine.load(model, ())

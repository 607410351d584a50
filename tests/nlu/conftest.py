"""The model of the present data, trained once, and an engine that only understands."""

import os
from pathlib import Path

import pytest

from nlu.engine import Engine
from nlu.train import train


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("TEST_MODEL_DIR") or Path.cwd() / ".threadbook" / "models")
    return train(folder, lambda _line: None)


@pytest.fixture(scope="session")
def reader(model: Path) -> Engine:
    return Engine.load(model, ())

"""The trained model and its engine, loaded once for all flows."""

import asyncio
import os
from pathlib import Path

import pytest

from bot.actions import all_actions
from nlu.engine import Engine
from nlu.train import train

# Sanic, which Rasa imports, installs uvloop's policy for everybody.
asyncio.set_event_loop_policy(None)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of the present data, trained here unless an earlier run has it (cached by content)."""
    folder = Path(os.environ.get("TEST_MODEL_DIR") or Path.cwd() / ".threadbook" / "models")
    return train(folder, lambda _line: None)


@pytest.fixture(scope="session")
def engine(model: Path) -> Engine:
    return Engine.load(model, all_actions())

"""The web process starts quickly and stays small: it loads no Rasa and no TensorFlow."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["bot.app", "bot.cli", "bot.up", "bot.alive", "bot.doctor"])
def test_no_model_is_imported(module: str) -> None:
    code = (
        f"import sys; import {module}; "
        "print(*sorted({name.split('.')[0] for name in sys.modules} & {'rasa', 'tensorflow', 'sklearn', 'matplotlib'}))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []

"""Each module directly in a room can be a process's first import: a worker begins elsewhere than the web."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("booking_core", "bot", "channels", "nlu", "payment_links")
#: Imports what others wrote once, then each module in a process of its own.
_EACH = """
import importlib, os, sys, traceback
import fastapi, hypothesis, procrastinate, rasa.engine.recipes.default_recipe, sqlalchemy, stripe, telegram, twilio.rest
bad = []
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        bad.append(name)
print(*bad, end="")
"""


def modules(room: str) -> list[str]:
    found = [path.relative_to(ROOT).with_suffix("") for path in sorted((ROOT / room).glob("*.py"))]
    return [".".join(path.parts) for path in found if path.name not in {"__init__", "__main__"}]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("room", ROOMS)
def test_each_module_comes_first(room: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _EACH, *modules(room)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not done.stdout, f"{done.stdout}: {done.stderr[-2000:]}"

"""Each module directly in a room can be a process's first import: a worker begins elsewhere than the web."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("booking_core", "bot", "channels", "nlu", "payment_links")
#: Imports what others wrote once, then each module in a process of its own, as many at a time as there are cores.
_EACH = """
import fastapi, hypothesis, procrastinate, rasa.engine.recipes.default_recipe, sqlalchemy, stripe, telegram, twilio.rest
import gc, importlib, os, sys, traceback
gc.freeze()  # else each child copies all of it to look for what it may let go
gc.disable()
bad, running = [], {}

def wait():
    pid, status = os.wait()
    name = running.pop(pid)
    if status:
        bad.append(name)

for name in sys.argv[1:]:
    while len(running) >= os.cpu_count():
        wait()
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    running[child] = name
while running:
    wait()
print(*bad, end="")
"""


def modules(room: str) -> list[str]:
    found = [path.relative_to(ROOT).with_suffix("") for path in sorted((ROOT / room).glob("*.py"))]
    return [".".join(path.parts) for path in found if path.name not in {"__init__", "__main__"}]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_module_comes_first() -> None:
    """All rooms at once: what others wrote takes as long to import as a room of ours."""
    names = {room: modules(room) for room in ROOMS}
    assert all(names.values()), names
    done = subprocess.run(
        [sys.executable, "-c", _EACH, *(name for room in ROOMS for name in names[room])],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not done.stdout, f"{done.stdout}: {done.stderr[-2000:]}"

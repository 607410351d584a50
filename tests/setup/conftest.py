"""A running `up` in a temporary home, as a person at a terminal has it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from bot.embedded import free_port

SMALL = (sys.executable, "-m", "tests.setup.small_up")


class Terminal:
    """One `up`: what it prints, and its end."""

    def __init__(self, home: Path, port: int, *what: str, command: Sequence[str] = SMALL, **environment: str) -> None:
        self.printed = home.parent / f"terminal-{time.monotonic_ns()}.txt"
        with self.printed.open("w") as out:
            self.process = subprocess.Popen(
                [*command, *what],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment_for(home, port) | environment,
            )

    @property
    def text(self) -> str:
        return self.printed.read_text()

    def wait_for(self, pattern: str, seconds: float = 30) -> str:
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            assert self.process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.05)
        return found.group()

    def ends(self, seconds: float = 30) -> int:
        return self.process.wait(timeout=seconds)

    def interrupt(self, signum: signal.Signals = signal.SIGINT) -> None:
        self.process.send_signal(signum)


def environment_for(home: Path, port: int) -> dict[str, str]:
    ours = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "MODEL_DIR", "HOST", "PUBLIC_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    return environment | {
        "THREADBOOK_HOME": str(home),
        "THREADBOOK_POSTGRES_DIR": str(home.parent / "pg"),
        "PORT": str(port),
    }


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that work for this folder."""
    told = subprocess.run(["ps", "-eo", "pid=,stat=,args=", "ww"], capture_output=True, text=True, check=True).stdout
    return [line for line in told.splitlines() if str(folder) in line and not re.match(r"\s*\d+ Z", line)]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tb-up-"))
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def up(home: Path, port: int) -> Iterator[Callable[..., Terminal]]:
    """Start `up`; whatever still runs at the end of the test is stopped."""
    terminals: list[Terminal] = []

    def start(*what: str, **environment: str) -> Terminal:
        terminals.append(Terminal(home, port, *what, **environment))
        return terminals[-1]

    yield start
    for terminal in terminals:
        if terminal.process.poll() is None:
            terminal.interrupt()
            try:
                terminal.ends()
            except subprocess.TimeoutExpired:
                terminal.process.kill()
                terminal.ends()

"""`threadbook up` with everything: Rasa trained, our web and worker, the sample business. About a minute and a half."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.setup.conftest import Terminal, environment_for, processes_of

pytestmark = [pytest.mark.slow, pytest.mark.model, pytest.mark.timeout(600)]
UP = (sys.executable, "-m", "bot.cli", "up")


def beside(home: Path, port: int, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the same installation."""
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *command],
        env=environment_for(home, port),
        capture_output=True,
        text=True,
        check=False,
    )


def test_from_nothing_to_healthy_and_again_without_training(home: Path, port: int) -> None:
    first = Terminal(home, port, command=UP)
    try:
        first.wait_for("Threadbook is healthy", 300)
        assert "Trained in" in first.text
        addresses = re.findall(rf"http://127\.0\.0\.1:{port}/\S+", first.text)
        assert any(address.endswith("/sandbox") for address in addresses)
        for address in addresses:
            assert httpx.get(address, follow_redirects=True).status_code == 200, address
        users = re.findall(r"(?:owner|manager|staff) +(\S+@\S+) +(\S+)", first.text)
        assert len(users) == 3
        doctor = beside(home, port, "doctor")
        assert doctor.returncode == 0, doctor.stdout + doctor.stderr
        first.interrupt(signal.SIGINT)
        assert first.ends() == 0
        assert processes_of(home.parent) == []
        second = Terminal(home, port, command=UP)
        try:
            second.wait_for("Threadbook is healthy", 120)
            assert "Trained in" not in second.text
            assert "up to date" in second.text
            assert re.findall(r"(?:owner|manager|staff) +(\S+@\S+) +(\S+)", second.text) == users
        finally:
            second.interrupt(signal.SIGTERM)
            assert second.ends() == 0
    finally:
        if first.process.poll() is None:
            first.interrupt()
            first.ends()
    assert processes_of(home.parent) == []

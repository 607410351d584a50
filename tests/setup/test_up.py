"""`threadbook up` with real servers, locks and signals around small children (small_up.py)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest

from bot.up_home import Home
from tests.setup.conftest import Terminal, environment_for, processes_of

Up = Callable[..., Terminal]
HEALTHY = r"Threadbook is healthy"

pytestmark = pytest.mark.slow


def pid_of(home: Path, name: str) -> int:
    pid: int = json.loads((home / f"{name}.json").read_text())["pid"]
    return pid


def gone(folder: Path, seconds: float = 15) -> list[str]:
    deadline = time.monotonic() + seconds
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_starts_and_a_signal_leaves_no_process(up: Up, home: Path, port: int, signum: signal.Signals) -> None:
    terminal = up()
    terminal.wait_for(HEALTHY)
    assert f"http://127.0.0.1:{port}/sandbox" in terminal.text
    assert "a-password" in terminal.text
    children = [pid_of(home, name) for name in ("web", "worker")]
    terminal.interrupt(signum)
    assert terminal.ends() == 0
    assert processes_of(home.parent) == []
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_second_up_is_refused_by_name_and_address(up: Up, home: Path, port: int) -> None:
    first = up()
    first.wait_for(HEALTHY)
    second = up()
    assert second.ends() == 1
    assert f"already runs here (process {first.process.pid}), at http://127.0.0.1:{port}" in second.text
    assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200


def test_children_that_are_killed_are_started_again(up: Up, home: Path, port: int) -> None:
    terminal = up()
    terminal.wait_for(HEALTHY)
    before = httpx.get(f"http://127.0.0.1:{port}/health").text
    os.kill(pid_of(home, "web"), signal.SIGKILL)
    os.kill(pid_of(home, "worker"), signal.SIGKILL)
    os.kill(pid_of(home.parent / "pg", "server"), signal.SIGKILL)
    terminal.wait_for(r"web +ended by SIGKILL; starting it again in 0.5 s")
    terminal.wait_for(r"worker +started again")
    terminal.wait_for(r"postgres +started again")
    terminal.wait_for(r"web +started again")
    deadline = time.monotonic() + 10
    while True:
        try:
            after = httpx.get(f"http://127.0.0.1:{port}/health").text
            break
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert after != before
    terminal.interrupt()
    assert terminal.ends() == 0
    assert gone(home.parent, 1) == []


def test_a_worker_that_never_runs_ends_the_start_with_its_own_words(up: Up, home: Path) -> None:
    terminal = up("broken-worker")
    assert terminal.ends() == 1
    assert "worker      ended with code 1; starting it again in 0.5 s" in terminal.text
    assert "worker ended 3 times in a row" in terminal.text
    assert "no model here" in terminal.text
    assert processes_of(home.parent) == []


def test_a_failed_training_is_told_with_its_own_words(up: Up, home: Path) -> None:
    terminal = up("broken-training")
    assert terminal.ends() == 1
    assert "no data here" in terminal.text
    assert processes_of(home.parent) == []


def test_nothing_outlives_a_killed_up_and_the_next_one_works(up: Up, home: Path) -> None:
    first = up()
    first.wait_for(HEALTHY)
    url = up_environment(home)["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    key = (home / "secret_key").read_text()
    first.process.kill()
    first.ends()
    assert gone(home.parent) == []
    second = up()
    second.wait_for(HEALTHY)
    with psycopg.connect(up_environment(home)["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
    assert (home / "secret_key").read_text() == key
    assert "a-password" in second.text  # Made by the first run, shown at every start.


def test_a_next_up_at_once_after_a_kill_works(up: Up, home: Path) -> None:
    for _ in range(3):
        terminal = up()
        terminal.wait_for(HEALTHY)
        terminal.process.kill()
        terminal.ends()
    terminal = up()
    terminal.wait_for(HEALTHY)


@pytest.mark.parametrize("seconds", [0.3, 0.5, 0.7, 0.9, 1.2, 1.6, 2.0, 2.5])
def test_a_first_run_killed_at_any_moment_leaves_a_next_one_that_works(up: Up, home: Path, seconds: float) -> None:
    first = up()
    time.sleep(seconds)
    first.process.kill()
    first.ends()
    second = up()
    second.wait_for(HEALTHY)
    second.interrupt()
    assert second.ends() == 0


def test_a_training_killed_half_way_is_begun_anew(up: Up, home: Path) -> None:
    first = up("slow-training")
    first.wait_for("50 %")
    first.process.kill()
    first.ends()
    assert (home / "models" / "model.new").exists()
    second = up()
    second.wait_for(HEALTHY)
    assert (home / "models" / "model").read_text() == "half"
    assert not (home / "models" / "model.new").exists()


def test_ctrl_c_in_the_middle_of_training_stops_it_too(up: Up, home: Path) -> None:
    terminal = up("slow-training")
    terminal.wait_for("50 %")
    training = pid_of(home, "training")
    terminal.interrupt()
    assert terminal.ends() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(training, 0)
    assert processes_of(home.parent) == []


def test_servers_that_the_environment_names_are_used(up: Up, home: Path, database_url: str, redis_url: str) -> None:
    terminal = up(DATABASE_URL=database_url, REDIS_URL=redis_url)
    terminal.wait_for(HEALTHY)
    assert "postgres  " not in terminal.text
    assert not (home.parent / "pg" / "cluster").exists()


@pytest.mark.parametrize("name", ["secret_key", "vault_key"])
def test_its_secrets_are_made_once_and_private(up: Up, home: Path, name: str) -> None:
    terminal = up()
    terminal.wait_for(HEALTHY)
    assert (home / name).stat().st_mode & 0o777 == 0o600
    made = (home / name).read_text()
    assert len(made) >= 32
    assert made not in (home / "up.json").read_text()
    assert made in Home(home).own_secrets().values()


def up_environment(home: Path) -> dict[str, str]:
    """What a command beside a running `up` is given."""
    code = "import json; from bot.up_home import environment_of_running_up as f; print(json.dumps(f()))"
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment_for(home, 1), capture_output=True, text=True, check=True
    )
    environment: dict[str, str] = json.loads(told.stdout)
    return environment

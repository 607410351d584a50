"""What `up` refuses to begin with: one sentence, no traceback, nothing started."""

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.up_home import named_settings
from tests.setup.conftest import Terminal

Up = Callable[..., Terminal]


def test_a_taken_port_is_refused_before_anything_starts(up: Up, home: Path, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        terminal = up()
        assert terminal.ends() == 1
    assert f"Port {port} on 127.0.0.1 is taken" in terminal.text
    assert f"PORT={port + 1} make run" in terminal.text
    assert "postgres" not in terminal.text


def test_wrong_settings_are_told_in_sentences_and_without_secrets(up: Up, home: Path) -> None:
    terminal = up(STRIPE_SECRET_KEY="sk_live_do_not_show", BURST_SECONDS="soon")
    assert terminal.ends() == 1
    assert "BURST_SECONDS" in terminal.text
    assert "do_not_show" not in terminal.text
    assert "Traceback" not in terminal.text


def test_a_folder_that_cannot_be_written_is_told(up: Up) -> None:
    terminal = up(THREADBOOK_HOME="/sys/threadbook")
    assert terminal.ends() == 1
    assert "cannot write to /sys/threadbook" in terminal.text
    assert "Traceback" not in terminal.text


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_told(up: Up, home: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount")
    try:
        terminal = up(THREADBOOK_HOME=str(small / "home"))
        assert terminal.ends() == 1
        assert "The disk is nearly full: 4 MB are free" in terminal.text
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_database_that_does_not_answer_is_told_without_its_password(up: Up, home: Path, port: int) -> None:
    terminal = up(DATABASE_URL=f"postgresql://u:hidden@127.0.0.1:{port}/x", REDIS_URL="redis://127.0.0.1:1/0")
    assert terminal.ends() == 1
    assert "The database does not answer" in terminal.text
    assert "hidden" not in terminal.text


def test_what_the_file_names_counts_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL", "HOST"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text("database_url=postgresql://somewhere\nREDIS_URL=\n# HOST=0.0.0.0\n")
    named = named_settings()
    assert "DATABASE_URL" in named
    assert "REDIS_URL" not in named, "an empty value means: not set"
    assert "HOST" not in named

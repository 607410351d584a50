"""The commands that load businesses and write them, as somebody at a terminal calls them."""

from pathlib import Path

import pytest

from bot.cli import main
from tests.booking_core.seeds import SAMPLES


@pytest.fixture
def terminal(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    return tmp_path


def test_every_sample_is_loaded_and_written(terminal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for sample in SAMPLES:
        assert main(["seed", str(sample)]) == 0
    said = capsys.readouterr()
    for sample in SAMPLES:
        assert f"/chat/{sample.stem}\n" in said.out
        assert f"owner@{sample.stem}.example" in said.out
    # One installation, one number: it belongs to the first.
    assert said.err.count("Another business here has the address for sms") == len(SAMPLES) - 1
    for sample in SAMPLES:
        out = terminal / f"{sample.stem}-copy.yml"
        assert main(["export", "business", sample.stem, "--out", str(out)]) == 0
        assert main(["export", "business", sample.stem]) == 0
        assert capsys.readouterr().out == out.read_text()
        assert main(["seed", str(out)]) == 0
        capsys.readouterr()


def test_what_cannot_be_done_is_said(terminal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "business", "nobody"]) == 1
    assert "no business called nobody" in capsys.readouterr().err
    assert main(["seed", "missing.yml"]) == 1
    assert "missing.yml" in capsys.readouterr().err
    (terminal / "empty.yml").touch()
    assert main(["seed", "empty.yml"]) == 1
    assert capsys.readouterr().err == "empty.yml:1: the file is empty\n"

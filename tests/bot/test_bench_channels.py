"""`threadbook bench channels` from end to end, with next to nothing of everything."""

import json
from pathlib import Path

import pytest

from bot.bench_channels.command import bench_channels


@pytest.mark.slow
def test_webhooks_are_measured_beside_one_insert(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    out = tmp_path / "figures.json"
    assert bench_channels(quick=True, out=out, rounds=2, seconds=0.3) == 0
    told = json.loads(out.read_text())
    assert {one["part"] for one in told["figures"]} == {"sms", "telegram", "web"}
    assert all(one["value"] > 0 for one in told["figures"])
    assert "ours beside bare" in capsys.readouterr().out

"""`threadbook bench core` from end to end, with next to nothing of everything."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.bench_core.command import PARTS, bench_core
from bot.bench_core.report import Figure
from bot.bench_core.sizes import QUICK
from bot.cli import main

TINY = replace(
    QUICK, rounds=1, seconds=0.3, connections=4, processes=2, shops=1, staff=24, days=60,
    people=5, askings=2, few=100, many=400, pairs=5, catalogs=(1, 3),
)  # fmt: skip


@pytest.mark.slow
def test_every_part_is_measured_on_the_named_server(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    out = tmp_path / "figures.json"
    assert bench_core(quick=True, out=out, size=TINY) == 0
    told = json.loads(out.read_text())
    assert {one["part"] for one in told["figures"]} == set(PARTS)
    assert all(one["value"] > 0 for one in told["figures"])
    assert {"ratio", "so many times faster"} <= {one["name"].strip() for one in told["figures"]}
    shown = capsys.readouterr().out
    assert "holds, one hot start (one wins), 4 connections" in shown
    assert "an offer of a week, 400 bookings, p50" in shown


def test_what_is_no_part_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "core", "--parts", "holds,speed"]) == 2
    assert capsys.readouterr().err == "There is no part speed: holds, availability, growth, memory are.\n"


def test_a_target_is_met_or_missed() -> None:
    assert Figure("", "", 0.2, at_least=0.15).met
    assert Figure("", "", 1.3, at_most=1.2).met is False
    assert Figure("", "", 7).met is None
    assert Figure("holds", "ratio", 1.25, at_most=1.2).line().split()[-4:] == ["1.25", "<=", "1.2:", "MISSED"]

"""`threadbook bench when` with our own reader: the contract, the scorer and the printed table."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

import pytest

from bot.bench_peers.environments import PEERS
from bot.bench_peers.read import READERS
from bot.bench_peers.score import Tally, is_right
from bot.bench_when import OURS, bench_when, run_reader

NOW = "2027-03-10T10:20:00"
CASE = {
    "id": "1",
    "lang": "en",
    "locale": "en-GB",
    "text": "tomorrow at 3",
    "now": NOW,
    "tz": "Europe/London",
    "kind": "instant",
    "booking": True,
    "expect": [{"start": "2027-03-11T15:00:00", "end": "2027-03-11T16:00:00", "grain": "hour"}],
}


def test_the_texts_of_data_when_are_timed(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_when(None, ("en", "de"), with_peers=False, limit=4) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["en", "4", "threadbook"],
        ["de", "4", "threadbook"],
        ["all", "8", "threadbook"],
    ]
    assert lines[-1].startswith("Peak memory, MB: threadbook ")


def test_cases_with_answers_are_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = CASE | {"id": "2", "expect": [{"start": "2027-03-11T03:00:00", "end": None, "grain": "hour"}]}
    missed = CASE | {"id": "3", "text": "for two people"}
    talk = CASE | {"id": "4", "booking": False}
    (tmp_path / "en.jsonl").write_text("\n".join(map(json.dumps, (CASE, wrong, missed, talk))), encoding="utf-8")
    assert bench_when(tmp_path, ("en",), with_peers=False) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:6] == ["en", "3", "threadbook", "33.3", "33.3", "33.3"]


def test_no_text_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_when(tmp_path, ("en",), with_peers=False) == 1
    assert "no text" in capsys.readouterr().err


def test_our_reader_answers_by_the_contract_in_a_process_of_its_own() -> None:
    run = run_reader(OURS, Path(sys.executable), frozenset({"en"}), [CASE])
    assert run.values["1"][0] == (datetime(2027, 3, 11, 15), datetime(2027, 3, 11, 16))  # noqa: DTZ001 - wall time
    assert 0 < run.ms["1"] < 100
    assert 5 < run.peak_mb < 500


def test_every_peer_has_its_reader_and_pinned_versions() -> None:
    assert {peer.name for peer in PEERS} | {OURS} == set(READERS)
    assert all("==" in package for peer in PEERS for package in peer.packages)


CLOCK = ("12T15:00:00", "12T15:01:00", "minute", None)
AFTERNOON = ("12T12:00:00", "12T18:00:00", "hour", "daypart")


@pytest.mark.parametrize(
    ("entry", "kind", "start", "end", "right"),
    [
        (("12T00:00:00", "13T00:00:00", "day", None), "instant", "12T00:00", None, False),
        (CLOCK, "instant", "12T15:00", "12T16:00", True),
        (CLOCK, "instant", "12T15:00", "12T17:00", False),
        (AFTERNOON, "interval", "12T13:00", "12T17:00", True),
        (AFTERNOON, "interval", "12T00:00", "13T00:00", False),
        ((None, "13T00:00:00", "day", None), "open", "10T10:20", "13T00:00", True),
        (("08T00:00:00", "15T00:00:00", "week", None), "interval", "10T10:20", "15T00:00", True),
        (("12T17:00:00", None, "hour", "daypart"), "open", "12T19:00", None, True),
    ],
)
def test_a_reading_is_right_by_the_rules_of_the_cases(
    entry: tuple[str | None, str | None, str, str | None], kind: str, start: str | None, end: str | None, right: bool
) -> None:
    accepted = {"grain": entry[2], "fuzzy": entry[3], "start": in_march(entry[0]), "end": in_march(entry[1])}
    span = [datetime.fromisoformat(moment) if moment else None for moment in (in_march(start), in_march(end))]
    assert is_right({"now": NOW, "kind": kind, "expect": [accepted]}, (span[0], span[1])) is right


def in_march(day_and_time: str | None) -> str | None:
    return f"2027-03-{day_and_time}" if day_and_time else None


def test_a_tally_of_nothing_divides_by_nothing() -> None:
    assert Tally().shares() == (0, 0, 0)

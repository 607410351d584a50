"""Children that are watched: waits that grow, and giving up only before all was ever well."""

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.processes import Child, ServerError, end_leftover
from bot.up_crew import Crew, how_it_ended


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def crew(said: list[str]) -> Iterator[Crew]:
    made = Crew(lambda name, words: said.append(f"{name} {words}"))
    yield made
    made.stop()


def child(folder: Path, code: str, name: str = "worker") -> Child:
    return Child(name, [sys.executable, "-c", code], folder / f"{name}.log", folder / f"{name}.json")


def watch_until_hopeless(crew: Crew) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        crew.watch()
        crew.refuse_hopeless()
        time.sleep(0.02)


def test_waits_grow_and_a_hopeless_child_ends_the_start(crew: Crew, said: list[str], tmp_path: Path) -> None:
    crew.start(child(tmp_path, "raise SystemExit('no model')"))
    with pytest.raises(ServerError, match="ended 3 times in a row") as caught:
        watch_until_hopeless(crew)
    assert "no model" in str(caught.value)
    waits = [line.split(" in ")[1].split(" s")[0] for line in said if "ended" in line]
    assert waits == ["0.5", "1", "2"]


def test_a_child_that_will_not_go_is_made_to(crew: Crew, tmp_path: Path) -> None:
    deaf = child(
        tmp_path, "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    deaf.patience = 0.3
    crew.start(deaf)
    while "1" not in deaf.last_words():
        time.sleep(0.02)
    began = time.monotonic()
    crew.stop()
    assert time.monotonic() - began < 5
    assert not (tmp_path / "worker.json").exists()


def test_a_record_of_a_process_that_is_gone_ends_nobody_else(tmp_path: Path) -> None:
    other = child(tmp_path, "import time; time.sleep(60)", "other")
    other.start()
    assert other.process is not None
    record = tmp_path / "worker.json"
    record.write_text(f'{{"pid": {other.process.pid}, "born": "another time"}}')
    assert end_leftover(record, other.farewell) is False
    assert other.ended is None
    other.stop()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1, "born": ""}'])
def test_a_record_that_cannot_be_read_is_no_obstacle(tmp_path: Path, text: str) -> None:
    record = tmp_path / "worker.json"
    record.write_text(text)
    assert end_leftover(record, signal.SIGTERM) is False


def test_an_ending_is_told_in_words() -> None:
    assert how_it_ended(-9) == "by SIGKILL"
    assert how_it_ended(1) == "with code 1"

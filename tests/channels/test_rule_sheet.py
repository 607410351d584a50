"""docs/channels.md names where each rule is kept and what holds it: all of that is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "channels.md").read_text()
SHEET = PAGE.split("## Every rule", 1)[1].split("### Left out", 1)[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in SHEET.splitlines()
    if line.startswith("| ") and not line.startswith(("| Rule |", "| **"))
]


def known_tests() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        found.update(re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE))
    return found


TESTS = known_tests()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_a_rule_has_a_place_and_a_test(row: list[str]) -> None:
    _, where, held = row
    places, holders = re.findall(r"`([^`]+)`", where), re.findall(r"`([^`]+)`", held)
    assert places
    assert holders
    assert [place for place in places if not (ROOT / place).is_file()] == []
    assert [one for one in holders if one not in TESTS and not (ROOT / one).is_file()] == []


def test_the_sheet_is_read_whole() -> None:
    assert len(ROWS) > 40
    assert {len(row) for row in ROWS} == {3}

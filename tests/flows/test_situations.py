"""Each of the sixty situations is played in every language that is tried here, or has a test of its own."""

import ast
from pathlib import Path

import pytest

from tests.flows.player import CONVERSATIONS, plays

ROOT = CONVERSATIONS.parents[1]
#: Situations of the platform, where no words matter: the test that plays each.
TESTED = {
    46: "tests/booking_core/test_offer_races.py::test_one_offer_accepted_by_many_hands",
    51: "tests/flows/test_raw_webhooks.py::test_a_voice_note_keeps_the_form_and_is_shown_to_staff",
    53: "tests/flows/test_raw_webhooks.py::test_five_thousand_letters_are_kept_whole_and_answered",
    57: "tests/channels/test_receive.py::test_the_same_delivery_many_times_at_once_counts_once",
}
EVERY = range(1, 61)


#: Of sixty, in the languages that came later.
MOST = 45


def _played(language: str) -> set[int]:
    scripts = {script.path: script for script, _ in plays() if script.language == language}
    return {number for script in scripts.values() for number in script.load().get("situations", ())}


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_situation_is_covered(language: str) -> None:
    missing = [number for number in EVERY if number not in _played(language) | TESTED.keys()]
    assert not missing, f"{language} misses {missing}"


@pytest.mark.parametrize("language", ["de", "fr", "pt"])
def test_most_situations_are_covered(language: str) -> None:
    assert len(_played(language) & set(EVERY)) >= MOST


@pytest.mark.parametrize("number", TESTED)
def test_the_tests_that_are_named_exist(number: int) -> None:
    path, name = TESTED[number].split("::")
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_each_script_of_situations_is_played_on_two_channels() -> None:
    channels: dict[Path, set[str]] = {}
    for script, channel in plays():
        channels.setdefault(script.path, set()).add(channel)
    alone = [path.name for path, where in channels.items() if len(where) < 2]
    assert set(alone) <= {"the-word-cancel.yml"}, alone  # the platform's own opt-out is there on SMS alone

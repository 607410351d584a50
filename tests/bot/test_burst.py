"""How long a turn waits for the customer to finish."""

from datetime import timedelta

import pytest

from bot.turn import LONGEST_WAIT, rest_of_burst
from channels.models import Message
from tests.channels.builders import NOW

QUIET = timedelta(seconds=1.5)


def rest(text: str = "hello", *, choice: str | None = None, ago: float = 0.0, waited: float = 0.0) -> float:
    newest = Message(text=text, choice=choice, created_at=NOW - timedelta(seconds=ago))
    left = rest_of_burst(newest, quiet=QUIET, now=NOW, waited=timedelta(seconds=waited))
    return left.total_seconds()


def test_free_text_waits_until_it_has_been_quiet() -> None:
    assert rest() == 1.5
    assert rest(ago=1.0) == 0.5
    assert rest(ago=2.0) <= 0


@pytest.mark.parametrize("text", ["3", " #2. ", "12)", "1\ufe0f\u20e3"])
def test_a_tap_and_a_number_never_wait(text: str) -> None:
    assert rest(text) == rest(choice="b1:x") == 0


@pytest.mark.parametrize("text", ["3pm", "123", "on the 3"])
def test_what_only_looks_like_a_number_waits(text: str) -> None:
    assert rest(text) == 1.5


def test_however_long_somebody_goes_on_an_answer_comes() -> None:
    longest = LONGEST_WAIT.total_seconds()
    assert rest(waited=longest - 1) == 1.0
    assert rest(waited=longest) == 0.0

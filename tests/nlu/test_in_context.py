"""What the open question makes of words that mean something else by themselves."""

import pytest

from nlu.meaning import Guess, decide


@pytest.mark.parametrize(
    ("asked", "guess", "meant"),
    [
        ("confirm", "book", "affirm"),  # "go ahead and book it"
        ("confirm", "confirm_attendance", "affirm"),  # "confirmed"
        ("reminder", "confirm_attendance", "confirm_attendance"),
        (None, "confirm_attendance", "confirm_attendance"),
    ],
)
def test_the_open_question_says_what_is_confirmed(asked: str | None, guess: str, meant: str) -> None:
    intent, _, also = decide(Guess(guess, 0.8), [], asked=asked, entities=(), when=None, text="confirmed")
    assert (intent, also) == (meant, ())

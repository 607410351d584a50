"""What the open question makes of words that mean something else by themselves."""

import pytest

from nlu.contract import Entity
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


def test_whoever_greets_and_names_a_service_wants_it() -> None:
    parts = [Guess("greet", 1.0), Guess("inform", 0.59)]
    haircut = Entity("service", "haircut", "coupe", 13, 18)
    text = "bonjour, une coupe hier"
    intent, _, also = decide(Guess("greet", 0.99), parts, asked=None, entities=(haircut,), when=None, text=text)
    assert {intent, *also} == {"inform", "greet"}


@pytest.mark.parametrize(
    ("asked", "meant"), [("confirm", "inform"), ("offer_slots", "inform"), ("booked", "reschedule")]
)
def test_another_person_instead_is_for_what_is_being_made(asked: str, meant: str) -> None:
    ana = Entity("staff", "ana", "Ana", 25, 28)
    text = "kann ich stattdessen zu Ana?"
    intent, _, _ = decide(Guess("reschedule", 0.99), [], asked=asked, entities=(ana,), when=None, text=text)
    assert intent == meant

import pytest

from nlu import clauses


@pytest.mark.parametrize("text", ["x" * 25, "x" * 3000, "ababababab", "0000000000"])
def test_one_letter_over_and_over_is_noise(text: str) -> None:
    assert clauses.is_noise(text)


@pytest.mark.parametrize("text", ["", "ok", "no no", "hahaha no", "see you", "aaah ok", "sííííí vale", "noooo"])
def test_short_or_said_words_are_not(text: str) -> None:
    assert not clauses.is_noise(text)

import pytest

from nlu import clauses

ENGLISH = clauses.Splitter.of(("and", "but", "y"), ("yes", "yes please", "sure"))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("yes, but how much is it?", ("yes", "how much is it")),
        ("Yes please book it", ("Yes please", "book it")),
        ("sure but can I pay there", ("sure", "can I pay there")),
        ("yes", ()),
        ("surely not", ()),
        ("Saturday", ()),
        ("haircut. tomorrow", ("haircut", "tomorrow")),
        ("a haircut - 5 - tomorrow", ("a haircut", "tomorrow")),
    ],
)
def test_a_message_falls_into_parts(text: str, parts: tuple[str, ...]) -> None:
    assert ENGLISH.clauses_of(text) == parts


def test_a_language_without_words_breaks_at_punctuation() -> None:
    assert clauses.Splitter.of().clauses_of("ja und nein, danke") == ("ja und nein", "danke")


def test_more_parts_than_anybody_says_are_not_looked_at() -> None:
    assert len(ENGLISH.clauses_of("a and " * 100)) == 8


@pytest.mark.parametrize("text", ["x" * 25, "x" * 3000, "ababababab", "0000000000"])
def test_one_letter_over_and_over_is_noise(text: str) -> None:
    assert clauses.is_noise(text)


@pytest.mark.parametrize("text", ["", "ok", "no no", "hahaha no", "see you", "aaah ok", "sííííí vale", "noooo"])
def test_short_or_said_words_are_not(text: str) -> None:
    assert not clauses.is_noise(text)

"""Dates written in full that no grammar of ours knows."""

from datetime import datetime

import pytest

from nlu.when import understand_when

NOW = datetime(2027, 3, 2, 10)  # noqa: DTZ001 - wall time of the zone


@pytest.mark.parametrize(
    ("locale", "text", "start", "grain"),
    [
        ("ru-RU", "можно 15 марта 2027 в 15:00?", "2027-03-15T15:00", "minute"),
        ("ja-JP", "2027年3月4日 15時", "2027-03-04T15:00", "minute"),
        ("ar-EG", "٤ مارس ٢٠٢٧", "2027-03-04T00:00", "day"),
        ("tr-TR", "15 Mart 2027", "2027-03-15T00:00", "day"),
        ("ko-KR", "2027년 3월 4일", "2027-03-04T00:00", "day"),
    ],
)
def test_a_language_without_a_grammar(locale: str, text: str, start: str, grain: str) -> None:
    (window,) = understand_when(text, locale=locale, now=NOW, tz="Europe/Madrid").choices
    assert (window.start, window.grain) == (datetime.fromisoformat(start), grain)
    assert text[window.span[0] : window.span[1]] == window.text


@pytest.mark.parametrize("text", ["мой номер 4915112345", "2 человека", "стрижка за 28", "да", "15", "офис 2027"])
def test_numbers_are_no_dates(text: str) -> None:
    assert understand_when(text, locale="ru-RU", now=NOW, tz="Europe/Madrid").choices == ()


@pytest.mark.parametrize("locale", ["xx-YY", "zz", "", "ru-RU"])
@pytest.mark.parametrize("text", ["9" * 2000, "31 31 31 2027 " * 150, "марта " * 400, "2027-99-99", "\x00 2027 \ud800"])
def test_nothing_makes_it_raise(locale: str, text: str) -> None:
    understand_when(text, locale=locale, now=NOW, tz="Europe/Madrid")


def test_what_is_over_is_said_to_be_over() -> None:
    (window,) = understand_when("15 марта 2020 в 15:00", locale="ru", now=NOW, tz="Europe/Madrid").choices
    assert window.past

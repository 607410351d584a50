"""Slips of the finger in words of time, and names that are nearly such words."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.when import understand_when
from nlu.when.lexicon import load_lexicon
from nlu.when.model import When
from nlu.when.slips import slips_between

NOW = datetime(2027, 3, 2, 9, 0, tzinfo=ZoneInfo("Europe/Madrid"))  # a Tuesday
HOURS = dict.fromkeys(range(6), ((9 * 60, 19 * 60),))


def _read(locale: str, text: str, **more: object) -> When:
    return understand_when(text, locale=locale, now=NOW, tz="Europe/Madrid", hours=HOURS, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("locale", "text", "start"),
    [
        ("en", "haalf past 5", "2027-03-02 17:30"),
        ("en", "tomrow at 3", "2027-03-03 15:00"),
        ("en", "wendesday at qaurter past 4", "2027-03-03 16:15"),
        ("en", "next mnoday arond 11", "2027-03-08 11:00"),
        ("en", "toninght at 6", "2027-03-02 18:00"),
        ("es", "mañna a las 5", "2027-03-03 17:00"),
        ("es", "pasado mañaan a las 10", "2027-03-04 10:00"),
        ("es", "el juves a las 6 y mdia", "2027-03-04 18:30"),
        ("es", "el miercloes depues de las 4", "2027-03-03 16:00"),
        ("fr", "demian à 15h", "2027-03-03 15:00"),
        ("fr", "mecredi à 10h", "2027-03-03 10:00"),
        ("fr", "samdei prochain", "2027-03-13 00:00"),
        ("de", "mittwch um halb 5", "2027-03-03 16:30"),
        ("de", "moregn um 10", "2027-03-03 10:00"),
        ("de", "nächsten dienstga um 9", "2027-03-09 09:00"),
        ("pt", "amnahã às 15h", "2027-03-03 15:00"),
        ("pt", "segnda feira às 10", "2027-03-08 10:00"),
        ("pt", "depois de amahã às 9h", "2027-03-04 09:00"),
    ],
)
def test_a_slip_is_read_as_it_was_meant(locale: str, text: str, start: str) -> None:
    (choice,) = _read(locale, text).choices
    assert str(choice.start)[:16] == start


@pytest.mark.parametrize(
    ("locale", "text", "start"),
    [
        ("es", "un corte el friday a las 11", "2027-03-05 11:00"),
        ("en", "a haircut on vendredi at 2pm", "2027-03-05 14:00"),
        ("de", "am viernes um 10", "2027-03-05 10:00"),
        ("pt", "dimanche às 10h", "2027-03-07 10:00"),
        ("fr", "tomorrow à 15h", "2027-03-03 15:00"),
        ("es", "el black friday a las 10", "2027-11-26 10:00"),
    ],
)
def test_a_day_may_be_named_in_another_language(locale: str, text: str, start: str) -> None:
    (choice,) = _read(locale, text).choices
    assert str(choice.start)[:16] == start


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "I can't come tomorrow, would Friday be possible?"),
        ("en", "can't do tomorrow, Friday?"),
        ("es", "no puedo ir mañana, ¿el viernes se puede?"),
        ("fr", "je peux pas demain, vendredi c'est possible ?"),
        ("de", "kann morgen nicht kommen, ginge Freitag?"),
        ("pt", "não posso ir amanhã, dá na sexta?"),
    ],
)
def test_the_day_that_cannot_be_is_none_with_the_one_asked_for(locale: str, text: str) -> None:
    read = _read(locale, text)
    assert [str(one.start)[:10] for one in read.choices] == ["2027-03-05"]
    assert [str(one.start)[:10] for one in read.exclusions] == ["2027-03-03"]


def test_a_day_named_twice_is_one() -> None:
    (choice,) = _read("en", "tomorrow, Wednesday at 3").choices
    assert str(choice.start)[:16] == "2027-03-03 15:00"


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "with Frida please"),
        ("en", "an elven launch, we are thirsty"),
        ("es", "soy Marco Medina, con Julia"),
        ("es", "vienes con los dominicos"),
        ("fr", "avec Martin ou Matis"),
        ("fr", "c'est pour Trent Mercier"),
        ("de", "bei Morten oder Frau Freytag"),
        ("de", "ein Geschenk für meine Nichte"),
        ("pt", "com a Amanda ou a Teresa"),
        ("pt", "o quadro e a tinta, por favor"),
    ],
)
def test_what_is_a_word_or_name_of_its_own_is_no_time(locale: str, text: str) -> None:
    read = _read(locale, text, latent=True)
    assert (read.choices, read.windows, read.exclusions) == ((), (), ())


def test_the_names_of_a_house_are_no_slips() -> None:
    assert _read("en", "saturdy please").choices
    assert not _read("en", "saturdy please", names={"saturdy"}).choices
    assert not _read("de", "bei Mittwoh", names={"mittwoh"}).choices


def test_what_could_be_two_words_is_none() -> None:
    assert load_lexicon("en").slips is not None
    assert load_lexicon("en").slips.mend("nonday") is None  # type: ignore[union-attr]


@given(st.text("abcdemnorstuvy", max_size=14), st.text("abcdemnorstuvy", max_size=14))
def test_slips_are_counted_both_ways(one: str, other: str) -> None:
    assert slips_between(one, other) == slips_between(other, one)
    assert (slips_between(one, other) == 0) == (one == other)
    assert slips_between(one, other) <= max(len(one), len(other))


def test_many_strange_words_cost_little() -> None:
    words = " ".join(f"{a}{b}{c}wednsdtyx"[:12] for a in "abcdefgh" for b in "klmnop" for c in "rstuv")
    _read("en", "warm up")
    began = time.perf_counter()
    _read("en", words)
    assert time.perf_counter() - began < 0.05

"""Small decisions of the actions that need no database."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot import phrasing
from bot.actions.dates import names_nothing
from bot.actions.late import minutes_in
from bot.actions.wish import by_line, correct, wish_for
from nlu.when import understand_when

TZ = "Europe/Madrid"
NOW = datetime(2027, 3, 2, 10, 0, tzinfo=ZoneInfo(TZ))  # a Tuesday
HOURS = {day: [(540, 1200)] for day in range(7)}


@pytest.mark.parametrize(
    ("text", "locale", "nothing"),
    [
        ("31 Feb", "en-GB", True),
        ("on February 30th", "en-US", True),
        ("el 31 de febrero", "es-ES", True),
        ("at 25:00", "en", True),
        ("10:75", "en", True),
        ("29 February", "en", False),
        ("ratio 3:2:1", "en", False),
        ("in March 20 people came", "en", False),
    ],
)
def test_dates_that_there_are_not(text: str, locale: str, nothing: bool) -> None:
    assert names_nothing(text, None, locale) is nothing


def test_what_the_grammar_could_read_is_no_such_thing() -> None:
    when = understand_when("tomorrow at 3, not 31 Feb", locale="en-GB", now=NOW, tz=TZ, hours=HOURS)
    assert not names_nothing("tomorrow at 3, not 31 Feb", when, "en-GB")


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("running 10 mins late", 10),
        ("llego 20 minutos tarde", 20),
        ("running late", None),
        ("be there at 15:10", None),
        ("10 or 20 late", None),
        ("999 late", None),
    ],
)
def test_how_late_somebody_is(text: str, minutes: int | None) -> None:
    assert minutes_in(text) == minutes


def test_a_weekday_is_ruled_out_today_and_in_every_week() -> None:
    when = understand_when("not before 5, not Tuesday", locale="en-GB", now=NOW, tz=TZ, hours=HOURS)
    excluded = wish_for(when.to_json(), tz=TZ, now=NOW).exclude
    tuesdays = [datetime(2027, 3, day, 18, tzinfo=ZoneInfo(TZ)) for day in (2, 9, 16, 23, 30)]
    assert all(any(start <= day < end for start, end in excluded if start and end) for day in tuesdays)
    wednesday = datetime(2027, 3, 3, 18, tzinfo=ZoneInfo(TZ))
    assert not any(start <= wednesday < end for start, end in excluded if start and end)


@pytest.mark.parametrize(("text", "near"), [("yesterday at 3pm", (2, 15)), ("today at 9am", (3, 9))])
def test_a_time_that_has_passed_is_looked_for_when_it_comes_again(text: str, near: tuple[int, int]) -> None:
    when = understand_when(text, locale="en-GB", now=NOW, tz=TZ, hours=HOURS)
    wanted = wish_for(when.to_json(), tz=TZ, now=NOW)
    assert wanted.past
    assert wanted.near is not None
    local = wanted.near.astimezone(ZoneInfo(TZ))
    assert (local.day, local.hour) == near


def test_what_is_written_last_corrects_what_was_written_before() -> None:
    text = "haircut on Wednesday at 3pm\nno wait, Thursday"
    when = understand_when(text, locale="en-GB", now=NOW, tz=TZ, hours=HOURS)
    first, later = by_line(when, text)
    wanted = wish_for(correct(correct(None, first, on_day=None), later, on_day=None), tz=TZ, now=NOW)
    assert wanted.exact == datetime(2027, 3, 4, 15, tzinfo=ZoneInfo(TZ))
    assert by_line(first, text) == [first]


@pytest.mark.parametrize("word", ["Tuesday", "tuesdays", "martes", "sábado", "Dienstag", "mardi"])
def test_weekdays_of_every_language(word: str) -> None:
    assert phrasing.names_weekday(word)

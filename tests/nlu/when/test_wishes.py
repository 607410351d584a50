"""What depends on more than the words: opening hours, the booking that moves, clock changes, the contract."""

# ruff: noqa: DTZ001 - wall-clock times have no zone of their own

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nlu.when import When, understand_when
from nlu.when.command import run
from nlu.when.lexicon import languages

NOW = datetime(2027, 3, 10, 10, 20)  # a Wednesday
BOOKING = (datetime(2027, 3, 12, 15), datetime(2027, 3, 12, 15, 45))


def ask(text: str, locale: str = "en-GB", now: datetime = NOW, tz: str = "Europe/London", **more: object) -> When:
    return understand_when(text, locale=locale, now=now, tz=tz, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "locale", "start"),
    [
        ("I have Tuesday at 3, move it to Thursday at 4", "en-GB", datetime(2027, 3, 11, 16)),
        ("my appointment is tomorrow at 11, can I push it to 3", "en-GB", datetime(2027, 3, 11, 15)),
        ("tengo el martes a las 3, cámbialo al jueves a las 4", "es-ES", datetime(2027, 3, 11, 16)),
        ("au lieu de mardi 15h, jeudi 16h", "fr-FR", datetime(2027, 3, 11, 16)),
        ("ich habe Dienstag um 3, bitte auf Donnerstag um 4 verlegen", "de-DE", datetime(2027, 3, 11, 16)),
        ("tenho terça às 3, dá pra mudar para quinta às 4?", "pt-BR", datetime(2027, 3, 11, 16)),
    ],
)
def test_the_wish_comes_before_the_time_that_it_replaces(text: str, locale: str, start: datetime) -> None:
    when = ask(text, locale)
    assert [window.start for window in when.choices] == [start]
    assert when.windows[0].start == start
    assert len({window.start for window in when.windows if window.start}) > 1  # the old time is still there to be asked


@pytest.mark.parametrize(
    ("locale", "first_month"), [("en-GB", 6), ("en-AU", 12), ("pt-BR", 12), ("de-DE", 6), ("fr-FR", 6), ("es-ES", 6)]
)
def test_summer_is_when_the_country_has_it(locale: str, first_month: int) -> None:
    words = {"en": "this summer", "pt": "no verão", "de": "im Sommer", "fr": "cet été", "es": "este verano"}
    start = ask(words[locale[:2]], locale).windows[0].start
    assert start is not None
    assert start.month == first_month


def every_day(start: int, end: int) -> dict[int, list[tuple[int, int]]]:
    return {day: [(start * 60, end * 60)] for day in range(7)}


@pytest.mark.parametrize(
    ("text", "hours", "hour", "asks"),
    [
        ("tomorrow at 3", every_day(9, 19), 15, None),
        ("tomorrow at 8", every_day(9, 20), 20, None),
        ("tomorrow at 8", every_day(8, 20), 8, "meridiem"),
        ("tomorrow at 8", every_day(7, 12), 8, None),
        ("tomorrow at 12", every_day(9, 19), 12, None),
        ("tomorrow half 5", every_day(9, 19), 17, None),
    ],
)
def test_opening_hours_decide_what_they_can(
    text: str, hours: dict[int, list[tuple[int, int]]], hour: int, asks: str | None
) -> None:
    when = ask(text, hours=hours)
    assert when.windows[0].start is not None
    assert when.windows[0].start.hour == hour
    assert when.ambiguity == asks


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("same time next week", datetime(2027, 3, 19, 15)),
        ("an hour later", datetime(2027, 3, 12, 16)),
        ("bring it forward to 10", datetime(2027, 3, 12, 10)),
        ("in two weeks same time", datetime(2027, 3, 26, 15)),
        ("the same time on Monday", datetime(2027, 3, 15, 15)),
        ("5pm instead", datetime(2027, 3, 12, 17)),
    ],
)
def test_a_wish_may_lean_on_the_booking_that_moves(text: str, start: datetime) -> None:
    window = ask(text, reference=BOOKING).windows[0]
    assert window.start == start
    assert window.relative_to_reference


def test_a_clock_change_is_stated_and_not_moved() -> None:
    gap = ask("28 March 2027 at 2:30 am", tz="Europe/Madrid").windows[0]
    assert (gap.start, gap.gap, gap.fold) == (datetime(2027, 3, 28, 2, 30), True, False)
    fold = ask("31 October 2027 at 2:30 am", tz="Europe/Madrid").windows[0]
    assert (fold.start, fold.gap, fold.fold) == (datetime(2027, 10, 31, 2, 30), False, True)
    plain = ask("28 March 2027 at 3:30 am", tz="Europe/Madrid").windows[0]
    assert (plain.gap, plain.fold) == (False, False)


def test_now_may_come_with_its_zone() -> None:
    late = datetime(2027, 3, 10, 23, 30, tzinfo=UTC)
    assert ask("tomorrow", now=late, tz="Europe/Madrid").windows[0].start == datetime(2027, 3, 12)


@pytest.mark.parametrize(
    ("text", "locale", "asks"),
    [
        ("03/04", "en", "date_order"),
        ("03/04", "en-GB", None),
        ("next Friday", "en-GB", "which_week"),
        ("Monday 17 March 2027", "en-GB", "weekday"),
        ("tomorrow at 8", "en-GB", "meridiem"),
        ("tomorrow at 3", "en-GB", None),
    ],
)
def test_ambiguity_says_what_to_ask(text: str, locale: str, asks: str | None) -> None:
    when = ask(text, locale)
    assert when.ambiguity == asks
    assert asks in (None, "weekday") or len(when.windows) > 1


@pytest.mark.parametrize("text", ["4", "2", "the second one", "option 2", "the 2nd", "12", "one", "#3", "2."])
def test_a_menu_choice_is_no_time(text: str) -> None:
    assert ask(text).windows == ()


@pytest.mark.parametrize(
    ("locale", "order"), [("en-US", (4, 3)), ("en-GB", (3, 4)), ("de-DE", (3, 4)), ("pt_BR", (3, 4))]
)
def test_numbers_of_a_date_follow_the_locale(locale: str, order: tuple[int, int]) -> None:
    start = ask("03/04/2028", locale).windows[0].start
    assert start is not None
    assert (start.day, start.month) == order


def test_an_unknown_locale_or_zone_is_no_reason_to_fail() -> None:
    assert ask("tomorrow", "xx-YY", tz="Nowhere/Land").windows[0].start == datetime(2027, 3, 11)
    assert ask("tomorrow", "").windows
    assert ask("tomorrow", "../../etc").windows


def test_the_command_answers_line_by_line() -> None:
    asked = {"id": "a", "text": "tomorrow at 3pm", "locale": "en-GB", "now": "2027-03-10T10:20", "tz": "Europe/London"}
    first, second, third = (json.loads(line) for line in run([json.dumps(asked), "no json", '{"id": 7}']))
    assert first["values"][0] == {
        "start": "2027-03-11T15:00:00",
        "end": "2027-03-11T16:00:00",
        "grain": "hour",
        "text": "tomorrow at 3pm",
    }
    assert first["ms"] >= 0
    assert set(second) == {"id", "error"}
    assert third["id"] == 7
    assert "now" in third["error"]


def test_import_stays_light() -> None:
    code = "import sys, nlu.when; sys.exit(any(name in sys.modules for name in ('babel', 'dateparser', 'rasa')))"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False, timeout=60).returncode == 0


def test_the_five_languages_are_there() -> None:
    assert {"en", "es", "fr", "de", "pt"} <= set(languages())

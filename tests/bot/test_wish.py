from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.actions import wish
from nlu.when import When, understand_when

TZ = "Europe/Madrid"
NOW = datetime(2027, 3, 2, 10)  # noqa: DTZ001 - wall time of the zone


def read(text: str, locale: str = "en-GB") -> When:
    return understand_when(text, locale=locale, now=NOW, tz=TZ, latent=True)


def starts_of(when: dict) -> list[str]:
    return [f"{window.start:%a %H:%M}" for window in When.from_json(when).choices if window.start]


@pytest.mark.parametrize(
    ("before", "now_said", "expected"),
    [
        ("thursday at 3pm", "actually make it 4", ["Thu 16:00"]),
        ("thursday at 3pm", "no wait, friday", ["Fri 15:00"]),
        ("tomorrow afternoon", "at 5", ["Wed 17:00"]),
        ("tomorrow", "after 4", ["Wed 16:00"]),
        ("thursday at 3pm", "saturday at 11", ["Sat 11:00"]),
    ],
)
def test_a_correction_changes_only_what_it_names(before: str, now_said: str, expected: list[str]) -> None:
    old = wish.correct(None, read(before), on_day=None)
    day = wish.day_talked_about(old, starts=None, tz=TZ)
    assert starts_of(wish.correct(old, read(now_said), on_day=day)) == expected


def test_an_exact_time_is_searched_on_its_whole_day() -> None:
    wanted = wish.wish_for(read("thursday at 3pm").to_json(), tz=TZ, now=NOW.replace(tzinfo=UTC))
    assert wanted.exact == datetime(2027, 3, 4, 14, tzinfo=UTC)
    ((first, last),) = wanted.spans
    assert first is not None
    assert last is not None
    assert last - first == timedelta(days=1)


def test_about_four_is_no_exact_time() -> None:
    wanted = wish.wish_for(read("thursday around 4").to_json(), tz=TZ, now=NOW.replace(tzinfo=UTC))
    assert wanted.exact is None
    assert wanted.spans


def test_nothing_said_leaves_everything_open() -> None:
    assert wish.wish_for(None, tz=TZ, now=NOW.replace(tzinfo=UTC)).open


@given(day=st.dates(date(2026, 1, 1), date(2030, 12, 31)), hour=st.integers(7, 21))
def test_a_bare_clock_stays_on_the_day_talked_about(day: date, hour: int) -> None:
    corrected = wish.correct(None, read(f"at {hour}:30"), on_day=day)
    (window,) = When.from_json(corrected).choices
    assert window.start is not None
    assert (window.start.date(), window.start.minute) == (day, 30)

"""Until when a thread is put aside, on the wall clock of the business."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.console.snooze import FARTHEST, NoSuchMoment, Snooze, moment_for

MADRID = "Europe/Madrid"
#: The evening before the clocks go back.
NOW = datetime(2026, 10, 24, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("choice", "at", "moment"),
    [
        (Snooze.HEARD, "", None),
        (Snooze.HOUR, "", NOW + timedelta(hours=1)),
        (Snooze.TOMORROW, "", datetime(2026, 10, 25, 8, tzinfo=UTC)),
        (Snooze.WEEK, "", datetime(2026, 10, 31, 8, tzinfo=UTC)),
        (Snooze.AT, "2026-10-26T09:30", datetime(2026, 10, 26, 8, 30, tzinfo=UTC)),
    ],
)
def test_moments(choice: Snooze, at: str, moment: datetime | None) -> None:
    assert moment_for(choice, at, tz=MADRID, now=NOW) == moment


@pytest.mark.parametrize(
    ("choice", "at"),
    [
        ("at", ""),
        ("at", "soon"),
        ("at", "2026-10-24T20:00"),
        ("at", "2026-10-26T09:30+00:00"),
        ("at", (NOW + FARTHEST + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")),
        ("at", "9999-12-31T23:59"),
        ("", ""),
        ("yesterday", ""),
    ],
)
def test_what_is_no_moment_is_refused(choice: str, at: str) -> None:
    with pytest.raises(NoSuchMoment):
        moment_for(choice, at, tz=MADRID, now=NOW)

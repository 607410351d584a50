"""Hours as the calendar's scale says them, in the width that it has on a phone."""

from datetime import UTC, datetime

import pytest

from bot.console.wall import Wall


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en-GB", ["00:00", "09:00", "14:00"]),
        ("en-US", ["12 AM", "9 AM", "2 PM"]),
        ("es-ES", ["0:00", "9:00", "14:00"]),
        ("es-MX", ["12 a.m.", "9 a.m.", "2 p.m."]),
        ("de-DE", ["00:00", "09:00", "14:00"]),
        ("fr-FR", ["00:00", "09:00", "14:00"]),
        ("pt-BR", ["00:00", "09:00", "14:00"]),
    ],
)
def test_an_hour_of_the_scale_is_short(locale: str, said: list[str]) -> None:
    wall = Wall(locale, "Europe/Madrid", datetime(2026, 11, 23, tzinfo=UTC))
    assert [wall.hour(hour).replace("\u00a0", " ") for hour in (0, 9, 14)] == said
    assert all(len(wall.hour(hour)) <= 7 and " " not in wall.hour(hour) for hour in range(24))

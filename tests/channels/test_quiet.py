"""Quiet hours: by the customer's own clock, over midnight and the change of the clocks."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.quiet import QuietHours, quiet_until, read_quiet_hours, zone_of

NIGHT = QuietHours(time(21), time(8))
MADRID = ZoneInfo("Europe/Madrid")


@pytest.mark.parametrize(
    ("channel", "address", "zone"),
    [
        ("sms", "+34600111222", "Europe/Madrid"),  # Spain has two zones; the business's own is one of them
        ("sms", "+14155550123", "America/Los_Angeles"),
        ("whatsapp", "whatsapp:+14155550123", "America/Los_Angeles"),
        ("whatsapp", "whatsapp:+5511987654321", "America/Sao_Paulo"),
        ("whatsapp", "whatsapp:US.abc123", "Europe/Madrid"),  # an id says nothing of a place
        ("sms", "+447700900123", "Europe/Madrid"),  # a number that no table knows
        ("sms", "72345", "Europe/Madrid"),
        ("telegram", "700100200", "Europe/Madrid"),
        ("web", "+14155550123", "Europe/Madrid"),
    ],
)
def test_where_the_customers_clock_hangs(channel: str, address: str, zone: str) -> None:
    assert zone_of(channel, address, "Europe/Madrid") == ZoneInfo(zone)


def test_a_country_of_many_zones_counts_from_its_middle() -> None:
    zone = zone_of("sms", "+79161234567", "Europe/Madrid")
    assert timedelta(hours=3) < datetime(2026, 1, 1, tzinfo=zone).utcoffset() < timedelta(hours=11)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("local", "ends"),
    [
        ("2026-11-24T20:59", None),
        ("2026-11-24T21:00", "2026-11-25T08:00"),
        ("2026-11-25T03:00", "2026-11-25T08:00"),
        ("2026-11-25T07:59", "2026-11-25T08:00"),
        ("2026-11-25T08:00", None),
        ("2026-10-24T22:00", "2026-10-25T08:00"),  # the night that is an hour longer
    ],
)
def test_the_quiet_ends_in_the_morning(local: str, ends: str | None) -> None:
    now = datetime.fromisoformat(local).replace(tzinfo=MADRID).astimezone(UTC)
    expected = datetime.fromisoformat(ends).replace(tzinfo=MADRID) if ends else None
    assert quiet_until(NIGHT, MADRID, now) == expected


def test_a_quiet_noon() -> None:
    siesta = QuietHours(time(14), time(16))
    now = datetime(2026, 11, 24, 15, tzinfo=MADRID)
    assert quiet_until(siesta, MADRID, now) == datetime(2026, 11, 24, 16, tzinfo=MADRID)
    assert quiet_until(siesta, MADRID, now + timedelta(hours=1)) is None


@given(
    st.integers(0, 6 * 365 * 24 * 60).map(
        lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(["Europe/Madrid", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham"]),
    st.times(),
    st.times(),
)
def test_what_is_held_back_never_goes_in_the_quiet(now: datetime, zone: str, begins: time, ends: time) -> None:
    hours = QuietHours(begins, ends)
    until = quiet_until(hours, ZoneInfo(zone), now)
    if until is None:
        assert now.astimezone(ZoneInfo(zone)).time() not in hours
    else:
        assert now < until <= now + timedelta(hours=26)


def test_the_setting_is_read() -> None:
    assert read_quiet_hours({"from": "21:00", "to": "08:00"}) == NIGHT
    assert read_quiet_hours(None) is None
    assert read_quiet_hours({"from": "08:00", "to": "08:00"}) is None


@pytest.mark.parametrize("setting", [{}, "21-8", {"from": "21:00"}, {"from": "21:00", "to": "morning"}])
def test_what_is_no_setting_is_refused(setting: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_quiet_hours(setting)

"""Dates and money in a language that is not the business's own."""

from datetime import UTC, datetime

import pytest

from bot import phrasing


@pytest.mark.parametrize(
    ("business", "language", "money", "moment"),
    [
        ("es-MX", "en", "MX$790.00", "Wed 15 Sept, 15:05"),
        ("pt-BR", "en", "MX$790.00", "Wed 15 Sept, 15:05"),
        ("en-US", "en", "MX$790.00", "Wed, Sep 15, 3:05 PM"),
        ("es-MX", "es", "$790.00", "mié 15 de sep, 3:05 p.m."),
    ],
)
def test_money_and_moments_abroad(business: str, language: str, money: str, moment: str) -> None:
    tag = phrasing.local_tag(language, business)
    assert phrasing.money(79_000, "MXN", tag) == money
    assert phrasing.day_and_clock(datetime(2027, 9, 15, 15, 5, tzinfo=UTC), "UTC", tag) == moment

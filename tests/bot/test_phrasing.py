"""Dates and money in a language that is not the business's own."""

from datetime import UTC, datetime, timedelta

import pytest

from bot import phrasing
from channels.twilio_content import ITEM


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


@pytest.mark.parametrize(
    "tag",
    [
        "en-GB",
        "en-US",
        "en-AU",
        "en-IN",
        "es-ES",
        "es-MX",
        "es-CO",
        "es-AR",
        "es-US",
        "fr-FR",
        "fr-CA",
        "de-DE",
        "de-AT",
        "pt-BR",
        "pt-PT",
        "pl",
        "eo",
    ],
)
def test_a_time_to_choose_fits_into_an_item_of_whatsapps_list(tag: str) -> None:
    """One label that is longer would make numbered lines of the whole list."""
    first = datetime(2027, 1, 1, 10, 45, tzinfo=UTC)
    moments = [first + timedelta(days=day, hours=hour) for day in range(365) for hour in (0, 12)]
    longest = max((phrasing.choice(moment, "UTC", tag) for moment in moments), key=len)
    assert len(longest) <= ITEM, longest

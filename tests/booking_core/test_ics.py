"""Calendar files as RFC 5545 wants them."""

import re
from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from booking_core import booking
from booking_core.ics import Entry, booking_ics, feed_ics
from tests.booking_core.shop import NOW, Shop

_QUARTER = timedelta(minutes=15)


def unfolded(text: str) -> dict[str, str]:
    lines = text.replace("\r\n ", "").split("\r\n")
    return dict(line.split(":", 1) for line in lines if line)


async def test_a_booking_as_a_file(shop: Shop) -> None:
    booked = await shop.hold("10:00", service="trim")
    catalog = await shop.catalog()
    summary = "Corte, peinado; y más\nno\\sé " + "ñandú 💈 " * 12
    text = booking_ics(booked, catalog, summary=summary, now=NOW.astimezone(UTC), description="Bis\x07 dann")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert not re.search(r"(?<!\r)\n", text)
    assert text.endswith("END:VCALENDAR\r\n")
    fields = unfolded(text)
    assert fields["UID"] == f"{booked.id}@threadbook"
    assert (fields["DTSTART"], fields["DTEND"]) == ("20261123T090000Z", "20261123T092000Z")
    assert (fields["SEQUENCE"], fields["METHOD"], fields["STATUS"]) == ("0", "PUBLISH", "CONFIRMED")
    assert fields["SUMMARY"].startswith("Corte\\, peinado\\; y más\\nno\\\\sé ñandú 💈")
    assert fields["DESCRIPTION"] == "Bis dann"


async def test_a_change_has_a_higher_sequence_and_the_same_uid(shop: Shop) -> None:
    booked = await shop.hold("10:00", service="trim")
    catalog = await shop.catalog()
    first = unfolded(booking_ics(booked, catalog, summary="x", now=NOW))
    await shop.move(booked, "11:00")
    moved = unfolded(booking_ics(booked, catalog, summary="x", now=NOW))
    assert (moved["UID"], moved["SEQUENCE"]) == (first["UID"], "1")
    await booking.cancel(shop.session, shop.business_id, booked.id, by="customer", version=2, now=NOW, actor="customer")
    gone = unfolded(booking_ics(booked, catalog, summary="x", now=NOW))
    assert (gone["METHOD"], gone["STATUS"], gone["SEQUENCE"]) == ("CANCEL", "CANCELLED", "2")


async def test_an_unpaid_time_is_tentative(shop: Shop) -> None:
    held = await shop.hold("10:00")
    assert unfolded(booking_ics(held, await shop.catalog(), summary="x", now=NOW))["STATUS"] == "TENTATIVE"


async def test_a_hold_that_ran_out_is_taken_away(shop: Shop) -> None:
    held = await shop.hold("10:00")
    late = held.hold_expires_at
    text = unfolded(booking_ics(held, await shop.catalog(), summary="x", now=late))
    assert (text["METHOD"], text["STATUS"], text["TRANSP"]) == ("CANCEL", "CANCELLED", "TRANSPARENT")


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("pending_approval", "TENTATIVE"),
        ("confirmed", "CONFIRMED"),
        ("checked_in", "CONFIRMED"),
        ("completed", "CONFIRMED"),
        ("no_show", "CONFIRMED"),
        ("declined", "CANCELLED"),
        ("expired", "CANCELLED"),
        ("cancelled_by_business", "CANCELLED"),
    ],
)
async def test_every_state_is_a_status(shop: Shop, state: str, status: str) -> None:
    booked = await shop.hold("10:00", service="trim")
    booked.state = state
    booked.hold_expires_at = booked.starts if state == "pending_approval" else None
    assert unfolded(booking_ics(booked, await shop.catalog(), summary="x", now=NOW))["STATUS"] == status
    shop.session.expunge(booked)


def test_a_feed_is_one_calendar_of_many_events() -> None:
    entry = Entry(
        uid="1@threadbook",
        sequence=2,
        starts=NOW,
        ends=NOW + timedelta(hours=26),
        summary="Boat, a week\x85end",
        location="Quay 1; left",
        status="CONFIRMED",
        changed=NOW - timedelta(days=1),
    )
    text = feed_ics([entry, replace(entry, uid="2@threadbook", description="K7QX4M")], name="Ana", refresh=_QUARTER)
    lines = text.split("\r\n")
    assert [line for line in lines if line.startswith("UID")] == ["UID:1@threadbook", "UID:2@threadbook"]
    assert (lines.count("BEGIN:VEVENT"), lines.count("END:VEVENT"), lines.count("END:VCALENDAR")) == (2, 2, 1)
    assert {"REFRESH-INTERVAL;VALUE=DURATION:PT15M", "X-PUBLISHED-TTL:PT15M", "X-WR-CALNAME:Ana"} <= set(lines)
    # Nothing says what it is for (METHOD), so its stamp is that of the last change.
    assert not [line for line in lines if line.startswith("METHOD")]
    assert lines.count("DTSTAMP:20261122T063000Z") == lines.count("LAST-MODIFIED:20261122T063000Z") == 2
    assert "SUMMARY:Boat\\, a weekend" in lines


def test_an_empty_feed_is_a_calendar_still() -> None:
    assert feed_ics([], name="Ana", refresh=_QUARTER).endswith("PT15M\r\nEND:VCALENDAR\r\n")

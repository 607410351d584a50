"""Calendar files as RFC 5545 wants them."""

import re
from datetime import UTC

from booking_core import booking
from booking_core.ics import booking_ics
from tests.booking_core.shop import NOW, Shop


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
    gone = unfolded(booking_ics(booked, catalog, summary="x", now=NOW, cancelled=True))
    assert (gone["METHOD"], gone["STATUS"], gone["SEQUENCE"]) == ("CANCEL", "CANCELLED", "2")


async def test_an_unpaid_time_is_tentative(shop: Shop) -> None:
    held = await shop.hold("10:00")
    assert unfolded(booking_ics(held, await shop.catalog(), summary="x", now=NOW))["STATUS"] == "TENTATIVE"

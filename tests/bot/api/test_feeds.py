"""Calendar files and feeds: what a calendar program sees, what it may not see, and when it need not look again."""

import re
from datetime import timedelta

import httpx
import pytest

from tests.booking_core.shop import MONDAY, at
from tests.bot.api.conftest import Api, iso


def events(text: str) -> list[dict[str, str]]:
    """Return each event's properties, unfolded."""
    lines = text.replace("\r\n ", "").split("\r\n")
    found: list[dict[str, str]] = []
    for line in lines:
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found and name != "END":
            found[-1][name] = value
    return found


async def file_of(api: Api, booking: dict) -> httpx.Response:
    return await api.http.get(booking["calendar_url"])


async def feed_of(api: Api, staff: str = "Ana") -> str:
    """Open a person's feed and return its address."""
    made = await api.post(f"/staff/{api.shop.staff[staff]}/calendar-feed")
    assert made.status_code == 200, made.text
    return made.json()["url"]


async def seen(api: Api, url: str) -> list[dict[str, str]]:
    answer = await api.http.get(url)
    assert answer.status_code == 200
    return events(answer.text)


# One booking, for its customer


async def test_a_booking_as_a_file(api: Api) -> None:
    booking = await api.booked("10:00")
    answer = await file_of(api, booking)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{booking["reference"]}.ics"'
    (event,) = events(answer.text)
    assert event["UID"] == f"{booking['id']}@threadbook"
    assert (event["DTSTART"], event["DTEND"]) == ("20261123T090000Z", "20261123T092000Z")
    assert (event["SEQUENCE"], event["STATUS"], event["SUMMARY"]) == ("0", "CONFIRMED", "trim\\, Shop")


async def test_it_follows_the_booking(api: Api) -> None:
    booking = await api.booked("10:00")
    await api.post(f"/bookings/{booking['id']}/reschedule", {"starts": iso("11:00")})
    text = (await file_of(api, booking)).text
    (moved,) = events(text)
    assert (moved["SEQUENCE"], moved["DTSTART"]) == ("1", "20261123T100000Z")
    assert "METHOD:PUBLISH" in text
    await api.post(f"/bookings/{booking['id']}/cancel")
    text = (await file_of(api, booking)).text
    (gone,) = events(text)
    assert (gone["UID"], gone["SEQUENCE"], gone["STATUS"]) == (moved["UID"], "2", "CANCELLED")
    assert "METHOD:CANCEL" in text


async def test_a_visit_of_several_parts_is_one_event(api: Api) -> None:
    services = [str(api.shop.services[name]) for name in ("cut", "trim")]
    booking = await api.booked("10:00", service_ids=services)
    (event,) = events((await file_of(api, booking)).text)
    assert (event["DTSTART"], event["DTEND"]) == ("20261123T090000Z", "20261123T102000Z")
    assert event["DESCRIPTION"].count("\\n") == 1
    assert "trim" in event["DESCRIPTION"]


@pytest.mark.parametrize("token", ["x", "x" * 500, "%00", "%F0%9F%92%88", "..%2f..%2fetc%2fpasswd", "' OR 1=1"])
async def test_addresses_that_lead_nowhere(api: Api, token: str) -> None:
    for path in (f"/calendar/{token}.ics", f"/calendar/feed/{token}.ics"):
        assert (await api.http.get(path)).status_code == 404


# Everything of one person


async def test_a_person_sees_their_own(api: Api) -> None:
    await api.booked("10:00")
    await api.booked("11:00", staff="Bruno")
    url = await feed_of(api)
    answer = await api.http.get(url)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["x-robots-tag"] == "noindex"
    (event,) = events(answer.text)
    assert (event["DTSTART"], event["SUMMARY"], event["STATUS"]) == ("20261123T090000Z", "trim · Maria", "CONFIRMED")
    (other,) = await seen(api, await feed_of(api, "Bruno"))
    assert other["DTSTART"] == "20261123T100000Z"


@pytest.mark.parametrize(
    ("setting", "summary"), [("first", "trim · Maria"), ("initials", "trim · M.R."), ("none", "trim")]
)
async def test_names_are_as_short_as_the_business_wants(api: Api, setting: str, summary: str) -> None:
    await api.run(
        "UPDATE business SET settings = jsonb_build_object('calendar_names', CAST(:as AS text))", **{"as": setting}
    )
    await api.booked("10:00", attendees=["Lola Gil"])
    url = await feed_of(api)
    (event,) = await seen(api, url)
    assert event["SUMMARY"] == summary
    assert "Ruiz" not in (await api.http.get(url)).text
    assert "Lola" not in (await api.http.get(url)).text


async def test_what_is_cancelled_is_said_to_be_for_a_month(api: Api) -> None:
    booking = await api.booked("10:00")
    url = await feed_of(api)
    await api.post(f"/bookings/{booking['id']}/cancel")
    (event,) = await seen(api, url)
    assert (event["STATUS"], event["TRANSP"], event["SEQUENCE"]) == ("CANCELLED", "TRANSPARENT", "1")
    await api.advance(timedelta(days=29))
    assert len(await seen(api, url)) == 1
    await api.advance(timedelta(days=2))
    assert await seen(api, url) == []


async def test_what_is_not_firm_is_tentative(api: Api) -> None:
    await api.booked("10:00", service="cut")
    url = await feed_of(api)
    assert [event["STATUS"] for event in await seen(api, url)] == ["TENTATIVE"]
    await api.advance(timedelta(minutes=30))
    assert [event["STATUS"] for event in await seen(api, url)] == ["CANCELLED"]


async def test_a_visit_that_went_to_somebody_else_leaves(api: Api) -> None:
    booking = await api.booked("10:00")
    ana, bruno = await feed_of(api), await feed_of(api, "Bruno")
    wanted = {"starts": iso("11:00"), "staff_id": str(api.shop.staff["Bruno"])}
    await api.post(f"/bookings/{booking['id']}/reschedule", wanted)
    assert await seen(api, ana) == []
    (event,) = await seen(api, bruno)
    assert (event["UID"], event["SEQUENCE"]) == (f"{booking['id']}@threadbook", "1")


async def test_parts_of_a_visit_that_follow_each_other_are_one(api: Api) -> None:
    services = [str(api.shop.services[name]) for name in ("cut", "trim")]
    booking = await api.booked("10:00", service_ids=services)
    url = await feed_of(api)
    (event,) = await seen(api, url)
    assert (event["DTSTART"], event["DTEND"]) == ("20261123T090000Z", "20261123T102000Z")
    assert event["SUMMARY"] == "cut + trim · Maria"
    # With a gap between them they are two, each with a name of its own that stays.
    await api.run(
        """UPDATE booking SET parts = jsonb_set(parts, '{1,starts}', '"2026-11-23T10:30:00+00:00"')""",
    )
    first, second = await seen(api, url)
    assert (first["UID"], second["UID"]) == (f"{booking['id']}@threadbook", f"{booking['id']}.1@threadbook")
    assert (first["DTEND"], second["DTSTART"]) == ("20261123T100000Z", "20261123T103000Z")


async def test_a_class_is_one_event_with_how_full_it_is(api: Api) -> None:
    seats = [await api.booked("10:00", service="yoga", party=party) for party in (1, 2)]
    url = await feed_of(api)
    (event,) = await seen(api, url)
    assert (event["SUMMARY"], event["UID"]) == ("yoga (3/3)", f"{seats[0]['session_id']}@threadbook")
    await api.post(f"/bookings/{seats[1]['id']}/cancel")
    (event,) = await seen(api, url)
    assert event["SUMMARY"] == "yoga (1/3)"
    await api.post(f"/class-sessions/{seats[0]['session_id']}/cancel")
    (event,) = await seen(api, url)
    assert (event["STATUS"], event["SEQUENCE"], event["SUMMARY"]) == ("CANCELLED", "1", "yoga (0/3)")


async def test_far_past_and_far_future_are_left_out(api: Api) -> None:
    booking = await api.booked("10:00")
    url = await feed_of(api)
    for days, there in ((-31, 0), (-29, 1), (364, 1), (366, 0)):
        day = at("10:00", MONDAY + timedelta(days=days))
        await api.run("UPDATE booking SET starts = :at, ends = CAST(:at AS timestamptz) + interval '1 hour'", at=day)
        assert len(await seen(api, url)) == there, days
    assert booking


async def test_who_has_it_need_not_fetch_it_again(api: Api) -> None:
    booking = await api.booked("10:00")
    url = await feed_of(api)
    first = await api.http.get(url)
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        same = await api.http.get(url, headers={"If-None-Match": known})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    await api.advance(timedelta(minutes=5))
    assert (await api.http.get(url, headers={"If-None-Match": tag})).status_code == 304, "time alone changes nothing"
    await api.post(f"/bookings/{booking['id']}/cancel")
    assert (await api.http.get(url, headers={"If-None-Match": tag})).status_code == 200
    head = await api.http.head(url)
    assert (head.status_code, head.headers["content-type"]) == (200, "text/calendar; charset=utf-8")


async def test_a_new_address_closes_the_old_one(api: Api) -> None:
    path = f"/staff/{api.shop.staff['Ana']}/calendar-feed"
    assert (await api.get(path)).status_code == 404
    first = await feed_of(api)
    assert (await api.get(path)).json()["url"] == first
    assert len(first.rsplit("/", 1)[1]) >= 43
    second = await feed_of(api)
    assert first != second
    assert (await api.http.get(first)).status_code == 404
    assert (await api.http.get(second)).status_code == 200
    assert (await api.call("DELETE", path)).status_code == 204
    assert (await api.http.get(second)).status_code == 404
    assert (await api.get(path)).status_code == 404


async def test_a_feed_is_a_calendar_as_the_rfc_has_it(api: Api) -> None:
    await api.run(
        "UPDATE service SET name = 'Corte, peinado; y más ñandú 💈 con un nombre larguísimo' WHERE name = 'trim'"
    )
    for clock in ("10:00", "10:20", "11:00"):
        await api.booked(clock)
    text = (await api.http.get(await feed_of(api))).text
    assert text.startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:")
    assert text.endswith("END:VEVENT\r\nEND:VCALENDAR\r\n")
    assert not re.search(r"(?<!\r)\n", text)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    found = events(text)
    assert len({event["UID"] for event in found}) == 3
    assert [event["DTSTART"] for event in found] == sorted(event["DTSTART"] for event in found)
    for event in found:
        assert event["SUMMARY"].startswith("Corte\\, peinado\\; y más ñandú 💈 con")
        for wanted in ("UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "STATUS", "LAST-MODIFIED"):
            assert event[wanted], wanted

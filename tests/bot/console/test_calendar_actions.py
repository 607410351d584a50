"""What staff do with a booking: moving it, its buttons, cancelling it; and what is refused."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from booking_core.catalog import load_catalog
from booking_core.kit.db import Database
from booking_core.models import Booking, BookingAudit
from channels.models import Message
from payment_links.models import Payment
from tests.bot.console.conftest import Browser, SignIn, hidden
from tests.bot.console.salon import DAY, TZ, Salon, open_salon
from tests.bot.console.scene import Scene, open_business

JSON = {"accept": "application/json"}


async def now_is(database: Database, booking: Booking) -> tuple[str, str, str | None]:
    """Return a booking's state, when it is and with whom."""
    async with database.transaction() as session:
        found = await session.get_one(Booking, (booking.business_id, booking.id))
        catalog = await load_catalog(session, booking.business_id)
        who = catalog.staff_member(found.staff_id).name if found.staff_id else None
        return found.state, f"{found.starts.astimezone(ZoneInfo(TZ)):%H:%M}", who


async def told(database: Database, salon: Salon, name: str) -> list[str]:
    """Return what the customer heard."""
    query = select(Message.text).where(
        Message.conversation_id == salon.threads[name], Message.sender.in_(["bot", "staff"])
    )
    async with database.transaction() as session:
        return [text or "" for text in await session.scalars(query.order_by(Message.seq))]


async def one(database: Database, salon: Salon, name: str = "Lucía", clock: str = "10:00", **more: object) -> Booking:
    async with database.transaction() as session:
        salon.session = session
        return await salon.known(
            name, str(more.pop("service", "Haircut")), clock, staff=more.pop("staff", "Ana"), **more
        )


async def move(browser: Browser, booking: Booking, **fields: object) -> tuple[int, str]:
    wanted = {"day": DAY, "time": "11:30", "staff": "", "version": booking.version, "tell": "yes", **fields}
    answer = await browser.submit(f"/console/bookings/{booking.id}/move", **wanted)
    return answer.status_code, answer.text


async def test_a_booking_is_moved_by_a_plain_form_and_its_customer_told(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    booking = await one(database, salon)
    bruno = salon.staff["Bruno"].id
    browser = await signed_in("staff")
    page = await browser.get(
        f"/console/bookings/{booking.id}/move", params={"day": DAY, "time": "11:30", "staff": bruno}
    )
    assert page.status_code == 200
    assert "10:00–10:45 · <bdi>Ana</bdi>" in page.text
    assert "11:30–12:15 · <bdi>Bruno</bdi>" in page.text
    assert await now_is(database, booking) == ("confirmed", "10:00", "Ana"), "only asked"

    key = hidden(page.text, "key")
    for _ in range(2):  # sent twice is done once
        assert (await move(browser, booking, staff=bruno, key=key))[0] == 303
    assert await now_is(database, booking) == ("confirmed", "11:30", "Bruno")
    (said,) = await told(database, salon, "Lucía")
    assert "11:30" in said
    assert "Bruno" in said
    async with database.transaction() as session:
        audits = list(await session.scalars(select(BookingAudit).where(BookingAudit.booking_id == booking.id)))
    assert [(row.move, row.actor) for row in audits] == [("reschedule", f"staff:{salon.scene.users['staff'].id}")]
    shown = (await browser.get(f"/console/bookings/{booking.id}")).text
    assert "Ana Soler" in shown, "the history says who"


async def test_a_customer_who_need_not_know_is_not_told(database: Database, salon: Salon, signed_in: SignIn) -> None:
    booking = await one(database, salon)
    assert (await move(await signed_in("staff"), booking, tell=""))[0] == 303
    assert await now_is(database, booking) == ("confirmed", "11:30", "Ana")
    assert await told(database, salon, "Lucía") == []


@pytest.mark.parametrize(
    ("clock", "who", "says"),
    [
        ("12:10", "Ana", "There is another booking at that time."),
        ("11:30", "Dalia", "This person does not do that service."),
        ("19:00", "", "That is outside working hours."),
        ("15:00", "Bruno", "They are away then."),
        ("25:00", "", "That does not exist (any more)."),
    ],
)
async def test_a_move_that_cannot_be_is_refused_in_words(
    database: Database, salon: Salon, signed_in: SignIn, clock: str, who: str, says: str
) -> None:
    booking = await one(database, salon)
    await one(database, salon, "Marta", "12:00")
    async with database.transaction() as session:
        salon.session = session
        await salon.away("Bruno", salon.at("14:00"), salon.at("17:00"))
    status, page = await move(await signed_in("staff"), booking, time=clock, staff=salon.staff[who].id if who else "")
    assert status == 409
    assert says in page
    assert await now_is(database, booking) == ("confirmed", "10:00", "Ana")
    assert await told(database, salon, "Lucía") == []


async def test_outside_hours_goes_if_somebody_says_so_but_a_taken_time_never(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    booking = await one(database, salon)
    await one(database, salon, "Marta", "12:00")
    browser = await signed_in("staff")
    path, ana = f"/console/bookings/{booking.id}/move", salon.staff["Ana"].id
    asked = await browser.get(path, params={"day": DAY, "time": "19:00", "staff": ""})
    assert asked.status_code == 200
    assert "That is outside working hours." in asked.text
    assert 'name="anyway"' in asked.text
    asked = await browser.get(path, params={"day": DAY, "time": "12:10", "staff": ana})
    assert asked.status_code == 409
    assert 'name="anyway"' not in asked.text
    assert (await move(browser, booking, time="12:10", staff=ana, anyway="yes"))[0] == 409
    assert (await move(browser, booking, time="19:00", anyway="yes"))[0] == 303
    assert await now_is(database, booking) == ("confirmed", "19:00", "Ana")


async def test_who_saw_an_older_booking_is_told_so(database: Database, salon: Salon, signed_in: SignIn) -> None:
    booking = await one(database, salon)
    browser = await signed_in("staff")
    assert (await move(browser, booking))[0] == 303
    status, page = await move(browser, booking, time="16:00")
    assert status == 409
    assert "It has changed meanwhile." in page
    assert await now_is(database, booking) == ("confirmed", "11:30", "Ana")
    late = await browser.submit(f"/console/bookings/{booking.id}/cancel", version=booking.version, tell="yes")
    assert late.status_code == 409
    assert "It has changed meanwhile." in late.text
    asked = await browser.get(
        f"/console/bookings/{booking.id}/move", params={"day": DAY, "time": "16:00", "version": 1}, headers=JSON
    )  # fmt: skip
    assert (asked.status_code, asked.json()["problem"][:11]) == (409, "It has chan")


async def test_all_parts_of_a_visit_move_together(database: Database, salon: Salon, signed_in: SignIn) -> None:
    async with database.transaction() as session:
        salon.session = session
        parts = (("Colour", ["Carla"], [("Wash basins", 1)], 0, 120), ("Blow-dry", ["Ana"], [], 120, 150))
        booking = await salon.book("Inés", "Colour", "10:00", *parts)
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/bookings/{booking.id}")).text
    assert "Carla · Wash basins" in page
    assert "10:45–11:30: only waits" in page
    assert (await move(browser, booking, time="12:00"))[0] == 303
    async with database.transaction() as session:
        found = await session.get_one(Booking, (booking.business_id, booking.id))
        starts = [datetime.fromisoformat(part["starts"]) for part in found.parts]
    assert starts == [salon.at("12:00"), salon.at("14:00")]


@pytest.mark.parametrize(
    ("step", "state", "says"), [("approve", "confirmed", "confirmed"), ("decline", "declined", "")]
)
async def test_a_request_is_decided_and_the_customer_hears(
    database: Database, salon: Salon, signed_in: SignIn, step: str, state: str, says: str
) -> None:
    booking = await one(database, salon, service="Bridal styling", state="pending_approval")
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/bookings/{booking.id}")).text
    assert f"/{booking.id}/approve" in page
    assert f"/{booking.id}/decline" in page
    assert "Check in" not in page
    path = f"/console/bookings/{booking.id}/{step}"
    assert (await browser.submit(path, version=booking.version, tell="yes")).status_code == 303
    assert (await now_is(database, booking))[0] == state
    (said,) = await told(database, salon, "Lucía")
    assert says in said


async def test_who_must_pay_after_approval_is_asked_to(database: Database, salon: Salon, signed_in: SignIn) -> None:
    booking = await one(database, salon, service="Colour", state="pending_approval", rooms=[("Wash basins", 0)])
    browser = await signed_in("staff")
    assert "€20.00" in (await browser.get(f"/console/bookings/{booking.id}")).text
    await browser.submit(f"/console/bookings/{booking.id}/approve", version=booking.version)
    assert (await now_is(database, booking))[0] == "held"
    async with database.transaction() as session:
        assert await session.scalar(select(Payment.amount).where(Payment.booking_id == booking.id)) == 2000


async def test_an_unpaid_time_is_confirmed_at_the_desk(database: Database, salon: Salon, signed_in: SignIn) -> None:
    booking = await one(database, salon, service="Colour", state="held", rooms=[("Wash basins", 0)])
    browser = await signed_in("staff")
    assert (await browser.submit(f"/console/bookings/{booking.id}/confirm", version=1, tell="yes")).status_code == 303
    assert (await now_is(database, booking))[0] == "confirmed"
    assert len(await told(database, salon, "Lucía")) == 1


async def test_whoever_comes_is_checked_in_and_taken_leave_of(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    past = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=30)
    async with database.transaction() as session:
        salon.session = session
        booking = await salon.book("Lucía", "Haircut", "10:00", staff="Ana")
        booking.starts, booking.ends = past, past + timedelta(minutes=45)
        absent = await salon.book("Tom", "Haircut", "12:00", staff="Ana")
        absent.starts, absent.ends = past - timedelta(hours=2), past - timedelta(hours=1)
    browser = await signed_in("staff")
    for step, state in (
        ("check-in", "checked_in"), ("undo-check-in", "confirmed"), ("check-in", "checked_in"),
        ("complete", "completed"),
    ):  # fmt: skip
        answer = await browser.submit(f"/console/bookings/{booking.id}/{step}", version=1)
        assert answer.status_code == 303, step
        assert (await now_is(database, booking))[0] == state
    assert (await browser.submit(f"/console/bookings/{absent.id}/no-show", version=1)).status_code == 303
    assert (await now_is(database, absent))[0] == "no_show"
    again = await browser.post(
        f"/console/bookings/{booking.id}/cancel", data={"csrf": browser.csrf, "version": "1"}, headers=JSON
    )
    assert again.status_code == 409
    assert again.json()["problem"] == "That is not possible in its present state."
    assert "Completed" in again.json()["html"], "with the booking as it is now"


async def test_buttons_are_those_that_the_state_allows(database: Database, salon: Salon, signed_in: SignIn) -> None:
    booking = await one(database, salon)
    page = (await (await signed_in("staff")).get(f"/console/bookings/{booking.id}")).text
    assert "/cancel" in page
    assert "/move" in page
    for not_yet in ("check-in", "complete", "no-show", "approve", "decline", "confirm", "undo-check-in"):
        assert f"/{not_yet}" not in page, not_yet


@pytest.mark.parametrize(
    ("by", "state", "refund"), [("business", "cancelled_by_business", 2000), ("customer", "cancelled_by_customer", 0)]
)
async def test_what_a_cancellation_gives_back_depends_on_whose_it_is(
    database: Database, salon: Salon, signed_in: SignIn, by: str, state: str, refund: int
) -> None:
    policy = {"cancel_cutoff_hours": 24 * 30, "refund_after_cutoff": 0}
    booking = await one(database, salon, service="Colour", rooms=[("Wash basins", 0)], policy_snapshot=policy)
    async with database.transaction() as session:
        session.add(paid(booking, 2000))
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/bookings/{booking.id}")).text
    assert "paid €20.00" in page.lower() or "€20.00 paid" in page.lower()
    await browser.submit(f"/console/bookings/{booking.id}/cancel", version=booking.version, by=by, tell="yes")
    assert (await now_is(database, booking))[0] == state
    async with database.transaction() as session:
        assert await session.scalar(select(Payment.refund)) == refund
    (said,) = await told(database, salon, "Lucía")
    assert ("€20.00" in said) == bool(refund)


async def test_a_hold_that_is_cancelled_gives_the_time_back(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    booking = await one(database, salon, service="Colour", state="held", rooms=[("Wash basins", 0)])
    other = await one(database, salon, "Marta", "14:00")
    browser = await signed_in("staff")
    assert (await browser.submit(f"/console/bookings/{booking.id}/cancel", version=1)).status_code == 303
    assert (await now_is(database, booking))[0] in {"expired", "cancelled_by_business"}
    assert (await move(browser, other, time="10:00"))[0] == 303


async def test_a_class_is_cancelled_with_all_who_booked_it(database: Database, salon: Salon, signed_in: SignIn) -> None:
    async with database.transaction() as session:
        salon.session = session
        held = await salon.meet("Yoga", "12:30", "Dalia", "Studio", {"Ben": 1})
        seat = await salon.known("Ada", "Yoga", "12:30", party=2, session_id=held.id, due=2400)
        for place in (1, 2):
            salon.take(seat, held.calendar_no + place, 0, 60)
        session.add(paid(seat, 2400))
    browser = await signed_in("staff")
    page = (await browser.get(f"/console/sessions/{held.id}")).text
    assert "3 of 12 seats taken" in page
    assert "2 bookings are cancelled with it." in page
    assert "Ada" in page
    for _ in range(2):
        answer = await browser.submit(f"/console/sessions/{held.id}/cancel", tell="yes")
        assert answer.status_code == 303
    assert (await now_is(database, seat))[0] == "cancelled_by_business"
    async with database.transaction() as session:
        assert await session.scalar(select(Payment.refund)) == 2400
    (said,) = await told(database, salon, "Ada")
    assert "€24.00" in said
    page = (await browser.get(f"/console/sessions/{held.id}")).text
    assert ">Cancelled<" in page
    assert "Book a seat" not in page
    assert "Yoga" not in (await browser.get(f"/console/calendar?day={DAY}&view=list")).text


async def test_a_class_that_is_over_is_not_cancelled(database: Database, salon: Salon, signed_in: SignIn) -> None:
    async with database.transaction() as session:
        salon.session = session
        held = await salon.meet("Yoga", "12:30", "Dalia", "Studio", {"Ben": 1})
        held.starts = datetime.now(UTC) - timedelta(hours=3)
        held.ends = held.starts + timedelta(hours=1)
    browser = await signed_in("staff")
    assert "Cancel the class" not in (await browser.get(f"/console/sessions/{held.id}")).text
    answer = await browser.submit(f"/console/sessions/{held.id}/cancel", tell="yes")
    assert answer.status_code == 409
    assert "This class is over." in answer.text


async def test_another_business_s_bookings_do_not_exist(
    database: Database, scene: Scene, salon: Salon, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        rival = await open_salon(session, await open_business(session, "rival"), DAY)
        booking = await rival.book("Theirs", "Haircut", "10:00", staff="Ana")
        held = await rival.meet("Yoga", "12:30", "Dalia", "Studio", {"Ben": 1})
        off = await rival.away("Ana", rival.at("15:00"), rival.at("16:00"))
        customer = booking.customer_id
    browser = await signed_in("owner")
    posts: dict[str, dict[str, object]] = {
        f"bookings/{booking.id}/move": {"day": DAY, "time": "11:00", "version": 1},
        f"bookings/{booking.id}/cancel": {"version": 1, "tell": "yes"},
        f"bookings/{booking.id}/check-in": {"version": 1},
        f"sessions/{held.id}/cancel": {"tell": "yes"},
        f"timeoff/{off.id}": {"whose": salon.staff["Ana"].id, "first": DAY},
        f"timeoff/{off.id}/delete": {},
        "calendar/new": {
            "service": salon.services["Haircut"].id, "day": DAY, "time": "11:00", "customer": customer,
            "place": salon.place.id,
        },
    }  # fmt: skip
    for path, fields in posts.items():
        assert (await browser.submit(f"/console/{path}", **fields)).status_code == 404, path
    for path in (f"bookings/{booking.id}", f"bookings/{booking.id}/move", f"sessions/{held.id}", f"timeoff/{off.id}"):
        assert (await browser.get(f"/console/{path}")).status_code == 404, path
    assert "Theirs" not in (await browser.get("/console/calendar/customers?q=Theirs")).text
    assert await now_is(database, booking) == ("confirmed", "10:00", "Ana")


async def test_nothing_is_changed_without_the_session_s_token(
    database: Database, salon: Salon, signed_in: SignIn
) -> None:
    booking = await one(database, salon)
    mine, other = await signed_in("staff"), await signed_in("owner")
    fields = {"day": str(DAY), "time": "11:30", "version": "1"}
    for path, data in (
        (f"bookings/{booking.id}/move", fields),
        (f"bookings/{booking.id}/cancel", {"version": "1"}),
        ("calendar/new", {"name": "X", **fields}),
        ("timeoff", {"whose": str(salon.staff["Ana"].id), "first": str(DAY)}),
    ):
        for token in ("", other.csrf):
            assert (await mine.post(f"/console/{path}", data={**data, "csrf": token})).status_code == 403, path
    assert await now_is(database, booking) == ("confirmed", "10:00", "Ana")


def paid(booking: Booking, amount: int) -> Payment:
    now = datetime.now(UTC)
    return Payment(
        business_id=booking.business_id, booking_id=booking.id, booking_version=1, amount=amount, currency="EUR",
        state="paid", title="x", locale="en", expires_at=now, created_at=now, paid_at=now, intent_id="pi",
    )  # fmt: skip

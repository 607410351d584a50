"""A salon with one chair and held bookings on it; a payment provider made of paper; events as Stripe words them."""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.db import Database
from booking_core.kit.ids import new_id, new_reference, new_secret
from booking_core.models import Allocation, Booking, Business, Customer, Location, ScheduleRule, Service, Skill, Staff
from payment_links import events, links
from payment_links.gateway import GatewayError, LinkOpened, LinkWanted, RefundMade, RefundStatus, RefundWanted
from payment_links.models import Payment, PaymentEvent

#: The database's own time is far from it: nothing may read a clock that was given `now`.
NOW = datetime.now(UTC).replace(microsecond=0)
STARTS = NOW.replace(hour=10, minute=0, second=0) + timedelta(days=2)


class PaperGateway:
    """A provider that keeps its books in memory: idempotent by key, and failing on demand."""

    def __init__(self) -> None:
        self.links: dict[str, LinkWanted] = {}
        self.closed: list[str] = []
        self.refunds: dict[str, RefundWanted] = {}
        self.paid: dict[str, Mapping[str, Any]] = {}
        self.trouble: list[GatewayError] = []
        self.refund_status = RefundStatus.DONE

    async def open_link(self, wanted: LinkWanted) -> LinkOpened:
        self._fail_on_demand()
        assert self.links.setdefault(wanted.key, wanted) == wanted, "same key, other request"
        return LinkOpened(session_of(wanted.key), f"https://pay.example/{wanted.key}")

    async def close_link(self, session_id: str) -> Mapping[str, Any] | None:
        self._fail_on_demand()
        self.closed.append(session_id)
        return self.paid.get(session_id)

    async def refund(self, wanted: RefundWanted) -> RefundMade:
        self._fail_on_demand()
        assert self.refunds.setdefault(wanted.key, wanted) == wanted, "same key, other request"
        return RefundMade(f"re_{wanted.key}", self.refund_status)

    def _fail_on_demand(self) -> None:
        if self.trouble:
            raise self.trouble.pop(0)


def session_of(payment_id: object) -> str:
    return f"cs_{payment_id}"


async def a_salon(session: AsyncSession) -> Business:
    business = Business(
        slug="marigold",
        name="Marigold Studio",
        default_locale="en",
        timezone="Europe/Madrid",
        currency="EUR",
        policy={},
        settings={},
    )
    session.add(business)
    await session.flush()
    location = Location(business_id=business.id, name="Studio", address="Calle Mayor 5", timezone="Europe/Madrid")
    session.add(location)
    await session.flush()
    ana = Staff(business_id=business.id, location_id=location.id, name="Ana", aliases=[])
    cut = Service(business_id=business.id, name="Haircut", duration=30, price=2800, deposit=1000, payment="deposit")
    session.add_all([ana, cut])
    await session.flush()
    session.add(Skill(business_id=business.id, staff_id=ana.id, service_id=cut.id))
    for weekday in range(7):
        session.add(ScheduleRule(business_id=business.id, staff_id=ana.id, weekday=weekday, opens=0, closes=1440))
    await session.flush()
    return business


async def a_hold(session: AsyncSession, *, starts: datetime = STARTS, minutes: int = 15, due: int = 1000) -> Booking:
    """Hold half an hour of Ana's time for a new customer, as `booking.hold` leaves it."""
    business = (await session.scalars(select(Business))).one_or_none() or await a_salon(session)
    await _stop_the_clock_at_now(session)
    staff = (await session.scalars(select(Staff))).one()
    customer = Customer(business_id=business.id, id=new_id(), name="Eva", created_at=NOW)
    session.add(customer)
    await session.flush()
    booking = Booking(
        business_id=business.id,
        id=new_id(),
        reference=new_reference(),
        customer_id=customer.id,
        service_id=(await session.scalars(select(Service.id))).one(),
        staff_id=staff.id,
        location_id=staff.location_id,
        starts=starts,
        ends=starts + timedelta(minutes=30),
        state="held",
        hold_expires_at=NOW + timedelta(minutes=minutes),
        version=1,
        price=2800,
        due=due,
        currency="EUR",
        policy_snapshot={},
        idempotency_key=new_secret(),
        ics_token=new_secret(),
        created_at=NOW,
        updated_at=NOW,
    )
    session.add(booking)
    await session.flush()
    during = Range(booking.starts, booking.ends)
    session.add(
        Allocation(business_id=business.id, booking_id=booking.id, calendar_no=staff.calendar_no, during=during)
    )
    await session.flush()
    return booking


async def expire(database: Database, booking: Booking) -> None:
    """Let the hold run out, as `booking.expire_due` leaves it."""
    async with database.transaction() as session:
        mine = await session.get_one(Booking, (booking.business_id, booking.id))
        mine.state, mine.hold_expires_at = "expired", None
        await session.execute(text("DELETE FROM allocation WHERE booking_id = :id"), {"id": booking.id})


async def _stop_the_clock_at_now(session: AsyncSession) -> None:
    """Let the system's clock begin at NOW, however long the tests before this one took."""
    await session.execute(
        text("INSERT INTO clock_shift (one, shift) VALUES (1, :now - clock_timestamp()) ON CONFLICT (one) DO NOTHING"),
        {"now": NOW},
    )


async def asked(database: Database, **hold: Any) -> tuple[Booking, Payment]:
    """Hold a time and ask for its deposit."""
    async with database.transaction() as session:
        booking = await a_hold(session, **hold)
        payment = await links.request_payment(session, booking, title="Haircut", locale="en", now=NOW)
    return booking, payment


async def opened(database: Database, gateway: PaperGateway, payment: Payment) -> list[str]:
    """Make the payment's page; returns what the customer was told."""
    told: list[str] = []

    async def on_open(_: AsyncSession, opened: Payment) -> None:
        told.append(str(opened.url))

    await links.make_link(database, gateway, payment.business_id, payment.id, on_open=on_open)
    return told


async def reload(database: Database, payment: Payment) -> Payment:
    async with database.transaction() as session:
        return await session.get_one(Payment, (payment.business_id, payment.id))


async def reload_booking(database: Database, booking: Booking) -> Booking:
    async with database.transaction() as session:
        return await session.get_one(Booking, (booking.business_id, booking.id))


async def deferred(database: Database, job: str) -> int:
    """Count the deferred jobs of a name."""
    async with database.transaction() as session:
        found = await session.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :job"), {"job": job}
        )
    return int(found)


_numbers = itertools.count(1)


def session_event(payment: Payment, kind: str = "checkout.session.completed", **change: Any) -> events.Told:
    """Return an event about a payment's page."""
    subject = {
        "id": session_of(payment.id),
        "object": "checkout.session",
        "payment_status": "paid" if "expired" not in kind else "unpaid",
        "payment_intent": f"pi_{payment.id}",
        "amount_total": payment.amount,
        "currency": payment.currency.lower(),
        "metadata": {
            "business_id": str(payment.business_id),
            "booking_id": str(payment.booking_id),
            "payment_id": str(payment.id),
        },
    }
    return events.Told(change.pop("event_id", f"evt_{next(_numbers)}"), kind, subject | change)


async def kept(database: Database) -> list[PaymentEvent]:
    async with database.transaction() as session:
        return list((await session.scalars(select(PaymentEvent).order_by(PaymentEvent.id))).all())


async def payments_of(database: Database, booking_id: UUID) -> list[Payment]:
    async with database.transaction() as session:
        statement = select(Payment).where(Payment.booking_id == booking_id).order_by(Payment.created_at, Payment.id)
        return list((await session.scalars(statement)).all())

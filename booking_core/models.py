"""Tables of the business: catalog, schedules, customers, bookings and what takes their time.

The `allocation` table is the one judge of who is free: a row exists exactly as long as a hold or a
booking takes somebody's (or something's) time, and no two rows of one calendar may overlap.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    Sequence,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from booking_core.kit.db import Base
from booking_core.kit.ids import new_id

#: One sequence numbers everything whose time can be taken: staff and resources alike.
CALENDAR_NUMBERS = Sequence("calendar_number", metadata=Base.metadata)


class PaymentRule(StrEnum):
    """What is asked for before a booking is confirmed."""

    NONE = "none"
    DEPOSIT = "deposit"
    FULL = "full"


class State(StrEnum):
    """Where a booking stands; moves are in `rules/lifecycle.py`."""

    HELD = "held"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED_BY_CUSTOMER = "cancelled_by_customer"
    CANCELLED_BY_BUSINESS = "cancelled_by_business"
    EXPIRED = "expired"


class Business(Base):
    """A tenant: one service business."""

    __tablename__ = "business"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    default_locale: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    #: Validated by `rules/policy.py` (Policy): lead time, window, hold length, cancellation.
    policy: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: Tone, emoji, phone: what words may use.
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Location(Base):
    """A place with a time zone."""

    __tablename__ = "location"
    __table_args__ = (ForeignKeyConstraint(["business_id"], ["business.id"]),)
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)


class Service(Base):
    """What is sold. Durations and buffers in minutes, amounts in minor units of the business's currency."""

    __tablename__ = "service"
    __table_args__ = (
        ForeignKeyConstraint(["business_id"], ["business.id"]),
        CheckConstraint("duration > 0 AND buffer_before >= 0 AND buffer_after >= 0", name="minutes"),
        CheckConstraint("price >= 0 AND deposit >= 0 AND deposit <= price", name="amounts"),
        CheckConstraint("payment IN ('none', 'deposit', 'full')", name="payment"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    #: language -> the name in that language
    names: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: language -> other ways customers say it
    synonyms: Mapped[dict[str, Any]] = mapped_column(default=dict)
    duration: Mapped[int] = mapped_column(Integer)
    buffer_before: Mapped[int] = mapped_column(Integer, default=0)
    buffer_after: Mapped[int] = mapped_column(Integer, default=0)
    slot_interval: Mapped[int] = mapped_column(Integer, default=15)
    price: Mapped[int] = mapped_column(BigInteger, default=0)
    deposit: Mapped[int] = mapped_column(BigInteger, default=0)
    payment: Mapped[str] = mapped_column(Text, default=PaymentRule.NONE.value)
    #: language -> what to bring or know beforehand
    preparation: Mapped[dict[str, Any]] = mapped_column(default=dict)
    position: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(default=True)


class Staff(Base):
    """A person who performs services."""

    __tablename__ = "staff"
    __table_args__ = (
        ForeignKeyConstraint(["business_id"], ["business.id"]),
        ForeignKeyConstraint(["business_id", "location_id"], ["location.business_id", "location.id"]),
        UniqueConstraint("calendar_no"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    location_id: Mapped[UUID]
    calendar_no: Mapped[int] = mapped_column(BigInteger, CALENDAR_NUMBERS, server_default=CALENDAR_NUMBERS.next_value())
    name: Mapped[str] = mapped_column(Text)
    aliases: Mapped[list[str]] = mapped_column(default=list)
    position: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(default=True)


class Skill(Base):
    """A staff member performs a service, perhaps at an own length (minutes) or price."""

    __tablename__ = "skill"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        ForeignKeyConstraint(["business_id", "service_id"], ["service.business_id", "service.id"]),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    service_id: Mapped[UUID] = mapped_column(primary_key=True)
    duration: Mapped[int | None] = mapped_column(Integer)
    price: Mapped[int | None] = mapped_column(BigInteger)


class ScheduleRule(Base):
    """Weekly working time, in wall-clock minutes of the location's day (0 to 1440)."""

    __tablename__ = "schedule_rule"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("opens >= 0 AND opens < closes AND closes <= 1440", name="minutes"),
        Index(None, "business_id", "staff_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID]
    #: Monday is 0.
    weekday: Mapped[int] = mapped_column(SmallInteger)
    opens: Mapped[int] = mapped_column(SmallInteger)
    closes: Mapped[int] = mapped_column(SmallInteger)


class DateOverride(Base):
    """A local date on which the given spans replace the weekly rules; no spans means a day off.

    `staff_id` null: a holiday of the whole location.
    """

    __tablename__ = "date_override"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "location_id"], ["location.business_id", "location.id"]),
        Index(None, "business_id", "day"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    location_id: Mapped[UUID]
    staff_id: Mapped[UUID | None]
    day: Mapped[date]
    #: [{"opens": minutes, "closes": minutes}]
    spans: Mapped[list[dict[str, Any]]] = mapped_column(default=list)


class TimeOff(Base):
    """Time a staff member is away."""

    __tablename__ = "time_off"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        CheckConstraint("starts < ends", name="order"),
        Index(None, "business_id", "staff_id", "starts"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID]
    starts: Mapped[datetime]
    ends: Mapped[datetime]


class Customer(Base):
    """A person who books; addresses live with the conversations that prove them."""

    __tablename__ = "customer"
    __table_args__ = (ForeignKeyConstraint(["business_id"], ["business.id"]),)
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str | None] = mapped_column(Text)
    locale: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class Booking(Base):
    """An agreement for one customer. `version` grows with every change; `sequence` is its .ics SEQUENCE."""

    __tablename__ = "booking"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "customer_id"], ["customer.business_id", "customer.id"]),
        ForeignKeyConstraint(["business_id", "service_id"], ["service.business_id", "service.id"]),
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        ForeignKeyConstraint(["business_id", "location_id"], ["location.business_id", "location.id"]),
        UniqueConstraint("business_id", "reference"),
        UniqueConstraint("business_id", "idempotency_key"),
        CheckConstraint("starts < ends", name="order"),
        CheckConstraint("(state = 'held') = (hold_expires_at IS NOT NULL)", name="hold_expires"),
        CheckConstraint(
            "state IN ('held', 'confirmed', 'completed', 'no_show', 'cancelled_by_customer',"
            " 'cancelled_by_business', 'expired')",
            name="state",
        ),
        Index("ix_booking_customer_starts", "business_id", "customer_id", "starts"),
        Index("ix_booking_starts", "business_id", "starts"),
        Index("ix_booking_ics_token", "ics_token"),
        Index("ix_booking_hold_expires", "hold_expires_at", postgresql_where=text("state = 'held'")),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reference: Mapped[str] = mapped_column(Text)
    #: The thread in which it was made: where its news go. No foreign key: this room knows no chat.
    conversation_id: Mapped[UUID | None]
    customer_id: Mapped[UUID]
    service_id: Mapped[UUID]
    staff_id: Mapped[UUID]
    location_id: Mapped[UUID]
    starts: Mapped[datetime]
    ends: Mapped[datetime]
    state: Mapped[str] = mapped_column(Text)
    hold_expires_at: Mapped[datetime | None]
    #: When the customer said, answering a reminder, that they will come.
    attendance_confirmed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(Integer, default=1)
    price: Mapped[int] = mapped_column(BigInteger)
    #: What must be paid before it is confirmed; 0 if nothing.
    due: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    policy_snapshot: Mapped[dict[str, Any]] = mapped_column(default=dict)
    idempotency_key: Mapped[str] = mapped_column(Text)
    #: Secret part of its .ics address.
    ics_token: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Allocation(Base):
    """Time taken on one calendar, buffers included. The exclusion constraint is the last judge.

    `int8range(n, n, '[]') WITH =` stands for plain equality, which a GiST index cannot judge without
    the btree_gist extension: the embedded PostgreSQL has no extensions.
    """

    __tablename__ = "allocation"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "booking_id"], ["booking.business_id", "booking.id"], ondelete="CASCADE"),
        ExcludeConstraint(
            (text("int8range(calendar_no, calendar_no, '[]')"), "="),
            ("during", "&&"),
            name="ex_allocation_calendar_during",
            using="gist",
        ),
        Index(None, "business_id", "booking_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    booking_id: Mapped[UUID]
    calendar_no: Mapped[int] = mapped_column(BigInteger)
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)


class Reminder(Base):
    """One reminder of one version of a booking; a newer version leaves it behind.

    States: due -> queued -> sent | skipped. Written in the booking's own transaction.
    """

    __tablename__ = "reminder"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "booking_id"], ["booking.business_id", "booking.id"], ondelete="CASCADE"),
        UniqueConstraint("business_id", "booking_id", "booking_version", "kind"),
        CheckConstraint("state IN ('due', 'queued', 'sent', 'skipped')", name="state"),
        Index("ix_reminder_due_at", "due_at", postgresql_where=text("state = 'due'")),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    booking_id: Mapped[UUID]
    booking_version: Mapped[int] = mapped_column(Integer)
    #: Hours before the start, such as `24h` and `2h`.
    kind: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(Text, default="due")


class BookingAudit(Base):
    """Who did what to a booking, and what became free by it."""

    __tablename__ = "booking_audit"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "booking_id"], ["booking.business_id", "booking.id"], ondelete="CASCADE"),
        Index(None, "business_id", "booking_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    booking_id: Mapped[UUID]
    at: Mapped[datetime]
    #: customer | staff:<user id> | system
    actor: Mapped[str] = mapped_column(Text)
    move: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)

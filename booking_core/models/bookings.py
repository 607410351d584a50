"""Tables of what is agreed: customers, bookings, whose time they take, and what was done to them.

The `allocation` table is the one judge of who is free: a row exists exactly as long as a hold, a booking
or a class takes somebody's (or something's) time, and no two rows of one calendar may overlap.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    column,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from booking_core.kit.db import Base
from booking_core.kit.ids import new_id


class State(StrEnum):
    """Where a booking stands; moves are in `rules/lifecycle.py`."""

    HELD = "held"
    #: Asked for; somebody at the business must agree. It takes its time meanwhile.
    PENDING_APPROVAL = "pending_approval"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED_BY_CUSTOMER = "cancelled_by_customer"
    CANCELLED_BY_BUSINESS = "cancelled_by_business"
    DECLINED = "declined"
    EXPIRED = "expired"


_STATES = ", ".join(f"'{state.value}'" for state in State)


class Customer(Base):
    """A person who books; addresses live with the conversations that prove them."""

    __tablename__ = "customer"
    __table_args__ = (ForeignKeyConstraint(["business_id"], ["business.id"]),)
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str | None] = mapped_column(Text)
    locale: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class CustomerAudit(Base):
    """Who changed what is known of a customer; of a merger, who is one with them now, and on what evidence."""

    __tablename__ = "customer_audit"
    __table_args__ = (ForeignKeyConstraint(["business_id"], ["business.id"]), Index(None, "business_id", "customer_id"))
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    customer_id: Mapped[UUID]
    at: Mapped[datetime]
    #: As in the audit of bookings.
    actor: Mapped[str] = mapped_column(Text)
    #: change | merge
    move: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class BookingSeries(Base):
    """Bookings that were made together, by a rule such as every second Tuesday."""

    __tablename__ = "booking_series"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "customer_id"], ["customer.business_id", "customer.id"]),
        UniqueConstraint("business_id", "idempotency_key"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    customer_id: Mapped[UUID]
    #: `rules/recurrence.py` (Recurrence), and the result for each occurrence.
    rule: Mapped[dict[str, Any]] = mapped_column(default=dict)
    results: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    idempotency_key: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class Booking(Base):
    """An agreement for one customer. `version` grows with every change; `sequence` is its .ics SEQUENCE."""

    __tablename__ = "booking"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "customer_id"], ["customer.business_id", "customer.id"]),
        ForeignKeyConstraint(["business_id", "service_id"], ["service.business_id", "service.id"]),
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        ForeignKeyConstraint(["business_id", "location_id"], ["location.business_id", "location.id"]),
        ForeignKeyConstraint(["business_id", "session_id"], ["class_session.business_id", "class_session.id"]),
        ForeignKeyConstraint(["business_id", "series_id"], ["booking_series.business_id", "booking_series.id"]),
        UniqueConstraint("business_id", "reference"),
        UniqueConstraint("business_id", "idempotency_key"),
        CheckConstraint("starts < ends", name="order"),
        CheckConstraint("(state IN ('held', 'pending_approval')) = (hold_expires_at IS NOT NULL)", name="hold_expires"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("party >= 1 AND units >= 1", name="numbers"),
        CheckConstraint("arrangement IN ('together', 'in_turn')", name="arrangement"),
        Index("ix_booking_customer_starts", "business_id", "customer_id", "starts"),
        Index("ix_booking_starts", "business_id", "starts"),
        Index("ix_booking_ics_token", "ics_token"),
        # `lengths.py`
        Index(
            "ix_booking_long",
            "business_id",
            text("(ends - starts)"),
            postgresql_where=text("ends - starts > interval '1 day'"),
        ),
        Index(
            "ix_booking_hold_expires",
            "hold_expires_at",
            postgresql_where=text("state IN ('held', 'pending_approval')"),
        ),
        Index("ix_booking_series", "business_id", "series_id", postgresql_where=text("series_id IS NOT NULL")),
        Index("ix_booking_session", "business_id", "session_id", postgresql_where=text("session_id IS NOT NULL")),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reference: Mapped[str] = mapped_column(Text)
    #: The thread in which it was made: where its news go. No foreign key: this room knows no chat.
    conversation_id: Mapped[UUID | None]
    customer_id: Mapped[UUID]
    #: What was asked for: for a visit of several parts, the whole.
    service_id: Mapped[UUID]
    #: Who does it, or its first part; None where nobody is needed (a rental).
    staff_id: Mapped[UUID | None]
    location_id: Mapped[UUID]
    #: The class that it has seats in.
    session_id: Mapped[UUID | None]
    series_id: Mapped[UUID | None]
    series_no: Mapped[int | None] = mapped_column(SmallInteger)
    starts: Mapped[datetime]
    ends: Mapped[datetime]
    #: How many people come, at once or one after the other.
    party: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    arrangement: Mapped[str] = mapped_column(Text, default="together", server_default="together")
    #: How many hours, days or nights, where the service is sold by them.
    units: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    #: What happens when, by whom and in which room: `rules/plan.py`, PlacedPart.
    parts: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    #: Ids of add-ons, as text.
    add_ons: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    #: Names of those who come besides the customer.
    attendees: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    #: Answers to the intake questions, by key.
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    state: Mapped[str] = mapped_column(Text)
    #: Until when an unpaid time is kept, or when a request for approval lapses.
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
        # Looked at by the end of the transaction: a hold takes its time first (`making.py`).
        ForeignKeyConstraint(
            ["business_id", "booking_id"],
            ["booking.business_id", "booking.id"],
            ondelete="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
        ForeignKeyConstraint(
            ["business_id", "session_id"], ["class_session.business_id", "class_session.id"], ondelete="CASCADE"
        ),
        CheckConstraint("num_nonnulls(booking_id, session_id) = 1", name="whose"),
        ExcludeConstraint(
            (text("int8range(calendar_no, calendar_no, '[]')"), "="),
            ("during", "&&"),
            name="ex_allocation_calendar_during",
            using="gist",
        ),
        Index(None, "business_id", "booking_id"),
        Index(
            "ix_allocation_business_id_session_id",
            "business_id",
            "session_id",
            postgresql_where=text("session_id IS NOT NULL"),
        ),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    booking_id: Mapped[UUID | None]
    #: A class takes its teacher's and its room's time itself; its seats are taken by bookings.
    session_id: Mapped[UUID | None]
    calendar_no: Mapped[int] = mapped_column(BigInteger)
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    #: It is the other place that a booking might move to (`MoveProposal`), not yet its own.
    proposed: Mapped[bool] = mapped_column(default=False, server_default="false")


#: `allocation` as whoever asks whose time is taken reads it: behind a policy no index serves ranges, whose
#: operators are not LEAKPROOF. The view keeps businesses apart by itself (`bot/separation.py`).
taken_time = table(
    "taken_time",
    column("business_id", Uuid()),
    column("booking_id", Uuid()),
    column("session_id", Uuid()),
    column("calendar_no", BigInteger()),
    column("during", TSTZRANGE()),
    column("proposed", Boolean()),
)


class MoveProposal(Base):
    """Another place that a booking is offered because its own was lost, held until it is answered."""

    __tablename__ = "move_proposal"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "booking_id"], ["booking.business_id", "booking.id"], ondelete="CASCADE"),
        # One open proposal for each booking.
        Index(
            "uq_move_proposal_open",
            "business_id",
            "booking_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        CheckConstraint("state IN ('open', 'accepted', 'declined', 'expired')", name="state"),
        CheckConstraint("(state = 'open') = (expires_at IS NOT NULL)", name="expires"),
        Index("ix_move_proposal_expires", "expires_at", postgresql_where=text("state = 'open'")),
        Index(None, "business_id", "booking_id"),
        Index(None, "business_id", "time_off_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    booking_id: Mapped[UUID]
    booking_version: Mapped[int] = mapped_column(Integer)
    time_off_id: Mapped[UUID | None]
    starts: Mapped[datetime]
    ends: Mapped[datetime]
    staff_id: Mapped[UUID | None]
    #: The class that it would have seats in.
    session_id: Mapped[UUID | None]
    parts: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    #: All that the booking would take: [{"calendar": no, "starts": ISO, "ends": ISO}]. Rows in `allocation` hold
    #: what of it the booking has not got already, such as the same room at the same time.
    claims: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    state: Mapped[str] = mapped_column(Text, default="open")
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class WaitlistEntry(Base):
    """Somebody who wants a time that is not free: when something frees, it is held for them and offered.

    States: waiting -> offered (an offer holds a slot) -> booked | waiting again | lapsed | withdrawn.
    """

    __tablename__ = "waitlist_entry"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "customer_id"], ["customer.business_id", "customer.id"]),
        ForeignKeyConstraint(["business_id", "service_id"], ["service.business_id", "service.id"]),
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        ForeignKeyConstraint(["business_id", "offer_id"], ["booking.business_id", "booking.id"]),
        CheckConstraint("state IN ('waiting', 'offered', 'booked', 'lapsed', 'withdrawn')", name="state"),
        CheckConstraint("(state = 'offered') = (offer_id IS NOT NULL)", name="offer"),
        UniqueConstraint("business_id", "idempotency_key"),
        Index(
            "ix_waitlist_entry_waiting",
            "business_id",
            "priority",
            "created_at",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_waitlist_entry_until", "until", postgresql_where=text("state = 'waiting'")),
        Index("ix_waitlist_entry_offer", "business_id", "offer_id", postgresql_where=text("offer_id IS NOT NULL")),
        Index("ix_waitlist_entry_customer", "business_id", "customer_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    customer_id: Mapped[UUID]
    conversation_id: Mapped[UUID | None]
    service_id: Mapped[UUID]
    staff_id: Mapped[UUID | None]
    location_id: Mapped[UUID | None]
    #: Ids as text: every service of the visit in order, where there are several, and add-ons.
    services: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    add_ons: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    #: Who should do just one service, or one part: service id -> staff id, as text.
    staff_by_service: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    party: Mapped[int] = mapped_column(Integer, default=1)
    arrangement: Mapped[str] = mapped_column(Text, default="together", server_default="together")
    units: Mapped[int] = mapped_column(Integer, default=1)
    #: Preference windows, best first: [{"from": ISO, "to": ISO}], aware.
    windows: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    #: The end of the last window: later it is of no use.
    until: Mapped[datetime]
    #: Lower comes first; the same: who asked first.
    priority: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[str] = mapped_column(Text, default="waiting")
    #: The booking (held) that is offered.
    offer_id: Mapped[UUID | None]
    #: Starts that were offered and refused or left: [ISO].
    passed: Mapped[list[str]] = mapped_column(default=list)
    idempotency_key: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


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
    #: customer | staff:<user id> | token:<id> | system
    actor: Mapped[str] = mapped_column(Text)
    move: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: Whether subscribers may have to be told of it; false where it is known that there are none.
    told: Mapped[bool] = mapped_column(default=True, server_default="true")


class DoneCommand(Base):
    """A command that was carried out under a key: the same key again changes nothing."""

    __tablename__ = "done_command"
    __table_args__ = (ForeignKeyConstraint(["business_id"], ["business.id"]),)
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    command: Mapped[str] = mapped_column(Text)
    #: What tells this command from another under the same key.
    fingerprint: Mapped[str] = mapped_column(Text)
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime]

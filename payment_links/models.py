"""Tables of money: what was asked for, and what the payment provider told us."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from booking_core.kit.db import Base
from booking_core.kit.ids import new_id


class PaymentState(StrEnum):
    """Where a payment stands; moves are in `payment_links/lifecycle.py`."""

    REQUESTED = "requested"  # recorded, no link yet
    OPEN = "open"  # the customer has a link
    PAID = "paid"
    PAID_LATE = "paid_late"  # money without a slot: being refunded
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"
    CLOSED = "closed"  # expired or cancelled unpaid
    FAILED = "failed"  # no link could be made


class Payment(Base):
    """One request for money for one booking. Amounts in minor units."""

    __tablename__ = "payment"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "booking_id"], ["booking.business_id", "booking.id"]),
        CheckConstraint(
            "state IN ('requested', 'open', 'paid', 'paid_late', 'refund_pending', 'refunded', 'closed', 'failed')",
            name="state",
        ),
        CheckConstraint("amount > 0 AND refund >= 0 AND refund <= amount", name="amounts"),
        Index(
            "uq_payment_live",
            "business_id",
            "booking_id",
            unique=True,
            postgresql_where=text("state IN ('requested', 'open')"),
        ),
        Index("ix_payment_session", "session_id"),
        Index(None, "business_id", "booking_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    booking_id: Mapped[UUID]
    booking_version: Mapped[int] = mapped_column(Integer)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default=PaymentState.REQUESTED.value)
    #: What the customer's page calls it, in their language; taken when the link is made.
    title: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    #: Stripe: Checkout Session, its page, the PaymentIntent behind it, the refund.
    session_id: Mapped[str | None] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    intent_id: Mapped[str | None] = mapped_column(Text)
    refund_id: Mapped[str | None] = mapped_column(Text)
    #: Amount given back or promised to be given back.
    refund: Mapped[int] = mapped_column(BigInteger, default=0)
    #: When the link stops working (the hold's end).
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]


class PaymentEvent(Base):
    """A provider event, kept once by its id; `handled_at` is stamped by the job that settles it."""

    __tablename__ = "payment_event"
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    type: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]

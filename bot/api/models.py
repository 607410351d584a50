"""Tables of other programs: their tokens, what they have asked already, what they are told and how that went."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Sequence,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from booking_core.kit.db import Base
from booking_core.kit.ids import new_id

#: Numbers events in the order in which they can be seen: drawn by one worker at a time (`events.fan_out`).
EVENT_NUMBERS = Sequence("booking_event_sequence", metadata=Base.metadata)


class ApiToken(Base):
    """A program that may speak for a business. Of the token itself only its SHA-256 is here.

    A slow hash is for words that people choose. 256 random bits cannot be guessed, however fast the hash.
    """

    __tablename__ = "api_token"
    __table_args__ = (
        ForeignKeyConstraint(["business_id"], ["business.id"]),
        UniqueConstraint("token_hash"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[str] = mapped_column(Text)
    #: How it begins: enough for a person to know it again.
    prefix: Mapped[str] = mapped_column(Text)
    #: `tokens.py`, Scope.
    scopes: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    #: To a few minutes: not every request writes it.
    last_used_at: Mapped[datetime | None]


class ApiRequest(Base):
    """A change that was asked for under a key, with its answer: written in the change's own transaction."""

    __tablename__ = "api_request"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "token_id"], ["api_token.business_id", "api_token.id"]),
        Index(None, "at"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    token_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    #: SHA-256 of method, path and body.
    fingerprint: Mapped[str] = mapped_column(Text)
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class BookingEvent(Base):
    """A change of a booking that subscribers are told: a trigger on `booking_audit` writes it, at commit."""

    __tablename__ = "booking_event"
    __table_args__ = (
        Index("ix_booking_event_new", "no", postgresql_where=text("sequence IS NULL")),
        Index("ix_booking_event_sequence", "business_id", "sequence", postgresql_where=text("sequence IS NOT NULL")),
        Index(None, "at"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The audit's own id.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: In the order of writing; a later number may be seen before an earlier one.
    no: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    #: In the order of being seen: whoever has read up to here misses nothing. None: not told yet.
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    booking_id: Mapped[UUID | None]
    #: What was done, as the audit says it.
    move: Mapped[str] = mapped_column(Text)
    #: `events.py`, EventType; None until it is numbered.
    type: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Text)
    #: The booking's row as that transaction left it, without secrets and without anybody's words.
    booking: Mapped[dict[str, Any]] = mapped_column(default=dict)


class WebhookEndpoint(Base):
    """An address that is told of events. Its secret is derived from the system's key: nothing of it is here."""

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        ForeignKeyConstraint(["business_id"], ["business.id"]),
        CheckConstraint("state IN ('active', 'paused', 'disabled')", name="state"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    #: Types it wants; empty: all.
    events: Mapped[list[str]] = mapped_column(default=list)
    #: paused: by its owner; disabled: by us, because it failed for days or said that it is gone.
    state: Mapped[str] = mapped_column(Text, default="active")
    disabled_because: Mapped[str | None] = mapped_column(Text)
    #: The first failure since it last took something.
    failing_since: Mapped[datetime | None]
    #: Grows with every rotation; the one before still signs until `old_secret_until`.
    secret_no: Mapped[int] = mapped_column(Integer, default=1)
    old_secret_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class WebhookDelivery(Base):
    """One event for one endpoint: pending until it is delivered or given up. `due_at` says when to try."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        ForeignKeyConstraint(
            ["business_id", "event_id"], ["booking_event.business_id", "booking_event.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["business_id", "endpoint_id"],
            ["webhook_endpoint.business_id", "webhook_endpoint.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("business_id", "event_id", "endpoint_id"),
        CheckConstraint("state IN ('pending', 'delivered', 'failed', 'dropped')", name="state"),
        CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="due"),
        Index("ix_webhook_delivery_due", "due_at", postgresql_where=text("state = 'pending'")),
        Index(None, "business_id", "endpoint_id", "id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    event_id: Mapped[UUID]
    endpoint_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(Text, default="pending")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime | None]
    #: The latest attempts: [{"at": ISO, "status": 500, "error": "status", "ms": 12}].
    tries: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

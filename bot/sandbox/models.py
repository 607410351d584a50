"""Tables of the stand-ins: empty in production."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from booking_core.kit.db import Base


class SandboxMessage(Base):
    """A message on a stand-in phone, either way, as the vendor would know it."""

    __tablename__ = "sandbox_message"
    __table_args__ = (Index("ix_sandbox_message_phone", "channel", "phone", "n"),)
    n: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    channel: Mapped[str] = mapped_column(Text)
    #: The customer's address; `account` is the business's.
    phone: Mapped[str] = mapped_column(Text)
    account: Mapped[str] = mapped_column(Text)
    #: in: from the customer to the business; out: to the customer
    direction: Mapped[str] = mapped_column(Text)
    #: MessageSid, or Telegram's message id in its chat.
    vendor_id: Mapped[str] = mapped_column(Text, index=True)
    text: Mapped[str] = mapped_column(Text)
    choices: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    #: Everything else that the vendor keeps of it: status, error code, template, edits.
    vendor: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime]


class SandboxObject(Base):
    """A vendor's object, such as a Checkout Session, PaymentIntent, refund or content template."""

    __tablename__ = "sandbox_object"
    __table_args__ = (Index(None, "kind", "created_at"),)
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class SandboxWebhook(Base):
    """A webhook that a stand-in owes us; tried again until answered with 2xx, like the vendors do."""

    __tablename__ = "sandbox_webhook"
    __table_args__ = (
        Index("ix_sandbox_webhook_due", "next_try_at", postgresql_where=text("done_at IS NULL")),
        Index("ix_sandbox_webhook_lane", "lane", "n", postgresql_where=text("done_at IS NULL")),
    )
    n: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    vendor: Mapped[str] = mapped_column(Text)
    #: Webhooks of one lane, such as one customer's messages, go out in order.
    lane: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    #: What is sent, and what of the message it tells; signed when sent, as the vendors do.
    request: Mapped[dict[str, Any]]
    tries: Mapped[int] = mapped_column(Integer, default=0)
    next_try_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    last_status: Mapped[int | None] = mapped_column(Integer)

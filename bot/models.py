"""Tables of the conversation: memory, who answers, people of the console, and their notes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from booking_core.kit.db import Base
from booking_core.kit.ids import new_id


class Dialogue(Base):
    """What the bot remembers of a thread, and who answers in it. Its row lock orders the turns."""

    __tablename__ = "dialogue"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "conversation_id"], ["conversation.business_id", "conversation.id"]),
        CheckConstraint("answers IN ('bot', 'waiting', 'person', 'snoozed', 'resolved')", name="answers"),
        CheckConstraint("(answers IN ('person', 'snoozed')) = (person_id IS NOT NULL)", name="held"),
        Index(None, "business_id", "answers"),
        Index("ix_dialogue_snoozed", "snoozed_until", postgresql_where=text("answers = 'snoozed'")),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: `nlu.engine` memory: JSON, bounded in size.
    memory: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: bot | waiting (a person was asked for, none has taken it) | person | snoozed | resolved; `bot/standing.py`
    answers: Mapped[str] = mapped_column(Text, default="bot")
    person_id: Mapped[UUID | None]
    #: Grows with every change of who answers: takeovers compare and set it.
    handoff_version: Mapped[int] = mapped_column(Integer, default=0)
    #: When a snoozed thread comes back by itself; null: when the customer writes.
    snoozed_until: Mapped[datetime | None]
    #: Since when a thread is back that was snoozed, until it is answered or moved: it stands out in the inbox.
    woken_at: Mapped[datetime | None]
    #: When the customer was told, in this wait, when a person answers: once.
    estimated_at: Mapped[datetime | None]


class HandoffNote(Base):
    """The audit of who answered a thread, and private notes of staff."""

    __tablename__ = "handoff_note"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "conversation_id"], ["conversation.business_id", "conversation.id"]),
        Index(None, "business_id", "conversation_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[UUID]
    at: Mapped[datetime]
    user_id: Mapped[UUID | None]
    #: A move of `bot/standing.py`, or: reply | note | estimate | no_messages | no_reminders | corrected
    move: Mapped[str] = mapped_column(Text)
    text: Mapped[str | None] = mapped_column(Text)
    #: Of an assignment: whom it is for.
    to_id: Mapped[UUID | None]
    #: Of a snooze: until when; null: until the customer writes.
    until: Mapped[datetime | None]


class CannedReply(Base):
    """A reply that people of a business insert by its title; `{name}` and the like are filled from the thread."""

    __tablename__ = "canned_reply"
    __table_args__ = (ForeignKeyConstraint(["business_id"], ["business.id"]), UniqueConstraint("business_id", "title"))
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID | None]


class ThreadSeen(Base):
    """How far a console user has read a thread: what lies beyond is marked unread, for them alone."""

    __tablename__ = "thread_seen"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "conversation_id"], ["conversation.business_id", "conversation.id"]),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)


class User(Base):
    """Somebody who signs in to the console."""

    __tablename__ = "console_user"
    __table_args__ = (
        ForeignKeyConstraint(["business_id"], ["business.id"]),
        UniqueConstraint("email"),
        CheckConstraint("role IN ('owner', 'manager', 'staff')", name="role"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)


class LoginSession(Base):
    """A signed-in browser: the cookie's SHA-256, so that a stolen table opens no door."""

    __tablename__ = "login_session"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "user_id"], ["console_user.business_id", "console_user.id"]),
    )
    token_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    business_id: Mapped[UUID]
    user_id: Mapped[UUID]
    csrf: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class StaffTask(Base):
    """Something only a person can settle: a refund to watch, a failed message, a late payment."""

    __tablename__ = "staff_task"
    __table_args__ = (
        ForeignKeyConstraint(["business_id"], ["business.id"]),
        UniqueConstraint("business_id", "key"),
        Index(None, "business_id", "done_at"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[UUID | None]
    booking_id: Mapped[UUID | None]
    #: What it is about, such as `late_payment_refunded`; worded by the console.
    kind: Mapped[str] = mapped_column(Text)
    #: One task per cause, however often the cause is handled.
    key: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[UUID | None]


class Credential(Base):
    """What a vendor knows a business by, sealed (`bot/vault.py`); without a row, the system's own serve."""

    __tablename__ = "credential"
    __table_args__ = (
        ForeignKeyConstraint(["business_id"], ["business.id"]),
        CheckConstraint("kind IN ('twilio', 'telegram', 'stripe')", name="kind"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: `bot.credential_shapes.Provider`; what is sealed is bound to it and to the business.
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    #: What may be shown of it, by the settings' names.
    hints: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: The database's real time, not the sandbox's: by `updated_at` every process sees that there are others now.
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class WorkerBeat(Base):
    """A worker that is alive with a loaded model; health and the console read it."""

    __tablename__ = "worker_beat"
    worker: Mapped[str] = mapped_column(Text, primary_key=True)
    model: Mapped[str] = mapped_column(Text)
    #: The database's real time, not the sandbox's.
    beat_at: Mapped[datetime]

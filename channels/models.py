"""Tables of the threads: accounts, conversations, messages (inbox, outbox and transcript in one), choices."""

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
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from booking_core.kit.db import Base
from booking_core.kit.ids import new_id


class Sender(StrEnum):
    """Who spoke."""

    CUSTOMER = "customer"
    BOT = "bot"
    STAFF = "staff"


class Delivery(StrEnum):
    """Where a message stands. Incoming: received -> answered. Outgoing: queued -> sending -> sent -> ..."""

    RECEIVED = "received"
    ANSWERED = "answered"  # the bot replied to it, or left it to the person in charge
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"  # for good; staff were told
    UNSURE = "unsure"  # a crash between the provider's yes and our record that no list could settle
    SUPPRESSED = "suppressed"  # not sent on purpose: a person took over, or the customer opted out


class ChannelAccount(Base):
    """One of a business's own addresses on a channel: a phone number, a bot, a widget."""

    __tablename__ = "channel_account"
    __table_args__ = (
        ForeignKeyConstraint(["business_id"], ["business.id"]),
        UniqueConstraint("channel", "address"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    channel: Mapped[str] = mapped_column(Text)
    #: sms: +E.164, whatsapp: whatsapp:+E.164, telegram: the bot's id, web and email: the business's slug
    address: Mapped[str] = mapped_column(Text)
    #: What links call it where that is another name than its address: a Telegram bot's username, once it is known.
    handle: Mapped[str | None] = mapped_column(Text)


class Conversation(Base):
    """One thread: (business, channel, the customer's address), the address an opaque string."""

    __tablename__ = "conversation"
    __table_args__ = (
        ForeignKeyConstraint(["business_id"], ["business.id"]),
        ForeignKeyConstraint(["business_id", "account_id"], ["channel_account.business_id", "channel_account.id"]),
        UniqueConstraint("business_id", "channel", "address"),
        Index("ix_conversation_latest", "business_id", "last_message_at"),
        Index("ix_conversation_customer", "business_id", "customer_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    #: What the channel calls the person; never evidence of who it is.
    display_name: Mapped[str | None] = mapped_column(Text)
    customer_id: Mapped[UUID | None]
    #: BCP 47, learned from the messages; null until known.
    locale: Mapped[str | None] = mapped_column(Text)
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    last_message_at: Mapped[datetime]
    #: The last message of the customer: WhatsApp's 24 hours count from here.
    last_heard_at: Mapped[datetime | None]
    opted_out_at: Mapped[datetime | None]
    #: What became of it, for managers: booked | moved | cancelled | handed_off | null
    outcome: Mapped[str | None] = mapped_column(Text)


class Message(Base):
    """One message of a thread, either way. `seq` orders a thread without gaps in time."""

    __tablename__ = "message"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "conversation_id"], ["conversation.business_id", "conversation.id"]),
        UniqueConstraint("business_id", "conversation_id", "seq"),
        UniqueConstraint("business_id", "channel", "provider_id"),
        CheckConstraint("sender IN ('customer', 'bot', 'staff')", name="sender"),
        Index(
            "ix_message_unanswered",
            "business_id",
            "conversation_id",
            "seq",
            postgresql_where=text("status = 'received'"),
        ),
        Index("ix_message_outbox", "status", "status_at", postgresql_where=text("status IN ('queued', 'sending')")),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[UUID]
    seq: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[str] = mapped_column(Text)
    sender: Mapped[str] = mapped_column(Text)
    #: The console user who wrote it, for sender = staff.
    staff_user_id: Mapped[UUID | None]
    #: The channel's own id: unique, so that a repeated delivery writes nothing.
    provider_id: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    #: Incoming: the token of the choice that was tapped.
    choice: Mapped[str | None] = mapped_column(Text)
    #: Incoming: the provider id of the message that was answered, where the channel tells.
    in_reply_to: Mapped[str | None] = mapped_column(Text)
    #: Incoming: media and other facts of the channel, [{"type", "url"}].
    attachments: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    #: Outgoing: [{"id": token, "label": text}]
    choices: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    act: Mapped[str | None] = mapped_column(Text)
    facts: Mapped[dict[str, Any] | None]
    #: Incoming: what the bot understood.
    understood: Mapped[dict[str, Any] | None]
    locale: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    status_at: Mapped[datetime]
    error: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    #: Outgoing: how it may go and what became of it on the way (`channels/terms.py`).
    terms: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    #: Outgoing: not sent before this moment (quiet hours); of no use after that one.
    not_before: Mapped[datetime | None]
    not_after: Mapped[datetime | None]
    created_at: Mapped[datetime]


class DeliveryReport(Base):
    """A provider's word on an outgoing message, every one kept; order is not guaranteed."""

    __tablename__ = "delivery_report"
    __table_args__ = (UniqueConstraint("channel", "provider_id", "status"),)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    channel: Mapped[str] = mapped_column(Text)
    provider_id: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]


class ChoiceToken(Base):
    """What a tap means: opaque to the world, used once, valid for one thread."""

    __tablename__ = "choice_token"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "conversation_id"], ["conversation.business_id", "conversation.id"]),
        Index(None, "business_id", "conversation_id"),
        Index(None, "message_id", "number"),
    )
    #: `b1:` and 24 base64url characters, at most 60 bytes (Telegram allows 64).
    token: Mapped[str] = mapped_column(Text, primary_key=True)
    business_id: Mapped[UUID]
    conversation_id: Mapped[UUID]
    message_id: Mapped[UUID]
    #: 1-based place in its message, for those who type the number.
    number: Mapped[int] = mapped_column(Integer)
    label: Mapped[str] = mapped_column(Text)
    #: {"do": ..., "args": {...}}: read by the conversation, opaque here.
    meaning: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ConversationAlias(Base):
    """Another address of the same person on a channel, told by the platform itself: WhatsApp's business-scoped id."""

    __tablename__ = "conversation_alias"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "conversation_id"], ["conversation.business_id", "conversation.id"]),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    address: Mapped[str] = mapped_column(Text, primary_key=True)
    conversation_id: Mapped[UUID]


class ConsentNote(Base):
    """When somebody wanted messages, or no more of them, and how we know: kept for ever, never changed."""

    __tablename__ = "consent_note"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "conversation_id"], ["conversation.business_id", "conversation.id"]),
        CheckConstraint("wish IN ('in', 'out', 'asked')", name="wish"),
        CheckConstraint("purpose IN ('any', 'reminders', 'marketing')", name="purpose"),
        Index(None, "business_id", "conversation_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[UUID]
    at: Mapped[datetime]
    wish: Mapped[str] = mapped_column(Text)
    #: wrote (first) | platform (STOP, START) | words | blocked | unblocked | refused (the provider's error) |
    #: answered (our question, in this thread) | link (opened from a letter) | question (ours: `asked`) |
    #: spoken (said to somebody of the business, who wrote it down) | corrected (that had been written down by mistake)
    how: Mapped[str] = mapped_column(Text)
    #: What for: any message | reminders | marketing
    purpose: Mapped[str] = mapped_column(Text, default="any", server_default="any")
    #: Whose law was looked at (ISO 3166-1), where one was.
    country: Mapped[str | None] = mapped_column(Text)
    #: The sentence that was agreed to, word for word, where there was one; of what was spoken, what was said; of what
    #: was corrected, why.
    wording: Mapped[str | None] = mapped_column(Text)
    #: The provider's id of the message that said so, where there is one.
    provider_id: Mapped[str | None] = mapped_column(Text)
    #: The console user who wrote down what was spoken, or corrected it.
    noted_by: Mapped[UUID | None]


class MessageTemplate(Base):
    """A template that WhatsApp's owner has approved, or not yet: what `data/templates` declares, as it was pushed."""

    __tablename__ = "message_template"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    language: Mapped[str] = mapped_column(Text, primary_key=True)
    #: The Content API's id.
    sid: Mapped[str] = mapped_column(Text)
    #: Of what was pushed: a template that is declared differently now is pushed anew.
    digest: Mapped[str] = mapped_column(Text)
    #: unsubmitted | received | pending | approved | rejected | paused | disabled
    status: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    checked_at: Mapped[datetime]


class OwnTemplate(Base):
    """The same of a business's own account: each account has its own approvals, under ids of its own."""

    __tablename__ = "own_template"
    __table_args__ = (ForeignKeyConstraint(["business_id"], ["business.id"]),)
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    language: Mapped[str] = mapped_column(Text, primary_key=True)
    #: The account that it was pushed to: in another one it is unknown.
    account: Mapped[str] = mapped_column(Text)
    sid: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    checked_at: Mapped[datetime]


class MediaFile(Base):
    """A picture, voice note or file that came with a message; ours, since the provider's copy does not stay."""

    __tablename__ = "media_file"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "message_id"], ["message.business_id", "message.id"]),
        CheckConstraint("state IN ('waiting', 'kept', 'refused', 'gone')", name="state"),
        UniqueConstraint("business_id", "message_id", "place"),
        Index("ix_media_file_kept", "created_at", postgresql_where=text("state = 'kept'")),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    message_id: Mapped[UUID]
    #: Its place among the message's attachments.
    place: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text)
    #: What it is by its own first bytes, not by what was said of it.
    content_type: Mapped[str | None] = mapped_column(Text)
    #: Why it was refused: type | size | gone
    reason: Mapped[str | None] = mapped_column(Text)
    data: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class ThreadLink(Base):
    """A one-time token that joins a new thread to a customer who is known from another one (Telegram's /start)."""

    __tablename__ = "thread_link"
    __table_args__ = (ForeignKeyConstraint(["business_id"], ["business.id"]),)
    #: SHA-256 of the token, so that a stolen table opens no thread.
    token_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    business_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    locale: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class CustomerEmail(Base):
    """The e-mail address of a customer, and since when it is known to be theirs; two customers may share one."""

    __tablename__ = "customer_email"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "conversation_id"], ["conversation.business_id", "conversation.id"]),
        CheckConstraint("use IN ('also', 'instead', 'fallback')", name="use"),
        UniqueConstraint("token_hash"),
        Index(None, "business_id", "conversation_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The thread on the channel `email` with this address.
    conversation_id: Mapped[UUID]
    #: What the customer chose; null: as the business does it.
    use: Mapped[str | None] = mapped_column(Text)
    confirmed_at: Mapped[datetime | None]
    #: SHA-256 of the token in the letter that asks to confirm.
    token_hash: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime | None]

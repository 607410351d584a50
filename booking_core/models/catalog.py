"""Tables of what a business offers: places, services and their parts, people, resources."""

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
)
from sqlalchemy.orm import Mapped, mapped_column

from booking_core.kit.db import Base
from booking_core.kit.ids import new_id

#: A calendar has as many numbers as this at most: one for each unit that can be taken at the same time.
CALENDAR_WIDTH = 10_000
#: One sequence numbers everything whose time can be taken: staff, resources, classes and limits alike.
CALENDAR_NUMBERS = Sequence("calendar_number", increment=CALENDAR_WIDTH, metadata=Base.metadata)
#: Versions of catalogs: never the same twice, not even after a rollback (triggers draw them).
CATALOG_VERSIONS = Sequence("catalog_version", metadata=Base.metadata)


class PaymentRule(StrEnum):
    """What is asked for before a booking is confirmed."""

    NONE = "none"
    DEPOSIT = "deposit"
    FULL = "full"


class Unit(StrEnum):
    """How long a service lasts: fixed, or as many hours, days or nights as the customer says."""

    VISIT = "visit"
    HOUR = "hour"
    #: From `day_from` on the first day to `day_until` on the last; one day ends on the day it begins.
    DAY = "day"
    #: From `day_from` on the first day to `day_until` so many nights later.
    NIGHT = "night"


class Covers(StrEnum):
    """How long a resource is needed: the whole visit, or only while somebody works."""

    VISIT = "visit"
    WORK = "work"


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
    #: Drawn anew by triggers whenever anything changes of which `load_catalog` reads.
    catalog_version: Mapped[int] = mapped_column(
        BigInteger, CATALOG_VERSIONS, server_default=CATALOG_VERSIONS.next_value()
    )
    #: Somebody outside wants to hear of every change of a booking (webhooks).
    has_subscribers: Mapped[bool] = mapped_column(default=False, server_default="false")


class Location(Base):
    """A place with a time zone; a currency of its own where prices are in another one."""

    __tablename__ = "location"
    __table_args__ = (ForeignKeyConstraint(["business_id"], ["business.id"]),)
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str | None] = mapped_column(Text)
    #: Languages that are spoken there, as tags such as `es`.
    languages: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    position: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    active: Mapped[bool] = mapped_column(default=True, server_default="true")


class Service(Base):
    """What is sold. Durations and buffers in minutes, amounts in minor units of the place's currency."""

    __tablename__ = "service"
    __table_args__ = (
        ForeignKeyConstraint(["business_id"], ["business.id"]),
        CheckConstraint("duration > 0 AND buffer_before >= 0 AND buffer_after >= 0", name="minutes"),
        CheckConstraint("price >= 0 AND deposit >= 0 AND deposit <= price", name="amounts"),
        CheckConstraint("payment IN ('none', 'deposit', 'full')", name="payment"),
        CheckConstraint("unit IN ('visit', 'hour', 'day', 'night')", name="unit"),
        CheckConstraint("1 <= units_min AND units_min <= units_max", name="units"),
        CheckConstraint("(unit IN ('day', 'night')) = (day_from IS NOT NULL AND day_until IS NOT NULL)", name="days"),
        CheckConstraint(
            "processing >= 0 AND (processing = 0"
            " OR (processing_from > 0 AND processing_from + processing <= duration))",
            name="processing",
        ),
        CheckConstraint(f"capacity BETWEEN 1 AND {CALENDAR_WIDTH}", name="capacity"),
        CheckConstraint("max_party >= 1", name="max_party"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    #: language -> the name in that language
    names: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: language -> other ways customers say it
    synonyms: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: How long the customer is there; for hourly, daily and nightly services the length of one unit.
    duration: Mapped[int] = mapped_column(Integer)
    #: So many minutes after the start the customer waits (colour works in) and the staff is free.
    processing_from: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    processing: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    buffer_before: Mapped[int] = mapped_column(Integer, default=0)
    buffer_after: Mapped[int] = mapped_column(Integer, default=0)
    slot_interval: Mapped[int] = mapped_column(Integer, default=15)
    #: So many minutes after round times it begins: 5 makes 9:35 and 10:05 of 9:30 and 10:00.
    slot_offset: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    unit: Mapped[str] = mapped_column(Text, default=Unit.VISIT.value, server_default="visit")
    units_min: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    units_max: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    #: Wall-clock minutes of collecting and of bringing back, for days and nights.
    day_from: Mapped[int | None] = mapped_column(SmallInteger)
    day_until: Mapped[int | None] = mapped_column(SmallInteger)
    #: Seats of a class; 1: no class.
    capacity: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    #: How many people may come with one booking.
    max_party: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    #: Who is needed: a role for each person (`""` is the usual one). Empty: nobody.
    staff_roles: Mapped[list[str]] = mapped_column(default=lambda: [""], server_default='[""]')
    #: Everybody who has the skill is needed at once, whatever the roles say.
    everyone: Mapped[bool] = mapped_column(default=False, server_default="false")
    #: A person at the business must agree before it is confirmed.
    approval: Mapped[bool] = mapped_column(default=False, server_default="false")
    #: Minutes and days that replace the policy's, where set.
    lead_time: Mapped[int | None] = mapped_column(Integer)
    booking_window: Mapped[int | None] = mapped_column(Integer)
    #: For one unit and one person.
    price: Mapped[int] = mapped_column(BigInteger, default=0)
    deposit: Mapped[int] = mapped_column(BigInteger, default=0)
    payment: Mapped[str] = mapped_column(Text, default=PaymentRule.NONE.value)
    #: language -> what to bring or know beforehand
    preparation: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: Intake questions in order (`rules/questions.py`, Question).
    questions: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    category: Mapped[str | None] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(default=True)


class Segment(Base):
    """One part of a visit that is made of several services, in order: other staff and room for each.

    `max_wait`: so many minutes may pass between the part before and this one. `same_staff`: whoever did
    the part before.
    """

    __tablename__ = "segment"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "service_id"], ["service.business_id", "service.id"]),
        ForeignKeyConstraint(["business_id", "part_id"], ["service.business_id", "service.id"]),
        CheckConstraint("max_wait >= 0", name="max_wait"),
        CheckConstraint("part_id <> service_id", name="other"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    service_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    part_id: Mapped[UUID]
    max_wait: Mapped[int] = mapped_column(Integer, default=0)
    same_staff: Mapped[bool] = mapped_column(default=False)


class AddOn(Base):
    """Something extra that a customer may take with a service: more minutes, more money."""

    __tablename__ = "add_on"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "service_id"], ["service.business_id", "service.id"]),
        CheckConstraint("minutes >= 0 AND price >= 0", name="amounts"),
        Index(None, "business_id", "service_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    service_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(Text)
    names: Mapped[dict[str, Any]] = mapped_column(default=dict)
    synonyms: Mapped[dict[str, Any]] = mapped_column(default=dict)
    minutes: Mapped[int] = mapped_column(Integer, default=0)
    price: Mapped[int] = mapped_column(BigInteger, default=0)
    position: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(default=True)


class ServiceAt(Base):
    """How a service differs at one place: another price, or not offered there."""

    __tablename__ = "service_at"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "service_id"], ["service.business_id", "service.id"]),
        ForeignKeyConstraint(["business_id", "location_id"], ["location.business_id", "location.id"]),
        CheckConstraint("deposit IS NULL OR price IS NULL OR deposit <= price", name="amounts"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    service_id: Mapped[UUID] = mapped_column(primary_key=True)
    location_id: Mapped[UUID] = mapped_column(primary_key=True)
    offered: Mapped[bool] = mapped_column(default=True)
    price: Mapped[int | None] = mapped_column(BigInteger)
    deposit: Mapped[int | None] = mapped_column(BigInteger)


class Staff(Base):
    """A person who performs services."""

    __tablename__ = "staff"
    __table_args__ = (
        ForeignKeyConstraint(["business_id"], ["business.id"]),
        ForeignKeyConstraint(["business_id", "location_id"], ["location.business_id", "location.id"]),
        UniqueConstraint("calendar_no"),
        UniqueConstraint("feed_token"),
        CheckConstraint("weight >= 0", name="weight"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    location_id: Mapped[UUID]
    calendar_no: Mapped[int] = mapped_column(BigInteger, CALENDAR_NUMBERS, server_default=CALENDAR_NUMBERS.next_value())
    name: Mapped[str] = mapped_column(Text)
    aliases: Mapped[list[str]] = mapped_column(default=list)
    position: Mapped[int] = mapped_column(Integer, default=0)
    #: Round robin gives a person so large a share.
    weight: Mapped[int] = mapped_column(Integer, default=100, server_default="100")
    #: Round robin asks a higher priority first; None counts as medium (2 of 0 to 4).
    priority: Mapped[int | None] = mapped_column(SmallInteger)
    #: Secret part of the address of their calendar feed; None: no feed.
    feed_token: Mapped[str | None] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)


class Skill(Base):
    """A staff member performs a service (in a role), perhaps at an own length (minutes) or price."""

    __tablename__ = "skill"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        ForeignKeyConstraint(["business_id", "service_id"], ["service.business_id", "service.id"]),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    service_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(Text, primary_key=True, default="", server_default="")
    duration: Mapped[int | None] = mapped_column(Integer)
    price: Mapped[int | None] = mapped_column(BigInteger)


class Resource(Base):
    """A room, a chair, a machine; `units` of the same that can be taken at the same time."""

    __tablename__ = "resource"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "location_id"], ["location.business_id", "location.id"]),
        UniqueConstraint("calendar_no"),
        CheckConstraint(f"units BETWEEN 1 AND {CALENDAR_WIDTH // 2}", name="units"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    location_id: Mapped[UUID]
    #: The first of its units' numbers; unit n has `calendar_no + n`.
    calendar_no: Mapped[int] = mapped_column(BigInteger, CALENDAR_NUMBERS, server_default=CALENDAR_NUMBERS.next_value())
    #: What services ask for, such as `room`.
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    names: Mapped[dict[str, Any]] = mapped_column(default=dict)
    units: Mapped[int] = mapped_column(Integer, default=1)
    position: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(default=True)


class ServiceResource(Base):
    """A service needs so many units of a kind of resource."""

    __tablename__ = "service_resource"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "service_id"], ["service.business_id", "service.id"]),
        CheckConstraint("units >= 1", name="units"),
        CheckConstraint("covers IN ('visit', 'work')", name="covers"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    service_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    units: Mapped[int] = mapped_column(Integer, default=1)
    covers: Mapped[str] = mapped_column(Text, default=Covers.VISIT.value)

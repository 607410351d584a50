"""Tables of when: weekly hours, dates that differ, time away, zones, classes on the timetable, limits."""

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
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from booking_core.kit.db import Base
from booking_core.kit.ids import new_id
from booking_core.models.catalog import CALENDAR_NUMBERS, CALENDAR_WIDTH


class Period(StrEnum):
    """What a limit counts in, on the location's wall calendar; weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class ScheduleRule(Base):
    """Weekly hours of a person, a resource or a place, in wall-clock minutes of its day (0 to 1440)."""

    __tablename__ = "schedule_rule"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        ForeignKeyConstraint(["business_id", "resource_id"], ["resource.business_id", "resource.id"]),
        ForeignKeyConstraint(["business_id", "location_id"], ["location.business_id", "location.id"]),
        CheckConstraint("num_nonnulls(staff_id, resource_id, location_id) = 1", name="whose"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("opens >= 0 AND opens < closes AND closes <= 1440", name="minutes"),
        Index(None, "business_id", "staff_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID | None]
    resource_id: Mapped[UUID | None]
    location_id: Mapped[UUID | None]
    #: Monday is 0.
    weekday: Mapped[int] = mapped_column(SmallInteger)
    opens: Mapped[int] = mapped_column(SmallInteger)
    closes: Mapped[int] = mapped_column(SmallInteger)


class DateOverride(Base):
    """A local date on which the given spans replace the weekly rules; no spans means a day off.

    `staff_id` null: a holiday (or other hours) of the whole location.
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
    """Time a staff member or a resource is away; `kind` tells a block (a meeting) from an absence."""

    __tablename__ = "time_off"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        ForeignKeyConstraint(["business_id", "resource_id"], ["resource.business_id", "resource.id"]),
        CheckConstraint("starts < ends", name="order"),
        CheckConstraint("num_nonnulls(staff_id, resource_id) = 1", name="whose"),
        CheckConstraint("kind IN ('absence', 'block', 'sick')", name="kind"),
        Index(None, "business_id", "staff_id", "starts"),
        Index("ix_time_off_business_id_ends", "business_id", "ends"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID | None]
    resource_id: Mapped[UUID | None]
    starts: Mapped[datetime]
    ends: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Text, default="absence", server_default="absence")
    #: What staff wrote beside it; never told to customers.
    note: Mapped[str | None] = mapped_column(Text)


class StaffZone(Base):
    """Local dates on which a person's hours are told by another zone's clock."""

    __tablename__ = "staff_zone"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        CheckConstraint("last_day IS NULL OR first_day <= last_day", name="order"),
        Index(None, "business_id", "staff_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID]
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    timezone: Mapped[str] = mapped_column(Text)


class ClassTime(Base):
    """A class on the weekly timetable: sessions are made of it as far ahead as can be booked."""

    __tablename__ = "class_time"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "service_id"], ["service.business_id", "service.id"]),
        ForeignKeyConstraint(["business_id", "location_id"], ["location.business_id", "location.id"]),
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("minute BETWEEN 0 AND 1439", name="minute"),
        Index(None, "business_id", "service_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    service_id: Mapped[UUID]
    location_id: Mapped[UUID]
    staff_id: Mapped[UUID | None]
    weekday: Mapped[int] = mapped_column(SmallInteger)
    #: Wall-clock minute of the location's day.
    minute: Mapped[int] = mapped_column(SmallInteger)
    #: Seats; None: the service's.
    capacity: Mapped[int | None] = mapped_column(Integer)
    first_day: Mapped[date | None]
    last_day: Mapped[date | None]


class ClassSession(Base):
    """One class that takes place: its seats are the units of a calendar of its own.

    States: open -> cancelled (by the business: it is not made again), or -> ended (nobody has a seat any
    more, or the timetable says otherwise: it may begin anew).
    """

    __tablename__ = "class_session"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "service_id"], ["service.business_id", "service.id"]),
        ForeignKeyConstraint(["business_id", "location_id"], ["location.business_id", "location.id"]),
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        UniqueConstraint("calendar_no"),
        # Two first bookers of an empty class make one session.
        UniqueConstraint("business_id", "service_id", "location_id", "starts"),
        CheckConstraint("starts < ends", name="order"),
        CheckConstraint(f"capacity BETWEEN 1 AND {CALENDAR_WIDTH}", name="capacity"),
        CheckConstraint("state IN ('open', 'cancelled', 'ended')", name="state"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    calendar_no: Mapped[int] = mapped_column(BigInteger, CALENDAR_NUMBERS, server_default=CALENDAR_NUMBERS.next_value())
    service_id: Mapped[UUID]
    location_id: Mapped[UUID]
    staff_id: Mapped[UUID | None]
    starts: Mapped[datetime]
    ends: Mapped[datetime]
    capacity: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text, default="open")


class BookingLimit(Base):
    """At most `count` bookings in each day, week, month or year: of a person, of a service, or of the pair.

    It is a calendar with `count` units, and a booking takes one unit for the whole period: so the same
    constraint that keeps two people out of one chair keeps the limit, whoever comes at the same instant.
    """

    __tablename__ = "booking_limit"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "staff_id"], ["staff.business_id", "staff.id"]),
        ForeignKeyConstraint(["business_id", "service_id"], ["service.business_id", "service.id"]),
        UniqueConstraint("calendar_no"),
        CheckConstraint("num_nonnulls(staff_id, service_id) >= 1", name="of"),
        CheckConstraint(f"count BETWEEN 1 AND {CALENDAR_WIDTH}", name="count"),
        CheckConstraint("period IN ('day', 'week', 'month', 'year')", name="period"),
        CheckConstraint("(opens IS NULL) = (closes IS NULL) AND (opens IS NULL OR opens < closes)", name="hours"),
        Index(None, "business_id"),
    )
    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    calendar_no: Mapped[int] = mapped_column(BigInteger, CALENDAR_NUMBERS, server_default=CALENDAR_NUMBERS.next_value())
    staff_id: Mapped[UUID | None]
    service_id: Mapped[UUID | None]
    period: Mapped[str] = mapped_column(Text)
    count: Mapped[int] = mapped_column(Integer)
    #: Only visits count that begin between these wall-clock minutes; None: all.
    opens: Mapped[int | None] = mapped_column(SmallInteger)
    closes: Mapped[int | None] = mapped_column(SmallInteger)

"""Bookings that end after a moment, found by when they begin: what is long past is never looked at."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Interval, func, literal, literal_column, select, type_coerce
from sqlalchemy.orm import aliased

from booking_core.models import Booking

#: As the index has it.
_A_DAY = literal_column("interval '1 day'", Interval())
_MOMENT = DateTime(timezone=True)


def ends_after(business_id: UUID, moment: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions for bookings that end after a moment.

    No index tells what has begun before it and is not over. But nothing began earlier than the longest booking there
    is would have; those of more than a day have an index of their lengths (`ix_booking_long`), and few have any.
    """
    known = aliased(Booking)
    length = type_coerce(known.ends, _MOMENT) - type_coerce(known.starts, _MOMENT)
    longest = select(func.max(length)).where(known.business_id == business_id, length > _A_DAY).scalar_subquery()
    begins = literal(moment, _MOMENT) - func.coalesce(longest, _A_DAY)
    # One that lasts a day to the second began no earlier.
    return Booking.ends > moment, Booking.starts >= begins

"""The system's clock: the database's time, plus a shift that only the sandbox can set.

Every process asks the same database, so that web and workers never disagree about what is due.
Rules never read a clock: they are given `now`.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Interval, SmallInteger, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from booking_core.kit.db import Base

#: The system's time, for statements written out.
NOW = "clock_timestamp() + coalesce((SELECT shift FROM clock_shift), interval '0')"
_NOW = text(f"SELECT {NOW}")


class ClockShift(Base):
    """The one row that moves the clock of a sandbox; empty in production."""

    __tablename__ = "clock_shift"
    one: Mapped[int] = mapped_column(SmallInteger, primary_key=True, default=1)
    shift: Mapped[timedelta] = mapped_column(Interval)


async def current_time(session: AsyncSession) -> datetime:
    """Return the system's time as an aware UTC datetime."""
    moment: datetime = (await session.execute(_NOW)).scalar_one()
    return moment.astimezone(UTC)


async def advance_clock(session: AsyncSession, by: timedelta) -> datetime:
    """Move the system's clock forward and return the new time; refuses to move it back."""
    if by < timedelta(0):
        raise ValueError("the clock only moves forward")
    await session.execute(
        text(
            "INSERT INTO clock_shift (one, shift) VALUES (1, :by) "
            "ON CONFLICT (one) DO UPDATE SET shift = clock_shift.shift + :by"
        ),
        {"by": by},
    )
    return await current_time(session)

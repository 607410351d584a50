"""Every thread, for managers: filtered, latest first, page by page at a cost that does not grow."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from bot.console.threads import ThreadRow, matches, read_rows, rows_of
from channels.models import Conversation

PAGE = 30
CHANNELS = ("sms", "whatsapp", "telegram", "web", "email")
OUTCOMES = ("booked", "moved", "cancelled", "handed_off", "none")
#: Text is searched by ILIKE, so never without a bound in time.
SEARCHED = timedelta(days=90)
#: Rows of one CSV file.
MOST_EXPORTED = 2000


@dataclass(frozen=True, slots=True)
class Filters:
    """What a manager asked for; unknown values count as not asked."""

    text: str = ""
    channel: str = ""
    outcome: str = ""
    first: date | None = None
    last: date | None = None

    @staticmethod
    def read(values: "dict[str, str]") -> "Filters":
        """Read the filters of a request's query."""
        channel, outcome = values.get("channel", ""), values.get("outcome", "")
        return Filters(
            text=values.get("q", "").replace("\x00", "").strip()[:200],
            channel=channel if channel in CHANNELS else "",
            outcome=outcome if outcome in OUTCOMES else "",
            first=_day(values.get("from", "")),
            last=_day(values.get("to", "")),
        )

    def query(self, **more: str) -> str:
        """Return the filters as the query of an address."""
        values = {
            "q": self.text,
            "channel": self.channel,
            "outcome": self.outcome,
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
            **more,
        }
        return urlencode({key: value for key, value in values.items() if value})

    @property
    def any(self) -> bool:
        """Whether anything is filtered."""
        return self != Filters()


@dataclass(frozen=True, slots=True)
class Page:
    """Some threads, and where the next ones begin."""

    rows: Sequence[ThreadRow]
    cursor: str | None


async def load_page(
    session: AsyncSession,
    business_id: UUID,
    filters: Filters,
    *,
    tz: str,
    now: datetime,
    cursor: str = "",
    size: int = PAGE,
) -> Page:
    """Return one page, found by keyset on (last message, id): page 1000 costs what page 1 does."""
    query = rows_of(business_id, None)
    zone = ZoneInfo(tz)
    since = datetime.combine(filters.first, time.min, zone) if filters.first else None
    if filters.text:
        since = max(since, now - SEARCHED) if since else now - SEARCHED
        query = query.where(matches(filters.text, since))
    if since:
        query = query.where(Conversation.last_message_at >= since)
    if filters.last:
        query = query.where(
            Conversation.last_message_at < datetime.combine(filters.last + timedelta(days=1), time.min, zone)
        )
    if filters.channel:
        query = query.where(Conversation.channel == filters.channel)
    if filters.outcome == "none":
        query = query.where(Conversation.outcome.is_(None))
    elif filters.outcome:
        query = query.where(Conversation.outcome == filters.outcome)
    if after := read_cursor(cursor):
        query = query.where(tuple_(Conversation.last_message_at, Conversation.id) < tuple_(*after))
    query = query.order_by(Conversation.last_message_at.desc(), Conversation.id.desc()).limit(size + 1)
    rows = [replace(row, unread=0) for row in await read_rows(session, query)]
    return Page(rows[:size], write_cursor(rows[size - 1]) if len(rows) > size else None)


def write_cursor(row: ThreadRow) -> str:
    """Return where a page ended."""
    return base64.urlsafe_b64encode(f"{row.last_at.isoformat()}|{row.id}".encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, UUID] | None:
    """Return where to go on; None (the first page) for what is none of our cursors."""
    try:
        at, _, key = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        moment = datetime.fromisoformat(at)
        return (moment, UUID(key)) if moment.tzinfo else None
    except (ValueError, binascii.Error):
        return None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return day if day and 2000 <= day.year <= 2200 else None

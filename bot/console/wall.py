"""Moments and money as a reader's locale writes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_interval, format_skeleton, format_time

from booking_core.rules.wallclock import instant, moment_of
from bot import phrasing
from bot.console.thread import Entry


@dataclass(frozen=True, slots=True)
class Wall:
    """Moments and money as one reader's locale writes them, on the wall clock of the business."""

    locale: str
    tz: str
    now: datetime

    def clock(self, moment: datetime) -> str:
        """Return `15:00`."""
        return phrasing.clock(moment, self.tz, self.locale)

    def day(self, moment: datetime) -> str:
        """Return `Tue, Nov 24`."""
        return phrasing.day(moment, self.tz, self.locale)

    def stamp(self, moment: datetime) -> str:
        """Return the clock for today, the weekday for the last days, else the date."""
        days = (self.local_date(self.now) - self.local_date(moment)).days
        if days == 0:
            return self.clock(moment)
        if 0 < days < 7:
            return str(format_skeleton("E", moment, tzinfo=ZoneInfo(self.tz), locale=self._babel))
        skeleton = "MMMd" if self.local_date(self.now).year == self.local_date(moment).year else "yMMMd"
        return str(format_skeleton(skeleton, moment, tzinfo=ZoneInfo(self.tz), locale=self._babel))

    def soon(self, moment: datetime) -> str:
        """Return the clock for today, else day and clock: of a moment that lies ahead."""
        today = self.local_date(self.now) == self.local_date(moment)
        return self.clock(moment) if today else self.full(moment)

    def full(self, moment: datetime) -> str:
        """Return day and clock."""
        return phrasing.day_and_clock(moment, self.tz, self.locale)

    def exact(self, moment: datetime) -> str:
        """Return `24 Nov 2026, 15:00:07`: of what must be proved, years later."""
        return str(format_datetime(moment, "medium", tzinfo=ZoneInfo(self.tz), locale=self._babel))

    def long_date(self, day: date) -> str:
        """Return `Tuesday, 24 November 2026`."""
        return str(format_date(day, "full", locale=self._babel))

    def local_date(self, moment: datetime) -> date:
        """Return the date on the wall."""
        return moment.astimezone(ZoneInfo(self.tz)).date()

    def money(self, amount: int, currency: str) -> str:
        """Return `€28.00` from minor units."""
        return phrasing.money(amount, currency, self.locale)

    def clock_in(self, moment: datetime, tz: str) -> str:
        """Return the clock on another wall: the location's."""
        return phrasing.clock(moment, tz, self.locale)

    def day_in(self, moment: datetime, tz: str) -> str:
        """Return the day on another wall."""
        return phrasing.day(moment, tz, self.locale)

    def date_in(self, moment: datetime, tz: str) -> date:
        """Return the date on another wall."""
        return moment.astimezone(ZoneInfo(tz)).date()

    def minute_in(self, moment: datetime, tz: str) -> int:
        """Return the minute of the day on another wall."""
        local = moment.astimezone(ZoneInfo(tz))
        return local.hour * 60 + local.minute

    def field_clock(self, moment: datetime, tz: str) -> str:
        """Return `15:00`, as a time field has it, whatever the locale."""
        return f"{moment.astimezone(ZoneInfo(tz)):%H:%M}"

    def weekday(self, day: date) -> str:
        """Return `Wed`."""
        return str(format_skeleton("E", datetime.combine(day, time()), locale=self._babel))

    def weekday_date(self, day: date) -> str:
        """Return `Wed 25`."""
        return str(format_skeleton("Ed", datetime.combine(day, time()), locale=self._babel))

    def dates(self, first: date, last: date) -> str:
        """Return `23–29 Nov 2026`."""
        return str(format_interval(first, last, "yMMMd", locale=self._babel))

    @property
    def week_starts(self) -> int:
        """Return the weekday (Monday is 0) with which a week begins where the reader lives."""
        return int(self._babel.first_week_day)

    def hour(self, hour: int) -> str:
        """Return an hour of the day's scale: `14:00`, or `2 PM` where clocks have twelve hours."""
        clock = time(hour % 24)
        if "a" in self._babel.time_formats["short"].pattern:
            said = str(format_skeleton("h", datetime.combine(date(2000, 1, 1), clock), locale=self._babel))
        else:
            said = str(format_time(clock, "short", locale=self._babel))
        return said.replace("\u202f", "\u00a0").replace(" ", "\u00a0")

    def span(self, first: int, last: int) -> str:
        """Return working time given in minutes of the day: `9:00 – 17:30`."""
        clocks = (time(minute // 60 % 24, minute % 60) for minute in (first, last))
        return "\u2009–\u2009".join(
            str(format_time(clock, "short", locale=self._babel)).replace("\u202f", "\u00a0") for clock in clocks
        )

    def stretch(self, starts: datetime, ends: datetime, tz: str) -> str:
        """Return `Wed 25 Nov, 12:30–14:00`, as briefly as it can be said; whole days have no clock."""
        first, last = (moment.astimezone(ZoneInfo(tz)) for moment in (starts, ends))
        if first.time() == last.time() == time():
            until = ends - timedelta(minutes=1)
            days = [self.day_in(starts, tz), self.day_in(until, tz)]
            return "\u2009–\u2009".join(dict.fromkeys(days))
        begins = f"{self.day_in(starts, tz)}, {self.clock_in(starts, tz)}"
        if first.date() == last.date() or first.date() == (last - timedelta(minutes=1)).date():
            return f"{begins}–{self.clock_in(ends, tz)}"
        return f"{begins} – {self.day_in(ends, tz)}, {self.clock_in(ends, tz)}"

    def dated(self, entries: Sequence[Entry]) -> list[tuple[Entry, str]]:
        """Return each entry with the day that begins with it, if one does."""
        days = [self.local_date(entry.at) for entry in entries]
        return [
            (entry, "" if index and days[index - 1] == days[index] else self.long_date(days[index]))
            for index, entry in enumerate(entries)
        ]

    def iso(self, text: object) -> datetime | None:
        """Return the moment an ISO text with an offset stands for; None for anything else."""
        try:
            moment = datetime.fromisoformat(str(text))
        except ValueError:
            return None
        return moment if moment.tzinfo else None

    def reading(self, start: datetime | None, end: datetime | None) -> str:
        """Return a window of wall time (it has no zone of its own): `Tue, Nov 24, 12:00 – 18:00`."""
        zone = ZoneInfo(self.tz)
        first, last = (side.replace(tzinfo=zone) if side else None for side in (start, end))
        if first and last:
            same = first.date() == last.date()
            return f"{self.full(first)} – {self.clock(last) if same else self.full(last)}"
        return f"{self.full(first) if first else '…'} – {self.full(last) if last else '…'}"

    @property
    def _babel(self) -> Locale:
        return phrasing.babel_locale(self.locale)


def moment_on(day: date, minute: int, tz: str) -> datetime:
    """Return the moment at which a wall shows a minute of a date."""
    return moment_of(instant(tz, day, minute))


def read_clock(text: str) -> int | None:
    """Return the minute of the day that a time field says; None for anything else."""
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        return None
    return None if clock.tzinfo else clock.hour * 60 + clock.minute
